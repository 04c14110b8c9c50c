"""The calls that describe pictures in words."""

from collections.abc import AsyncGenerator, Sequence
from functools import cached_property
from typing import Unpack, overload

from podium.v1 import captioning_service_pb2 as wire
from podium.v1 import captioning_service_pb2_grpc

from podium_client.answers import read_metadata
from podium_client.arguments import whole
from podium_client.connection import Connection
from podium_client.decoding import DecodingOptions, decoding_message
from podium_client.images import ImageLike, encode_images_aside, one_or_many
from podium_client.sequences import GeneratedSequences, read_sequences, read_usage
from podium_client.text_stream import AsyncTextStream, Gathered


class CaptioningCalls(Connection):
    """The calls of `podium.v1.CaptioningService`; they take the keywords of `DecodingOptions` too."""

    @cached_property
    def _captions(self) -> "captioning_service_pb2_grpc.CaptioningServiceAsyncStub":
        return captioning_service_pb2_grpc.CaptioningServiceStub(self._channel)

    @overload  # a str is a Sequence of str too, and is one picture: the first overload wins
    async def caption(  # type: ignore[overload-overlap]
        self,
        model: str,
        images: ImageLike,
        *,
        num_best: int = 1,
        seed: int | None = None,
        log_probabilities: bool = False,
        timeout: float | None = None,
        **decoding: Unpack[DecodingOptions],
    ) -> GeneratedSequences: ...
    @overload
    async def caption(
        self,
        model: str,
        images: Sequence[ImageLike],
        *,
        num_best: int = 1,
        seed: int | None = None,
        log_probabilities: bool = False,
        timeout: float | None = None,
        **decoding: Unpack[DecodingOptions],
    ) -> list[GeneratedSequences]: ...
    async def caption(
        self,
        model: str,
        images: ImageLike | Sequence[ImageLike],
        *,
        num_best: int = 1,
        seed: int | None = None,
        log_probabilities: bool = False,
        timeout: float | None = None,
        **decoding: Unpack[DecodingOptions],
    ) -> GeneratedSequences | list[GeneratedSequences]:
        """Describe pictures in words.

        Args:
            model: "name", "name/version" or "name@alias".
            images: one picture, or a list of them that travels in one call.
            num_best: captions of each, best first: at most 64 where words are drawn, else 16 by beam search, and
                at most `num_beams` where that is given.
            seed: where words are drawn; None: one is chosen, and told in the metadata.
            log_probabilities: give that of each token.
            timeout: seconds for the call and its retries; None: the client's.
            decoding: how words are chosen, see `DecodingOptions`.

        Returns:
            The captions of one picture; a list in the same order for a list.

        Raises:
            PodiumError: by who is to blame, see `podium_client.errors`.
            OSError: a file cannot be read.
        """
        one, pictures = one_or_many(images)
        request = wire.CaptionRequest(
            model=model,
            decoding=decoding_message(**decoding),
            seed=None if seed is None else whole(seed, "seed", 0, bits=64),
            num_best=whole(num_best, "num_best", 1),
            return_log_probabilities=log_probabilities,
            images=await encode_images_aside(pictures),
        )
        response = await self._caller.call(self._captions.Caption, request, self._limit_s(timeout))
        metadata, usage = read_metadata(response.metadata), read_usage(response.usage)
        results = [
            read_sequences(result.captions, metadata, usage, with_log_probabilities=log_probabilities)
            for result in response.results
        ]
        return results[0] if one else results

    def stream_caption(
        self,
        model: str,
        image: ImageLike,
        *,
        num_captions: int = 1,
        seed: int | None = None,
        log_probabilities: bool = False,
        timeout: float | None = None,
        **decoding: Unpack[DecodingOptions],
    ) -> AsyncTextStream:
        """Describe a picture, and give the caption word by word as it is written: the one that `caption` gives.

        Leaving the iteration cancels the call. `timeout` runs until the last piece; see `caption` for the rest.
        """
        request = wire.StreamCaptionRequest(
            model=model,
            decoding=decoding_message(**decoding),
            seed=None if seed is None else whole(seed, "seed", 0, bits=64),
            num_captions=whole(num_captions, "num_captions", 1),
            return_log_probabilities=log_probabilities,
        )
        responses = self._captioned(request, image, self._limit_s(timeout))
        return AsyncTextStream(responses, Gathered(num_captions, with_log_probabilities=log_probabilities))

    async def _captioned(
        self, request: wire.StreamCaptionRequest, image: ImageLike, limit_s: float
    ) -> AsyncGenerator[wire.StreamCaptionResponse, None]:
        request.image.CopyFrom((await encode_images_aside([image]))[0])
        responses = self._caller.stream(self._captions.StreamCaption, request, limit_s)
        try:
            async for response in responses:
                yield response
        finally:
            await responses.aclose()
