"""How far axes are padded."""

from podium_server.forecasting.padding import padded


def test_lengths_become_few_and_lose_at_most_half() -> None:
    """8, 12, 16, 24, 32, …: never less than asked, never half as much again and more."""
    sizes = {padded(length) for length in range(1, 4097)}
    assert sorted(sizes)[:6] == [8, 12, 16, 24, 32, 48]
    assert len(sizes) == 19
    for length in range(8, 4097):
        assert length <= padded(length) < 1.5 * length
