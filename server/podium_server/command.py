"""`podium serve`: reads the settings and runs the server."""

import os
import sys
from pathlib import Path

import click

from podium_server.load_settings import CONFIG_VARIABLE, SettingsError, flag, is_path, load_settings, spelling
from podium_server.settings import Settings


def _parameters() -> list[click.Parameter]:
    """Make one flag of each setting, so that a setting is written down once.

    All but those that are on or off are text here: `load_settings` reads flags, environment and file by the same rules.
    """
    parameters: list[click.Parameter] = []
    for name, field in Settings.model_fields.items():
        if name == "repository":
            parameters.append(click.Argument([name], required=False, type=click.STRING))
            continue
        default = field.get_default(call_default_factory=True, validated_data={})
        text = field.description or ""
        shown = f"[default: {default}]"
        words = text if "[default" in text else f"{text} {shown}"
        if field.annotation is bool:
            spellings = [f"{flag(name)}/--no-{spelling(name)}"]
            parameters.append(click.Option([*spellings, name], default=None, help=words))
        else:
            metavar = "PATH" if is_path(name) else "VALUE"
            parameters.append(click.Option([flag(name), name], metavar=metavar, help=words))
    config = click.Option(
        ["--config", "config"],
        type=click.Path(path_type=Path),
        metavar="FILE",
        help=f"TOML file of settings, such as grpc-port = 8001. [default: {CONFIG_VARIABLE}]",
    )
    return [*parameters, config]


def _serve(config: Path | None, **flags: object) -> None:
    """Serve every model of REPOSITORY over gRPC and HTTP.

    Each setting may be a flag, an environment variable (PODIUM_GRPC_PORT) or a line of a TOML file (grpc-port =
    8001), in that order of precedence.
    """
    try:
        settings = load_settings(flags, os.environ, config)
    except SettingsError as error:
        for problem in error.problems:
            click.echo(f"podium serve: {problem.text}", err=True)
        sys.exit(2 if error.on_command_line else 1)
    if settings.workers > 1:
        from podium_server.workers.supervisor import run
    else:
        from podium_server.serving import run

    sys.exit(run(settings))


serve = click.Command("serve", callback=_serve, params=_parameters(), help=_serve.__doc__)
