"""Training networks that write: the same every time, and they learn."""

from dataclasses import replace

import pytest
import torch
from podium_export.recipes.captioner_training import CaptionerPlan, caption, train_captioner, word_f1, words_of
from podium_export.recipes.emoji_pictures import Emoji
from podium_export.recipes.shakespeare_training import (
    ShakespearePlan,
    alphabet,
    char_lstm,
    nats_per_character,
    tokens,
    train_shakespeare,
)
from podium_export.recipes.translator_training import TranslatorPlan, pronounce, train_translator
from torch import nn

SHAKESPEARE_PLAN = ShakespearePlan(
    embedding_size=8, hidden_size=16, num_streams=4, window=8, kept_after=(2, 10, 60), peak_learning_rate=2e-2
)
TRANSLATOR_PLAN = TranslatorPlan(
    embedding_size=8, encoder_size=16, decoder_size=32, num_epochs=40, batch_size=8, peak_learning_rate=2e-2
)
CAPTIONER_PLAN = CaptionerPlan(
    filters=(8, 16, 32), cell_size=16, embedding_size=8, hidden_size=32, num_epochs=12, batch_size=10, dropout=0.0
)

TEXTS = {"a": "the cat sat.\n" * 40, "b": "the mat sat.\n" * 20}
WAYS = {f"{a}{b}": [(a.upper(), f"{b.upper()}1")] for a in "bdfgklmnprst" for b in "aeiou"}
PHONEMES = sorted({phoneme for [way] in WAYS.values() for phoneme in way})


@pytest.fixture(scope="module")
def bars() -> Emoji:
    """Give pictures of bars, drawn by two: red or blue, lying or standing."""
    images = torch.full((80, 3, 64, 64), 255, dtype=torch.uint8)
    captions: list[str] = []
    for place, image in enumerate(images):
        red, lying = place % 2, place // 2 % 2
        ink = image[:, 24:40] if lying else image[:, :, 24:40]
        ink[1], ink[2 if red else 0] = 0, 0
        captions.append(f"{'red' if red else 'blue'} bar that {'lies' if lying else 'stands'}")
    return Emoji(images, captions, ["A", "B"] * 40)


def nothing(_done: int, _steps: int) -> None:
    """Tell nobody."""


def same(one: nn.Module, other: nn.Module) -> bool:
    """Tell whether two networks have the same weights, bit for bit."""
    again = other.state_dict()
    return all(torch.equal(tensor, again[key]) for key, tensor in one.state_dict().items())


def test_training_on_texts_is_the_same_every_time() -> None:
    """Bit for bit, however often the network is kept; PyTorch's own stream is left as it was."""
    characters = alphabet(list(TEXTS.values()))
    first = train_shakespeare(TEXTS, characters, SHAKESPEARE_PLAN, nothing)
    torch.rand(3)
    before = torch.random.get_rng_state()
    second = train_shakespeare(TEXTS, characters, replace(SHAKESPEARE_PLAN, kept_after=(60,)), nothing)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert same(first[-1], second[-1])


def test_a_text_is_foretold_better_on_the_way() -> None:
    """Each network that was kept knows more than the one before, and the last one more than how often letters are."""
    characters = alphabet(list(TEXTS.values()))
    networks = train_shakespeare(TEXTS, characters, SHAKESPEARE_PLAN, nothing)
    nats = [nats_per_character(network, ["the cat sat.\n" * 3], characters) for network in networks]
    assert len(nats) == 3
    assert nats == sorted(nats, reverse=True)
    shares = torch.bincount(tokens("".join(TEXTS.values()), characters)).double()
    shares = shares[shares > 0] / shares.sum()
    assert nats[-1] < -float((shares * shares.log()).sum())
    assert not any(network.training for network in networks)


def test_what_is_not_learned_costs_the_logarithm_of_the_alphabet() -> None:
    """Equal logits make each of V characters as probable as another: ln V nats, in pieces of any length."""
    network = char_lstm(train_shakespeare(TEXTS, "\n .acehmst", SHAKESPEARE_PLAN, nothing)[0].state_dict())
    nn.init.zeros_(network.head.weight)
    nn.init.zeros_(network.head.bias)
    nats = nats_per_character(network, ["the cat sat.", "the mat"], "\n .acehmst", piece=5)
    assert nats == pytest.approx(torch.tensor(10.0).log().item(), rel=1e-6)


def test_training_on_words_is_the_same_every_time() -> None:
    """Bit for bit, and in evaluation mode."""
    plan = replace(TRANSLATOR_PLAN, num_epochs=2)
    first, second = (train_translator(WAYS, PHONEMES, plan, nothing) for _ in range(2))
    assert same(first, second)
    assert not any(module.training for module in first.modules())


def test_words_are_learned_letter_by_letter() -> None:
    """A word of the same letters that was never seen is said as the rule has it."""
    learned = {word: ways for word, ways in WAYS.items() if word not in {"ba", "di", "fo", "ku"}}
    network = train_translator(learned, PHONEMES, TRANSLATOR_PLAN, nothing)
    said = pronounce(network, list(WAYS), PHONEMES, num_beams=2, length_penalty=0.0)
    assert sum([way] == ways for way, ways in zip(said, WAYS.values(), strict=True)) >= 0.9 * len(WAYS)


def test_training_on_pictures_is_the_same_every_time(bars: Emoji) -> None:
    """Bit for bit, and in evaluation mode."""
    plan = replace(CAPTIONER_PLAN, num_variants=40, num_epochs=2)
    first, second = (train_captioner(bars, words_of(bars.captions), plan, nothing) for _ in range(2))
    assert same(first, second)
    assert not any(module.training for module in first.modules())


def test_pictures_are_named(bars: Emoji) -> None:
    """Colour and direction of a bar."""
    plan = replace(CAPTIONER_PLAN, num_variants=40, num_epochs=30)
    network = train_captioner(bars, words_of(bars.captions), plan, nothing)
    written = caption(network, bars.images[:4], words_of(bars.captions), num_beams=2, length_penalty=1.0)
    assert list(written) == list(bars.captions[:4])


@pytest.mark.parametrize(
    ("written", "wanted", "f1"),
    [("red heart", "red heart", 1), ("heart red", "red heart", 1), ("red", "red heart", 2 / 3), ("cat", "dog", 0)],
)
def test_word_f1_counts_words_in_any_order(written: str, wanted: str, f1: float) -> None:
    """Twice the common words over all words of both."""
    assert word_f1(written, wanted) == pytest.approx(f1)
