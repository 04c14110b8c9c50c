"""One server with a model of each kind, on ports of its own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from podium.v1 import image_service_pb2_grpc as stubs
from podium.v1 import model_manifest_pb2 as pb

from tests.oip.running import Running, serve
from tests.server.packages import write_package
from tests.server.pictures import models


def write_all(repository: Path) -> None:
    """Write the models."""
    smile = pb.LatentDirection(name="smile", values=[1.0, 0.0, 0.0, -0.5])
    beard = pb.LatentDirection(name="beard", values=[0.0, 0.25, 0.0, 0.0])
    kinds: dict[str, tuple[dict[str, models.Graph], dict[str, Any]]] = {
        "vae": (
            {"encoder": models.encoder(), "decoder": models.plain_decoder()},
            {"image_preprocessing": models.EXACT, "latent_space": pb.LatentSpace(parts=[models.normal(4)])},
        ),
        "faces": (
            {"encoder": models.encoder(), "decoder": models.plain_decoder()},
            {
                "image_preprocessing": models.EXACT,
                "latent_space": pb.LatentSpace(parts=[models.normal(4)], directions=[smile, beard]),
            },
        ),
        "gan": (
            {"decoder": models.plain_decoder()},
            {"latent_space": pb.LatentSpace(parts=[models.normal(4)])},
        ),
        "cgan": (
            {"decoder": models.label_decoder()},
            {"latent_space": pb.LatentSpace(parts=[models.uniform(4, 0.0, 0.5)], class_names=models.DIGITS)},
        ),
        "joint": (
            {"encoder": models.encoder(), "decoder": models.plain_decoder()},
            {
                "image_preprocessing": models.EXACT,
                "latent_space": pb.LatentSpace(parts=[models.normal(2), models.one_hot(2)]),
            },
        ),
        "autoencoder": (
            {"encoder": models.encoder(variational=False), "decoder": models.plain_decoder()},
            {"image_preprocessing": models.EXACT, "task": pb.TASK_IMAGE_RECONSTRUCTION},
        ),
        "denoiser": (
            {"model": models.halving()},
            {"image_preprocessing": models.EXACT, "task": pb.TASK_IMAGE_RECONSTRUCTION},
        ),
        "painter": (
            {"decoder": models.painter()},
            {"latent_space": pb.LatentSpace(parts=[models.normal(16)])},
        ),
    }
    for name, (graphs, manifest) in kinds.items():
        models.write_model(repository / name / "1", graphs, **manifest)
    write_package(repository / "sums" / "1")


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The server: one session of one thread, runs of up to 16 rows."""
    repository = tmp_path_factory.mktemp("repository")
    write_all(repository)
    with serve(repository, cores=1, sessions=1, threads=1, max_batch_rows=16, max_images_per_request=8) as server:
        yield server


@pytest.fixture
def stub(running: Running) -> Iterator[stubs.ImageServiceStub]:
    """A client of it."""
    with grpc.insecure_channel(running.address) as channel:
        yield stubs.ImageServiceStub(channel)
