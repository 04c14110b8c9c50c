"""What calls of clips answer: typed, frozen values."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from podium.v1 import classification_service_pb2 as wire

from podium_client.answers import ClassScore, ResponseMetadata, read_metadata
from podium_client.clips import sampling_words


@dataclass(frozen=True, slots=True, eq=False)
class FrameClassification:
    """What one frame shows, or what the frames until then show.

    Attributes:
        frame_index: the frame's place in the clip or stream, 0 or more.
        classes: the best classes, most probable first.
        logits: the network's raw output, float32, one number a class; None unless asked for.
    """

    frame_index: int
    classes: tuple[ClassScore, ...]
    logits: NDArray[np.float32] | None

    @property
    def best(self) -> ClassScore:
        """The most probable class."""
        return self.classes[0]


@dataclass(frozen=True, slots=True, eq=False)
class VideoClassification:
    """What one clip shows.

    Attributes:
        classes: the best classes, most probable first; empty where each frame has its own.
        logits: the network's raw output, float32, one number a class; None unless asked for.
        frames: what each frame that was read shows, where the network labels frames.
        num_frames_seen: frames of the clip.
        num_frames_used: frames that the network read.
        frame_rate: frames a second of the clip; None: not known.
        sampling: which frames were read, in words.
        metadata: who answered, and where the time went.
    """

    classes: tuple[ClassScore, ...]
    logits: NDArray[np.float32] | None
    frames: tuple[FrameClassification, ...]
    num_frames_seen: int
    num_frames_used: int
    frame_rate: float | None
    sampling: str
    metadata: ResponseMetadata

    @property
    def best(self) -> ClassScore:
        """The most probable class.

        Raises:
            ValueError: each frame has its own; see `frames`.
        """
        if not self.classes:
            raise ValueError("best: this network labels each frame; see `frames`")
        return self.classes[0]


def read_video(response: wire.ClassifyVideoResponse, *, with_logits: bool) -> VideoClassification:
    """Read what a clip shows."""
    return VideoClassification(
        classes=_classes(response.result),
        logits=_logits(response.result.logits, with_logits=with_logits and response.HasField("result")),
        frames=tuple(read_frame(frame, with_logits=with_logits) for frame in response.frames),
        num_frames_seen=response.num_frames_seen,
        num_frames_used=response.num_frames_used,
        frame_rate=response.frame_rate or None,
        sampling=sampling_words(response.sampling),
        metadata=read_metadata(response.metadata),
    )


def read_frame(frame: wire.FrameResult | wire.ClassifyFramesResponse, *, with_logits: bool) -> FrameClassification:
    """Read what a frame shows."""
    logits = _logits(frame.result.logits, with_logits=with_logits)
    return FrameClassification(frame.frame_index, _classes(frame.result), logits)


def _classes(result: wire.ClassificationResult) -> tuple[ClassScore, ...]:
    return tuple(ClassScore(each.index, each.label, each.probability) for each in result.classes)


def _logits(logits: Sequence[float], *, with_logits: bool) -> NDArray[np.float32] | None:
    return np.array(logits, np.float32) if with_logits else None
