"""Refuses what makes an answer depend on chance or on training.

`eval()` does not reach `F.dropout(x)`, whose `training` is true unless told otherwise, and the converter folds
some such calls away without a word. So every function that the network calls in PyTorch is looked at.
"""

import traceback
from collections.abc import Callable, Mapping
from typing import Any

from torch.overrides import TorchFunctionMode

from podium_export.errors import NetworkError, TrainingMode

_SWITCHED = frozenset(
    [
        "dropout",
        "dropout1d",
        "dropout2d",
        "dropout3d",
        "alpha_dropout",
        "feature_alpha_dropout",
        "batch_norm",
        "rrelu",
        "multi_head_attention_forward",
    ]
)
"""Functions of `torch.nn.functional` that take a `training` switch; they hand it on by name."""

_TRAINING_ARGUMENT: Mapping[str, int] = {
    "dropout": 2,
    "dropout_": 2,
    "alpha_dropout": 2,
    "feature_dropout": 2,
    "feature_alpha_dropout": 2,
    "batch_norm": 5,
    "rrelu": 3,
    "rrelu_": 3,
}
"""Where the functions of `torch` itself take the same switch by position."""

_RANDOM = frozenset(
    [
        "rand",
        "randn",
        "randint",
        "randperm",
        "rand_like",
        "randn_like",
        "randint_like",
        "normal",
        "normal_",
        "uniform_",
        "random_",
        "exponential_",
        "bernoulli",
        "bernoulli_",
        "multinomial",
        "poisson",
        "cauchy_",
        "log_normal_",
        "geometric_",
        "gumbel_softmax",
    ]
)
"""Functions that draw from PyTorch's own stream of random numbers."""


class RefuseChance(TorchFunctionMode):
    """Refuses every call whose answer depends on chance or on the batch-mates, as in training."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if _is_training(name, args, kwargs):
            raise TrainingMode(
                f"{name} runs in training mode although the network is in eval(){calling_line()}\n"
                "Pass training=self.training, or use the module (nn.Dropout, nn.BatchNorm2d), which eval() reaches."
            )
        if name in _RANDOM:
            raise NetworkError(
                f"{name} draws random numbers inside the network{calling_line()}\n"
                "The same request must give the same answer: make the noise an input of the network."
            )
        return func(*args, **kwargs)


def _is_training(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Tell whether a call behaves as in training."""
    if name == "scaled_dot_product_attention":
        return bool(kwargs.get("dropout_p", args[4] if len(args) > 4 else 0.0))
    place = _TRAINING_ARGUMENT.get(name)
    by_place = place is not None and len(args) > place and args[place] is True
    return by_place or (name in _SWITCHED and kwargs.get("training") is True)


def calling_line(error: BaseException | None = None) -> str:
    """Say which line of the user's code was running, as in "; at net.py line 12: x.view(4, -1)"; or nothing."""
    frames = traceback.extract_tb(error.__traceback__) if error else traceback.extract_stack()[:-2]
    ours = ("/torch/", "/podium_export/reference.py", "/podium_export/chance.py", "/podium_export/trace.py")
    theirs = [frame for frame in frames if not any(part in frame.filename for part in ours)]
    if not theirs:
        return ""
    frame = theirs[-1]
    return f"; at {frame.filename.rsplit('/', 1)[-1]} line {frame.lineno}: {frame.line}"
