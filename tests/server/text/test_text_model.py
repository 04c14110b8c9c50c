"""A package whose words do not fit its graphs is refused before it is served, by the field that is wrong."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from podium.v1 import decoding_pb2, tensor_pb2
from podium.v1 import model_manifest_pb2 as pb
from podium_server.package import read_package
from podium_server.padding import padded_length
from podium_server.runtime.session import Session
from podium_server.services.tasks import check_package

from tests.server.services import networks

Change = Callable[[pb.ModelManifest], Any]
CPU: tuple[tuple[str, dict[str, str]], ...] = (("CPUExecutionProvider", {}),)


def check(folder: Path) -> None:
    """Check a version folder as a server does at load."""
    package = read_package(folder)
    graphs = {}
    for graph in package.manifest.graphs:
        session = Session(package.graph_path(graph), providers=CPU, num_threads=1)
        graphs[graph.name] = session, session.signature
    check_package(package, graphs)


def change(folder: Path, how: Change) -> None:
    """Change a manifest where it lies."""
    path = folder / "model.json"
    manifest = json_format.Parse(path.read_text(), pb.ModelManifest())
    how(manifest)
    path.write_text(json_format.MessageToJson(manifest))


def _unlisted(manifest: pb.ModelManifest) -> None:
    manifest.generation.tokenizer.hugging_face.file = "tokenizer.json"


def _one_letter_less(manifest: pb.ModelManifest) -> None:
    del manifest.generation.tokenizer.vocabulary.tokens[-1]


def _set(field: str, *values: Any) -> Change:
    """Make a field of `generation` hold these values."""

    def how(manifest: pb.ModelManifest) -> None:
        part: Any = manifest.generation
        *path, last = field.split(".")
        for name in path:
            part = getattr(part, name)
        if isinstance(values[0] if values else [], list):
            del getattr(part, last)[:]
            getattr(part, last).extend(*values)
        else:
            setattr(part, last, values[0])

    return how


TEXT_FAULTS: list[tuple[Change, str]] = [
    (lambda m: m.generation.ClearField("tokenizer"), "generation.tokenizer: is empty; it must have vocabulary,"),
    (_unlisted, "generation.tokenizer: hugging_face.file is 'tokenizer.json', which `files` does not list"),
    (
        lambda m: m.generation.tokenizer.vocabulary.tokens.append("x"),
        "generation.tokenizer has 15 tokens; graph 'step' gives logits for 14",
    ),
    (_one_letter_less, "generation.tokenizer has 13 tokens; graph 'step' may choose 13, which has no text: the"),
    (_set("tokenizer.start_ids", [14]), "generation.tokenizer: start_ids has 14; ids are 0 … 13"),
    (_set("end_ids", [2, 14]), "generation.end_ids has 14; ids are 0 … 13"),
    (_set("suppressed_ids", [99]), "generation.suppressed_ids has 99; ids are 0 … 13"),
    (_set("suppressed_ids", list(range(14))), "generation.suppressed_ids has every id; at least one must be left"),
    (_set("defaults.top_p", 1.5), "generation.defaults.top_p: is 1.5; must be above 0 and at most 1"),
    (
        lambda m: m.generation.defaults.CopyFrom(decoding_pb2.Decoding(num_beams=3, temperature=0.5)),
        "generation.defaults.temperature: is 0.5; must be left unset or 0 with beam search",
    ),
    (
        lambda m: m.generation.states[0].CopyFrom(networks.encoded_state("seen")),
        "generation.states[0].encoder_output is 'seen'; there is no graph 'encoder'",
    ),
    (
        lambda m: m.graphs.add().CopyFrom(pb.Graph(name="encoder", file="step.onnx")),
        "graphs are encoder, step; they must be step",
    ),
]


@pytest.mark.parametrize(("how", "message"), TEXT_FAULTS)
def test_a_text_model_that_does_not_add_up_is_refused_at_load(tmp_path: Path, how: Change, message: str) -> None:
    """Whoever made the package learns which field is wrong."""
    networks.write_letters(tmp_path)
    change(tmp_path, how)
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        check(tmp_path)


CAPTIONER_FAULTS: list[tuple[Change, str]] = [
    (lambda m: m.ClearField("image_preprocessing"), "image_preprocessing: "),
    (
        lambda m: setattr(m.image_preprocessing, "width", 3),
        "image_preprocessing makes rows of [1, 2, 3]; input 'image' is ['batch', 1, 2, 2]",
    ),
    (
        _set("tokenizer.start_ids", []),
        "generation.tokenizer.start_ids is empty; what an encoder begins needs a first token",
    ),
    (_set("max_tokens", 1), "generation.max_tokens is 1; it leaves no room after start_ids"),
    (
        lambda m: m.generation.states[0].CopyFrom(networks.encoded_state("look")),
        "generation.states[0].encoder_output is 'look'; there is 'seen'",
    ),
    (
        lambda m: setattr(m.generation.states[0], "input", "c"),
        "generation.states[0].input is 'c'; graph 'step' has no such input",
    ),
]


@pytest.mark.parametrize(("how", "message"), CAPTIONER_FAULTS)
def test_a_captioner_that_does_not_add_up_is_refused_at_load(tmp_path: Path, how: Change, message: str) -> None:
    """By the field that is wrong."""
    networks.write_captioner(tmp_path)
    change(tmp_path, how)
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        check(tmp_path)


def test_an_encoder_whose_numbers_do_not_fit_the_state_is_refused(tmp_path: Path) -> None:
    """By both shapes."""
    generation = networks.translation(states=[networks.encoded_state("mask")])
    networks.write_translator(tmp_path, generation=generation)
    message = (
        "generation.states[0]: the step graph's 'h' is ['batch', 16] of FP32, and the encoder's 'mask' is ['batch', "
        "'source_time'] of BOOL; they must be alike"
    )
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        check(tmp_path)


def test_a_translator_without_a_source_tokenizer_is_refused(tmp_path: Path) -> None:
    """As one whose encoder reads no text."""
    networks.write_translator(tmp_path)
    change(tmp_path, lambda m: m.generation.ClearField("source_tokenizer"))
    with pytest.raises(ValueError, match=r"^generation\.source_tokenizer: is empty"):
        check(tmp_path)
    networks.write_captioner(tmp_path / "captioner")
    change(tmp_path / "captioner", lambda m: setattr(m, "task", pb.TASK_TRANSLATION))
    change(tmp_path / "captioner", lambda m: m.generation.source_tokenizer.CopyFrom(networks.source_words()))
    with pytest.raises(ValueError, match=r"^graph 'encoder' has the inputs .*; that of a translator has 'source'"):
        check(tmp_path / "captioner")


@pytest.mark.parametrize(
    ("network", "named"),
    [
        ({"by_length": False}, "graph 'encoder': padding after the end of a source changes its output 'summary'"),
        ({"masked": False}, "graph 'step': padding after the end of a source changes its output 'logits'"),
    ],
)
def test_a_translator_that_reads_padding_is_refused(tmp_path: Path, network: dict[str, Any], named: str) -> None:
    """Whether its encoder does or its attention: texts of a batch would get other answers than alone."""
    networks.write_translator(tmp_path, **network)
    with pytest.raises(ValueError, match="^" + re.escape(named)):
        check(tmp_path)


def test_a_translator_with_more_source_tokens_than_its_encoder_reads_is_refused(tmp_path: Path) -> None:
    """What the graph says to the last of them is found out by running it."""
    networks.write_translator(tmp_path)
    change(tmp_path, lambda m: m.generation.source_tokenizer.vocabulary.tokens.append("vogel"))
    with pytest.raises(ValueError, match=r"^a source of length 1 cannot be read: "):
        check(tmp_path)


def test_models_that_add_up_pass(tmp_path: Path) -> None:
    """One of each kind; ids without a text may be left unwritten, and a first state may be learned."""
    networks.write_letters(tmp_path / "letters", suppressed_ids=[13])
    change(tmp_path / "letters", _one_letter_less)
    networks.write_captioner(tmp_path / "captioner")
    networks.write_translator(tmp_path / "translator")
    for name in ("letters", "captioner", "translator"):
        check(tmp_path / name)
    fp32 = tensor_pb2.ELEMENT_TYPE_FLOAT32
    learned = tensor_pb2.Tensor(element_type=fp32, shape=[1, networks.H], data=bytes(4 * networks.H))
    change(tmp_path / "translator", lambda m: m.generation.states[0].values.CopyFrom(learned))
    check(tmp_path / "translator")


def test_sources_are_padded_to_powers_of_two_and_the_middles_between_them() -> None:
    """Never beyond what the encoder reads; beyond eight tokens at most a third is padding."""
    assert [padded_length(n) for n in (1, 8, 9, 12, 13, 17, 25, 33, 49, 65)] == [8, 8, 12, 12, 16, 24, 32, 48, 64, 96]
    assert [padded_length(n, 20) for n in (3, 17, 20)] == [8, 20, 20]
    for length in range(8, 3000):
        bucket = padded_length(length)
        assert length <= bucket < 1.5 * length
        assert bucket & (bucket - 1) == 0 or (bucket // 3) & (bucket // 3 - 1) == 0
