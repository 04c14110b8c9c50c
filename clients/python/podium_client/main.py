"""The `podium` command: a group whose subcommands come from whichever packages are installed."""

import click

from podium_client.command_group import CommandGroup


@click.group("podium", cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="podium", message="%(prog)s %(version)s")
def main() -> None:
    """Serve checked ONNX packages made from PyTorch checkpoints, and call them."""
