"""Deep features in mpmath: against the float path, which differentiates nothing numerically."""

import mpmath as mp
import numpy as np
import pytest

from twinpeaks import theory
from twinpeaks.validate import precise
from twinpeaks.validate.precise.deep import influence
from twinpeaks.validate.precise.moments import Moments
from twinpeaks.validate.precise.spectrum import DENSITY, RESOLVENT, traces

NUMBERS = theory.HermiteMoments(kappa_0=0.0, kappa_1=0.6, kappa_star=0.17, dkappa_star=0.4)


@pytest.mark.parametrize("widths", [(1.0,), (0.4,), (0.6, 1.7, 0.9)])
@pytest.mark.parametrize(("c", "lam", "Vh"), [(0.5, 1e-3, 0.8), (4.0, 0.3, 0.02)])
def test_traces_and_influence(widths, c, lam, Vh):
    law, rho = theory.Deep(widths=widths), 1.3
    at = (np.full(1, c), NUMBERS, rho, np.full(1, lam), np.full(1, Vh))
    found = law.traces(*at)
    with mp.workdps(30):
        k = Moments(
            mp.mpf(NUMBERS.kappa_1),
            mp.mpf(NUMBERS.kappa_star) ** 2,
            mp.mpf(NUMBERS.dkappa_star) ** 2,
        )
        numbers = tuple(map(mp.mpf, (c, lam, Vh, rho)))
        exact = traces(RESOLVENT[theory.Deep], law, numbers[0], k, numbers[3], *numbers[1:3])
        bent = influence(
            RESOLVENT[theory.Deep], law, numbers[0], k, numbers[3], *numbers[1:3], exact
        )
    for name in found._fields:
        assert float(getattr(found, name)[0]) == pytest.approx(
            float(getattr(exact, name)), rel=1e-12
        ), name
    weights = law.influences(NUMBERS)
    for column, want in enumerate(bent):
        got = sum(w * f[column][0] for w, f in zip(weights, law.forms(*at), strict=True))
        assert got == pytest.approx(float(want), rel=1e-10)


@pytest.mark.parametrize("width", [0.7, 2.0])
def test_density_and_recursion_agree(width):
    """The first hidden layer by its Marchenko-Pastur density and by its resolvent."""
    with mp.workdps(25):
        k = Moments(mp.mpf("0.6"), mp.mpf("0.03"), mp.mpf("0.2"))
        arguments = (theory.Deep(widths=(width,)), mp.mpf("1.5"), k, mp.mpf(1), mp.mpf("0.2"))
        one, two = (table[theory.Deep](*arguments) for table in (RESOLVENT, DENSITY))
        for name, a, b in zip(one._fields, one, two, strict=True):
            assert abs(a / b - 1) < mp.mpf(10) ** -20, name


@pytest.mark.slow
@pytest.mark.parametrize("loss", [theory.Square(), theory.Logistic()], ids=repr)
def test_a_deep_point(loss):
    problem = theory.Problem(features=theory.Deep(widths=(1.0,)), loss=loss)
    at = {"overparam": 0.7, "alpha_T": 3.0, "lam": 1e-2}
    solved = theory.solve(problem, **at)
    start = {name: float(solved[name]) for name in ("V", "Q_0", "m")}
    exact = precise.solve(problem, dps=24, start=start, **at)
    assert exact.digits >= 18
    for name, value in exact.values.items():
        assert float(solved[name]) == pytest.approx(float(value), rel=1e-10), name
