"""What the classification service keeps of a classifier of clips: compiled once from its manifest."""

from collections.abc import Mapping
from dataclasses import dataclass

from podium.v1 import model_manifest_pb2 as pb

from podium_server.class_names import ClassNames
from podium_server.elements import Element
from podium_server.generation.described import ENCODER, FRAME, STEP, describe
from podium_server.generation.step_compiler import compile_step
from podium_server.imaging.decode import ImageLimits
from podium_server.imaging.reader import ImageReader, RowReader, TensorReader
from podium_server.signature import Signature, TensorSpec
from podium_server.video.sampling import check_sampling

MODEL = "model"


@dataclass(frozen=True, slots=True)
class Steps:
    """A network that goes from frame to frame.

    Attributes:
        encodes: whether a graph "encoder" makes a row what a step reads.
    """

    encodes: bool


@dataclass(frozen=True, slots=True)
class Windows:
    """A network that reads so many frames at once.

    Attributes:
        size: frames.
        margin: at either end, if frames have answers of their own; None: the window has one.
    """

    size: int
    margin: int | None


@dataclass(frozen=True, slots=True)
class WholeClips:
    """A network that reads a clip whole, however long it is."""


def check_clip_model(manifest: pb.ModelManifest, signatures: Mapping[str, Signature]) -> None:
    """Raise ValueError where a package for clips makes no classifier of them."""
    ClipModel(manifest, signatures, ImageLimits(1, 1))


class ClipModel:
    """Reads frames for one network, and names what its output says.

    Attributes:
        reader: reads frames into rows.
        names: of classes.
        sampling: which frames of a clip are read.
        look: how the network takes rows.
        per_frame: whether each frame has its label.
    """

    def __init__(self, manifest: pb.ModelManifest, signatures: Mapping[str, Signature], limits: ImageLimits) -> None:
        """Compile a manifest.

        Args:
            manifest: of a package whose task is the classification of clips.
            signatures: of its graphs, by name.
            limits: what one frame's picture may cost.

        Raises:
            ValueError: they make no classifier of clips; the message says what is wrong.
        """
        video = manifest.video
        try:
            check_sampling(video.sampling)
        except ValueError as error:
            raise ValueError(f"video.{error}") from error
        self.sampling = video.sampling
        self.per_frame = video.per_frame
        self.look = _look(manifest, signatures)
        graph, frame = _first(manifest, signatures, self.look)
        self.reader = _reader(manifest, frame, limits)
        self.names = ClassNames(manifest.classification, _scores(graph, self.look, signatures))


def _look(manifest: pb.ModelManifest, signatures: Mapping[str, Signature]) -> Steps | Windows | WholeClips:
    """Find out how the network takes rows."""
    video = manifest.video
    if describe(manifest) is not None:
        compile_step(manifest)
        if video.window or video.margin:
            raise ValueError("video.window: is for the graph 'model'; a step graph reads one frame a step")
        return Steps(ENCODER in signatures)
    if MODEL not in signatures:
        raise ValueError(f"graphs: a classifier of clips has a graph '{MODEL}' or '{STEP}'")
    if not video.window:
        return WholeClips()
    if not video.per_frame:
        if video.sampling.uniform != video.window:
            raise ValueError(f"video.sampling: must be uniform {video.window}, the frames of the window")
        return Windows(video.window, None)
    if 2 * video.margin >= video.window:
        raise ValueError(
            f"video.margin: is {video.margin}; twice as many must be fewer than {video.window}, the window"
        )
    return Windows(video.window, video.margin)


def _first(
    manifest: pb.ModelManifest, signatures: Mapping[str, Signature], look: Steps | Windows | WholeClips
) -> tuple[str, TensorSpec]:
    """Find the graph that gives the scores, and what a row is."""
    if isinstance(look, Steps):
        plan = compile_step(manifest)
        if not look.encodes:
            (spec,) = (spec for spec in signatures[STEP].inputs if spec.name == FRAME)
            return STEP, _without_time(spec)
        encoder = signatures[ENCODER]
        assert plan.frame is not None
        if len(encoder.inputs) != 1 or len(encoder.outputs) != 1:
            raise ValueError(f"graphs: '{ENCODER}' must have one input, the frame, and one output, what a step reads")
        if tuple(encoder.outputs[0].shape[1:]) != plan.frame.shape:
            given, read = list(encoder.outputs[0].shape[1:]), list(plan.frame.shape)
            raise ValueError(f"graphs: '{ENCODER}' gives {given}; '{STEP}' reads {read}")
        return STEP, encoder.inputs[0]
    signature = signatures[MODEL]
    if len(signature.inputs) != 1 or not signature.outputs or signature.uncarried:
        raise ValueError(
            "graphs: a classifier of clips has one input, the frames, and its first output holds the scores"
        )
    spec = signature.inputs[0]
    time = spec.shape[1] if len(spec.shape) > 1 else 0
    if isinstance(time, int) and not (isinstance(look, Windows) and time == look.size):
        raise ValueError(f"video.window: input '{spec.name}' is {list(spec.shape)}; its second axis is time")
    return MODEL, _without_time(spec)


def _without_time(spec: TensorSpec) -> TensorSpec:
    return TensorSpec(spec.name, spec.element, (spec.shape[0], *spec.shape[2:]))


def _reader(manifest: pb.ModelManifest, frame: TensorSpec, limits: ImageLimits) -> RowReader:
    if manifest.HasField("image_preprocessing"):
        try:
            reader = ImageReader(manifest.image_preprocessing, frame.element, limits)
        except ValueError as error:
            raise ValueError(f"image_preprocessing: {error}") from error
        reader.check_fits(frame)
        return reader
    return TensorReader(_fixed(frame), _carried(frame))


def _fixed(frame: TensorSpec) -> tuple[int, ...]:
    lengths = tuple(length for length in frame.shape[1:] if isinstance(length, int))
    if len(lengths) != len(frame.shape) - 1:
        raise ValueError(
            f"graphs: input '{frame.name}': a frame is {list(frame.shape[1:])}; it must have fixed lengths"
        )
    return lengths


def _carried(frame: TensorSpec) -> Element:
    if frame.element.dtype.kind == "O":
        raise ValueError(f"graphs: input '{frame.name}' is of strings, which frames are not")
    return frame.element


def _scores(graph: str, look: Steps | Windows | WholeClips, signatures: Mapping[str, Signature]) -> TensorSpec:
    """What an answer is made of, a row each: (rows, classes)."""
    outputs = {spec.name: spec for spec in signatures[graph].outputs}
    if graph == STEP:
        return outputs["logits"]
    spec = signatures[graph].outputs[0]
    per_frame = isinstance(look, Windows) and look.margin is not None
    if len(spec.shape) != 2 + per_frame:
        wanted = "(batch, time, classes)" if per_frame else "(batch, classes)"
        raise ValueError(f"graphs: output '{spec.name}' is {list(spec.shape)}; it must be {wanted}")
    return _without_time(spec) if per_frame else spec
