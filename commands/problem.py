"""Options shared by commands that take a model, and the problem they describe."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from twinpeaks.commands.parameters import Grid, Parameter, Vary, merged
from twinpeaks.commands.report import refusals

if TYPE_CHECKING:
    from twinpeaks import theory

__all__ = ["axis_options", "make_axes", "make_problem", "model_options", "path_options"]

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

    def convert(self, value: Any, param: click.Parameter | None, ctx: Any) -> Any:
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
        click.option("--lam", type=Grid(zero=limits), default="1e-4", help=ridge),
        click.option("--alpha-T", "alpha_T", type=Grid(), default="3", help="P/D."),
        click.option("--overparam", type=Grid(infinite=limits), required=True, help=width),
    )

    def add(command: _Command) -> _Command:
        for option in options:
            command = option(command)
        return command

    return add


def path_options(command: _Command) -> _Command:
    """Add numbers of components as axes, and axes that are taken point by point."""
    for option in (
        click.option(
            "--path",
            multiple=True,
            metavar="NAME,NAME,...",
            help="Axes taken point by point instead of as a product, repeatable: overparam,alpha_T.",
        ),
        click.option(
            "--vary",
            type=Vary(),
            multiple=True,
            help="Number of a component as one more axis, repeatable: teacher.flip=0,0.05,0.1.",
        ),
    ):
        command = option(command)
    return command


def make_axes(
    vary: tuple[tuple[str, Any], ...], path: tuple[str, ...], **grids: Any
) -> dict[str, Any]:
    """The axes as ``solve`` and ``run`` take them, from the options that give them.

    Parameters
    ----------
    vary, path
        Of ``path_options``.
    **grids : number or tuple
        The other axes.
    """
    import xarray as xr

    ctx = click.get_current_context()
    given = {**grids, **dict(vary)}
    if len(given) < len(grids) + len(vary):
        raise click.UsageError("--vary = ...: the same number twice; give each one grid", ctx)
    axes = {name: merged(values) for name, values in given.items()}
    seen: set[str] = set()
    several = [name for name, values in given.items() if isinstance(values, tuple)]
    for number, text in enumerate(path):
        names = [name.strip().replace("-", "_") for name in text.split(",")]
        for name in names:
            if name not in several or name in seen:
                raise click.UsageError(
                    f"--path = {text}: {name!r} is no axis of several values, or in two paths; such axes are "
                    f"{', '.join(several) or 'none'}",
                    ctx,
                )
            seen.add(name)
        if len(names) < 2 or len({len(given[name]) for name in names}) > 1:
            raise click.UsageError(f"--path = {text}: give two axes or more, of one length", ctx)
        dim = f"path{number + 1}" if len(path) > 1 else "path"
        axes |= {name: xr.DataArray(list(given[name]), dims=dim) for name in names}
    varied = {name: axes.pop(name) for name, _ in vary}
    return {**axes, "vary": varied or None}


def make_problem(**model: Any) -> theory.Problem:
    """Make the problem that options describe, or refuse parts that do not fit together."""
    from twinpeaks import theory

    with refusals():
        return theory.Problem(**model)
