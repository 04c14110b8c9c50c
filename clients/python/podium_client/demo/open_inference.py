"""Chapter: the Open Inference Protocol, called by the client that people already have."""

import functools
import importlib
import importlib.util
import queue
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from podium_client.demo.samples import digits
from podium_client.demo.stage import Stage
from podium_client.tensors import Tensor

MODEL = "digits"


def show_open_inference(stage: Stage) -> None:
    """Call every method with tritonclient, and compare its logits with those of the typed call."""
    stage.chapter("inference.GRPCInferenceService by tritonclient")
    if importlib.util.find_spec("tritonclient") is None:
        raise click.ClickException(
            "the demo calls the Open Inference Protocol by tritonclient, which is not installed: "
            "pip install 'podium[dev]'"
        )
    triton: Any = importlib.import_module("tritonclient.grpc")  # its types claim that every answer may be None

    row = _row(stage)
    typed = stage.client.classify(MODEL, Tensor(row), return_logits=True).logits
    with triton.InferenceServerClient(stage.addresses.grpc) as client:
        _check_states(stage, client)
        metadata = client.get_model_metadata(MODEL)
        feed = triton.InferInput(metadata.inputs[0].name, (1, *row.shape), metadata.inputs[0].datatype)
        feed.set_data_from_numpy(row[np.newaxis])
        output = metadata.outputs[0].name
        logits = {
            "ModelInfer": client.infer(MODEL, [feed]).as_numpy(output)[0],
            "ModelStreamInfer": _streamed(client, [feed]).as_numpy(output)[0],
        }
        for method, said in logits.items():
            same = typed is not None and np.array_equal(said, typed)
            stage.expect(same, f"logits by {method}", expected="those of Classify, bit for bit", got=said)
        statistics = client.get_inference_statistics(MODEL).model_stats[0]
    stage.console.print(
        f"{metadata.name}: {metadata.inputs[0].name} {metadata.inputs[0].datatype} "
        f"{list(metadata.inputs[0].shape)} → {output} {list(metadata.outputs[0].shape)}; "
        f"{statistics.inference_count} rows in {statistics.execution_count} runs so far"
    )
    stage.console.print("ModelInfer and ModelStreamInfer give the logits of Classify, bit for bit.")


def _row(stage: Stage) -> NDArray[np.float32]:
    """Prepare a digit as the manifest says: (pixel * rescale - mean) / std."""
    steps = stage.client.model(MODEL).manifest.image_preprocessing
    mean, std = (steps.mean or [0.0])[0], (steps.std or [1.0])[0]
    pixels = digits(1)[3].pixels.astype(np.float64)
    return ((pixels * steps.rescale - mean) / std).astype(np.float32)[np.newaxis]


def _check_states(stage: Stage, client: Any) -> None:
    states = {
        "ServerLive": client.is_server_live(),
        "ServerReady": client.is_server_ready(),
        "ModelReady": client.is_model_ready(MODEL),
    }
    for method, state in states.items():
        stage.expect(bool(state), method, expected="true", got="false")
    config = client.get_model_config(MODEL).config
    index = [f"{entry.name}/{entry.version}" for entry in client.get_model_repository_index().models]
    server = client.get_server_metadata()
    stage.console.print(f"{server.name} {server.version}, extensions: {', '.join(server.extensions)}")
    stage.console.print(f"RepositoryIndex: {', '.join(index)}; largest batch of {MODEL}: {config.max_batch_size}")


def _streamed(client: Any, inputs: list[Any]) -> Any:
    answers: queue.Queue[tuple[Any, Any]] = queue.Queue()
    client.start_stream(callback=functools.partial(_put, answers))
    try:
        client.async_stream_infer(MODEL, inputs)
        result, error = answers.get(timeout=30)
    finally:
        client.stop_stream()
    if error is not None:
        raise click.ClickException(f"ModelStreamInfer: {error}")
    return result


def _put(answers: "queue.Queue[tuple[Any, Any]]", result: Any, error: Any) -> None:
    answers.put((result, error))
