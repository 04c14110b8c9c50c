"""What every answer says of its making: who answered, from which seed, and where the time went."""

import time

from podium.v1 import response_metadata_pb2

from podium_server.call import Call
from podium_server.servable import Servable
from podium_server.spent import Spent


def answered(
    call: Call, servable: Servable, spent: Spent, seed: int | None = None
) -> response_metadata_pb2.ResponseMetadata:
    """Report the answer, once it is made; what it says of its making."""
    call.answered(servable, preprocess_s=spent.preprocess_s, run=spent.run, encode_s=spent.encode_s)
    return timed_metadata(call, servable, spent, seed)


def metadata(servable: Servable, seed: int | None = None) -> response_metadata_pb2.ResponseMetadata:
    """Who answers, and the seed; None where nothing is drawn."""
    return response_metadata_pb2.ResponseMetadata(
        model=servable.name, version=servable.version, seed=seed, execution_provider=servable.provider
    )


def timed_metadata(
    call: Call, servable: Servable, spent: Spent, seed: int | None = None
) -> response_metadata_pb2.ResponseMetadata:
    """Who answers, the seed, and where the time went so far."""
    said = metadata(servable, seed)
    timings = said.timings
    timings.total_ms = (time.monotonic() - call.began) * 1e3
    timings.preprocess_ms = spent.preprocess_s * 1e3
    timings.queue_ms = spent.queue_s * 1e3
    timings.run_ms = spent.run_s * 1e3
    return said
