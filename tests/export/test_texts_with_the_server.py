"""Whatever export says of texts, the server takes: a careless command line is refused by export or by nobody."""

import contextlib
import dataclasses
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from podium.v1 import model_manifest_pb2 as pb
from podium_export.architectures import ARCHITECTURES
from podium_export.assembling import Source
from podium_export.errors import ExportError
from podium_export.exporting import export_network
from podium_export.package import Destination
from podium_export.text_flags import TEXT_UNITS, TextFlags
from podium_export.texts import with_texts
from podium_server.generation.step_compiler import compile_step
from podium_server.imaging.decode import ImageLimits
from podium_server.package import read_package
from podium_server.signature_match import from_proto
from podium_server.text.text_model import TextModel

from tests.export.recurrent import small_char_rnn

NUM_TOKENS = 4
NETWORK = ARCHITECTURES["char-rnn"].blueprint(small_char_rnn("gru", num_tokens=NUM_TOKENS))
TOKENS = st.sampled_from(["a", "B", "é", " ", "\n", "ab", "a b", "<s>", "0", "", "\N{GRINNING FACE}", None])
TYPED = st.sampled_from(["a", "\n", "<s>", "ab", "", "é"])
NUMBERS = st.none() | st.floats(0.01, 1)
COUNTS = st.none() | st.sampled_from([1, 7, 2**32 - 1])


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> pb.ModelManifest:
    """The manifest of a network whose tokens were named with care."""
    folder = tmp_path_factory.mktemp("repository")
    (folder / "vocab.json").write_text(json.dumps(["a", "b", "c", "d"]))
    named = with_texts(NETWORK, TextFlags(str(folder / "vocab.json")))
    export_network(named, Source("char-rnn"), Destination(folder / "models", "poet"))
    return read_package(folder / "models" / "poet" / "1").manifest


def careless() -> st.SearchStrategy[TextFlags]:
    """Flags of all kinds; the vocabulary is not among them."""
    several = st.lists(TYPED, max_size=2).map(tuple)
    return st.builds(
        TextFlags,
        text_unit=st.none() | st.sampled_from(list(TEXT_UNITS)),
        lowercase=st.sampled_from([None, True]),
        unknown_token=st.none() | TYPED,
        start_token=several,
        end_token=several,
        temperature=NUMBERS,
        top_k=COUNTS,
        top_p=NUMBERS,
        repetition_penalty=NUMBERS,
        max_tokens=COUNTS,
    )


@given(tokens=st.lists(TOKENS, min_size=NUM_TOKENS - 1, max_size=NUM_TOKENS + 1), flags=careless())
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_export_describes_the_server_takes(
    exported: pb.ModelManifest, tmp_path: Path, tokens: list[str | None], flags: TextFlags
) -> None:
    """Vocabularies too short, too long, with holes and repetitions; tokens that begin, end, or are unknown."""
    place = tmp_path / "vocab.json"
    place.write_text(json.dumps(tokens))
    with contextlib.suppress(ExportError):
        check_served(exported, dataclasses.replace(flags, vocabulary=str(place)), tmp_path)


def check_served(exported: pb.ModelManifest, flags: TextFlags, folder: Path) -> TextModel:
    """Have the server compile what export makes of flags."""
    described = with_texts(NETWORK, flags)
    manifest = pb.ModelManifest()
    manifest.CopyFrom(exported)
    assert described.generation is not None
    manifest.generation.CopyFrom(described.generation)
    for name, content in described.files.items():
        (folder / name).write_bytes(content)
        manifest.files.add(name=name)
    compile_step(manifest)
    signatures = {graph.name: from_proto(graph) for graph in manifest.graphs}
    return TextModel(manifest, signatures, folder, ImageLimits(1, 1))
