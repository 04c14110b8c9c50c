"""Everything that an operator may set, with its limits; read once by `load_settings.py` and passed down."""

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import platformdirs
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator
from pydantic.config import JsonDict

from podium_server.runtime.devices import AUTO, parse_device
from podium_server.versions.policy import FORMS, Policy, parse_policy

KIB, MIB, GIB = 2**10, 2**20, 2**30
_UNITS = {"": 1, "b": 1, "k": KIB, "kib": KIB, "m": MIB, "mib": MIB, "g": GIB, "gib": GIB}


def _read_bytes(value: object) -> object:
    """Read "64MiB" as a number of bytes; leave what is something else to the type."""
    if isinstance(value, str) and (match := re.fullmatch(r"\s*(\d+)\s*([a-z]*)\s*", value.lower())):
        unit = _UNITS.get(match[2])
        return value if unit is None else int(match[1]) * unit
    return value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


_Bytes = Annotated[int, BeforeValidator(_read_bytes), Field(ge=1, lt=2 * GIB)]
_Memory = Annotated[int, BeforeValidator(_read_bytes), Field(ge=1, le=1024 * GIB)]
_Port = Annotated[int, Field(ge=0, le=65535)]
_Share = Annotated[float, Field(ge=0, le=1)]
_Count = Annotated[int, Field(ge=1, le=1_000_000)]


def _setting(default: Any, description: str, must: str = "") -> Any:
    """Declare a setting.

    Args:
        default: its value when nobody sets it; a function is called for it; ... where it must be set.
        description: for `--help`.
        must: completes "must be"; empty where each error has its own words.
    """
    extra: JsonDict = {"must": must}
    if callable(default):
        return Field(default_factory=default, description=description, json_schema_extra=extra)
    return Field(default, description=description, json_schema_extra=extra)


class Settings(BaseModel):
    """How this server runs: frozen, valid on its own and together."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    repository: Path = _setting(..., "Folder of models: REPOSITORY/MODEL/VERSION/.")
    host: str = _setting("127.0.0.1", "Address to listen on; 0.0.0.0 for all of IPv4, :: for all.")
    grpc_port: _Port = _setting(8001, "Port for gRPC; 0 takes any free one.", "0 … 65535")
    http_port: _Port = _setting(8000, "Port for metrics and probes; 0 takes any free one.", "0 … 65535")
    tls_certificate: Path | None = _setting(
        None, "PEM file of the server's certificate and those between it and its authority; with --tls-key: TLS."
    )
    tls_key: Path | None = _setting(None, "PEM file of the certificate's private key, without a passphrase.")
    tls_client_ca: Path | None = _setting(
        None, "PEM file of the authorities whose certificates callers must show. [default: nobody must show one]"
    )
    tokens: Path | None = _setting(
        None, "File of the tokens that callers may show; see `podium token`. [default: everybody may call]"
    )
    device: str = _setting(AUTO, "auto, cpu, cuda, cuda:1, tensorrt, migraphx, openvino or coreml.")
    versions: Annotated[Policy, BeforeValidator(parse_policy)] = _setting(
        Policy(), "Versions of each model to serve: all, latest:N, or listed:N,N,….", FORMS
    )
    watch: Annotated[Literal["auto", "events", "polling", "off"], BeforeValidator(_lower)] = _setting(
        "auto",
        "How changes of the repository are noticed: by file events, by polling, or not (off); auto: by events, but by "
        "polling on a network file system.",
        "auto, events, polling or off",
    )
    memory_budget: _Memory | None = _setting(
        None,
        "Bytes that loaded models may take, such as 4GiB; they are loaded when they are called, and the one unused for "
        "the longest makes room. [default: all are loaded at the start]",
        "1 … 1099511627776 bytes, or such as 4GiB",
    )
    workers: Annotated[int, Field(ge=1, le=1024)] = _setting(
        1, "Processes that serve on the same ports, each with its share of the cores.", "a whole number, 1 … 1024"
    )
    cores: _Count | None = _setting(
        None, "Cores to compute on. [default: what the container is allowed]", "a whole number, 1 or more"
    )
    sessions: _Count | None = _setting(
        None, "Runs of a graph side by side; set with --threads. [default: measured]", "a whole number, 1 or more"
    )
    threads: _Count | None = _setting(
        None, "Threads inside a run; set with --sessions. [default: measured]", "a whole number, 1 or more"
    )
    max_batch_rows: _Count | None = _setting(
        None, "Most rows that a run takes. [default: measured]", "a whole number, 1 or more"
    )
    queue_rows: _Count = _setting(1024, "Most rows that wait for a graph.", "a whole number, 1 … 1000000")
    max_queue_s: Annotated[float, Field(gt=0, le=86_400)] | None = _setting(
        None,
        "Longest time that a request waits for a graph. [default: as long as its caller]",
        "above 0, at most 86400 seconds",
    )
    max_message_bytes: _Bytes = _setting(
        64 * MIB, "Largest message, in and out. [default: 64MiB]", "1 … 2147483647 bytes, or such as 64MiB"
    )
    max_image_bytes: _Bytes = _setting(
        32 * MIB, "Largest encoded image. [default: 32MiB]", "1 … 2147483647 bytes, or such as 32MiB"
    )
    max_image_pixels: Annotated[int, Field(ge=1, le=1_000_000_000)] = _setting(
        50_000_000, "Most pixels of a decoded image.", "1 … 1000000000 pixels"
    )
    max_images_per_request: _Count = _setting(256, "Most images of a call.", "a whole number, 1 … 1000000")
    max_video_bytes: _Bytes = _setting(
        256 * MIB,
        "Largest clip of a call, as a file or as frames. [default: 256MiB]",
        "1 … 2147483647 bytes, or such as 64MiB",
    )
    max_video_frames: _Count = _setting(10_000, "Most frames of a clip.", "a whole number, 1 … 1000000")
    max_video_pixels: Annotated[int, Field(ge=1, le=1_000_000_000)] = _setting(
        8_847_360, "Most pixels of a frame of a video file.", "1 … 1000000000 pixels"
    )
    max_silence_s: Annotated[float, Field(gt=0, le=86_400)] = _setting(
        300.0, "Longest time that a stream of frames may be silent.", "above 0, at most 86400 seconds"
    )
    max_calls_per_client: _Count | None = _setting(
        None,
        "Most calls of one client at a time: of a token's name, else of an address. [default: any number]",
        "a whole number, 1 … 1000000",
    )
    max_rate_per_client: Annotated[float, Field(gt=0, le=1_000_000)] | None = _setting(
        None,
        "Most requests a second of one client, and as many at once after a rest. [default: any number]",
        "above 0, at most 1000000 a second",
    )
    max_calls_per_model: _Count | None = _setting(
        None, "Most calls of one model at a time. [default: any number]", "a whole number, 1 … 1000000"
    )
    max_request_memory_bytes: _Memory | None = _setting(
        None,
        "Most bytes of requests in the server at a time; such as 2GiB. [default: any number]",
        "1 … 1099511627776 bytes, or such as 2GiB",
    )
    max_prompt_tokens: _Count = _setting(
        65_536, "Most tokens that a call may bring: of its prompt, or of all its texts.", "a whole number, 1 … 1000000"
    )
    max_output_tokens: _Count = _setting(
        8192, "Most tokens that a sequence may be asked for.", "a whole number, 1 … 1000000"
    )
    max_sequences_per_request: _Count = _setting(
        1024, "Most sequences that a call may write, beams included.", "a whole number, 1 … 1000000"
    )
    keepalive_min_interval_s: Annotated[float, Field(ge=0, le=3600)] = _setting(
        1.0, "Shortest time between a client's keepalive pings.", "0 … 3600 seconds"
    )
    drain_s: Annotated[float, Field(ge=0, le=3600)] = _setting(
        30.0, "Longest time that accepted calls get at the end.", "0 … 3600 seconds"
    )
    reflection: bool = _setting(True, "Describe the services to clients that ask.", "true or false")
    remeasure: bool = _setting(False, "Measure how graphs run best again, whatever is remembered.", "true or false")
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = _setting(
        "info", "debug, info, warning or error.", "debug, info, warning or error"
    )
    log_format: Annotated[Literal["text", "json"], BeforeValidator(_lower)] = _setting(
        "text", "text or json.", "text or json"
    )
    capture_dir: Path | None = _setting(
        None,
        "Folder to keep calls in, for `podium replay`: what callers send and are answered. [default: none are kept]",
    )
    capture_share: _Share = _setting(1.0, "Share of calls to keep, chosen by request id.", "a number, 0 … 1")
    capture_bytes: _Memory = _setting(
        256 * MIB,
        "Bytes that kept calls may take together; the oldest make room. [default: 256MiB]",
        "1 … 1099511627776 bytes, or such as 4GiB",
    )
    access_log: bool = _setting(False, "Write a line of the log for each call.", "true or false")
    traces: str | None = _setting(
        None, "OTLP collector to send traces to by gRPC, such as http://127.0.0.1:4317. [default: none are made]"
    )
    trace_share: _Share = _setting(
        1.0, "Share of the traces that begin here; callers decide of theirs.", "a number, 0 … 1"
    )
    cache_dir: Path = _setting(
        lambda: platformdirs.user_cache_path("podium"), "Folder where measurements are remembered."
    )

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_truth_for_numbers(cls, value: object, info: ValidationInfo) -> object:
        """Refuse `true`, which Python counts as 1, where a file gives it for a number."""
        if isinstance(value, bool) and cls.model_fields[str(info.field_name)].annotation is not bool:
            raise ValueError
        return value

    @field_validator("repository")
    @classmethod
    def _check_repository(cls, path: Path) -> Path:
        try:
            next(path.iterdir(), None)
        except FileNotFoundError as error:
            raise ValueError("there is no such folder") from error
        except NotADirectoryError as error:
            raise ValueError("must be a folder of models; this is a file") from error
        except OSError as error:
            raise ValueError(f"must be a folder that this user can read: {error.strerror}") from error
        if (path / "model.json").exists():
            raise ValueError(f"must be a folder of models; this is one version: give {path.absolute().parents[1]}")
        if next(path.glob("[1-9]*/model.json"), None) is not None:
            raise ValueError(f"must be a folder of models; this is one model: give {path.absolute().parent}")
        return path

    @field_validator("cache_dir", "capture_dir")
    @classmethod
    def _check_folder(cls, path: Path | None) -> Path | None:
        if path is not None and path.exists() and not path.is_dir():
            raise ValueError("must be a folder, which may be missing; this is a file")
        return path

    @field_validator("host")
    @classmethod
    def _check_host(cls, host: str) -> str:
        bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
        try:
            ipaddress.ip_address(bare)
        except ValueError:
            if not re.fullmatch(r"(?=.*[A-Za-z])[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", bare):
                message = "must be an address or a host name of this machine, without scheme and port"
                raise ValueError(message) from None
        return bare

    @field_validator("traces")
    @classmethod
    def _check_traces(cls, endpoint: str | None) -> str | None:
        if endpoint is not None:
            parts = urlsplit(endpoint)
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
                raise ValueError(
                    "must be http://HOST:PORT, or https:// with TLS, of a collector's port for OTLP by gRPC"
                )
        return endpoint

    @field_validator("device")
    @classmethod
    def _check_device(cls, device: str) -> str:
        if device != AUTO:
            parse_device(device)
        return device
