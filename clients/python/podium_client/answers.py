"""What a call answers: typed, frozen values."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from podium.v1 import classification_service_pb2, response_metadata_pb2


@dataclass(frozen=True, slots=True)
class Timings:
    """Where the server's time went, in milliseconds; parts that overlap are counted once.

    Attributes:
        total_ms: from the decoded request to the finished answer.
        preprocess_ms: decoding and preparing inputs.
        queue_ms: waiting for a session.
        run_ms: inside the execution provider, for the whole batch that the request was part of.
    """

    total_ms: float
    preprocess_ms: float
    queue_ms: float
    run_ms: float


@dataclass(frozen=True, slots=True)
class ResponseMetadata:
    """Who answered: with model, version and seed any answer can be made again.

    Attributes:
        model: the model's name, without version or alias.
        version: the version that answered, 1 or more.
        seed: the one that was asked for, or else chosen where an answer is drawn at random; else None.
        execution_provider: what ran it, such as "CPUExecutionProvider".
        timings: where the time went.
    """

    model: str
    version: int
    seed: int | None
    execution_provider: str
    timings: Timings


@dataclass(frozen=True, slots=True)
class ClassScore:
    """One class and its probability.

    Attributes:
        index: the class's index, 0 or more.
        label: the class's name; empty when the model has no labels.
        probability: 0 ... 1.
    """

    index: int
    label: str
    probability: float

    @property
    def name(self) -> str:
        """The label, or "class 7" where the model has none."""
        return self.label or f"class {self.index}"


@dataclass(frozen=True, slots=True, eq=False)
class Classification:
    """What one picture shows.

    Attributes:
        classes: the best classes, most probable first.
        logits: the network's raw output, float32, one number a class; None unless asked for.
        metadata: who answered, and where the time went.
    """

    classes: tuple[ClassScore, ...]
    logits: NDArray[np.float32] | None
    metadata: ResponseMetadata

    @property
    def best(self) -> ClassScore:
        """The most probable class."""
        return self.classes[0]


def read_metadata(message: response_metadata_pb2.ResponseMetadata) -> ResponseMetadata:
    """Read who answered."""
    timings = message.timings
    return ResponseMetadata(
        model=message.model,
        version=message.version,
        seed=message.seed if message.HasField("seed") else None,
        execution_provider=message.execution_provider,
        timings=Timings(timings.total_ms, timings.preprocess_ms, timings.queue_ms, timings.run_ms),
    )


def read_classifications(
    response: classification_service_pb2.ClassifyResponse, *, with_logits: bool
) -> list[Classification]:
    """Read one result a picture, in the order of the request."""
    metadata = read_metadata(response.metadata)
    return [
        Classification(
            classes=tuple(ClassScore(c.index, c.label, c.probability) for c in result.classes),
            logits=np.array(result.logits, dtype=np.float32) if with_logits else None,
            metadata=metadata,
        )
        for result in response.results
    ]
