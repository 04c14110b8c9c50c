"""`podium replay` of what `podium serve --capture-dir` kept: the same answers again, or how far from them."""

import json
import platform
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from click.testing import CliRunner, Result
from podium.v1 import captured_call_pb2, decoding_pb2, image_service_pb2, text_service_pb2
from podium.v1 import image_service_pb2_grpc as image_stubs
from podium.v1 import model_manifest_pb2 as manifest_pb
from podium.v1 import text_service_pb2_grpc as text_stubs
from podium_client.commands.replay import replay
from podium_client.replay.messages import MODEL_INFER
from podium_server.oip.messages import ModelInferRequest, ModelInferResponse

from tests.oip.running import Running, serve
from tests.server.packages import scaled, write_onnx, write_package
from tests.server.pictures import models
from tests.server.services.networks import write_letters, write_translator

LAYOUT = {"cores": 1, "sessions": 1, "threads": 1, "max_batch_rows": 8}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of each kind that a call with one answer is of; `double` has a second version, y = 3x."""
    folder = tmp_path_factory.mktemp("repository")
    write_package(folder / "double" / "1")
    write_onnx(folder / "double" / "2", scaled(3.0))
    write_letters(folder / "letters" / "1")
    write_translator(folder / "translator" / "1")
    space = manifest_pb.LatentSpace(parts=[models.normal(4)])
    models.write_model(folder / "gan" / "1", {"decoder": models.plain_decoder()}, latent_space=space)
    return folder


def call_everything(channel: grpc.Channel) -> None:
    """Ask each model once, without a seed where one may be left out; texts and pictures as streams."""
    tensor = ModelInferRequest.InferInputTensor(name="x", datatype="FP32", shape=[1, 3])
    raw = np.array([1, 2, 4], "<f4").tobytes()
    infer: Any = channel.unary_unary(
        "/inference.GRPCInferenceService/ModelInfer",
        request_serializer=ModelInferRequest.SerializeToString,
        response_deserializer=ModelInferResponse.FromString,
    )
    infer(ModelInferRequest(model_name="double", model_version="1", inputs=[tensor], raw_input_contents=[raw]))
    texts, images = text_stubs.TextServiceStub(channel), image_stubs.ImageServiceStub(channel)
    assert list(texts.StreamGenerate(text_service_pb2.StreamGenerateRequest(model="letters", prompt="a cab")))
    texts.Score(text_service_pb2.ScoreRequest(model="letters", texts=["a cab", "bed"]))
    drawn = decoding_pb2.Decoding(temperature=1.0)
    texts.Translate(text_service_pb2.TranslateRequest(model="translator", texts=["eine katze"], decoding=drawn))
    assert list(images.StreamSample(image_service_pb2.StreamSampleRequest(model="gan", count=3)))


@pytest.fixture(scope="module")
def kept(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Captured calls by their methods."""
    folder = tmp_path_factory.mktemp("kept")
    with serve(repository, capture_dir=folder, **LAYOUT) as running, grpc.insecure_channel(running.address) as channel:
        call_everything(channel)
    by_method: dict[str, Path] = {}
    for file in sorted(folder.iterdir()):
        by_method[captured_call_pb2.CapturedCall.FromString(file.read_bytes()).method] = file
    assert len(by_method) == 5
    return by_method


@pytest.fixture(scope="module")
def other(repository: Path) -> Iterator[Running]:
    """Another server of the same repository, which batches otherwise."""
    with serve(repository, **(LAYOUT | {"max_batch_rows": 2})) as running:
        yield running


@pytest.fixture
def run(other: Running) -> Callable[..., Result]:
    """Run the command against that server."""

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(replay, [str(each) for each in arguments] + ["--address", other.address])

    return run


def test_another_server_gives_the_same_answers(run: Callable[..., Result], kept: dict[str, Path]) -> None:
    """Every kind of call, with the seeds that the first server chose; exit status 0."""
    done = run(*kept.values())
    assert done.exit_code == 0, done.output
    assert [line.split(": ")[1] for line in done.output.splitlines() if line.startswith("/")] == ["same"] * 5


def test_another_version_differs_by_so_much(run: Callable[..., Result], kept: dict[str, Path]) -> None:
    """3x instead of 2x of (1, 2, 4): by 4 at most; exit status 1, and 0 within that tolerance."""
    done = run(kept[MODEL_INFER], "--model", "double/2", "--json")
    assert done.exit_code == 1, done.output
    (record,) = json.loads(done.output)
    assert record["difference"] == {"numbers": {"size": 4.0, "field": "output 'y'"}, "texts": None, "others": []}
    assert (record["same"], record["model"], record["version"]) == (False, "double", 1)
    assert (record["answered_by"]["model"], record["answered_by"]["version"]) == ("double", 2)
    assert run(kept[MODEL_INFER], "--model", "double/2", "--tolerance", 4).exit_code == 0
    told = run(kept[MODEL_INFER], "--model", "double/2").output
    assert "differs: numbers by up to 4 (output 'y')" in told


def test_answer_that_was_another_then_is_told_by_its_text(
    run: Callable[..., Result], kept: dict[str, Path], tmp_path: Path
) -> None:
    """Two characters changed in what was kept are two characters of difference."""
    call = captured_call_pb2.CapturedCall.FromString(kept["podium.v1.TextService.Generate"].read_bytes())
    answer = text_service_pb2.GenerateResponse.FromString(call.response)
    answer.sequences[0].text = "##" + answer.sequences[0].text[2:]
    call.response = answer.SerializeToString()
    file = tmp_path / "changed"
    file.write_bytes(call.SerializeToString())
    done = run(file)
    assert done.exit_code == 1
    assert "texts by up to 2 characters (sequences[0].text)" in done.output


def test_call_that_failed_then_and_is_answered_now_differs(
    run: Callable[..., Result], kept: dict[str, Path], tmp_path: Path
) -> None:
    """The other machine takes what the first could not."""
    call = captured_call_pb2.CapturedCall.FromString(kept[MODEL_INFER].read_bytes())
    call.code, call.response = "INTERNAL", b""
    file = tmp_path / "failed"
    file.write_bytes(call.SerializeToString())
    done = run(file)
    assert done.exit_code == 1
    assert "it failed then, and now it is answered" in done.output


def test_call_that_is_refused_keeps_no_other_from_being_asked(
    run: Callable[..., Result], kept: dict[str, Path], tmp_path: Path
) -> None:
    """A model that is for another task, or missing, is told beside its file; it is no failure like the one of then."""
    generate = kept["podium.v1.TextService.Generate"]
    call = captured_call_pb2.CapturedCall.FromString(generate.read_bytes())
    call.code, call.response = "INTERNAL", b""
    failed = tmp_path / "failed"
    failed.write_bytes(call.SerializeToString())
    done = run(generate, failed, kept[MODEL_INFER], "--model", "double/2")
    assert done.exit_code == 1
    first, second, third = (line for line in done.output.splitlines() if line.startswith("/"))
    assert first.startswith(f"{generate}: differs: it was answered then, and now ")
    assert "text generation" in first
    assert second.startswith(f"{failed}: differs: it failed then, and now ")
    assert third == f"{kept[MODEL_INFER]}: differs: numbers by up to 4 (output 'y')"
    assert "has no version 9" in run(generate, "--model", "letters/9").output


@pytest.mark.parametrize("data", [b"\xff\xff no message", b"", b"\n\x09a.B.Other"])
def test_file_that_is_no_captured_call_is_refused(run: Callable[..., Result], tmp_path: Path, data: bytes) -> None:
    """Junk, nothing, and a method that nobody knows; exit status 1, no traceback."""
    file = tmp_path / "other"
    file.write_bytes(data)
    done = run(file)
    assert done.exit_code == 1
    assert "Error: " in done.output


def test_same_model_on_the_same_machine_is_told_as_such(run: Callable[..., Result], kept: dict[str, Path]) -> None:
    """By the digest of its files; nothing is said to have changed, of calls of either protocol."""
    for record in json.loads(run(*kept.values(), "--json").output):
        assert record["changed"] == []
        assert record["answered_by"]["model_digest"] == record["model_digest"] != ""
        assert record["answered_by"]["runtime_versions"] == record["runtime_versions"]
    assert "changed" not in run(*kept.values()).output


def test_another_model_of_the_same_name_is_told_though_it_answers_alike(kept: dict[str, Path], tmp_path: Path) -> None:
    """A version of the same number with other files: the answer is the same, and the model is not."""
    rows = np.ones((1, 3), np.float32)
    golden = {"0/model/inputs/x": rows, "0/model/outputs/y": 2 * rows}
    write_package(tmp_path / "double" / "1", golden=golden)
    with serve(tmp_path, **LAYOUT) as running:
        done = CliRunner().invoke(replay, [str(kept[MODEL_INFER]), "--address", running.address])
    assert done.exit_code == 0, done.output
    assert ": same\n" in done.output
    assert done.output.endswith("changed: the model's files are others\n")


def test_what_runs_the_model_is_told_where_it_is_another(
    run: Callable[..., Result], kept: dict[str, Path], tmp_path: Path
) -> None:
    """Provider, machine and versions; what one side does not know has not changed."""
    call = captured_call_pb2.CapturedCall.FromString(kept[MODEL_INFER].read_bytes())
    now = call.runtime_versions["onnxruntime"]
    call.execution_provider, call.machine = "CUDAExecutionProvider", "sparc"
    call.runtime_versions["onnxruntime"] = "1.0.0"
    call.runtime_versions["abacus"] = "3"
    call.model_digest = ""
    file = tmp_path / "elsewhere"
    file.write_bytes(call.SerializeToString())
    (record,) = json.loads(run(file, "--json").output)
    assert record["changed"] == [
        "provider CPUExecutionProvider instead of CUDAExecutionProvider",
        f"machine {platform.machine()} instead of sparc",
        f"onnxruntime {now} instead of 1.0.0",
    ]


def test_repository_is_asked_without_a_server(kept: dict[str, Path], repository: Path) -> None:
    """The command serves it for as long as this takes."""
    done = CliRunner().invoke(replay, [str(kept[MODEL_INFER]), "--repository", str(repository)])
    assert done.exit_code == 0, done.output
