"""The server as tritonclient's gRPC clients see it, unmodified: what they send, read and look up works."""

import asyncio
import queue
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np
import pytest
import tritonclient.grpc as triton
import tritonclient.grpc.aio as triton_aio
from podium_server.elements import ELEMENTS, Element
from tritonclient.utils import InferenceServerException

from tests.oip.running import Running

Answers: TypeAlias = "queue.Queue[tuple[Any, Any]]"


@pytest.fixture(scope="module")
def client(running: Running) -> Iterator[Any]:
    """The blocking client."""
    with triton.InferenceServerClient(running.address) as client:
        yield client


def given(name: str, x: Any, datatype: str) -> Any:
    made = triton.InferInput(name, x.shape, datatype)
    made.set_data_from_numpy(x)
    return made


def pair(rows: int = 2, start: float = 0) -> tuple[list[Any], Any, Any]:
    """Inputs of `simple`, and the numbers in them."""
    a = np.arange(start, start + rows * 4, dtype=np.float32).reshape(rows, 4)
    b = np.full((rows, 4), 10, np.float32)
    return [given("a", a, "FP32"), given("b", b, "FP32")], a, b


def into(answers: Answers) -> Callable[[Any, Any], None]:
    """A callback that puts what comes into a queue."""

    def put(result: Any, error: Any) -> None:
        answers.put((result, error))

    return put


def sample(element: Element, shape: tuple[int, ...]) -> Any:
    values = np.arange(np.prod(shape)).reshape(shape)
    if element.is_string:
        return np.array([f"é{value}".encode() for value in values.ravel()], np.object_).reshape(shape)
    return np.asarray(values % 2 if element.oip == "BOOL" else values).astype(element.dtype)


def test_health_and_metadata(client: Any) -> None:
    """Alive, ready, and what it is."""
    assert client.is_server_live()
    assert client.is_server_ready()
    metadata = client.get_server_metadata()
    assert metadata.name == "podium"
    assert {"statistics", "model_repository", "parameters"} <= set(metadata.extensions)
    assert not {"system_shared_memory", "cuda_shared_memory", "trace", "logging", "sequence"} & set(metadata.extensions)


def test_models_are_ready_or_say_so(client: Any) -> None:
    """By name, by version; broken is not ready, and unknown is an error."""
    assert client.is_model_ready("simple")
    assert client.is_model_ready("simple", "3")
    assert not client.is_model_ready("broken")
    with pytest.raises(InferenceServerException, match="Request for unknown model: 'nope' is not found"):
        client.is_model_ready("nope")
    with pytest.raises(InferenceServerException, match="Request for unknown model: 'simple' version 2 is not found"):
        client.is_model_ready("simple", "2")


def test_metadata_of_a_batched_model_starts_with_minus_one(client: Any) -> None:
    """Complete shapes, and every version that is ready."""
    metadata = client.get_model_metadata("simple")
    assert (metadata.name, list(metadata.versions), metadata.platform) == ("simple", ["1", "3"], "onnxruntime_onnx")
    assert [(i.name, i.datatype, list(i.shape)) for i in metadata.inputs] == [
        ("a", "FP32", [-1, 4]),
        ("b", "FP32", [-1, 4]),
    ]
    assert [(o.name, o.datatype, list(o.shape)) for o in metadata.outputs] == [
        ("sum", "FP32", [-1, 4]),
        ("difference", "FP32", [-1, 4]),
    ]


def test_configuration_leaves_the_batch_out_of_dims(client: Any) -> None:
    """What perf_analyzer reads: `max_batch_size`, dims without the batch, not decoupled."""
    config = client.get_model_config("simple").config
    assert config.max_batch_size >= 8
    assert [(i.name, i.data_type, list(i.dims)) for i in config.input] == [("a", 11, [4]), ("b", 11, [4])]
    assert not config.model_transaction_policy.decoupled
    assert list(config.dynamic_batching.preferred_batch_size) == [8]


def test_configuration_without_batch_has_complete_dims(client: Any) -> None:
    """`max_batch_size` 0 says that the first axis is an axis like others."""
    config = client.get_model_config("scaled").config
    assert config.max_batch_size == 0
    assert [list(i.dims) for i in config.input] == [[-1, 2], []]


def test_inference_names_the_version_and_echoes_the_id(client: Any) -> None:
    """The newest version answers when none is named; raw outputs of the right type."""
    inputs, a, b = pair()
    result = client.infer("simple", inputs, request_id="q7")
    assert np.array_equal(result.as_numpy("sum"), a + b)
    assert np.array_equal(result.as_numpy("difference"), a - b)
    assert (result.get_response().id, result.get_response().model_version) == ("q7", "3")
    assert client.infer("simple", inputs, model_version="1").get_response().model_version == "1"


def test_more_rows_than_a_run_takes_are_split_and_joined(client: Any) -> None:
    """20 rows in runs of at most 8; also more than `max_batch_size` says."""
    for rows in (20, client.get_model_config("simple").config.max_batch_size + 1):
        inputs, a, b = pair(rows)
        assert np.array_equal(client.infer("simple", inputs).as_numpy("sum"), a + b)


def test_requested_outputs_come_alone(client: Any) -> None:
    """Others are not sent."""
    inputs, a, b = pair()
    result = client.infer("simple", inputs, outputs=[triton.InferRequestedOutput("difference")])
    assert np.array_equal(result.as_numpy("difference"), a - b)
    assert result.as_numpy("sum") is None


def test_classification_is_text(client: Any) -> None:
    """`class_count` of the client: the best of each row."""
    inputs, _, _ = pair()
    result = client.infer("simple", inputs, outputs=[triton.InferRequestedOutput("sum", class_count=2)])
    assert result.as_numpy("sum").tolist() == [[b"13.000000:3", b"12.000000:2"], [b"17.000000:3", b"16.000000:2"]]


@pytest.mark.parametrize("element", ELEMENTS, ids=lambda element: element.oip)
@pytest.mark.parametrize("shape", [(2, 3), (1, 0)], ids=["matrix", "empty"])
def test_every_datatype_goes_through(client: Any, element: Element, shape: tuple[int, ...]) -> None:
    """Numbers, truth values and text come back as they went."""
    x = sample(element, shape)
    y = client.infer(f"same-{element.oip}", [given("x", x, element.oip)]).as_numpy("y")
    assert y.shape == shape
    assert np.array_equal(x, y)


@pytest.mark.parametrize("element", ELEMENTS, ids=lambda element: element.oip)
def test_every_scalar_goes_through(client: Any, element: Element) -> None:
    """A scalar has no axes, here and there."""
    x = sample(element, ())
    y = client.infer(f"scalar-{element.oip}", [given("x", x, element.oip)]).as_numpy("y")
    assert y.shape == ()
    assert y.tolist() == x.tolist()


def test_priority_timeout_and_own_parameters_are_taken(client: Any) -> None:
    """What the client's own arguments send is understood, and what a caller adds is passed over."""
    inputs, a, b = pair()
    result = client.infer(
        "simple",
        inputs,
        priority=1,
        timeout=30_000_000,
        sequence_id=4,
        sequence_start=True,
        parameters={"seed": 7, "note": "x", "exact": True, "rate": 0.5},
    )
    assert np.array_equal(result.as_numpy("sum"), a + b)


def test_callbacks_get_answers_and_errors(client: Any) -> None:
    """`async_infer` of the blocking client."""
    answers: Answers = queue.Queue()
    inputs, a, b = pair()
    client.async_infer("simple", inputs, callback=into(answers))
    result, error = answers.get(timeout=30)
    assert error is None
    assert np.array_equal(result.as_numpy("sum"), a + b)
    client.async_infer("nope", inputs, callback=into(answers))
    assert "unknown model" in str(answers.get(timeout=30)[1])


def test_long_texts_go_through(client: Any) -> None:
    """Beyond what is converted in the event loop, in both directions."""
    x = np.array([[f"{number:0100}".encode() for number in range(4000)]], np.object_)
    assert np.array_equal(client.infer("same-BYTES", [given("x", x, "BYTES")]).as_numpy("y"), x)


def test_compression_is_understood(client: Any) -> None:
    """gRPC's own compression of a call."""
    inputs, a, b = pair()
    result = client.infer("simple", inputs, compression_algorithm="gzip")
    assert np.array_equal(result.as_numpy("sum"), a + b)


@pytest.mark.parametrize(
    ("model", "spoil", "code", "message"),
    [
        ("nope", {}, "NOT_FOUND", "Request for unknown model: 'nope' is not found"),
        ("simple", {"model_version": "9"}, "NOT_FOUND", "Request for unknown model: 'simple' version 9 is not found"),
        ("simple", {"model_version": "v1"}, "INVALID_ARGUMENT", "versions are integers of 1 or more"),
        ("broken", {}, "UNAVAILABLE", "is no ONNX file"),
        ("scaled", {}, "INVALID_ARGUMENT", "missing required input"),
        ("sequence", {}, "UNIMPLEMENTED", r"'s' is seq\(tensor\(int64\)\), which this protocol cannot carry"),
        ("", {}, "INVALID_ARGUMENT", "the model's name is empty"),
    ],
)
def test_refusals_have_a_code_and_a_reason(
    client: Any, model: str, spoil: dict[str, Any], code: str, message: str
) -> None:
    """What operators search for in their logs, and codes that say who is to blame."""
    inputs, _, _ = pair()
    with pytest.raises(InferenceServerException, match=message) as refusal:
        client.infer(model, inputs, **spoil)
    assert refusal.value.status() == f"StatusCode.{code}"


def test_a_failing_run_is_internal_and_says_why(client: Any) -> None:
    """The reason is the execution provider's own."""
    index = np.array([5])
    with pytest.raises(InferenceServerException, match="idx=5 must be within the inclusive range") as failure:
        client.infer("lookup", [given("index", index, "INT64")])
    assert failure.value.status() == "StatusCode.INTERNAL"


def test_text_that_is_not_utf8_is_refused(client: Any) -> None:
    """ONNX's strings are UTF-8."""
    x = np.array([[b"\xff\xd8"]], np.object_)
    with pytest.raises(InferenceServerException, match="element 0 is not UTF-8") as refusal:
        client.infer("same-BYTES", [given("x", x, "BYTES")])
    assert refusal.value.status() == "StatusCode.INVALID_ARGUMENT"


def test_features_that_are_not_there_are_unimplemented(client: Any) -> None:
    """Shared memory, traces and log settings are not announced, and gRPC itself says so."""
    calls = (client.get_system_shared_memory_status, client.get_trace_settings, client.get_log_settings)
    for call in calls:
        with pytest.raises(InferenceServerException) as refusal:
            call()
        assert refusal.value.status() == "StatusCode.UNIMPLEMENTED"


def test_the_index_shows_every_version_with_its_state(client: Any) -> None:
    """Broken ones with the reason; `ready` filters on request."""
    index = {(m.name, m.version): m for m in client.get_model_repository_index().models}
    assert index["simple", "1"].state == index["simple", "3"].state == "READY"
    assert index["broken", "1"].state == "UNAVAILABLE"
    assert "is no ONNX file" in index["broken", "1"].reason


def test_models_are_unloaded_and_loaded(client: Any) -> None:
    """Both ways and back, with the client's own parameters."""
    client.unload_model("spare")
    assert not client.is_model_ready("spare")
    with pytest.raises(InferenceServerException, match="unloaded") as refusal:
        client.infer("spare", [given("x", np.zeros(1, np.float32), "FP32")])
    assert refusal.value.status() == "StatusCode.UNAVAILABLE"
    client.load_model("spare")
    assert client.is_model_ready("spare")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ({"model_name": "nope"}, "NOT_FOUND", "'nope' is not found"),
        ({"model_name": "../simple"}, "NOT_FOUND", "not found"),
        ({"model_name": "broken"}, "FAILED_PRECONDITION", "failed to load 'broken'.*is no ONNX file"),
        ({"model_name": "simple", "config": "{}"}, "UNIMPLEMENTED", "'config'.*from the server's repository alone"),
        ({"model_name": "simple", "config": "{}", "files": {"file:1/model.onnx": b""}}, "UNIMPLEMENTED", "repository"),
        ({"model_name": ""}, "INVALID_ARGUMENT", "the model's name is empty"),
    ],
)
def test_loads_that_cannot_be_are_refused(client: Any, arguments: dict[str, Any], code: str, message: str) -> None:
    """The repository is the only source of models, and its faults are told."""
    with pytest.raises(InferenceServerException, match=message) as refusal:
        client.load_model(**arguments)
    assert refusal.value.status() == f"StatusCode.{code}"


def test_statistics_count_each_request_once(client: Any) -> None:
    """Success, queue and the three parts of computing grow alike; rows and runs by their own numbers."""

    def counts() -> Any:
        (statistics,) = client.get_inference_statistics("simple", "1").model_stats
        return statistics

    before = counts()
    inputs, _, _ = pair(rows=3)
    for _ in range(2):
        client.infer("simple", inputs, model_version="1")
    with pytest.raises(InferenceServerException):
        client.infer("simple", inputs[:1], model_version="1")
    after = counts()
    int(after.version)
    parts = ("success", "queue", "compute_input", "compute_infer", "compute_output")
    for part in parts:
        old, new = getattr(before.inference_stats, part), getattr(after.inference_stats, part)
        assert new.count - old.count == 2
        assert new.ns > old.ns
    assert after.inference_stats.fail.count - before.inference_stats.fail.count == 1
    assert after.inference_count - before.inference_count == 6
    assert after.execution_count - before.execution_count == 2
    assert after.last_inference >= before.last_inference
    assert 3 in {batch.batch_size for batch in after.batch_stats}


def test_statistics_of_everything_name_every_loaded_version(client: Any) -> None:
    """Without a name, all; with a name, its versions; unknown names are errors."""
    everything = {(s.name, s.version) for s in client.get_inference_statistics().model_stats}
    assert {("simple", "1"), ("simple", "3"), ("scaled", "1")} <= everything
    of_one = client.get_inference_statistics("simple").model_stats
    assert [s.version for s in of_one] == ["1", "3"]
    with pytest.raises(InferenceServerException, match="unknown model"):
        client.get_inference_statistics("nope")


def test_streams_answer_in_order_and_outlive_errors(client: Any) -> None:
    """Many requests of several models on one stream; an error is the answer to its own request only."""
    answers: Answers = queue.Queue()
    client.start_stream(callback=into(answers))
    try:
        for number in range(30):
            inputs, _, _ = pair(rows=1, start=number)
            client.async_stream_infer("nope" if number == 10 else "simple", inputs, request_id=str(number))
        received = [answers.get(timeout=30) for _ in range(30)]
    finally:
        client.stop_stream()
    for number, (result, error) in enumerate(received):
        if number == 10:
            assert "Request for unknown model: 'nope'" in str(error)
        else:
            assert error is None
            assert result.get_response().id == str(number)
            assert result.as_numpy("sum")[0, 0] == number + 10
            assert "triton_final_response" not in result.get_response().parameters


def test_streams_flag_the_last_answer_to_those_who_ask(client: Any) -> None:
    """The one answer of a request is its last."""
    answers: Answers = queue.Queue()
    client.start_stream(callback=into(answers))
    try:
        inputs, _, _ = pair()
        client.async_stream_infer("simple", inputs, enable_empty_final_response=True)
        result, _ = answers.get(timeout=30)
    finally:
        client.stop_stream()
    assert result.get_response().parameters["triton_final_response"].bool_param


def test_streams_end_with_the_status_for_those_who_ask(client: Any) -> None:
    """`triton_grpc_error: true` turns a request's error into the stream's."""
    answers: Answers = queue.Queue()
    client.start_stream(callback=into(answers), headers={"triton_grpc_error": "true"})
    try:
        inputs, _, _ = pair()
        client.async_stream_infer("simple", inputs, request_id="first")
        client.async_stream_infer("nope", inputs)
        (first, _), (_, error) = answers.get(timeout=30), answers.get(timeout=30)
    finally:
        client.stop_stream()
    assert first.get_response().id == "first"
    assert error.status() == "StatusCode.NOT_FOUND"


async def test_the_async_client_gets_everybody_their_own_answer(running: Running) -> None:
    """200 callers at a time, each with numbers of its own."""
    client: Any
    async with triton_aio.InferenceServerClient(running.address) as client:

        async def call(number: int) -> bool:
            inputs, a, b = pair(rows=number % 3 + 1, start=number)
            result = await client.infer("simple", inputs)
            return np.array_equal(result.as_numpy("sum"), a + b)

        assert all(await asyncio.gather(*(call(number) for number in range(200))))
        metadata = await client.get_model_metadata("simple")
        assert metadata.name == "simple"


async def test_the_async_client_streams(running: Running) -> None:
    """`stream_infer` of the async client: errors inside, order kept."""

    async def requests() -> Any:
        for number in range(5):
            inputs, _, _ = pair(rows=1, start=number)
            yield {"model_name": "nope" if number == 2 else "simple", "inputs": inputs, "request_id": str(number)}

    client: Any
    async with triton_aio.InferenceServerClient(running.address) as client:
        received = [answer async for answer in client.stream_infer(requests())]
    assert [error is None for _, error in received] == [True, True, False, True, True]
    assert [result.get_response().id for result, error in received if error is None] == ["0", "1", "3", "4"]
