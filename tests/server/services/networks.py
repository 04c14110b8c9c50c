"""Small real networks that write: an Elman network of random weights, with or without an encoder, and its formulas.

Shapes: B batch, T tokens, S tokens of a source, H hidden, V vocabulary.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper
from podium.v1 import decoding_pb2, image_pb2, tensor_pb2
from podium.v1 import model_manifest_pb2 as pb

from tests.server.packages import seal
from tests.server.pictures.models import EXACT, Graph

F32, I64, H = TensorProto.FLOAT, TensorProto.INT64, 16
Array = NDArray[Any]

LETTERS = "abcdefgh .\n\N{LATIN SMALL LETTER E WITH ACUTE}\N{CJK UNIFIED IDEOGRAPH-4F60}\N{GRINNING FACE}"
WORDS = ("<pad>", "<s>", "</s>", "a", "cat", "dog", "sits", "on", "the", "mat")
SOURCE_WORDS = ("<pad>", "</s>", "eine", "katze", "hund", "sitzt", "auf", "der", "matte", "<unk>")


class Weights:
    """Weights of a step network: next_h = tanh(E[token] + W h), logits = [h; context] U.

    Args:
        seed: makes them.
        vocabulary_size: V.
        num_read: tokens that are read, V unless it is a source's.
    """

    def __init__(self, seed: int, vocabulary_size: int, num_read: int | None = None, width: int = H) -> None:
        random = np.random.default_rng(seed)
        self.embedding = _normal(random, num_read or vocabulary_size, H)
        self.recurrent = _normal(random, H, H) / 2
        self.readout = _normal(random, width, vocabulary_size)

    def read(self, tokens: Array, h: Array) -> Array:
        """The states after each token: (B, T, H)."""
        states: list[Array] = []
        for token in tokens.T:
            h = np.tanh(self.embedding[token] + h @ self.recurrent.T)
            states.append(h)
        return np.stack(states, axis=1)

    def tensors(self) -> dict[str, Array]:
        """The constants of `read_nodes`."""
        return {
            "embedding": self.embedding,
            "w": np.eye(H, dtype=np.float32)[None],
            "r": self.recurrent[None],
            "u": self.readout,
            "zero": np.array([0]),
        }


def _normal(random: np.random.Generator, *shape: int) -> NDArray[np.float32]:
    return random.standard_normal(shape).astype(np.float32)


def read_nodes(tokens: str, last: str, first: str = "", lengths: str = "", every: str = "every") -> list[NodeProto]:
    """Read tokens (B, T): `last` (B, H), and `every` (T, 1, B, H)."""
    nodes = [
        helper.make_node("Gather", ["embedding", tokens], ["x"]),
        helper.make_node("Transpose", ["x"], ["x_time"], perm=[1, 0, 2]),
    ]
    given = ["x_time", "w", "r", "", "", ""]
    if lengths:
        nodes.append(helper.make_node("Cast", [lengths], ["lengths32"], to=TensorProto.INT32))
        given[4] = "lengths32"
    if first:
        nodes.append(helper.make_node("Unsqueeze", [first, "zero"], ["h0"]))
        given[5] = "h0"
    return [
        *nodes,
        helper.make_node("RNN", given, [every, "h1"], hidden_size=H),
        helper.make_node("Squeeze", ["h1", "zero"], [last]),
    ]


def step(weights: Weights) -> Graph:
    """The step graph of a network with one state."""
    nodes = [*read_nodes("token", "next_h", "h"), helper.make_node("MatMul", ["next_h", "u"], ["logits"])]
    size = weights.readout.shape[1]
    token, h = np.array([[1, 2], [0, 1]]), np.full((2, H), 0.25, np.float32)
    after = weights.read(token, h)[:, -1]
    return Graph(
        nodes,
        {"token": (("batch", "time"), I64), "h": (("batch", H), F32)},
        {"logits": (("batch", size), F32), "next_h": (("batch", H), F32)},
        {"token": token, "h": h, "logits": after @ weights.readout, "next_h": after},
        weights.tensors(),
    )


def attending_step(weights: Weights, *, masked: bool = True) -> Graph:
    """The step graph of a network that attends to a source's memory; unmasked, it attends to padding too."""
    nodes = [
        *read_nodes("token", "next_h", "h"),
        helper.make_node("Unsqueeze", ["next_h", "two"], ["query"]),
        helper.make_node("MatMul", ["memory", "query"], ["scores3"]),
        helper.make_node("Squeeze", ["scores3", "two"], ["scores"]),
        helper.make_node("Where", ["mask", "scores", "low"], ["kept"]),
        helper.make_node("Softmax", ["kept" if masked else "scores"], ["part"], axis=1),
        helper.make_node("Unsqueeze", ["part", "one"], ["part3"]),
        helper.make_node("MatMul", ["part3", "memory"], ["read3"]),
        helper.make_node("Squeeze", ["read3", "one"], ["read"]),
        helper.make_node("Concat", ["next_h", "read"], ["both"], axis=1),
        helper.make_node("MatMul", ["both", "u"], ["logits"]),
    ]
    size = weights.readout.shape[1]
    random = np.random.default_rng(3)
    token, h = np.array([[1], [1]]), _normal(random, 2, H)
    memory, mask = _normal(random, 2, 3, H), np.array([[True] * 3, [True, True, not masked]])
    after = weights.read(token, h)[:, -1]
    scores = np.where(mask, (memory @ after[:, :, None])[:, :, 0], -1e9)
    part = np.exp(scores - scores.max(1, keepdims=True))
    part /= part.sum(1, keepdims=True)
    logits = np.concatenate([after, (part[:, None] @ memory)[:, 0]], axis=1) @ weights.readout
    return Graph(
        nodes,
        {
            "token": (("batch", "time"), I64),
            "h": (("batch", H), F32),
            "memory": (("batch", "source_time", H), F32),
            "mask": (("batch", "source_time"), TensorProto.BOOL),
        },
        {"logits": (("batch", size), F32), "next_h": (("batch", H), F32)},
        {"token": token, "h": h, "memory": memory, "mask": mask, "logits": logits, "next_h": after},
        {**weights.tensors(), "one": np.array([1]), "two": np.array([2]), "low": np.array(-1e9, np.float32)},
    )


def source_encoder(weights: Weights, *, by_length: bool = True) -> Graph:
    """Read a source up to its length, or padding and all."""
    nodes = [
        *read_nodes("source", "summary", lengths="source_length" if by_length else ""),
        helper.make_node("Squeeze", ["every", "one"], ["in_time"]),
        helper.make_node("Transpose", ["in_time"], ["memory"], perm=[1, 0, 2]),
        helper.make_node("Shape", ["source"], ["width"], start=1, end=2),
        helper.make_node("Squeeze", ["width", "zero"], ["width0"]),
        helper.make_node("Range", ["zero0", "width0", "one0"], ["places"]),
        helper.make_node("Unsqueeze", ["source_length", "one"], ["ends"]),
        helper.make_node("Less", ["places", "ends"], ["mask"]),
    ]
    source, length = np.array([[2, 3, 1], [4, 1, 0]]), np.array([3, 2])
    memory = weights.read(source, np.zeros((2, H), np.float32))
    summary = np.stack([memory[0, 2], memory[1, 1 if by_length else 2]])
    mask = np.arange(3) < length[:, None]
    if by_length:
        memory = memory * mask[:, :, None]  # the operator gives zeros beyond the end
    # A mask, an integer Range and constants of rank 0 stay in one element type.
    constants = {**weights.tensors(), "one": np.array([1]), "zero0": np.array(0), "one0": np.array(1)}
    return Graph(
        nodes,
        {"source": (("batch", "source_time"), I64), "source_length": (("batch",), I64)},
        {
            "summary": (("batch", H), F32),
            "memory": (("batch", "source_time", H), F32),
            "mask": (("batch", "source_time"), TensorProto.BOOL),
        },
        {
            "source": source,
            "source_length": length,
            "summary": summary,
            "memory": memory.astype(np.float32),
            "mask": mask,
        },
        constants,
    )


def pixel_weights() -> Array:
    """What `image_encoder` makes of four pixels: (4, H)."""
    return _normal(np.random.default_rng(11), 4, H)


def image_encoder() -> Graph:
    """Look at a picture of 2×2 grey pixels: h = tanh(pixels P)."""
    p = pixel_weights()
    nodes = [
        helper.make_node("Flatten", ["image"], ["flat"]),
        helper.make_node("MatMul", ["flat", "p"], ["a"]),
        helper.make_node("Tanh", ["a"], ["seen"]),
    ]
    image = np.random.default_rng(12).random((3, 1, 2, 2)).astype(np.float32)
    seen = np.tanh(image.reshape(3, 4) @ p)
    outputs = {"seen": (("batch", H), F32)}
    return Graph(nodes, {"image": (("batch", 1, 2, 2), F32)}, outputs, {"image": image, "seen": seen}, {"p": p})


def characters(letters: str = LETTERS) -> pb.Tokenizer:
    """A token a character."""
    return pb.Tokenizer(vocabulary=pb.Vocabulary(tokens=list(letters), unit=pb.TEXT_UNIT_CHARACTER))


def words() -> pb.Tokenizer:
    """A token a word, with a start."""
    vocabulary = pb.Vocabulary(tokens=WORDS, unit=pb.TEXT_UNIT_WORD)
    return pb.Tokenizer(vocabulary=vocabulary, start_ids=[1], special_ids=[0, 1, 2])


def source_words() -> pb.Tokenizer:
    """A token a word, with an end and an unknown one."""
    vocabulary = pb.Vocabulary(tokens=SOURCE_WORDS, unit=pb.TEXT_UNIT_WORD, lowercase=True, unknown_id=9)
    return pb.Tokenizer(vocabulary=vocabulary, end_ids=[1], special_ids=[0, 1])


def zero_state() -> pb.StepState:
    """The state, which begins as zeros."""
    return pb.StepState(input="h", output="next_h")


def encoded_state(output: str) -> pb.StepState:
    """The state, which begins as the encoder says."""
    return pb.StepState(input="h", output="next_h", encoder_output=output)


def write_text_model(folder: Path, generation: pb.Generation, weights: Weights) -> None:
    """Write a model that continues texts."""
    write(folder, pb.TASK_TEXT_GENERATION, {"step": step(weights)}, generation=generation)


def write_letters(folder: Path, **generation: Any) -> None:
    """Write a character model without a start."""
    fields: dict[str, Any] = {"tokenizer": characters(), "states": [zero_state()]}
    write_text_model(folder, pb.Generation(**(fields | generation)), Weights(1, len(LETTERS)))


def write_bytes(folder: Path) -> None:
    """Write a model of bytes, with a start."""
    tokenizer = pb.Tokenizer(bytes=pb.ByteTokens(offset=2), start_ids=[1], special_ids=[0, 1])
    generation = pb.Generation(tokenizer=tokenizer, states=[zero_state()], suppressed_ids=[0, 1])
    write_text_model(folder, generation, Weights(2, 258))


def write_words(folder: Path) -> None:
    """Write a model of words, which ends its texts."""
    generation = pb.Generation(tokenizer=words(), states=[zero_state()], end_ids=[2], suppressed_ids=[0, 1])
    write_text_model(folder, generation, Weights(4, len(WORDS)))


def write_captioner(folder: Path, **manifest: Any) -> None:
    """Write a captioner."""
    generation = pb.Generation(
        tokenizer=words(), states=[encoded_state("seen")], end_ids=[2], suppressed_ids=[0, 1], max_tokens=20
    )
    graphs = {"encoder": image_encoder(), "step": step(Weights(5, len(WORDS)))}
    fields: dict[str, Any] = {"generation": generation, "image_preprocessing": EXACT}
    write(folder, pb.TASK_IMAGE_CAPTIONING, graphs, **(fields | manifest))


def translation(**changes: Any) -> pb.Generation:
    """How the translator writes."""
    fields: dict[str, Any] = {
        "tokenizer": words(),
        "source_tokenizer": source_words(),
        "states": [encoded_state("summary")],
        "contexts": [
            pb.StepContext(input="memory", encoder_output="memory"),
            pb.StepContext(input="mask", encoder_output="mask"),
        ],
        "end_ids": [2],
        "suppressed_ids": [0, 1],
        "max_tokens": 30,
        "max_source_tokens": 40,
        "defaults": decoding_pb2.Decoding(max_tokens=12),
    }
    return pb.Generation(**(fields | changes))


def write_translator(
    folder: Path, *, masked: bool = True, by_length: bool = True, generation: pb.Generation | None = None
) -> None:
    """Write a translator; unmasked or not by length, padding changes its answers."""
    graphs = {
        "encoder": source_encoder(Weights(6, 1, len(SOURCE_WORDS)), by_length=by_length),
        "step": attending_step(Weights(7, len(WORDS), width=2 * H), masked=masked),
    }
    write(folder, pb.TASK_TRANSLATION, graphs, generation=generation or translation())


def write(folder: Path, task: pb.Task, graphs: Mapping[str, Graph], **manifest: Any) -> None:
    """Write a version folder."""
    folder.mkdir(parents=True, exist_ok=True)
    golden: dict[str, Array] = {}
    for name, graph in graphs.items():
        (folder / f"{name}.onnx").write_bytes(graph.bytes)
        for tensor, values in graph.golden.items():
            side = "inputs" if tensor in graph.inputs else "outputs"
            golden[f"0/{name}/{side}/{tensor}"] = values
    np.savez_compressed(folder / "golden.npz", allow_pickle=False, **golden)
    seal(folder, task=task, graphs=[graph.entry(name) for name, graph in graphs.items()], **manifest)


def picture(*values: float) -> image_pb2.Image:
    """A picture of 2×2 pixels as the network's own numbers."""
    data = np.array(values, "<f4").tobytes()
    fp32 = tensor_pb2.ELEMENT_TYPE_FLOAT32
    return image_pb2.Image(tensor=tensor_pb2.Tensor(element_type=fp32, shape=[1, 2, 2], data=data))


def greedy(weights: Weights, prompt: Sequence[int], length: int, h: Array | None = None) -> list[int]:
    """The most probable tokens one after another, of a network without attention."""
    state = np.zeros((1, H), np.float32) if h is None else h
    ids = list(prompt)
    state = weights.read(np.array([ids]), state)[:, -1]
    for _ in range(length):
        ids.append(int(np.argmax(state @ weights.readout)))
        state = weights.read(np.array([[ids[-1]]]), state)[:, -1]
    return ids[len(prompt) :]
