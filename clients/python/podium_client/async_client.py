"""The client for programs with an event loop."""

from collections.abc import Sequence
from functools import cached_property
from typing import overload

from podium.v1 import classification_service_pb2, classification_service_pb2_grpc

from podium_client.answers import Classification, read_classifications
from podium_client.captioning_calls import CaptioningCalls
from podium_client.errors import InvalidArgumentError
from podium_client.forecast_calls import ForecastCalls
from podium_client.health import Health
from podium_client.images import ImageLike, encode_images_aside, one_or_many
from podium_client.picture_calls import PictureCalls
from podium_client.text_calls import TextCalls
from podium_client.video_calls import VideoCalls


class AsyncClient(PictureCalls, TextCalls, CaptioningCalls, ForecastCalls, VideoCalls):
    """Calls a podium server; made, used and closed in one event loop.

    Args:
        address: HOST:PORT of the server's gRPC port; several, "a:8001,b:8001", or "dns:///NAME:8001" for all addresses
            of a name: calls go round them, and one whose connection is lost is sent again to another.
        timeout: seconds for a call and its retries, unless the call says otherwise; `math.inf`: no limit.
        retries: when a call of which nothing was run is sent again.
        credentials: for TLS; None: without.
        token: says who calls, for a server that asks; None: nothing is said.

    Raises:
        InvalidArgumentError: the address cannot be meant, or the token cannot be one.
    """

    @cached_property
    def _classification(self) -> "classification_service_pb2_grpc.ClassificationServiceAsyncStub":
        return classification_service_pb2_grpc.ClassificationServiceStub(self._channel)

    @cached_property
    def _health(self) -> Health:
        return Health(self._channel, self._caller)

    @overload  # a str is a Sequence of str too, and is one picture: the first overload wins
    async def classify(  # type: ignore[overload-overlap]
        self,
        model: str,
        images: ImageLike,
        *,
        top_k: int = 5,
        return_logits: bool = False,
        timeout: float | None = None,
    ) -> Classification: ...
    @overload
    async def classify(
        self,
        model: str,
        images: Sequence[ImageLike],
        *,
        top_k: int = 5,
        return_logits: bool = False,
        timeout: float | None = None,
    ) -> list[Classification]: ...
    async def classify(
        self,
        model: str,
        images: ImageLike | Sequence[ImageLike],
        *,
        top_k: int = 5,
        return_logits: bool = False,
        timeout: float | None = None,
    ) -> Classification | list[Classification]:
        """Say what pictures show.

        Args:
            model: "name", "name/version" or "name@alias".
            images: one picture, or a list of them that travels in one call.
            top_k: how many classes to name for each picture, 1 or more.
            return_logits: return the network's raw output too.
            timeout: seconds for the call and its retries; None: the client's.

        Returns:
            One result for one picture; a list in the same order for a list.

        Raises:
            PodiumError: by who is to blame, see `podium_client.errors`.
            OSError: a file cannot be read.
        """
        one, pictures = one_or_many(images)
        if top_k < 1:
            raise InvalidArgumentError(f"top_k: {top_k}; give 1 or more", field="top_k")
        request = classification_service_pb2.ClassifyRequest(
            model=model,
            images=await encode_images_aside(pictures),
            top_k=top_k,
            return_logits=return_logits,
        )
        response = await self._caller.call(self._classification.Classify, request, self._limit_s(timeout))
        results = read_classifications(response, with_logits=return_logits)
        return results[0] if one else results

    async def ready(self, *, timeout: float | None = None) -> bool:
        """Say whether the server answers and serves: its health, as a load balancer would ask."""
        return await self._health.ready(self._limit_s(timeout))

    async def wait_until_ready(self, *, timeout: float | None = None) -> None:
        """Wait until the server serves, whether it has started yet or not.

        Raises:
            DeadlineError: it does not within the timeout.
        """
        await self._health.wait_until_ready(self._limit_s(timeout))
