"""What `podium inspect` says of latent spaces."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from podium.v1 import model_manifest_pb2 as pb
from podium_export.architectures.latent_model import normal, one_hot, uniform
from podium_export.encoding.encoder import Posterior
from podium_export.inspection.command import inspect
from podium_export.inspection.latent_use import part_uses
from podium_export.inspection.latent_use_report import bar
from podium_export.inspection.latent_words import latent_facts
from torch.distributions import Categorical, Normal, kl_divergence

from tests.export.directions.bright import GAIN, draw, export_bright
from tests.export.published import digits, export_published


def test_parts_classes_and_directions_are_told() -> None:
    """Each prior with its size, every direction with how well it separates."""
    direction = pb.LatentDirection(
        name="smile", values=[1] * 6, method="linear_classifier", held_out_accuracy=0.9375, num_held_out=1600
    )
    manifest = pb.ModelManifest(
        latent_space=pb.LatentSpace(
            parts=[normal(3), uniform(1, 0, 0.5), one_hot(2)], class_names=["cat", "dog"], directions=[direction]
        ),
        image_output=pb.ImageOutput(low=-1, high=1),
    )
    assert list(latent_facts(manifest)) == [
        ("latent space", "3 normal + 1 uniform in [0, 0.5) + 2 one-hot = 6 dimensions"),
        ("classes", "cat, dog"),
        ("direction", "smile: by linear classifier, separates 93.8 % of 1,600 held-out pictures"),
        ("output", "black is -1, white is 1"),
    ]


def test_a_latent_without_a_prior_is_told() -> None:
    """An autoencoder draws nothing of its own."""
    [(_, words)] = latent_facts(pb.ModelManifest(latent_space=pb.LatentSpace()))
    assert "without a prior" in words


def test_a_dimensions_use_is_its_divergence_from_the_prior() -> None:
    """As PyTorch computes it; a one-hot part is one row."""
    rng = np.random.default_rng(0)
    mean, log_variance = rng.standard_normal((50, 2)), rng.standard_normal((50, 2))
    q = rng.dirichlet([1, 1, 1], 50)
    posterior = Posterior(np.column_stack((q, mean)), np.column_stack((q, log_variance)))
    choice, *numbers = part_uses(posterior, [one_hot(3), normal(2)])
    own = Normal(torch.tensor(mean), torch.tensor(log_variance / 2).exp())
    expected = kl_divergence(own, Normal(0.0, 1.0)).mean(dim=0)
    assert [use.kl_nats for use in numbers] == pytest.approx(expected.tolist())
    assert [use.dimensions for use in (choice, *numbers)] == [range(3), range(3, 4), range(4, 5)]
    apart = kl_divergence(Categorical(torch.tensor(q)), Categorical(torch.full((3,), 1 / 3, dtype=torch.float64)))
    assert choice.kl_nats == pytest.approx(float(apart.mean()))


def test_certain_choices_are_finite() -> None:
    """0 ln 0 is 0, and a choice made for sure tells ln K."""
    [use] = part_uses(Posterior(np.eye(4), np.zeros((4, 4))), [one_hot(4)])
    assert use.kl_nats == pytest.approx(np.log(4))


@pytest.mark.parametrize(("share", "drawn"), [(0, ""), (1, "██"), (0.5, "█"), (0.75, "█▌"), (1 / 16, "▏")])
def test_bars_are_exact_to_an_eighth(share: float, drawn: str) -> None:
    """Two characters wide here."""
    assert bar(share, 2) == drawn


def test_the_published_vae_uses_what_its_readme_measured(repository: Path, tmp_path: Path) -> None:
    """25.9 nats an image over five thousand digits, read from PNG files."""
    export_published("vae-mnist-mlp", "vae-gan/vae-mnist-mlp.pth", repository)
    folder = tmp_path / "digits"
    folder.mkdir()
    for number, image in enumerate(digits().images):
        Image.fromarray((image[0] * 255).round().byte().numpy()).save(folder / f"{number:04}.png")
    answer = CliRunner().invoke(inspect, [str(repository / "vae-mnist-mlp"), "--json", "--kl", str(folder)])
    use = json.loads(answer.stdout)["latent_use"]
    assert use["num_pictures"] == 5000
    assert use["kl_nats"] == pytest.approx(25.9, abs=0.05)
    assert [each["dimensions"] for each in use["dimensions"]] == [[d] for d in range(20)]


def test_people_see_bars(repository: Path, tmp_path: Path) -> None:
    """The most used dimension first, with ½ (μ² + σ² − 1 − ln σ²) nats, here with σ² = 1/e."""
    folder = draw(tmp_path / "pictures", 200, 100)
    path = export_bright(repository).path
    answer = CliRunner().invoke(inspect, [str(path), "--kl", str(folder)], env={"COLUMNS": "100"})
    assert answer.exit_code == 0, answer.output
    _, _, after = answer.stdout.partition("KL a dimension")
    rows = [line.split() for line in after.splitlines() if line.strip()[:1].isdigit()][:3]
    assert [row[0] for row in rows] == ["0", "1", "2"]
    assert float(rows[0][1]) == pytest.approx(0.5 * ((GAIN * 200 / 255) ** 2 + np.exp(-1)), rel=0.05)
    assert float(rows[2][1]) == pytest.approx(0.5 * np.exp(-1), abs=1e-3)
    assert [len(row) for row in rows] == [3, 3, 3]
    assert "3 of 3 dimensions in use" in after
    assert "latent space" in answer.stdout


def test_only_a_vae_has_such_a_use(repository: Path, tmp_path: Path) -> None:
    """An autoencoder's encoder gives no variance, and `--class` needs pictures."""
    from podium_export.architectures import ARCHITECTURES
    from podium_export.assembling import Source
    from podium_export.exporting import export_network
    from podium_export.package import Destination

    architecture = ARCHITECTURES["autoencoder"]
    blueprint = architecture.blueprint(architecture.build({}).eval())
    published = export_network(blueprint, Source("autoencoder"), Destination(repository, "plain"))
    folder = draw(tmp_path / "pictures", 200, 100)
    answer = CliRunner().invoke(inspect, [str(published.path), "--kl", str(folder)])
    assert answer.exit_code == 1
    assert "--kl: the encoder of plain, version 1 gives no variance" in answer.stderr
    answer = CliRunner().invoke(inspect, [str(published.path), "--class", "3"])
    assert answer.exit_code == 2
    assert "--class goes with --kl" in answer.stderr
