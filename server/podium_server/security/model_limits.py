"""How many calls one model has at a time, whoever sends them."""

from podium_server.errors import ModelBusy
from podium_server.security.client_limits import RETRY_AFTER_S


class ModelLimits:
    """Counts the calls of each model, all its versions together.

    Args:
        max_calls: calls of a model at a time.
    """

    def __init__(self, max_calls: int) -> None:
        self._max_calls = max_calls
        self._calls: dict[str, int] = {}

    def num_calls(self, model: str) -> int:
        """Calls that a model has now."""
        return self._calls.get(model, 0)

    def enter(self, model: str) -> None:
        """Let a call work.

        Raises:
            ModelBusy: the model has as many calls as it may.
        """
        calls = self.num_calls(model)
        if calls >= self._max_calls:
            raise ModelBusy(
                f"model '{model}' has {calls} calls under way, and may have {self._max_calls}; send it again later",
                RETRY_AFTER_S,
            )
        self._calls[model] = calls + 1

    def leave(self, model: str) -> None:
        """A call has ended that was let work."""
        self._calls[model] -= 1
        if not self._calls[model]:
            del self._calls[model]
