"""Weights that come with podium."""

from pathlib import Path

import pytest
import torch
from podium.v1 import model_manifest_pb2 as pb
from podium_export.architectures.vae import VAEConfig, build
from podium_export.recipes.registry_package import FetchError
from podium_export.recipes.stored_weights import WEIGHTS, StoredWeights, rounded
from podium_export.recipes.train import TRAINABLE

STORED = StoredWeights("a", "vae", "")
LONG = ("shakespeare", "captioner", "digits-gan", "translator")
"""What takes long to measure again; their own tests measure a part of it."""
FIGURE = pb.Evaluation(metric="loss", value=1.25, unit="nats", dataset="pictures", num_examples=3)


def test_weights_and_figures_come_back(tmp_path: Path) -> None:
    """Rounded to half precision once, they are the same when read."""
    network = rounded(build({}))
    STORED.store(network, [FIGURE], tmp_path)
    again = STORED.network(tmp_path).state_dict()
    assert all(torch.equal(tensor, again[key]) for key, tensor in network.state_dict().items())
    assert STORED.evaluations(tmp_path) == [FIGURE]


def test_a_vocabulary_comes_back(tmp_path: Path) -> None:
    """Token by token, whatever characters they have; a network that writes nothing has none."""
    network = build({})
    STORED.store(network, [FIGURE], tmp_path, vocabulary=["\n", "flag:", "“é”"])
    assert STORED.vocabulary(tmp_path) == ["\n", "flag:", "“é”"]
    STORED.store(network, [FIGURE], tmp_path)
    assert STORED.vocabulary(tmp_path) == []


def test_the_same_weights_give_the_same_file(tmp_path: Path) -> None:
    """Training again changes nothing in the repository unless the weights change."""
    network = build({})
    first = STORED.store(network, [FIGURE], tmp_path).read_bytes()
    assert STORED.store(network, [FIGURE], tmp_path).read_bytes() == first


def test_rounding_keeps_three_digits() -> None:
    """Half precision holds eleven binary digits."""
    network = build({})
    before = [weight.detach().clone() for weight in network.parameters()]
    for old, new in zip(before, rounded(network).parameters(), strict=True):
        torch.testing.assert_close(new.detach(), old, rtol=2**-11, atol=1e-7)
    assert network.config == VAEConfig()


def test_all_of_them_are_small() -> None:
    """They lie in the repository, which must stay quick to fetch."""
    files = {file.stem: file.stat().st_size for file in WEIGHTS.glob("*.safetensors")}
    assert set(files) == {stored.name for recipe in TRAINABLE.values() for stored in recipe.stored()}
    assert sum(files.values()) < 20e6


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in TRAINABLE]
)
def test_stored_figures_are_true(name: str) -> None:
    """The weights, measured again, give what is stored beside them, and so do the tokens of those that write."""
    recipe = TRAINABLE[name]
    for stored in recipe.stored():
        try:
            measured = recipe.evaluate(stored.network())
        except FetchError as error:
            pytest.skip(f"the data cannot be had here: {error}")
        assert [what(figure) for figure in measured] == [what(figure) for figure in stored.evaluations()]
        for figure, known in zip(measured, stored.evaluations(), strict=True):
            # Rounding on another processor may turn one answer of hundreds into another.
            assert figure.value == pytest.approx(known.value, rel=3e-3, abs=0.5 if known.unit == "%" else None)
        assert stored.vocabulary() == list(recipe.vocabulary())


def what(figure: pb.Evaluation) -> tuple[str, str, str, int]:
    """Give what was measured, without its value."""
    return figure.metric, figure.unit, figure.dataset, figure.num_examples
