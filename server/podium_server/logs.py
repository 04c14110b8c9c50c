"""The server's log: one line an event on standard error, as text or as JSON, each with the id of its request."""

import json
import logging
import sys
import time

from podium_server.observing.request_id import current_request_id


class NameRequests(logging.Filter):
    """Give each record the id of the request that it is about: `record.request_id`, empty outside of calls.

    A session's thread runs batches of several callers, and says itself whose request it writes of (`extra`).
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record through."""
        if not hasattr(record, "request_id"):
            record.request_id = current_request_id.get()
        return True


class TextFormatter(logging.Formatter):
    """For people: time, level, logger, message, and the request's id where there is one."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """Render the line without its trace."""
        line = super().formatMessage(record)
        request_id = getattr(record, "request_id", "")
        return f"{line} [request {request_id}]" if request_id else line


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message; request id, fields and trace where there are any."""

    def format(self, record: logging.LogRecord) -> str:
        """Render a record."""
        event: dict[str, object] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id := getattr(record, "request_id", ""):
            event["request_id"] = request_id
        event |= getattr(record, "fields", {})
        if record.exc_info:
            event["trace"] = self.formatException(record.exc_info)
        return json.dumps(event)


def set_up_logs(level: str, style: str) -> None:
    """Send the log to standard error.

    Args:
        level: "debug", "info", "warning" or "error".
        style: "text" or "json".
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(NameRequests())
    handler.setFormatter(JsonFormatter() if style == "json" else TextFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("uvicorn").setLevel("WARNING")  # its starts and ends are ours
