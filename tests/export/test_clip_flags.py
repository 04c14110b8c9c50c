"""What the command line says of clips, laid over what an architecture says."""

from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from google.protobuf import json_format
from podium.v1 import model_manifest_pb2 as pb
from podium.v1.video_pb2 import AllFrames, FrameSampling
from podium_export.architectures import cnn_rnn, finger_gesture, lenet5, transnetv2
from podium_export.clip_flags import ClipFlags, with_clips
from podium_export.command import export
from podium_export.errors import OptionError
from podium_export.recipes.motion_training import MotionPlan

PLAN = MotionPlan(filters=(2, 3, 4), num_features=6, hidden_size=5)


def test_flags_are_in_the_manifest(tmp_path: Path) -> None:
    """The whole way: rule, rate, labels and whose they are."""
    weights, labels = tmp_path / "clips.pth", tmp_path / "labels.txt"
    torch.save(cnn_rnn.CNNRNN(PLAN.config).state_dict(), weights)
    labels.write_text("\n".join(f"class {number}" for number in range(80)))
    arguments = ["cnn-rnn", "--checkpoint", str(weights), "--labels", str(labels), "--name", "clips"]
    arguments += [
        "--repository",
        str(tmp_path / "models"),
        "--frames",
        "uniform:8",
        "--frame-rate",
        "25",
        "--per-frame",
    ]
    done = CliRunner().invoke(export, arguments)
    assert done.exit_code == 0, done.output
    text = (tmp_path / "models" / "clips" / "1" / "model.json").read_text(encoding="utf-8")
    manifest = json_format.Parse(text, pb.ModelManifest())
    assert manifest.task == pb.TASK_VIDEO_CLASSIFICATION
    assert (manifest.video.sampling.uniform, manifest.video.frame_rate, manifest.video.per_frame) == (8, 25, True)
    assert len(manifest.classification.labels) == 80
    assert [state.output for state in manifest.video.states] == ["next_hidden_0"]


@pytest.mark.parametrize("rule", ["none", "every", "every:0", "uniform:-1", "all:2", "uniform:x"])
def test_a_rule_that_is_none_is_a_wrong_command_line(rule: str) -> None:
    """With what there is."""
    done = CliRunner().invoke(
        export, ["cnn-rnn", "--checkpoint", "x", "--name", "x", "--repository", "x", "--frames", rule]
    )
    assert done.exit_code == 2
    assert "is none of all, every:K and uniform:N" in " ".join(done.output.split())


def test_choices_that_a_network_does_not_leave_are_refused() -> None:
    """By flag, with what it is for."""
    gesture = finger_gesture.blueprint(finger_gesture.build({}))
    with pytest.raises(OptionError, match="--frames: this network reads 16 frames"):
        with_clips(gesture, ClipFlags(frames=FrameSampling(all=AllFrames())))
    with pytest.raises(OptionError, match="--per-frame: for networks that go from frame to frame"):
        with_clips(gesture, ClipFlags(per_frame=True))
    with pytest.raises(OptionError, match="--frame-rate: for classifiers of clips alone"):
        with_clips(lenet5.blueprint(lenet5.build({})), ClipFlags(frame_rate=25))


def test_a_network_that_labels_frames_may_read_fewer_of_them() -> None:
    """Every second frame of a clip, and nothing else changes."""
    cuts = transnetv2.blueprint(transnetv2.build({}))
    assert cuts.video is not None
    fewer = with_clips(cuts, ClipFlags(frames=FrameSampling(every=2))).video
    assert fewer is not None
    assert (fewer.sampling.every, fewer.window, fewer.margin, fewer.per_frame) == (2, 100, 25, True)
    assert cuts.video.sampling.WhichOneof("method") == "all"
