"""A line of the log for each call, for operators who want one."""

import logging

from podium_server.observing.observer import BegunCall, EndedCall

log = logging.getLogger("podium_server.access")


class AccessLog:
    """Writes a line when a call ends."""

    def began(self, call: BegunCall) -> "AccessLine":
        """Look on at a call."""
        return AccessLine(call)

    def close(self) -> None:
        """Do nothing: a line is written when its call ends."""


class AccessLine:
    """The line of one call."""

    __slots__ = ("_begun",)

    trace_id = ""
    keeps = False

    def __init__(self, begun: BegunCall) -> None:
        self._begun = begun

    def ended(self, call: EndedCall) -> None:
        """Write it: for people as words, for programs as fields."""
        begun, servable = self._begun, call.servable
        model = f"{servable.name}/{servable.version}" if servable else ""
        milliseconds = round(call.seconds * 1e3, 3)
        fields = {
            "method": begun.method,
            "code": call.code,
            "model": servable.name if servable else "",
            "version": servable.version if servable else None,
            "peer": begun.peer,
            "total_ms": milliseconds,
            **{f"{phase.name}_ms": round(phase.seconds * 1e3, 3) for phase in call.phases},
        }
        log.info(
            "%s %s %s %.3f ms from %s", begun.method, model or "-", call.code, milliseconds, begun.peer,
            extra={"fields": fields},
        )  # fmt: skip
