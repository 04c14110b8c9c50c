"""Published networks through the whole server give the figures that their README measured."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from podium.v1 import image_pb2, tensor_pb2
from podium.v1 import image_service_pb2 as wire
from podium.v1 import image_service_pb2_grpc as stubs
from podium.v1 import model_manifest_pb2 as pb

from tests.oip.running import Running, serve
from tests.server.pictures import models, published
from tests.server.pictures.wires import TENSOR, by_index

NEEDED = (published.VAE, published.CGAN, published.LENET, published.DIGITS)
PER_CALL = 500


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server with both networks."""
    missing = [path.name for path in NEEDED if not path.exists()]
    if missing:
        pytest.skip(f"{', '.join(missing)}: not here; it lies in ../shared/data of a full checkout")
    repository: Path = tmp_path_factory.mktemp("published")
    vae, cgan = published.load(published.VAE), published.load(published.CGAN)
    preprocessing = image_pb2.ImagePreprocessing()
    preprocessing.CopyFrom(models.EXACT)
    preprocessing.height = preprocessing.width = 28
    models.write_model(
        repository / "vae" / "1",
        {"encoder": published.encoder_graph(vae), "decoder": published.decoder_graph(vae)},
        image_preprocessing=preprocessing,
        latent_space=pb.LatentSpace(parts=[models.normal(20)]),
    )
    models.write_model(
        repository / "cgan" / "1",
        {"decoder": published.generator_graph(cgan)},
        latent_space=pb.LatentSpace(parts=[models.uniform(100, 0, 1)], class_names=list("0123456789")),
    )
    with serve(
        repository, cores=2, sessions=1, threads=1, max_batch_rows=32, max_images_per_request=PER_CALL
    ) as server:
        yield server


@pytest.fixture
def stub(running: Running) -> Iterator[stubs.ImageServiceStub]:
    """A client of it, that takes large answers."""
    options = [("grpc.max_receive_message_length", 2**26), ("grpc.max_send_message_length", 2**26)]
    with grpc.insecure_channel(running.address, options=options) as channel:
        yield stubs.ImageServiceStub(channel)


def image(row: NDArray[np.float32]) -> image_pb2.Image:
    """Make a picture of the network's own numbers."""
    tensor = tensor_pb2.Tensor(
        element_type=tensor_pb2.ELEMENT_TYPE_FLOAT32, shape=[1, 28, 28], data=row.astype("<f4").tobytes()
    )
    return image_pb2.Image(tensor=tensor)


def numbers(pictures: list[wire.Picture]) -> NDArray[np.float32]:
    """Read pictures that came as tensors: (N, 1, 28, 28)."""
    return np.stack([np.frombuffer(picture.tensor.data, "<f4").reshape(1, 28, 28) for picture in pictures])


def test_the_vae_keeps_a_digit_but_for_69_nats_and_tells_26(stub: stubs.ImageServiceStub) -> None:
    """Binary cross-entropy of what is decoded from the mean 69.4, KL 25.9 nats an image, on 5,000 digits.

    ONNX Runtime's sigmoid gives 0 below 3e-8, whose logarithm PyTorch takes for -100: it is taken for 1e-8.
    """
    digits = (np.load(published.DIGITS)["images"] / 255).astype(np.float32)
    nats: list[float] = []
    decoded: list[NDArray[np.float32]] = []
    for start in range(0, len(digits), PER_CALL):
        images = [image(row) for row in digits[start : start + PER_CALL]]
        posteriors = stub.Encode(wire.EncodeRequest(model="vae", images=images)).posteriors
        nats += [posterior.kl_nats for posterior in posteriors]
        means = [posterior.mean for posterior in posteriors]
        answer = stub.Decode(wire.DecodeRequest(model="vae", latents=means, format=TENSOR))
        decoded.append(numbers(list(answer.pictures)))
    target = torch.from_numpy(digits)[:, None]
    drawn = torch.from_numpy(np.concatenate(decoded)).clamp(min=1e-8)
    entropy = F.binary_cross_entropy(drawn, target, reduction="sum")
    assert float(entropy) / len(digits) == pytest.approx(69.4, abs=0.05)
    assert np.mean(nats) == pytest.approx(25.9, abs=0.05)


def test_every_answer_of_the_vae_is_pytorchs(stub: stubs.ImageServiceStub) -> None:
    """Samples, encodings and reconstructions, within the tolerance of a package: 1e-5."""
    weights = published.load(published.VAE)
    sampled = list(stub.Sample(wire.SampleRequest(model="vae", count=64, seed=0, format=TENSOR)).pictures)
    latents = torch.tensor([list(picture.latent.values) for picture in sampled])
    np.testing.assert_allclose(numbers(sampled), published.decode(weights, latents), atol=1e-5)
    digits = (np.load(published.DIGITS)["images"][:64] / 255).astype(np.float32)
    mean, log_variance = published.encode(weights, torch.from_numpy(digits))
    images = [image(row) for row in digits]
    posteriors = stub.Encode(wire.EncodeRequest(model="vae", images=images)).posteriors
    np.testing.assert_allclose([p.mean.values for p in posteriors], mean, atol=1e-4, rtol=1e-5)
    np.testing.assert_allclose([p.log_variance for p in posteriors], log_variance, atol=1e-4, rtol=1e-5)
    answer = stub.Reconstruct(wire.ReconstructRequest(model="vae", images=images, format=TENSOR))
    expected = published.decode(weights, mean)
    np.testing.assert_allclose(numbers(list(answer.pictures)), expected, atol=1e-5)
    squares = (expected - torch.from_numpy(digits)[:, None]).double().square().flatten(1).mean(1)
    np.testing.assert_allclose(answer.mean_squared_errors, squares, rtol=1e-4)


def test_the_generator_draws_the_digit_that_is_asked_for(stub: stubs.ImageServiceStub) -> None:
    """LeNet-5 reads it 98.7 % of the time, of latents from the package's uniform prior."""
    read, asked = [], []
    for label in range(10):
        request = wire.SampleRequest(
            model="cgan", count=300, seed=label, class_condition=by_index(label), format=TENSOR
        )
        read.append(published.read_digits(torch.from_numpy(numbers(list(stub.Sample(request).pictures)))))
        asked.append(torch.full((300,), label))
    share = float((torch.cat(read) == torch.cat(asked)).double().mean())
    assert share == pytest.approx(0.987, abs=0.005)
