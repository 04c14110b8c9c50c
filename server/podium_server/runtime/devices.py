"""The devices that graphs can run on, by their names on the command line; `probe.py` finds out which work."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

CPU_PROVIDER = "CPUExecutionProvider"
AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Kind:
    """A family of devices.

    Attributes:
        provider: ONNX Runtime's execution provider.
        package: what to install where the provider is not built in.
        has_index: whether a machine may have several, told apart by the provider's option `device_id`.
        behind: the providers that take the operators this one cannot run; the CPU's always does, last.
    """

    provider: str
    package: str
    has_index: bool = False
    behind: tuple[str, ...] = ()


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "cpu": Kind(CPU_PROVIDER, "onnxruntime"),
        "cuda": Kind("CUDAExecutionProvider", "onnxruntime-gpu", has_index=True),
        "tensorrt": Kind(
            "TensorrtExecutionProvider", "onnxruntime-gpu", has_index=True, behind=("CUDAExecutionProvider",)
        ),
        "migraphx": Kind("MIGraphXExecutionProvider", "onnxruntime-migraphx", has_index=True),
        "openvino": Kind("OpenVINOExecutionProvider", "onnxruntime-openvino"),
        "coreml": Kind("CoreMLExecutionProvider", "onnxruntime on macOS"),
    }
)


@dataclass(frozen=True, slots=True)
class Device:
    """Where graphs run.

    Attributes:
        name: as on the command line, such as "cpu" or "cuda:1"; never "auto".
        provider: the execution provider that a session must report first.
        providers: what `onnxruntime.InferenceSession` takes: names and options, best first.
        package: the package whose ONNX Runtime has the provider.
    """

    name: str
    provider: str
    providers: tuple[tuple[str, Mapping[str, str]], ...]
    package: str


def parse_device(name: str) -> Device:
    """Read a device's name without looking whether it is there.

    Raises:
        ValueError: if there is no such name; the message lists those that there are.
    """
    kind_name, colon, index = name.partition(":")
    kind = KINDS.get(kind_name)
    if kind is None or (colon and not (kind.has_index and re.fullmatch("[0-9]{1,3}", index))):
        raise ValueError(f'must be {AUTO}, {", ".join(KINDS)}, or one GPU of several, such as "cuda:1"')
    options = MappingProxyType({"device_id": index} if index else {})
    providers = [(provider, options) for provider in (kind.provider, *kind.behind)]
    if kind.provider != CPU_PROVIDER:
        providers.append((CPU_PROVIDER, MappingProxyType({})))
    return Device(name, kind.provider, tuple(providers), kind.package)
