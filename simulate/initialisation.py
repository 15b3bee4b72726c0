"""A sweep of networks trained with square loss from a start w_init to the nearest solution."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from simulate.bmd import feature_mean_dimension
from simulate.device import Workspace, choose_device, device_name, plan_memory
from simulate.draw import Instance, Streams, TorchRandom, check_sizes, draw_instance
from simulate.grid import Grid, check_count, make_grid
from simulate.measure import measure_overlaps, measure_test_error, measure_training
from simulate.nearest import NearestSolution
from simulate.variables import SIZES, attributes
from theory.losses.square import Square
from theory.problem import Problem
from theory.starts import GaussianStart, RandomLabelsStart, SameInputsStart, Start

__all__ = ["run_from_start"]

Values = NDArray[np.float64]

_MEASURED = (
    *("q_d", "p_d", "r", "Q_d", "m", "train_loss", "train_error"),
    *("test_error", "test_error_se", "bmd", "bmd_se"),
)
_OF_START = {
    "start_q": ("squared norm of the start", "1", "|w_init|^2 / N"),
    "start_bmd": ("Boolean mean dimension of the start", "1", "bmd at w_init"),
    "start_overlap": ("overlap of weights and start", "1", "w . w_init / N"),
    "distance": ("squared distance travelled", "1", "|w - w_init|^2 / N"),
}
_AXES = {
    "scale": ("scale of the start", "1", "root mean square of the entries of w_init"),
    "alpha_prime": (
        "requested random patterns per weight",
        "1",
        "P'/N of the training that made w_init",
    ),
}


def run_from_start(
    problem: Problem,
    start: Start,
    overparam: ArrayLike,
    alpha_T: ArrayLike = 3.0,
    lam: ArrayLike = 0.0,
    D: ArrayLike = 200,
    seeds: int | Sequence[int] = 16,
    *,
    device: str = "auto",
    n_test: int = 10_000,
    n_flip: int = 64,
    n_variance: int = 8192,
    memory: int | None = None,
    progress: Callable[[int, int], Any] | None = None,
) -> xr.Dataset:
    """Draw, start, train and measure random-feature models.

    Parameters
    ----------
    problem : Problem
        With ``loss=Square()``.
    start : theory.Start
        ``GaussianStart``, ``RandomLabelsStart`` or ``SameInputsStart``, which brings the axes
        ``scale`` and ``alpha_prime``; P' = round(alpha' N).
    overparam, alpha_T, D : number or 1-d sequence
        N/P, P/D and the input size, as in :func:`simulate.run`.
    lam : number
        0 is gradient descent to the end; otherwise the penalty lam |w - w_init|^2 / 2.
    seeds : int or sequence of int
        As in :func:`simulate.run`, whose features, teacher and training set are drawn here too. The
        start is fixed by (seed, D, N, P, P') and shared by all scales.
    device, n_test, n_flip, n_variance, memory
        As in :func:`simulate.run`.
    progress : callable, optional
        Receives (done, total) after each instance.

    Returns
    -------
    xarray.Dataset
        Dimensions (overparam, alpha_T, D, seed, scale, alpha_prime), less those given as numbers,
        with the variables of :func:`simulate.run` and, of the start, those of
        ``theory.solve_from_start``.

    Raises
    ------
    ValueError
        For any argument out of range, before any work.

    Examples
    --------
    >>> import simulate, theory
    >>> start = theory.GaussianStart(scale=[0.0, 1.0])
    >>> data = simulate.run_from_start(theory.Problem(), start, overparam=2.0, D=50, seeds=2)
    >>> dict(data.test_error.sizes)
    {'seed': 2, 'scale': 2}
    """
    if not isinstance(problem, Problem) or not isinstance(problem.loss, Square):
        raise ValueError(f"problem = {problem!r}: give a theory.Problem with loss=Square()")
    if not isinstance(start, (GaussianStart, RandomLabelsStart, SameInputsStart)):
        raise ValueError(
            f"start = {start!r}: give a theory.GaussianStart, RandomLabelsStart or SameInputsStart"
        )
    ridge = np.asarray(lam)
    if ridge.ndim or ridge.dtype.kind not in "iuf" or not (np.isfinite(ridge) and ridge >= 0):
        raise ValueError(f"lam = {lam!r}: give one finite number >= 0")
    start.check(ridge)
    grid = make_grid(overparam, alpha_T, 1.0, D, seeds)
    for _, N, _ in grid.sizes:
        for ratio in np.atleast_1d(start.axes.get("alpha_prime", np.array([]))):
            if round(float(ratio) * N) == 0:
                raise ValueError(
                    f"alpha_prime = {ratio:g} with N = {N} rounds to no pattern: raise alpha_prime, "
                    "D, alpha_T or overparam"
                )
    counts = {
        "n_test": check_count("n_test", n_test, 1),
        "n_flip": check_count("n_flip", n_flip, 2),
        "n_variance": check_count("n_variance", n_variance, 2),
    }
    budget = None if memory is None else check_count("memory", memory, 1)
    columns = int(np.prod([a.size for a in start.axes.values()], dtype=int))
    work = plan_memory(
        grid.sizes, problem.features.hidden, columns, True, choose_device(device), budget
    )
    check_sizes(problem, grid.sizes)
    data = _sweep(problem, start, grid, float(ridge), counts, work, progress)
    return _dataset(problem, start, grid, float(ridge), data, counts, work)


def _unit_starts(
    start: Start,
    instance: Instance,
    fit: NearestSolution,
    size: tuple[int, int, int],
    seed: int,
    work: Workspace,
) -> Tensor:
    """w_init of every alpha', of scale 1 or, where the start names none, as trained; (N, alpha')."""
    D, N, P = size

    def stream(number: int) -> TorchRandom:
        # beside the four children that Streams spawns of the same entropy
        child = np.random.SeedSequence((seed, D, N, P), spawn_key=(4, number))
        entropy = child.generate_state(1, np.uint64)[0] >> np.uint64(1)
        return TorchRandom.from_seed(int(entropy), work.device)

    if isinstance(start, GaussianStart):
        return stream(0).normal(N, 1)
    if isinstance(start, SameInputsStart):
        columns = [fit.from_zero(_coins(stream(P), P))]
    else:
        assert isinstance(start, RandomLabelsStart)
        columns = []
        for ratio in np.atleast_1d(start.axes["alpha_prime"]):
            number = round(float(ratio) * N)
            random = stream(number)
            rows = work.rows(instance.layers.widest)
            parts = torch.split(random.normal(number, D), rows)
            X = torch.cat([instance.layers(x) for x in parts]) / N**0.5
            trained = NearestSolution.of(X, start.ridge)
            columns.append(trained.from_zero(_coins(random, number)))
    W = torch.stack(columns, dim=1)
    if start.scale is None:
        return W
    unit: Tensor = W * (N**0.5 / torch.linalg.vector_norm(W, dim=0))
    return unit


def _coins(random: TorchRandom, number: int) -> Tensor:
    u = random.uniform(number)
    return torch.where(u < 0.5, -torch.ones_like(u), torch.ones_like(u))


def _instance(
    problem: Problem,
    start: Start,
    size: tuple[int, int, int],
    seed: int,
    lam: float,
    counts: dict[str, int],
    work: Workspace,
) -> dict[str, Values]:
    """Everything measured on one draw, each of shape (scales, alpha')."""
    D, N, P = size
    streams = Streams.of(seed, D, N, P, work.device)
    instance = draw_instance(problem, D, N, P, streams.training, work)
    fit = NearestSolution.of(instance.design, lam)
    unit = _unit_starts(start, instance, fit, size, seed, work)
    scales = np.ones(1) if start.scale is None else np.atleast_1d(start.axes["scale"])
    scale = torch.as_tensor(scales, dtype=unit.dtype, device=unit.device)[:, None]

    def spread(columns: Tensor) -> Tensor:
        """Columns of every scale and alpha', in this order."""
        return (columns[:, None, :] * scale).reshape(N, -1)

    begin = spread(unit)
    W = fit.from_zero(instance.y)[:, None] + spread(fit.kept(unit))
    out = measure_overlaps(instance, W, problem.activation.moments)
    out |= measure_training(problem, instance, W, np.zeros(W.shape[1]))
    out |= measure_test_error(problem, instance, W, streams.test, counts["n_test"], work)
    both = feature_mean_dimension(
        instance.layers,
        torch.cat([W, unit], dim=1),
        streams.flips,
        streams.variance,
        counts["n_flip"],
        counts["n_variance"],
        work,
    )
    split = W.shape[1]
    out |= {"bmd": both.value[:split], "bmd_se": both.standard_error[:split]}
    out["start_bmd"] = np.tile(both.value[split:], scales.size)
    for name, product in (
        ("start_q", begin * begin),
        ("start_overlap", W * begin),
        ("distance", (W - begin) ** 2),
    ):
        out[name] = np.asarray((product.sum(0) / N).cpu().numpy())
    shape = (scales.size, unit.shape[1])
    return {name: out[name].reshape(shape) for name in (*_MEASURED, *_OF_START)}


def _sweep(
    problem: Problem,
    start: Start,
    grid: Grid,
    lam: float,
    counts: dict[str, int],
    work: Workspace,
    progress: Callable[[int, int], Any] | None,
) -> dict[str, Values]:
    """Arrays of (overparam, alpha_T, D, seed, scale, alpha_prime)."""
    shape = [len(a.values) for a in (grid.overparam, grid.alpha_T, grid.D, grid.seed)]
    rows = []
    for done, (i, j, d, s) in enumerate(np.ndindex(*shape), start=1):
        seed = int(grid.seed.values[s])
        rows.append(_instance(problem, start, grid.size(i, j, d), seed, lam, counts, work))
        if progress is not None:
            progress(done, int(np.prod(shape)))
    return {
        name: np.stack([row[name] for row in rows]).reshape(*shape, *rows[0][name].shape)
        for name in rows[0]
    }


def _dataset(
    problem: Problem,
    start: Start,
    grid: Grid,
    lam: float,
    data: dict[str, Values],
    counts: dict[str, int],
    work: Workspace,
) -> xr.Dataset:
    """Label the arrays and drop the dimensions given as numbers."""
    axes = (grid.overparam, grid.alpha_T, grid.D, grid.seed)
    dims = [axis.name for axis in axes] + ["scale", "alpha_prime"]
    variables: dict[str, Any] = {}
    for name, values in data.items():
        attrs = attributes(name) if name in _MEASURED else _attributes(_OF_START[name])
        variables[name] = (dims, values, attrs)
    size = np.array(grid.sizes).reshape(*(len(a.values) for a in axes[:3]), 3)
    D, N, P = (size[..., index] for index in range(3))
    for name, values in zip(SIZES, (N, P, N / P, P / D), strict=True):
        variables[name] = (dims[:3], values, attributes(name))
    coords = {a.name: (a.name, a.values, attributes(a.name)) for a in axes}
    coords |= {
        name: (name, np.atleast_1d(a), _attributes(_AXES[name])) for name, a in start.axes.items()
    }
    out = xr.Dataset(
        variables,
        coords,
        attrs={
            "problem": repr(problem),
            "start": repr(start),
            "kind": "simulation",
            "version": version("twinpeaks"),
            "device": device_name(work.device),
            "torch": str(torch.__version__),
            **counts,
        },
    ).assign_coords(lam=((), lam, attributes("lam")))
    scalars = {a.name: 0 for a in axes if a.scalar}
    for name in ("scale", "alpha_prime"):
        if name not in start.axes or start.axes[name].ndim == 0:
            scalars[name] = 0
    return out.isel(scalars)


def _attributes(described: tuple[str, str, str]) -> dict[str, str]:
    return dict(zip(("long_name", "units", "definition"), described, strict=True))
