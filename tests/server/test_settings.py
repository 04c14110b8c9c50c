"""Settings come from flags, environment and a file, and each mistake names its setting and its source."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner
from podium_server.command import serve
from podium_server.load_settings import SettingsError, load_settings
from podium_server.settings import Settings
from podium_server.versions.policy import FORMS, Policy
from pydantic import ValidationError


def load(
    repository: Path,
    flags: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
    toml: str | None = None,
) -> Settings:
    """Load settings for a repository, with a file beside it when there is one."""
    file = None if toml is None else repository / "podium.toml"
    if file is not None:
        file.write_text(toml or "", encoding="utf-8")
    return load_settings({"repository": str(repository), **(flags or {})}, environ or {}, file)


def mistakes(repository: Path, **sources: object) -> list[str]:
    """Return the text of every mistake."""
    with pytest.raises(SettingsError) as raised:
        load(repository, **sources)  # type: ignore[arg-type]
    return [problem.text for problem in raised.value.problems]


def test_defaults_are_the_documented_ones(tmp_path: Path) -> None:
    """A repository is all that must be given; the server is then private to its machine."""
    settings = load(tmp_path)
    assert settings.repository == tmp_path
    assert (settings.host, settings.grpc_port, settings.http_port) == ("127.0.0.1", 8001, 8000)
    assert (settings.device, settings.versions, settings.cores) == ("auto", Policy(), None)
    assert settings.max_message_bytes == 64 * 1024 * 1024
    assert settings.queue_rows >= 200, "200 concurrent callers are admitted"


def test_flags_win_over_environment_over_file_over_defaults(tmp_path: Path) -> None:
    """Each source overrides only what it sets."""
    settings = load(
        tmp_path,
        flags={"grpc_port": "1"},
        environ={"PODIUM_GRPC_PORT": "2", "PODIUM_HTTP_PORT": "3"},
        toml='grpc-port = 4\nhttp-port = 5\nlog-level = "debug"\n',
    )
    assert (settings.grpc_port, settings.http_port, settings.log_level) == (1, 3, "debug")
    assert settings.log_format == "text"


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("versions", "all", Policy()),
        ("versions", "latest", Policy(newest=1)),
        ("versions", "latest:3", Policy(newest=3)),
        ("versions", "listed:3,1", Policy(listed=frozenset({1, 3}))),
        ("watch", "Polling", "polling"),
        ("memory_budget", "4GiB", 4 * 2**30),
        ("max_message_bytes", "64MiB", 67108864),
        ("max_message_bytes", "1 g", 1073741824),
        ("max_image_bytes", "1000", 1000),
        ("reflection", "false", False),
        ("remeasure", "true", True),
        ("log_level", "WARNING", "warning"),
        ("host", "[::1]", "::1"),
        ("host", "localhost", "localhost"),
        ("device", "cuda:1", "cuda:1"),
        ("drain_s", "2.5", 2.5),
    ],
)
def test_text_is_read_as_its_setting_means(tmp_path: Path, name: str, text: str, value: object) -> None:
    """Flags and variables are text; sizes may have units, versions and devices have their own form."""
    assert getattr(load(tmp_path, environ={f"PODIUM_{name.upper()}": text}), name) == value


@pytest.mark.parametrize(
    ("name", "value", "right"),
    [
        ("grpc-port", "99999", "must be 0 … 65535"),
        ("grpc-port", "eighty", "must be 0 … 65535"),
        ("http-port", "-1", "must be 0 … 65535"),
        ("cores", "0", "must be a whole number, 1 or more"),
        ("cores", "1.5", "must be a whole number, 1 or more"),
        ("versions", "latest:0", f"must be {FORMS}"),
        ("versions", "2", f"must be {FORMS}"),
        ("versions", "listed:", f"must be {FORMS}"),
        ("watch", "yes", "must be auto, events, polling or off"),
        ("memory-budget", "0", "must be 1 … 1099511627776 bytes, or such as 4GiB"),
        ("max-message-bytes", "2GiB", "must be 1 … 2147483647 bytes, or such as 64MiB"),
        ("max-message-bytes", "64 megabytes", "must be 1 … 2147483647 bytes, or such as 64MiB"),
        ("drain-s", "nan", "must be 0 … 3600 seconds"),
        ("reflection", "maybe", "must be true or false"),
        ("log-level", "loud", "must be debug, info, warning or error"),
        ("host", "0.0.0.0:80", "must be an address or a host name of this machine, without scheme and port"),
        ("host", "300.1.1.1", "must be an address or a host name of this machine, without scheme and port"),
    ],
)
def test_a_mistake_names_setting_value_source_and_what_would_be_right(
    tmp_path: Path, name: str, value: str, right: str
) -> None:
    """One line, on which a stranger can act."""
    variable = "PODIUM_" + name.upper().replace("-", "_")
    expected = f"{name}: {value} from environment {variable}: {right}"
    assert mistakes(tmp_path, environ={variable: value}) == [expected]


def test_every_mistake_of_every_source_is_reported_at_once(tmp_path: Path) -> None:
    """Nobody has to start the server four times to correct four mistakes, clashes included."""
    texts = mistakes(
        tmp_path,
        flags={"device": "gpu", "threads": "2"},
        environ={"PODIUM_HTTP_PORT": "8001", "PODIUM_GRPC_PROT": "8001"},
        toml="drain-s = -1\ndraim-s = 2\n",
    )
    file = tmp_path / "podium.toml"
    assert sorted(texts) == [
        "PODIUM_GRPC_PROT: there is no such variable; did you mean PODIUM_GRPC_PORT?",
        "device: gpu from flag --device: must be auto, cpu, cuda, tensorrt, migraphx, openvino, coreml, or one "
        'GPU of several, such as "cuda:1"',
        f"draim-s from file {file}: there is no such setting; did you mean drain-s?",
        f"drain-s: -1 from file {file}: must be 0 … 3600 seconds",
        "grpc-port: 8001 from default, http-port: 8001 from environment PODIUM_HTTP_PORT: must differ; 0 takes "
        "any free port",
        "threads: 2 from flag --threads: sessions and threads must both be set, or neither",
    ]


def test_both_ports_may_be_any_free_one(tmp_path: Path) -> None:
    """Port 0 is no clash with port 0."""
    settings = load(tmp_path, flags={"grpc_port": "0", "http_port": "0"})
    assert (settings.grpc_port, settings.http_port) == (0, 0)


def test_a_call_that_could_never_be_admitted_is_a_mistake(tmp_path: Path) -> None:
    """A call's images all wait at once."""
    (text,) = mistakes(tmp_path, environ={"PODIUM_QUEUE_ROWS": "10"})
    assert text.startswith("max-images-per-request: 256 from default, queue-rows: 10 from environment")


def test_true_is_no_number(tmp_path: Path) -> None:
    """Python counts true as 1; a port of 1 would surprise."""
    (text,) = mistakes(tmp_path, toml="grpc-port = true\n")
    assert text == f"grpc-port: true from file {tmp_path / 'podium.toml'}: must be 0 … 65535"
    assert load(tmp_path, toml="access-log = true\nreflection = false\n").access_log, (
        "where it is no number, it is right"
    )


def test_a_files_keys_may_have_either_dash_but_not_both(tmp_path: Path) -> None:
    """`grpc_port` and `grpc-port` are one setting, set once."""
    assert load(tmp_path, toml="grpc_port = 7\n").grpc_port == 7
    (text,) = mistakes(tmp_path, toml="grpc_port = 7\ngrpc-port = 7\n")
    assert text == f"grpc-port from file {tmp_path / 'podium.toml'}: is set twice"


def test_a_files_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    """A file moves together with the folders it names."""
    (tmp_path / "models").mkdir()
    (tmp_path / "podium.toml").write_text('repository = "models"\n')
    settings = load_settings({}, {"PODIUM_CONFIG": str(tmp_path / "podium.toml")})
    assert settings.repository == tmp_path / "models"


@pytest.mark.parametrize("content", [None, b"grpc-port 1", b"\xff\xfe"])
def test_an_unreadable_file_is_named_with_who_named_it(tmp_path: Path, content: bytes | None) -> None:
    """Missing, not TOML, not text: the server does not start without it."""
    file = tmp_path / "podium.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match="from environment PODIUM_CONFIG: must be a readable TOML file: "):
        load_settings({"repository": str(tmp_path)}, {"PODIUM_CONFIG": str(file)})


def test_variables_that_kubernetes_sets_for_services_are_not_ours(tmp_path: Path) -> None:
    """A Service named "podium", or "podium-grpc", must not stop the pods behind it."""
    environ = {
        "PODIUM_SERVICE_HOST": "10.0.0.7",
        "PODIUM_SERVICE_PORT_GRPC": "8001",
        "PODIUM_PORT": "tcp://10.0.0.7:8001",
        "PODIUM_PORT_8001_TCP_ADDR": "10.0.0.7",
        "PODIUM_GRPC_PORT": "tcp://10.0.0.7:9",
        "PODIUM_GRPC_SERVICE_HOST": "10.0.0.7",
    }
    assert load(tmp_path, environ=environ).grpc_port == 8001


def test_the_variable_of_the_callers_commands_is_no_mistake(tmp_path: Path) -> None:
    """Who calls a server from a shell may start one there too."""
    assert load(tmp_path, environ={"PODIUM_ADDRESS": "localhost:8001"}).grpc_port == 8001


def test_an_empty_variable_is_not_set(tmp_path: Path) -> None:
    """Compose files pass `${CORES:-}` on as an empty text."""
    assert load(tmp_path, environ={"PODIUM_CORES": ""}).cores is None


@pytest.mark.parametrize(("deep", "what"), [("digits", "one model"), ("digits/1", "one version")])
def test_a_path_too_deep_is_answered_with_the_right_one(tmp_path: Path, deep: str, what: str) -> None:
    """People point at the model they have just exported."""
    (tmp_path / "digits/1").mkdir(parents=True)
    (tmp_path / "digits/1/model.json").write_text("{}")
    (text,) = mistakes(tmp_path / deep)
    assert text.endswith(f"must be a folder of models; this is {what}: give {tmp_path}")


def test_a_repository_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A mistyped folder is not an empty repository."""
    (text,) = mistakes(tmp_path / "nowhere")
    assert text == f"repository: {tmp_path / 'nowhere'} from REPOSITORY: there is no such folder"


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    """Read once, passed down, frozen."""
    settings = load(tmp_path)
    with pytest.raises(ValidationError):
        settings.grpc_port = 1


@pytest.mark.parametrize(
    ("arguments", "environ", "status", "words"),
    [
        (["--grpc-port", "x"], {}, 2, "podium serve: grpc-port: x from flag --grpc-port: must be 0 … 65535"),
        ([], {"PODIUM_GRPC_PORT": "x"}, 1, "grpc-port: x from environment PODIUM_GRPC_PORT"),
        (["--grpc-prot", "1"], {}, 2, "--grpc-port"),
    ],
)
def test_a_wrong_flag_exits_with_2_and_a_wrong_environment_with_1(
    tmp_path: Path, arguments: list[str], environ: dict[str, str], status: int, words: str
) -> None:
    """A wrong command line is told apart from a refusal; the reason is on standard error."""
    result = CliRunner().invoke(serve, [str(tmp_path), *arguments], env=environ)
    assert (result.exit_code, result.stdout) == (status, "")
    assert words in result.stderr


def test_a_command_line_without_repository_says_so() -> None:
    """It may come from the environment or a file, so click cannot require it."""
    result = CliRunner().invoke(serve, [])
    assert result.exit_code == 2
    assert result.stderr == "podium serve: repository: must be given: podium serve REPOSITORY\n"


def test_every_setting_is_a_flag() -> None:
    """Flags are made of the settings, and each has a line of help."""
    text = CliRunner().invoke(serve, ["--help"]).stdout
    for name in Settings.model_fields.keys() - {"repository"}:
        assert f"--{name.replace('_', '-')} " in text
    assert "--no-access-log" in text, "to say no is spelt alike"
