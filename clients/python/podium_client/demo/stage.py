"""What every chapter of the demo works with: the server, the client, where to write, what went wrong."""

from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.text import Text

from podium_client.catalogue import VersionState
from podium_client.client import Client
from podium_client.demo.server_process import Addresses
from podium_client.sheets.sheet import Sheet


@dataclass(frozen=True, slots=True)
class Stage:
    """The demo's surroundings.

    Attributes:
        client: connected to the server.
        addresses: where the server listens.
        repository: the folder that it serves.
        output: the folder for pictures.
        console: where tables go.
        problems: what was not as it should be, one sentence each.
    """

    client: Client
    addresses: Addresses
    repository: Path
    output: Path
    console: Console
    problems: list[str] = field(default_factory=list[str])

    def chapter(self, title: str) -> None:
        """Begin a chapter."""
        self.console.print()
        self.console.rule(Text(title, style="bold"), align="left", style="dim")

    def expect(self, right: bool, what: str, *, expected: object, got: object) -> None:
        """Note a problem unless something is as it should be."""
        if not right:
            self.problems.append(f"{what}: expected {expected}, got {got}")
            self.console.print(Text(f"✗ {self.problems[-1]}", style="bold red"))

    def serves(self, *names: str) -> bool:
        """Say whether models are served, each "name" or "name/version"; note each that is not, with what makes it."""
        ready = {
            name
            for model in self.client.models()
            for version in model.versions
            if version.state is VersionState.READY
            for name in (model.name, f"{model.name}/{version.version}")
        }
        for name in names:
            how = f"it is not served; `podium bundle --repository {self.repository}` makes it"
            self.expect(name in ready, f"the model {name}", expected="in the repository", got=how)
        return ready.issuperset(names)

    def wrote(self, path: Path) -> None:
        """Say where a picture is."""
        self.console.print(Text("→ ", style="dim").append(str(path), style="default"), soft_wrap=True)

    def draw(self, sheet: Sheet, name: str) -> None:
        """Draw a sheet into the folder for pictures, and say where it is."""
        path = self.output / name
        sheet.draw().save(path)
        self.wrote(path)
