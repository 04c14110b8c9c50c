"""What the calls of latent space answer: pictures with the latents that they were made of, as typed, frozen values.

Shapes: N pictures, D dimensions of a latent, H height, W width, C channels.
"""

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from podium.v1 import image_service_pb2

from podium_client.answers import ResponseMetadata, read_metadata
from podium_client.tensors import Array, decode_tensor


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One picture of an answer.

    Attributes:
        data: a PNG file's bytes, or the network's own output where that was asked for.
        latent: (D,) float32, what it was decoded from; None for a network that shows none.
        class_index: the class it was asked for; None for models without classes.
        metadata: who answered, with the seed, and where the time went.
    """

    data: bytes | Array
    latent: NDArray[np.float32] | None
    class_index: int | None
    metadata: ResponseMetadata

    @property
    def png(self) -> bytes:
        """The picture as a PNG file.

        Raises:
            ValueError: the network's own output was asked for.
        """
        if isinstance(self.data, bytes):
            return self.data
        raise ValueError("the network's own output was asked for, which is no picture yet: ask without raw=True")

    @property
    def image(self) -> PillowImage.Image:
        """The picture for Pillow, grey or RGB.

        Raises:
            ValueError: the network's own output was asked for.
        """
        image = PillowImage.open(io.BytesIO(self.png))
        image.load()
        return image

    @property
    def array(self) -> Array:
        """The pixels, (H, W) or (H, W, 3) uint8; or the network's own output, as it is."""
        return np.asarray(self.image) if isinstance(self.data, bytes) else self.data


@dataclass(frozen=True, slots=True, eq=False)
class Pictures(Sequence[Picture]):
    """The pictures of an answer, in order.

    Attributes:
        pictures: 1 or more.
        metadata: who answered, with the seed, and where the time went.
    """

    pictures: tuple[Picture, ...]
    metadata: ResponseMetadata

    @property
    def images(self) -> list[PillowImage.Image]:
        """All of them for Pillow."""
        return [picture.image for picture in self.pictures]

    @property
    def arrays(self) -> Array:
        """(N, H, W) or (N, H, W, 3) uint8; the network's own output in its own shape where that was asked for."""
        return np.stack([picture.array for picture in self.pictures])

    @property
    def latents(self) -> NDArray[np.float32] | None:
        """(N, D) float32, what they were decoded from; None for a network that shows none."""
        latents = [picture.latent for picture in self.pictures if picture.latent is not None]
        return np.stack(latents) if latents else None

    @property
    def classes(self) -> tuple[int, ...] | None:
        """The class that each was asked for; None for models without classes."""
        classes = tuple(picture.class_index for picture in self.pictures if picture.class_index is not None)
        return classes or None

    def __len__(self) -> int:
        return len(self.pictures)

    def __iter__(self) -> Iterator[Picture]:
        return iter(self.pictures)

    @overload
    def __getitem__(self, index: int) -> Picture: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Picture, ...]: ...
    def __getitem__(self, index: int | slice) -> Picture | tuple[Picture, ...]:
        return self.pictures[index]


@dataclass(frozen=True, slots=True, eq=False)
class Reconstructions(Pictures):
    """What an autoencoder makes of pictures, one for each.

    Attributes:
        mean_squared_errors: of each against what was sent, over the network's own numbers.
    """

    mean_squared_errors: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Edits(Pictures):
    """Pictures moved along a direction: for each source one a strength.

    Attributes:
        strengths: how far, for each picture of a row.
    """

    strengths: tuple[float, ...]

    @property
    def rows(self) -> list[tuple[Picture, ...]]:
        """One row of pictures a source."""
        width = len(self.strengths)
        return [self.pictures[start : start + width] for start in range(0, len(self.pictures), width)]


@dataclass(frozen=True, slots=True, eq=False)
class TraversalRow(Pictures):
    """One dimension varied: a picture a value.

    Attributes:
        dimension: which, 0 or more.
        values: (N,) float32, the values it took.
    """

    dimension: int
    values: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Traversal:
    """Dimensions varied one at a time.

    Attributes:
        rows: one a dimension, in the order they were asked for.
        metadata: who answered, and where the time went.
    """

    rows: tuple[TraversalRow, ...]
    metadata: ResponseMetadata


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """What an encoder makes of a picture.

    Attributes:
        mean: (D,) float32, the mean of a variational autoencoder or the latent of another one.
        log_variance: (D,) float32; None where the encoder gives none.
        kl_nats: nats between the posterior and the prior, 0 or more; 0 where the encoder gives no variance.
        metadata: who answered, and where the time went.
    """

    mean: NDArray[np.float32]
    log_variance: NDArray[np.float32] | None
    kl_nats: float
    metadata: ResponseMetadata


def read_pictures(messages: Iterable[image_service_pb2.Picture], metadata: ResponseMetadata) -> tuple[Picture, ...]:
    """Read pictures in their order."""
    return tuple(
        Picture(
            data=message.png if message.HasField("png") else decode_tensor(message.tensor),
            latent=_vector(message.latent.values) if message.HasField("latent") else None,
            class_index=message.class_index if message.HasField("class_index") else None,
            metadata=metadata,
        )
        for message in messages
    )


def read_posteriors(response: image_service_pb2.EncodeResponse) -> list[Posterior]:
    """Read one posterior a picture, in the order of the request."""
    metadata = read_metadata(response.metadata)
    return [
        Posterior(
            mean=_vector(message.mean.values),
            log_variance=_vector(message.log_variance) if message.log_variance else None,
            kl_nats=message.kl_nats,
            metadata=metadata,
        )
        for message in response.posteriors
    ]


def read_traversal(response: image_service_pb2.TraverseResponse) -> Traversal:
    """Read one row a dimension."""
    metadata = read_metadata(response.metadata)
    rows = tuple(
        TraversalRow(read_pictures(row.pictures, metadata), metadata, row.dimension, _vector(row.values))
        for row in response.rows
    )
    return Traversal(rows, metadata)


def _vector(values: Iterable[float]) -> NDArray[np.float32]:
    return np.fromiter(values, np.float32)
