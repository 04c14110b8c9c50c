"""The `podium` command whose observability can be taken out and put back: what `observability.py` measures.

No setting turns metrics, request ids or `server-timing` off. After SIGUSR1 a call is let in and let go as ever, and
nothing of it is counted, timed, named or told; after SIGHUP it is counted, timed and named, and its caller is told
nothing of that; SIGUSR2 puts all back.
"""

import signal
from collections.abc import Mapping
from typing import Any

from podium_client.main import main as podium
from podium_server import call
from podium_server.call import Call
from podium_server.gate import Context, Gate
from podium_server.ledger import Ledger
from podium_server.servable import Servable
from podium_server.usage import Usage


def _no_id(_: object) -> str:
    return ""


def _open(_: Ledger, context: Context, gate: Gate) -> Call:
    return Call(context, gate)


def _close(_: Ledger, call: Call, *_told: object, **_limit: object) -> None:
    call.let_go()


def _answered(self: Call, servable: Servable, **_told: object) -> None:
    self.servable = servable


def _nothing(*_: object, **_told: object) -> None:
    pass


WITHOUT: Mapping[tuple[Any, str], object] = {
    (call, "request_id_of"): _no_id,
    (Call, "name"): _nothing,
    (Call, "answered"): _answered,
    (Ledger, "open"): _open,
    (Ledger, "close"): _close,
    (Usage, "answered"): _nothing,
    (Usage, "failed"): _nothing,
    (Usage, "ran"): _nothing,
}


UNTOLD: Mapping[tuple[Any, str], object] = {(Call, "name"): _nothing, (Call, "_tell"): _nothing}


def main() -> None:
    """Run the command line, and listen to signals."""
    as_it_comes = {(owner, name): getattr(owner, name) for owner, name in {**WITHOUT, **UNTOLD}}
    states = {signal.SIGUSR1: WITHOUT, signal.SIGHUP: UNTOLD, signal.SIGUSR2: {}}

    def put(number: int, _frame: object) -> None:
        for (owner, name), function in {**as_it_comes, **states[signal.Signals(number)]}.items():
            setattr(owner, name, function)

    for number in states:
        signal.signal(number, put)
    podium(prog_name="podium")


if __name__ == "__main__":
    main()
