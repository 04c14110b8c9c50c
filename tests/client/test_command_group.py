"""`podium` finds its commands among entry points, and needs nothing of those that are not used."""

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from podium_client.command_group import ENTRY_POINT_GROUP, CommandGroup
from podium_client.main import main


@pytest.fixture
def group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandGroup:
    """A group whose commands are those of modules written here."""
    modules = {
        "working": '@click.command()\ndef run():\n    """Do the work. And more."""\n    click.echo("done")\n',
        "interrupted": "@click.command()\ndef run():\n    raise KeyboardInterrupt\n",
        "lacking": 'import podium_nowhere\ndef run():\n    """Lack a module."""\n',
        "late": "@click.command()\ndef run():\n    raise ModuleNotFoundError(name='torch.onnx')\n",
        "broken": "@click.command()\ndef run():\n    raise ModuleNotFoundError(name='a_users_module')\n",
        "assigned": 'def _run():\n    """Be assigned."""\nrun = click.Command("assigned", help=_run.__doc__)\n',
    }
    package = tmp_path / "podium_server_commands"
    package.mkdir()
    (package / "__init__.py").touch()
    for name, body in modules.items():
        (package / f"{name}.py").write_text(f"import click\n{body}")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(extras(), "podium_server_commands", "server")
    group = CommandGroup("podium")
    group.entry_point_by_name = {
        name: EntryPoint(name, f"podium_server_commands.{name}:run", ENTRY_POINT_GROUP) for name in modules
    }
    return group


def extras() -> dict[str, str]:
    from podium_client import command_group

    assert isinstance(command_group.EXTRA_BY_PACKAGE, dict)
    return command_group.EXTRA_BY_PACKAGE


def test_help_lists_every_command_with_its_first_sentence(group: CommandGroup) -> None:
    """Those that cannot be imported too."""
    listed = CliRunner().invoke(group, ["--help"]).output

    assert "working      Do the work\n" in listed
    assert "lacking      Lack a module\n" in listed
    assert "assigned     Be assigned\n" in listed
    assert "interrupted\n" in listed


def test_a_command_is_imported_when_it_is_used(group: CommandGroup) -> None:
    """And runs."""
    result = CliRunner().invoke(group, ["working"])

    assert (result.exit_code, result.output) == (0, "done\n")


@pytest.mark.parametrize(("command", "missing"), [("lacking", "podium_nowhere"), ("late", "torch.onnx")])
def test_a_missing_dependency_names_the_extra_to_install(group: CommandGroup, command: str, missing: str) -> None:
    """Whether it is missed at import or later."""
    result = CliRunner().invoke(group, [command])

    assert result.exit_code == 1
    assert result.output == (
        f"Error: `podium {command}` needs {missing}, which is not installed: pip install 'podium[server]'\n"
    )


def test_a_users_own_missing_module_is_no_extra(group: CommandGroup) -> None:
    """Such as one that `--module` names: the error is the command's."""
    result = CliRunner().invoke(group, ["broken"])

    assert isinstance(result.exception, ModuleNotFoundError)


def test_ctrl_c_ends_quietly(group: CommandGroup) -> None:
    """With the status that shells give to a command ended by SIGINT."""
    result = CliRunner().invoke(group, ["interrupted"])

    assert (result.exit_code, result.output) == (130, "")


def test_a_mistyped_command_is_recognised(group: CommandGroup) -> None:
    """A wrong command line has status 2."""
    result = CliRunner().invoke(group, ["wroking"])

    assert result.exit_code == 2
    assert "No such command 'wroking'. Did you mean working?" in result.output


def test_an_entry_point_that_is_no_command_is_a_bug_with_a_name(group: CommandGroup) -> None:
    """The message has the entry point's text."""
    group.entry_point_by_name = {"path": EntryPoint("path", "os.path:join", ENTRY_POINT_GROUP)}

    with pytest.raises(TypeError, match=r"os\.path:join of 'path' is no click command"):
        group.get_command(click.Context(group), "path")


def test_every_installed_command_says_what_it_is() -> None:
    """Each has a short help."""
    group = main
    assert isinstance(group, CommandGroup)

    lines = CliRunner().invoke(group, ["--help"]).output.partition("Commands:\n")[2].splitlines()

    assert {"serve", "export", "verify", "models", "classify", "demo"} <= {line.split()[0] for line in lines}
    assert [line for line in lines if len(line.split()) < 2] == []


def test_help_loads_no_heavy_module() -> None:
    """Neither what calls nor what serves nor what trains."""
    heavy = {"grpc", "numpy", "torch", "onnx", "onnxruntime", "rich", "pydantic", "PIL", "google.protobuf"}
    program = (
        "import sys\nfrom podium_client.main import main\n"
        "main(['--help'], standalone_mode=False)\n"
        f"print(sorted({heavy!r} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"


def test_the_version_is_the_packages() -> None:
    """`podium --version` names it."""
    from importlib.metadata import version

    assert CliRunner().invoke(main, ["--version"]).output == f"podium {version('podium')}\n"
