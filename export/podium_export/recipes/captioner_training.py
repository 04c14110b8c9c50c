"""Trains a captioner on emoji and their names: twenty minutes or so, the same every time.

K. Xu et al.: Show, Attend and Tell: Neural Image Caption Generation with Visual Attention, 2015, arXiv:1502.03044,
section 3.1: convolutions see the picture as cells, an LSTM looks at them and writes word by word.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from podium_export.architectures.captioner import Captioner, CaptionerConfig
from podium_export.architectures.layers import Kind, Layer
from podium_export.architectures.picture_trunk import SmallTrunk
from podium_export.architectures.recurrent import Cell, RecurrentConfig
from podium_export.architectures.recurrent_decoder import DecoderConfig
from podium_export.recipes.beam_search import States, beam_search
from podium_export.recipes.digit_training import Progress
from podium_export.recipes.emoji_parts import concept
from podium_export.recipes.emoji_pictures import SIDE, Emoji
from podium_export.recipes.reproducible import reproducible
from podium_export.recipes.variation import Variation

START, END = 0, 1
"""The tokens that no name has."""
NUM_SPECIAL = 2
MAX_WORDS = 16
"""More than any name has, the end included."""


@dataclass(frozen=True, slots=True)
class CaptionerPlan:
    """How large, how long and how fast.

    Attributes:
        filters: of the convolutions, each of which halves the picture.
        cell_size: numbers that a cell of the picture is seen as.
        embedding_size: numbers that a word is read as.
        hidden_size: numbers of the decoder's state.
        dropout: the part of embeddings and of what becomes logits that is left out.
        smoothing: the part of the probability that is spread over all words.
        num_variants: pictures of an artist's concept that an epoch has at most: else most would differ in skin tone
            alone.
        max_tint: the part by which a colour may grow or shrink.
        num_epochs: times that every concept is seen.
        batch_size: pictures a step.
        peak_learning_rate: of AdamW, reached a tenth of the way.
        weight_decay: of AdamW.
        max_gradient: the norm that gradients are cut to.
        seed: of the first weights, the order, the changes and the dropout.
    """

    filters: tuple[int, ...] = (32, 64, 128, 192, 256)
    cell_size: int = 128
    embedding_size: int = 48
    hidden_size: int = 192
    dropout: float = 0.2
    smoothing: float = 0.1
    num_variants: int = 2
    max_tint: float = 0.15
    num_epochs: int = 150
    batch_size: int = 64
    peak_learning_rate: float = 4e-3
    weight_decay: float = 0.02
    max_gradient: float = 2.0
    seed: int = 0

    def config(self, num_words: int) -> CaptionerConfig:
        """Give the network's sizes."""
        layers: list[Layer] = []
        for place, (before, after) in enumerate(zip((3, *self.filters), self.filters, strict=False)):
            layers.append(Layer(str(3 * place), Kind.DOWN, before, after, 3, bias=False))
            layers.append(Layer(str(3 * place + 1), Kind.NORM, after, after))
        writes = RecurrentConfig(Cell.LSTM, self.embedding_size, self.hidden_size)
        return CaptionerConfig(
            SmallTrunk(tuple(layers)),
            SIDE,
            self.cell_size,
            DecoderConfig(NUM_SPECIAL + num_words, writes, self.cell_size, dropout=self.dropout),
        )


def words_of(captions: Sequence[str]) -> Sequence[str]:
    """Give all words of captions in order."""
    return sorted({word for caption in captions for word in caption.split()})


def train_captioner(emoji: Emoji, words: Sequence[str], plan: CaptionerPlan, progress: Progress) -> Captioner:
    """Train from nothing; the same pictures, plan, PyTorch and kind of processor give the same weights.

    Products are of bfloat16, which processors with AMX take half the time for; weights stay float32.
    """
    variation = Variation(max_turn=0.15, max_shift_px=4.0, max_scale=0.15)
    target_NT = _targets(emoji.captions, words)
    alike = _alike(emoji)
    num_steps = plan.num_epochs * (len(_epoch(alike, plan, torch.Generator().manual_seed(0))) // plan.batch_size)
    with reproducible(plan.seed) as chance:
        network = Captioner(plan.config(len(words))).train()
        optimizer = torch.optim.AdamW(network.parameters(), weight_decay=plan.weight_decay, fused=True)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, plan.peak_learning_rate, total_steps=num_steps, pct_start=0.1
        )
        step = 0
        while step < num_steps:
            order = _epoch(alike, plan, chance)
            for at in range(0, len(order) - plan.batch_size + 1, plan.batch_size):
                place_B = torch.tensor(order[at : at + plan.batch_size])
                x_BCHW = _varied(emoji.images[place_B], variation, plan, chance)
                _learn(network, x_BCHW, target_NT[place_B], plan, optimizer)
                schedule.step()
                step += 1
                progress(step, num_steps)
    return network.eval()


def _learn(
    network: Captioner, x_BCHW: Tensor, target_BT: Tensor, plan: CaptionerPlan, optimizer: torch.optim.Optimizer
) -> None:
    longest = int((target_BT != END).sum(dim=1).max()) + 1
    target_BT = target_BT[:, :longest]
    with torch.autocast("cpu", torch.bfloat16):
        logits_BTV = network(x_BCHW.contiguous(memory_format=torch.channels_last), target_BT[:, :-1])
    next_BT = target_BT[:, 1:]
    cost_N = F.cross_entropy(
        logits_BTV.float().flatten(0, 1), next_BT.flatten(), reduction="none", label_smoothing=plan.smoothing
    )
    written_BT = (target_BT[:, :-1] != END).float()  # the end itself is to be learned, what follows is not
    # A name counts once, however long: else the words of skin tones would be most of what is learned.
    cost_B = (cost_N.view(next_BT.shape) * written_BT).sum(dim=1) / written_BT.sum(dim=1)
    optimizer.zero_grad()
    torch.autograd.backward(cost_B.mean())
    nn.utils.clip_grad_norm_(network.parameters(), plan.max_gradient)
    optimizer.step()


@torch.inference_mode()
def caption(
    network: Captioner, images: Tensor, words: Sequence[str], *, num_beams: int, length_penalty: float
) -> Sequence[str]:
    """Give the most probable name of each picture (count, 3, 64, 64) uint8."""
    captions: list[str] = []
    for lot in torch.split(images, 100):
        first, cells_BSM = network.encode(lot.float() / 255)
        cells_RSM = cells_BSM.repeat_interleave(num_beams, 0)

        def step(token_R1: Tensor, states: States, cells: Tensor = cells_RSM) -> tuple[Tensor, States]:
            logits_R1V, states = network.decoder(token_R1, states, cells)
            return logits_R1V[:, 0], states

        written = beam_search(
            step, first, START, END, num_beams=num_beams, max_tokens=MAX_WORDS, length_penalty=length_penalty
        )
        captions += [" ".join(words[max(token - NUM_SPECIAL, 0)] for token in tokens) for tokens in written]
    return captions


def word_f1(written: str, wanted: str) -> float:
    """Give the harmonic mean of the parts of the written words that are wanted and of the wanted that are written."""
    common = (Counter(written.split()) & Counter(wanted.split())).total()
    return 2 * common / (len(written.split()) + len(wanted.split())) if common else 0.0


def _targets(captions: Sequence[str], words: Sequence[str]) -> Tensor:
    """Give captions as tokens, a start before each and ends behind it (count, time)."""
    place = {word: NUM_SPECIAL + index for index, word in enumerate(words)}
    rows = [[START, *(place[word] for word in text.split()), END] for text in captions]
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[END] * (longest - len(row))] for row in rows])


def _alike(emoji: Emoji) -> Sequence[Sequence[int]]:
    """Put together the pictures that one artist drew of one concept."""
    places: dict[tuple[str, str], list[int]] = {}
    for place, (text, artist) in enumerate(zip(emoji.captions, emoji.artists, strict=True)):
        places.setdefault((artist, concept(text)), []).append(place)
    return list(places.values())


def _epoch(alike: Sequence[Sequence[int]], plan: CaptionerPlan, chance: torch.Generator) -> Sequence[int]:
    """Pick some pictures of each concept, in any order."""
    picked: list[int] = []
    for places in alike:
        order = torch.randperm(len(places), generator=chance).tolist()
        picked += [places[index] for index in order[: plan.num_variants]]
    return [picked[index] for index in torch.randperm(len(picked), generator=chance).tolist()]


def _varied(images: Tensor, variation: Variation, plan: CaptionerPlan, chance: torch.Generator) -> Tensor:
    """Turn, move, scale and tint pictures on white."""
    dark_BCHW = variation.apply(1 - images.float() / 255, chance)
    tint_BC11 = 1 + (torch.rand(len(images), 3, 1, 1, generator=chance) * 2 - 1) * plan.max_tint
    return 1 - (dark_BCHW * tint_BC11).clamp(0, 1)
