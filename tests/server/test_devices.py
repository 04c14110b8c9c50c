"""A device that was asked for is there and works, or the error says why in the loader's own words."""

import os

import onnxruntime
import pytest
from podium_server.runtime.devices import parse_device
from podium_server.runtime.opening import WrongProvider, open_session
from podium_server.runtime.probe import DeviceUnavailable, choose_device, explain

# What onnxruntime-gpu 1.31.1 writes on a machine without CUDA, with its colours and timestamps.
CUDA_LOG = (
    "\x1b[0;93m2026-11-25 09:24:23.113383572 [W:onnxruntime:Default, onnxruntime_pybind_state.cc:856 operator()] "
    "No registered plugin EP device found for 'CUDAExecutionProvider' with device_id=0\x1b[m\n"
    "\x1b[1;31m2026-11-25 09:24:23.114589148 [E:onnxruntime:Default, provider_bridge_ort.cc:2458 operator()] "
    "/onnxruntime_src/onnxruntime/core/session/provider_bridge_ort.cc:2043 onnxruntime::Provider& "
    "onnxruntime::ProviderLibrary::Get() [ONNXRuntimeError] : 1 : FAIL : Failed to load library "
    "/site-packages/libonnxruntime_providers_cuda.so with error: libcublasLt.so.13: cannot open shared object "
    "file: No such file or directory\n\x1b[m\n"
    "\x1b[0;93m2026-11-25 09:24:23.114602868 [W:onnxruntime:Default, onnxruntime_pybind_state.cc:1295 "
    "CreateExecutionProviderFactoryInstance] Failed to create CUDAExecutionProvider. Require cuDNN 9.* and "
    "CUDA 13.*.\x1b[m\n"
)


class FallenSession:
    """A session as ONNX Runtime gives it when CUDA's libraries are missing: it logs, and runs on the CPU."""

    def __init__(self) -> None:
        os.write(2, CUDA_LOG.encode())

    def get_providers(self) -> list[str]:
        """Return what is left."""
        return ["CPUExecutionProvider"]


@pytest.fixture
def broken_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    """An ONNX Runtime that was built for CUDA on a machine without it; the CPU works."""
    real = onnxruntime.InferenceSession

    def session(
        model: bytes, options: object, providers: list[tuple[str, dict[str, str]]], *, enable_fallback: bool
    ) -> object:
        on_cpu = providers[0][0] == "CPUExecutionProvider"
        return real(model, options, providers, enable_fallback=enable_fallback) if on_cpu else FallenSession()

    built_for = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: built_for)
    monkeypatch.setattr(onnxruntime, "InferenceSession", session)


def test_cpu_runs_here() -> None:
    """The CPU's provider is in every ONNX Runtime, and runs the probe's graph."""
    choice = choose_device("cpu")
    assert (choice.device.name, choice.device.provider) == ("cpu", "CPUExecutionProvider")


def test_an_index_reaches_every_gpu_provider_and_the_cpu_comes_last() -> None:
    """TensorRT leaves what it cannot run to CUDA on the same GPU, then to the CPU."""
    device = parse_device("tensorrt:1")
    assert [(name, dict(options)) for name, options in device.providers] == [
        ("TensorrtExecutionProvider", {"device_id": "1"}),
        ("CUDAExecutionProvider", {"device_id": "1"}),
        ("CPUExecutionProvider", {}),
    ]


@pytest.mark.parametrize("name", ["", "gpu", "CUDA", "cuda:", "cuda:x", "cuda:-1", "cpu:0", "cuda:1:2"])
def test_a_name_that_is_none_is_answered_with_those_that_are(name: str) -> None:
    """The error lists the devices, and shows how one of several is named."""
    with pytest.raises(ValueError, match=r'must be auto, cpu, cuda, .* such as "cuda:1"'):
        parse_device(name)


def test_a_provider_that_is_not_built_in_names_the_package_that_has_it() -> None:
    """The plain onnxruntime has no CoreML on Linux; the error says what is there and what to install."""
    with pytest.raises(DeviceUnavailable, match=r"no OpenVINOExecutionProvider; install onnxruntime-openvino"):
        choose_device("openvino")


@pytest.mark.usefixtures("broken_cuda")
def test_a_session_that_fell_back_is_refused_with_the_loaders_reason(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """ONNX Runtime only logs a missing library; the error carries that line, and the terminal does not."""
    with pytest.raises(DeviceUnavailable, match=r"device cuda: .*libcublasLt\.so\.13: cannot open shared"):
        choose_device("cuda")
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("broken_cuda")
def test_auto_takes_the_cpu_when_cuda_is_broken_and_says_why() -> None:
    """What `auto` passed over is reported, for the log."""
    choice = choose_device("auto")
    assert choice.device.name == "cpu"
    assert len(choice.passed_over) == 1
    assert "libcublasLt.so.13" in choice.passed_over[0]


@pytest.mark.usefixtures("broken_cuda")
def test_a_models_session_that_fell_back_is_refused() -> None:
    """Not only the probe's session is checked: each model's is."""
    with pytest.raises(WrongProvider, match="took CPUExecutionProvider in place of CUDAExecutionProvider"):
        open_session(b"", [(name, dict(options)) for name, options in parse_device("cuda").providers])


def test_the_reason_is_the_loaders_words_without_their_frame() -> None:
    """Colours, timestamps, C++ source positions and the status' text form are dropped; errors come first."""
    assert explain("", CUDA_LOG) == (
        "Failed to load library /site-packages/libonnxruntime_providers_cuda.so with error: libcublasLt.so.13: "
        "cannot open shared object file: No such file or directory; No registered plugin EP device found for "
        "'CUDAExecutionProvider' with device_id=0; Failed to create CUDAExecutionProvider. Require cuDNN 9.* "
        "and CUDA 13.*"
    )


def test_an_exceptions_text_loses_its_frame_too() -> None:
    """TensorRT's missing libraries come as an exception, as onnxruntime-gpu 1.31.1 words it."""
    raised = (
        "/onnxruntime_src/onnxruntime/python/onnxruntime_pybind_state.cc:729 void "
        "onnxruntime::python::RegisterTensorRTPluginsAsCustomOps(PySessionOptions&, const "
        "onnxruntime::ProviderOptions&) Please install TensorRT libraries.\n "
    )
    assert explain(raised, "") == "Please install TensorRT libraries"
