"""One call of the image service on its way: runs the graphs, paints, and keeps where the time went.

Shapes: N pictures, D dimensions.
"""

import time
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from podium.v1 import image_pb2, response_metadata_pb2
from podium.v1 import image_service_pb2 as wire

from podium_server.batching.batcher import Run
from podium_server.batching.run_rows import run_rows
from podium_server.call import Call
from podium_server.errors import InvalidArgument, RunFailed
from podium_server.imaging.pool import ImagePool
from podium_server.pictures.graph import PictureGraph
from podium_server.pictures.latent_space import LatentSpace
from podium_server.pictures.painter import Decoded, Painter
from podium_server.pictures.picture_model import PictureModel
from podium_server.pictures.sampling import Sampling
from podium_server.servable import Servable
from podium_server.services.answered import answered, timed_metadata
from podium_server.spent import Spent

# Bytes of decoded pictures that a call holds at a time.
GROUP_BYTES = 2**26
_UNKNOWN_LENGTH = 256


class PictureCall:
    """What every method of the image service does with its call.

    Args:
        call: the call.
        servable: who answers.
        model: compiled from it.
        pool: reads and paints pictures.
    """

    def __init__(self, call: Call, servable: Servable, model: PictureModel, pool: ImagePool) -> None:
        self.model = model
        self.servable = servable
        self._call = call
        self._pool = pool
        self.spent = Spent()

    @property
    def space(self) -> LatentSpace:
        """The latent space.

        Raises:
            WrongTask: the model has none.
        """
        if self.model.space is None:
            raise self.model.without("no decoder")
        return self.model.space

    @property
    def decoder(self) -> PictureGraph:
        """From latents to pictures.

        Raises:
            WrongTask: the model has none.
        """
        if self.model.decoder is None:
            raise self.model.without("no decoder")
        return self.model.decoder

    async def read(self, images: Sequence[image_pb2.Image], fields: Sequence[str] | None = None) -> NDArray[Any]:
        """Read pictures into rows of the encoder's input: (N, …).

        Raises:
            WrongTask: the model takes no pictures.
            InvalidArgument: one cannot be used.
        """
        intake = self.model.intake
        if intake is None:
            raise self.model.without("no encoder")
        began = time.monotonic()
        with self.servable.batchers[intake.graph.name].reserve(len(images)):
            rows = await self._pool.read(intake.reader, images, fields=fields, deadline=self._call.deadline)
        self.spent.preprocess_s += time.monotonic() - began
        return rows

    async def points(
        self, sources: Sequence[tuple[str, wire.PictureOrLatent]], classes: NDArray[np.int64] | None
    ) -> NDArray[np.float32]:
        """Find the latents of pictures and latents: (N, D).

        Args:
            sources: each with its path in the call.
            classes: of all of them, (N,).

        Raises:
            WrongTask: one is a picture, and the model has no encoder.
            InvalidArgument: one cannot be used.
        """
        points = np.empty((len(sources), self.space.size), np.float32)
        pictures: list[int] = []
        for i, (field, source) in enumerate(sources):
            kind = source.WhichOneof("source")
            if kind is None:
                raise InvalidArgument(f"{field}: is empty; it must have image or latent", field)
            if kind == "image":
                pictures.append(i)
            else:
                points[i] = self.space.read(source.latent, f"{field}.latent")
        if pictures:
            images, fields = [sources[i][1].image for i in pictures], [f"{sources[i][0]}.image" for i in pictures]
            rows = await self.read(images, fields)
            mean, _ = await self.encode(rows, None if classes is None else classes[: len(rows)])
            points[pictures] = mean
        return self.space.with_classes(points, classes)

    async def encode(
        self, rows: NDArray[Any], classes: NDArray[np.int64] | None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """Run the encoder: mean (N, D), and log variance (N, D) where it gives one."""
        encoder = self.model.encoder
        if encoder is None:
            raise self.model.without("no encoder")
        run = await self._run(encoder, rows, classes)
        self.spent.ran(run)
        names = ("mean", "log_variance") if self.model.is_variational else ("mean",)
        outputs = [encoder.output(run.outputs, name).astype(np.float32, copy=False) for name in names]
        finite = np.logical_and.reduce([np.isfinite(output).all(axis=1) for output in outputs])
        if not finite.all():
            raise RunFailed(
                f"picture {int(np.argmin(finite))} of those sent is encoded to numbers that are not finite; are its "
                "own numbers what the model was trained on?"
            )
        return outputs[0], outputs[1] if len(outputs) > 1 else None

    async def reconstruct(self, rows: NDArray[Any], classes: NDArray[np.int64] | None) -> Decoded:
        """Run pictures through the whole network."""
        if self.model.whole is not None:
            return Decoded(await self.draw(self.model.whole, rows, None))
        mean, _ = await self.encode(rows, classes)
        latents = self.space.with_classes(mean, classes)
        return Decoded(await self.draw(self.decoder, latents, classes), latents, classes)

    async def errors(self, rows: NDArray[Any], decoded: Decoded) -> list[float]:
        """Compare reconstructions with what was sent: N mean squared errors."""
        intake = self.model.intake
        assert intake is not None, "rows were read with it"
        compare = intake.input_map.mean_squared_errors
        (errors,) = await self._pool.work([lambda: compare(rows, decoded.images)], rows.size)
        return list(map(float, errors))

    async def draw(
        self, graph: PictureGraph, rows: NDArray[Any], classes: NDArray[np.int64] | None, *, waited: bool = True
    ) -> NDArray[Any]:
        """Run a graph that gives pictures: (N, …)."""
        run = await self._run(graph, rows, classes)
        self.spent.ran(run, waited=waited)
        return graph.output(run.outputs, graph.drawn)

    async def sample(
        self, sampling: Sampling, start: int, count: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int64] | None]:
        """Draw latents as `Sampling.draw` does, many of them on a thread."""
        began = time.monotonic()
        (drawn,) = await self._pool.work([lambda: sampling.draw(start, count)], count * self.space.size)
        self.spent.preprocess_s += time.monotonic() - began
        return drawn

    async def paint_all(
        self, latents: NDArray[np.float32], classes: NDArray[np.int64] | None, painter: Painter, *, start: int = 0
    ) -> list[wire.Picture]:
        """Decode latents and paint them: as one request, or as several where all pictures at once are too many.

        Args:
            latents: (N, D).
            classes: (N,); None for models without classes, or where latents say it themselves.
            painter: the answer's.
            start: the first one's place in the answer.

        Returns:
            The pictures in order; none for a grid, which the painter keeps.
        """
        latents = self.space.with_classes(latents, classes)
        pictures: list[wire.Picture] = []
        size = max(1, GROUP_BYTES // picture_bytes(self.decoder))
        for i in range(0, len(latents), size):
            part, some = latents[i : i + size], None if classes is None else classes[i : i + size]
            images = await self.draw(self.decoder, part, some, waited=i == 0)
            pictures += await self.paint(painter, Decoded(images, part, some, start + i))
        return pictures

    async def paint(self, painter: Painter, decoded: Decoded) -> list[wire.Picture]:
        """Paint what was decoded."""
        began = time.monotonic()
        pictures = await painter.paint(decoded)
        self.spent.encode_s += time.monotonic() - began
        return pictures

    async def finish(self, pictures: list[wire.Picture], painter: Painter, num_columns: int) -> list[wire.Picture]:
        """What an answer has as pictures: those painted, or the grid alone."""
        return [wire.Picture(png=await self.grid(painter, num_columns))] if painter.as_grid else pictures

    async def grid(self, painter: Painter, num_columns: int) -> bytes:
        """Paint the grid."""
        began = time.monotonic()
        png = await painter.paint_grid(num_columns)
        self.spent.encode_s += time.monotonic() - began
        return png

    def answered(self, seed: int | None = None) -> response_metadata_pb2.ResponseMetadata:
        """Report the answer, once it is made; what it says of its making."""
        return answered(self._call, self.servable, self.spent, seed)

    def metadata(self, seed: int | None) -> response_metadata_pb2.ResponseMetadata:
        """Who answers, the seed, and where the time went."""
        return timed_metadata(self._call, self.servable, self.spent, seed)

    async def _run(self, graph: PictureGraph, rows: NDArray[Any], classes: NDArray[np.int64] | None) -> Run:
        batcher = self.servable.batchers[graph.name]
        return await run_rows(batcher, graph.feed(rows, classes), deadline=self._call.deadline)


def picture_bytes(decoder: PictureGraph) -> int:
    """The size of one picture as a decoder gives it; where an axis is dynamic, a guess."""
    output = decoder.outputs[decoder.drawn]
    lengths = [n if isinstance(n, int) else _UNKNOWN_LENGTH for n in output.shape[1:]]
    return prod(lengths) * output.element.dtype.itemsize
