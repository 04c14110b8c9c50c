"""What a model measures: names, units, and the way to the network's numbers and back."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from podium.v1 import forecast_service_pb2 as wire
from podium.v1 import model_manifest_pb2 as pb

from podium_server.errors import InvalidArgument
from podium_server.pictures.classes import suggestion

# Numbers of the network farther from 0 mean nothing: no channel is a million times its scale from its offset.
FARTHEST = 1e6


class Channels:
    """The channels of a model, in the network's order.

    Attributes:
        names: one a channel; "" for those without one.
    """

    def __init__(self, channels: Sequence[pb.Channel]) -> None:
        """Compile them.

        Raises:
            ValueError: there are none, two share a name, or a scale is none; begins with the field.
        """
        if not channels:
            raise ValueError("channels are empty; a model measures one or more")
        self.names = [channel.name for channel in channels]
        named = [name for name in self.names if name]
        for name in named:
            if named.count(name) > 1:
                raise ValueError(f"channels: two are called '{name}'")
        self._places = {name: i for i, name in enumerate(self.names) if name}
        self._offsets = np.array([channel.offset for channel in channels], np.float64)
        self._scales = np.array([channel.scale for channel in channels], np.float64)
        for i, (offset, scale) in enumerate(zip(self._offsets, self._scales, strict=True)):
            if not (np.isfinite(offset) and np.isfinite(scale) and scale != 0):
                raise ValueError(f"channels[{i}]: offset is {offset} and scale {scale}; both are finite, a scale not 0")

    def __len__(self) -> int:
        return len(self.names)

    def place(self, reading: wire.Reading, field: str) -> int:
        """Find the channel of a reading.

        Raises:
            InvalidArgument: there is none of that index or name, or none is said.
        """
        if reading.WhichOneof("channel") == "name":
            place = self._places.get(reading.name)
            if place is None:
                known = ", ".join(self._places) or "they have no names; give an index"
                close = suggestion(reading.name, list(self._places))
                raise InvalidArgument(
                    f"{field}.name: there is no channel {reading.name[:100]!r}{close}; the channels are {known}",
                    f"{field}.name",
                )
            return place
        if not reading.HasField("index"):
            raise InvalidArgument(f"{field}: says no channel; set index or name", field)
        return self.checked(reading.index, f"{field}.index")

    def checked(self, index: int, field: str) -> int:
        """Check the index of a channel.

        Raises:
            InvalidArgument: there is none of that index.
        """
        if index >= len(self):
            raise InvalidArgument(f"{field}: is {index}; the channels are 0 … {len(self) - 1}", field)
        return index

    def check(self, place: int, value: float, field: str) -> None:
        """Refuse a value that no channel can have.

        Raises:
            InvalidArgument: it is not finite, or a million times the channel's scale from its offset.
        """
        offset, scale = self._offsets[place], self._scales[place]
        if not abs(value - offset) <= FARTHEST * abs(scale):
            raise InvalidArgument(
                f"{field}: is {value}; it must be a number, at most a million times the channel's scale ({scale:g}) "
                f"from its offset ({offset:g}); leave out what was not measured",
                field,
            )

    def to_network(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bring values (…, C) to the network's numbers."""
        numbers: NDArray[np.float64] = (values - self._offsets) / self._scales
        return numbers

    def from_network(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bring the network's numbers (…, C) to values."""
        values: NDArray[np.float64] = numbers * self._scales + self._offsets
        return values
