"""What networks that classify clips have in common: a step graph that reads frames, or a graph that reads many at once.

Shapes: B batch, T time, F features of a frame, N classes.
"""

from collections.abc import Sequence

from podium.v1 import image_pb2, video_pb2
from podium.v1 import model_manifest_pb2 as pb
from torch import nn

from podium_export.architecture import Blueprint, ConfigValue, GraphBlueprint, InputSpec, OutputSpec
from podium_export.architectures.step_model import STEP_BATCH_SIZES, State

FRAME_COUNTS = (1, 7, 12, 1)
"""The numbers of frames that a graph is tried with: one a step, and clips."""


def all_frames() -> video_pb2.FrameSampling:
    """Say that every frame of a clip is read."""
    return video_pb2.FrameSampling(all=video_pb2.AllFrames())


def frame_step_graph(
    module: nn.Module, row: tuple[int, ...], num_classes: int, states: Sequence[State]
) -> GraphBlueprint:
    """Describe the graph "step" of a network that goes from frame to frame.

    Args:
        module: maps frames (B, T, *row) and the states, in this order, to logits (B, N) after the last frame and the
            states after it.
        row: the axes of what it reads of a frame.
        num_classes: N.
        states: what a step leaves for the next one.
    """
    frame = InputSpec("frame", "float32", ("batch", "time", *row))
    return GraphBlueprint(
        module,
        (frame, *(state.spec() for state in states)),
        (OutputSpec("logits", ("batch", num_classes)), *(OutputSpec(state.output, state.shape) for state in states)),
        name="step",
        lengths={"batch": STEP_BATCH_SIZES, "time": FRAME_COUNTS},
    )


def video_classifier(
    graphs: tuple[GraphBlueprint, ...],
    video: pb.Video,
    *,
    description: str,
    config: dict[str, ConfigValue],
    preprocessing: image_pb2.ImagePreprocessing | None,
    labels: Sequence[str] = (),
) -> Blueprint:
    """Describe a classifier of clips.

    Args:
        graphs: "step" with "encoder" or without it, or "model".
        video: how frames are taken.
        description: a sentence for people.
        config: the network's hyper-parameters.
        preprocessing: from a frame's picture to a row; None: frames are tensors.
        labels: one name a class, or none.
    """
    return Blueprint(
        graphs=graphs,
        task=pb.TASK_VIDEO_CLASSIFICATION,
        description=description,
        config=config,
        image_preprocessing=preprocessing,
        score_kind=pb.SCORE_KIND_LOGITS,
        labels=tuple(labels),
        video=video,
    )
