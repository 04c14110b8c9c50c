"""`shakespeare`: a character LSTM of plays, four times on its way from noise to verse."""

from collections.abc import Mapping, Sequence
from functools import cache

from podium.v1 import decoding_pb2
from podium.v1 import model_manifest_pb2 as pb
from torch import nn

from podium_export.assembling import Published
from podium_export.package import Destination
from podium_export.progress import Progress
from podium_export.recipes.shakespeare_plays import HELD_OUT, plays
from podium_export.recipes.shakespeare_training import (
    START,
    CharLSTM,
    ShakespearePlan,
    alphabet,
    char_lstm,
    nats_per_character,
    train_shakespeare,
)
from podium_export.recipes.stored_weights import StoredWeights

_SHOWS = ("letter noise", "the shapes of words", "words", "verse")

VERSIONS = tuple(
    StoredWeights(
        f"shakespeare-{version}",
        "char-rnn",
        f"A character LSTM of Shakespeare's plays after {steps:,} of {ShakespearePlan().kept_after[-1]:,} steps of "
        f"training: {shows}.",
    )
    for version, (steps, shows) in enumerate(zip(ShakespearePlan().kept_after, _SHOWS, strict=True), start=1)
)
"""The network after few steps, some, more and all of one training."""


def make(destination: Destination, progress: Progress) -> Published:
    """Export the stored weights of a version; the last one's where none is said."""
    stored = VERSIONS[(destination.version or len(VERSIONS)) - 1]
    return stored.make_writer(destination, progress, _say_tokens)


def train(progress: Progress) -> Sequence[CharLSTM]:
    """Train from nothing, and keep the network after the steps that the versions show."""
    learned, _ = _learned_and_held_out()
    num_characters = sum(map(len, learned.values()))
    progress.step(f"Training a character LSTM on {len(learned)} plays, {num_characters:,} characters")
    return train_shakespeare(
        learned,
        alphabet(list(learned.values())),
        ShakespearePlan(),
        lambda done, steps: progress.detail(f"{done:,} of {steps:,} steps"),
    )


def vocabulary() -> Sequence[str]:
    """Give the characters of the plays that are learned from."""
    learned, _ = _learned_and_held_out()
    return list(alphabet(list(learned.values())))


def evaluate(network: nn.Module) -> Sequence[pb.Evaluation]:
    """Measure how well the characters of the plays that were not learned from are foretold."""
    _, held_out = _learned_and_held_out()
    texts = list(held_out.values())
    nats = nats_per_character(char_lstm(network.state_dict()), texts, "".join(vocabulary()))
    return [
        pb.Evaluation(
            metric="negative log-likelihood",
            value=nats,
            unit="nats/character",
            dataset="characters of Macbeth and Twelfth Night, which were held out",
            num_examples=sum(map(len, texts)),
        )
    ]


@cache
def _learned_and_held_out() -> tuple[Mapping[str, str], Mapping[str, str]]:
    every = plays()
    learned = {name: text for name, text in every.items() if name not in HELD_OUT}
    return learned, {name: every[name] for name in HELD_OUT}


def _say_tokens(generation: pb.Generation, characters: Sequence[str]) -> None:
    """Say which characters the tokens are, and how texts are written unless a request says otherwise."""
    tokenizer = pb.Tokenizer(
        vocabulary=pb.Vocabulary(tokens=characters, unit=pb.TEXT_UNIT_CHARACTER),
        start_ids=[characters.index(START)],
    )
    generation.tokenizer.CopyFrom(tokenizer)
    generation.defaults.CopyFrom(decoding_pb2.Decoding(temperature=0.8, max_tokens=500))
