"""How a command ends: a message and an exit status in place of a traceback, and a clean stop when it is told to."""

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

import click

from podium_export.errors import ExportError, OptionError, ParityFailure


@contextmanager
def outcome() -> Generator[None]:
    """Turn a refusal into a message and an exit status: 2 for a wrong command line, 1 for all else.

    SIGTERM ends the command as Ctrl-C does, so that what was half written is removed.
    """
    try:
        with _stopped_politely():
            yield
    except ParityFailure as error:
        if error.comparisons:
            from podium_export.report import failure_table

            click.echo(failure_table(error.comparisons), err=True)
        raise click.ClickException(str(error)) from error
    except OptionError as error:
        raise click.UsageError(str(error)) from error
    except ExportError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:  # a full disk, a file that may not be read
        raise click.FileError(str(error.filename or "a file"), error.strerror) from error


@contextmanager
def _stopped_politely() -> Generator[None]:
    """Take SIGTERM for Ctrl-C; only a main thread may, and elsewhere it is left alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
