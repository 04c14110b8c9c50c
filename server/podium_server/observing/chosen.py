"""Who looks on at the calls of a server, as its settings say. What is off is not imported."""

from podium_server.observing.access_log import AccessLog
from podium_server.observing.observer import CallObserver
from podium_server.settings import Settings


def choose_observers(settings: Settings) -> list[CallObserver]:
    """Make the observers that an operator asked for; none by default."""
    observers: list[CallObserver] = []
    if settings.access_log:
        observers.append(AccessLog())
    return observers
