"""A package's encoder, run on files.

Shapes: N pictures, D latent dimensions.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from podium_export.encoding.picture_folder import open_picture
from podium_export.encoding.prepare import prepare
from podium_export.errors import OptionError, PackageError, PictureError
from podium_export.inspection.opened import Opened
from podium_export.session import Session
from podium_export.trials import Array

ENCODER = "encoder"
"""The graph's name."""

_BATCH = 32
_LABEL = "label"


@dataclass(frozen=True, slots=True)
class Posterior:
    """What an encoder says of pictures.

    Attributes:
        mean: (N, D).
        log_variance: (N, D); None: the encoder gives none.
    """

    mean: NDArray[np.float64]
    log_variance: NDArray[np.float64] | None


class Encoder:
    """The graph "encoder" of a package, with what prepares its pictures."""

    def __init__(self, package: Opened, class_name: str | None = None) -> None:
        """Load it.

        Args:
            package: a version folder.
            class_name: the name or index of what every picture shows, where the encoder is told.

        Raises:
            PackageError: there is no encoder.
            OptionError: the class is missing, unknown, or not asked for.
            GraphError: ONNX Runtime does not load the graph.
        """
        if package.manifest is None or ENCODER not in package.graphs:
            graphs = " and ".join(f'"{name}"' for name in package.graphs if name)
            has = f"its graphs are {graphs}" if package.manifest is not None else "it is a bare ONNX file"
            raise PackageError(
                f"{package.title}: has no encoder, so it cannot tell where a picture lies in latent space ({has}); a "
                "package of a variational autoencoder or an autoencoder has one"
            )
        self._title = package.title
        self._spec = package.manifest.image_preprocessing
        self._session = Session(package.graphs[ENCODER])
        self._outputs = [port.name for port in self._session.outputs]
        takes_label = any(port.name == _LABEL for port in self._session.inputs)
        self._label = self._class(list(package.manifest.latent_space.class_names), class_name, takes_label)

    @property
    def is_variational(self) -> bool:
        """Whether it gives a variance."""
        return "log_variance" in self._outputs

    def encode(self, files: Sequence[Path], watch: Callable[[str], None] = lambda _: None) -> Posterior:
        """Encode pictures.

        Args:
            files: 1 or more.
            watch: told how far it is.

        Raises:
            PictureError: one cannot be read or is not taken; it is named.
        """
        means: list[Array] = []
        log_variances: list[Array] = []
        for start in range(0, len(files), _BATCH):
            rows = np.stack([self._row(file) for file in files[start : start + _BATCH]])
            outputs = dict(zip(self._outputs, self._session.run(list(self._feed(rows))), strict=True))
            means.append(outputs["mean"])
            if self.is_variational:
                log_variances.append(outputs["log_variance"])
            watch(f"{start + len(rows):,} of {len(files):,} pictures")
        return Posterior(_joined(means), _joined(log_variances) if log_variances else None)

    def _row(self, file: Path) -> NDArray[np.float32]:
        image = open_picture(file)
        try:
            return prepare(image, self._spec)
        except PictureError as error:
            raise PictureError(f"{file}: {error}") from error

    def _feed(self, rows: NDArray[np.float32]) -> Iterator[Array]:
        for port in self._session.inputs:
            yield np.full(len(rows), self._label) if port.name == _LABEL else rows

    def _class(self, names: list[str], wanted: str | None, takes_label: bool) -> int:
        """Find the class that every picture is said to show; 0 where the encoder is not told."""
        if not takes_label:
            if wanted is not None:
                raise OptionError(f"--class {wanted}: the encoder of {self._title} is not told the class; leave it out")
            return 0
        listed = ", ".join(names)
        if wanted is None:
            raise OptionError(f"--class is required: the encoder of {self._title} is told what it sees: {listed}")
        if wanted in names:
            return names.index(wanted)
        if wanted.isascii() and wanted.isdigit() and int(wanted) < len(names):
            return int(wanted)
        raise OptionError(f'--class {wanted}: {self._title} has no class "{wanted}"; it has {listed}')


def _joined(batches: Sequence[Array]) -> NDArray[np.float64]:
    return np.concatenate(batches).astype(np.float64)
