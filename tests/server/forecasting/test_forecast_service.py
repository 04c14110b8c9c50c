"""Forecasts of models whose answers follow from a formula."""

import itertools
import math

import numpy as np
import pytest
from podium.v1 import forecast_service_pb2 as wire
from podium.v1 import forecast_service_pb2_grpc as stubs
from podium_server.philox import normals

from tests.server.forecasting.asking import reading, series, vector

Stub = stubs.ForecastServiceStub
FIRST = series(vector(3, 12, 1), vector(5, 16, 2), times=[4, 3, 13, 4])
"""Heat's number is (12 − 10) / 2 = 1 and 3, on average 2; flow's 1 and 2, on average 1.5."""


def ask(stub: Stub, *all_series: wire.Series, model: str = "fading", **more: object) -> wire.ForecastResponse:
    """Call the service."""
    return stub.Forecast(wire.ForecastRequest(model=model, series=all_series, **more))  # type: ignore[arg-type]


def test_solves_from_the_first_observation(stub: Stub) -> None:
    """z(t) = z · e^(−(time − 3) / 10), in the channels' units, in the order of the request, repeated times repeated."""
    answer = ask(stub, FIRST)
    assert list(answer.channels) == ["heat", "flow"]
    points = answer.series[0].points
    assert [point.time for point in points] == [4, 3, 13, 4]
    for point in points:
        decay = math.exp(-(point.time - 3) / 10)
        assert list(point.mean) == pytest.approx([10 + 2 * 2 * decay, 1.5 * decay], rel=1e-6)
        assert not point.spread
        assert not point.samples
    assert not answer.metadata.HasField("seed")
    assert (answer.metadata.model, answer.metadata.version) == ("fading", 1)


def test_says_where_each_time_lies(stub: Stub) -> None:
    """Ends of the observations included; a day after the first one ends what the model was trained on."""
    times = [3, 5, 5.1, 27, 27.1, 2.9, -90]
    answer = ask(stub, series(vector(3, 12, 1), vector(5, 16, 2), times=times))
    inside, ahead, beyond = wire.REACH_INTERPOLATION, wire.REACH_EXTRAPOLATION, wire.REACH_BEYOND_TRAINING
    assert [p.reach for p in answer.series[0].points] == [inside, inside, ahead, ahead, beyond, beyond, beyond]


def test_solves_backwards_too(stub: Stub) -> None:
    """Before the latent's time the solution has not decayed yet."""
    (point,) = ask(stub, series(vector(3, 12, 1), times=[-7])).series[0].points
    assert list(point.mean) == pytest.approx([10 + 2 * math.e, math.e], rel=1e-6)


def test_a_model_may_begin_at_time_zero(stub: Stub) -> None:
    """Its latent stands there whatever was observed first."""
    (point,) = ask(stub, series(vector(3, 12, 1), times=[10]), model="admitted").series[0].points
    assert list(point.mean) == pytest.approx([10 + 2 / math.e, 1 / math.e], rel=1e-6)


def test_vectors_and_readings_say_the_same(stub: Stub) -> None:
    """A whole vector, one with a gap, single channels by name or index, in any order: the same bytes."""
    forms = [
        series(vector(1, 14, 2), vector(2, 18, 0, missing=[1]), times=[9]),
        series(vector(2, 18, 77, missing=[1]), vector(1, 14, 2), times=[9]),
        series(reading(1, "heat", 14), reading(2, 0, 18), reading(1, 1, 2), times=[9]),
        series(vector(1, 0, 2, missing=[0]), reading(2, "heat", 18), reading(1, "heat", 14), times=[9]),
    ]
    answers = {ask(stub, form).series[0].SerializeToString() for form in forms}
    assert len(answers) == 1


def test_readings_of_one_time_become_their_mean(stub: Stub) -> None:
    """Three readings of heat at once count once: (12 + 14 + 16) / 3 = 14."""
    same_time = [reading(1, "heat", value) for value in (12, 14, 16)]
    one, many = (ask(stub, series(*o, reading(2, "heat", 20), times=[1])) for o in ([reading(1, 0, 14)], same_time))
    assert one.series[0] == many.series[0]


def test_samples_are_the_posterior_by_the_seed(stub: Stub) -> None:
    """Sample i is mean + deviation · Philox(seed, i); mean and spread are those of the samples."""
    answer = ask(stub, series(vector(0, 14, 2), times=[5, 0]), num_samples=3, seed=9, return_samples=True)
    assert answer.metadata.seed == 9
    drawn = np.array([2, 2]) + np.array([1, 1]) * normals(9, 0, np.arange(3, dtype=np.uint64), 2)
    for point, decay in zip(answer.series[0].points, (math.exp(-0.5), 1), strict=True):
        expected = np.array([10, 0]) + np.array([2, 1]) * drawn * decay
        np.testing.assert_allclose([sample.values for sample in point.samples], expected, rtol=1e-6)
        np.testing.assert_allclose(point.mean, expected.mean(axis=0), rtol=1e-6)
        np.testing.assert_allclose(point.spread, expected.std(axis=0), rtol=1e-6)


def test_a_seed_is_chosen_and_told(stub: Stub) -> None:
    """With the told seed the answer can be made again."""
    first = ask(stub, FIRST, num_samples=4)
    again = ask(stub, FIRST, num_samples=4, seed=first.metadata.seed)
    assert first.series[0] == again.series[0]


def test_fewer_samples_are_the_first_of_more(stub: Stub) -> None:
    """Sample 1 of 2 is sample 1 of 40, which take several runs."""
    few, many = (ask(stub, FIRST, num_samples=n, seed=1, return_samples=True) for n in (2, 40))
    for one, other in zip(few.series[0].points, many.series[0].points, strict=True):
        assert list(one.samples) == list(other.samples)[:2]


def test_a_series_gives_the_same_bytes_alone_and_with_others(stub: Stub) -> None:
    """Whatever else the call holds, of other lengths, times and directions."""
    others = [
        series(*(vector(t, 10 + t, t) for t in range(1, 30)), times=[t / 7 for t in range(100)]),
        series(vector(-3, 11, 1), times=[-20, 60]),
        FIRST,
        series(reading(8, "flow", 3), times=[8]),
    ]

    def answers(*every: wire.Series) -> list[bytes]:
        answer = ask(stub, *every, num_samples=5, seed=3, return_samples=True)
        return [one.SerializeToString() for one in answer.series]

    alone = [answers(each)[0] for each in others]
    for order in itertools.islice(itertools.permutations(range(4)), 0, 24, 7):
        assert answers(*(others[i] for i in order)) == [alone[i] for i in order]


def test_what_else_is_asked_changes_no_value(stub: Stub) -> None:
    """A time's value is the same with ninety others, which are padded otherwise."""
    few = ask(stub, series(vector(3, 12, 1), times=[4]))
    many = ask(stub, series(vector(3, 12, 1), times=[4, *range(3, 93)]))
    assert few.series[0].points[0].mean == many.series[0].points[0].mean


def test_a_solution_that_diverges_is_reported(stub: Stub) -> None:
    """e^(2 t) passes a million at t = 6.9: times from then on are empty, the others sound, and nothing is NaN."""
    answer = ask(stub, series(vector(0, 12, 1), times=[90, 1, 8, 6, 7]), model="exploding")
    forecast = answer.series[0]
    assert [bool(point.mean) for point in forecast.points] == [False, True, False, True, False]
    assert (forecast.divergence.time, forecast.divergence.num_diverged) == (7, 1)
    assert "diverges: from time 7 on" in forecast.divergence.message
    assert np.isfinite([value for point in forecast.points for value in point.mean]).all()


def test_samples_that_diverge_are_counted(stub: Stub) -> None:
    """A mean without those that ran away would be of others: times from the first on are left out."""
    answer = ask(stub, series(vector(0, 12, 1), times=[1, 6.9, 9]), model="exploding", num_samples=32, seed=0)
    forecast = answer.series[0]
    drawn = np.abs(1 + 0.5 * normals(0, 0, np.arange(32, dtype=np.uint64), 2)).max(axis=1)
    assert 0 < (drawn * math.exp(2 * 6.9) > 1e6).sum() < 32
    assert [bool(point.mean) for point in forecast.points] == [True, False, False]
    assert forecast.divergence.num_diverged == 32
    assert forecast.divergence.time == pytest.approx(6.9)


def test_other_series_of_the_call_do_not_diverge_with_it(stub: Stub) -> None:
    """Each series has its own report."""
    answer = ask(stub, series(vector(0, 12, 1), times=[9]), series(vector(0, 12, 1), times=[1]), model="exploding")
    assert [forecast.HasField("divergence") for forecast in answer.series] == [True, False]
