"""A stream of samples as one answer, for who keeps calls: what it holds meanwhile is bounded."""

from podium.v1 import image_service_pb2 as wire
from podium.v1 import response_metadata_pb2

from podium_server.call import Call
from podium_server.pictures.limits import MAX_PICTURES

# Of the pictures of one stream. gRPC's clients take as much in one message by default, and the runs that a stream has
# under way hold more.
MAX_BYTES = 4 * 2**20


class WholeSample:
    """The pictures of one stream so far; none where nobody keeps them, or Sample would not give as many.

    Args:
        call: the stream.
        count: pictures that it asks for.
    """

    def __init__(self, call: Call, count: int) -> None:
        self._call = call
        self._pictures: list[wire.Picture] | None = [] if call.is_kept and count <= MAX_PICTURES else None
        self._num_bytes = 0

    def add(self, answer: wire.StreamSampleResponse) -> None:
        """Hold the pictures of one message, unless all together have become too many."""
        if self._pictures is None:
            return
        self._num_bytes += answer.ByteSize()
        if self._num_bytes > MAX_BYTES:
            self._pictures = None
        else:
            self._pictures.extend(answer.pictures)

    def tell(self, metadata: response_metadata_pb2.ResponseMetadata) -> None:
        """Make it the call's answer, where it is held."""
        if self._pictures is not None:
            self._call.whole = wire.SampleResponse(metadata=metadata, pictures=self._pictures)
