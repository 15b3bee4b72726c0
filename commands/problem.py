"""Options shared by commands that take a model, and the problem they describe."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from twinpeaks.commands.components import LISTED, Component, ComponentOption
from twinpeaks.commands.parameters import Grid

if TYPE_CHECKING:
    from twinpeaks import theory

__all__ = ["COMPONENTS", "axis_options", "make_problem", "model_options"]

#: Fields of ``theory.Problem``: the class each derives from, its default and its help.
COMPONENTS = {
    "loss": (Component("Loss"), "square", "Training loss"),
    "teacher": (Component("Teacher"), "sign", "Where labels come from"),
    "activation": (Component("Activation"), "tanh", "Nonlinearity of the features"),
    "features": (Component("FeatureLaw"), "gaussian", "Law of the features"),
}

_Command = Callable[..., None]


def model_options(command: _Command) -> _Command:
    """Add one option per component."""
    for name, (kind, default, text) in reversed(COMPONENTS.items()):
        command = click.option(
            f"--{name}",
            cls=ComponentOption,
            type=kind,
            default=default,
            show_default=True,
            help=f"{text}: {LISTED}.",
        )(command)
    return command


def axis_options(*, limits: bool) -> Callable[[_Command], _Command]:
    """Add the three axes of finite networks, each a Grid.

    Parameters
    ----------
    limits : bool
        Whether ``--overparam inf`` (the kernel) and ``--lam 0`` (ridgeless) are values.
    """
    ridge = "Ridge penalty; 0 is its limit." if limits else "Ridge penalty."
    width = "N/P; inf is the kernel." if limits else "N/P."
    options = (
        click.option(
            "--lam", type=Grid(zero=limits), default="1e-4", show_default=True, help=ridge
        ),
        click.option(
            "--alpha-T", "alpha_T", type=Grid(), default="3", show_default=True, help="P/D."
        ),
        click.option("--overparam", type=Grid(infinite=limits), required=True, help=width),
    )

    def add(command: _Command) -> _Command:
        for option in options:
            command = option(command)
        return command

    return add


def make_problem(**model: str) -> theory.Problem:
    """Make the problem that the options of ``model_options`` describe.

    Raises
    ------
    click.UsageError
        When the components do not fit together.
    """
    from twinpeaks import theory

    try:
        return theory.Problem(**{name: COMPONENTS[name][0].create(v) for name, v in model.items()})
    except theory.InvalidProblem as error:
        raise click.UsageError(str(error), click.get_current_context()) from error
