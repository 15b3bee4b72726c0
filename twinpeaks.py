"""The ``twinpeaks`` command, and everything most users need under one name.

>>> import twinpeaks as tp
>>> curve = tp.solve(tp.Problem(), overparam=[0.5, 1.0, 2.0], alpha_T=3.0, lam=1e-4)

``tp.X`` is ``theory.X`` for everything public there; beside it stand ``tp.run`` (finite networks),
``tp.compare``, ``tp.summarise``, ``tp.table``, ``tp.agrees``, ``tp.twin_peaks`` and ``tp.save``.
Packages load when first used, so that ``import twinpeaks`` and ``--help`` are immediate.
"""

from __future__ import annotations

import ast
import math
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

if TYPE_CHECKING:
    import xarray as xr

_FLOORS = ("theory", "simulate", "validate", "figures")
_ELSEWHERE = {
    **dict.fromkeys(("run", "mean_dimension"), "simulate"),
    **dict.fromkeys(("agrees", "compare", "summarise", "table"), "validate"),
    **dict.fromkeys(("save", "twin_peaks"), "figures"),
}


def __getattr__(name: str) -> Any:
    """Fetch a public name from the package that defines it."""
    if name.startswith("_"):
        raise AttributeError(name)
    if name in _FLOORS:
        return import_module(name)
    return getattr(import_module(_ELSEWHERE.get(name, "theory")), name)


def __dir__() -> list[str]:
    """List the names for completion."""
    public = [n for n in dir(import_module("theory")) if not n.startswith("_")]
    return sorted({*globals(), *_FLOORS, *_ELSEWHERE, *public})


# --------------------------------------------------------------------------- values of options

# NetCDF 3: every NetCDF reader knows it, and scipy writes it without a further package.
_ENGINE: Literal["scipy"] = "scipy"
_SAME = 1e-9  # values closer than this, relatively, are one point


def _flag(param: click.Parameter | None) -> str:
    if isinstance(param, click.Option):
        return max(param.opts, key=len)
    return param.human_readable_name if param else "value"


class _Type(click.ParamType):  # type: ignore[type-arg]
    """A parameter type whose refusals read ``--option = value: remedy``."""

    def refuse(self, value: Any, remedy: str, param: click.Parameter | None) -> Any:
        raise click.BadParameter(f"{_flag(param)} = {value}: {remedy}", param=param)


class _Grid(_Type):
    """A number, or a tuple of numbers from a comma list of numbers and log-spaced ranges."""

    name = "grid"

    def convert(self, value: Any, param: click.Parameter | None, ctx: Any) -> Any:  # noqa: ARG002
        if not isinstance(value, str):
            return value
        points: list[float] = []
        for piece in value.split(","):
            ends = piece.split(":")
            try:
                if len(ends) == 1:
                    points.append(float(piece))
                    continue
                start, stop, count = float(ends[0]), float(ends[1]), int(ends[2])
            except (ValueError, IndexError):
                self.refuse(
                    value, "give a number, a list 0.5,1,2 or a range first:last:count", param
                )
            if len(ends) > 3 or count < 2 or not (0 < start < stop < math.inf):
                self.refuse(
                    value, "a range is first:last:count with 0 < first < last, count >= 2", param
                )
            step = math.log(stop / start) / (count - 1)
            points += [start, *(start * math.exp(step * i) for i in range(1, count - 1)), stop]
        bad = [p for p in points if not 0 < p < math.inf]
        if bad:
            self.refuse(value, f"{bad[0]:g} is out of range, give finite values > 0", param)
        if "," not in value and ":" not in value:
            return points[0]
        points.sort()
        kept = points[:1] + [b for a, b in pairwise(points) if b > a * (1 + _SAME)]
        return tuple(kept)


class _Sizes(_Type):
    """A whole number, or a tuple of them from a comma list."""

    name = "sizes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: Any) -> Any:  # noqa: ARG002
        if not isinstance(value, str):
            return value
        try:
            sizes = sorted({int(piece) for piece in value.split(",")})
        except ValueError:
            sizes = [0]
        if sizes[0] < 2:
            self.refuse(value, "give whole numbers >= 2, such as 200 or 100,200", param)
        return tuple(sizes) if "," in value else sizes[0]


class _File(_Type):
    """A file to write, of a known kind, in a folder that exists."""

    name = "file"

    def __init__(self, *suffixes: str) -> None:
        self.suffixes = suffixes

    def convert(self, value: Any, param: click.Parameter | None, ctx: Any) -> Path:  # noqa: ARG002
        path = Path(value)
        if path.suffix not in self.suffixes:
            self.refuse(value, f"end the name in {' or '.join(self.suffixes)}", param)
        if not path.parent.is_dir():
            self.refuse(value, f"there is no folder {path.parent}; create it first", param)
        return path


class _Data(_Type):
    """A NetCDF file to read."""

    name = "file.nc"

    def convert(self, value: Any, param: click.Parameter | None, ctx: Any) -> Path:  # noqa: ARG002
        path = Path(value)
        if not path.is_file():
            self.refuse(value, "there is no such file; write it with solve or simulate -o", param)
        if path.suffix != ".nc":
            self.refuse(value, "give a NetCDF file, as solve and simulate write to NAME.nc", param)
        return path


@cache
def _components(module: str) -> dict[str, str]:
    """Classes of a room of ``theory`` that need no argument: lower-case name to class name.

    The source is read, not imported: numpy would take longer than the rest of ``--help``.
    """
    found: dict[str, str] = {}
    (folder,) = find_spec("theory").submodule_search_locations  # type: ignore[union-attr, misc]
    tree = ast.parse((Path(folder) / f"{module}.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if not (isinstance(node, ast.ClassDef) and node.bases):
            continue
        concrete = any("dataclass" in ast.unparse(d) for d in node.decorator_list)
        fields = [item for item in node.body if isinstance(item, ast.AnnAssign)]
        if concrete and all(item.value is not None for item in fields):
            found[node.name.lower()] = node.name
    return found


class _Component(_Type):
    """An activation, teacher or loss by the lower-case name of its class."""

    name = "name"

    def __init__(self, module: str) -> None:
        self.module = module

    def get_metavar(self, param: click.Parameter, ctx: Any = None) -> str:  # noqa: ARG002
        return f"[{'|'.join(_components(self.module))}]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: Any) -> str:  # noqa: ARG002
        names = _components(self.module)
        if value not in names:
            self.refuse(value, f"give one of {', '.join(names)}", param)
        return str(value)

    def create(self, name: str) -> Any:
        return getattr(import_module(f"theory.{self.module}"), _components(self.module)[name])()


# --------------------------------------------------------------------------- the command itself


class _Group(click.Group):
    """Errors on one line; exit codes 1 (a result is bad), 2 (usage), 130 (interrupted)."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("twinpeaks: interrupted", err=True)
            ctx.exit(130)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        kwargs["standalone_mode"] = False
        try:
            code = super().main(*args, **kwargs)
        except click.ClickException as error:
            ctx = getattr(error, "ctx", None)
            message = " ".join(error.format_message().split())
            if isinstance(error, click.MissingParameter):
                message = f"{_flag(error.param)} is missing"
            elif isinstance(error, click.BadParameter):
                flag = _flag(error.param)
                named = error.param is None or error.message.startswith(flag)
                message = error.message if named else f"{flag}: {error.message}"
            if isinstance(error, click.UsageError) and ctx is not None and "=" not in message:
                message = f"{message.rstrip('.')}; see {ctx.command_path} --help"
            click.echo(f"{ctx.command_path if ctx else 'twinpeaks'}: {message}", err=True)
            sys.exit(error.exit_code)
        except click.Abort:
            click.echo("twinpeaks: interrupted", err=True)
            sys.exit(130)
        sys.exit(code if isinstance(code, int) else 0)


@click.group(cls=_Group, name="twinpeaks", invoke_without_command=True)
@click.version_option(package_name="twinpeaks", message="twinpeaks %(version)s")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Double descent and the mean-dimension peak of random-feature models.

    Exact asymptotics (solve) beside trained finite networks (simulate), z-scores between the two
    (validate), and the picture (figure). Start with

    \b
      twinpeaks demo

    Three axes describe a model with N features, P training patterns and D inputs:

    \b
      --overparam  N/P, weights per training pattern; the interpolation peak is near 1
      --alpha-T    P/D, training patterns per input dimension
      --lam        ridge penalty lam |w|^2 / 2 beside the loss summed over patterns

    Each takes a number 0.5, a list 0.5,1,2, a log-spaced range first:last:count, or a list of
    these: 0.05:20:200,1,2 is 200 points and the values 1 and 2.
    """  # noqa: D301
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


_LOSS, _TEACHER = _Component("losses"), _Component("teachers")
_ACTIVATION = _Component("activations")


def _model_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(
        (
            click.option("--loss", type=_LOSS, default="square", show_default=True,
                         help="Training loss."),
            click.option("--teacher", type=_TEACHER, default="sign", show_default=True,
                         help="Where labels come from."),
            click.option("--activation", type=_ACTIVATION, default="tanh", show_default=True,
                         help="Nonlinearity of the features."),
            click.option("--overparam", type=_Grid(), required=True, help="N/P."),
            click.option("--alpha-T", "alpha_T", type=_Grid(), default="3", show_default=True,
                         help="P/D."),
            click.option("--lam", type=_Grid(), default="1e-4", show_default=True,
                         help="Ridge penalty."),
        )
    ):  # fmt: skip
        command = option(command)
    return command


def _problem(loss: str, teacher: str, activation: str) -> Any:
    theory = import_module("theory")
    try:
        return theory.Problem(
            loss=_LOSS.create(loss),
            teacher=_TEACHER.create(teacher),
            activation=_ACTIVATION.create(activation),
        )
    except theory.InvalidProblem as error:
        raise click.UsageError(str(error)) from error


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn a ValueError of the library, which names value and remedy, into a usage error."""
    try:
        yield
    except ValueError as error:
        raise click.UsageError(str(error), click.get_current_context()) from error


@contextmanager
def _bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar on the terminal, as the callback that both engines take."""
    from tqdm import tqdm

    with tqdm(desc=title, disable=None, leave=False) as bar:

        def advance(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield advance


def _write(data: xr.Dataset, path: Path) -> None:
    """Write NetCDF or CSV; the file appears only when it is complete."""
    part = path.with_name(f".{path.name}.part")
    try:
        if path.suffix == ".nc":
            data.to_netcdf(part, engine=_ENGINE)
        else:
            (data if data.dims else data.expand_dims("overparam")).to_dataframe().to_csv(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _read(path: Path) -> xr.Dataset:
    import xarray as xr

    try:
        return xr.load_dataset(path)
    except (OSError, ValueError) as error:
        raise click.UsageError(f"{path}: not a NetCDF file that can be read ({error})") from error


def _report(data: xr.Dataset, quality: str, output: Path | None) -> None:
    """Write and describe a Dataset; leave with 1 where points failed."""
    shown = data[["test_error", "bmd", "status"]]
    shown = shown if shown.dims else shown.expand_dims("overparam")
    points = shown.stack(point=shown["status"].dims)
    bad = points.isel(point=(points["status"] != 0).values)
    failed, total = bad.sizes["point"], points.sizes["point"]
    if output is None and total <= 12:
        click.echo(points.reset_index("point").to_dataframe().to_string(index=False) + "\n")
    click.echo(f"points      {total}\nconverged   {total - failed}")
    click.echo(f"worst {quality}  {float(data[quality].max()):.1e}")
    if output is not None:
        _write(data, output)
        click.echo(f"written to  {output}")
    if failed:
        kind = import_module("theory" if data.attrs["kind"] == "theory" else "simulate").Status
        for i in range(min(5, failed)):
            status = kind(int(bad["status"][i]))
            where = import_module("validate").describe(bad.isel(point=i))
            sentence = getattr(status, "sentence", "Training stopped short; raise --lam.")
            click.echo(f"failed: {where} ({status.name.lower()}). {sentence}", err=True)
        click.echo(f"failed: {failed} of {total} points, left as NaN.", err=True)
        click.get_current_context().exit(1)


_output = click.option(
    "-o", "--output", type=_File(".nc", ".csv"), help="File to write: NetCDF (.nc) or CSV (.csv)."
)


@cli.command("solve")
@_model_options
@_output
def _solve_command(
    output: Path | None, overparam: Any, alpha_T: Any, lam: Any, **model: str
) -> None:
    """Solve the theory on a grid: the limit of infinite size.

    \b
    Examples:
      twinpeaks solve --overparam 0.5,1,2
      twinpeaks solve --overparam 0.05:20:200 --lam 1e-4,0.1 -o square.nc
      twinpeaks solve --loss logistic --overparam 0.05:20:200,0.5,1,2 -o logistic.nc

    The last grid adds the points of a simulation to a fine curve. Exit code 1 when a point did
    not converge; its values are then NaN.
    """  # noqa: D301
    problem = _problem(**model)
    with _refusals(), _bar("solve") as progress:
        data = import_module("theory").solve(
            problem, overparam=overparam, alpha_T=alpha_T, lam=lam, throw=False, progress=progress
        )
    _report(data, "residual", output)


@cli.command("simulate")
@_model_options
@click.option(
    "-D",
    "--size",
    type=_Sizes(),
    default="200",
    show_default=True,
    help="Input size D, one or several: 100,200.",
)
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=16,
    show_default=True,
    help="Instances per point; validate needs at least 2.",
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:0.")
@click.option(
    "--n-test",
    type=click.IntRange(min=1),
    default=10_000,
    show_default=True,
    help="Fresh patterns for the test error.",
)
@click.option(
    "--n-flip",
    type=click.IntRange(min=2),
    default=64,
    show_default=True,
    help="Inputs at which all D coordinates are flipped for the mean dimension.",
)
@_output  # fmt: skip
def _simulate_command(
    output: Path | None,
    overparam: Any,
    alpha_T: Any,
    lam: Any,
    size: Any,
    seeds: int,
    device: str,
    n_test: int,
    n_flip: int,
    **model: str,
) -> None:
    """Draw, train and measure finite networks.

    \b
    Examples:
      twinpeaks simulate --overparam 0.5,1,2 -D 100 --seeds 4
      twinpeaks simulate --overparam 0.5,1,2 -D 100,200 --seeds 16 -o square-simulation.nc

    P = alpha_T D and N = overparam P must be whole numbers for validate to accept the result.
    Two sizes let validate tell finite-size bias from noise.
    """  # noqa: D301
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", device):
        raise click.BadParameter(f"--device = {device}: give auto, cpu, cuda or cuda:0")
    problem = _problem(**model)
    with _refusals(), _bar("simulate") as progress:
        data = import_module("simulate").run(
            problem,
            overparam=overparam,
            alpha_T=alpha_T,
            lam=lam,
            D=size,
            seeds=seeds,
            device=device,
            n_test=n_test,
            n_flip=n_flip,
            progress=progress,
        )
    off = max(float(abs(data[f"{a}_actual"] / data[a] - 1).max()) for a in ("overparam", "alpha_T"))
    if off > _SAME:
        click.echo(f"note: N and P were rounded; ratios are off by up to {off:.1e}.", err=True)
    _report(data, "optimality", output)


def _judge(comparison: xr.Dataset, level: float) -> tuple[xr.Dataset, str, bool]:
    """Find the result to keep, what to say about it, and whether theory and simulation agree."""
    validate = import_module("validate")
    sizes = comparison.sizes.get("D", 1)
    result = validate.summarise(comparison) if sizes > 1 else comparison
    verdict = validate.agrees(result, level)
    what = f"extrapolated to D = infinity from {sizes} sizes" if sizes > 1 else "at finite size"
    lines = [f"z-scores, {what}", "", validate.table(result), "", verdict.sentence]
    lines += [f"  {place}" for place in verdict.rejected[:5]]
    if comparison.attrs["undefined"]:
        lines.append(f"Not compared, defined on neither side: {comparison.attrs['undefined']}.")
    return result, "\n".join(lines), verdict.agrees


def _per_point(result: xr.Dataset) -> xr.Dataset:
    """Keep what has a value at every point: the rows of a CSV."""
    return result[[n for n in result if set(result[n].dims) >= set(result["z"].dims)]].merge(
        result[["theory"]]
    )


@cli.command("validate")
@click.argument("theory", type=_Data())
@click.argument("simulation", type=_Data())
@click.option(
    "--level",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=1e-3,
    show_default=True,
    help="Chance of a disagreement when the theory is right.",
)
@_output  # fmt: skip
def _validate_command(theory: Path, simulation: Path, level: float, output: Path | None) -> None:
    """Set a simulation beside the theory and print z-scores.

    \b
    Example:
      twinpeaks validate square.nc square-simulation.nc -o z-scores.csv

    With two or more sizes D the simulation is extrapolated to D = infinity first. The verdict
    corrects for the number of comparisons. Exit code 1 when the two disagree at --level, or when
    a failed point left something untested.
    """  # noqa: D301
    with _refusals():
        comparison = import_module("validate").compare(_read(theory), _read(simulation))
    result, text, agreed = _judge(comparison, level)
    click.echo(text)
    if output is not None:
        _write(_per_point(result) if output.suffix == ".csv" else result, output)
        click.echo(f"Written to {output}.")
    if not agreed:
        click.get_current_context().exit(1)


def _labels(problems: list[str]) -> list[str]:
    """Name problems by the components in which they differ: ``logistic``, or ``relu, square``."""
    parts = [re.findall(r"(\w+)=(\w+)\(([^()]*)\)", problem) for problem in problems]
    kinds = [{kind: (name, arguments) for kind, name, arguments in part} for part in parts]
    differ = [k for k in kinds[0] if len({kind.get(k) for kind in kinds}) > 1] or ["loss"]
    return [", ".join(kind[k][0].lower() + f" {k}" for k in differ if k in kind) for kind in kinds]


@cli.command("figure")
@click.argument("name")
@click.argument("files", type=_Data(), nargs=-1, required=True)
@click.option("-o", "--output", type=_File(".png", ".pdf", ""), required=True,
              help="Picture to write; without suffix, both NAME.png and NAME.pdf.")  # fmt: skip
def _figure_command(name: str, files: tuple[Path, ...], output: Path) -> None:
    """Draw a figure from files of solve and simulate.

    \b
    Examples:
      twinpeaks figure twin-peaks square.nc -o twin_peaks
      twinpeaks figure twin-peaks square.nc square-simulation.nc logistic.nc -o both.pdf

    Files of one problem share a row: at most one theory and one simulation each.
    """  # noqa: D301
    figures = import_module("figures")
    draw = figures.REGISTRY.get(name.replace("-", "_"))
    if draw is None:
        names = ", ".join(n.replace("_", "-") for n in sorted(figures.REGISTRY))
        raise click.BadParameter(f"NAME = {name}: give one of {names}")
    rows: dict[str, dict[str, xr.Dataset]] = {}
    for file in files:
        data = _read(file)
        kind, problem = (str(data.attrs.get(a, "")) for a in ("kind", "problem"))
        if kind not in ("theory", "simulation"):
            raise click.UsageError(f"FILES = {file}: not a result of solve or simulate")
        if kind in rows.setdefault(problem, {}):
            raise click.UsageError(f"FILES = {file}: a second {kind} of one problem; give one")
        rows[problem][kind] = data
    for problem, row in rows.items():
        if "theory" not in row:
            raise click.UsageError(f"FILES = {files[0]} ...: no theory of {problem}; add its file")
    pairs = [(row["theory"], row.get("simulation")) for row in rows.values()]
    with _refusals():
        picture = draw(dict(zip(_labels(list(rows)), pairs, strict=True)))
    formats = [output.suffix[1:]] if output.suffix else ["png", "pdf"]
    for written in figures.save(picture, output.with_suffix(""), formats):
        click.echo(f"written to  {written}")


# Whole N for every D that is a multiple of 10.
_RATIOS = (0.1, 0.2, 0.3, 0.4, 0.8, 1.0, 1.2, 2.0, 4.0, 8.0)


@cli.command("demo")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default="demo",
    show_default=True,
    help="Folder for everything written.",
)
@click.option(
    "-D",
    "--size",
    type=_Sizes(),
    default="50,100",
    show_default=True,
    help="Input sizes, multiples of 10.",
)
@click.option(
    "--seeds",
    type=click.IntRange(min=2),
    default=24,
    show_default=True,
    help="Instances per point.",
)
@click.option(
    "--points",
    type=click.IntRange(min=2),
    default=200,
    show_default=True,
    help="Points of each theory curve.",
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:0.")
def _demo_command(output: Path, size: Any, seeds: int, points: int, device: str) -> None:
    """Both peaks, in theory and simulation: curves, data, z-scores and picture in minutes.

    Tanh features and a sign teacher at P/D = 3, square and logistic loss, a small and a nearly
    optimal ridge penalty. Exit code 1 when theory and simulation disagree.
    """
    sizes = (size,) if isinstance(size, int) else size
    if any(s % 10 for s in sizes):
        raise click.BadParameter(f"--size = {size}: give multiples of 10, so that N is whole")
    output.mkdir(parents=True, exist_ok=True)
    theory, validate = import_module("theory"), import_module("validate")
    figures, run = import_module("figures"), import_module("simulate").run
    at = {"alpha_T": 3.0, "lam": (1e-4, 0.1)}
    fine = _Grid().convert(f"0.05:20:{points}," + ",".join(map(str, _RATIOS)), None, None)
    rows, texts, agreed = {}, [], True
    for loss in ("square", "logistic"):
        problem = _problem(loss, "sign", "tanh")
        with _bar(f"{loss} loss, theory") as progress:
            curve = theory.solve(problem, overparam=fine, progress=progress, **at)
        with _refusals(), _bar(f"{loss} loss, simulation") as progress:
            data = run(
                problem,
                overparam=_RATIOS,
                D=size,
                seeds=seeds,
                device=device,
                n_test=5000,
                n_flip=32,
                n_variance=4096,
                progress=progress,
                **at,
            )
        result, text, agree = _judge(validate.compare(curve, data), 1e-3)
        agreed &= agree
        rows[f"{loss} loss"] = (curve, data)
        texts.append(f"{loss.capitalize()} loss: {text}\n")
        click.echo(texts[-1])
        _write(curve, output / f"{loss}_theory.nc")
        _write(data, output / f"{loss}_simulation.nc")
        _write(_per_point(result), output / f"{loss}_z_scores.csv")
    (output / "z_scores.txt").write_text("\n".join(texts), encoding="utf-8")
    figures.save(figures.twin_peaks(rows), output / "twin_peaks")
    click.echo(f"In {output.resolve()}:")
    for name, what in (
        ("twin_peaks.png, .pdf", "the picture"),
        ("LOSS_theory.nc, LOSS_simulation.nc", "the data, for square and logistic loss"),
        ("LOSS_z_scores.csv, z_scores.txt", "theory beside simulation"),
    ):
        click.echo(f"  {name:<36}{what}")
    if not agreed:
        click.get_current_context().exit(1)


def main() -> None:
    """Run the command line."""
    cli(prog_name="twinpeaks")


if __name__ == "__main__":
    main()
