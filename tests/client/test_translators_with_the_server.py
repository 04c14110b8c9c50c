"""The published translators and the real `podium serve`: what callers get is what PyTorch writes."""

from collections.abc import Iterator, Sequence

import pytest
from podium_client import Client
from podium_client.demo.server_process import ServerProcess, serving

from tests.export import translations
from tests.export.translations import Reference, Translator

MAX_TEXTS = 256
"""The most that one call of `Translate` takes."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """The server on free ports, with both translators."""
    folder = tmp_path_factory.mktemp("repository")
    for translator in (translations.g2p_en(), translations.cn2en()):
        translations.package(translator, folder / "models")
    with serving(folder / "models", folder / "log") as process:
        yield process
        assert process.stop() == 0


def translated(server: ServerProcess, translator: Translator, texts: Sequence[str]) -> list[list[int]]:
    """Send all texts, as many a call as there may be; give the tokens of the best of each."""
    with Client(server.addresses.grpc) as client:
        return [
            list(translation.best.token_ids)
            for first in range(0, len(texts), MAX_TEXTS)
            for translation in client.translate(translator.name, texts[first : first + MAX_TEXTS], replace_unknown=True)
        ]


def test_g2p_en_pronounces_as_its_readme_says(server: ServerProcess) -> None:
    """71.5 % of 400 words of CMUdict, token for token as PyTorch's loop writes each of them alone."""
    translator, ways = translations.g2p_en(), translations.dictionary_words()
    reference = Reference(translator)
    written = translated(server, translator, list(ways))
    alone = [translations.greedy(translator, reference.read(translations.spelled(translator, word))) for word in ways]
    assert written == alone
    right = [tuple(translator.words(ids)) in known for ids, known in zip(written, ways.values(), strict=True)]
    assert sum(right) / len(right) == pytest.approx(0.715, abs=0.0005)


def test_cn2en_translates_as_its_readme_says(server: ServerProcess) -> None:
    """A token F1 of 0.54 on 300 sentences, token for token as PyTorch's loop writes each of them alone."""
    translator, pairs = translations.cn2en(), translations.sentence_pairs()
    reference = Reference(translator)
    written = translated(server, translator, [chinese for chinese, _ in pairs])
    sources = [translations.characters(translator, chinese) for chinese, _ in pairs]
    assert written == [translations.greedy(translator, reference.read(source)) for source in sources]
    scores = [
        translations.token_f1(translator.words(ids), translations.english_tokens(english))
        for ids, (_, english) in zip(written, pairs, strict=True)
    ]
    assert sum(scores) / len(scores) == pytest.approx(0.54, abs=0.005)


def test_a_text_in_a_batch_is_translated_as_alone(server: ServerProcess) -> None:
    """Lengths from one letter to sixteen, in one call and in one each: the same tokens and the same bits."""
    words = ["a", "to", "podium", "unbelievable", "responsibilities"]
    with Client(server.addresses.grpc) as client:
        together = client.translate("g2p-en", words)
        for word, translation in zip(words, together, strict=True):
            (alone,) = client.translate("g2p-en", [word])
            assert alone.best.token_ids == translation.best.token_ids
            assert alone.best.log_probability == translation.best.log_probability
