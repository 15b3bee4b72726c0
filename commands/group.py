"""How the command ends: errors on one line, and exit codes."""

from __future__ import annotations

import io
import sys
from typing import Any

import click

from twinpeaks.commands.parameters import flag
from twinpeaks.extras import MissingExtra

__all__ = ["Group", "keep_streams"]

_LONGEST = 1000  # characters of a message


class Group(click.Group):
    """Errors on one line; exit codes 1 (a result is bad), 2 (usage), 130 (interrupted)."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; Ctrl-C says so on one line."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("twinpeaks: interrupted", err=True)
            ctx.exit(130)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program and leave with its exit code."""
        kwargs["standalone_mode"] = False
        try:
            code = super().main(*args, **kwargs)
        except click.ClickException as error:
            ctx = getattr(error, "ctx", None)
            click.echo(f"{ctx.command_path if ctx else 'twinpeaks'}: {_message(error)}", err=True)
            sys.exit(error.exit_code)
        except MissingExtra as error:
            click.echo(f"twinpeaks: {error}", err=True)
            sys.exit(1)
        except click.Abort:
            click.echo("twinpeaks: interrupted", err=True)
            sys.exit(130)
        except (OSError, MemoryError) as error:  # a full disk under the output, say
            said = getattr(error, "strerror", None) or str(error) or "out of memory"
            name = getattr(error, "filename", None)
            click.echo(f"twinpeaks: {f'{name}: ' if name else ''}{said}", err=True)
            sys.exit(1)
        sys.exit(code if isinstance(code, int) else 0)


class _Stream(io.FileIO):
    """A standard stream that may be lost: what is written from then on goes nowhere.

    A reader that leaves, as ``| head -1`` does, is no failure: the work goes on and its exit code is its own.
    Anything else that befalls results, such as a full disk, is raised once.
    """

    lost = False

    def write(self, data: Any) -> int:
        """Write, or pretend to."""
        if not self.lost:
            try:
                return super().write(data)
            except OSError as error:
                self.lost = True
                if self.fileno() == 1 and not isinstance(error, BrokenPipeError):
                    raise
        return len(data)


def keep_streams() -> None:
    """Put streams that may be lost in the place of the standard ones."""
    for name in ("stdout", "stderr"):
        old = getattr(sys, name)
        if old is None:  # closed by the shell
            continue
        old.flush()
        raw = io.BufferedWriter(_Stream(old.fileno(), "w", closefd=False))
        lines = old.line_buffering or name == "stderr"
        # backslashes for what the terminal's encoding lacks: Greek letters, undecodable file names
        new = io.TextIOWrapper(raw, old.encoding, "backslashreplace", line_buffering=lines)
        setattr(sys, name, new)


def _message(error: click.ClickException) -> str:
    """One line that names the option, its value and the remedy, or where to find help."""
    message = error.format_message()
    if isinstance(error, click.MissingParameter):
        message = f"{flag(error.param)} is missing"
    elif isinstance(error, click.BadParameter):
        name = flag(error.param)
        named = error.param is None or error.message.startswith(name)
        message = error.message if named else f"{name}: {error.message}"
    ctx = getattr(error, "ctx", None)
    if isinstance(error, click.UsageError) and ctx is not None and "=" not in message:
        message = f"{message.rstrip('.')}; see {ctx.command_path} --help"
    message = " ".join(message.split())
    return message if len(message) <= _LONGEST else f"{message[:300]} ... {message[-600:]}"
