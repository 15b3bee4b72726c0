"""The command line: one command a file, found by looking.

A new command is one module here that defines ``command``, a click command. Numerical packages are
imported inside functions, so that ``--help`` and refused options do not wait for them.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

import click

from twinpeaks.commands.group import Group, keep_streams

__all__ = ["cli", "main"]


@click.group(
    cls=Group,
    name="twinpeaks",
    invoke_without_command=True,
    context_settings={"show_default": True},
)
@click.version_option(package_name="twinpeaks", message="twinpeaks %(version)s")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Double descent and the mean-dimension peak of random-feature models.

    Exact asymptotics (solve) beside trained finite networks (simulate), z-scores between the two
    (validate), and the picture (figure). Start with

    \b
      twinpeaks demo

    These axes describe a model with N features, P training patterns and D inputs:

    \b
      --overparam  N/P, weights per training pattern; the peaks are near the interpolation threshold
      --alpha-T    P/D, training patterns per input dimension
      --lam        ridge penalty lam |w|^2 / 2 beside the loss summed over patterns
      --beta       inverse temperature of the Boltzmann measure over weights (solve, sample)

    Each takes a number 0.5, a list 0.5,1,2, a log-spaced range first:last:count, or a list of
    these: 0.05:20:200,1,2 is 200 points and the values 1 and 2. For solve, --overparam inf is the
    kernel limit, --lam 0 the ridgeless one and --beta inf, its default, plain minimisation.
    """  # noqa: D301
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


for _module in iter_modules(__path__):
    _command = getattr(import_module(f"twinpeaks.commands.{_module.name}"), "command", None)
    if isinstance(_command, click.Command):
        cli.add_command(_command)


def main() -> None:
    """Run the program in a process of its own."""
    keep_streams()
    cli(prog_name="twinpeaks")
