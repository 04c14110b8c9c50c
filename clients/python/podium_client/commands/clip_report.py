"""How a clip's answer is told: its best classes, or the shots of frames that have one label."""

import dataclasses
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from podium_client.answers import Classification, ClassScore
from podium_client.commands.bars import bar, bars_table
from podium_client.commands.text_report import visible
from podium_client.video_answers import FrameClassification, VideoClassification


def clip_title(result: VideoClassification) -> str:
    """Say who answered, and what of the clip was read."""
    meta = result.metadata
    rate = f" at {result.frame_rate:g}/s" if result.frame_rate else ""
    frames = f"{result.num_frames_used} of {result.num_frames_seen} frames{rate}"
    return f"{meta.model}/{meta.version} · {frames} · {meta.timings.total_ms:.1f} ms"


def print_clip(result: VideoClassification, console: Console) -> None:
    """Print the classes of a clip, or a line for each run of frames with one label."""
    if not result.frames:
        console.print(bars_table(Classification(result.classes, result.logits, result.metadata)))
        return
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for first, last, score in runs(result.frames):
        at = f"{first}" if first == last else f"{first}–{last}"
        time = f"{first / result.frame_rate:.2f} s" if result.frame_rate else ""
        name, probability = Text(visible(score.name)), f"{score.probability:.1%}"
        table.add_row(Text(at, style="bold"), time, name, probability, bar(score.probability))
    console.print(table)


def runs(frames: tuple[FrameClassification, ...]) -> Iterator[tuple[int, int, ClassScore]]:
    """Join neighbouring frames of one label: the first, the last, and the least sure of them."""
    for _, group in groupby(frames, key=lambda frame: frame.best.index):
        joined = list(group)
        least = min(joined, key=lambda frame: frame.best.probability)
        yield joined[0].frame_index, joined[-1].frame_index, least.best


def clip_record(result: VideoClassification) -> dict[str, Any]:
    """Tell a clip's answer to programs."""
    return {
        "classes": [dataclasses.asdict(score) for score in result.classes],
        **({} if result.logits is None else {"logits": result.logits.tolist()}),
        "frames": [_frame_record(frame) for frame in result.frames],
        "num_frames_seen": result.num_frames_seen,
        "num_frames_used": result.num_frames_used,
        "frame_rate": result.frame_rate,
        "sampling": result.sampling,
        "metadata": dataclasses.asdict(result.metadata),
    }


def _frame_record(frame: FrameClassification) -> dict[str, Any]:
    return {
        "frame_index": frame.frame_index,
        "classes": [dataclasses.asdict(score) for score in frame.classes],
        **({} if frame.logits is None else {"logits": frame.logits.tolist()}),
    }
