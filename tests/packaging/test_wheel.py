"""The wheel that users install: built, installed into an environment of its own, and used from there."""

import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
from onnx import TensorProto, helper, save_model

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built wheel."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (path,) = out.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an environment that holds the wheel, and nothing of this checkout.

    Its dependencies are those of the running environment: a folder named in a .pth file is searched, but the .pth files
    in it, and so the editable install, are not read.
    """
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    site = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    (Path(site) / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    install = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "--no-deps",
        "--no-index",
        "--ignore-installed",
    ]
    subprocess.run([*install, str(wheel)], check=True, capture_output=True)
    return folder / "bin"


def test_the_wheel_holds_the_four_packages_and_nothing_else(wheel: Path) -> None:
    """Code, types and the protocol's descriptors are in it; tests and scripts are not."""
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert tops == {"podium", "podium_server", "podium_export", "podium_client"}
    for needed in (
        "podium/v1/classification_service_pb2.py",
        "podium/v1/classification_service_pb2_grpc.pyi",
        "podium/v1/py.typed",
        "podium_client/py.typed",
        "podium_server/oip/open_inference.binpb",
    ):
        assert needed in names
    assert "podium/__init__.py" not in names, "other projects install a package of that name"


def test_the_installed_packages_are_the_wheels(environment: Path) -> None:
    """The environment imports from the wheel, not from this checkout."""
    imports = "import podium_server as s, podium_client, podium_export, podium.v1.tensor_pb2 as t"
    code = f"{imports}; print(s.__file__, t.__file__)"
    run = subprocess.run([environment / "python", "-c", code], check=True, capture_output=True, text=True)
    assert str(ROOT) not in run.stdout
    assert run.stdout.count(str(environment.parent)) == 2


def test_the_installed_command_verifies_a_model(environment: Path, tmp_path: Path) -> None:
    """`podium` finds its subcommands through the wheel's entry points, and they work."""
    folder = tmp_path / "identity" / "1"
    folder.mkdir(parents=True)
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"])
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n"])
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [value], [result])
    save_model(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), folder / "model.onnx"
    )
    run = subprocess.run([environment / "podium", "verify", str(tmp_path)], check=False, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "loads on CPUExecutionProvider" in run.stdout


def test_generated_code_runs_on_protobuf_7(tmp_path: Path) -> None:
    """The running environment has protobuf 6, which tritonclient needs; users may have 7."""
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(tmp_path), "protobuf>=7,<8"]
    subprocess.run(install, check=True, capture_output=True)
    code = (
        "import google.protobuf as p; from podium.v1 import model_manifest_pb2 as m, classification_service_pb2 as c\n"
        "from podium_server.oip import messages\n"
        "from google.protobuf import json_format\n"
        'manifest = json_format.Parse(\'{"format": 1, "task": "TASK_TENSOR"}\', m.ModelManifest())\n'
        "request = messages.ModelInferRequest.FromString(messages.ModelInferRequest(id='7').SerializeToString())\n"
        "print(p.__version__.split('.')[0], manifest.task, request.id)"
    )
    environment = {"PYTHONPATH": str(tmp_path), "PATH": ""}
    run = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, env=environment)
    assert run.stdout.split() == ["7", "1", "7"], run.stderr
