"""Training autoencoders, VAEs and GANs: the same every time, and it learns."""

from collections.abc import Callable

import pytest
import torch
from podium_export.recipes.denoiser_training import DenoiserPlan, noisy, train_denoiser
from podium_export.recipes.digit_training import Digits
from podium_export.recipes.gan_training import GANPlan, train_gan
from podium_export.recipes.vae_training import VAEPlan, evidence_lower_bound, train_vae
from torch import nn

Train = Callable[[Digits], nn.Module]

VAE_PLAN = VAEPlan(filters=4, hidden=16, latent_size=2, num_epochs=3, batch_size=20)
DENOISER_PLAN = DenoiserPlan(filters=4, latent_size=8, num_epochs=3, batch_size=20)
GAN_PLAN = GANPlan(filters=8, num_steps=5, batch_size=10)

TRAININGS: list[Train] = [
    lambda digits: train_vae(digits, VAE_PLAN, lambda _done, _steps: None),
    lambda digits: train_denoiser(digits, DENOISER_PLAN, lambda _done, _steps: None),
    lambda digits: train_gan(digits, GAN_PLAN, lambda _done, _steps: None),
]


@pytest.fixture(scope="module")
def digits() -> Digits:
    """Give a few synthetic digits: class c is a bright bar at row 2·c + 4."""
    labels = torch.arange(10).repeat_interleave(20)
    images = torch.zeros(200, 1, 28, 28)
    images[torch.arange(200), 0, 2 * labels + 4] = 1.0
    return Digits(images, labels)


@pytest.mark.parametrize("train", TRAININGS)
def test_training_is_the_same_every_time(train: Train, digits: Digits) -> None:
    """Bit for bit, whatever was drawn from PyTorch's own stream, which is left as it was."""
    first = train(digits).state_dict()
    torch.rand(3)
    before = torch.random.get_rng_state()
    second = train(digits).state_dict()
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(tensor, second[key]) for key, tensor in first.items())


@pytest.mark.parametrize("train", TRAININGS)
def test_networks_come_back_in_evaluation_mode(train: Train, digits: Digits) -> None:
    """As an export wants them, with every number finite."""
    network = train(digits)
    assert not any(module.training for module in network.modules())
    assert all(bool(tensor.isfinite().all()) for tensor in network.state_dict().values())


def test_a_longer_training_has_the_better_bound(digits: Digits) -> None:
    """Seven times the steps on bars give a higher evidence lower bound."""
    more = VAEPlan(filters=4, hidden=16, latent_size=2, num_epochs=20, batch_size=20)
    bounds = [
        likelihood - divergence
        for plan in (VAE_PLAN, more)
        for likelihood, divergence in [evidence_lower_bound(train_vae(digits, plan, lambda _d, _s: None), digits)]
    ]
    assert bounds[1] > bounds[0] + 50


def test_noise_stays_in_the_pictures_range() -> None:
    """Pixels of 0 … 1 stay there, and half of the black ones are left black."""
    spoiled = noisy(torch.zeros(1, 1, 100, 100), 0.4, torch.Generator().manual_seed(0))
    assert float(spoiled.min()) == 0.0
    assert float(spoiled.max()) == 1.0
    assert float((spoiled == 0).double().mean()) == pytest.approx(0.5, abs=0.02)
