"""textgenrnn: what it computes, and its published weights as a package."""

import itertools
import json
from pathlib import Path

import numpy as np
import torch
from podium_export.architectures.textgenrnn import blueprint
from podium_export.assembling import Source
from podium_export.exporting import export_network
from podium_export.package import Destination
from podium_export.text_flags import TextFlags
from podium_export.texts import with_texts
from torch import Tensor, nn

from tests.export.architectures.halves import run_graph
from tests.export.published import published_network

FILE = "text-generation/textgenrnn.safetensors"
START = 464


def _logits(state: dict[str, Tensor], ids: list[int]) -> Tensor:
    """Compute the logits after ids as the data's README describes the network, in PyTorch's own layers."""
    window = torch.tensor([([0] * 40 + ids)[-40:]])
    x = nn.functional.embedding(window, state["embedding.weight"])
    seen = [x]
    for name in ("rnn_1", "rnn_2"):
        lstm = nn.LSTM(seen[-1].shape[2], 128, batch_first=True)
        lstm.load_state_dict({key.removeprefix(f"{name}."): w for key, w in state.items() if key.startswith(name)})
        seen.append(lstm(seen[-1])[0])
    features = torch.cat(seen, 2)
    weights = (features @ state["attention.weight"].T).softmax(1)
    mean = (weights * features).sum(1)
    return mean @ state["head.weight"].T + state["head.bias"]


def test_it_computes_what_its_readme_says(data: Path) -> None:
    """Ids on the right of a window of 40, two LSTMs, attention over everything, however the text is cut into runs."""
    network = published_network("textgenrnn", FILE)
    text = "Why do cats always land on their feet when they fall down?"
    tokens = json.loads((data / "text-generation" / "textgenrnn.vocab.json").read_text())
    ids = [START, *(tokens.index(character) for character in text)]
    window = torch.zeros(1, 40, dtype=torch.int64)
    with torch.no_grad():
        for first, last in ((0, 1), (1, 8), (8, 58), (58, 59)):
            logits, window = network(torch.tensor([ids[first:last]]), window)
            torch.testing.assert_close(logits, _logits(network.state_dict(), ids[:last]), atol=1e-3, rtol=1e-4)


def test_the_package_remembers_the_window(data: Path, repository: Path) -> None:
    """One state of integers, zeros at first; "<s>" begins and ends a text; padding is never written."""
    vocabulary = data / "text-generation" / "textgenrnn.vocab.json"
    described = with_texts(blueprint(published_network("textgenrnn", FILE)), TextFlags(str(vocabulary)))
    published = export_network(described, Source("textgenrnn"), Destination(repository, "textgenrnn"))
    generation = published.manifest.generation
    (state,) = generation.states
    assert (state.input, state.output, state.WhichOneof("first")) == ("window", "next_window", None)
    tokenizer = generation.tokenizer
    assert tokenizer.vocabulary.tokens[START] == "<s>"
    assert (list(tokenizer.start_ids), list(generation.end_ids)) == ([START], [START])
    assert (list(tokenizer.special_ids), list(generation.suppressed_ids)) == ([0, START], [0])
    text = "What is the best way to learn a language?"
    ids = [START, *(list(tokenizer.vocabulary.tokens).index(character) for character in text), START]
    window = np.zeros((1, 40), np.int64)
    total = 0.0
    for now, after in itertools.pairwise(ids):
        outputs = run_graph(published.path, "step", token=np.array([[now]]), window=window)
        window = outputs["next_window"]
        total -= float(torch.log_softmax(torch.from_numpy(outputs["logits"]), 1)[0, after])
    assert total / (len(ids) - 1) < 1.5  # the README measured 0.91 on a question of its own; uniform is 6.14
