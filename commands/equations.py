"""``twinpeaks equations``."""

from __future__ import annotations

from typing import Any

import click

from twinpeaks.commands.problem import model_options
from twinpeaks.commands.report import refusals

__all__ = ["command"]


@click.command("equations")
@model_options("loss", "teacher", "features", defaults=False)
@click.option(
    "--beta",
    type=click.Choice(["inf", "finite"]),
    default="inf",
    help="Inverse temperature of the weights; inf minimises the loss.",
)
@click.option("--latex", is_flag=True, help="Print an align environment (needs amsmath).")
def command(beta: str, latex: bool, **model: Any) -> None:
    """Print the equations: free entropy, saddle point and observables.

    \b
    Examples:
      twinpeaks equations
      twinpeaks equations --loss logistic --teacher sign --features gaussian
      twinpeaks equations --loss hinge --teacher flippedsign --beta finite
      twinpeaks equations --loss square --teacher linear --latex

    The free entropy is written down once and sympy differentiates it; what is printed are its
    derivatives. The activation enters through kappa_1, kappa_star and dkappa_star alone. Laws
    without a closed form (deep, powerlaw) keep integrals over an abstract spectral density.
    """  # noqa: D301
    from twinpeaks import theory
    from twinpeaks.theory.derivation import rendering

    given = {name: part for name, part in model.items() if part is not None}
    with refusals():
        free = theory.free_entropy(**given, zero_temperature=beta == "inf")
    click.echo(rendering.latex(free) if latex else rendering.text(free))
