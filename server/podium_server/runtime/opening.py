"""Opens an ONNX Runtime session that stays on the execution provider that was asked for."""

from collections.abc import Sequence
from typing import Any

import onnxruntime as ort


class WrongProvider(Exception):
    """ONNX Runtime took another execution provider than the one asked for; the message names both."""


def open_session(
    model: str | bytes, providers: Sequence[tuple[str, dict[str, str]]], options: Any = None
) -> ort.InferenceSession:
    """Open a session.

    ONNX Runtime's fallback is off, at creation and at a failing run alike: it would move the session to the CPU for
    good and only print that it did.

    Args:
        model: the ONNX file's path or its bytes.
        providers: execution providers by preference, with their options.
        options: an `onnxruntime.SessionOptions`; ONNX Runtime's defaults when None.

    Raises:
        WrongProvider: the session runs without the first provider.
        Exception: whatever ONNX Runtime raises for a graph that it cannot load.
    """
    session = ort.InferenceSession(model, options, providers=list(providers), enable_fallback=False)
    asked, taken = providers[0][0], session.get_providers()[0]
    if taken != asked:
        raise WrongProvider(f"ONNX Runtime took {taken} in place of {asked}")
    return session
