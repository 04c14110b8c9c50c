"""A click group that finds its commands among entry points and imports one only when it is used.

`podium --help` must be quick and complete even where the extras of some commands are not installed, so the
short helps are read from the commands' source text, without importing it.
"""

import ast
import difflib
import importlib.util
import textwrap
from collections.abc import Mapping
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import click

ENTRY_POINT_GROUP = "podium.commands"

EXTRA_BY_PACKAGE: Mapping[str, str] = {
    "podium_client": "client",
    "podium_server": "server",
    "podium_export": "export",
}

# What the extras install, by the name it is imported by.
EXTRA_MODULES = frozenset(
    (
        *("numpy", "PIL", "rich", "matplotlib", "google", "grpc_health", "grpc_reflection", "grpc_status", "ml_dtypes"),
        *("pydantic", "platformdirs", "prometheus_client", "starlette", "uvicorn", "uvloop"),
        *("onnxruntime", "torch", "onnx", "onnxscript", "safetensors"),
    )
)


class CommandGroup(click.Group):
    """The commands of the entry point group `podium.commands`."""

    @cached_property
    def entry_point_by_name(self) -> Mapping[str, EntryPoint]:
        """Every installed command's entry point."""
        return {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name every command, whether or not it can be imported."""
        return sorted({*super().list_commands(ctx), *self.entry_point_by_name})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command.

        Raises:
            click.ClickException: a module that it needs is not installed; says which extra has it.
        """
        point = self.entry_point_by_name.get(cmd_name)
        if point is None:
            return super().get_command(ctx, cmd_name)
        try:
            command: object = point.load()
        except ModuleNotFoundError as error:
            raise click.ClickException(_missing(point, error)) from error
        if not isinstance(command, click.Command):
            raise TypeError(f"the entry point {point.value} of {cmd_name!r} is no click command: {command!r}")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the arguments name; of one that is unknown, say which is meant."""
        name = args[0]
        if not name.startswith("-") and name not in self.list_commands(ctx):
            close = difflib.get_close_matches(name, self.list_commands(ctx), n=3, cutoff=0.7)
            hint = f"Did you mean {' or '.join(close)}?" if close else "`podium --help` lists what there is."
            raise click.UsageError(f"No such command {name!r}. {hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands with the first sentence of each one's docstring."""
        names = self.list_commands(ctx)
        width = formatter.width - 6 - max((len(name) for name in names), default=0)
        rows = [(name, _first_sentence(self._help_of(name), width)) for name in names]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command: Ctrl-C ends it quietly, and a missing extra is named."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            ctx.exit(130)  # what a shell reports for a command that SIGINT ended
        except ModuleNotFoundError as error:
            point = self.entry_point_by_name.get(ctx.invoked_subcommand or "")
            if point is None or (error.name or "").partition(".")[0] not in EXTRA_MODULES:
                raise
            raise click.ClickException(_missing(point, error)) from error

    def _help_of(self, name: str) -> str:
        point = self.entry_point_by_name.get(name)
        if point is None:
            return self.commands[name].get_short_help_str()
        return _docstring_in_source(point.module, point.attr)


def _missing(point: EntryPoint, error: ModuleNotFoundError) -> str:
    package = point.module.partition(".")[0]
    missing = error.name or "a module"
    if missing.partition(".")[0] == package:
        return f"`podium {point.name}` is not part of this installation: there is no module {missing}."
    extra = EXTRA_BY_PACKAGE.get(package)
    how = f"pip install 'podium[{extra}]'" if extra else f"install what {package} needs"
    return f"`podium {point.name}` needs {missing}, which is not installed: {how}"


def _first_sentence(text: str, width: int) -> str:
    sentence = " ".join(text.partition("\n\n")[0].split()).partition(". ")[0].removesuffix(".")
    return textwrap.shorten(sentence, width, placeholder="…")


def _docstring_in_source(module: str, name: str) -> str:
    """Read a command's help from its module's source; empty when there is none to be found.

    A command is a function with a docstring, or an assignment with `help=function.__doc__` or `help="…"`.
    """
    try:
        spec = importlib.util.find_spec(module)
        tree = ast.parse(Path(spec.origin).read_bytes()) if spec and spec.origin else ast.Module([], [])
    except (ImportError, OSError, SyntaxError):
        return ""
    docstrings = {node.name: ast.get_docstring(node) or "" for node in tree.body if isinstance(node, ast.FunctionDef)}
    if name in docstrings:
        return docstrings[name]
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=assigned)], value=ast.Call(keywords=keywords)) if assigned == name:
                return next((_help_text(k.value, docstrings) for k in keywords if k.arg == "help"), "")
            case _:
                pass
    return ""


def _help_text(value: ast.expr, docstrings: Mapping[str, str]) -> str:
    match value:
        case ast.Attribute(value=ast.Name(id=function), attr="__doc__"):
            return docstrings.get(function, "")
        case ast.Constant(value=str(text)):
            return text
        case _:
            return ""
