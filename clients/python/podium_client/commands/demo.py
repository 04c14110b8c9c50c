"""`podium demo`: serves the bundled models, calls everything there is, and checks the answers."""

from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from podium_client.client import Client
from podium_client.commands.options import shows_errors
from podium_client.demo.server_process import serving
from podium_client.demo.stage import Stage
from podium_client.demo.story import CHAPTERS
from podium_client.errors import PodiumError


@click.command()
@click.option(
    "--repository",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path("models"),
    show_default=True,
    help="The bundled models, as `podium bundle` writes them.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("demo-output"),
    show_default=True,
    help="Where the pictures go.",
)
@shows_errors
def demo(repository: Path, output: Path) -> None:
    """Serve the bundled models, call everything there is, and draw the answers.

    Starts a server of its own on free ports. The exit status is 0 only if every call worked and every answer
    was what it should be.
    """
    output.mkdir(parents=True, exist_ok=True)
    console = Console(markup=False, highlight=False)
    console.print(f"serving {repository} …")
    with serving(repository, output / "server.log") as server:
        addresses = server.addresses
        console.print(f"gRPC on {addresses.grpc}, HTTP on {addresses.http}, log in {server.log}", soft_wrap=True)
        with Client(addresses.grpc) as client:
            stage = Stage(client, addresses, repository, output, console)
            client.wait_until_ready()
            for show in CHAPTERS:
                try:
                    show(stage)
                except PodiumError as error:
                    stage.expect(False, show.__name__, expected="answers", got=f"{type(error).__name__}: {error}")
        status = server.stop()
    stage.chapter("the end")
    stage.expect(status == 0, "the server's exit status after SIGTERM", expected=0, got=status)
    if stage.problems:
        console.print(Text(f"{len(stage.problems)} things are not as they should be:", style="bold red"))
        for problem in stage.problems:
            console.print(Text(f"  {problem}"), soft_wrap=True)
        click.get_current_context().exit(1)
    console.print(Text("everything answered as it should, and the server stopped cleanly", style="bold green"))
