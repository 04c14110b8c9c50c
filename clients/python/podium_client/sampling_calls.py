"""The calls that draw pictures from a model's prior."""

from collections.abc import AsyncGenerator
from functools import cached_property
from typing import TypeVar

from podium.v1 import image_service_pb2 as wire
from podium.v1 import image_service_pb2_grpc

from podium_client import picture_requests as ask
from podium_client.answers import read_metadata
from podium_client.arguments import positive, whole
from podium_client.connection import Connection
from podium_client.picture_requests import ClassLike
from podium_client.pictures import Picture, Pictures, read_pictures

RequestT = TypeVar("RequestT", wire.SampleRequest, wire.StreamSampleRequest)


class SamplingCalls(Connection):
    """The calls of `podium.v1.ImageService` that sample."""

    @cached_property
    def _pictures(self) -> "image_service_pb2_grpc.ImageServiceAsyncStub":
        return image_service_pb2_grpc.ImageServiceStub(self._channel)

    async def sample(
        self,
        model: str,
        count: int = 1,
        *,
        seed: int | None = None,
        condition: ClassLike | None = None,
        temperature: float = 1.0,
        truncation: float | None = None,
        first_index: int = 0,
        raw: bool = False,
        timeout: float | None = None,
    ) -> Pictures:
        """Draw pictures: latents from the prior, decoded.

        Picture i depends on the seed and i alone: picture 7 of 64 is picture 7 of 8.

        Args:
            model: "name", "name/version" or "name@alias".
            count: how many, 1 or more; a server takes at most 1,024, `stream_sample` more.
            seed: 0 or more; None: one is chosen, and told in the metadata.
            condition: None: picture i is of class i modulo their number, where there are classes.
            temperature: standard deviation of the prior relative to its own, above 0; normal priors only.
            truncation: draws farther than this many standard deviations from 0 are drawn again; None: never.
            first_index: the index of the first picture.
            raw: give the network's own output instead of pictures.
            timeout: seconds for the call and its retries; None: the client's.
        """
        request = _request(
            wire.SampleRequest,
            model,
            count,
            seed=seed,
            condition=condition,
            temperature=temperature,
            truncation=truncation,
            first_index=first_index,
            raw=raw,
        )
        response = await self._caller.call(self._pictures.Sample, request, self._limit_s(timeout))
        metadata = read_metadata(response.metadata)
        return Pictures(read_pictures(response.pictures, metadata), metadata)

    def stream_sample(
        self,
        model: str,
        count: int = 1,
        *,
        seed: int | None = None,
        condition: ClassLike | None = None,
        temperature: float = 1.0,
        truncation: float | None = None,
        first_index: int = 0,
        raw: bool = False,
        timeout: float | None = None,
    ) -> AsyncGenerator[Picture, None]:
        """Draw many pictures, each given as soon as it is made: those that `sample` gives.

        Leaving the iteration cancels the call. `timeout` runs until the last picture; see `sample` for the rest.
        """
        request = _request(
            wire.StreamSampleRequest,
            model,
            count,
            seed=seed,
            condition=condition,
            temperature=temperature,
            truncation=truncation,
            first_index=first_index,
            raw=raw,
        )
        return self._streamed(request, self._limit_s(timeout))

    async def _streamed(self, request: wire.StreamSampleRequest, limit_s: float) -> AsyncGenerator[Picture, None]:
        responses = self._caller.stream(self._pictures.StreamSample, request, limit_s)
        try:
            async for response in responses:
                for picture in read_pictures(response.pictures, read_metadata(response.metadata)):
                    yield picture
        finally:
            await responses.aclose()


def _request(
    kind: type[RequestT],
    model: str,
    count: int,
    *,
    seed: int | None,
    condition: ClassLike | None,
    temperature: float,
    truncation: float | None,
    first_index: int,
    raw: bool,
) -> RequestT:
    return kind(
        model=model,
        count=whole(count, "count", 1),
        seed=None if seed is None else whole(seed, "seed", 0, bits=64),
        class_condition=ask.class_condition(condition),
        # The prior's own is not sent: priors that are not normal have none to be asked for.
        temperature=0 if temperature == 1 else positive(temperature, "temperature"),
        truncation=0 if truncation is None else positive(truncation, "truncation"),
        format=ask.picture_format(raw=raw),
        first_index=whole(first_index, "first_index", 0, bits=64),
    )
