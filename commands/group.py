"""How the command ends: errors on one line, and exit codes."""

from __future__ import annotations

import sys
from typing import Any

import click

from twinpeaks.commands.parameters import flag
from twinpeaks.extras import MissingExtra

__all__ = ["Group"]


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
        sys.exit(code if isinstance(code, int) else 0)


def _message(error: click.ClickException) -> str:
    """One line that names the option, its value and the remedy, or where to find help."""
    message = " ".join(error.format_message().split())
    if isinstance(error, click.MissingParameter):
        message = f"{flag(error.param)} is missing"
    elif isinstance(error, click.BadParameter):
        name = flag(error.param)
        named = error.param is None or error.message.startswith(name)
        message = error.message if named else f"{name}: {error.message}"
    ctx = getattr(error, "ctx", None)
    if isinstance(error, click.UsageError) and ctx is not None and "=" not in message:
        return f"{message.rstrip('.')}; see {ctx.command_path} --help"
    return message
