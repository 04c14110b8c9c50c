"""Trains a network that reads spellings and writes pronunciations: a quarter of an hour, the same every time.

S. Toshniwal, K. Livescu: Jointly Learning to Align and Convert Graphemes to Phonemes with Neural Attention Models,
2016, arXiv:1610.06540: a bidirectional LSTM reads the letters, another with attention writes the phonemes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from podium_export.architectures.recurrent import Cell, RecurrentConfig
from podium_export.architectures.recurrent_decoder import DecoderConfig
from podium_export.architectures.seq2seq import EncoderConfig, Seq2Seq, Seq2SeqConfig
from podium_export.recipes.beam_search import States, beam_search
from podium_export.recipes.digit_training import Progress
from podium_export.recipes.pronunciations import LETTERS
from podium_export.recipes.reproducible import reproducible

START, END = 0, 1
"""The tokens on both sides that no text has: a pronunciation begins after the one and ends with the other."""
NUM_SPECIAL = 2

Ways = Sequence[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class TranslatorPlan:
    """How large, how long and how fast.

    Attributes:
        embedding_size: numbers that a letter, or a phoneme, is read as.
        encoder_size: numbers of the encoder's state in each direction.
        decoder_size: numbers of the decoder's state.
        dropout: the part of embeddings and of what becomes logits that is left out.
        smoothing: the part of the probability that is spread over all phonemes.
        num_epochs: times that every pronunciation is seen.
        batch_size: pronunciations a step.
        peak_learning_rate: of Adam, reached a tenth of the way.
        max_gradient: the norm that gradients are cut to.
        seed: of the first weights, the order and the dropout.
    """

    embedding_size: int = 64
    encoder_size: int = 160
    decoder_size: int = 256
    dropout: float = 0.1
    smoothing: float = 0.02
    num_epochs: int = 8
    batch_size: int = 128
    peak_learning_rate: float = 3e-3
    max_gradient: float = 2.0
    seed: int = 0

    def config(self, num_phonemes: int) -> Seq2SeqConfig:
        """Give the network's sizes."""
        reads = RecurrentConfig(Cell.LSTM, self.embedding_size, self.encoder_size, bidirectional=True)
        writes = RecurrentConfig(Cell.LSTM, self.embedding_size, self.decoder_size)
        return Seq2SeqConfig(
            EncoderConfig(NUM_SPECIAL + len(LETTERS), reads, dropout=self.dropout),
            DecoderConfig(NUM_SPECIAL + num_phonemes, writes, reads.output_size, dropout=self.dropout),
            bridge=True,
        )


@dataclass(frozen=True, slots=True)
class _Batch:
    """Words of one length (B, S), their pronunciations (B, T), filled up with ends, and 1 where these are to learn."""

    source: Tensor
    target: Tensor
    weight: Tensor

    @property
    def length(self) -> Tensor:
        return torch.full((len(self.source),), self.source.shape[1])


def train_translator(
    ways_by_word: Mapping[str, Ways], phonemes: Sequence[str], plan: TranslatorPlan, progress: Progress
) -> Seq2Seq:
    """Train from nothing; the same words, plan, PyTorch and kind of processor give the same weights.

    Products are of bfloat16, which processors with AMX take half the time for; weights stay float32.
    """
    batches = _batches(ways_by_word, phonemes, plan.batch_size, torch.Generator().manual_seed(plan.seed))
    with reproducible(plan.seed) as chance:
        network = Seq2Seq(plan.config(len(phonemes))).train()
        num_steps = plan.num_epochs * len(batches)
        optimizer = torch.optim.Adam(network.parameters(), fused=True)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, plan.peak_learning_rate, total_steps=num_steps, pct_start=0.1
        )
        for step in range(num_steps):
            if step % len(batches) == 0:
                batches = _batches(ways_by_word, phonemes, plan.batch_size, chance)
            _learn(network, batches[step % len(batches)], plan, optimizer)
            schedule.step()
            progress(step + 1, num_steps)
    return network.eval()


def _learn(network: Seq2Seq, batch: _Batch, plan: TranslatorPlan, optimizer: torch.optim.Optimizer) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        logits_BTV = network(batch.source, batch.length, batch.target[:, :-1])
    cost_N = F.cross_entropy(
        logits_BTV.float().flatten(0, 1),
        batch.target[:, 1:].flatten(),
        reduction="none",
        label_smoothing=plan.smoothing,
    )
    weight_N = batch.weight.flatten()
    optimizer.zero_grad()
    torch.autograd.backward((cost_N * weight_N).sum() / weight_N.sum())
    nn.utils.clip_grad_norm_(network.parameters(), plan.max_gradient)
    optimizer.step()


@torch.inference_mode()
def pronounce(
    network: Seq2Seq, spellings: Sequence[str], phonemes: Sequence[str], *, num_beams: int, length_penalty: float
) -> Sequence[tuple[str, ...]]:
    """Give the most probable pronunciation of each word."""
    found: dict[str, tuple[str, ...]] = {}
    for length in sorted({len(word) for word in spellings}):
        words = [word for word in spellings if len(word) == length]
        encoded = network.encode(_letters(words), torch.full((len(words),), length + 1))
        memory, mask = (context.repeat_interleave(num_beams, 0) for context in (encoded.memory, encoded.mask))

        def step(
            token_R1: Tensor, states: States, memory: Tensor = memory, mask: Tensor = mask
        ) -> tuple[Tensor, States]:
            logits_R1V, states = network.decoder(token_R1, states, memory, mask)
            return logits_R1V[:, 0], states

        written = beam_search(
            step,
            encoded.states,
            START,
            END,
            num_beams=num_beams,
            max_tokens=2 * length + 8,
            length_penalty=length_penalty,
        )
        for word, tokens in zip(words, written, strict=True):
            found[word] = tuple(phonemes[max(token - NUM_SPECIAL, 0)] for token in tokens)
    return [found[word] for word in spellings]


def _letters(words: Sequence[str]) -> Tensor:
    """Give words of one length as tokens, the end behind each (batch, length + 1)."""
    return torch.tensor([[*(NUM_SPECIAL + LETTERS.index(letter) for letter in word), END] for word in words])


def _batches(
    ways_by_word: Mapping[str, Ways], phonemes: Sequence[str], size: int, chance: torch.Generator
) -> Sequence[_Batch]:
    """Put all pronunciations of words of one length, as chance orders them, into batches, and these in any order."""
    place = {phoneme: NUM_SPECIAL + index for index, phoneme in enumerate(phonemes)}
    pairs = [(word, way) for word, ways in ways_by_word.items() for way in ways]
    by_length: dict[int, list[tuple[str, tuple[str, ...]]]] = {}
    for index in torch.randperm(len(pairs), generator=chance).tolist():
        by_length.setdefault(len(pairs[index][0]), []).append(pairs[index])
    lots = [alike[at : at + size] for _, alike in sorted(by_length.items()) for at in range(0, len(alike), size)]
    order = torch.randperm(len(lots), generator=chance).tolist()
    return [_batch(lots[index], place) for index in order]


def _batch(pairs: Sequence[tuple[str, tuple[str, ...]]], place: Mapping[str, int]) -> _Batch:
    longest = max(len(way) for _, way in pairs)
    rows = [[START, *(place[phoneme] for phoneme in way), *[END] * (longest + 1 - len(way))] for _, way in pairs]
    length_B1 = torch.tensor([len(way) for _, way in pairs])[:, None]
    weight_BT = (torch.arange(longest + 1) <= length_B1).float()
    return _Batch(_letters([word for word, _ in pairs]), torch.tensor(rows), weight_BT)
