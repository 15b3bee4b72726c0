"""Tilted averages in closed form, against extended precision and against the plain quadrature."""

import mpmath as mp
import numpy as np
import pytest

from twinpeaks import theory
from twinpeaks.theory.equations.channel import tilted, winged
from twinpeaks.theory.equations.channel.half_line import half_line

WINGED = [theory.Hinge(), theory.SquaredHinge(), theory.Logistic()]
LONG = np.longdouble
NODES, WEIGHTS = (a.astype(LONG) for a in np.polynomial.legendre.leggauss(30))
extended = pytest.mark.skipif(np.finfo(LONG).eps > 1e-18, reason="needs 80-bit floats")


def phi(loss, s):
    """The loss and its slope in the margin, written anew."""
    if isinstance(loss, theory.Logistic):
        e = np.exp(-np.abs(s))
        return np.log1p(e) + np.maximum(-s, 0), -np.where(s < 0, 1, e) / (1 + e)
    gap = np.maximum(1 - s, 0)
    return (gap, -(s < 1).astype(LONG)) if isinstance(loss, theory.Hinge) else (gap**2 / 2, -gap)


def reference(loss, y, mode, pull, V, T):
    """The plain definitions on panels of 30 nodes, in 80-bit arithmetic, to a density of e^-90."""
    y, mode, pull, V, T = (LONG(a) for a in (y, mode, pull, V, T))

    def rise(t):
        u = t - mode
        return (u * (u / (2 * V) + pull) + phi(loss, y * t)[0] - phi(loss, y * mode)[0]) / T

    ends = []
    for side in (-1, 1):
        far = np.sqrt(180 * T * V)
        near = far * LONG(1e-14)
        for _ in range(24):
            middle = np.sqrt(near * far)
            near, far = (near, middle) if rise(mode + side * middle) > 90 else (middle, far)
        ends.append(mode + side * far)
    grade = np.concatenate([[LONG(0)], LONG(2) ** -np.arange(40)])
    cuts = [LONG(2) * np.arange(-30, 31), ends]
    for k in (mode, LONG(0), y):
        cuts += [k + (end - k) * grade for end in ends]
    cuts = np.unique(np.clip(np.concatenate(cuts), *ends))
    half = np.diff(cuts)[:, None] / 2
    t = ((cuts[1:] + cuts[:-1])[:, None] / 2 + half * NODES).ravel()
    p = (half * WEIGHTS).ravel() * np.exp(-rise(t))
    z = p.sum()
    p /= z
    value, slope = phi(loss, y * t)
    slope = y * slope
    mean, lean = (p * (t - mode)).sum(), (p * slope).sum()
    cov = (p * (t - mode - mean) * (slope - lean)).sum()
    return {
        "f": -lean,
        "df": -cov / (T * V),
        "log_z": T * np.log(z / np.sqrt(2 * LONG(np.pi) * T * V)),
        "loss": (p * value).sum(),
        "wrong": p[y * t < 0].sum(),
        "square": (p * (y - t) ** 2).sum(),
    }


def sample(loss, y, rng, size):
    """Fields of every kind: V from 1e-6 to 1e8, T from 1e-6 to 1e3, modes on wings and between."""
    V, T = 10 ** rng.uniform(-6, 8, size), 10 ** rng.uniform(-6, 3, size)
    width = np.sqrt(T * V)
    kinds = [
        4 * width * rng.standard_normal(size),
        -y * V * rng.random(size) + 2 * width * rng.standard_normal(size),
        10 * rng.standard_normal(size),
    ]
    omega = np.choose(rng.integers(3, size=size), kinds)
    mode = loss.prox(y, omega, V)
    # V (mode - omega)^-1 is exact at a kink; elsewhere the slope has the digits
    pull = np.where(mode == y, (mode - omega) / V, -loss.slope(y, mode))
    keep = winged.suits(loss, y, mode, V, T)
    return tuple(a[keep] for a in (mode, pull, V, T))


@extended
@pytest.mark.parametrize("y", [-1.0, 1.0])
@pytest.mark.parametrize("loss", WINGED, ids=repr)
def test_closed_forms(loss, y):
    """Every average to 1e-12 of itself, over fourteen decades of V and nine of T.

    Beside that, what rounding leaves: 1e-15 of the scale sqrt(T / V) of a thermal fluctuation of f,
    of 1 / V for df, of T for E[l], and 1e-12 of T for T ln Z, where the reference cancels too.
    """
    rng = np.random.default_rng(5)
    rows = sample(loss, y, rng, 60)
    assert rows[0].size >= 20
    got = tilted.averages(loss, y, *rows, True)
    worst = {}
    for i, row in enumerate(zip(*rows, strict=True)):
        _, _, V, T = row
        want = reference(loss, y, *row)
        floor = {"f": np.sqrt(T / V), "df": 1 / V, "log_z": 1e3 * T, "loss": T, "wrong": 1e-6}
        for name, value in want.items():
            scale = abs(value) + 1e-3 * floor.get(name, 0.0)
            error = float(abs(getattr(got, name)[i] - value) / scale)
            worst[name] = max(worst.get(name, (0.0,)), (error, *map(float, row)))
    assert max(error for error, *_ in worst.values()) < 1e-12, worst


@pytest.mark.parametrize("y", [-1.0, 1.0])
@pytest.mark.parametrize("loss", WINGED, ids=repr)
def test_closed_forms_meet_the_quadrature(loss, y):
    """Two methods, one measure; the quadrature is the less accurate, to 1.3e-10 of 1 / V in df."""
    rng = np.random.default_rng(6)
    V, T = 10 ** rng.uniform(-1, 3, 300), 10 ** rng.uniform(-2, 1, 300)
    omega = 2 * np.sqrt(T * V) * rng.standard_normal(300) - y * V * rng.random(300) / 2
    mode = loss.prox(y, omega, V)
    keep = winged.suits(loss, y, mode, V, T)
    rows = [a[keep] for a in (mode, (mode - omega) / V, V, T)]
    new, old = tilted.averages(loss, y, *rows, True), tilted._by_reach(loss, y, *rows, True)
    scale = np.sqrt(rows[3] / rows[2])
    assert rows[0].size > 150
    assert np.max(np.abs(new.f - old.f) / (np.abs(old.f) + scale)) < 1e-10
    assert np.max(np.abs(new.df - old.df) * rows[2]) < 1e-9
    assert np.max(np.abs(new.log_z - old.log_z) / rows[3]) < 1e-10
    assert np.max(np.abs(new.square / old.square - 1)) < 1e-10


@pytest.mark.parametrize("z", [-30.0, -3.0, -0.4, 0.0, 0.7, 2.4, 2.6, 5.0, 40.0, 1e5, 1e9])
def test_half_line(z):
    """Mass, mean and variance of a truncated Gaussian from 60 digits, also far in its tail."""
    with mp.workdps(80):
        x = mp.mpf(z)
        zeroth = mp.sqrt(mp.pi / 2) * mp.erfc(x / mp.sqrt(2)) * mp.exp(x * x / 2)
        first = 1 - x * zeroth
        second = zeroth - x * first
        mean = first / zeroth
        want = [
            zeroth * mp.exp(-(min(x, 0) ** 2) / 2),
            mean,
            second / zeroth - mean**2,
        ]
        got = half_line(np.array([z]))
        for a, b in zip(got, want, strict=True):
            assert abs(mp.mpf(float(a[0])) / b - 1) < 3e-14


@pytest.mark.parametrize("home", [0, 1])
def test_loss_between_the_wings(home):
    """Relative accuracy of l less its wing, down to the wing, where the difference would cancel."""
    loss = theory.Logistic()
    table = winged._table(loss, 1.0, home, winged._FINE)
    centre = 0.5 * (table.edges[1:] + table.edges[:-1])[:, None]
    t = centre + table.basis[:, 1]
    want = loss.value(1.0 if home else -1.0, t)
    inside = np.abs(t - loss.wings(1.0)[home].edge) > 36  # e^-50 at the edge counts for less there
    assert np.max(np.abs(table.basis[:, 3] / want - 1)[inside]) < 1e-12
