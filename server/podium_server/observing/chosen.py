"""Who looks on at the calls of a server, as its settings say. What is off is not imported."""

from podium_server.observing.access_log import AccessLog
from podium_server.observing.observer import CallObserver
from podium_server.settings import Settings


class ObserverUnavailable(Exception):
    """What an operator asked for cannot look on; the message names the setting and what would help."""


def choose_observers(settings: Settings) -> list[CallObserver]:
    """Make the observers that an operator asked for; none by default.

    Raises:
        ObserverUnavailable: traces are asked for where OpenTelemetry is not installed, or calls to be kept where
            nothing can be written.
    """
    observers: list[CallObserver] = []
    if settings.access_log:
        observers.append(AccessLog())
    if settings.traces is not None:
        try:
            from podium_server.observing.traces import Traces
        except ImportError as error:
            message = f"traces: OpenTelemetry is not installed ({error.name}): pip install 'podium[traces]'"
            raise ObserverUnavailable(message) from error
        observers.append(Traces(settings.traces, settings.trace_share))
    if settings.capture_dir is not None:
        from podium_server.observing.capture import Capture

        try:
            observers.append(Capture(settings.capture_dir, settings.capture_share, settings.capture_bytes))
        except OSError as error:
            raise ObserverUnavailable(
                f"capture-dir: {error.filename}: {error.strerror}; give a folder that this user can write"
            ) from error
    return observers
