"""Sequence to sequence networks: packages of small ones beside PyTorch's packed sequences and the papers' formulas."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from podium.v1 import model_manifest_pb2 as pb
from podium_export.architectures.recurrent import Cell, RecurrentConfig
from podium_export.architectures.recurrent_decoder import DecoderConfig
from podium_export.architectures.seq2seq import EncoderConfig, Seq2Seq, Seq2SeqConfig, blueprint, build
from podium_export.assembling import Source
from podium_export.errors import CheckpointError
from podium_export.exporting import export_network
from podium_export.package import Destination
from podium_export.text_flags import TextFlags
from podium_export.texts import with_texts
from torch.nn.utils.rnn import pack_padded_sequence

from tests.export.architectures.halves import run_graph
from tests.export.architectures.luong import attentional_logits

SOURCE_TOKENS, TOKENS = 23, 19
LENGTHS = np.array([1, 7, 4, 13, 2, 12], np.int64)
"""Sources of a batch, of a size and lengths that export does not try."""

PLAIN = "plain"
ATTENTIVE = "attentive"


def config_of(cell: Cell, kind: str) -> Seq2SeqConfig:
    """Give the sizes of a plain network of one layer, or of a bidirectional one of two with attention."""
    if kind == PLAIN:
        reads, writes = (RecurrentConfig(cell, features, 10) for features in (6, 7))
        return Seq2SeqConfig(EncoderConfig(SOURCE_TOKENS, reads), DecoderConfig(TOKENS, writes))
    reads = RecurrentConfig(cell, 6, 9, num_layers=2, bidirectional=True)
    writes = RecurrentConfig(cell, 7, 12, num_layers=2)
    decoder = DecoderConfig(TOKENS, writes, memory_size=reads.output_size)
    return Seq2SeqConfig(EncoderConfig(SOURCE_TOKENS, reads), decoder, bridge=True)


class Exported:
    """A network of random weights, read from its own state as from a checkpoint, and its package."""

    def __init__(self, config: Seq2SeqConfig, repository: Path) -> None:
        torch.manual_seed(0)
        state = Seq2Seq(config).state_dict()
        self.network = build(state)
        self.network.load_state_dict(state)
        self.network.eval()
        self.published = export_network(blueprint(self.network), Source("seq2seq"), Destination(repository, "small"))
        self.state_names = config.decoder.recurrent.state_names
        self.source = np.random.default_rng(1).integers(0, SOURCE_TOKENS, (len(LENGTHS), 13))

    def encoded(self, source: NDArray[np.int64], length: NDArray[np.int64] = LENGTHS) -> dict[str, NDArray[Any]]:
        """Run the graph "encoder"."""
        return dict(run_graph(self.published.path, "encoder", source=source, source_length=length))

    def stepped(self, token: NDArray[np.int64], inputs: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Run the graph "step"."""
        return dict(run_graph(self.published.path, "step", token=token, **inputs))

    def states_after(self, outputs: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Take what a step leaves for the next one."""
        return {name: outputs[f"next_{name}"] for name in self.state_names}


@pytest.fixture(scope="module", params=[(cell, kind) for cell in Cell for kind in (PLAIN, ATTENTIVE)], ids=str)
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Give a package of each cell, plain and attentive."""
    cell, kind = request.param
    return Exported(config_of(cell, kind), tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module", params=list(Cell))
def attentive(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Give a package of each cell with attention."""
    return Exported(config_of(request.param, ATTENTIVE), tmp_path_factory.mktemp("models"))


@pytest.mark.parametrize("kind", [PLAIN, ATTENTIVE])
@pytest.mark.parametrize("cell", list(Cell))
def test_every_size_is_read_from_the_checkpoint(cell: Cell, kind: str) -> None:
    """Cell, layers, directions, attention and bridge follow from keys and shapes."""
    config = config_of(cell, kind)
    assert build(Seq2Seq(config).state_dict()).config == config


def test_the_encoder_is_pytorchs_over_packed_sequences(exported: Exported) -> None:
    """The first states are tanh(W h + b), or h itself without a bridge, of the states behind each source's end."""
    network = exported.network
    packed = pack_padded_sequence(
        network.encoder.embedding(torch.tensor(exported.source)),
        torch.tensor(LENGTHS),
        batch_first=True,
        enforce_sorted=False,
    )
    with torch.inference_mode():
        _, final = network.encoder.rnn(packed)
    kinds = (final,) if isinstance(final, torch.Tensor) else final
    encoded = exported.encoded(exported.source)
    for name in exported.state_names:
        kind, layer = kinds["hc".index(name[0])], int(name[2:])
        directions = [kind[layer]] if not network.config.bridge else [kind[2 * layer], kind[2 * layer + 1]]
        expected = torch.cat(directions, dim=1)
        if network.config.bridge:
            weight, bias = (network.get_parameter(f"bridge.{name}.{key}") for key in ("weight", "bias"))
            expected = torch.tanh(expected @ weight.T + bias)
        np.testing.assert_allclose(encoded[name], expected.detach(), atol=1e-6)
    if "memory" in encoded:
        for row, length in enumerate(LENGTHS):
            lone = network.encoder.rnn(network.encoder.embedding(torch.tensor(exported.source[row : row + 1, :length])))
            np.testing.assert_allclose(encoded["memory"][row, :length], lone[0][0].detach(), atol=1e-6)


def test_padding_changes_no_answer(exported: Exported) -> None:
    """A source alone, without padding, has the states and the memory that it has in a padded batch."""
    together = exported.encoded(exported.source)
    for row, length in enumerate(LENGTHS):
        alone = exported.encoded(exported.source[row : row + 1, :length], LENGTHS[row : row + 1])
        for name, array in alone.items():
            whole = together[name][row] if name in exported.state_names else together[name][row, :length]
            np.testing.assert_allclose(array[0], whole, atol=1e-6)


def test_what_the_padding_is_changes_no_bit(exported: Exported) -> None:
    """Beyond a source's length may be anything; and a row's bits do not depend on its batch-mates."""
    together = exported.encoded(exported.source)
    beyond = np.arange(exported.source.shape[1]) >= LENGTHS[:, None]
    other = exported.encoded(np.where(beyond, SOURCE_TOKENS - 1, exported.source))
    for row in range(len(LENGTHS)):
        alone = exported.encoded(exported.source[row : row + 1], LENGTHS[row : row + 1])
        for name, array in together.items():
            assert array[row].tobytes() == other[name][row].tobytes() == alone[name][0].tobytes()


def test_a_steps_row_has_the_bits_that_it_has_alone(exported: Exported) -> None:
    """Whoever else is written in the same run, at one token a row and at several."""
    encoded = exported.encoded(exported.source)
    for time in (1, 5):
        token = np.random.default_rng(time).integers(0, TOKENS, (len(LENGTHS), time))
        together = exported.stepped(token, encoded)
        for row in range(len(LENGTHS)):
            mates = slice(row, row + 1)
            alone = exported.stepped(token[mates], {name: array[mates] for name, array in encoded.items()})
            assert all(array[row].tobytes() == alone[name][0].tobytes() for name, array in together.items())


def test_lengths_out_of_bounds_are_the_nearest_ones(exported: Exported) -> None:
    """0 reads as 1, and more than there is as all of it."""
    wild = exported.encoded(exported.source[:2], np.array([0, 99]))
    tame = exported.encoded(exported.source[:2], np.array([1, 13]))
    for name, array in wild.items():
        assert array.tobytes() == tame[name].tobytes()


def test_steps_write_what_training_sees(exported: Exported) -> None:
    """Token by token and all at once, the step graph gives the logits of the whole network at each place."""
    target = np.random.default_rng(2).integers(0, TOKENS, (len(LENGTHS), 9))
    with torch.inference_mode():
        expected = exported.network(*map(torch.tensor, (exported.source, LENGTHS, target)))
    encoded = exported.encoded(exported.source)
    contexts = {name: array for name, array in encoded.items() if name not in exported.state_names}
    states = {name: encoded[name] for name in exported.state_names}
    outputs: dict[str, NDArray[Any]] = {}
    for place in range(target.shape[1]):
        outputs = exported.stepped(target[:, place : place + 1], states | contexts)
        np.testing.assert_allclose(outputs["logits"], expected[:, place], atol=1e-5)
        states = exported.states_after(outputs)
    at_once = exported.stepped(target, encoded)
    for name, array in at_once.items():
        np.testing.assert_allclose(array, outputs[name], atol=1e-5)


def test_attention_is_luongs(attentive: Exported) -> None:
    """It is the paper's formula over the source alone, which a padded row's is too."""
    encoded = attentive.encoded(attentive.source)
    token = np.random.default_rng(3).integers(0, TOKENS, (len(LENGTHS), 1))
    outputs = attentive.stepped(token, encoded)
    for row, length in enumerate(LENGTHS):
        memory = encoded["memory"][row, :length]
        expected = attentional_logits(attentive.network, outputs["next_h_1"][row], memory)
        np.testing.assert_allclose(outputs["logits"][row], expected, atol=1e-5)


def test_nothing_is_attended_to_beyond_the_mask(attentive: Exported) -> None:
    """Memory under a false mask may hold anything, and no bit changes."""
    encoded = attentive.encoded(attentive.source)
    token = np.zeros((len(LENGTHS), 3), np.int64)
    masked = ~encoded["memory_mask"][..., None]
    disturbed = encoded | {"memory": np.where(masked, np.float32(50.0), encoded["memory"])}
    for name, array in attentive.stepped(token, encoded).items():
        assert array.tobytes() == attentive.stepped(token, disturbed)[name].tobytes()


def test_the_manifest_says_how_it_writes(attentive: Exported) -> None:
    """First states and contexts are the encoder's outputs; the tokens are somebody else's to say."""
    generation = attentive.published.manifest.generation
    assert attentive.published.manifest.task == pb.TASK_TRANSLATION
    assert {state.input: state.encoder_output for state in generation.states} == {
        name: name for name in attentive.state_names
    }
    assert [context.input for context in generation.contexts] == ["memory", "memory_mask"]


def test_what_ends_a_text_ends_a_source_too(tmp_path: Path) -> None:
    """The command line names start and end once; a source has an end where its vocabulary has that token."""
    network = Seq2Seq(config_of(Cell.GRU, PLAIN))
    letters, sounds = ["</s>", *(chr(97 + place) for place in range(SOURCE_TOKENS - 1))], ["<s>", "</s>", "AA", "B"]
    sounds += [f"S{place}" for place in range(TOKENS - len(sounds))]
    for name, tokens in (("letters", letters), ("sounds", sounds)):
        (tmp_path / f"{name}.json").write_text(json.dumps(tokens))
    flags = TextFlags(
        vocabulary=str(tmp_path / "sounds.json"),
        source_vocabulary=str(tmp_path / "letters.json"),
        start_token=("<s>",),
        end_token=("</s>",),
    )
    generation = with_texts(blueprint(network), flags).generation
    assert generation is not None
    assert (list(generation.tokenizer.start_ids), list(generation.end_ids)) == ([0], [1])
    assert list(generation.tokenizer.special_ids) == [0, 1]
    assert generation.tokenizer.vocabulary.unit == pb.TEXT_UNIT_WORD
    source = generation.source_tokenizer
    assert (list(source.start_ids), list(source.end_ids), list(source.special_ids)) == ([], [0], [0])
    assert source.vocabulary.unit == pb.TEXT_UNIT_CHARACTER


def test_the_memory_must_be_the_encoders() -> None:
    """Attention over eight features cannot look at an encoder of ten."""
    reads, writes = RecurrentConfig(Cell.GRU, 6, 10), RecurrentConfig(Cell.GRU, 7, 10)
    with pytest.raises(CheckpointError, match=r"looks at 8 features, and the encoder gives 10"):
        Seq2SeqConfig(EncoderConfig(SOURCE_TOKENS, reads), DecoderConfig(TOKENS, writes, memory_size=8))


def test_states_must_fit() -> None:
    """Two directions of ten features begin no state of ten without a bridge."""
    reads, writes = RecurrentConfig(Cell.GRU, 6, 10, bidirectional=True), RecurrentConfig(Cell.GRU, 7, 10)
    with pytest.raises(CheckpointError, match=r"20 features, the decoder's 10: there must be a bridge"):
        Seq2SeqConfig(EncoderConfig(SOURCE_TOKENS, reads), DecoderConfig(TOKENS, writes))


def test_layers_must_be_as_many_of_one_cell() -> None:
    """Each layer of the decoder begins with the state of one of the encoder."""
    reads, writes = RecurrentConfig(Cell.GRU, 6, 10, 2), RecurrentConfig(Cell.LSTM, 7, 10)
    with pytest.raises(CheckpointError, match=r"encoder has 2 layers of gru, the decoder 1 of lstm"):
        Seq2SeqConfig(EncoderConfig(SOURCE_TOKENS, reads), DecoderConfig(TOKENS, writes))


def test_other_cells_are_refused() -> None:
    """A vanilla layer has one row a feature."""
    state = Seq2Seq(config_of(Cell.GRU, PLAIN)).state_dict() | {"encoder.rnn.weight_ih_l0": torch.zeros(10, 6)}
    with pytest.raises(CheckpointError, match=r"encoder\.rnn\.weight_ih_l0 has 10 rows for 10 hidden features"):
        build(state)
