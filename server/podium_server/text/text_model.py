"""What the text services keep of one version: compiled from its manifest, and refused at load if wrong."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from podium.v1 import model_manifest_pb2 as pb

from podium_server.errors import InvalidArgument
from podium_server.generation.described import ENCODER, STEP
from podium_server.imaging.decode import ImageLimits
from podium_server.imaging.reader import ImageReader
from podium_server.signature import Signature
from podium_server.text.choices import Defaults, Wanted, check_decoding, choose
from podium_server.text.sequence_text import SequenceText
from podium_server.text.source_reader import SourceReader
from podium_server.text.start_rows import StartRows
from podium_server.text.stops import StopTexts
from podium_server.text.tokenizer import Tokenizer

T = TypeVar("T")

_GRAPHS: Mapping[int, set[str]] = {
    int(pb.TASK_TEXT_GENERATION): {STEP},
    int(pb.TASK_IMAGE_CAPTIONING): {ENCODER, STEP},
    int(pb.TASK_TRANSLATION): {ENCODER, STEP},
}


class TextModel:
    """A model that writes.

    Attributes:
        tokenizer: of what it writes, and of prompts.
        source: how it reads texts to translate; None of other models.
        reader: how it reads pictures; None of other models.
        start_rows: what its encoder says to a sequence.
        defaults: what requests leave open.
        max_tokens: the most tokens of a sequence, those of its prompt included; None: any number.
    """

    def __init__(
        self, manifest: pb.ModelManifest, signatures: Mapping[str, Signature], folder: Path, limits: ImageLimits
    ) -> None:
        """Compile a manifest.

        Args:
            manifest: of a package whose task is text generation, image captioning or translation.
            signatures: of its graphs, by name.
            folder: the version folder.
            limits: what one picture may cost.

        Raises:
            ValueError: manifest and signatures make no model that writes; the message begins with the field.
        """
        if set(signatures) != _GRAPHS[int(manifest.task)]:
            wanted = " and ".join(sorted(_GRAPHS[int(manifest.task)]))
            raise ValueError(f"graphs are {', '.join(sorted(signatures))}; they must be {wanted}")
        generation, files = manifest.generation, {entry.name for entry in manifest.files}
        tokenizer = generation.tokenizer
        self.tokenizer = _named("generation.tokenizer", lambda: Tokenizer(tokenizer, folder, files))
        _check_ids(generation, self.tokenizer, _vocabulary_size(signatures[STEP]))
        self._end_ids = frozenset(generation.end_ids)
        self.max_tokens = generation.max_tokens or None
        self.start_rows = StartRows(generation, signatures[STEP], signatures.get(ENCODER))
        self.source = self.reader = None
        if manifest.task == pb.TASK_TRANSLATION:
            self.source = _source_reader(generation, signatures[ENCODER], folder, files)
        elif manifest.task == pb.TASK_IMAGE_CAPTIONING:
            self.reader = _image_reader(manifest, signatures[ENCODER], limits)
        if self.max_tokens is not None and self.max_tokens <= len(self.tokenizer.start_ids):
            raise ValueError(f"generation.max_tokens is {self.max_tokens}; it leaves no room after start_ids")
        if manifest.task != pb.TASK_TEXT_GENERATION and not self.tokenizer.start_ids:
            raise ValueError("generation.tokenizer.start_ids is empty; what an encoder begins needs a first token")
        usual_temperature = 1.0 if manifest.task == pb.TASK_TEXT_GENERATION else 0.0
        self.defaults = Defaults(generation.defaults, usual_temperature)
        _check_defaults(self.defaults)

    def begin_text(self, stops: StopTexts | None) -> SequenceText:
        """Begin the text of a sequence, of which ends are no part."""
        return SequenceText(self.tokenizer.writer(self._end_ids), stops)


def _vocabulary_size(step: Signature) -> int:
    """The number of tokens that the step graph gives logits for."""
    shapes = [spec.shape for spec in step.outputs if spec.name == "logits"]
    if not shapes or not shapes[0] or not isinstance(shapes[0][-1], int):
        raise ValueError("graph 'step' must have the output 'logits' (batch, vocabulary), its last length fixed")
    return shapes[0][-1]


def _check_ids(generation: pb.Generation, tokenizer: Tokenizer, vocabulary_size: int) -> None:
    """Refuse ids that no logit or no text belongs to."""
    if tokenizer.size > vocabulary_size:
        raise ValueError(
            f"generation.tokenizer has {tokenizer.size} tokens; graph 'step' gives logits for {vocabulary_size}"
        )
    for field in ("end_ids", "suppressed_ids"):
        for token_id in getattr(generation, field):
            if token_id >= vocabulary_size:
                raise ValueError(f"generation.{field} has {token_id}; ids are 0 … {vocabulary_size - 1}")
    silent = {*generation.suppressed_ids, *generation.end_ids}
    bare = [token_id for token_id in range(tokenizer.size, vocabulary_size) if token_id not in silent]
    if bare:
        raise ValueError(
            f"generation.tokenizer has {tokenizer.size} tokens; graph 'step' may choose {bare[0]}, which has no text: "
            "the others must be in generation.suppressed_ids"
        )
    if not len(set(generation.suppressed_ids)) < vocabulary_size:
        raise ValueError("generation.suppressed_ids has every id; at least one must be left to write")


def _source_reader(generation: pb.Generation, encoder: Signature, folder: Path, files: set[str]) -> SourceReader:
    spec = generation.source_tokenizer
    tokenizer = _named("generation.source_tokenizer", lambda: Tokenizer(spec, folder, files))
    return SourceReader(tokenizer, encoder, generation.max_source_tokens or None)


def _image_reader(manifest: pb.ModelManifest, encoder: Signature, limits: ImageLimits) -> ImageReader:
    if [spec.name for spec in encoder.inputs] != ["image"]:
        names = ", ".join(repr(spec.name) for spec in encoder.inputs)
        raise ValueError(f"graph 'encoder' has the inputs {names}; that of a captioner has 'image' alone")
    image = encoder.inputs[0]
    reader = _named("image_preprocessing", lambda: ImageReader(manifest.image_preprocessing, image.element, limits))
    reader.check_fits(image)
    return reader


def _check_defaults(defaults: Defaults) -> None:
    """Refuse defaults that a request which leaves everything open could not be answered with."""
    try:
        check_decoding(defaults.decoding, "generation.defaults")
        alone = defaults.decoding, Defaults(type(defaults.decoding)(), defaults.temperature)
        choose(*alone, Wanted("", 1, ranked=False), defaults.decoding.max_tokens or 1)
    except InvalidArgument as error:
        raise ValueError(str(error).replace("decoding.", "generation.defaults.", 1)) from error


def _named(field: str, compile_field: Callable[[], T]) -> T:
    """Compile a field of the manifest; its errors begin with the field's name."""
    try:
        return compile_field()
    except ValueError as error:
        raise ValueError(f"{field}: {error}") from error
