"""Contract of every loss that the package finds: a wrong derivative fails here by itself."""

import mpmath as mp
import numpy as np
import pytest
from components import LOSSES, softplus_squared
from scipy import optimize

from twinpeaks import theory

CONVEX = [loss for loss in LOSSES if loss.convex]
T = np.linspace(-30, 30, 241) + 1e-3


@pytest.mark.parametrize("y", [-1.0, 1.0])
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_derivatives(loss, y):
    """slope and curvature are derivatives of value away from kinks, knots and jumps."""
    special = np.array([*loss.kinks(y), *loss.knots(y), 0.0])
    t = T[np.min(np.abs(T[:, None] - special), axis=1) > 1e-3]
    h = 1e-5
    scale = 1 + np.abs(loss.value(y, t))
    slope = (loss.value(y, t + h) - loss.value(y, t - h)) / (2 * h)
    curvature = (loss.slope(y, t + h) - loss.slope(y, t - h)) / (2 * h)
    assert loss.slope(y, t) / scale == pytest.approx(slope / scale, abs=1e-8)
    assert loss.curvature(y, t) / scale == pytest.approx(curvature / scale, abs=3e-8)
    assert np.all(loss.curvature(y, t) >= -1e-9 * scale)
    assert np.all(loss.value(y, t) >= 0)


@pytest.mark.parametrize("loss", CONVEX, ids=repr)
def test_slope_jumps_exactly_at_declared_kinks(loss):
    for y in (-1.0, 1.0):
        fine = np.linspace(-6, 6, 240_001)
        jump = np.abs(np.diff(loss.slope(y, fine))) / (1 + np.abs(loss.slope(y, fine[1:])))
        at = fine[:-1][jump > 1e-3]
        assert all(np.min(np.abs(at - k)) < 1e-4 for k in loss.kinks(y))
        assert all(np.min(np.abs(np.array(loss.kinks(y)) - a), initial=np.inf) < 1e-4 for a in at)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_increment(loss):
    t, d = np.meshgrid(np.linspace(-5, 5, 11), [-2.0, -1e-4, 1e-7, 0.3, 4.0])
    exact = loss.value(1.0, t + d) - loss.value(1.0, t)
    size = 1 + np.abs(loss.value(1.0, t)) + np.abs(loss.value(1.0, t + d))
    assert loss.increment(1.0, t, d) / size == pytest.approx(exact / size, abs=4e-16)


@pytest.mark.parametrize("y", [-1.0, 1.0])
@pytest.mark.parametrize("loss", CONVEX, ids=repr)
def test_prox_is_the_minimiser(loss, y):
    """Against bounded scalar minimisation of the same energy."""
    for omega in (-20.0, -1.3, 0.0, 0.4, 1.0, 7.0):
        for V in (1e-4, 0.3, 4.0, 1e3):
            t = float(loss.prox(y, omega, V))

            def energy(s, omega=omega, V=V):
                return (s - omega) ** 2 / (2 * V) + float(loss.value(y, np.array([s]))[0])

            reach = 1 + 2 * abs(t - omega)
            best = optimize.minimize_scalar(
                energy, bounds=(t - reach, t + reach), options={"xatol": 1e-11}
            )
            assert energy(t) <= best.fun + 1e-12 * (1 + abs(best.fun)), (omega, V)


def test_logistic_keeps_relative_accuracy_in_both_tails():
    loss = theory.Logistic()
    for s in (-700.0, -40.0, -1e-9, 0.0, 3.0, 40.0, 700.0):
        e = mp.exp(mp.mpf(s))
        x = np.float64(s)
        assert float(loss.margin_value(x)) == pytest.approx(float(mp.log1p(1 / e)), rel=1e-15)
        assert float(loss.margin_slope(x)) == pytest.approx(float(-1 / (1 + e)), rel=1e-15)
        assert float(loss.margin_curvature(x)) == pytest.approx(float(e / (1 + e) ** 2), rel=1e-14)


def test_logistic_increment_does_not_cancel():
    d = 1e-9
    for s in (-30.0, 0.0, 2.0, 30.0):
        with mp.workdps(40):
            a, b = (mp.log1p(mp.exp(-mp.mpf(x))) for x in (s, mp.mpf(s) + mp.mpf(d)))
            exact = float(b - a)
        found = theory.Logistic().increment(1.0, np.array([s]), d)
        assert found == pytest.approx(exact, rel=1e-14)


def test_custom_loss_differentiates_by_itself():
    """Interpolated derivatives against closed ones, and a solution against the closed loss."""
    t = np.linspace(-12, 12, 97)
    made = theory.CustomLoss(lambda s: np.logaddexp(0.0, -s), name="logistic_by_hand")
    exact = theory.Logistic()
    assert made.slope(1.0, t) == pytest.approx(exact.slope(1.0, t), abs=1e-12)
    assert made.curvature(1.0, t) == pytest.approx(exact.curvature(1.0, t), abs=2e-10)
    at = {"overparam": [0.4, 1.5], "alpha_T": 2.0, "lam": 1e-2}
    a = theory.solve(theory.Problem(loss=made), **at)
    b = theory.solve(theory.Problem(loss=exact), **at)
    for name in ("q_d", "m", "V", "bmd", "energy"):
        assert a[name].values == pytest.approx(b[name].values, rel=1e-8), name


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((lambda s: np.sin(s),), "not convex"),
        ((lambda s: np.log(s),), "not finite"),
        ((3,), "callable"),
        ((softplus_squared, "ratio"), "of = 'ratio'"),
        ((lambda s: np.maximum(0.3 - s, 0.0),), "kink near 0.3"),
    ],
)
def test_bad_custom_loss_is_refused(arguments, message):
    with pytest.raises(theory.InvalidProblem, match=message), np.errstate(all="ignore"):
        theory.CustomLoss(*arguments)


def test_torch_and_numpy_share_one_definition():
    torch = pytest.importorskip("torch")
    t = torch.tensor(T)
    for loss in LOSSES:
        if isinstance(loss, theory.CustomLoss):
            continue
        for name in ("value", "slope", "curvature"):
            mine, theirs = getattr(loss, name)(1.0, T), getattr(loss, name)(1.0, t)
            assert theirs.numpy() == pytest.approx(mine, rel=1e-13, abs=1e-300), (loss, name)
