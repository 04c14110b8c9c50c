"""A published character model through export and the whole server: its README's figure, and PyTorch's own texts."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from podium.v1 import decoding_pb2
from podium.v1 import text_service_pb2 as wire
from podium.v1 import text_service_pb2_grpc as stubs
from podium_export.command import export
from podium_server.generation.job import Sampling
from podium_server.philox import uniforms
from safetensors.torch import load_file
from torch import nn

from tests.oip.running import serve
from tests.server.generation.plain import choose_plainly

DATA = Path(__file__).parents[4] / "shared" / "data" / "text-generation"
WEIGHTS, LETTERS = DATA / "charlstm-shakespeare.safetensors", DATA / "charlstm-shakespeare.vocab.json"
PLAYS = DATA / "tinyshakespeare.txt"
PROMPT = "MENENIUS:\nWhat work's, my countrymen, in hand? where go you"


class CharLSTM(nn.Module):
    """The network, as the data's README describes it."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(65, 128)
        self.lstm = nn.LSTM(128, 128, 2, batch_first=True)
        self.head = nn.Linear(128, 65)

    def forward(self, tokens: torch.Tensor, state: Any = None) -> tuple[list[float], Any]:
        """The logits behind the last token, and the state."""
        read, state = self.lstm(self.embedding(tokens), state)
        return self.head(read[0, -1]).tolist(), state


@pytest.fixture(scope="module")
def stub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[stubs.TextServiceStub]:
    """A client of a server with the model, exported as a user would."""
    missing = [path.name for path in (WEIGHTS, LETTERS, PLAYS) if not path.exists()]
    if missing:
        pytest.skip(f"{', '.join(missing)}: not here; it lies in ../shared/data of a full checkout")
    repository = tmp_path_factory.mktemp("published")
    words = ["char-rnn", "--checkpoint", WEIGHTS, "--vocabulary", LETTERS, "--name", "poet", "--repository", repository]
    outcome = CliRunner().invoke(export, [str(word) for word in words], catch_exceptions=False)
    assert outcome.exit_code == 0, outcome.output
    with serve(repository, cores=1) as server, grpc.insecure_channel(server.address) as channel:
        yield stubs.TextServiceStub(channel)


def test_the_first_50000_characters_of_the_plays_have_the_probability_that_was_published(
    stub: stubs.TextServiceStub,
) -> None:
    """1.330 nats a character, in one text of one call."""
    text = PLAYS.read_text(encoding="utf-8")[:50_000]
    (result,) = stub.Score(wire.ScoreRequest(model="poet", texts=[text])).results
    assert result.num_tokens == 49_999
    assert -result.log_likelihood / result.num_tokens == pytest.approx(1.330, abs=0.0005)


@pytest.mark.parametrize(
    "sampling", [Sampling(0), Sampling(0.8), Sampling(1, 10), Sampling(1, None, 0.9), Sampling(0.5, 20, 0.95, 1.1)]
)
@torch.inference_mode()
def test_texts_of_1000_tokens_are_a_plain_loops(stub: stubs.TextServiceStub, sampling: Sampling) -> None:
    """Of PyTorch and the formulas, token for token: the draw of a position is that of seed, sequence and position."""
    letters: list[str] = json.loads(LETTERS.read_text(encoding="utf-8"))
    network = CharLSTM()
    network.load_state_dict(load_file(WEIGHTS))
    seed, sequence = 1623, 1
    expected: list[int] = []
    prompt = [letters.index(char) for char in PROMPT]
    logits, state = network(torch.tensor([prompt]))
    draws = uniforms(seed, sequence, np.arange(1000, dtype=np.uint64), 1)[:, 0].tolist()
    for uniform in draws:
        expected.append(choose_plainly(logits, sampling, uniform, {*prompt, *expected}))
        logits, state = network(torch.tensor([expected[-1:]]), state)

    decoding = decoding_pb2.Decoding(
        temperature=sampling.temperature,
        top_k=sampling.top_k or 0,
        top_p=sampling.top_p or 1,
        repetition_penalty=sampling.repetition_penalty,
        max_tokens=1000,
    )
    request = wire.GenerateRequest(model="poet", prompt=PROMPT, decoding=decoding, seed=seed, num_sequences=2)
    written = stub.Generate(request).sequences[sequence]
    assert list(written.token_ids) == expected
    assert written.text == "".join(letters[token_id] for token_id in expected)
