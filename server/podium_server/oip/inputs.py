"""From a request to a graph's inputs: what is missing, extra, of another type or shape is refused here.

On the path of every request: what depends on the model alone is worked out once, in `InputReader`.
Where Triton has a text for a refusal the message begins with it, since operators search their logs for it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, NoReturn

from podium_server.elements import Element
from podium_server.errors import InvalidArgument, Unsupported
from podium_server.oip.messages import ModelInferRequest
from podium_server.oip.tensors import Tensor, TensorError, from_raw, from_typed
from podium_server.signature import Signature, TensorSpec

Given = ModelInferRequest.InferInputTensor


class Inputs(NamedTuple):
    """What a request feeds a graph; a tuple, since one is made for every request and a dataclass costs more.

    Attributes:
        tensors: in the signature's order.
        typed: whether they came as typed contents, and the answer is to be typed too.
    """

    tensors: tuple[Tensor, ...]
    typed: bool


@dataclass(frozen=True, slots=True)
class _Slot:
    """One input of the graph, as requests are compared with it."""

    index: int
    spec: TensorSpec
    element: Element
    datatype: str
    rank: int
    fixed: tuple[tuple[int, int], ...]  # axis and length


class InputReader:
    """Reads the requests of one graph.

    Args:
        model: the model's name, for messages.
        signature: what the graph takes.
    """

    def __init__(self, model: str, signature: Signature) -> None:
        self._model = model
        self._batched = signature.batched
        self._slots = {spec.name: _slot(index, spec) for index, spec in enumerate(signature.inputs)}

    def read(self, request: ModelInferRequest) -> Inputs:
        """Read a request's inputs.

        Raises:
            InvalidArgument: they are not what the graph takes.
            Unsupported: one is in shared memory.
        """
        given, raw = request.inputs, request.raw_input_contents
        if len(given) != len(self._slots):
            self._refuse_count([tensor.name for tensor in given])
        tensors: list[Tensor | None] = [None] * len(given)
        typed = not raw and bool(given)
        if not typed and len(raw) != len(given):
            self._refuse_raw(given, len(raw))
        for i, tensor in enumerate(given):
            slot = self._slots.get(tensor.name)
            if slot is None or tensors[slot.index] is not None:
                self._refuse_count([other.name for other in given])
            if tensor.datatype != slot.datatype:
                raise InvalidArgument(
                    f"inference input '{tensor.name}' data-type is '{tensor.datatype}', but model '{self._model}' "
                    f"expects '{slot.datatype}'",
                    f"inputs[{i}].datatype",
                )
            shape = tuple(tensor.shape[:])  # a slice first: half the time of walking the field
            self._check_shape(slot, shape, i)
            if typed:
                tensors[slot.index] = self._typed(slot, shape, tensor, i)
                continue
            if tensor.HasField("contents"):
                self._refuse_mixed(tensor, i)
            try:
                tensors[slot.index] = from_raw(slot.element, shape, raw[i])
            except TensorError as error:
                raise InvalidArgument(
                    f"input byte size mismatch for input '{tensor.name}' for model '{self._model}'. {error}",
                    f"raw_input_contents[{i}]",
                ) from None
        complete = tuple(tensor for tensor in tensors if tensor is not None)
        if self._batched:
            self._check_rows(complete)
        return Inputs(complete, typed)

    def _typed(self, slot: _Slot, shape: tuple[int, ...], tensor: Given, i: int) -> Tensor:
        if not tensor.HasField("contents") and 0 not in shape:
            _refuse_shared_memory(tensor, i)
            raise InvalidArgument(
                f"unable to find data for input tensor '{tensor.name}' for model '{self._model}': send it in "
                "raw_input_contents or in the input's contents",
                f"inputs[{i}].contents",
            )
        try:
            return from_typed(slot.element, shape, tensor.contents)
        except TensorError as error:
            raise InvalidArgument(
                f"unexpected explicit tensor data for input tensor '{tensor.name}' for model '{self._model}'. {error}",
                f"inputs[{i}].contents",
            ) from None

    def _check_shape(self, slot: _Slot, shape: tuple[int, ...], i: int) -> None:
        # ONNX Runtime tells scalars from tensors of unknown rank no more than this, and takes what it is given.
        fits = slot.rank in (len(shape), 0)
        for axis, length in slot.fixed:
            fits = fits and shape[axis] == length
        if not fits or (shape and min(shape) < 0):
            expected = [length if isinstance(length, int) else -1 for length in slot.spec.shape]
            raise InvalidArgument(
                f"unexpected shape for input '{slot.spec.name}' for model '{self._model}'. Expected {_list(expected)}, "
                f"got {_list(shape)}" + ("; -1 stands for any length of 0 or more" if -1 in expected else ""),
                f"inputs[{i}].shape",
            )

    def _check_rows(self, tensors: tuple[Tensor, ...]) -> None:
        rows = tensors[0].shape[0]
        if rows < 1:
            raise InvalidArgument(
                f"inference request batch-size must be >= 1 for '{self._model}': axis 0 is the batch, and has no rows",
                "inputs[0].shape",
            )
        for slot, tensor in zip(self._slots.values(), tensors, strict=True) if len(tensors) > 1 else ():
            if tensor.shape[0] != rows:
                first = next(iter(self._slots))
                raise InvalidArgument(
                    f"input '{slot.spec.name}' batch size does not match other inputs for '{self._model}': it has "
                    f"{tensor.shape[0]} rows on axis 0, and '{first}' has {rows}",
                    "inputs",
                )

    def _refuse_count(self, names: list[str]) -> NoReturn:
        """Say which inputs are missing, unknown or there twice."""
        given = Counter(names)
        missing = [name for name in self._slots if name not in given]
        unknown = [name for name in given if name not in self._slots]
        twice = [name for name, times in given.items() if times > 1]
        parts = [f"Got input(s) {_names(names)}"]
        if missing:
            parts.append(f"but missing required input(s) {_names(missing)}. Please provide all required input(s)")
        if unknown:
            parts.append(f"unexpected inference input {_names(unknown)} for model '{self._model}'")
        if twice:
            parts.append(f"given more than once: {_names(twice)}")
        raise InvalidArgument(
            f"expected {len(self._slots)} inputs but got {len(names)} inputs for model '{self._model}'. "
            + ", ".join(parts),
            "inputs",
        )

    def _refuse_raw(self, given: Sequence[Given], num_raw: int) -> NoReturn:
        """Say why the number of raw contents is not that of the inputs."""
        for i, tensor in enumerate(given):
            _refuse_shared_memory(tensor, i)
            if tensor.HasField("contents"):
                self._refuse_mixed(tensor, i)
        if num_raw < len(given):
            raise InvalidArgument(
                f"unable to find data for input tensor '{given[num_raw].name}' for model '{self._model}': "
                f"raw_input_contents has {num_raw} entries, and there are {len(given)} inputs",
                "raw_input_contents",
            )
        raise InvalidArgument(
            f"raw_input_contents has {num_raw} entries for model '{self._model}', and there are {len(given)} inputs: "
            "send one for each input, in the order of inputs",
            "raw_input_contents",
        )

    def _refuse_mixed(self, tensor: Given, i: int) -> NoReturn:
        raise InvalidArgument(
            f"contents field must not be specified when using raw_input_contents for '{tensor.name}' for model "
            f"'{self._model}'",
            f"inputs[{i}].contents",
        )


def _slot(index: int, spec: TensorSpec) -> _Slot:
    fixed = tuple((axis, length) for axis, length in enumerate(spec.shape) if isinstance(length, int))
    return _Slot(index, spec, spec.element, spec.element.oip, len(spec.shape), fixed)


def _refuse_shared_memory(tensor: Given, i: int) -> None:
    if "shared_memory_region" in tensor.parameters:
        raise Unsupported(
            f"inputs[{i}] '{tensor.name}' is in shared memory, which this server does not read: send its bytes in "
            "raw_input_contents"
        )


def _list(lengths: Sequence[int]) -> str:
    """A shape as Triton prints it, cut when it is absurd."""
    text = ",".join(map(str, lengths[:16]))
    return f"[{text},…]" if len(lengths) > 16 else f"[{text}]"


def _names(names: Sequence[str]) -> str:
    """A list of names, cut when it is absurd."""
    shown = ", ".join(f"'{name[:100]}'" for name in names[:10])
    return f"[{shown}, …]" if len(names) > 10 else f"[{shown}]"
