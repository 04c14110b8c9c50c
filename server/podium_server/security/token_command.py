"""`podium token`: makes a token and prints it once."""

import os
from pathlib import Path

import click

from podium_server.security.tokens import Scope, entry_of, make_token


@click.command()
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice([str(scope) for scope in Scope]),
    help="What it is for; may be given several times. admin includes the others.",
)
@click.option("--file", type=click.Path(dir_okay=False, path_type=Path), help="Token file to add its line to.")
def token(name: str, scopes: tuple[str, ...], file: Path | None) -> None:
    """Make a token for callers of a server.

    NAME is what logs and metrics call its owner. The token is printed once, on standard output; of it only a hash is
    kept: in FILE, which is made if it is not there, or else on standard error as a line for the server's token file.
    """
    made = make_token()
    try:
        line = str(entry_of(name, frozenset(map(Scope, scopes)), made))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="NAME") from error
    if file is None:
        click.echo(f"add this line to the server's token file:\n{line}", err=True)
    else:
        _append(file, line)
    click.echo(made)


def _append(file: Path, line: str) -> None:
    try:
        ends_well = not file.exists() or file.read_bytes()[-1:] in (b"", b"\n")
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "a", encoding="utf-8") as lines:
            lines.write(f"{'' if ends_well else chr(10)}{line}\n")
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}; nothing was made") from error
