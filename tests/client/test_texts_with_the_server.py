"""The calls of texts and captions and the real `podium serve`, around networks that were trained elsewhere."""

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from podium_client import Client, FinishReason, InvalidArgumentError, WrongTaskError
from podium_client.demo.server_process import ServerProcess, serving
from podium_client.main import main
from podium_export.architectures.captioner import Captioner, CaptionerConfig
from podium_export.architectures.picture_trunk import SmallTrunk
from podium_export.architectures.recurrent import Cell, RecurrentConfig
from podium_export.architectures.recurrent_decoder import DecoderConfig
from safetensors.torch import load_file
from torch import Tensor, nn

DATA = Path(__file__).parents[3] / "shared" / "data"
POET = DATA / "text-generation" / "charlstm-shakespeare"
SPEAKER = DATA / "machine-translation" / "g2p-en-gru"
PLAY = DATA / "text-generation" / "tinyshakespeare.txt"

WORDS = ["<s>", "</s>", "a", "picture", "of", "grey", "light", "and", "dark"]
SIDE = 32

LSTMState = tuple[Tensor, Tensor]


class CharLSTM(nn.Module):
    """The published network, as its data's README describes it."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(65, 128)
        self.lstm = nn.LSTM(128, 128, 2, batch_first=True)
        self.head = nn.Linear(128, 65)

    def forward(self, tokens: Tensor, before: LSTMState | None = None) -> tuple[Tensor, LSTMState]:
        hidden, after = self.lstm(self.embedding(tokens), before)
        return self.head(hidden), after


@pytest.fixture(scope="module")
def characters() -> list[str]:
    """The published network's characters."""
    if not PLAY.exists():
        pytest.skip(f"{PLAY.parent.name} is not here: it lies in ../shared/data of a full checkout")
    listed: list[str] = json.loads(POET.with_suffix(".vocab.json").read_text())
    return listed


@pytest.fixture(scope="module")
def network(characters: list[str]) -> CharLSTM:
    """The published network, run by PyTorch."""
    network = CharLSTM()
    network.load_state_dict(load_file(POET.with_suffix(".safetensors")))
    return network.eval()


@pytest.fixture(scope="module")
def server(characters: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """The server on free ports, with a poet, a speaker and a captioner of random weights."""
    folder = tmp_path_factory.mktemp("repository")
    torch.manual_seed(3)
    decoder = DecoderConfig(len(WORDS), RecurrentConfig(Cell.LSTM, 7, 11), 20)
    torch.save(Captioner(CaptionerConfig(SmallTrunk(), SIDE, 20, decoder)).state_dict(), folder / "captioner.pth")
    (folder / "words.json").write_text(json.dumps(WORDS))
    written, spoken = POET.with_suffix(".vocab.json"), SPEAKER.with_suffix(".vocab.json")
    of_words = ["--text-unit", "word", "--start-token", "<s>", "--end-token", "</s>"]
    of_sounds = ["--vocabulary", spoken, "--source-vocabulary", spoken]
    for name, architecture, checkpoint, options in (
        ("poet", "char-rnn", POET.with_suffix(".safetensors"), ["--vocabulary", written]),
        ("speaker", "g2p-en", SPEAKER.with_suffix(".safetensors"), of_sounds),
        ("captioner", "captioner", folder / "captioner.pth", ["--vocabulary", folder / "words.json", *of_words]),
    ):
        command = [sys.executable, "-m", "podium_client", "export", architecture, "--checkpoint", str(checkpoint)]
        command += ["--name", name, "--repository", str(folder / "models"), *map(str, options)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    with serving(folder / "models", folder / "log") as process:
        yield process
        assert process.stop() == 0


@pytest.fixture
def client(server: ServerProcess) -> Iterator[Client]:
    """A client of it."""
    with Client(server.addresses.grpc) as client:
        yield client


@torch.inference_mode()
def greedy(network: CharLSTM, characters: list[str], prompt: str, num_tokens: int) -> str:
    """What PyTorch's loop writes with the most probable character each time."""
    logits, state = network(torch.tensor([[characters.index(each) for each in prompt]]))
    written = ""
    for _ in range(num_tokens):
        token = int(logits[0, -1].argmax())
        written += characters[token]
        logits, state = network(torch.tensor([[token]]), state)
    return written


def test_a_greedy_text_is_pytorchs(client: Client, network: CharLSTM, characters: list[str]) -> None:
    """Character for character, streamed and whole."""
    expected = greedy(network, characters, "ROMEO:\n", 300)

    stream = client.generate("poet", "ROMEO:\n", temperature=0, max_tokens=300)
    pieces = [piece.text for piece in stream]

    assert "".join(pieces) == expected
    assert client.complete("poet", "ROMEO:\n", temperature=0, max_tokens=300).text == expected
    assert (stream.finish_reason, stream.usage.num_output_tokens) == (FinishReason.LENGTH, 300)
    assert stream.usage.num_prompt_tokens == len("ROMEO:\n")


@torch.inference_mode()
def test_a_score_is_pytorchs(client: Client, network: CharLSTM, characters: list[str]) -> None:
    """Of every character but the first, given those before it."""
    text = PLAY.read_text()[:3_000]
    tokens = torch.tensor([[characters.index(each) for each in text]])
    logs = network(tokens)[0][0, :-1].double().log_softmax(-1)
    expected = logs.gather(1, tokens[0, 1:, None])[:, 0]

    score = client.score("poet", text, tokens=True)

    assert score.tokens is not None
    assert "".join(token.text for token in score.tokens) == text[1:]
    np.testing.assert_allclose([token.log_probability for token in score.tokens], expected, atol=1e-4)
    assert score.nats_per_token == pytest.approx(-float(expected.mean()), abs=1e-5)
    assert score.perplexity == pytest.approx(math.exp(score.nats_per_token))


def test_a_seed_makes_the_same_text_again(client: Client) -> None:
    """Also one that was chosen by the server, and whichever way it is asked for; another makes another."""
    first = client.generate("poet", "ROMEO:\n", max_tokens=100)
    text = "".join(piece.text for piece in first)
    seed = first.metadata.seed
    assert seed is not None

    again = client.complete("poet", "ROMEO:\n", max_tokens=100, seed=seed, num_sequences=3)
    other = client.complete("poet", "ROMEO:\n", max_tokens=100, seed=seed + 1)

    assert again.texts[0] == first.text == text
    assert len({*again.texts, other.text}) == 4


def test_probabilities_of_a_written_text_are_those_of_its_score(client: Client) -> None:
    """Whatever the temperature, for they are the model's own."""
    prompt = "ROMEO:\n"
    answer = client.complete("poet", prompt, max_tokens=50, seed=1, temperature=0.5, log_probabilities=True)

    score = client.score("poet", prompt + answer.text, tokens=True)

    assert score.tokens is not None
    assert answer.best.log_probabilities is not None
    scored = [token.log_probability for token in score.tokens[len(prompt) - 1 :]]
    assert list(answer.best.log_probabilities) == pytest.approx(scored, abs=1e-5)
    assert answer.best.log_probability == pytest.approx(sum(answer.best.log_probabilities))


def test_a_stop_text_ends_it_and_is_no_part_of_it(client: Client) -> None:
    """Streamed too: what may become one is kept back."""
    whole = client.complete("poet", "ROMEO:\n", max_tokens=400, seed=2).text
    stop = whole[40:46]
    assert len(stop) == 6

    stream = client.generate("poet", "ROMEO:\n", max_tokens=400, seed=2, stop=stop)
    text = "".join(piece.text for piece in stream)

    assert text == whole.partition(stop)[0]
    assert stream.finish_reason is FinishReason.STOP


def test_a_stream_that_was_left_keeps_what_had_come(client: Client) -> None:
    """And the next call is answered as ever."""
    whole = client.complete("poet", "ROMEO:\n", max_tokens=5_000, seed=4).text
    with closing(client.generate("poet", "ROMEO:\n", max_tokens=5_000, seed=4)) as stream:
        for _ in stream:
            break

    assert stream.finish_reason is None
    assert stream.text
    assert whole.startswith(stream.text)
    assert client.complete("poet", "ROMEO:\n", max_tokens=20, seed=4).text == whole[:20]


def test_what_is_not_in_the_vocabulary_is_named(client: Client) -> None:
    """And left out on request."""
    with pytest.raises(InvalidArgumentError, match="é") as refused:
        client.complete("poet", "ROMéO:\n", max_tokens=5)

    left_out = client.complete("poet", "ROMéO:\n", max_tokens=20, seed=1, replace_unknown=True)

    assert refused.value.field == "prompt"
    assert left_out.text == client.complete("poet", "ROMO:\n", max_tokens=20, seed=1).text


def test_words_are_spoken_alone_as_together(client: Client) -> None:
    """Of any length; the published network says these as the dictionary does."""
    words = {"cat": "K AE1 T", "house": "HH AW1 S", "knight": "N AY1 T"}

    together = client.translate("speaker", list(words))
    alone = [client.translate("speaker", word) for word in words]

    assert [answer.best for answer in together] == [answer.best for answer in alone]
    assert [answer.text for answer in together] == list(words.values())
    assert {answer.finish_reason for answer in together} == {FinishReason.END}


def test_the_n_best_come_best_first(client: Client) -> None:
    """Different ones, ranked by what beam search ranks by."""
    answer = client.translate("speaker", "read", num_best=3, num_beams=4, length_penalty=0)

    scores = [sequence.score for sequence in answer]
    assert len(set(answer.texts)) == 3
    assert scores == sorted(scores, reverse=True)
    assert scores == pytest.approx([sequence.log_probability for sequence in answer])
    assert sum(sequence.probability for sequence in answer) <= 1


def test_pictures_are_captioned_alone_as_together(client: Client) -> None:
    """Watched too; the words are the vocabulary's."""
    pictures = list(np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE, 3), np.uint8))

    together = client.caption("captioner", pictures, num_best=2, num_beams=3, max_tokens=6)
    alone = [client.caption("captioner", each, num_best=2, num_beams=3, max_tokens=6) for each in pictures]
    stream = client.stream_caption("captioner", pictures[0], temperature=1, seed=5, max_tokens=6)
    watched = "".join(piece.text for piece in stream)

    assert [list(answer) for answer in together] == [list(answer) for answer in alone]
    assert {word for answer in together for text in answer.texts for word in text.split()} <= set(WORDS[2:])
    assert watched == client.caption("captioner", pictures[0], temperature=1, seed=5, max_tokens=6).text


def test_a_model_for_something_else_says_so(client: Client) -> None:
    """By the class of its error."""
    with pytest.raises(WrongTaskError):
        client.complete("speaker", "cat")
    with pytest.raises(WrongTaskError):
        client.translate("poet", "cat")
    with pytest.raises(WrongTaskError):
        client.caption("poet", b"")


def test_models_are_listed_with_their_tasks(client: Client, server: ServerProcess) -> None:
    """In words that people know."""
    listed = CliRunner().invoke(main, ["models"], env={"PODIUM_ADDRESS": server.addresses.grpc, "COLUMNS": "120"})

    tasks = {model.name: model.versions[0].task for model in client.models()}
    assert tasks == {"poet": "text-generation", "speaker": "translation", "captioner": "image-captioning"}
    assert "text generation" in " ".join(listed.output.split())


def test_commands_answer(server: ServerProcess) -> None:
    """A text for a pipe, again by its seed; a word; which line is likelier."""
    environment = {"PODIUM_ADDRESS": server.addresses.grpc, "COLUMNS": "120", "NO_COLOR": "1"}

    def podium(*arguments: str, given: str = "") -> tuple[str, str]:
        result = CliRunner().invoke(main, arguments, input=given, env=environment)
        assert result.exit_code == 0, result.output
        return result.stdout, result.stderr

    text, told = podium("generate", "poet", "--max-tokens", "80", given="ROMEO:\n")
    seed = told.partition("seed ")[2].partition(" ")[0]
    again, _ = podium("generate", "poet", "--max-tokens", "80", "--seed", seed, "--prompt", "ROMEO:")
    spoken, _ = podium("translate", "speaker", "cat", "house")
    best, _ = podium("translate", "speaker", "cat", "--num-best", "3")
    scores, _ = podium("score", "poet", "--json", "--text", "What is the matter?", "--text", "matter the is What?")

    assert text == again
    assert spoken == "K AE1 T\nHH AW1 S\n"
    assert len(best.splitlines()) == 4
    likelier, other = (record["nats_per_token"] for record in json.loads(scores))
    assert likelier < other
