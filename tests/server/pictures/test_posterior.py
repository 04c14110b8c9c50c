"""The divergence of a posterior from the prior, against PyTorch's own."""

import numpy as np
import torch
from podium_server.pictures.posterior import kl_nats
from podium_server.pictures.prior import Prior
from torch.distributions import Categorical, Normal, kl_divergence

from tests.server.pictures.models import normal, one_hot


def test_normal_parts_diverge_as_pytorch_says() -> None:
    """Summed over dimensions, one number a picture."""
    random = np.random.default_rng(0)
    mean, log_variance = random.standard_normal((2, 5, 20)).astype(np.float32)
    wide = torch.from_numpy(log_variance).double()
    posterior = Normal(torch.from_numpy(mean).double(), (wide / 2).exp())
    expected = kl_divergence(posterior, Normal(0.0, 1.0)).sum(1)
    np.testing.assert_allclose(kl_nats(Prior([normal(20)]), mean, log_variance), expected, rtol=1e-6)


def test_the_prior_itself_is_no_distance_away() -> None:
    """And small distances are not lost to rounding: ½ μ² for small μ."""
    zeros = np.zeros((1, 3), np.float32)
    assert kl_nats(Prior([normal(3)]), zeros, zeros).tolist() == [0.0]
    near = np.array([[1e-6, 0, 0]], np.float32)
    np.testing.assert_allclose(kl_nats(Prior([normal(3)]), near, zeros), [0.5e-12], rtol=1e-6)


def test_one_hot_parts_diverge_as_a_category_from_evenly_many() -> None:
    """A sure class is ln K away, no preference 0; their log variance does not count."""
    logits = torch.tensor([[9.0, 0.0, -2.0], [0.0, 0.0, 0.0], [1000.0, 0.0, 0.0]], dtype=torch.float64)
    q = torch.softmax(logits, 1)
    mean = np.concatenate([np.zeros((3, 2)), q.numpy()], 1).astype(np.float32)
    log_variance = np.concatenate([np.zeros((3, 2)), np.full((3, 3), 7.0)], 1).astype(np.float32)
    expected = kl_divergence(Categorical(q), Categorical(torch.ones(3, 3, dtype=torch.float64) / 3))
    nats = kl_nats(Prior([normal(2), one_hot(3)]), mean, log_variance)
    np.testing.assert_allclose(nats, expected, rtol=1e-5, atol=1e-6)
    assert nats[2] == np.log(3.0)
