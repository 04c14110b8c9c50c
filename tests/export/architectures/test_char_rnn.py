"""Recurrent language models: read from their checkpoints, and as packages."""

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from click.testing import CliRunner
from numpy.typing import NDArray
from podium.v1 import model_manifest_pb2 as pb
from podium_export.architecture import NetworkChoices
from podium_export.architectures import ARCHITECTURES
from podium_export.architectures.char_rnn import CharRNN, blueprint
from podium_export.architectures.char_rnn_keys import read_config
from podium_export.architectures.char_rnn_layers import recurrent_of
from podium_export.assembling import Source
from podium_export.checkpoint import load_checkpoint
from podium_export.command import export
from podium_export.errors import CheckpointError, OptionError
from podium_export.exporting import export_network
from podium_export.fitting import fit, fit_architecture
from podium_export.package import Destination
from podium_export.text_flags import TextFlags
from podium_export.texts import with_texts
from torch import nn

from tests.export.architectures.halves import run_graph, state_of
from tests.export.recurrent import HIDDEN, VOCABULARY, rebuilt, small_char_rnn

TOKENS = torch.tensor([[3, 1, 4, 1, 5], [9, 2, 6, 5, 3]])


def _layers(rnn: str = "lstm", num_layers: int = 2, size: int = 5) -> dict[str, nn.Module]:
    """Write a language model in PyTorch's own layers."""
    torch.manual_seed(0)
    kind = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[rnn]
    return {
        "embedding": nn.Embedding(VOCABULARY, size),
        rnn: kind(size, HIDDEN, num_layers, batch_first=True),
        "head": nn.Linear(HIDDEN, VOCABULARY),
    }


@pytest.mark.parametrize("rnn", ["rnn", "lstm", "gru"])
def test_it_computes_what_pytorchs_own_layers_compute(rnn: str) -> None:
    """The logits after the last token, from zeros, with the cell read from the number of gates."""
    layers = _layers(rnn)
    network = rebuilt(state_of(**layers))
    assert network.config.cell == rnn
    with torch.no_grad():
        features, _ = layers[rnn](layers["embedding"](TOKENS))
        logits, *states = network(TOKENS, *network.initial_states(2))
        torch.testing.assert_close(logits, layers["head"](features[:, -1]))
    assert len(states) == (4 if rnn == "lstm" else 2)


def test_layers_may_have_other_names() -> None:
    """As in the ports of Karpathy's char-rnn: "encoder" reads, "decoder" writes; and inside another module."""
    state = {
        key.replace("embedding", "encoder").replace("head", "decoder"): tensor
        for key, tensor in state_of(**_layers("gru")).items()
    }
    names = read_config(state, None).names
    assert (names.embedding, names.recurrent, names.head) == ("encoder", "gru", "decoder")
    plain = {
        key.replace("gru.", "recurrent.").replace("head", "logits"): w for key, w in state_of(**_layers("gru")).items()
    }
    assert rebuilt(plain).config.names.recurrent == "recurrent"
    fitted = fit({f"model.{key}": tensor for key, tensor in state.items()}, rebuilt, "char-rnn")
    assert isinstance(fitted.network, CharRNN)


def test_without_an_embedding_tokens_are_one_hot() -> None:
    """The lecture's smallest example: the cell's matrix is as wide as the vocabulary."""
    layers = _layers("rnn", 1, VOCABULARY)
    del layers["embedding"]
    network = rebuilt(state_of(**layers))
    assert network.config.embedding_size is None
    with torch.no_grad():
        features, _ = layers["rnn"](nn.functional.one_hot(TOKENS, VOCABULARY).float())
        torch.testing.assert_close(network(TOKENS, *network.initial_states(2))[0], layers["head"](features[:, -1]))


def test_without_biases() -> None:
    """Two layers without biases are told apart by their names, whatever their order."""
    state = {
        "a_head.weight": torch.randn(VOCABULARY, HIDDEN),
        "embed.weight": torch.randn(VOCABULARY, 5),
        "lstm.weight_ih_l0": torch.randn(4 * HIDDEN, 5),
        "lstm.weight_hh_l0": torch.randn(4 * HIDDEN, HIDDEN),
    }
    config = rebuilt(state).config
    assert (config.names.embedding, config.names.head) == ("embed", "a_head")
    assert (config.cell_bias, config.head_bias) == (False, False)


def test_the_cell_is_a_choice_where_shapes_fit_two() -> None:
    """The same weights give other numbers as the other GRU; PyTorch's is the usual one."""
    state = state_of(**_layers("gru"))
    usual, before = rebuilt(state), rebuilt(state, "gru-reset-before")
    assert (usual.config.cell, before.config.cell) == ("gru", "gru-reset-before")
    with torch.no_grad():
        one, other = (network(TOKENS, *network.initial_states(2))[0] for network in (usual, before))
    assert (one - other).abs().max() > 1e-3
    with pytest.raises(OptionError, match=r"--cell lstm: the weights gru\.… are those of gru or gru-reset-before"):
        read_config(state, "lstm")


@pytest.mark.parametrize("cell", ["mut1", "mut2", "mut3"])
def test_muts_are_told_by_the_matrices_they_have(cell: str) -> None:
    """All but MUT3, whose weights are named as a GRU's would be: that one must be named."""
    state = dict(small_char_rnn(cell, num_layers=3).state_dict())
    chosen = cell if cell == "mut3" else None
    config = rebuilt(state, chosen).config
    assert (config.cell, config.num_layers) == (cell, 3)
    if cell == "mut3":
        with pytest.raises(CheckpointError, match="say --cell mut3"):
            read_config(state, None)
    with pytest.raises(OptionError, match=f"are those of {cell}"):
        read_config(state, "mut1" if cell != "mut1" else "mut2")


@pytest.mark.parametrize("shape", [(2, 1, HIDDEN), (2, HIDDEN)])
def test_a_learned_state_is_what_a_text_begins_with(shape: tuple[int, ...]) -> None:
    """It is in the manifest, for each layer and kind, with a batch of one."""
    state = state_of(**_layers("lstm")) | {"h0": torch.randn(shape), "c0": torch.randn(shape)}
    generation = blueprint(rebuilt(state)).generation
    assert generation is not None
    states = generation.states
    expected = {f"{kind}_{n}": state[key][n] for n in range(2) for kind, key in (("hidden", "h0"), ("cell", "c0"))}
    assert [one.input for one in states] == ["hidden_0", "cell_0", "hidden_1", "cell_1"]
    for one in states:
        assert list(one.values.shape) == [1, HIDDEN]
        np.testing.assert_array_equal(np.frombuffer(one.values.data, "<f4"), expected[one.input].flatten())
    with pytest.raises(CheckpointError, match="has both, h0 and c0"):
        read_config({key: tensor for key, tensor in state.items() if key != "c0"}, None)
    with pytest.raises(CheckpointError, match=r"h0 is 3: a learned initial state is 2×1×6"):
        read_config(state | {"h0": torch.zeros(3)}, None)


def test_weights_of_no_cell_are_refused() -> None:
    """Two gates are nobody's."""
    state = state_of(**_layers("gru")) | {"gru.weight_hh_l0": torch.zeros(2 * HIDDEN, HIDDEN)}
    with pytest.raises(CheckpointError, match=r"gru\.weight_hh_l0 has 2 rows a hidden feature"):
        read_config(state, None)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru", "gru-reset-before", "mut1", "mut2", "mut3"])
def test_hidden_states_are_tried_where_cells_keep_them(cell: str) -> None:
    """Within -1 ... 1, which no input of any size leads out of; the cell of an LSTM grows beyond."""
    network = small_char_rnn(cell)
    tried = {spec.name: (spec.low, spec.high) for spec in blueprint(network).graphs[0].inputs[1:]}
    assert tried.pop("hidden_0") == (-1, 1)
    assert list(tried) == (["cell_0"] if cell == "lstm" else [])
    assert all(high > 1 for _, high in tried.values() if high is not None)
    hard = torch.randint(VOCABULARY, (8, 200))
    for weight in network.parameters():
        nn.init.normal_(weight, std=9)
    with torch.no_grad():
        _, hidden, *_ = network(hard, *network.initial_states(8))
    assert hidden.abs().max() <= 1


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ([], 2, "--vocabulary is required"),
        (["--vocabulary", "bytes"], 1, "256 tokens, and the network has 11"),
        (["--vocabulary", "bytes", "--cell", "lstm"], 2, "are those of gru or gru-reset-before"),
        (["--vocabulary", "nowhere.json"], 1, "cannot be read as text"),
    ],
)
def test_a_wrong_command_is_refused(tmp_path: Path, arguments: list[str], status: int, said: str) -> None:
    """Before anything is traced, with the option's name and the counts."""
    torch.save(state_of(**_layers("gru")), tmp_path / "net.pth")
    common = ["char-rnn", "--checkpoint", str(tmp_path / "net.pth"), "--name", "net"]
    result = CliRunner().invoke(export, [*common, "--repository", str(tmp_path / "models"), *arguments])
    assert result.exit_code == status
    assert said in " ".join(result.stderr.split())
    assert not (tmp_path / "models").exists()


def test_only_this_network_takes_a_cell() -> None:
    """The option is refused by name elsewhere."""
    assert ARCHITECTURES["char-rnn"].chosen(NetworkChoices("gru"))
    with pytest.raises(OptionError, match="--cell: the weights of lenet5 leave no such choice"):
        ARCHITECTURES["lenet5"].chosen(NetworkChoices("gru"))


@pytest.mark.parametrize("cell", ["gru-reset-before", "mut3"])
def test_the_package_has_a_step_graph(cell: str, repository: Path, tmp_path: Path) -> None:
    """Three layers, one-hot: what PyTorch gives comes out of the graph, token by token, with states random at first."""
    network = small_char_rnn(cell, num_layers=3, embedding=None)
    (tmp_path / "vocab.json").write_text(json.dumps(list("abcdefghijk")))
    described = with_texts(blueprint(network), TextFlags(str(tmp_path / "vocab.json")))
    published = export_network(described, Source("char-rnn"), Destination(repository, "net"))
    manifest = published.manifest
    assert manifest.task == pb.TASK_TEXT_GENERATION
    assert list(manifest.generation.tokenizer.vocabulary.tokens) == list("abcdefghijk")
    names = recurrent_of(network, network.config).state_names
    first = [torch.rand(2, HIDDEN) for _ in names]
    outputs = {f"next_{name}": tensor.numpy() for name, tensor in zip(names, first, strict=True)}
    for column in range(TOKENS.shape[1]):
        states = {name: outputs[f"next_{name}"] for name in names}
        outputs = dict(run_graph(published.path, "step", token=TOKENS[:, column : column + 1], **states))
    with torch.no_grad():
        np.testing.assert_allclose(outputs["logits"], network(TOKENS, *first)[0], atol=1e-5)


@pytest.fixture(scope="module")
def shakespeare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Export the published character LSTM."""
    folder = Path(__file__).parents[4] / "shared" / "data" / "text-generation"
    if not folder.is_dir():
        pytest.skip("needs the published checkpoints of ../shared/data")
    fitted = fit_architecture(ARCHITECTURES["char-rnn"], load_checkpoint(folder / "charlstm-shakespeare.safetensors"))
    described = with_texts(blueprint(fitted.network), TextFlags(str(folder / "charlstm-shakespeare.vocab.json")))
    repository = tmp_path_factory.mktemp("models")
    return export_network(described, Source("char-rnn"), Destination(repository, "shakespeare")).path


def test_the_published_network_scores_as_its_readme_says(shakespeare: Path, data: Path) -> None:
    """1.330 nats a character on the first 50,000 characters, read one a step by ONNX Runtime."""
    text = (data / "text-generation" / "tinyshakespeare.txt").read_text()[:50_000]
    tokens: list[str] = json.loads((data / "text-generation" / "charlstm-shakespeare.vocab.json").read_text())
    ids = np.array([tokens.index(character) for character in text])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(shakespeare / "step.onnx", options, providers=["CPUExecutionProvider"])
    states = [np.zeros((1, 128), np.float32) for _ in range(4)]
    logits: list[NDArray[np.float32]] = []
    names = [port.name for port in session.get_inputs()]
    for number in ids[:-1]:
        feed = dict(zip(names, (np.array([[number]]), *states), strict=True))
        row, *states = (np.asarray(output) for output in session.run(None, feed))
        logits.append(row[0])
    likelihoods = torch.log_softmax(torch.from_numpy(np.stack(logits)), 1)
    mean = -likelihoods.gather(1, torch.from_numpy(ids[1:, None])).mean()
    assert float(mean) == pytest.approx(1.330, abs=0.001)
