"""What the command line says of clips: which frames a model reads, and what it was trained on."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click
from podium.v1 import model_manifest_pb2 as pb
from podium.v1 import video_pb2

from podium_export.architecture import Blueprint
from podium_export.errors import OptionError
from podium_export.flags import gathered, given_flags


class Sampling(click.ParamType[video_pb2.FrameSampling]):
    """Which frames of a clip are read."""

    name = "frames"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> video_pb2.FrameSampling:
        """Read "all", "every:2" or "uniform:16"."""
        if isinstance(value, video_pb2.FrameSampling):
            return value
        method, _, number = str(value).partition(":")
        if method == "all" and not number:
            return video_pb2.FrameSampling(all=video_pb2.AllFrames())
        if method in ("every", "uniform") and number.isdecimal() and 0 < int(number) < 1 << 31:
            count = int(number)
            every = method == "every"
            return video_pb2.FrameSampling(every=count) if every else video_pb2.FrameSampling(uniform=count)
        return self.fail(f"{value!r} is none of all, every:K and uniform:N, K and N 1 or more", param, ctx)


@dataclass(frozen=True, slots=True)
class ClipFlags:
    """The flags on clips, each None where it was not given.

    Attributes:
        frames: which frames are read.
        frame_rate: frames a second of what was learned from.
        per_frame: whether each frame has a label of its own.
    """

    frames: video_pb2.FrameSampling | None = None
    frame_rate: float | None = None
    per_frame: bool | None = None

    @property
    def given(self) -> list[str]:
        """List the flags that were given, as they are typed."""
        return given_flags(self)


_CLIPS = (
    click.option("--frames", type=Sampling(), metavar="RULE", help="Of a clip: all, every:K or uniform:N [all]."),
    click.option(
        "--frame-rate", type=click.FloatRange(0, 1000, min_open=True), help="Frames a second of the clips learned from."
    ),
    click.option(
        "--per-frame", is_flag=True, default=None, help="A label a frame, not one of the frames so far, step by step."
    ),
)


def clips(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what a classifier of clips may be told of them, handed to the command as `clips`."""
    return gathered(command, _CLIPS, "clips", ClipFlags)


def with_clips(blueprint: Blueprint, flags: ClipFlags) -> Blueprint:
    """Say in a blueprint what the command line says of clips.

    Raises:
        OptionError: the network takes no clips, or leaves no such choice.
    """
    if not flags.given:
        return blueprint
    if blueprint.video is None:
        raise OptionError(f"{', '.join(flags.given)}: for classifiers of clips alone")
    video = pb.Video()
    video.CopyFrom(blueprint.video)
    if flags.frames is not None:
        if video.window and not video.per_frame:
            raise OptionError(f"--frames: this network reads {video.window} frames, whatever the clip's length")
        video.sampling.CopyFrom(flags.frames)
    if flags.frame_rate is not None:
        video.frame_rate = flags.frame_rate
    if flags.per_frame:
        if not video.states:
            raise OptionError("--per-frame: for networks that go from frame to frame; this one has its labels' kind")
        video.per_frame = True
    return dataclasses.replace(blueprint, video=video)
