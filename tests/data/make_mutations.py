"""Make the simulations that tests/test_mutations.py holds changed theories against.

    python tests/data/make_mutations.py [BLOCKS]

Every block is the mean over n instances of its own: as independent as instances are, of standard
deviation smaller by sqrt(n), and with n P patterns. Files are written after every block, so that an
interrupted run leaves fewer blocks and nothing wrong.
"""

import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
import xarray as xr

import simulate
import theory

AT = {"D": (50, 100), "device": "cpu"}
INPUTS = {"n_test": 5000, "n_flip": 16, "n_variance": 4096}
DRAWS = {"chains": 4, "draws": 100, "n_draws": 8}
TWO = (1e-2, 1.0)
# problem, axes, instances of a block
CASES = {
    "square_relu": (
        theory.Problem(activation=theory.ReLU()),
        {"overparam": (0.5, 2.0), "alpha_T": 3.0, "lam": TWO},
        15,
    ),
    "logistic_tanh": (
        theory.Problem(loss=theory.Logistic()),
        {"overparam": (0.5,), "alpha_T": 3.0, "lam": TWO},
        20,
    ),
    "hinge_relu": (
        theory.Problem(loss=theory.Hinge(), activation=theory.ReLU()),
        {"overparam": (0.5,), "alpha_T": 3.0, "lam": TWO},
        15,
    ),
    "regression_tanh": (
        theory.Problem(teacher=theory.Linear(0.1)),
        {"overparam": (0.5,), "alpha_T": 6.0, "lam": TWO},
        30,
    ),
    "square_tanh_warm": (
        theory.Problem(),
        {"overparam": (0.5,), "alpha_T": 3.0, "lam": (0.1,), "beta": (0.03, 1.0)},
        30,
    ),
}
DROPPED = ("optimality", "test_error_overlap", "acceptance", "r_hat", "ess_bulk", "ess_tail")


def block(name, number):
    """Mean over the instances of one block of one case."""
    problem, axes, size = CASES[name]
    seeds = range(size * number, size * (number + 1))
    if "beta" in axes:
        run = simulate.sample(problem, **axes, **AT, **INPUTS, **DRAWS, seeds=seeds)
    else:
        run = simulate.run(problem, **axes, **AT, **INPUTS, seeds=seeds)
    assert (run.status == 0).all()
    kept = [n for n in run if "seed" in run[n].dims and n not in (*DROPPED, "status")]
    kept = [n for n in kept if not str(n).endswith("_se")]
    mean = run[kept].mean("seed").expand_dims(seed=[number]).assign(P=size * run.P)
    return mean.assign_attrs(problem=run.attrs["problem"], kind="simulation")


def main():
    blocks = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    done = {name: [] for name in CASES}
    for number in range(blocks):
        for name, parts in done.items():
            parts.append(block(name, number))
            data = xr.concat(parts, "seed", data_vars="minimal").drop_attrs(deep=True)
            data = data.assign_attrs(
                kind="simulation",
                problem=parts[0].attrs["problem"],
                made_by="tests/data/make_mutations.py",
                made_on=datetime.now(UTC).date().isoformat(),
                instances_per_block=CASES[name][2],
                **{n: version(n) for n in ("twinpeaks", "torch")},
            )
            data = data.map(
                lambda v: v.astype(np.float32) if v.dtype == np.float64 else v, keep_attrs=True
            )
            file = Path(__file__).with_name(f"{name}.nc")
            part = file.with_suffix(".part")
            data.to_netcdf(part, engine="h5netcdf")
            part.replace(file)


if __name__ == "__main__":
    main()
