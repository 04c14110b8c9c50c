"""Directions between sets of latents."""

import numpy as np
import pytest
from numpy.typing import NDArray
from podium_export.directions.direction import (
    METHODS,
    Examples,
    Separation,
    classifier_normal,
    difference_of_means,
    separation,
    split,
)
from podium_export.directions.linear_classifier import linear_classifier

Latents = NDArray[np.float64]

COVARIANCE = np.array([[1.0, 0.9, 0.0], [0.9, 1.0, 0.0], [0.0, 0.0, 1e-6]])
"""Two latents that go together, and one that hardly varies."""


def normals(mean: list[float], count: int, seed: int) -> Latents:
    """Draw latents about a mean."""
    return np.random.default_rng(seed).multivariate_normal(mean, COVARIANCE, count)


def cosine(a: Latents, b: Latents) -> float:
    """Give the cosine of the angle between two directions."""
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_the_difference_of_means_is_that() -> None:
    """From without to with."""
    positive, negative = np.array([[1.0, 5.0], [3.0, 5.0]]), np.array([[0.0, 4.0]])
    np.testing.assert_allclose(difference_of_means(Examples(positive, negative)), [2.0, 1.0])


def test_a_classifiers_normal_is_fishers() -> None:
    """For normal classes of one covariance it is Σ⁻¹ (m₁ − m₀): Bishop, equation 4.65."""
    apart = np.array([1.0, 0.0, 0.0])
    examples = Examples(normals(list(apart), 20_000, 1), normals([0, 0, 0], 20_000, 2))
    fisher = np.linalg.solve(COVARIANCE, apart)
    assert cosine(classifier_normal(examples), fisher) > 0.999
    assert cosine(difference_of_means(examples), fisher) < 0.8


@pytest.mark.parametrize("method", METHODS)
def test_a_strength_of_one_leads_from_mean_to_mean(method: str) -> None:
    """Measured along the direction itself."""
    examples = Examples(normals([2, 1, 0], 300, 1), normals([0, 0, 0], 200, 2))
    direction = METHODS[method](examples)
    from_mean, to_mean = examples.negative.mean(axis=0), examples.positive.mean(axis=0)
    assert (from_mean + direction) @ direction == pytest.approx(to_mean @ direction)


def test_the_fit_minimizes_the_cross_entropy() -> None:
    """No small change of the weights makes the loss, written out here, smaller: separable classes included."""
    for positive, negative in (
        (normals([1, 0, 0], 40, 1), normals([0, 0, 0], 70, 2)),
        (normals([9, 9, 0], 40, 1), normals([0, 0, 0], 70, 2)),
    ):
        w = linear_classifier(positive, negative)
        points = np.concatenate((positive, negative))
        unit = points.std(axis=0).max()
        sign = np.repeat([1.0, -1.0], [40, 70])
        share = 110 / 2 / np.repeat([40, 70], [40, 70])

        def loss(w: Latents, points: Latents = points, unit: float = unit) -> float:
            centred = points - points.mean(axis=0)
            biases = np.linspace(-20, 20, 40_001)
            fits = np.logaddexp(0, -sign[:, None] * (centred @ w)[:, None] - sign[:, None] * biases)  # noqa: B023
            return float((share @ fits).min() + 0.5 * (unit * w) @ (unit * w))  # noqa: B023

        best = loss(w)
        for change in np.random.default_rng(0).standard_normal((20, 3)) * 0.1 / unit:
            assert loss(w + change) > best


def test_latents_without_difference_have_no_direction() -> None:
    """Zeros, and no division by zero."""
    same = np.ones((5, 3))
    for method in METHODS.values():
        np.testing.assert_array_equal(method(Examples(same, same)), np.zeros(3))


def test_held_out_examples_are_counted_by_their_side() -> None:
    """The middle lies between the learned means; what is on it is on neither side."""
    learned = Examples(np.array([[2.0], [4.0]]), np.array([[-1.0], [-1.0]]))
    held_out = Examples(np.array([[1.5], [1.0], [0.0], [9.0]]), np.array([[0.5], [3.0]]))
    parts = separation(np.array([1.0]), learned, held_out)
    assert parts == Separation(num_positive=4, num_negative=2, right_positive=2, right_negative=1)
    assert parts.accuracy == 0.5


def test_a_third_is_held_out_the_same_each_time() -> None:
    """Each example is on one side, and not simply the first ones."""
    examples = Examples(np.arange(30.0)[:, None], np.arange(100, 111.0)[:, None])
    learned, held_out = split(examples)
    assert (len(held_out.positive), len(held_out.negative)) == (10, 3)
    for whole, parts in ((examples.positive, "positive"), (examples.negative, "negative")):
        both = np.concatenate((getattr(learned, parts), getattr(held_out, parts)))
        np.testing.assert_array_equal(np.sort(both, axis=0), whole)
    assert set(held_out.positive[:, 0]) != set(range(10))
    np.testing.assert_array_equal(split(examples)[1].positive, held_out.positive)
