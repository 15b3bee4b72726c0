"""Make the simulations that tests/test_mutations.py holds changed theories against.

    python tests/data/make_mutations.py [CASE ...]

Cases, sizes, numbers of instances and seeds were fixed before any of these data were made, from pilots
with other seeds: an instance of D inputs gives the change that 1 % of a coefficient makes in a
variable, in units of the standard deviation of that variable over instances.

- ``square_noisy``: with 30 % of the labels flipped and few patterns the student is made of noise, so
  that what noise does to the overlaps, <Omega R^2> and <S Omega R^2>, is most of p and q.
- ``square_clean``: with many clean labels and strong ridge q is made of signal, <T R^2>, and the
  function is nearly linear, so that the linear part of the influence is most of it.
- ``regression_tanh``: linear labels of little noise tell rho, <T R> and <T S R^2>.
- ``square_warm``: at a high temperature the weights fluctuate freely, and kappa_star, kappa'_star, <R>
  and <S R> decide. Test error and mean dimension of the posterior mean are left out: at beta = 0.03
  the noise of the mean of 100 draws, V / (beta draws), is not small beside Q_0, and both are biased by
  its square.
- ``logistic_tanh``, ``hinge_relu``: another channel, and an activation with kinks.

Sizes are a factor of three apart, which costs the extrapolation less than a factor of two; pilots at
half the smaller size bound what a straight line in 1/D leaves.

Every block is the mean over n instances of its own: as independent as instances are, of standard
deviation smaller by sqrt(n), and with n P patterns. A file is written when its case is complete:
nobody can look at half of the blocks and decide to stop.
"""

import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from twinpeaks import theory

BLOCKS = 100
FIRST_SEED = 2_000_000


@dataclass(frozen=True)
class Case:
    """One problem on one grid: ``block`` instances a block, measured with ``inputs``.

    ``dropped`` is measured with too few inputs, or is too rare, to be compared.
    """

    problem: theory.Problem
    axes: dict[str, Any]
    D: tuple[int, int]
    block: int
    inputs: dict[str, int] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()


INPUTS = {"n_test": 2000, "n_flip": 16, "n_variance": 4096}
CASES = {
    "square_noisy": Case(
        theory.Problem(teacher=theory.FlippedSign(0.3)),
        {"overparam": (5.0,), "alpha_T": 0.5, "lam": (0.1, 0.3)},
        D=(60, 180),
        block=55,
        inputs={"n_test": 500, "n_flip": 2, "n_variance": 2},
        dropped=("bmd", "train_error"),
    ),
    "square_clean": Case(
        theory.Problem(),
        {"overparam": (0.5,), "alpha_T": 5.0, "lam": (1.0, 3.0)},
        D=(60, 180),
        block=14,
        inputs={"n_test": 2000, "n_flip": 24, "n_variance": 6144},
    ),
    "regression_tanh": Case(
        theory.Problem(teacher=theory.Linear(0.1)),
        {"overparam": (0.5,), "alpha_T": 6.0, "lam": (1e-2, 1.0)},
        D=(50, 150),
        block=5,
        inputs=INPUTS,
    ),
    "square_warm": Case(
        theory.Problem(),
        {"overparam": (0.5,), "alpha_T": 3.0, "lam": (0.1,), "beta": (0.03, 1.0)},
        D=(50, 150),
        block=9,
        inputs={**INPUTS, "chains": 4, "draws": 100, "n_draws": 8},
        dropped=("test_error_mean", "bmd_mean"),
    ),
    "logistic_tanh": Case(
        theory.Problem(loss=theory.Logistic()),
        {"overparam": (0.5,), "alpha_T": 3.0, "lam": (1e-2, 0.1)},
        D=(50, 150),
        block=4,
        inputs=INPUTS,
    ),
    "hinge_relu": Case(
        theory.Problem(loss=theory.Hinge(), activation=theory.ReLU()),
        {"overparam": (0.5,), "alpha_T": 3.0, "lam": (1e-2, 0.1)},
        D=(50, 150),
        block=3,
        inputs=INPUTS,
    ),
}
DIAGNOSTICS = ("optimality", "test_error_overlap", "acceptance", "r_hat", "ess_bulk", "ess_tail")


def block(case: Case, number: int) -> xr.Dataset:
    """Mean over the instances of one block of one case."""
    from twinpeaks import simulate  # here, so that a test of what was simulated needs no torch

    first = FIRST_SEED + case.block * number
    measure = simulate.sample if "beta" in case.axes else simulate.run
    run = measure(
        case.problem,
        **case.axes,
        D=case.D,
        seeds=range(first, first + case.block),
        device="cpu",
        **case.inputs,
    )
    assert (run.status == 0).all()
    left_out = (*DIAGNOSTICS, *case.dropped, "status")
    kept = [n for n in run if "seed" in run[n].dims and n not in left_out]
    kept = [n for n in kept if not str(n).endswith("_se")]
    mean = run[kept].mean("seed").expand_dims(seed=[number]).assign(P=case.block * run.P)
    return mean.assign_attrs(problem=run.attrs["problem"], kind="simulation")


def made(case: Case) -> xr.Dataset:
    """All blocks of a case, in single precision."""
    parts = [block(case, number) for number in range(BLOCKS)]
    data = xr.concat(parts, "seed", data_vars="minimal").drop_attrs(deep=True)
    data = data.assign_attrs(
        kind="simulation",
        problem=parts[0].attrs["problem"],
        made_by="tests/data/make_mutations.py",
        made_on=datetime.now(UTC).date().isoformat(),
        instances_per_block=case.block,
        first_seed=FIRST_SEED,
        **{n: version(n) for n in ("twinpeaks", "torch")},
    )
    return data.map(lambda v: v.astype(np.float32) if v.dtype == np.float64 else v, keep_attrs=True)


def main() -> None:
    """Make the cases that are named, or all."""
    for name in sys.argv[1:] or CASES:
        file = Path(__file__).with_name(f"{name}.nc")
        part = file.with_suffix(".part")
        made(CASES[name]).to_netcdf(part, engine="h5netcdf")
        part.replace(file)


if __name__ == "__main__":
    main()
