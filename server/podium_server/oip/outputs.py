"""From a graph's outputs to an answer: which were asked for, in which form."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from podium_server.elements import BY_OIP, Element
from podium_server.errors import InvalidArgument, Unsupported
from podium_server.oip.messages import ModelInferRequest, ModelInferResponse
from podium_server.oip.ranking import rank
from podium_server.oip.tensors import TYPED_FIELDS, Tensor, to_raw, to_typed
from podium_server.signature import Signature

MAX_CLASSES = 1000  # each is written as text

_BYTES = BY_OIP["BYTES"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """One output of the answer.

    Attributes:
        index: its place in the signature.
        name: its name.
        element: its element type in the graph.
        num_classes: how many of the highest scores to name in place of all numbers; 0 for the numbers.
    """

    index: int
    name: str
    element: Element
    num_classes: int = 0


class OutputWriter:
    """Writes the answers of one version.

    Args:
        model: the model's name.
        version: the version that answers.
        signature: what the graph gives.
        labels: names of classes in the order of the scores; empty where there are none.
    """

    def __init__(self, model: str, version: int, signature: Signature, labels: Sequence[str]) -> None:
        self._model = model
        self._version = str(version)
        self._batched = signature.batched
        self._labels = labels
        self._all = tuple(Wanted(index, spec.name, spec.element) for index, spec in enumerate(signature.outputs))
        self._by_name = {wanted.name: wanted for wanted in self._all}

    def select(self, requested: Sequence[ModelInferRequest.InferRequestedOutputTensor]) -> tuple[Wanted, ...]:
        """Read which outputs a request wants: all when it names none.

        Raises:
            InvalidArgument: there is no such output, it is named twice, or it cannot be ranked.
            Unsupported: one is to be put in shared memory.
        """
        if not requested:
            return self._all
        wanted: dict[str, Wanted] = {}
        for i, output in enumerate(requested):
            if output.name in wanted:
                raise InvalidArgument(f"output '{output.name}' is requested more than once", f"outputs[{i}].name")
            wanted[output.name] = self._wanted(i, output)
        return tuple(wanted.values())

    def write(
        self, request_id: str, outputs: Sequence[Tensor], wanted: Iterable[Wanted], typed: bool
    ) -> ModelInferResponse:
        """Write an answer.

        Args:
            request_id: echoed.
            outputs: every output of the graph, in the signature's order.
            wanted: what `select` gave.
            typed: whether the request was typed: the answer is then too, if every output has a typed form.
        """
        response = ModelInferResponse(model_name=self._model, model_version=self._version, id=request_id)
        typed = typed and all(each.element.oip in TYPED_FIELDS for each in wanted)
        for each in wanted:
            x, element = outputs[each.index], each.element
            if each.num_classes:
                x, element = rank(x, each.num_classes, self._labels, batched=self._batched), _BYTES
            entry = response.outputs.add()
            entry.name = each.name
            entry.datatype = element.oip
            entry.shape.extend(x.shape)
            if typed:
                entry.contents.CopyFrom(to_typed(element, x))
            else:
                response.raw_output_contents.append(to_raw(element, x))
        return response

    def _wanted(self, i: int, output: ModelInferRequest.InferRequestedOutputTensor) -> Wanted:
        wanted = self._by_name.get(output.name)
        if wanted is None:
            raise InvalidArgument(
                f"unexpected inference output '{output.name}' for model '{self._model}': it has "
                f"{[each.name for each in self._all]}",
                f"outputs[{i}].name",
            )
        if not output.parameters:
            return wanted
        if "shared_memory_region" in output.parameters:
            raise Unsupported(
                f"outputs[{i}] '{output.name}' is to be put in shared memory, which this server does not write: leave "
                "its parameters out"
            )
        if "classification" not in output.parameters:
            return wanted
        return self._ranked(i, wanted, output.parameters["classification"].int64_param)

    def _ranked(self, i: int, wanted: Wanted, num_classes: int) -> Wanted:
        path = f"outputs[{i}].parameters['classification']"
        if not 1 <= num_classes <= MAX_CLASSES:
            raise InvalidArgument(
                f"parameter 'classification' must be an int64_param of 1 to {MAX_CLASSES}, got {num_classes}", path
            )
        if wanted.element.oip in ("BYTES", "BOOL"):
            raise InvalidArgument(f"output '{wanted.name}' is {wanted.element.oip}: only numbers can be ranked", path)
        return Wanted(wanted.index, wanted.name, wanted.element, num_classes)
