"""Whether padding changes a translation: found out at load, by running sources alone and padded.

Networks that read padding as if it were text give each sentence of a batch another answer than it gets alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from podium.v1 import model_manifest_pb2 as pb

from podium_server.batching.execution import Rows, Runnable
from podium_server.elements import BY_PROTO
from podium_server.errors import PodiumError
from podium_server.generation.described import ENCODER, STEP
from podium_server.imaging.decode import ImageLimits
from podium_server.package import Package
from podium_server.padding import padded_length
from podium_server.signature import Signature, TensorSpec
from podium_server.text.source_reader import LENGTH, SOURCE, SourceReader
from podium_server.text.text_model import TextModel

_LENGTHS = (5, 11)
_MAX_GOLDEN = 4


def check_text_model(package: Package, graphs: Mapping[str, tuple[Runnable, Signature]]) -> None:
    """Raise ValueError where a package that writes could not be answered with.

    Args:
        package: the folder as read.
        graphs: what runs each graph, and its signature.
    """
    signatures = {name: signature for name, (_, signature) in graphs.items()}
    model = TextModel(package.manifest, signatures, package.path, ImageLimits(1, 1))
    if model.source is not None:
        check_padding(package, model, graphs)


def check_padding(package: Package, model: TextModel, graphs: Mapping[str, tuple[Runnable, Signature]]) -> None:
    """Run sources alone and padded, through the encoder and one step, and compare.

    Args:
        package: the folder as read; its golden sources are tried, and random ones.
        model: compiled from it.
        graphs: what runs its graphs.

    Raises:
        ValueError: a source cannot be read, or padding changes an output by more than rounding; the message names it.
    """
    reader = model.source
    assert reader is not None, "only translations have sources"
    if reader.fixed_length is not None:
        return  # never runs otherwise
    for source in _sources(package, reader):
        # A longer one too: where the first is as long as the source, nothing is padded.
        lengths = {padded_length(n, reader.max_tokens) for n in (len(source), 2 * len(source) + 1)}
        try:
            for length in sorted(length for length in lengths if length > len(source)):
                _check_source(package, model, graphs, source, length)
        except PodiumError as error:
            raise ValueError(f"a source of length {len(source)} cannot be read: {error}") from error


def _check_source(
    package: Package,
    model: TextModel,
    graphs: Mapping[str, tuple[Runnable, Signature]],
    source: Sequence[int],
    length: int,
) -> None:
    assert model.source is not None, "only translations have sources"
    (encoder, signature), (step, step_signature) = graphs[ENCODER], graphs[STEP]
    alone, padded = (encoder.run(model.source.feed([source], n)) for n in (len(source), length))
    _compare(ENCODER, signature.outputs, alone, padded)
    outputs = [_step(package, model, step, step_signature, rows) for rows in (alone, padded)]
    _compare(STEP, step_signature.outputs, *outputs)


def _sources(package: Package, reader: SourceReader) -> Iterator[list[int]]:
    """Golden sources, the last token alone, which an encoder of fewer tokens refuses, and random ones."""
    count = 0
    for case in package.golden():
        if case.graph == ENCODER and {SOURCE, LENGTH} <= set(case.inputs):
            for row, length in zip(case.inputs[SOURCE], case.inputs[LENGTH], strict=True):
                if count < _MAX_GOLDEN and length > 0:
                    count += 1
                    yield [int(token_id) for token_id in row[:length]]
    yield [reader.tokenizer.size - 1]
    random = np.random.default_rng(0)
    for length in _LENGTHS:
        if reader.max_tokens is None or length <= reader.max_tokens:
            yield [int(token_id) for token_id in random.integers(0, reader.tokenizer.size, length)]


def _step(package: Package, model: TextModel, step: Runnable, signature: Signature, encoded: Rows) -> Rows:
    """Run the first step of a sequence that the encoder began."""
    feeds: dict[str, NDArray[Any]] = {"token": np.array([model.tokenizer.start_ids], np.int64)}
    states = {state.input: state for state in package.manifest.generation.states}
    feeds |= {spec.name: _first(spec, states[spec.name]) for spec in signature.inputs if spec.name in states}
    feeds |= model.start_rows.of(encoded, 0)
    for spec in signature.inputs:
        if spec.name not in feeds:
            raise ValueError(f"graph 'step' has the input '{spec.name}', which is no state and no context")
    return step.run([feeds[spec.name] for spec in signature.inputs])


def _first(spec: TensorSpec, state: pb.StepState) -> NDArray[Any]:
    """A state before the first step: what the manifest says, or zeros."""
    if state.WhichOneof("first") == "values":
        values = state.values
        return np.frombuffer(values.data, BY_PROTO[values.element_type].dtype).reshape(values.shape)
    return np.zeros([length if isinstance(length, int) else 1 for length in spec.shape], spec.element.dtype)


def _compare(graph: str, specs: Sequence[TensorSpec], alone: Rows, padded: Rows) -> None:
    """Compare outputs as far as those of the source alone go."""
    for spec, one, other in zip(specs, alone, padded, strict=True):
        if one.ndim != other.ndim or not _agree(one, other[tuple(slice(length) for length in one.shape)]):
            raise ValueError(
                f"graph '{graph}': padding after the end of a source changes its output '{spec.name}'; what lies "
                "beyond source_length must change no answer"
            )


def _agree(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Whether two arrays are equal but for rounding.

    The same text is always padded to the same length, so rounding gives nobody another answer.
    """
    if one.shape != other.shape:
        return False
    if one.dtype.kind in "OSUbiu":
        return bool(np.array_equal(one, other))
    return bool(np.allclose(one.astype(np.float64), other.astype(np.float64), rtol=1e-3, atol=1e-4, equal_nan=True))
