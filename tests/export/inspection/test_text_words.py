"""What is said of a package that writes."""

from podium.v1 import model_manifest_pb2 as pb
from podium.v1 import tensor_pb2
from podium_export.inspection.text_words import text_facts


def _manifest(tokenizer: pb.Tokenizer, task: pb.Task = pb.TASK_TEXT_GENERATION) -> pb.ModelManifest:
    return pb.ModelManifest(task=task, generation=pb.Generation(tokenizer=tokenizer))


def test_tokens_states_and_decoding_are_told() -> None:
    """Which tokens there are, which are special, what is remembered from step to step, and what a request may leave."""
    vocabulary = pb.Vocabulary(tokens=["", "</s>", " ", "\n", "a"], unit=pb.TEXT_UNIT_CHARACTER, unknown_id=2)
    manifest = _manifest(pb.Tokenizer(vocabulary=vocabulary, start_ids=[1]))
    generation = manifest.generation
    generation.end_ids.append(1)
    generation.suppressed_ids.append(0)
    generation.states.add(input="h", output="next_h")
    generation.states.add(input="c", output="next_c", values=tensor_pb2.Tensor())
    generation.contexts.add(input="memory", encoder_output="memory")
    generation.defaults.temperature = 0.5
    generation.defaults.stop.append("\n\n")
    assert list(text_facts(manifest)) == [
        ("vocabulary", r"characters '</s>' ' ' '\n' 'a'; others are ' '"),
        ("starts with", "id 1 ('</s>')"),
        ("ends with", "id 1 ('</s>')"),
        ("never written", "id 0"),
        ("states", "h: at first zeros"),
        ("states", "c: at first learned"),
        ("context", "memory: the encoder's memory"),
        ("decoding", r"temperature 0.5, max tokens 256, stop at '\n\n'"),
    ]


def test_long_vocabularies_are_cut() -> None:
    """Twenty tokens and their number."""
    words = [f"w{n}" for n in range(5000)]
    tokenizer = pb.Tokenizer(vocabulary=pb.Vocabulary(tokens=words, unit=pb.TEXT_UNIT_WORD, lowercase=True))
    said = dict(text_facts(_manifest(tokenizer)))["vocabulary"]
    assert said.startswith("words 'w0' 'w1' ")
    assert said.endswith("'w19' … 5,000 in all; made lower-case")


def test_bytes_and_files_are_named() -> None:
    """Captions are greedy unless told otherwise."""
    facts = dict(text_facts(_manifest(pb.Tokenizer(bytes=pb.ByteTokens(offset=3)), pb.TASK_IMAGE_CAPTIONING)))
    assert facts["vocabulary"] == "the bytes of UTF-8, ids from 3"
    assert facts["decoding"] == "temperature 0, max tokens 256"
    file = pb.Tokenizer(hugging_face=pb.HuggingFaceTokenizer(file="tokenizer.json"))
    assert dict(text_facts(_manifest(file)))["vocabulary"] == "a tokenizer of Hugging Face, tokenizer.json"


def test_other_packages_have_no_texts() -> None:
    """Nothing is said."""
    assert list(text_facts(pb.ModelManifest())) == []
