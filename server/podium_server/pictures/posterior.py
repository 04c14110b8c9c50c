"""How far an encoder's posterior is from the prior.

Shapes: N pictures, D dimensions.
"""

import numpy as np
from numpy.typing import NDArray

from podium_server.pictures.prior import Prior


def kl_nats(prior: Prior, mean: NDArray[np.float32], log_variance: NDArray[np.float32]) -> NDArray[np.float64]:
    """Sum the Kullback-Leibler divergences of all parts.

    Normal parts: Kingma and Welling, "Auto-encoding variational Bayes", arXiv:1312.6114, appendix B:
    ½ Σ (μ² + σ² - 1 - ln σ²). One-hot parts, whose mean holds probabilities q over K classes: Σ q ln(K q), as in
    Dupont, "Learning disentangled joint continuous and discrete representations", arXiv:1804.00104, section 3.2.

    Args:
        prior: of normal and one-hot parts.
        mean: (N, D).
        log_variance: (N, D).

    Returns:
        (N,), each at least 0.
    """
    mu, log_var = mean[:, prior.normal].astype(np.float64), log_variance[:, prior.normal].astype(np.float64)
    with np.errstate(over="ignore"):  # a variance beyond all bounds is infinitely far
        total: NDArray[np.float64] = 0.5 * (np.square(mu) + np.expm1(log_var) - log_var).sum(axis=1)
    for part in prior.parts:
        if part.kind == "one_hot":
            q = np.clip(mean[:, part.dimensions].astype(np.float64), np.finfo(np.float64).tiny, None)
            total += np.maximum((q * np.log(q * part.size)).sum(axis=1), 0.0)
    return total
