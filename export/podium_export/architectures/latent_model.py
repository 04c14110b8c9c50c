"""What the bundled networks with a latent space have in common: an encoder graph, a decoder graph, their manifest."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from podium.v1 import image_pb2
from podium.v1 import model_manifest_pb2 as pb
from torch import Tensor, nn

from podium_export.architecture import Blueprint, ConfigValue, GraphBlueprint, InputSpec, Tolerance
from podium_export.errors import CheckpointError

# Beside 256 levels of a pixel, a fortieth of one: at latents of ±1000 a sigmoid's argument cancels from hundreds.
PICTURE_TOLERANCE = Tolerance(absolute=1e-4)


@dataclass(frozen=True, slots=True)
class Pictures:
    """The pictures that a network reads and draws: square, channels first.

    Attributes:
        channels: 1 (grey) or 3 (red, green, blue).
        side: height and width in pixels.
        low: the network's number for black.
        high: its number for white.
    """

    channels: int
    side: int
    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        if self.channels not in (1, 3):
            raise CheckpointError(
                f"these weights draw pictures of {self.channels} channels: it must be 1 (grey) or 3 (red, green, blue)"
            )

    @property
    def shape(self) -> tuple[int | str, ...]:
        """The shape of a batch."""
        return ("batch", self.channels, self.side, self.side)

    @property
    def color_mode(self) -> "image_pb2.ColorMode":
        """The channels in the manifest's words."""
        return image_pb2.COLOR_MODE_GRAY if self.channels == 1 else image_pb2.COLOR_MODE_RGB

    @property
    def preprocessing(self) -> image_pb2.ImagePreprocessing:
        """From a picture of any size to low ... high: input = (pixel / 255 - mean) / std."""
        spread = self.high - self.low
        plain = (self.low, self.high) == (0.0, 1.0)
        return image_pb2.ImagePreprocessing(
            height=self.side,
            width=self.side,
            color_mode=self.color_mode,
            resize_mode=image_pb2.RESIZE_MODE_STRETCH,
            interpolation=image_pb2.INTERPOLATION_BILINEAR,
            rescale=1 / 255,
            mean=[] if plain else [-self.low / spread] * self.channels,
            std=[] if plain else [1 / spread] * self.channels,
            layout=image_pb2.IMAGE_LAYOUT_NCHW,
        )

    @property
    def output(self) -> pb.ImageOutput:
        """From the decoder's numbers to pixels."""
        return pb.ImageOutput(
            low=self.low, high=self.high, color_mode=self.color_mode, layout=image_pb2.IMAGE_LAYOUT_NCHW
        )


class Method(nn.Module):
    """One method of a network as a network of its own, to be traced."""

    def __init__(self, network: nn.Module, method: Callable[..., Tensor | tuple[Tensor, ...]]) -> None:
        super().__init__()
        self.network = network
        self.method = method

    def forward(self, data: Tensor, label_B: Tensor | None = None) -> Tensor | tuple[Tensor, ...]:
        """Call the method with pictures or latents, and with classes where it takes them."""
        return self.method(data) if label_B is None else self.method(data, label_B)


def normal(size: int) -> pb.LatentPart:
    """Say that some dimensions are standard normal."""
    return pb.LatentPart(size=size, normal=pb.NormalPrior())


def uniform(size: int, low: float, high: float) -> pb.LatentPart:
    """Say that some dimensions are uniform in [low, high)."""
    return pb.LatentPart(size=size, uniform=pb.UniformPrior(low=low, high=high))


def one_hot(size: int) -> pb.LatentPart:
    """Say that one of some dimensions is 1 and the others 0."""
    return pb.LatentPart(size=size, one_hot=pb.OneHotPrior())


def encoder_graph(module: nn.Module, pictures: Pictures, *, variational: bool, num_labels: int = 0) -> GraphBlueprint:
    """Describe the graph "encoder".

    Args:
        module: maps `image`, and `label` if conditional, to the mean, or to mean and log variance.
        pictures: what it reads.
        variational: whether it gives a log variance.
        num_labels: the classes of a conditional network's input `label`; 0: it has none.
    """
    image = InputSpec("image", "float32", pictures.shape, pictures.low, pictures.high)
    outputs = ("mean", "log_variance") if variational else ("mean",)
    return GraphBlueprint(module, (image, *_label(num_labels)), outputs, name="encoder")


def decoder_graph(
    module: nn.Module, size: int, *, num_labels: int = 0, low: float | None = None, high: float | None = None
) -> GraphBlueprint:
    """Describe the graph "decoder".

    Args:
        module: maps `latent` (batch, size), and `label` if conditional, to `image`.
        size: the dimensions of a latent.
        num_labels: the classes of a conditional network's input `label`; 0: it has none.
        low: the bounds of a uniform prior.
        high: the same.
    """
    latent = InputSpec("latent", "float32", ("batch", size), low, high)
    return GraphBlueprint(module, (latent, *_label(num_labels)), ("image",), name="decoder")


def latent_model(
    graphs: Sequence[GraphBlueprint],
    pictures: Pictures,
    *,
    parts: Sequence[pb.LatentPart],
    description: str,
    config: Mapping[str, ConfigValue],
    class_names: Sequence[str] = (),
) -> Blueprint:
    """Describe a network with a latent space.

    Args:
        graphs: the encoder, if there is one, and the decoder.
        pictures: what it reads and draws.
        parts: the latent's prior; empty for an autoencoder without one, which reconstructs and does not generate.
        description: a sentence for people.
        config: the network's hyper-parameters.
        class_names: one a class of a conditional network.
    """
    return Blueprint(
        graphs=tuple(graphs),
        task=pb.TASK_IMAGE_GENERATION if parts else pb.TASK_IMAGE_RECONSTRUCTION,
        description=description,
        config=config,
        image_preprocessing=pictures.preprocessing if graphs[0].name == "encoder" else None,
        latent_space=pb.LatentSpace(parts=parts, class_names=class_names),
        image_output=pictures.output,
        tolerance=PICTURE_TOLERANCE,
    )


def _label(num_labels: int) -> tuple[InputSpec, ...]:
    return (InputSpec("label", "int64", ("batch",), 0, num_labels - 1),) if num_labels else ()
