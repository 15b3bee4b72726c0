"""``twinpeaks sphere``: regression on the sphere."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from twinpeaks.commands.files import output_option
from twinpeaks.commands.parameters import Grid
from twinpeaks.commands.report import progress_bar, refusals, report

__all__ = ["command"]

_KERNELS = {"ntk": "NTK", "rfk": "RFK", "sparse": "SparseFeatures"}


@click.group("sphere")
def command() -> None:
    """Regression of random functions on the sphere: kernels and sparse features.

    solve gives the learning curve of a kernel in the limit, simulate the error of finite sets of inputs.
    """


def _problem_options(function: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(
        (
            click.option("-d", "--dimension", "d", type=int, default=3, help="Inputs in R^d, |x| = 1."),
            click.option("--kernel", type=click.Choice([*_KERNELS]), default="ntk",
                         help="What learns; sparse is the ReLU network of least total variation."),
            click.option("--target", type=click.Choice(["field", "matern", "teacher", "constant"]),
                         default="field", help="Law of the function."),
            click.option("--smoothness", type=float, default=1.5,
                         help="nu_t of a field or matern; the power of a teacher |t|^a."),
            click.option("--parity", type=click.Choice(["even", "relu", "all"]), default="even",
                         help="Degrees of a field or matern."),
            click.option("--noise", type=float, default=0.0, help="Variance of the labels' noise."),
            click.option("--lam", type=Grid(zero=True), default="0", help="Ridge penalty."),
        )
    ):  # fmt: skip
        function = option(function)
    return function


@command.command("solve")
@_problem_options
@click.option("--n", "n", type=Grid(), default="8:1024:8", help="Training patterns.")
@click.option(
    "--overparam",
    type=Grid(infinite=True),
    default="inf",
    help="p/n of random features; inf is the kernel.",
)
@output_option
def solve(output: Path | None, n: Any, lam: Any, overparam: Any, **parts: Any) -> None:
    """Solve the theory of kernel regression, or of random features.

    \b
    Examples:
      twinpeaks sphere solve --n 8:1e6:20 --target constant -d 5
      twinpeaks sphere solve --kernel rfk --n 500 --lam 1e-3 --overparam 0.1:10:30 --smoothness 0.5
    """  # noqa: D301
    problem = _problem(**parts)
    from twinpeaks.theory import sphere

    with refusals(), warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", sphere.AmplitudeWarning)
        curve = sphere.solve(problem, n=n, lam=lam, overparam=overparam)
    for warning in said:
        click.echo(f"note: {warning.message}", err=True)
    report(curve, "exponent", output, lambda status: f"({sphere.Status(status).name.lower()})")


@command.command("simulate")
@_problem_options
@click.option(
    "--n", "n", type=Grid(), default="8,16,32,64", help="Training patterns, whole numbers."
)
@click.option("--seeds", type=int, default=8, help="Sets of inputs.")
@click.option(
    "--store", type=click.Path(path_type=Path), help="File that keeps results as they come."
)
@click.option("--scheduler", help="Workers on this machine, or the address of a Dask scheduler.")
@output_option
def simulate(
    output: Path | None,
    n: Any,
    lam: Any,
    seeds: int,
    store: Path | None,
    scheduler: str | None,
    **parts: Any,
) -> None:
    """Draw inputs, and average the error exactly over all else.

    \b
    Examples:
      twinpeaks sphere simulate --n 8,16,32,64 --target constant
      twinpeaks sphere simulate --kernel sparse --n 16,32 --target constant -o sparse.nc
    """  # noqa: D301
    problem = _problem(**parts)
    from twinpeaks.simulate.sphere import run
    from twinpeaks.simulate.sphere.lazy import Average
    from twinpeaks.simulate.sphere.variation import Certificate

    with refusals(), progress_bar("simulate") as progress:
        found = run(
            problem, n=n, lam=lam, seeds=seeds, store=store, scheduler=scheduler, progress=progress
        )
    sparse = "tv" in found
    kinds: type[Average] | type[Certificate] = Certificate if sparse else Average
    good = (Certificate.CERTIFIED, Certificate.MULTISTART) if sparse else (Average.EXACT,)

    def sentence(status: int) -> str:
        return f"({kinds(status).name.lower()})"

    report(found, "test_error", output, sentence, good)


def _problem(d: int, kernel: str, target: str, smoothness: float, parity: str, noise: float) -> Any:
    from twinpeaks.theory import sphere

    with refusals():
        learned = {
            "field": lambda: sphere.GaussianField(smoothness, parity),  # type: ignore[arg-type]
            "matern": lambda: sphere.Matern(smoothness, parity=parity),  # type: ignore[arg-type]
            "teacher": lambda: sphere.Teacher(smoothness),
            "constant": sphere.Constant,
        }[target]()
        return sphere.Problem(d, getattr(sphere, _KERNELS[kernel])(), learned, noise)
