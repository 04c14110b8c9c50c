"""What export must know of a network beside its weights: the seam between architectures and the export.

An `Architecture` builds the network that a checkpoint belongs to and describes it with a `Blueprint`.
A blueprint may hold several graphs, each with several inputs and outputs, and any number of dynamic axes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from podium.v1 import image_pb2, model_manifest_pb2

from podium_export.flags import given_flags

if TYPE_CHECKING:
    from torch import Tensor, nn

ConfigValue = str | int | float | bool | list[int] | list[float] | list[str] | None
"""What a hyper-parameter may be: whatever JSON holds."""


@dataclass(frozen=True, slots=True)
class InputSpec:
    """One input of a graph.

    Attributes:
        name: its name in the ONNX graph, and the parameter's place in `forward` by order.
        element_type: numpy's name of the type of its elements, such as "float32" or "int64".
        shape: its axes, outermost first: an int is a fixed length, a str names a dynamic axis. The name of
            the graph's batch axis marks where the batch is; the same name has the same length everywhere.
        low: the least value that an element may have; None: no bound (0 for integers).
        high: the greatest value that an element may have, itself included; None: no bound (1 for integers).
    """

    name: str
    element_type: str
    shape: tuple[int | str, ...]
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """One output of a graph, where its name alone does not say enough.

    Attributes:
        name: its name in the ONNX graph.
        shape: its axes as in `InputSpec`; None: read from the traced graph.
    """

    name: str
    shape: tuple[int | str, ...] | None = None


@dataclass(frozen=True, slots=True)
class GraphBlueprint:
    """One ONNX file of a package.

    Attributes:
        module: what is traced; `forward` takes the inputs in order and returns a tensor or a tuple of them.
        inputs: its inputs in the order of `forward`.
        outputs: its outputs in the order that `forward` returns them; a str where the name says enough.
        name: its role and its file's name: "model", or "encoder", "decoder", "step".
        batch_axis: the name of the axis that requests are batched along; empty: never batched.
        lengths: the lengths that a dynamic axis is tried at, where the usual ones (batch 1, 3, 8; others 5,
            11, 1) do not suit the network.
    """

    module: "nn.Module"
    inputs: tuple[InputSpec, ...]
    outputs: tuple[str | OutputSpec, ...]
    name: str = "model"
    batch_axis: str = "batch"
    lengths: Mapping[str, tuple[int, ...]] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far the written graph may be from the network: |a − b| <= absolute · max(1, m) + relative · |b|.

    Here b is an element of the network's output and m the largest magnitude in that output: an element that
    cancels to nearly 0 carries the rounding of the large ones that it was made of.

    Attributes:
        absolute: 0 or more.
        relative: 0 or more.
    """

    absolute: float = 1e-5
    relative: float = 1e-4


@dataclass(frozen=True, slots=True)
class Blueprint:
    """Everything that export needs to know beside the weights.

    Attributes:
        graphs: one or more graphs with distinct names.
        task: what the model is for.
        description: one or two sentences for people; `--description` replaces it.
        config: the network's hyper-parameters, kept as provenance.
        image_preprocessing: from a picture to the first input, for tasks that take pictures.
        score_kind: what a classifier's numbers mean; required for classifiers.
        labels: a classifier's class names in order; empty: only an index is known. `--labels` replaces them.
        latent_space: what the graph "decoder" reads, where there is one.
        image_output: how an output that is a picture becomes pixels, for tasks that give pictures.
        generation: how the graph "step" writes, for tasks that give text.
        forecasting: how series are taken and given, for models that forecast.
        video: how frames are taken, for tasks that take clips.
        with_series: describes such a model anew, once it is known what is measured and when; `--series` does.
        files: further files of the package by name, such as a tokenizer's.
        tolerance: how far the graph may be from the network.
    """

    graphs: tuple[GraphBlueprint, ...]
    task: "model_manifest_pb2.Task"
    description: str = ""
    config: Mapping[str, ConfigValue] = field(default_factory=lambda: MappingProxyType({}))
    image_preprocessing: image_pb2.ImagePreprocessing | None = None
    score_kind: "model_manifest_pb2.ScoreKind" = model_manifest_pb2.SCORE_KIND_UNSPECIFIED
    labels: tuple[str, ...] = ()
    latent_space: model_manifest_pb2.LatentSpace | None = None
    image_output: model_manifest_pb2.ImageOutput | None = None
    generation: model_manifest_pb2.Generation | None = None
    forecasting: model_manifest_pb2.Forecasting | None = None
    video: model_manifest_pb2.Video | None = None
    with_series: "Callable[[model_manifest_pb2.Forecasting], Blueprint] | None" = None
    files: Mapping[str, bytes] = field(default_factory=lambda: MappingProxyType({}))
    tolerance: Tolerance = Tolerance()


@dataclass(frozen=True, slots=True)
class NetworkChoices:
    """What the command line says of a network where its weights leave it open, each None where it was not given.

    Attributes:
        cell: of a recurrent network, where the weights of several have the same shapes.
    """

    cell: str | None = None

    @property
    def given(self) -> list[str]:
        """List what was given, as it is typed."""
        return given_flags(self)


@runtime_checkable
class Architecture(Protocol):
    """A kind of network that `podium export` knows by name."""

    @property
    def name(self) -> str:
        """What it is called on the command line, such as "lenet5-32"."""
        ...

    @property
    def summary(self) -> str:
        """One line for the list of architectures."""
        ...

    def chosen(self, choices: NetworkChoices) -> "Architecture":
        """Give the same architecture with choices that its weights leave open.

        Raises:
            OptionError: it has no such choice.
        """
        ...

    def build(self, state: "Mapping[str, Tensor]") -> "nn.Module":
        """Build the network with the sizes that the checkpoint's shapes show; the weights are loaded after.

        Raises:
            CheckpointError: the sizes cannot be read from these tensors.
        """
        ...

    def blueprint(self, network: "nn.Module") -> Blueprint:
        """Describe a network that `build` made."""
        ...
