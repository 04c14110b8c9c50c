"""Everything that stops an export, divided by what has to change.

ExportError
├── CheckpointError      the file cannot be read, or its weights do not fit the network
├── NetworkError         the network cannot be built, described or traced
│   ├── StateError       a state is not what the step before left
│   ├── TrainingMode     the graph still behaves as in training
│   └── FrozenAxis       an axis that should vary was fixed by the tracer
├── ParityFailure        the written graph computes something else than the network
├── GraphError           an ONNX file made elsewhere cannot be taken over
├── LabelsError          the class names cannot be read, or do not fit the classifier
├── VocabularyError      the vocabulary cannot be read, or does not fit the network
├── PictureError         a picture cannot be read, or is not one that the model takes
├── PackageError         the package cannot be written or would replace another
└── OptionError          an option's value is not one that the command takes
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from podium_export.parity import Comparison


class ExportError(Exception):
    """The root: its text is a message for people, with what to do about it."""


class CheckpointError(ExportError):
    """The file cannot be read as weights, or its weights do not fit the network."""


class NetworkError(ExportError):
    """The network cannot be built, described or traced."""


class StateError(NetworkError):
    """A step graph's state is declared wrongly: it is not what the step before left."""


class TrainingMode(NetworkError):
    """The graph holds a node that behaves as in training."""


class FrozenAxis(NetworkError):
    """An axis that is declared dynamic was fixed to one length by the tracer."""


class ParityFailure(ExportError):
    """The written graph and its reference disagree; nothing may be published.

    Attributes:
        comparisons: everything that was compared, where a table can be made of it.
    """

    def __init__(self, message: str, comparisons: "Sequence[Comparison]" = ()) -> None:
        super().__init__(message)
        self.comparisons = tuple(comparisons)


class GraphError(ExportError):
    """An ONNX file made elsewhere is broken, or is not what its flags say."""


class LabelsError(ExportError):
    """The file of class names cannot be read, or does not fit the classifier."""


class VocabularyError(ExportError):
    """The file of tokens cannot be read, or does not fit the network that writes them."""


class PictureError(ExportError):
    """A picture cannot be read, or is not one that the model takes."""


class PackageError(ExportError):
    """The package cannot be written here, or would replace another."""


class OptionError(ExportError):
    """An option's value is not one that the command takes; the text names the option."""
