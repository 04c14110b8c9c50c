"""A running server."""

from collections.abc import AsyncIterator

import pytest
from podium_server.metrics import Metrics

from tests.server.rpc.wire import Wire


@pytest.fixture
async def wire(metrics: Metrics) -> AsyncIterator[Wire]:
    """A running server."""
    wire = Wire(metrics)
    await wire.server.start()
    yield wire
    await wire.channel.close()
    await wire.server.stop(None)
