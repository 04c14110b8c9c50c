"""Which versions of podium and of what it stands on run here."""

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

# ONNX Runtime comes under several names, for its execution providers.
_RUNTIMES = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-rocm", "onnxruntime-openvino", "onnxruntime-directml")


def runtime_versions() -> Mapping[str, str]:
    """Versions by name: podium, Python, and the libraries that an answer may depend on; empty for what is not known."""
    return {
        "podium": _installed("podium"),
        "python": platform.python_version(),
        "onnxruntime": next(filter(None, map(_installed, _RUNTIMES)), ""),
        "numpy": _installed("numpy"),
        "pillow": _installed("pillow"),
        "grpcio": _installed("grpcio"),
        "protobuf": _installed("protobuf"),
    }


def _installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
