"""JointVAE."""

from pathlib import Path

import numpy as np
import pytest
import torch
from podium_export.architectures import ARCHITECTURES
from podium_export.architectures.jointvae import JointVAE, JointVAEConfig, build
from torch import Tensor, nn
from torch.distributions import OneHotCategorical

from tests.export.architectures.halves import run_graph
from tests.export.published import export_published, published_network, read_digits

FILE = "vae-gan/jointvae-mnist.pt"
DIGIT_BY_CHOICE = {0: 2, 3: 1, 5: 3, 7: 4, 8: 7, 9: 0}
"""What the README says of the one-hot part."""


def test_the_choice_picks_the_digit(repository: Path) -> None:
    """LeNet-5 reads what the README says, 98 % of the time or more; those classes bear the digits' names."""
    published = export_published("jointvae", FILE, repository)
    space = published.manifest.latent_space
    assert [(part.size, part.WhichOneof("prior")) for part in space.parts] == [(10, "normal"), (10, "one_hot")]
    assert {c: name for c, name in enumerate(space.class_names) if name.isdigit()} == {
        choice: str(digit) for choice, digit in DIGIT_BY_CHOICE.items()
    }
    assert space.class_names[1] == "choice 1"
    for choice, digit in DIGIT_BY_CHOICE.items():
        z = torch.randn(1000, 10, generator=torch.Generator().manual_seed(choice))
        latent = torch.cat((z, torch.eye(10)[choice].expand(1000, 10)), dim=1)
        read = read_digits(torch.tensor(run_graph(published.path, "decoder", latent=latent)["image"])).argmax(dim=1)
        assert (read == digit).float().mean() >= 0.97


def test_other_weights_have_choices_without_names() -> None:
    """What a choice means is known of the published network alone."""
    blueprint = ARCHITECTURES["jointvae"].blueprint(JointVAE(JointVAEConfig()))
    assert blueprint.latent_space is not None
    assert list(blueprint.latent_space.class_names) == [f"choice {choice}" for choice in range(10)]


def test_the_encoder_gives_pytorchs_posterior(repository: Path) -> None:
    """Of the one-hot part: the probabilities, and the logarithm of a choice's variance."""
    network = published_network("jointvae", FILE)
    assert isinstance(network, JointVAE)
    published = export_published("jointvae", FILE, repository)
    x = torch.rand(5, 1, 32, 32)
    encoded = run_graph(published.path, "encoder", image=x)
    with torch.inference_mode():
        h = network.features_to_hidden(network.img_to_features(x).flatten(1))
        choice = OneHotCategorical(logits=network.fc_alphas[0](h).double())
        np.testing.assert_allclose(encoded["mean"][:, :10], network.fc_mean(h), atol=1e-4)
        np.testing.assert_allclose(encoded["log_variance"][:, :10], network.fc_log_var(h), atol=1e-4)
        np.testing.assert_allclose(encoded["mean"][:, 10:], choice.probs, atol=1e-6)
        np.testing.assert_allclose(encoded["log_variance"][:, 10:], choice.variance.log(), atol=1e-4)


def test_a_pictures_choice_is_its_digit(repository: Path) -> None:
    """Of the digits that have a choice of their own, the encoder makes it nine times in ten."""
    from torch.nn import functional as F

    from tests.export.published import digits

    published = export_published("jointvae", FILE, repository)
    known = digits()
    ours = torch.isin(known.labels, torch.tensor([0, 1, 3, 4]))
    images = F.interpolate(known.images[ours], (32, 32), mode="bilinear")
    choice = torch.tensor(run_graph(published.path, "encoder", image=images)["mean"][:, 10:].argmax(axis=1))
    choice_by_digit = {digit: choice for choice, digit in DIGIT_BY_CHOICE.items()}
    wanted = torch.tensor([choice_by_digit[int(label)] for label in known.labels[ours]])
    assert (choice == wanted).float().mean() >= 0.9


@pytest.mark.parametrize("side", [32, 64])
def test_sizes_are_read_from_the_checkpoint(side: int) -> None:
    """64×64 takes one more convolution in each half."""
    config = JointVAEConfig(channels=3, side=side, hidden_size=20, normal_size=4, num_choices=3)
    network = build(JointVAE(config).state_dict())
    assert network.config == config
    assert network.decode(torch.zeros(2, 7)).shape == (2, 3, side, side)
    assert [tuple(part.shape) for part in network.encode(torch.zeros(2, 3, side, side))] == [(2, 7), (2, 7)]


def test_it_draws_what_pytorchs_own_layers_draw() -> None:
    """ReLU between the layers, a sigmoid at the end."""
    network = published_network("jointvae", FILE)
    assert isinstance(network, JointVAE)
    state = network.state_dict()
    reference = nn.Sequential(
        nn.Linear(20, 256), nn.ReLU(), nn.Linear(256, 1024), nn.ReLU(), nn.Unflatten(1, (64, 4, 4)),
        nn.ConvTranspose2d(64, 32, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(32, 32, 4, 2, 1), nn.ReLU(),
        nn.ConvTranspose2d(32, 1, 4, 2, 1), nn.Sigmoid(),
    )  # fmt: skip
    back = [tensor for key, tensor in state.items() if key.startswith(("latent_to_features", "features_to_img"))]
    reference.load_state_dict(dict(zip(reference.state_dict(), back, strict=True)))
    z: Tensor = torch.randn(3, 20)
    torch.testing.assert_close(network.decode(z), reference(z))
