"""What a call for samples asks for: checked once, then drawn piece by piece.

Shapes: N pictures, D dimensions.
"""

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from podium.v1 import image_service_pb2 as wire

from podium_server.errors import InvalidArgument
from podium_server.philox import MAX_INDEX
from podium_server.pictures.asked_class import asked_class
from podium_server.pictures.latent_space import LatentSpace
from podium_server.pictures.picture_model import PictureModel
from podium_server.pictures.prior import Variety
from podium_server.seed import choose_seed

Request: TypeAlias = wire.SampleRequest | wire.StreamSampleRequest

MAX_TEMPERATURE = 100.0
# Of draws within 0.1 standard deviations one in 13 is kept; closer, drawing again takes longer than decoding.
MIN_TRUNCATION = 0.1


class Sampling:
    """The latents of one call; latent i depends on the seed and its index, first_index + i, alone.

    Attributes:
        seed: the caller's, or one chosen now.
        count: N, 1 or more.
    """

    def __init__(self, request: Request, model: PictureModel, max_count: int) -> None:
        """Check a request.

        Args:
            request: the call.
            model: who answers.
            max_count: the most pictures of such a call.

        Raises:
            WrongTask: the model has nothing to sample from.
            InvalidArgument: a field has a value that it may not have.
        """
        if model.space is None or not model.space.has_prior:
            raise model.without("no prior to sample from")
        self._space = model.space
        self.count = request.count or 1
        if self.count > max_count:
            more = "; StreamSample gives up to 1,000,000" if isinstance(request, wire.SampleRequest) else ""
            raise InvalidArgument(f"count: is {self.count}; a call gives 1 … {max_count:,} pictures{more}", "count")
        self._first_index = request.first_index
        if self._first_index + self.count - 1 > MAX_INDEX:
            raise InvalidArgument(
                f"first_index: is {self._first_index}; with count {self.count} it must be at most "
                f"{MAX_INDEX - self.count + 1}, for the last index is 2^64 - 1",
                "first_index",
            )
        self._variety = _variety(request, model.space)
        self._class = asked_class(request, model)
        self.seed: int = request.seed if request.HasField("seed") else choose_seed()

    @property
    def num_columns(self) -> int | None:
        """One column a class, where every class comes in turn; None for no such order."""
        classes = self._space.classes
        return classes.num_classes if classes is not None and self._class is None else None

    def draw(self, start: int, count: int) -> tuple[NDArray[np.float32], NDArray[np.int64] | None]:
        """Draw some of the latents.

        Args:
            start: the first one's place in the answer.
            count: how many.

        Returns:
            Latents (count, D), and each one's class (count,) for conditional models.
        """
        index = np.uint64(self._first_index + start) + np.arange(count, dtype=np.uint64)
        classes = self._classes(index)
        return self._space.prior.draw(self.seed, index, self._variety, classes), classes

    def _classes(self, index: NDArray[np.uint64]) -> NDArray[np.int64] | None:
        if self._space.classes is None:
            return None
        if self._class is not None:
            return np.full(len(index), self._class, np.int64)
        return (index % np.uint64(self._space.classes.num_classes)).astype(np.int64)


def _variety(request: Request, space: LatentSpace) -> Variety:
    for field, value in (("temperature", request.temperature), ("truncation", request.truncation)):
        if value and not space.prior.normal.any():
            raise InvalidArgument(f"{field}: applies to normal priors; this model's is not. Leave it out", field)
    temperature, truncation = request.temperature, request.truncation
    if temperature and not 0.0 < temperature <= MAX_TEMPERATURE:
        raise InvalidArgument(
            f"temperature: is {temperature}; it must be above 0 and at most {MAX_TEMPERATURE:g}, or 0 for 1",
            "temperature",
        )
    if truncation and not (math.isfinite(truncation) and truncation >= MIN_TRUNCATION):
        raise InvalidArgument(
            f"truncation: is {truncation}; it must be {MIN_TRUNCATION:g} standard deviations or more, or 0 for none",
            "truncation",
        )
    return Variety(temperature or 1.0, truncation or None)
