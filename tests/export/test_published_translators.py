"""The published translators, exported by the command and run in plain loops.

What these loops give is what a server has to give: the same choices of examples, the same figures.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from google.protobuf import json_format
from podium.v1 import model_manifest_pb2 as pb

from tests.export import translations
from tests.export.translations import Package, Reference, Translator


@pytest.fixture(scope="module")
def g2p_en(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the package of `g2p-en`."""
    return translations.package(translations.g2p_en(), tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def cn2en(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the package of `cn2en`."""
    return translations.package(translations.cn2en(), tmp_path_factory.mktemp("models"))


def generation_of(folder: Path) -> pb.Generation:
    """Read how a package says that it writes."""
    return json_format.Parse((folder / "model.json").read_text(encoding="utf-8"), pb.ModelManifest()).generation


def written_by_both(translator: Translator, folder: Path, sources: Sequence[Sequence[int]]) -> list[list[int]]:
    """Give what the package writes of each source, padded anyhow, which must be what PyTorch writes of it alone."""
    served, reference = Package(folder), Reference(translator)
    written = [
        translations.greedy(translator, served.read(source, padding=place % 7)) for place, source in enumerate(sources)
    ]
    assert written == [translations.greedy(translator, reference.read(source)) for source in sources]
    return written


def test_g2p_en_pronounces_as_its_readme_says(g2p_en: Path) -> None:
    """71.5 % of 400 words of CMUdict have one of its pronunciations; every one is as PyTorch writes it."""
    translator, ways = translations.g2p_en(), translations.dictionary_words()
    sources = [translations.spelled(translator, word) for word in ways]
    pronounced = [tuple(translator.words(ids)) for ids in written_by_both(translator, g2p_en, sources)]
    right = sum(way in known for way, known in zip(pronounced, ways.values(), strict=True))
    assert right / len(ways) == pytest.approx(0.715, abs=0.0005)


def test_cn2en_translates_as_its_readme_says(cn2en: Path) -> None:
    """The mean token F1 of 300 sentences is 0.54, and 5 % are exact; every one is as PyTorch writes it."""
    translator, pairs = translations.cn2en(), translations.sentence_pairs()
    sources = [translations.characters(translator, chinese) for chinese, _ in pairs]
    translated = [translator.words(ids) for ids in written_by_both(translator, cn2en, sources)]
    references = [translations.english_tokens(english) for _, english in pairs]
    scores = [translations.token_f1(words, known) for words, known in zip(translated, references, strict=True)]
    exact = [words == known for words, known in zip(translated, references, strict=True)]
    assert sum(scores) / len(scores) == pytest.approx(0.54, abs=0.005)
    assert sum(exact) / len(exact) == pytest.approx(0.05, abs=0.005)


def test_the_manifest_of_g2p_en_reads_and_writes_as_the_package_does(g2p_en: Path) -> None:
    """Letters and "</s>" in, unknown ones as "<unk>"; from "<s>" to "</s>", 20 phonemes at most."""
    generation, translator = generation_of(g2p_en), translations.g2p_en()
    source, target = generation.source_tokenizer, generation.tokenizer
    assert list(source.vocabulary.tokens) == translator.source
    assert source.vocabulary.unit == pb.TEXT_UNIT_CHARACTER
    assert source.vocabulary.lowercase
    assert translator.source[source.vocabulary.unknown_id] == "<unk>"
    assert [translator.source[token_id] for token_id in source.end_ids] == ["</s>"]
    assert list(target.vocabulary.tokens) == translator.target
    assert target.vocabulary.unit == pb.TEXT_UNIT_WORD
    assert list(target.start_ids) == [translator.start]
    assert list(generation.end_ids) == [translator.end]
    assert {translator.target[token_id] for token_id in target.special_ids} == {"<pad>", "<unk>", "<s>", "</s>"}
    assert generation.defaults.max_tokens == 20


def test_the_manifest_of_cn2en_reads_and_writes_as_the_package_does(cn2en: Path) -> None:
    """Letter runs and characters, lower-case, and EOS in; words out, from SOS to EOS, the one without text never."""
    generation, translator = generation_of(cn2en), translations.cn2en()
    source, target = generation.source_tokenizer, generation.tokenizer
    assert list(source.vocabulary.tokens) == translator.source
    assert source.vocabulary.unit == pb.TEXT_UNIT_LETTER_RUN
    assert source.vocabulary.lowercase
    assert [translator.source[token_id] for token_id in source.end_ids] == ["EOS"]
    assert list(target.vocabulary.tokens) == translator.target
    assert list(target.start_ids) == [translator.start]
    assert list(generation.end_ids) == [translator.end]
    assert {translator.target[token_id] for token_id in target.special_ids} == {"SOS", "EOS"}
    assert [translator.target[token_id] for token_id in generation.suppressed_ids] == [""]


@pytest.mark.parametrize("make", [translations.g2p_en, translations.cn2en])
def test_both_vocabularies_are_asked_for(make: Callable[[], Translator], repository: Path) -> None:
    """The architecture knows how texts are cut, not which text a token stands for."""
    translator = make()
    without = translations.export(translator, repository)
    assert without.exit_code == 2
    assert f"--vocabulary is required: the texts of the {len(translator.target)} tokens" in without.output
    half = translations.export(translator, repository, "--vocabulary", translator.vocabulary)
    assert half.exit_code == 2
    assert f"--source-vocabulary is required: the texts of the {len(translator.source)} tokens" in half.output
    assert not repository.exists()
