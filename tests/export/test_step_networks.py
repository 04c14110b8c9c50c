"""Step graphs: what is exported of them, and what is refused."""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from click.testing import CliRunner, Result
from google.protobuf import json_format
from podium.v1 import model_manifest_pb2 as pb
from podium_export import exporting
from podium_export.architecture import GraphBlueprint
from podium_export.architectures.char_rnn import blueprint
from podium_export.assembling import Source
from podium_export.chain import check_chain
from podium_export.command import export
from podium_export.errors import ParityFailure, StateError
from podium_export.exporting import export_network
from podium_export.options import Choices
from podium_export.own_network import own_blueprint
from podium_export.package import Destination
from podium_export.preprocessing import ImageFlags
from podium_export.texts import num_tokens
from podium_export.trace import TracedGraph, trace
from podium_export.trials import Array, Trial
from torch import nn

from tests.export.recurrent import HIDDEN, VOCABULARY, OwnStep, small_char_rnn


def _own(folder: Path, network: str, *arguments: str) -> Result:
    """Export a step network of `tests.export.recurrent` with `OwnStep`'s weights."""
    torch.save(OwnStep().state_dict(), folder / "net.pth")
    (folder / "vocab.json").write_text(json.dumps(list("abcdefghijk")))
    common = ("--checkpoint", folder / "net.pth", "--name", "net", "--repository", folder / "models")
    place = ("--module", f"tests.export.recurrent:{network}", "--vocabulary", folder / "vocab.json")
    return CliRunner().invoke(export, [str(argument) for argument in (*place, *common, *arguments)])


def _flags(*states: str) -> list[str]:
    return [word for state in states for word in ("--state", state)]


@pytest.mark.parametrize(("cell", "reset"), [("gru", None), ("gru", 0), ("gru-reset-before", 1)])
def test_one_gru_is_not_taken_for_the_other(
    cell: str, reset: int | None, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fault of older exporters, an ONNX GRU without linear_before_reset, and each form as the other: refused."""

    def faulty(graph: GraphBlueprint) -> TracedGraph:
        traced = trace(graph)
        model = onnx.ModelProto.FromString(traced.model.SerializeToString())
        for node in (node for node in model.graph.node if node.op_type == "GRU"):
            kept = [attribute for attribute in node.attribute if attribute.name != "linear_before_reset"]
            del node.attribute[:]
            node.attribute.extend(kept)
            if reset is not None:
                node.attribute.append(onnx.helper.make_attribute("linear_before_reset", reset))
        return TracedGraph(model, traced.lengths)

    monkeypatch.setattr(exporting, "trace", faulty)
    said = r'graph "step", output "\w+" at batch \d, time \d+, \w+ inputs: the largest difference from PyTorch is'
    with pytest.raises(ParityFailure, match=said):
        export_network(blueprint(small_char_rnn(cell)), Source("char-rnn"), Destination(repository, "net"))
    assert list(repository.iterdir()) == []


def test_a_step_network_of_ones_own_is_exported(tmp_path: Path) -> None:
    """Its states are declared on it, with the batch on axis 1; the graph goes on where it stopped."""
    result = _own(tmp_path, "OwnStep", "--max-tokens", "80", "--temperature", "0.5")
    assert result.exit_code == 0, result.output
    path = tmp_path / "models" / "net" / "1"
    manifest = json_format.Parse((path / "model.json").read_text(), pb.ModelManifest())
    assert manifest.task == pb.TASK_TEXT_GENERATION
    assert (manifest.generation.defaults.max_tokens, manifest.generation.defaults.temperature) == (80, 0.5)
    axes = [[axis.axis or axis.size for axis in spec.shape] for spec in manifest.graphs[0].inputs]
    assert axes == [["batch", "time"], [2, "batch", HIDDEN], [2, "batch", HIDDEN]]
    assert [(state.input, state.output) for state in manifest.generation.states] == [("h", "next_h"), ("c", "next_c")]
    sizes = {(case.axes["batch"], case.axes["time"]) for case in manifest.parity.cases}
    assert {(1, 1), (3, 7), (8, 32), (5, 1)} <= sizes
    session = onnxruntime.InferenceSession(path / "step.onnx", providers=["CPUExecutionProvider"])
    tokens = torch.randint(0, VOCABULARY, (4, 12))
    zeros = torch.zeros(2, 4, HIDDEN)
    states = {"h": zeros.numpy(), "c": zeros.numpy()}
    first = session.run(None, {"token": tokens[:, :9].numpy(), **states})
    last = session.run(None, {"token": tokens[:, 9:].numpy(), "h": first[1], "c": first[2]})
    with torch.no_grad():
        np.testing.assert_allclose(np.asarray(last[0]), OwnStep().eval()(tokens, zeros, zeros)[0], atol=1e-5)


def test_the_readmes_example_declares_its_states() -> None:
    """The class that export/README.md shows is a step network over as many tokens as it says."""
    readme = (Path(__file__).parents[2] / "export" / "README.md").read_text(encoding="utf-8")
    code = readme.partition("```python\n")[2].partition("```")[0]
    names: dict[str, type[nn.Module]] = {}
    exec(code, {"nn": nn}, names)
    described = own_blueprint(names["Mine"](), Choices(None, None, None, None, None, None, {}, ImageFlags()))
    assert described.task == pb.TASK_TEXT_GENERATION
    assert num_tokens(described) == 65
    assert described.generation is not None
    assert [state.input for state in described.generation.states] == ["h", "c"]


@pytest.mark.parametrize(
    ("network", "flags", "said"),
    [
        ("SwappedStep", [], 'They agree once what comes back as "h" and "c" is exchanged'),
        ("ForgetfulStep", [], "7 tokens one by one give something else than all of them in one run"),
        ("EveryStep", [], "must be the logits of the last token alone"),
        ("OwnStep", _flags("h:float32:2,batch,6"), "must take token (batch, time) and h, in this order"),
        ("OwnStep", _flags("h:float32:batch,6", "c:float32:batch,6"), "the network fails on one token"),
        ("WidenedStep", [], "must keep its shape and type"),
    ],
)
def test_states_declared_wrongly_are_refused(tmp_path: Path, network: str, flags: list[str], said: str) -> None:
    """Whatever goes wrong from the second step on is found before anything is published."""
    result = _own(tmp_path, network, *flags)
    assert result.exit_code == 1, result.output
    assert said in " ".join(result.stderr.split())
    assert not list((tmp_path / "models").glob("*"))


@pytest.mark.parametrize(
    ("network", "flags", "said"),
    [
        ("OwnStep", _flags("h:float32:2,6"), "one of them must be batch"),
        ("OwnStep", _flags("h:float32:batch,time"), "one of them must be batch"),
        ("OwnStep", _flags("h:float32:batch,6", "h:float32:batch,6"), "this name is taken"),
        ("OwnStep", _flags("h:float32"), '--state "h:float32": must be name:type:shape'),
        ("OwnStep", ["--cell", "gru"], "--cell goes with an architecture"),
        ("StatelessStep", ["--task", "text-generation"], "needs the network's states"),
    ],
)
def test_a_wrong_declaration_ends_with_status_2(tmp_path: Path, network: str, flags: list[str], said: str) -> None:
    """The option is named, and what would be right."""
    result = _own(tmp_path, network, *flags)
    assert result.exit_code == 2, result.output
    assert said in " ".join(result.stderr.split())


def test_states_that_change_places_are_found_in_the_written_graph_too() -> None:
    """A graph whose outputs were exchanged after it was traced is run step by step itself."""
    network = small_char_rnn("lstm")
    described = blueprint(network)
    (graph,) = described.graphs
    assert described.generation is not None

    def exchanged(trial: Trial) -> list[Array]:
        inputs = [torch.from_numpy(array) for array in trial.inputs]
        with torch.no_grad():
            logits, hidden, cell = network(*inputs)
        return [logits.numpy(), cell.numpy(), hidden.numpy()]

    with pytest.raises(StateError, match='"hidden_0" and "cell_0" is exchanged'):
        check_chain(graph, described.generation.states, exchanged, "ONNX Runtime", described.tolerance)
