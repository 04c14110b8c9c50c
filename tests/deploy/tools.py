"""Debian's Prometheus where it is installed: `apt-get install prometheus` brings it and promtool."""

import shutil

import pytest


def require_tool(name: str) -> str:
    """Find a program of Debian's package, or skip."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed: apt-get install --no-install-recommends prometheus brings it")
    return path
