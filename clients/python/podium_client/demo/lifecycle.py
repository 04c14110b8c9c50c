"""Chapter: which models there are, unloading one and loading it again, and the server's health."""

from http.client import HTTPConnection

from rich.text import Text

from podium_client.commands.models import models_table
from podium_client.demo.stage import Stage
from podium_client.errors import ModelNotFoundError, UnavailableError


def show_models(stage: Stage) -> None:
    """List and describe the models."""
    stage.chapter("ModelService.ListModels, GetModel")
    listed = stage.client.models()
    stage.console.print(models_table(listed))
    names = {model.name for model in listed if model.default_version is not None}
    missing = {"digits", "efficientnet-lite0"} - names
    stage.expect(not missing, "the models ready", expected="digits and efficientnet-lite0", got=sorted(names) or "none")
    if missing:
        stage.console.print(f"`podium bundle --repository {stage.repository}` makes them.")
    for name in sorted(names):
        manifest = stage.client.model(name).manifest
        cases = manifest.parity.cases
        stage.console.print(Text(name, style="bold").append(f"  {manifest.description}", style="not bold"))
        if cases:
            worst = max(cases, key=lambda case: case.max_abs_diff)
            stage.console.print(
                f"  compared with {manifest.parity.reference} {len(cases)} times before it was published; "
                f"largest difference {worst.max_abs_diff:.1e}, on {worst.inputs} inputs",
                style="dim",
            )


def show_lifecycle(stage: Stage) -> None:
    """Unload a model, see that it says so, and load it again."""
    stage.chapter("ModelService.UnloadModel, LoadModel")
    unloaded = stage.client.unload("digits")
    stage.expect(
        unloaded.default_version is None, "digits unloaded", expected="no ready version", got=unloaded.default_version
    )
    try:
        stage.client.classify("digits", b"", timeout=0.5)
        stage.expect(False, "a call of an unloaded model", expected="a refusal", got="an answer")
    except (UnavailableError, ModelNotFoundError) as error:
        stage.console.print(f"unloaded: {type(error).__name__}: {error}")
    loaded = stage.client.load("digits")
    version = next((v for v in loaded.versions if v.version == loaded.default_version), None)
    stage.expect(version is not None, "digits loaded again", expected="a ready version", got=loaded)
    if version:
        stage.console.print(f"loaded again: digits/{version.version}, ready after {version.load_s:.2f} s")


def show_health(stage: Stage) -> None:
    """Ask for health as balancers and orchestrators do."""
    stage.chapter("grpc.health.v1.Health.Check, /livez, /readyz")
    ready = stage.client.ready()
    stage.expect(ready, "grpc.health.v1", expected="SERVING", got="NOT_SERVING")
    said = [f"Check: {'SERVING' if ready else 'NOT_SERVING'}"]
    for path in ("/livez", "/readyz"):
        status, _ = http_get(stage.addresses.http, path)
        stage.expect(status == 200, path, expected=200, got=status)
        said.append(f"{path}: {status}")
    stage.console.print(", ".join(said))


def http_get(address: str, path: str) -> tuple[int, str]:
    """Get a page of the HTTP port: its status and text."""
    connection = HTTPConnection(address, timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()
