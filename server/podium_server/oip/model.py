"""One loaded version as the Open Inference Protocol shows and runs it."""

import asyncio
import time
from typing import NamedTuple

from grpc import StatusCode

from podium_server.batching.batcher import Run
from podium_server.errors import DeadlineExceeded, Overloaded, Unsupported
from podium_server.oip.inputs import InputReader, Inputs
from podium_server.oip.messages import ModelInferRequest, ModelInferResponse
from podium_server.oip.outputs import OutputWriter, Wanted
from podium_server.oip.parameters import RequestOptions, read_options
from podium_server.oip.tensors import Tensor
from podium_server.servable import Servable

# Text and typed contents are converted element by element: more than this is milliseconds, in which the event loop
# would serve nobody.
MAX_LOOP_BYTES = 128 * 1024


class QueueFull(Overloaded):
    """As this protocol says it: KServe's client sends again what is UNAVAILABLE and nothing else."""

    code = StatusCode.UNAVAILABLE


class TimeoutExpired(DeadlineExceeded):
    """The request's own `timeout` passed, which is not the call's deadline: nothing was run."""

    code = StatusCode.UNAVAILABLE


class Answer(NamedTuple):
    """An answer, and where its time went.

    Attributes:
        response: what the caller gets.
        run: what the batcher gave.
        decode_s: seconds of reading the request.
        encode_s: seconds of writing the response.
    """

    response: ModelInferResponse
    run: Run
    decode_s: float
    encode_s: float


class OpenModel:
    """Runs requests of this protocol on one version.

    Args:
        servable: the version. It is not kept: its batcher and what was worked out from it are.

    Raises:
        Unsupported: it has several graphs.
    """

    def __init__(self, servable: Servable) -> None:
        self._batcher = servable.batchers[graph_of(servable)]
        signature = self._batcher.signature
        self._refusal = "; ".join(f"'{each.name}' is {each.type}" for each in signature.uncarried)
        if self._refusal:
            self._refusal = f"model '{servable.name}' cannot be run: {self._refusal}, which this protocol cannot carry"
        self._has_text = any(spec.element.is_string for spec in signature.inputs)
        self._reader = InputReader(servable.name, signature)
        labels = tuple(servable.manifest.classification.labels)
        self._writer = OutputWriter(servable.name, servable.version, signature, labels)

    async def infer(self, request: ModelInferRequest, deadline: float | None) -> Answer:
        """Answer one request.

        Args:
            request: what was sent.
            deadline: the monotonic second after which it must not be run; its own `timeout` may be earlier.

        Raises:
            Unsupported: the graph or the request needs what this protocol or server does not have.
            InvalidArgument: the request is wrong.
            QueueFull, TimeoutExpired, DeadlineExceeded, NotReady: it was not run.
            RunFailed: the execution provider failed.
        """
        if self._refusal:
            raise Unsupported(self._refusal)
        began = time.perf_counter()
        options = read_options(request.parameters)
        wanted = self._writer.select(request.outputs)
        inputs = await self._read(request)
        decoded = time.perf_counter()
        run = await self._run(inputs.tensors, options, deadline)
        ran = time.perf_counter()
        response = await self._write(request.id, run, wanted, inputs.typed)
        return Answer(response, run, decoded - began, time.perf_counter() - ran)

    async def _read(self, request: ModelInferRequest) -> Inputs:
        """Read a request; on a thread where that takes the event loop from others."""
        by_element = self._has_text or not request.raw_input_contents
        if by_element and request.ByteSize() > MAX_LOOP_BYTES:
            return await asyncio.to_thread(self._reader.read, request)
        return self._reader.read(request)

    async def _write(self, request_id: str, run: Run, wanted: tuple[Wanted, ...], typed: bool) -> ModelInferResponse:
        """Write a response; on a thread where that takes the event loop from others."""
        by_element = sum(
            run.outputs[each.index].nbytes for each in wanted if typed or each.num_classes or each.element.is_string
        )
        if by_element > MAX_LOOP_BYTES:
            return await asyncio.to_thread(self._writer.write, request_id, run.outputs, wanted, typed)
        return self._writer.write(request_id, run.outputs, wanted, typed)

    async def _run(self, tensors: tuple[Tensor, ...], options: RequestOptions, deadline: float | None) -> Run:
        own = None if options.timeout_s is None else time.monotonic() + options.timeout_s
        earliest = own if deadline is None or (own is not None and own < deadline) else deadline
        try:
            return await self._batcher.run(tensors, deadline=earliest, priority=options.priority)
        except Overloaded as error:
            raise QueueFull(error.message, error.retry_after_s) from error
        except DeadlineExceeded as error:
            if earliest is own:
                raise TimeoutExpired(error.message) from error
            raise


def graph_of(servable: Servable) -> str:
    """The graph that this protocol runs: the only one, or the one named "model".

    Raises:
        Unsupported: the version has several graphs, which only the service of its task can run together.
    """
    graphs = list(servable.batchers)
    if servable.generator is not None:
        raise Unsupported(
            f"model '{servable.name}' writes sequences with a step graph, whose states stay in the server: call the "
            "service of its task"
        )
    if len(graphs) == 1:
        return graphs[0]
    if "model" in graphs:
        return "model"
    raise Unsupported(
        f"model '{servable.name}' has the graphs {', '.join(graphs)}, which work together: call the service of its task"
    )
