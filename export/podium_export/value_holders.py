"""Classes that only hold values, which `--allow` lets a checkpoint bring along.

PyTorch's restricted reader makes one without calling anything of the file's: an empty object, whose attributes are
then set. Nothing that computes, imports or opens belongs here.
"""

import argparse
import types
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from podium_export.errors import OptionError

VALUE_HOLDERS: Mapping[str, type] = types.MappingProxyType(
    {"argparse.Namespace": argparse.Namespace, "types.SimpleNamespace": types.SimpleNamespace}
)
"""Every such class by the name that checkpoints ask for."""


def holders_named(names: Collection[str]) -> list[Callable[..., Any] | tuple[Callable[..., Any], str]]:
    """Look classes up.

    Raises:
        OptionError: one of them is not known to hold values alone.
    """
    for name in names:
        if name not in VALUE_HOLDERS:
            raise OptionError(
                f"--allow {name}: podium cannot vouch for it; what may be allowed only holds values: "
                f"{', '.join(VALUE_HOLDERS)}"
            )
    return [VALUE_HOLDERS[name] for name in names]


def advice(wanted: Sequence[str]) -> str:
    """Say how a refused checkpoint can be read after all; empty where it asks for more than holders of values."""
    if not wanted or not set(wanted) <= set(VALUE_HOLDERS):
        return ""
    flags = " ".join(f"--allow {name}" for name in wanted)
    subject = "it only holds values" if len(wanted) == 1 else "they only hold values"
    return f"\nOr add {flags}: {subject}, and podium reads it without running anything."
