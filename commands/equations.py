"""``twinpeaks equations``."""

from __future__ import annotations

import click

from twinpeaks.commands.problem import COMPONENTS

__all__ = ["command"]


@click.command("equations")
@click.option(
    "--loss", type=COMPONENTS["loss"][0], help="Training loss; any loss l(y, t) when left out."
)
@click.option(
    "--teacher", type=COMPONENTS["teacher"][0], help="Teacher; any law P(y | nu) when left out."
)
@click.option(
    "--features", type=COMPONENTS["features"][0], help="Feature law; any spectrum when left out."
)
@click.option(
    "--beta",
    type=click.Choice(["inf", "finite"]),
    default="inf",
    show_default=True,
    help="Inverse temperature of the weights; inf minimises the loss.",
)
@click.option("--latex", is_flag=True, help="Print an align environment (needs amsmath).")
def command(beta: str, latex: bool, **model: str | None) -> None:
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

    given = {name: text for name, text in model.items() if text is not None}
    try:
        parts = {name: COMPONENTS[name][0].create(text) for name, text in given.items()}
        free = theory.free_entropy(**parts, zero_temperature=beta == "inf")
    except theory.InvalidProblem as error:
        raise click.UsageError(str(error), click.get_current_context()) from error
    click.echo(rendering.latex(free) if latex else rendering.text(free))
