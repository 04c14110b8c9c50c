"""`translator`: English words from spelling to pronunciation."""

from collections.abc import Sequence
from functools import cache

from podium.v1 import decoding_pb2
from podium.v1 import model_manifest_pb2 as pb
from torch import nn

from podium_export.architectures.seq2seq import Seq2Seq
from podium_export.assembling import Published
from podium_export.package import Destination
from podium_export.progress import Progress
from podium_export.recipes.pronunciation_figures import phoneme_error, without_stress, words_right
from podium_export.recipes.pronunciations import LETTERS, Words, words
from podium_export.recipes.stored_weights import StoredWeights
from podium_export.recipes.translator_training import (
    END,
    START,
    TranslatorPlan,
    pronounce,
    train_translator,
)

STORED = StoredWeights(
    "translator",
    "seq2seq",
    "Says how an English word is pronounced: its letters in, ARPAbet phonemes with stress out. One word at a time.",
)
VERSIONS = (STORED,)

NUM_BEAMS = 4
LENGTH_PENALTY = 0.0

_SPECIAL = ("<s>", "</s>")


def make(destination: Destination, progress: Progress) -> Published:
    """Export the stored weights."""
    return STORED.make_writer(destination, progress, _say_tokens)


def train(progress: Progress) -> Sequence[Seq2Seq]:
    """Train from nothing."""
    learned = _words().learned
    progress.step(f"Training a translator on {len(learned):,} words")
    plan = TranslatorPlan()
    network = train_translator(
        learned, vocabulary(), plan, lambda done, steps: progress.detail(f"{done:,} of {steps:,} steps")
    )
    return [network]


def vocabulary() -> Sequence[str]:
    """Give the phonemes of the words that are learned from."""
    return _words().phonemes


def evaluate(network: nn.Module) -> Sequence[pb.Evaluation]:
    """Measure on words that were not learned from; where there are several pronunciations, any of them is right."""
    assert isinstance(network, Seq2Seq)
    held_out = _words().held_out
    ways = list(held_out.values())
    said = pronounce(network, list(held_out), vocabulary(), num_beams=NUM_BEAMS, length_penalty=LENGTH_PENALTY)
    figures = {
        "words right": words_right(said, ways),
        "words right but for stress": words_right(
            [without_stress(way) for way in said], [[without_stress(way) for way in several] for several in ways]
        ),
        "phoneme error": phoneme_error(said, ways),
    }
    dataset = "words of CMUdict that were not learned from"
    return [
        pb.Evaluation(metric=metric, value=100 * part, unit="%", dataset=dataset, num_examples=len(ways))
        for metric, part in figures.items()
    ]


@cache
def _words() -> Words:
    return words()


def _say_tokens(generation: pb.Generation, phonemes: Sequence[str]) -> None:
    """Say what the tokens on both sides are, and how pronunciations are searched for."""
    letters = pb.Vocabulary(tokens=[*_SPECIAL, *LETTERS], unit=pb.TEXT_UNIT_CHARACTER, lowercase=True)
    spoken = pb.Vocabulary(tokens=[*_SPECIAL, *phonemes], unit=pb.TEXT_UNIT_WORD)
    generation.source_tokenizer.CopyFrom(pb.Tokenizer(vocabulary=letters, end_ids=[END], special_ids=[START, END]))
    generation.tokenizer.CopyFrom(pb.Tokenizer(vocabulary=spoken, start_ids=[START], special_ids=[START, END]))
    generation.end_ids[:] = [END]
    generation.suppressed_ids[:] = [START]
    generation.max_source_tokens = 64
    generation.defaults.CopyFrom(
        decoding_pb2.Decoding(num_beams=NUM_BEAMS, length_penalty=LENGTH_PENALTY, max_tokens=64)
    )
