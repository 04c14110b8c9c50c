"""`ClassifyFrames`: frames in, an answer a frame out as they come."""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from numpy.typing import NDArray
from podium.v1 import classification_service_pb2 as wire

from podium_server.call import Call
from podium_server.errors import InvalidArgument
from podium_server.services.clip_call import ClipCall, check_options, next_message


async def rows_of(
    requests: AsyncIterator[wire.ClassifyFramesRequest],
    first: wire.ClassifyFramesRequest,
    call: Call,
    work: ClipCall,
    *,
    max_silence_s: float,
) -> AsyncGenerator[NDArray[Any], None]:
    """Read frames one after another; each while the door is held, which a draining server shuts.

    Raises:
        InvalidArgument: one cannot be used.
        NotReady: the server drains.
        DeadlineExceeded: nothing came for too long.
    """
    message: wire.ClassifyFramesRequest | None = first
    number = 0
    while message is not None:
        check_options(first=message is first, given=message.HasField("options"))
        if message.HasField("frame"):
            with call.working(message):
                yield await _read(work, message, number)
            number += 1
        elif message is not first:
            raise InvalidArgument("frame: missing; only the first message of a stream may go without one", "frame")
        message = await next_message(requests, max_silence_s, lambda: work.owes)


async def _read(work: ClipCall, message: wire.ClassifyFramesRequest, number: int) -> NDArray[Any]:
    try:
        return await work.read([message.frame], ["frame"])
    except InvalidArgument as error:
        raise InvalidArgument(f"{error.message} (frame {number} of the stream)", error.field_path) from error


async def answers(
    work: ClipCall, rows: AsyncGenerator[NDArray[Any], None], options: wire.ClassifyFramesOptions
) -> AsyncGenerator[wire.ClassifyFramesResponse, None]:
    """Say what each frame shows."""
    begun = False
    seen = work.see(rows, whole=False)
    try:
        async for each in seen:
            result = work.name(each.scores, options.top_k, return_logits=options.return_logits)
            metadata = None if begun else work.metadata()
            begun = True
            yield wire.ClassifyFramesResponse(metadata=metadata, frame_index=each.place, result=result)
    finally:
        await seen.aclose()
