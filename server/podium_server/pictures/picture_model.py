"""What the image service keeps of one version: compiled once from its manifest, and refused at load if wrong."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from podium.v1 import model_manifest_pb2 as pb

from podium_server.errors import WrongTask
from podium_server.imaging.decode import ImageLimits
from podium_server.imaging.reader import ImageReader
from podium_server.pictures.graph import PictureGraph, columns
from podium_server.pictures.input_map import InputMap
from podium_server.pictures.latent_space import LatentSpace
from podium_server.pictures.pixel_map import PixelMap
from podium_server.signature import Signature

T = TypeVar("T")

TASKS = (pb.TASK_IMAGE_GENERATION, pb.TASK_IMAGE_RECONSTRUCTION)
_GRAPHS = ({"decoder"}, {"encoder", "decoder"}, {"model"})


def check_picture_model(manifest: pb.ModelManifest, signatures: Mapping[str, Signature]) -> None:
    """Raise ValueError where a package for pictures makes no picture model."""
    PictureModel("", manifest, signatures, ImageLimits(1, 1))


@dataclass(frozen=True, slots=True)
class Intake:
    """How a model takes pictures.

    Attributes:
        graph: the first that sees them.
        reader: reads them into rows of its input.
        input_map: compares those rows with reconstructions.
    """

    graph: PictureGraph
    reader: ImageReader
    input_map: InputMap


class PictureModel:
    """A model that samples, encodes, decodes or reconstructs.

    Attributes:
        name: the model's name, for messages.
        encoder: from pictures to latents; None where there is none.
        decoder: from latents to pictures; None where there is none.
        whole: from pictures to pictures, where the network cannot be cut in two; else None.
        space: the latent space; None of a `whole` one.
        pixel_map: how outputs become pixels.
        intake: what reads pictures; None of models that take none.
    """

    def __init__(
        self, name: str, manifest: pb.ModelManifest, signatures: Mapping[str, Signature], limits: ImageLimits
    ) -> None:
        """Compile a manifest.

        Args:
            name: the model's name.
            manifest: of a package whose task is one of `TASKS`.
            signatures: of its graphs, by name.
            limits: what one picture may cost.

        Raises:
            ValueError: manifest and signatures make no picture model; the message begins with the field.
        """
        if set(signatures) not in _GRAPHS:
            found = ", ".join(sorted(signatures))
            raise ValueError(f"graphs are {found}; they must be decoder, encoder and decoder, or model alone")
        self.name = name
        self.pixel_map = _named("image_output", lambda: PixelMap(manifest.image_output))
        self.encoder = _graph(signatures, "encoder", "image", "mean")
        self.decoder = _graph(signatures, "decoder", "latent", "image")
        self.whole = _whole(signatures)
        if self.whole is not None and self.whole.takes_label:
            raise ValueError("graph 'model' has an input 'label'; only encoders and decoders may have one")
        self._check_output()
        self.space = self._compile_space(manifest)
        if manifest.task == pb.TASK_IMAGE_GENERATION and (self.space is None or not self.space.has_prior):
            raise ValueError("latent_space.parts is empty; a model that generates has a decoder and a prior")
        self.intake = self._compile_intake(manifest, limits)

    @property
    def is_variational(self) -> bool:
        """Whether the encoder gives a variance."""
        return self.encoder is not None and "log_variance" in self.encoder.outputs

    @property
    def abilities(self) -> list[str]:
        """What calls it can answer, as verbs."""
        space, decodes = self.space, self.decoder is not None
        can = [
            ("sample", space is not None and space.has_prior),
            ("encode", self.encoder is not None),
            ("decode", decodes),
            ("reconstruct", self.intake is not None),
            ("interpolate", decodes),
            ("traverse", decodes),
            ("edit", space is not None and bool(space.directions)),
        ]
        return [verb for verb, able in can if able]

    def without(self, lack: str) -> WrongTask:
        """Say what the model lacks for a call, and what it can do instead."""
        *rest, last = self.abilities
        listed = f"{', '.join(rest)} and {last}" if rest else last
        objects = "pictures" if self.intake is not None else "latents"
        return WrongTask(f"model '{self.name}' has {lack}: it can {listed} {objects}")

    def _check_output(self) -> None:
        shape, channels = self._output_shape, self.pixel_map.num_channels
        layout: tuple[int | str, ...] = ("batch", channels, "height", "width")
        if not self.pixel_map.channels_first:
            layout = ("batch", "height", "width", channels)
        if not _may_be(shape, layout):
            raise ValueError(f"the output is {list(shape)}; image_output says that it is {list(layout)}")

    @property
    def _output_shape(self) -> tuple[int | str | None, ...]:
        graph = self.decoder or self.whole
        assert graph is not None, "each of the allowed sets of graphs has one of them"
        return graph.outputs[graph.drawn].shape

    def _compile_space(self, manifest: pb.ModelManifest) -> LatentSpace | None:
        if self.decoder is None:
            return None
        size = self._latent_size(self.decoder)
        takes_label = self.decoder.takes_label or (self.encoder is not None and self.encoder.takes_label)
        space = _named("latent_space", lambda: LatentSpace(manifest.latent_space, size, takes_label=takes_label))
        if self.is_variational and (not space.has_prior or any(part.kind == "uniform" for part in space.prior.parts)):
            raise ValueError("latent_space.parts: those of an encoder with a variance must be normal or one-hot")
        return space

    def _latent_size(self, decoder: PictureGraph) -> int | None:
        """The number of dimensions, on which both graphs must agree; None where they leave it open."""
        specs = [(decoder, decoder.data)]
        if self.encoder is not None:
            named = (self.encoder.outputs.get(name) for name in ("mean", "log_variance"))
            specs += [(self.encoder, spec) for spec in named if spec is not None]
        lengths = {spec.name: columns(graph, spec) for graph, spec in specs}
        known = {length for length in lengths.values() if length is not None}
        if len(known) > 1:
            raise ValueError(f"graphs differ in the number of dimensions of a latent: {lengths}")
        return known.pop() if known else None

    def _compile_intake(self, manifest: pb.ModelManifest, limits: ImageLimits) -> Intake | None:
        graph, spec = self.encoder or self.whole, manifest.image_preprocessing
        if graph is None:
            return None
        reader = _named("image_preprocessing", lambda: ImageReader(spec, graph.data.element, limits))
        reader.check_fits(graph.data)
        if not _may_be(self._output_shape, ("batch", *reader.shape)):
            raise ValueError(f"the output is {list(self._output_shape)}, and pictures come as {list(reader.shape)}")
        return Intake(graph, reader, InputMap(spec, self.pixel_map))


def _whole(signatures: Mapping[str, Signature]) -> PictureGraph | None:
    """The graph of a network in one piece, whose output has any name: "image" is that of its input."""
    if "model" not in signatures:
        return None
    outputs = signatures["model"].outputs
    if len(outputs) != 1:
        raise ValueError(f"graph 'model' has {len(outputs)} outputs; it must have one, the picture")
    return PictureGraph("model", signatures["model"], "image", outputs[0].name)


def _graph(signatures: Mapping[str, Signature], name: str, data: str, output: str) -> PictureGraph | None:
    return PictureGraph(name, signatures[name], data, output) if name in signatures else None


def _may_be(shape: tuple[int | str | None, ...], wanted: tuple[int | str, ...]) -> bool:
    """Whether a tensor's shape allows a wanted one; names of axes stand for any length."""
    return len(shape) == len(wanted) and all(
        not isinstance(n, int) or not isinstance(w, int) or n == w for n, w in zip(shape, wanted, strict=True)
    )


def _named(field: str, compile_field: Callable[[], T]) -> T:
    """Compile a field of the manifest; its errors begin with the field's name."""
    try:
        return compile_field()
    except ValueError as error:
        raise ValueError(f"{field}: {error}") from error
