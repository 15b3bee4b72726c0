"""Contract of every loss that the package finds."""

import inspect

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

import theory
from theory import losses

LOSSES = [
    cls()
    for _, cls in inspect.getmembers(losses, inspect.isclass)
    if issubclass(cls, losses.Loss) and cls not in (losses.Loss, losses.MarginLoss)
]
T = np.linspace(-30, 30, 241)


@pytest.mark.parametrize("y", [-1.0, 1.0])
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_derivatives(loss, y):
    """slope and curvature are derivatives of value, and the loss is convex."""
    h = 1e-5
    slope = (loss.value(y, T + h) - loss.value(y, T - h)) / (2 * h)
    curvature = (loss.slope(y, T + h) - loss.slope(y, T - h)) / (2 * h)
    assert loss.slope(y, T) == pytest.approx(slope, abs=1e-7)
    assert loss.curvature(y, T) == pytest.approx(curvature, abs=1e-8)
    assert np.all(loss.curvature(y, T) >= 0)
    assert np.all(loss.value(y, T) >= 0)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.sampled_from(LOSSES),
    st.sampled_from([-1.0, 1.0]),
    st.floats(-50, 50),
    st.floats(-12, 12),
)
def test_prox_is_the_minimiser(loss, y, omega, log_v):
    """Against bounded scalar minimisation of the same energy, and by stationarity."""
    V = np.exp(log_v)
    t = float(loss.prox(y, omega, V))
    energy = lambda s: (s - omega) ** 2 / (2 * V) + float(loss.value(y, np.float64(s)))  # noqa: E731
    far = omega - V * float(loss.slope(y, np.float64(omega)))
    low, high = sorted((omega, far))
    best = optimize.minimize_scalar(energy, bounds=(low - 1, high + 1), options={"xatol": 1e-10})
    assert energy(t) <= best.fun + 1e-12 * abs(best.fun)
    residual = t + V * float(loss.slope(y, np.float64(t))) - omega
    slope = 1 + V * float(loss.curvature(y, np.float64(t)))
    assert abs(residual) <= 1e-12 * (1 + abs(omega) + abs(t)) * slope


def test_logistic_keeps_relative_accuracy_in_both_tails():
    loss = theory.Logistic()
    for s in (-700.0, -40.0, -1e-9, 0.0, 3.0, 40.0, 700.0):
        e = mp.exp(mp.mpf(s))
        x = np.float64(s)
        assert float(loss.margin_value(x)) == pytest.approx(float(mp.log1p(1 / e)), rel=1e-15)
        assert float(loss.margin_slope(x)) == pytest.approx(float(-1 / (1 + e)), rel=1e-15)
        assert float(loss.margin_curvature(x)) == pytest.approx(float(e / (1 + e) ** 2), rel=1e-14)


def test_torch_and_numpy_share_one_definition():
    torch = pytest.importorskip("torch")
    t = torch.tensor(T)
    for loss in LOSSES:
        for name in ("value", "slope", "curvature"):
            mine, theirs = getattr(loss, name)(1.0, T), getattr(loss, name)(1.0, t)
            assert theirs.numpy() == pytest.approx(mine, rel=1e-14, abs=1e-300)
