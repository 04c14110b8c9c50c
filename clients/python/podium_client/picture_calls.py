"""The calls of latent space: pictures encoded, decoded, interpolated, traversed, edited."""

from collections.abc import Sequence
from typing import overload

from podium.v1 import image_service_pb2 as wire

from podium_client import picture_requests as ask
from podium_client.answers import read_metadata
from podium_client.arguments import whole
from podium_client.images import ImageLike, encode_images_aside, one_or_many
from podium_client.picture_requests import ClassLike, PictureOrLatent
from podium_client.pictures import (
    Edits,
    Pictures,
    Posterior,
    Reconstructions,
    Traversal,
    read_pictures,
    read_posteriors,
    read_traversal,
)
from podium_client.sampling_calls import SamplingCalls
from podium_client.tensors import Array


class PictureCalls(SamplingCalls):
    """The calls of `podium.v1.ImageService`, those that sample included.

    What all of them share: `model` is "name", "name/version" or "name@alias"; `condition` the class of every
    picture, by index or name, for models that have classes; `raw` asks for the network's own output instead of
    pictures; `timeout` is in seconds, None for the client's. They raise PodiumError, by who is to blame, and
    OSError for a file that cannot be read.
    """

    @overload  # a str is a Sequence of str too, and is one picture: the first overload wins
    async def encode(  # type: ignore[overload-overlap]
        self,
        model: str,
        images: ImageLike,
        *,
        condition: ClassLike | None = None,
        timeout: float | None = None,
    ) -> Posterior: ...
    @overload
    async def encode(
        self,
        model: str,
        images: Sequence[ImageLike],
        *,
        condition: ClassLike | None = None,
        timeout: float | None = None,
    ) -> list[Posterior]: ...
    async def encode(
        self,
        model: str,
        images: ImageLike | Sequence[ImageLike],
        *,
        condition: ClassLike | None = None,
        timeout: float | None = None,
    ) -> Posterior | list[Posterior]:
        """Find the latents of pictures.

        Returns:
            One posterior for one picture; a list in the same order for a list.
        """
        one, pictures = one_or_many(images)
        request = wire.EncodeRequest(
            model=model,
            images=await encode_images_aside(pictures),
            class_condition=ask.class_condition(condition),
        )
        response = await self._caller.call(self._pictures.Encode, request, self._limit_s(timeout))
        posteriors = read_posteriors(response)
        return posteriors[0] if one else posteriors

    async def decode(
        self,
        model: str,
        latents: Array | Sequence[Array],
        *,
        condition: ClassLike | None = None,
        raw: bool = False,
        timeout: float | None = None,
    ) -> Pictures:
        """Make pictures of latents: a vector (D,), an array (N, D) or a list of vectors."""
        request = wire.DecodeRequest(
            model=model,
            latents=ask.latent_messages(latents),
            class_condition=ask.class_condition(condition),
            format=ask.picture_format(raw=raw),
        )
        response = await self._caller.call(self._pictures.Decode, request, self._limit_s(timeout))
        metadata = read_metadata(response.metadata)
        return Pictures(read_pictures(response.pictures, metadata), metadata)

    async def reconstruct(
        self,
        model: str,
        images: ImageLike | Sequence[ImageLike],
        *,
        condition: ClassLike | None = None,
        raw: bool = False,
        timeout: float | None = None,
    ) -> Reconstructions:
        """Encode and decode pictures: what an autoencoder keeps of them, or makes of noisy ones."""
        _, pictures = one_or_many(images)
        request = wire.ReconstructRequest(
            model=model,
            images=await encode_images_aside(pictures),
            class_condition=ask.class_condition(condition),
            format=ask.picture_format(raw=raw),
        )
        response = await self._caller.call(self._pictures.Reconstruct, request, self._limit_s(timeout))
        metadata = read_metadata(response.metadata)
        errors = tuple(response.mean_squared_errors)
        return Reconstructions(read_pictures(response.pictures, metadata), metadata, errors)

    async def interpolate(
        self,
        model: str,
        start: PictureOrLatent,
        end: PictureOrLatent,
        *,
        steps: int = 8,
        path: ask.Path | None = None,
        condition: ClassLike | None = None,
        raw: bool = False,
        timeout: float | None = None,
    ) -> Pictures:
        """Show the way from one picture or latent to another.

        Args:
            model: see the class, as for the arguments that are not named here.
            start: where it begins: a picture, or a latent as a vector.
            end: where it ends.
            steps: pictures on the way, both ends included, 2 ... 256.
            path: "linear" or "spherical"; None: spherical for normal priors, linear for others.
            condition: see the class.
            raw: see the class.
            timeout: see the class.
        """
        first, last = await ask.source_messages([start, end], ["start", "end"])
        request = wire.InterpolateRequest(
            model=model,
            start=first,
            end=last,
            steps=whole(steps, "steps", 2),
            path=ask.interpolation_path(path),
            class_condition=ask.class_condition(condition),
            format=ask.picture_format(raw=raw),
        )
        response = await self._caller.call(self._pictures.Interpolate, request, self._limit_s(timeout))
        metadata = read_metadata(response.metadata)
        return Pictures(read_pictures(response.pictures, metadata), metadata)

    async def traverse(
        self,
        model: str,
        origin: PictureOrLatent | None = None,
        *,
        dimensions: Sequence[int] = (),
        low: float | None = None,
        high: float | None = None,
        steps: int = 8,
        condition: ClassLike | None = None,
        raw: bool = False,
        timeout: float | None = None,
    ) -> Traversal:
        """Vary single dimensions of a latent: one row of pictures a dimension.

        Args:
            model: see the class, as for the arguments that are not named here.
            origin: what is varied: a picture, or a latent as a vector; None: the latent of all zeros.
            dimensions: which, each 0 or more; empty: all, at most 64.
            low: the smallest value, in standard deviations of the prior; None: -`high`.
            high: the largest, above `low`; None: -`low`. Without both: 3, or the bounds of a uniform prior.
            steps: pictures a dimension, 2 ... 64.
            condition: see the class.
            raw: see the class.
            timeout: see the class.
        """
        lowest, highest = ask.interval(low, high)
        request = wire.TraverseRequest(
            model=model,
            origin=None if origin is None else (await ask.source_messages([origin], ["origin"]))[0],
            dimensions=[whole(value, f"dimensions[{place}]", 0) for place, value in enumerate(dimensions)],
            low=lowest,
            high=highest,
            steps=whole(steps, "steps", 2),
            class_condition=ask.class_condition(condition),
            format=ask.picture_format(raw=raw),
        )
        response = await self._caller.call(self._pictures.Traverse, request, self._limit_s(timeout))
        return read_traversal(response)

    async def edit(
        self,
        model: str,
        sources: PictureOrLatent | Sequence[PictureOrLatent],
        direction: str,
        *,
        strengths: float | Sequence[float] = 1.0,
        condition: ClassLike | None = None,
        raw: bool = False,
        timeout: float | None = None,
    ) -> Edits:
        """Move pictures or latents along a named direction of latent space.

        Args:
            model: see the class, as for the arguments that are not named here.
            sources: a picture, a latent as a vector, a list of these, or latents as an array (N, D).
            direction: its name, as the model's manifest lists it.
            strengths: how far: 1 goes from the middle of the examples without the property to the middle of
                those with it, negative the other way; several give several pictures a source.
            condition: see the class.
            raw: see the class.
            timeout: see the class.
        """
        chosen = tuple(strengths) if isinstance(strengths, Sequence) else (strengths,)
        split = ask.split_sources(sources)
        request = wire.EditRequest(
            model=model,
            sources=await ask.source_messages(split, [f"sources[{place}]" for place in range(len(split))]),
            direction=direction,
            strengths=chosen,
            class_condition=ask.class_condition(condition),
            format=ask.picture_format(raw=raw),
        )
        response = await self._caller.call(self._pictures.Edit, request, self._limit_s(timeout))
        metadata = read_metadata(response.metadata)
        return Edits(read_pictures(response.pictures, metadata), metadata, chosen or (1.0,))
