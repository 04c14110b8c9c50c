"""`captioner`: says what an emoji, or a picture like one, is called."""

from collections.abc import Sequence
from functools import cache

from podium.v1 import decoding_pb2
from podium.v1 import model_manifest_pb2 as pb
from torch import nn

from podium_export.architectures.captioner import Captioner
from podium_export.assembling import Published
from podium_export.package import Destination
from podium_export.progress import Progress
from podium_export.recipes.captioner_training import (
    END,
    MAX_WORDS,
    START,
    CaptionerPlan,
    caption,
    train_captioner,
    word_f1,
    words_of,
)
from podium_export.recipes.emoji_parts import Part
from podium_export.recipes.emoji_pictures import Emoji, emoji
from podium_export.recipes.stored_weights import StoredWeights

STORED = StoredWeights(
    "captioner",
    "captioner",
    "Names what an emoji shows, in whoever's drawing, on white. It has seen emoji alone: of a photo it says what emoji "
    "it looks like.",
)
VERSIONS = (STORED,)

NUM_BEAMS = 4
LENGTH_PENALTY = 1.0

_SPECIAL = ("<s>", "</s>")
_HELD_OUT = {
    Part.DRAWING: "held-out drawings of what other artists' drawings show",
    Part.VARIANT: "held-out pictures of people whose like with another gender or skin tone was seen",
    Part.CONCEPT: "pictures of things never seen",
}


def make(destination: Destination, progress: Progress) -> Published:
    """Export the stored weights."""
    return STORED.make_writer(destination, progress, _say_tokens)


def train(progress: Progress) -> Sequence[Captioner]:
    """Train from nothing."""
    progress.step("Getting pictures (152 MB) and names (7 MB)")
    learned = _emoji().part(Part.LEARNED)
    progress.step(f"Training a captioner on {len(learned):,} pictures")
    network = train_captioner(
        learned, vocabulary(), CaptionerPlan(), lambda done, steps: progress.detail(f"{done:,} of {steps:,} steps")
    )
    return [network]


def vocabulary() -> Sequence[str]:
    """Give the words of the names that are learned from."""
    return words_of(_emoji().part(Part.LEARNED).captions)


def evaluate(network: nn.Module) -> Sequence[pb.Evaluation]:
    """Measure on each kind of picture that was not learned from: whole names, and the words in them."""
    assert isinstance(network, Captioner)
    figures: list[pb.Evaluation] = []
    for part, dataset in _HELD_OUT.items():
        held_out = _emoji().part(part)
        written = caption(network, held_out.images, vocabulary(), num_beams=NUM_BEAMS, length_penalty=LENGTH_PENALTY)
        pairs = list(zip(written, held_out.captions, strict=True))
        for metric, scores in (
            ("names right", [float(one == other) for one, other in pairs]),
            ("word F1", [word_f1(one, other) for one, other in pairs]),
        ):
            value = 100 * sum(scores) / len(scores)
            figures.append(
                pb.Evaluation(metric=metric, value=value, unit="%", dataset=dataset, num_examples=len(scores))
            )
    return figures


@cache
def _emoji() -> Emoji:
    return emoji()


def _say_tokens(generation: pb.Generation, words: Sequence[str]) -> None:
    """Say which words the tokens are, and how names are searched for."""
    known = pb.Vocabulary(tokens=[*_SPECIAL, *words], unit=pb.TEXT_UNIT_WORD)
    generation.tokenizer.CopyFrom(pb.Tokenizer(vocabulary=known, start_ids=[START], special_ids=[START, END]))
    generation.end_ids[:] = [END]
    generation.suppressed_ids[:] = [START]
    generation.defaults.CopyFrom(
        decoding_pb2.Decoding(num_beams=NUM_BEAMS, length_penalty=LENGTH_PENALTY, max_tokens=MAX_WORDS)
    )
