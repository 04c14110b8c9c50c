"""Logistic regression between two sets of points.

C. M. Bishop: Pattern Recognition and Machine Learning, 2006, section 4.3.3: iterative reweighted least squares,
that is Newton's method, with a Gaussian prior of the weights.

Shapes: N examples, D dimensions.
"""

import numpy as np
from numpy.typing import NDArray

MAX_STEPS = 100
"""Newton's method doubles the right digits with each step; ten are usual."""

_ENOUGH = 1e-10

Array = NDArray[np.float64]


def linear_classifier(positive: Array, negative: Array) -> Array:
    """Fit weights w (D,) such that σ(w·x + b) is the probability that x is positive.

    Each set counts for half, however large it is. All dimensions are measured in one unit, the standard deviation
    of the widest: one that hardly varies then needs a large weight to matter, which the prior makes costly.

    Args:
        positive: (N, D), one or more.
        negative: (N, D), of another N.

    Returns:
        The weights; zeros where no point differs from another.
    """
    points = np.concatenate((positive, negative))
    unit = float(points.std(axis=0).max())
    if unit == 0:
        return np.zeros(points.shape[1])
    x = np.column_stack(((points - points.mean(axis=0)) / unit, np.ones(len(points))))
    target = np.repeat([1.0, 0.0], [len(positive), len(negative)])
    share = len(points) / 2 / np.repeat([len(positive), len(negative)], [len(positive), len(negative)])
    w: Array = _fit(x, target, share)[:-1]
    return w / unit


def _fit(x: Array, target: Array, share: Array) -> Array:
    """Minimize `_loss` by Newton's method, each step halved until it leads down; x is (N, D + 1), the bias last."""
    prior = np.append(np.ones(x.shape[1] - 1), 1e-9)  # the bias is free, but for what keeps the steps finite
    w = np.zeros(x.shape[1])
    for _ in range(MAX_STEPS):
        p = _sigmoid(x @ w)
        gradient = x.T @ (share * (p - target)) + prior * w
        curvature = share * p * (1 - p)
        hessian = (x * curvature[:, None]).T @ x + np.diag(prior)
        step = np.linalg.solve(hessian, gradient)
        before = _loss(w, x, target, share, prior)
        while _loss(w - step, x, target, share, prior) > before and np.abs(step).max() > _ENOUGH:
            step /= 2
        w = w - step
        if np.abs(step).max() <= _ENOUGH:
            break
    return w


def _loss(w: Array, x: Array, target: Array, share: Array, prior: Array) -> float:
    """Give the cross-entropy plus ½ |w|², equations 4.90 and 4.142 of Bishop."""
    logit = x @ w
    return float(share @ (np.logaddexp(0, logit) - target * logit) + 0.5 * prior @ w**2)


def _sigmoid(logit: Array) -> Array:
    return np.exp(-np.logaddexp(0, -logit))
