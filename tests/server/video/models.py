"""Small real classifiers of clips, whose scores follow from a formula; a frame is three numbers, a class each."""

from pathlib import Path

import numpy as np
from onnx import helper
from podium.v1 import model_manifest_pb2 as pb
from podium.v1.video_pb2 import AllFrames, FrameSampling

from tests.server.packages import graph, scaled, write_package
from tests.server.pictures.models import F32, Graph, write_model

AXES = ("batch", "time", 3)
CLASSES = pb.Classification(labels=["a", "b", "c"], score_kind=pb.SCORE_KIND_LOGITS)


def write_frames(folder: Path) -> None:
    """A model whose scores of a frame are the frame's numbers, doubled: windows of 4, 1 at either end in the margin."""
    golden = np.arange(12, dtype=np.float32).reshape(1, 4, 3)
    write_package(
        folder,
        scaled(axes=AXES),
        golden={"0/model/inputs/x": golden, "0/model/outputs/y": 2 * golden},
        manifest={
            "task": pb.TASK_VIDEO_CLASSIFICATION,
            "graphs": [graph(axes=AXES)],
            "classification": CLASSES,
            "video": pb.Video(sampling=FrameSampling(all=AllFrames()), window=4, margin=1, per_frame=True),
        },
    )


def write_sums(folder: Path, factor: float = 1) -> None:
    """A model that goes from frame to frame: its scores are the sum of the frames so far, times a factor."""
    nodes = [
        helper.make_node("ReduceSum", ["frame", "time"], ["seen"], keepdims=0),
        helper.make_node("Add", ["total", "seen"], ["next_total"]),
        helper.make_node("Mul", ["next_total", "factor"], ["logits"]),
    ]
    frame, total = np.arange(12, dtype=np.float32).reshape(2, 2, 3), np.ones((2, 3), np.float32)
    after = total + frame.sum(axis=1)
    step = Graph(
        nodes,
        {"frame": (AXES, F32), "total": (("batch", 3), F32)},
        {"logits": (("batch", 3), F32), "next_total": (("batch", 3), F32)},
        {"frame": frame, "total": total, "logits": np.float32(factor) * after, "next_total": after},
        {"time": np.array([1]), "factor": np.array(factor, np.float32)},
    )
    states = [pb.StepState(input="total", output="next_total")]
    write_model(
        folder,
        {"step": step},
        task=pb.TASK_VIDEO_CLASSIFICATION,
        classification=CLASSES,
        video=pb.Video(sampling=FrameSampling(all=AllFrames()), per_frame=True, states=states),
        image_output=None,
    )
