"""The calls of latent space and the real `podium serve`, around networks with random weights, exported by name."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from podium_client import Client, InvalidArgumentError, RequestError
from podium_client.demo.server_process import ServerProcess, serving
from podium_client.main import main
from podium_export.architectures.autoencoder import Autoencoder, AutoencoderConfig
from podium_export.architectures.conditional_gan import ConditionalGANConfig, ConditionalGenerator
from podium_export.architectures.vae import VAE, VAEConfig
from torch import nn

ARCHITECTURE_BY_NAME = {"vae": "vae", "gan": "conditional-gan", "denoiser": "denoising-autoencoder"}


@pytest.fixture(scope="module")
def networks() -> dict[str, nn.Module]:
    """One network of each kind."""
    torch.manual_seed(5)
    networks = {
        "vae": VAE(VAEConfig()),
        "gan": ConditionalGenerator(ConditionalGANConfig()),
        "denoiser": Autoencoder(AutoencoderConfig()),
    }
    return {name: network.eval() for name, network in networks.items()}


@pytest.fixture(scope="module")
def server(networks: dict[str, nn.Module], tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """The server on free ports."""
    folder = tmp_path_factory.mktemp("repository")
    for name, network in networks.items():
        checkpoint = folder / f"{name}.pth"
        torch.save(network.state_dict(), checkpoint)
        command = [sys.executable, "-m", "podium_client", "export", ARCHITECTURE_BY_NAME[name], "--name", name]
        command += ["--checkpoint", str(checkpoint), "--repository", str(folder / "models")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    with serving(folder / "models", folder / "log") as process:
        yield process
        assert process.stop() == 0


@pytest.fixture
def client(server: ServerProcess) -> Iterator[Client]:
    """A client of it."""
    with Client(server.addresses.grpc) as client:
        yield client


def run(network: Any, *inputs: Any) -> Any:
    with torch.no_grad():
        return network(*(torch.from_numpy(np.asarray(array)) for array in inputs))


def test_samples_depend_on_seed_and_index_alone(client: Client) -> None:
    """The same bytes alone, among others, and streamed."""
    many = client.sample("gan", 20, seed=3)
    again = client.sample("gan", 20, seed=3)
    alone = client.sample("gan", seed=3, first_index=13)
    streamed = list(client.stream_sample("gan", 20, seed=3))
    other = client.sample("gan", 20, seed=4)

    files = [picture.png for picture in many]
    assert [picture.png for picture in again] == files
    assert [picture.png for picture in streamed] == files
    assert alone[0].png == files[13]
    assert [picture.png for picture in other] != files
    assert many.classes == tuple(index % 10 for index in range(20))
    assert many.metadata.seed == 3


def test_a_chosen_seed_makes_the_same_pictures_again(client: Client) -> None:
    """It is told in the metadata."""
    first = client.sample("vae", 3)

    again = client.sample("vae", 3, seed=first.metadata.seed)

    np.testing.assert_array_equal(first.arrays, again.arrays)


def test_samples_are_what_pytorch_makes_of_their_latents(client: Client, networks: dict[str, nn.Module]) -> None:
    """Class and latent of each picture give the network's own output."""
    samples = client.sample("gan", 12, seed=1, raw=True)

    expected = run(networks["gan"], samples.latents, np.array(samples.classes))
    np.testing.assert_allclose(samples.arrays, expected, atol=1e-5)


def test_encoding_and_decoding_are_pytorchs(client: Client, networks: dict[str, nn.Module]) -> None:
    """Means, log variances and pictures."""
    vae: Any = networks["vae"]
    rows = np.random.default_rng(0).random((5, 1, 28, 28), np.float32)

    posteriors = client.encode("vae", list(rows))
    latents = np.stack([posterior.mean for posterior in posteriors])
    decoded = client.decode("vae", latents, raw=True)

    mean, log_variance = run(vae.encode, rows)
    np.testing.assert_allclose(latents, mean, atol=1e-5)
    variances = [posterior.log_variance for posterior in posteriors if posterior.log_variance is not None]
    np.testing.assert_allclose(np.stack(variances), log_variance, atol=1e-5)
    np.testing.assert_allclose(decoded.arrays, run(vae.decode, latents), atol=1e-5)


def test_reconstructions_come_with_their_mean_squared_error(client: Client, networks: dict[str, nn.Module]) -> None:
    """Over the network's own numbers."""
    rows = np.random.default_rng(1).random((3, 1, 28, 28), np.float32)

    made = client.reconstruct("denoiser", list(rows), raw=True)

    expected = run(networks["denoiser"], rows).numpy()
    np.testing.assert_allclose(made.arrays, expected, atol=1e-5)
    np.testing.assert_allclose(made.mean_squared_errors, ((expected - rows) ** 2).mean(axis=(1, 2, 3)), rtol=1e-4)


def test_a_way_begins_and_ends_where_it_should(client: Client) -> None:
    """A straight one is divided evenly."""
    start, end = np.random.default_rng(2).standard_normal((2, 20))

    way = client.interpolate("vae", start, end, steps=5, path="linear")

    assert way.latents is not None
    np.testing.assert_allclose(way.latents, np.linspace(start, end, 5), atol=1e-6)


def test_a_traversal_varies_one_dimension_a_row(client: Client) -> None:
    """The others stay where they are."""
    origin = np.random.default_rng(3).standard_normal(20).astype(np.float32)

    (row,) = client.traverse("vae", origin, dimensions=[7], low=-2, steps=5).rows

    expected = np.repeat(origin[np.newaxis], 5, axis=0)
    expected[:, 7] = [-2, -1, 0, 1, 2]
    np.testing.assert_array_equal(row.latents, expected)
    assert len(client.traverse("vae").rows) == 20


def test_pictures_of_any_size_go_in(client: Client) -> None:
    """They are brought to the network's."""
    photo = np.random.default_rng(4).integers(0, 256, (50, 70, 3), np.uint8)

    assert client.reconstruct("vae", photo).arrays.shape == (1, 28, 28)


def test_what_a_model_cannot_is_refused_with_what_it_can(client: Client) -> None:
    """A generator has no encoder, a VAE no classes, and neither has directions."""
    with pytest.raises(RequestError, match="it can sample, decode"):
        client.encode("gan", np.zeros((28, 28), np.uint8))
    with pytest.raises(InvalidArgumentError, match="not conditional"):
        client.sample("vae", condition=3)
    with pytest.raises(InvalidArgumentError, match="0 … 9") as unknown:
        client.sample("gan", condition=10)
    with pytest.raises(InvalidArgumentError, match="20") as out_of_range:
        client.traverse("vae", dimensions=[20])
    with pytest.raises(RequestError, match="no named directions"):
        client.edit("vae", np.zeros(20), "smile")

    assert unknown.value.field == "class_condition.index"
    assert out_of_range.value.field == "dimensions[0]"


def test_commands_make_sheets(server: ServerProcess, tmp_path: Path) -> None:
    """From sampling to interpolating what was sampled."""
    environment = {"PODIUM_ADDRESS": server.addresses.grpc}
    folder, sheet = tmp_path / "each", tmp_path / "way.png"

    sampled = CliRunner().invoke(
        main, ["sample", "gan", "-n", "3", "--class", "5", "-o", f"{folder}/", "--json"], env=environment
    )
    files = json.loads(sampled.output)["files"]
    way = CliRunner().invoke(main, ["interpolate", "vae", *files[:2], "-o", str(sheet)], env=environment)

    assert [picture["class"] for picture in json.loads(sampled.output)["pictures"]] == [5, 5, 5]
    assert (way.exit_code, sheet.exists()) == (0, True), way.output
