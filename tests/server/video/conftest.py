"""One server with the real networks of clips, made as `podium export` makes them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from podium.v1 import classification_service_pb2_grpc as stubs
from podium_export.architectures import ARCHITECTURES
from podium_export.assembling import Source
from podium_export.checkpoint import load_checkpoint
from podium_export.exporting import export_network
from podium_export.fitting import fit_architecture
from podium_export.package import Destination
from podium_export.progress import Silence
from podium_export.recipes import motion
from podium_export.recipes.digit_pictures import learned_and_held_out
from podium_export.recipes.moving_digits import make_clips

from tests.clips import cut_weights, gesture_data
from tests.oip.running import Running, serve
from tests.server.packages import write_package

SILENCE_S = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class MovingDigits:
    """Held-out digits in motion.

    Attributes:
        frames: (B, T, 40, 40) uint8.
        labels: (B,) 0 ... 79.
    """

    frames: NDArray[np.uint8]
    labels: NDArray[np.int64]


def export(name: str, checkpoint: Path, repository: Path) -> None:
    """Publish a bundled architecture's checkpoint under its own name."""
    architecture, weights = ARCHITECTURES[name], load_checkpoint(checkpoint)
    blueprint = architecture.blueprint(fit_architecture(architecture, weights).network)
    export_network(blueprint, Source(name, weights.file_name, weights.sha256), Destination(repository, name))


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The server: "motion", and a model that takes no clips."""
    repository = tmp_path_factory.mktemp("clips")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    motion.make(Destination(repository, "motion"), Silence())
    torch.set_num_threads(threads)
    write_package(repository / "sums" / "1")
    limits: dict[str, Any] = {"max_video_frames": 300, "max_video_bytes": 2**21, "max_video_pixels": 640 * 272}
    with serve(
        repository, cores=1, sessions=1, threads=1, max_batch_rows=32, max_silence_s=SILENCE_S, **limits
    ) as server:
        yield server


def loaded(running: Running, name: str, checkpoint: Path) -> str:
    """Publish a model beside the others, once, and load it; its name."""
    repository = running.server.settings.repository
    if not (repository / name).exists():
        export(name, checkpoint, repository)
        running.call(running.server.catalogue.load(name))
    return name


@pytest.fixture
def gestures(running: Running) -> str:
    """The published network of finger gestures."""
    return loaded(running, "finger-gesture", gesture_data().weights)


@pytest.fixture
def cuts(running: Running) -> str:
    """TransNetV2 with its published weights."""
    return loaded(running, "transnetv2", cut_weights())


@pytest.fixture
def stub(running: Running) -> Iterator[stubs.ClassificationServiceStub]:
    """A client."""
    with grpc.insecure_channel(running.address) as channel:
        yield stubs.ClassificationServiceStub(channel)


@pytest.fixture(scope="session")
def moving() -> MovingDigits:
    """Sixty-four clips of digits that were not learned from."""
    _, held_out = learned_and_held_out()
    places = torch.arange(0, len(held_out), len(held_out) // 64)[:64]
    clips = make_clips(held_out.at(places), torch.Generator().manual_seed(3))
    return MovingDigits((clips.frames[:, :, 0] * 255).round().to(torch.uint8).numpy(), clips.labels.numpy())
