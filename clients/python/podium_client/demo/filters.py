"""Chapter: what the first layers look for, by `podium inspect`."""

import subprocess
import sys

from rich.text import Text

from podium_client.demo.stage import Stage


def show_filters(stage: Stage) -> None:
    """Draw the first layer of every classifier, and print the layers of the small one."""
    stage.chapter("podium inspect · layers and first-layer filters")
    for model in stage.client.models():
        ready = next((version for version in model.versions if version.version == model.default_version), None)
        if ready is None or ready.task != "image-classification":
            continue
        package = stage.repository / model.name / str(model.default_version)
        picture = stage.output / f"filters-{model.name}.png"
        command = [sys.executable, "-m", "podium_client", "inspect", str(package), "--filters", str(picture)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  this very program
        stage.expect(
            done.returncode == 0,
            f"podium inspect {package}",
            expected="exit status 0",
            got=f"{done.returncode}: {done.stderr.strip()}",
        )
        if model.name == "digits":
            stage.console.print(Text(done.stdout.rstrip()), soft_wrap=True)
        if picture.exists():
            stage.wrote(picture)
