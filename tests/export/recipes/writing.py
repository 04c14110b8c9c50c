"""What the tests of packages that write share: the graphs of a package, run step by step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from podium.v1 import model_manifest_pb2 as pb
from podium_export.inspection.opened import read_manifest

from tests.export.architectures.halves import run_graph

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Writer:
    """A package that writes, one sequence at a time.

    Attributes:
        package: its folder.
    """

    package: Path

    @property
    def generation(self) -> pb.Generation:
        """Say how it writes."""
        return read_manifest(self.package).generation

    @property
    def tokens(self) -> Sequence[str]:
        """Give its vocabulary."""
        return self.generation.tokenizer.vocabulary.tokens

    def write(self, chooser: "Chooser", max_tokens: int, encoded: Arrays | None = None) -> list[int]:
        """Write token by token until one ends the sequence, or there are enough; the end is left out."""
        generation, encoded = self.generation, encoded or {}
        session = onnxruntime.InferenceSession(self.package / "step.onnx", providers=["CPUExecutionProvider"])
        sizes = {port.name: [1 if isinstance(n, str) else n for n in port.shape] for port in session.get_inputs()}
        feeds: dict[str, NDArray[Any]] = {
            state.input: encoded.get(state.encoder_output, np.zeros(sizes[state.input], np.float32))
            for state in generation.states
        }
        feeds |= {context.input: encoded[context.encoder_output] for context in generation.contexts}
        feeds["token"] = np.array([generation.tokenizer.start_ids], np.int64)
        written: list[int] = []
        while len(written) < max_tokens:
            outputs = dict(zip([port.name for port in session.get_outputs()], session.run(None, feeds), strict=True))
            token = chooser.choose(np.asarray(outputs["logits"])[0])
            if token in generation.end_ids:
                break
            written.append(token)
            feeds |= {state.input: np.asarray(outputs[state.output]) for state in generation.states}
            feeds["token"] = np.array([[token]], np.int64)
        return written

    def encode(self, **inputs: NDArray[Any]) -> Arrays:
        """Run the encoder."""
        return run_graph(self.package, "encoder", **inputs)


class Chooser:
    """Takes the most probable token."""

    def choose(self, logits: NDArray[np.float32]) -> int:
        """Choose."""
        return int(logits.argmax())


@dataclass(frozen=True, slots=True)
class Sampler(Chooser):
    """Draws a token.

    Attributes:
        random: where chance comes from.
        temperature: what logits are divided by.
    """

    random: np.random.Generator
    temperature: float

    def choose(self, logits: NDArray[np.float32]) -> int:
        """Choose."""
        weight = np.exp((logits - logits.max()).astype(np.float64) / self.temperature)
        return int(self.random.choice(len(logits), p=weight / weight.sum()))
