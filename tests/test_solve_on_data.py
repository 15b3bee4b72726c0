"""Curves over the number of random features of given data."""

import numpy as np
import pytest
import xarray as xr

from twinpeaks import theory

RNG = np.random.default_rng(0)
D, PATTERNS = 12, 300
F, X = RNG.normal(size=(D, 60)), RNG.normal(size=(PATTERNS, D))
Y = np.sign(X[:, 0] + 0.5 * X[:, 1])
AT = {"P": 30, "overparam": [0.5, 1.0, 2.0], "lam": [1e-2, 0.1]}


def test_a_curve_is_its_points():
    laws = {"binary": theory.Cumulants(kurtosis=-2.0), "normal": theory.Cumulants()}
    seen = []
    curve = theory.solve_on_data(
        F, X, Y, laws=laws, progress=lambda done, total: seen.append((done, total)), **AT
    )
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert curve.bmd.dims == ("overparam", "lam", "law")
    assert curve.N.values.tolist() == [15, 30, 60]
    for name in ("bmd", "test_error", "classification_error", "N"):
        assert curve[name].attrs["long_name"]
    law = theory.MeasuredFeatures.of(F[:, :30], X, Y, laws=laws)
    problem = theory.Problem(theory.Identity(), theory.Linear(0.0), theory.Square(), law)
    point = theory.solve(problem, overparam=1.0, alpha_T=30 / D, lam=0.1)
    at = curve.sel(overparam=1.0, lam=0.1)
    assert float(at.q_d) == pytest.approx(float(point.q_d), rel=1e-9)
    assert float(at.bmd.sel(law="binary")) == pytest.approx(float(point.bmd), rel=1e-8)
    # the error on all patterns is a mean over those drawn, a tenth, and the others
    whole = 0.1 * at.train_error + 0.9 * at.test_error
    assert float(whole) == pytest.approx(float(point.test_error), rel=1e-9)


def test_axes_are_those_of_solve():
    path = xr.DataArray([0.5, 1.0], dims="width")
    curve = theory.solve_on_data(F, X, Y, P=30, overparam=path, lam=0.1)
    assert curve.bmd.dims == ("width", "law")
    one = theory.solve_on_data(F, X, Y, P=30, overparam=1.0, lam=[0.1, 1.0])
    assert one.bmd.dims == ("lam", "law")
    assert int(one.N) == 30
    assert float(one.bmd[0, 0]) == pytest.approx(float(curve.bmd[1, 0]), rel=1e-8)


def test_real_labels_have_no_classification_error():
    curve = theory.solve_on_data(F, X, X[:, 0], P=30, overparam=1.0, lam=0.1)
    assert "classification_error" not in curve
    assert curve.test_error > 0


def test_errors_of_two_gaussian_classes():
    """There f is Gaussian given y: errors of 400 ridge regressions in numpy, on patterns not drawn.

    Tolerance: 5 standard errors and 1 % for the size of the training sets, p < 1e-5.
    """
    rng = np.random.default_rng(1)
    D, N, P, patterns = 60, 50, 100, 1200
    y = rng.choice([-1.0, 1.0], size=patterns)
    x = rng.normal(size=(patterns, D)) + 0.2 * y[:, None] * rng.normal(size=D)
    F = rng.normal(size=(D, N))
    lam = 0.3
    curve = theory.solve_on_data(
        F, x, y, P=P, overparam=N / P, lam=lam, activation=theory.Identity()
    )
    z = x @ F / D**0.5
    z = (z - z.mean(0)) / N**0.5
    rows = []
    for _ in range(400):
        drawn = np.zeros(patterns, dtype=bool)
        drawn[rng.permutation(patterns)[:P]] = True
        A = z[drawn]
        f = z @ np.linalg.solve(A.T @ A + lam * np.eye(N), A.T @ y[drawn])
        square, wrong = (f - y) ** 2, f * y < 0
        rows.append([square[drawn].mean(), square[~drawn].mean(), wrong[~drawn].mean()])
    mean, se = np.mean(rows, axis=0), np.std(rows, axis=0) / 20
    for name, got, error in zip(
        ("train_error", "test_error", "classification_error"), mean, se, strict=True
    ):
        want = float(curve[name])
        assert abs(got - want) < 5 * error + 0.01 * want, name
    # a linear read-out is linear under every law
    assert float(curve.bmd.squeeze()) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"overparam": [0.5, 0.501]}, r"rounds to N = \[15, 15\] at P = 30"),
        ({"overparam": 0.01}, r"rounds to N = 0 at P = 30"),
        ({"overparam": 3.0}, "takes 90 columns"),
        ({"overparam": np.inf}, r"overparam = inf: give numbers in \(0, inf\)"),
        ({"lam": 0.0}, r"lam = 0: give numbers in \(0, inf\)"),
        ({"P": 300}, "P = 300 of 300 patterns leaves none"),
        ({"P": 1.5}, "P = 1.5"),
        ({"inputs": X[:, :3]}, "F has 12 rows"),
        ({"labels": Y[:-1]}, r"labels has shape \(299,\)"),
        (
            {"overparam": xr.DataArray([1.0], dims="d"), "lam": xr.DataArray([1.0], dims="d")},
            "share the dimension 'd'",
        ),
    ],
)
def test_what_cannot_be_solved_is_refused(change, message):
    given = {"F": F, "inputs": X, "labels": Y, **AT, **change}
    with pytest.raises(ValueError, match=message):
        theory.solve_on_data(**given)
