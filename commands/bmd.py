"""``twinpeaks bmd``."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from twinpeaks.commands.files import separate, write
from twinpeaks.commands.parameters import File, Parameter
from twinpeaks.commands.report import refusals

if TYPE_CHECKING:
    import xarray as xr

    from twinpeaks.measure import Estimate, InputLaw

__all__ = ["command"]

_LAWS = {"binary": (), "uniform": ("low", "high"), "normal": ("mean", "std"), "marginals": ()}
_MOST = 10  # inputs that are listed
_POINTS = 64  # at which all inputs are replaced for their influences, unless samples says
_FAILED = {
    "constant": "the model is constant, up to rounding, on all points drawn: the mean dimension of a "
    "constant is not defined; give another --law",
    "unreliable": "too few points for this model, whose error cannot be trusted: give more --samples, or "
    "a smaller --rtol",
    "limit": "the evaluations are spent before the error is there: raise --limit or --rtol",
}


class _Law(NamedTuple):
    text: str
    name: str
    parameters: dict[str, float]


class _LawOf(Parameter):
    """A law of the inputs, by its name and numbers."""

    name = "law"

    def convert(self, value: Any, param: click.Parameter | None, ctx: Any) -> _Law:
        """Read ``binary``, ``uniform:low=0,high=1``, ``normal:std=2`` or ``marginals``."""
        if isinstance(value, _Law):
            return value
        text = str(value).lower()
        name, _, numbers = text.partition(":")
        if name not in _LAWS:
            self.refuse(value, f"give one of {', '.join(_LAWS)}", param)
        given = {}
        for piece in filter(None, numbers.split(",")):
            key, _, number = piece.partition("=")
            if key not in _LAWS[name]:
                takes = ", ".join(_LAWS[name]) or "no parameter"
                self.refuse(value, f"{name} takes {takes}, not {key!r}", param)
            try:
                given[key] = float(number)
            except ValueError:
                self.refuse(value, f"give a number for {key}", param)
        return _Law(text, name, given)


class _Shape(Parameter):
    """The shape of one point."""

    name = "shape"

    def convert(self, value: Any, param: click.Parameter | None, ctx: Any) -> tuple[int, ...]:
        """Read ``784`` or ``1,28,28``."""
        if isinstance(value, tuple):
            return value
        if not re.fullmatch(r"[1-9]\d*(,[1-9]\d*)*", value):
            self.refuse(value, "give the shape of one point, such as 784 or 1,28,28", param)
        return tuple(map(int, value.split(",")))


class _Count(Parameter):
    """A number of points, or ``auto``."""

    name = "number or auto"

    def convert(self, value: Any, param: click.Parameter | None, ctx: Any) -> int | str:
        """Read ``auto`` or ``200``."""
        text = str(value)
        if text == "auto":
            return text
        if not text.isdecimal() or int(text) < 2:
            self.refuse(value, "give a whole number >= 2, or auto", param)
        return int(text)


class _Names(Parameter):
    """Views by name; which there are is known to the library."""

    name = "names"

    def convert(self, value: Any, param: click.Parameter | None, ctx: Any) -> list[str]:
        """Read ``logits,softmax``."""
        return value if isinstance(value, list) else list(dict.fromkeys(value.split(",")))


@click.command("bmd")
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--law",
    type=_LawOf(),
    default="binary",
    help="binary, uniform:low=0,high=1, normal:mean=0,std=1, or marginals (of --data).",
)
@click.option(
    "--shape",
    "-n",
    "--n",
    type=_Shape(),
    help="Of one point, 784 or 1,28,28; where model or data do not say.",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Patterns, one a row: .npy, or .npz of one array.",
)
@click.option(
    "--samples", type=_Count(), default="auto", help="Points; auto goes on until --rtol is reached."
)
@click.option(
    "--rtol",
    type=click.FloatRange(0, min_open=True),
    default=0.01,
    help="Relative error asked of auto.",
)
@click.option(
    "--limit", type=click.IntRange(min=1), default=10**7, help="Most evaluations of auto."
)
@click.option(
    "--flips",
    type=click.IntRange(min=1),
    help="Inputs replaced at each point.  [default: 16 of auto, else all]",
)
@click.option(
    "--views",
    type=_Names(),
    default="logits",
    help="logits, softmax, log_softmax, class; one or several.",
)
@click.option(
    "--outputs",
    type=click.Choice(["summed", "each"]),
    default="summed",
    help="One number, or one an output.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Of the inputs drawn.")
@click.option(
    "-o", "--output", type=File(".nc"), help="File to write: NetCDF (.nc), with all influences."
)
def command(
    model: Path,
    law: _Law,
    shape: Any,
    data: Path | None,
    output: Path | None,
    seed: int,
    **how: Any,
) -> None:
    """Measure the mean dimension of a model from a file, and which inputs move it most.

    \b
    Examples:
      twinpeaks bmd model.pt2
      twinpeaks bmd model.pt2 --law marginals --data x.npy --views logits,softmax
      twinpeaks bmd model.pt --shape 1,28,28 --law uniform:low=0,high=1 --rtol 0.05
      twinpeaks bmd forest.onnx --law marginals --data x.npy -o forest.nc

    MODEL is an archive of torch.export (.pt2), TorchScript (.pt, .ts) or ONNX (.onnx). Pickles are not
    read. Under the binary law the mean dimension is the Boolean one. Exit code 1 when there is no
    estimate that can be trusted.
    """  # noqa: D301
    separate(output, model=model, data=data)
    if law.name == "marginals" and data is None:
        raise click.UsageError(
            "--data is missing: --law = marginals takes its columns", click.get_current_context()
        )
    from twinpeaks import measure

    with refusals():
        patterns = None if data is None else _patterns(data)
        read = measure.load_model(model)
        drawn = _law(law, shape, patterns, read.shape)
        asked = {name: how[name] for name in ("flips", "views", "outputs")}
        found = measure.mean_dimension(
            read.f, law=drawn, random=seed, throw=False,
            **asked, samples=how["samples"], rtol=how["rtol"], limit=how["limit"],
        )  # fmt: skip
        points = _POINTS if how["samples"] == "auto" else how["samples"]
        maps = measure.influences(
            read.f, law=drawn, samples=points, random=seed,
            views=how["views"], outputs=how["outputs"],
        )  # fmt: skip
    _say(law.text, drawn, found, maps)
    if output is not None:
        about = {"model": model.name, "law": law.text, "seed": seed}
        write(_dataset(found, maps, drawn.shape, about), output)
        click.echo(f"written to  {output}")
    failed = [(view, status) for view, e in found.items() for status in _failures(e)]
    for view, status in failed:
        click.echo(f"failed: {view}: {_FAILED[status]}.", err=True)
    if failed:
        click.get_current_context().exit(1)


def _patterns(path: Path) -> Any:
    """An array from a file, of which no object is unpickled; one sentence for whatever is wrong with it."""
    import numpy as np

    try:
        held = np.load(path, allow_pickle=False)
        if isinstance(held, np.ndarray):
            return held
        with held:
            if len(held.files) != 1:
                raise ValueError(f"it holds {len(held.files)} arrays; give a file of one")
            return held[held.files[0]]
    except FileNotFoundError:
        raise ValueError(f"--data = {path}: there is no such file") from None
    except Exception as error:  # damage may surface anywhere in what reads
        said = " ".join(str(error).split()) or type(error).__name__
        said = "it is a pickle or damaged" if "pickle" in said.lower() else said
        raise ValueError(
            f"--data = {path}: {said}; write numbers with numpy.save('x.npy', x)"
        ) from error


def _law(
    law: _Law, shape: tuple[int, ...] | None, data: Any, known: tuple[int, ...] | None
) -> InputLaw:
    """The law of points whose shape is said by option, model or data."""
    from twinpeaks import measure

    if shape and known and shape != known:
        given = ",".join(map(str, shape))
        raise ValueError(
            f"--shape = {given}: the model takes points of shape {known}, leave it out"
        )
    shape = shape or known
    if law.name == "marginals":
        if shape and data.ndim > 1 and len(data):
            if data[0].size != math.prod(shape):
                raise ValueError(
                    f"--data has shape {data.shape}: give patterns of shape {shape}, one a row"
                )
            data = data.reshape(len(data), *shape)
        return measure.Marginals(data)
    shape = shape or (None if data is None else data.shape[1:])
    if not shape:
        raise ValueError("--shape is missing: this model does not say it, give 784 or 1,28,28")
    if law.name == "uniform":
        return measure.Uniform(**law.parameters, shape=shape)
    if law.name == "normal":
        return measure.Normal(**law.parameters, shape=shape)
    return measure.Binary(shape)


def _failures(estimate: Estimate) -> list[str]:
    """What went wrong; of several outputs some may be constant."""
    import numpy as np

    statuses = {str(s) for s in np.atleast_1d(estimate.status)}
    return sorted(statuses - ({"converged", "constant"} if "converged" in statuses else set()))


def _say(text: str, law: InputLaw, found: dict[str, Estimate], maps: dict[str, Estimate]) -> None:
    """Print the mean dimensions, and the inputs of most influence under the first view."""
    import numpy as np

    for view, estimate in found.items():
        name = "mean dimension" if len(found) == 1 else f"mean dimension of {view}"
        pairs = zip(
            np.atleast_1d(estimate.value), np.atleast_1d(estimate.standard_error), strict=True
        )
        for number, (value, error) in enumerate(pairs):
            of = f", output {number}" if np.ndim(estimate.value) else ""
            click.echo(f"{name + of:<28}{_with_error(value, error)}")
    click.echo(f"{'law':<28}{text}\n{'inputs':<28}{law.n}, in points of shape {law.shape}")
    view, influence = next(iter(maps.items()))
    value, error = influence.value, influence.standard_error
    if value.ndim > len(law.shape):  # the total of all outputs
        value, error = value.sum(0), np.sqrt((error**2).sum(0))
    total = value.sum()
    if not total > 0:
        return
    click.echo(f"\n{'input':<16}{'influence':<28}share")
    for at in np.argsort(-value, axis=None, kind="stable")[:_MOST]:
        place = tuple(map(int, np.unravel_index(at, value.shape)))
        while len(place) > 1 and value.shape[-len(place)] == 1:  # a single channel
            place = place[1:]
        label = str(place if len(place) > 1 else place[0])
        known = _with_error(value.flat[at], error.flat[at])
        click.echo(f"{label:<16}{known:<28}{value.flat[at] / total:.1%}")


def _with_error(value: float, error: float) -> str:
    """A number to the second digit of its error."""
    if not (math.isfinite(value) and error > 0):
        return f"{value:.6g} +- {error:.2g}"
    places = max(0, 1 - math.floor(math.log10(error)))
    return f"{value:.{places}f} +- {error:.{places}f}"


def _dataset(
    found: dict[str, Estimate],
    maps: dict[str, Estimate],
    shape: tuple[int, ...],
    about: dict[str, Any],
) -> xr.Dataset:
    """All that was measured, over views, outputs if they were measured one by one, and inputs."""
    from importlib.metadata import version

    import numpy as np
    import xarray as xr

    from twinpeaks.theory.names import attributes

    first = next(iter(found.values()))
    outer = ("view", "output")[: 1 + np.ndim(first.value)]
    inner = {1: ("input",), 2: ("row", "column"), 3: ("channel", "row", "column")}.get(
        len(shape), tuple(f"axis_{i}" for i in range(len(shape)))
    )
    values = {
        "mean_dimension": (outer, [e.value for e in found.values()]),
        "mean_dimension_se": (outer, [e.standard_error for e in found.values()]),
        "influence": (outer + inner, [e.value for e in maps.values()]),
        "influence_se": (outer + inner, [e.standard_error for e in maps.values()]),
    }
    return xr.Dataset(
        {name: (dims, np.stack(parts), attributes(name)) for name, (dims, parts) in values.items()},
        {"view": list(found)},
        {"kind": "mean dimension", **about, "version": version("twinpeaks")},
    )
