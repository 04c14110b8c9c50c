"""`podium verify` as its users call it: on version folders, models, repositories, and on what is none."""

from pathlib import Path

from click.testing import CliRunner, Result
from podium.v1 import model_manifest_pb2 as pb
from podium_server.verify import verify

from tests.server.packages import write_package


def verified(path: Path, *options: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(verify, [str(path), *options])


def test_a_repository_is_verified_version_by_version(tmp_path: Path) -> None:
    """One that was changed is named with the reason; the others are checked all the same."""
    for version in ("1", "2"):
        write_package(tmp_path / "double" / version)
    with (tmp_path / "double" / "1" / "model.onnx").open("ab") as file:
        file.write(b"x")

    result = verified(tmp_path)

    first, second = result.output.splitlines()
    assert result.exit_code == 1
    assert first.startswith(f"FAILED  {tmp_path}/double/1: 'model.onnx' has ")
    assert second.startswith(f"ok  {tmp_path}/double/2: ")


def test_folders_that_a_server_takes_for_no_version_are_not_verified(tmp_path: Path) -> None:
    """Versions are integers of 1 or more, written without zeros before them."""
    for version in ("1", "02", "0", "²"):
        write_package(tmp_path / "double" / version)

    result = verified(tmp_path)

    assert [line.split(":")[0] for line in result.output.splitlines()] == [f"ok  {tmp_path}/double/1"]


def test_what_no_service_could_answer_with_fails(tmp_path: Path) -> None:
    """A server would refuse it at load, so it must not pass here."""
    write_package(tmp_path / "1", manifest={"task": pb.TASK_IMAGE_CLASSIFICATION})

    result = verified(tmp_path / "1")

    assert result.exit_code == 1
    assert result.output.startswith(f"FAILED  {tmp_path}/1: image_preprocessing")


def test_a_device_that_is_none_is_the_command_lines_fault(tmp_path: Path) -> None:
    """No package is called broken for it."""
    write_package(tmp_path / "1")

    result = verified(tmp_path, "--device", "gpu")

    assert result.exit_code == 2
    assert "--device gpu: must be auto, cpu, cuda" in result.output
    assert "FAILED" not in result.output


def test_a_device_that_is_not_here_is_told_once(tmp_path: Path) -> None:
    """However many versions wait to be checked on it. CoreML is on no machine with Linux."""
    for version in ("1", "2"):
        write_package(tmp_path / "double" / version)

    result = verified(tmp_path, "--device", "coreml")

    assert result.exit_code == 1
    assert result.output.count("--device coreml: ") == 1
    assert "FAILED" not in result.output
