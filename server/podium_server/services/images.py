"""`podium.v1.ImageService`: pictures from latent space."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import numpy as np
from numpy.typing import NDArray
from podium.v1 import image_service_pb2 as wire

from podium_server.call import Call
from podium_server.catalogue import Catalogue
from podium_server.errors import InvalidArgument
from podium_server.imaging.pool import ImagePool
from podium_server.pictures import paths
from podium_server.pictures.asked_class import class_of_all, repeated
from podium_server.pictures.classes import suggestion
from podium_server.pictures.grid import square_columns
from podium_server.pictures.limits import (
    MAX_PICTURES,
    MAX_STREAMED_PICTURES,
    check_count,
    check_reach,
    single,
    steps_or_default,
)
from podium_server.pictures.posterior import kl_nats
from podium_server.pictures.sampling import Sampling
from podium_server.pictures.traversal import dimensions_of, values_of
from podium_server.services.picture_call import PictureCall
from podium_server.services.picture_models import PictureModels
from podium_server.services.sample_stream import SampleStream, piece_rows, under_way
from podium_server.services.whole_sample import WholeSample
from podium_server.settings import Settings

MAX_STEPS = 256


class ImageService:
    """Implements the service.

    Args:
        catalogue: the models.
        settings: limits of pictures and calls.
        pool: reads and writes pictures.
    """

    def __init__(self, catalogue: Catalogue, settings: Settings, pool: ImagePool) -> None:
        self._models = PictureModels(catalogue, settings, pool)
        self._max_images = settings.max_images_per_request

    async def Sample(self, request: wire.SampleRequest, call: Call) -> wire.SampleResponse:
        """Draw latents from the prior and decode them."""
        work = await self._models.begin(request.model, call)
        sampling = Sampling(request, work.model, MAX_PICTURES)
        painter = self._models.painter(work.model, request.format)
        latents, classes = await work.sample(sampling, 0, sampling.count)
        pictures = await work.paint_all(latents, classes, painter)
        pictures = await work.finish(pictures, painter, sampling.num_columns or square_columns(sampling.count))
        return wire.SampleResponse(metadata=work.answered(sampling.seed), pictures=pictures)

    async def StreamSample(
        self, request: wire.StreamSampleRequest, call: Call
    ) -> AsyncGenerator[wire.StreamSampleResponse, None]:
        """Draw latents from the prior and decode them, each run's pictures as they are made."""
        work = await self._models.begin(request.model, call)
        sampling = Sampling(request, work.model, MAX_STREAMED_PICTURES)
        if request.format == wire.PICTURE_FORMAT_GRID:
            raise InvalidArgument("format: GRID is not streamed; ask for PNG or TENSOR, or call Sample", "format")
        self._models.painter(work.model, request.format)
        stream = SampleStream(
            sampling,
            begin=lambda: self._models.continue_with(work.servable, call),
            new_painter=lambda: self._models.painter(work.model, request.format),
            piece_rows=piece_rows(work.servable, work.model),
            num_under_way=under_way(work.servable, work.model),
        )
        whole = WholeSample(call, sampling.count)
        with call.working():
            async with aclosing(stream.answers()) as answers:
                async for answer in answers:
                    whole.add(answer)
                    yield answer
        whole.tell(stream.total.answered(sampling.seed))

    async def Encode(self, request: wire.EncodeRequest, call: Call) -> wire.EncodeResponse:
        """Encode pictures to latents."""
        work = await self._models.begin(request.model, call)
        if work.model.encoder is None:
            raise work.model.without("no encoder")
        asked = class_of_all(request, work.model, work.model.encoder)
        check_count("images", "pictures", len(request.images), self._max_images)
        rows = await work.read(request.images)
        mean, log_variance = await work.encode(rows, repeated(asked, len(rows)))
        posteriors = [wire.Posterior(mean=wire.Latent(values=row)) for row in mean.tolist()]
        if log_variance is not None:
            nats = kl_nats(work.space.prior, mean, log_variance)
            for posterior, row, kl in zip(posteriors, log_variance.tolist(), nats.tolist(), strict=True):
                posterior.log_variance.extend(row)
                posterior.kl_nats = kl
        return wire.EncodeResponse(metadata=work.answered(), posteriors=posteriors)

    async def Decode(self, request: wire.DecodeRequest, call: Call) -> wire.DecodeResponse:
        """Decode latents to pictures."""
        work = await self._models.begin(request.model, call)
        space, painter = work.space, self._models.painter(work.model, request.format)
        asked = class_of_all(request, work.model, work.model.decoder)
        count = len(request.latents)
        check_count("latents", "latents", count, MAX_PICTURES)
        latents = np.stack([space.read(latent, f"latents[{i}]") for i, latent in enumerate(request.latents)])
        pictures = await work.paint_all(latents, repeated(asked, count), painter)
        pictures = await work.finish(pictures, painter, square_columns(count))
        return wire.DecodeResponse(metadata=work.answered(), pictures=pictures)

    async def Reconstruct(self, request: wire.ReconstructRequest, call: Call) -> wire.ReconstructResponse:
        """Encode and decode pictures."""
        work = await self._models.begin(request.model, call)
        model, painter = work.model, self._models.painter(work.model, request.format)
        if model.intake is None:
            raise model.without("no encoder")
        asked = class_of_all(request, model, model.encoder, model.decoder)
        check_count("images", "pictures", len(request.images), self._max_images)
        rows = await work.read(request.images)
        decoded = await work.reconstruct(rows, repeated(asked, len(rows)))
        pictures = await work.paint(painter, decoded)
        errors = await work.errors(rows, decoded)
        pictures = await work.finish(pictures, painter, square_columns(len(rows)))
        return wire.ReconstructResponse(metadata=work.answered(), pictures=pictures, mean_squared_errors=errors)

    async def Interpolate(self, request: wire.InterpolateRequest, call: Call) -> wire.InterpolateResponse:
        """Decode the way from one latent to another."""
        work = await self._models.begin(request.model, call)
        space, painter = work.space, self._models.painter(work.model, request.format)
        asked = class_of_all(request, work.model, work.model.encoder, work.model.decoder)
        steps = steps_or_default(request.steps, MAX_STEPS)
        turning = paths.turning(request.path, space.prior.normal if space.has_prior else None, space.size)
        start, end = await work.points([("start", request.start), ("end", request.end)], repeated(asked, 2))
        way = paths.between(start.astype(np.float64), end.astype(np.float64), steps, turning)
        pictures = await work.paint_all(single(way), repeated(asked, steps), painter)
        pictures = await work.finish(pictures, painter, steps)
        return wire.InterpolateResponse(metadata=work.answered(), pictures=pictures)

    async def Traverse(self, request: wire.TraverseRequest, call: Call) -> wire.TraverseResponse:
        """Vary single dimensions of a latent."""
        work = await self._models.begin(request.model, call)
        space, painter = work.space, self._models.painter(work.model, request.format)
        asked = class_of_all(request, work.model, work.model.encoder, work.model.decoder)
        dimensions = dimensions_of(request, space)
        values = [values_of(request, space, dimension) for dimension in dimensions]
        origin = space.center.astype(np.float32)[None]
        if request.HasField("origin"):
            origin = await work.points([("origin", request.origin)], repeated(asked, 1))
        elif space.prior.one_hot is not None and asked is None:
            asked = 0  # a latent of no class at all is none that the model knows
        middle = origin[0].astype(np.float64)
        ways = [paths.along(middle, dimension, row) for dimension, row in zip(dimensions, values, strict=True)]
        latents = single(np.concatenate(ways))
        pictures = await work.paint_all(latents, repeated(asked, len(latents)), painter)
        grid = await work.grid(painter, len(values[0])) if painter.as_grid else b""
        rows = [
            wire.TraverseRow(dimension=dimension, values=row, pictures=pictures[i * len(row) : (i + 1) * len(row)])
            for i, (dimension, row) in enumerate(zip(dimensions, values, strict=True))
        ]
        return wire.TraverseResponse(metadata=work.answered(), rows=rows, grid=grid)

    async def Edit(self, request: wire.EditRequest, call: Call) -> wire.EditResponse:
        """Move pictures or latents along a named direction."""
        work = await self._models.begin(request.model, call)
        direction = _direction(work, request.direction)
        painter = self._models.painter(work.model, request.format)
        asked = class_of_all(request, work.model, work.model.encoder, work.model.decoder)
        check_count("sources", "sources", len(request.sources), self._max_images)
        strengths = np.array(request.strengths or [1.0], np.float64)
        check_reach("strengths", request.strengths)
        count = len(request.sources) * len(strengths)
        if count > MAX_PICTURES:
            message = f"strengths: {len(request.sources)} sources by {len(strengths)} strengths are {count:,} pictures"
            raise InvalidArgument(f"{message}; a call gives at most {MAX_PICTURES:,}", "strengths")
        sources = [(f"sources[{i}]", source) for i, source in enumerate(request.sources)]
        points = await work.points(sources, repeated(asked, len(sources)))
        moved = points[:, None, :] + strengths[:, None] * direction
        latents = single(moved.reshape(count, -1))
        pictures = await work.paint_all(latents, repeated(asked, count), painter)
        pictures = await work.finish(pictures, painter, len(strengths))
        return wire.EditResponse(metadata=work.answered(), pictures=pictures)


def _direction(work: PictureCall, name: str) -> NDArray[np.float64]:
    """Find a named direction: (D,)."""
    directions = work.space.directions
    if not directions:
        raise work.model.without("no named directions")
    if name not in directions:
        known = ", ".join(directions)
        said = f"there is no direction {name[:100]!r}{suggestion(name, list(directions))}" if name else "is empty"
        raise InvalidArgument(f"direction: {said}; the directions are {known}", "direction")
    return directions[name]
