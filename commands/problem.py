"""Options shared by commands that take a model, and the problem they describe."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from twinpeaks.commands.parameters import Grid, Parameter
from twinpeaks.commands.report import refusals

if TYPE_CHECKING:
    from twinpeaks import theory

__all__ = ["axis_options", "make_problem", "model_options"]

#: Parts of ``theory.Problem``: the default of each, its help, and what it may be where none is given.
_PARTS = {
    "loss": ("square", "Training loss", "any loss l(y, t)"),
    "teacher": ("sign", "Where labels come from", "any law P(y | nu)"),
    "activation": ("tanh", "Nonlinearity of the features", ""),
    "features": ("gaussian", "Law of the features", "any spectrum"),
}

_Command = Callable[..., None]


class Component(Parameter):
    """A part of a problem, as ``name:parameter=number,...`` or ``Name(parameter=number, ...)``.

    Parameters
    ----------
    part : str
        A field of ``theory.Problem``.
    """

    name = "name"

    def __init__(self, part: str) -> None:
        self.part = part

    def convert(self, value: Any, param: click.Parameter | None, ctx: Any) -> Any:  # noqa: ARG002
        """Make it; numpy is loaded only now."""
        from twinpeaks.theory.components import KINDS, parse
        from twinpeaks.theory.errors import InvalidProblem

        try:
            return parse(value, KINDS[self.part])
        except InvalidProblem as error:
            self.refuse(value, str(error), param)


class ComponentOption(click.Option):
    """An option whose help lists every component that has an ability, with parameters and defaults."""

    def __init__(self, *args: Any, able: str = "", text: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.able, self.text = able, text

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Write the list when help is asked for."""
        self.help = f"{self.text}: {', '.join(self.offered())}."
        return super().get_help_record(ctx)

    def offered(self) -> list[str]:
        """Signatures of the components that the command takes."""
        from twinpeaks.theory.components import KINDS, components

        found = components(KINDS[str(self.name)]).values()
        return [c.signature for c in found if not self.able or getattr(c.example, self.able)]


def model_options(
    *parts: str, able: str = "", defaults: bool = True
) -> Callable[[_Command], _Command]:
    """Add one option per part of the problem, by default all.

    Parameters
    ----------
    *parts : str
        Fields of ``theory.Problem``.
    able : str
        The property of a loss that the command needs.
    defaults : bool
        Whether a part that is not given has its default; None otherwise.
    """

    def add(command: _Command) -> _Command:
        for name in reversed(parts or tuple(_PARTS)):
            default, text, otherwise = _PARTS[name]
            command = click.option(
                f"--{name}",
                cls=ComponentOption,
                type=Component(name),
                metavar="NAME",
                default=default if defaults else None,
                show_default=defaults,
                able=able if name == "loss" else "",
                text=text if defaults else f"{text}, {otherwise} when left out",
            )(command)
        return command

    return add


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


def make_problem(**model: Any) -> theory.Problem:
    """Make the problem that options describe, or refuse parts that do not fit together."""
    from twinpeaks import theory

    with refusals():
        return theory.Problem(**model)
