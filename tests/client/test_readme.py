"""What clients/README.md shows of texts works as it stands there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from podium_client import Client

from tests.client.fake_images import png
from tests.client.fake_server import FakeServer, in_a_thread
from tests.client.fake_texts import serving_texts, written

README = Path(__file__).parents[2] / "clients" / "README.md"


@pytest.fixture
def server() -> Iterator[FakeServer]:
    """A server whose event loop is another thread's."""
    with in_a_thread(serving_texts()) as server:
        yield server


def blocks(section: str) -> list[str]:
    """The Python of one section."""
    text = README.read_text(encoding="utf-8").partition(f"\n### {section}\n")[2]
    assert text, f"there is no section {section!r}"
    section_alone = re.split(r"^#{2,3} ", text, maxsplit=1, flags=re.MULTILINE)[0]
    return re.findall(r"^```python\n(.*?)^```$", section_alone, re.MULTILINE | re.DOTALL)


def test_the_examples_of_texts_run(
    server: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One after another, and the stream prints what the call gives."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "octopus.png").write_bytes(png(3))
    examples = blocks("Texts")

    with Client(server.address) as client:
        for example in examples:
            exec(example, {"client": client})

    shown = capsys.readouterr().out
    text = written("ROMEO:", 7)
    assert len(examples) == 4
    assert shown.startswith(f"{text}end 2000.0\n{text}\n7 2\n")
    assert "50.0% a picture of" in shown
    assert "knight thgink" in shown
    assert "'o' 0.5" in shown
