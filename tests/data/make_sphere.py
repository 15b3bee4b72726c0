"""Golden rows of learning curves on the sphere: ``python -m tests.data.make_sphere``, some minutes."""

import json
from pathlib import Path

import numpy as np
from mpmath import nstr

from twinpeaks.theory import sphere
from twinpeaks.theory.sphere.learning_curve import Points, learning_curve as curve
from twinpeaks.theory.sphere.modes import modes
from twinpeaks.validate.precise.sphere import learning_curve

FILE = Path(__file__).with_name("sphere.json")
DIGITS = 18
NTK, RFK, CONSTANT = sphere.NTK(), sphere.RFK(), sphere.Constant()
FIELD, MATERN = sphere.GaussianField, sphere.Matern
INF = float("inf")

#: d, kernel, target, noise, n, lam, p/n.
CASES = (
    (3, NTK, CONSTANT, 0.0, 64, 0.0, INF),
    (2, NTK, FIELD(0.5), 0.1, 1000, 1e-3, INF),
    (2, NTK, FIELD(0.5), 0.0, 1e9, 0.0, INF),
    (2, RFK, FIELD(6.0), 0.0, 1e4, 0.0, INF),
    (3, RFK, FIELD(3.0), 0.0, 1024, 0.0, INF),
    (3, NTK, MATERN(1.5), 0.5, 37, 10.0, INF),
    (3, NTK, FIELD(1.5), 0.0, 1e9, 1e-6, INF),
    (5, RFK, MATERN(1.5), 0.0, 300, 1e-3, 0.5),
    (5, RFK, FIELD(0.5), 0.1, 64, 1e-6, 1.0),
    (5, NTK, FIELD(1.0), 0.0, 1e6, 0.0, INF),
    (10, RFK, FIELD(0.7), 0.05, 1e6, 1e-2, INF),
    (10, RFK, CONSTANT, 0.0, 500, 1e-4, 2.0),
    (10, NTK, MATERN(0.5, tau=3.0), 0.0, 1, 0.0, INF),
    (20, NTK, FIELD(1.5), 0.2, 1e4, 0.1, INF),
    (50, RFK, FIELD(1.5), 0.0, 1000, 1e-5, 0.3),
    (50, NTK, FIELD(2.0), 0.0, 1e9, 1e3, INF),
)


def row(d, kernel, target, noise, n, lam, ratio):
    problem = sphere.Problem(d, kernel, target, noise)
    at = Points(*(np.array([float(v)]) for v in (n, ratio * n, lam)))
    guess = float(curve(modes(kernel, target, d), at, noise).kappa[0])
    found = learning_curve(problem, n, lam, ratio, guess, DIGITS)
    values = {name: nstr(value, DIGITS) for name, value in found.items()}
    print(problem, n, lam, ratio, values["test_error"], flush=True)  # noqa: T201 - progress
    return values


if __name__ == "__main__":
    FILE.write_text(json.dumps([row(*case) for case in CASES], indent=0), encoding="utf-8")
