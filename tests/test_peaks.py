"""Peaks: against 80-digit arithmetic, against functions of known maxima, and as zeros of a slope."""

import mpmath as mp
import numpy as np
import pytest
from reference import hermite_moments

from twinpeaks import theory
from twinpeaks.theory.numerics.extremum import maxima


class SquareLoss:
    """Square loss, tanh features, sign teacher in mpmath: one scalar root, then closed forms."""

    def __init__(self, alpha_T, lam):
        self.alpha_T, self.lam = mp.mpf(alpha_T), mp.mpf(lam)
        k1, self.ks, self.dks = hermite_moments("Tanh")
        self.k1 = k1**2

    def traces(self, x, V):
        """<SR>, <R>, <SR^2>, <R^2>, <S^2R^2>, from the resolvent of the Marchenko-Pastur law."""
        c, scale = self.alpha_T * x, self.k1 / (x * (1 + V))
        z = (self.lam + self.ks / (x * (1 + V))) / scale
        b = z + 1 - c
        root = mp.sqrt(b * b + 4 * c * z)
        g = (root - b) / (2 * c * z)
        slope = ((b + 2 * c) / root - 1) / (2 * c * z) - g / z
        sg = 1 - z * g
        sg2 = g + z * slope
        return sg / scale, g / scale, sg2 / scale**2, -slope / scale**2, (sg - z * sg2) / scale**2

    def overlaps(self, x):
        """m, Q, q at N/P = x."""

        def gap(log_V):
            V = mp.exp(log_V)
            sr, r, *_ = self.traces(x, V)
            return mp.log(self.k1 * sr + self.ks * r) - log_V

        V = mp.exp(mp.findroot(gap, (mp.mpf(-60), mp.mpf(60)), solver="anderson", maxsteps=500))
        sr, _, sr2, r2, s2r2 = self.traces(x, V)
        tau, k1, ks = mp.sqrt(2 / mp.pi), self.k1, self.ks
        t, mh = self.alpha_T * x * k1, tau / (x * (1 + V))
        m = mh * t * sr
        noise_q, signal_q = k1 * sr2 + ks * r2, mh**2 * t * sr2
        noise_p, signal_p = k1 * s2r2 + ks * sr2, mh**2 * t * s2r2
        per = 1 / (x * (1 + V) ** 2)
        noise = k1 * noise_p + ks * noise_q
        Q = (per * (1 - 2 * tau * m) * noise + k1 * signal_p + ks * signal_q) / (1 - per * noise)
        q = per * (1 - 2 * tau * m + Q) * noise_q + signal_q
        return m, Q, q

    def bmd(self, x):
        _, Q, q = self.overlaps(x)
        return 1 + (self.dks - self.ks) * q / Q

    def test_error(self, x):
        m, Q, _ = self.overlaps(x)
        return mp.acos(m / mp.sqrt(Q)) / mp.pi


@pytest.mark.parametrize("variable", ["bmd", "test_error"])
@pytest.mark.parametrize("lam", [1e-3, 1e-4, 1e-8])
def test_location_and_height_against_eighty_digits(variable, lam):
    """At lam = 1e-8 the peak is 1e-4 wide; the error estimates bound the errors that remain."""
    found = theory.peak(theory.Problem(), variable, alpha_T=3.0, lam=lam)
    with mp.workdps(80):
        f = getattr(SquareLoss(3, lam), variable)
        x, h = mp.mpf(float(found.location)), mp.sqrt(mp.mpf(lam)) * mp.mpf("1e-4")
        left, here, right = f(x - h), f(x), f(x + h)
        slope, bend = (right - left) / (2 * h), (right - 2 * here + left) / h**2
        shift, height = float(-slope / bend), float(here - slope**2 / (2 * bend))
        curvature = float(bend * x * x)
    assert abs(shift) < 1e-8 * float(found.location)
    assert abs(shift) < 30 * float(found.location_error) + 1e-6 * np.sqrt(lam)
    assert float(found.height) == pytest.approx(height, rel=1e-10)
    assert float(found.curvature) == pytest.approx(curvature, rel=1e-5)


@pytest.mark.parametrize("loss", [theory.Logistic(), theory.Hinge()], ids=repr)
def test_the_slope_vanishes_at_the_peak(loss):
    """Central differences of ``solve`` at two steps, extrapolated to none."""
    problem = theory.Problem(theory.ReLU(), theory.FlippedSign(flip=0.05), loss)
    found = theory.peak(problem, "bmd", alpha_T=2.0, lam=1e-3)
    at, h = float(found.location), 0.005
    steps = h * np.array([-1.0, -0.5, 0.5, 1.0])
    y = theory.solve(problem, overparam=at * np.exp(steps), alpha_T=2.0, lam=1e-3).bmd.values
    slope = (4 * (y[2] - y[1]) / h - (y[3] - y[0]) / (2 * h)) / 3
    assert abs(slope / float(found.curvature)) < 1e-6
    assert np.all(y < float(found.height))


@pytest.mark.parametrize("width", [1.0, 1e-2, 1e-5])
def test_a_peak_as_narrow_as_you_like_is_found(width):
    """sqrt(w^2 + x^2) around an irrational place, seen from a grid of 40 points."""
    at = np.sqrt(2) * np.array([0.1, 1.0, 2.0])

    def f(rows, x):
        return 3 - np.sqrt(width**2 + (x - at[rows, None]) ** 2)

    top = maxima(f, np.tile(np.linspace(-3, 5, 40), (3, 1)))
    assert np.max(np.abs(top.location - at)) < 1e-9
    assert np.max(np.abs(top.height - 3 + width)) < 1e-12
    assert top.curvature == pytest.approx(np.full(3, -1 / width), rel=1e-6)
    assert np.all(np.abs(top.location - at) < 10 * top.location_error + 1e-15)
    assert np.all(top.count == 1)


def test_the_highest_of_several_maxima_and_none_at_an_end():
    """sin x + x/9 in (0, 20) has maxima at arccos(-1/9) + 2 pi k; a straight line has none."""

    def f(rows, x):
        return np.where(rows[:, None] == 0, np.sin(x) + x / 9, x)

    top = maxima(f, np.tile(np.linspace(0.01, 20, 100), (2, 1)))
    assert top.location[0] == pytest.approx(np.arccos(-1 / 9) + 4 * np.pi, abs=1e-9)
    assert top.count.tolist() == [3, 0]
    assert np.isnan(top.location[1])
    assert top.largest.tolist() == pytest.approx([f(np.array([0]), np.array([[20.0]])).item(), 20])


def test_rounding_is_no_maximum():
    rng = np.random.default_rng(2)
    top = maxima(
        lambda rows, x: 5 + 1e-13 * rng.standard_normal(x.shape), np.linspace(0, 1, 60)[None]
    )
    assert top.count.tolist() == [0]


def test_arrays_are_rows_of_numbers():
    lam, alpha_T = [1e-3, 1e-2], [1.0, 5.0]
    together = theory.peak(theory.Problem(), "bmd", alpha_T=alpha_T, lam=lam)
    assert together.location.dims == ("alpha_T", "lam")
    one = theory.peak(theory.Problem(), "bmd", alpha_T=5.0, lam=1e-3)
    same = together.sel(alpha_T=5.0, lam=1e-3)
    for name in ("location", "height", "curvature"):
        assert float(one[name]) == pytest.approx(float(same[name]), rel=1e-9)


@pytest.mark.parametrize(
    ("along", "variable", "axes"),
    [
        ("lam", "m", {"overparam": [0.5, 1.0], "alpha_T": 3.0}),
        ("alpha_T", "bmd", {"overparam": 0.5, "lam": 1e-2}),
        ("beta", "bmd", {"overparam": 0.5, "alpha_T": 3.0, "lam": 1e-2}),
    ],
)
def test_other_axes(along, variable, axes):
    """Each point beside the maximum is lower by half the curvature times the square of the step."""
    found = theory.peak(theory.Problem(), variable, along=along, throw=False, **axes)
    ends = {"lam": (1e-6, 100.0), "alpha_T": (0.01, 100.0), "beta": (0.1, 1e3)}[along]
    grid = np.geomspace(*ends, 400)
    y = theory.solve(theory.Problem(), **{along: grid}, **axes)[variable]
    y = np.atleast_2d(y.transpose(..., along).values)
    interior = np.any((y[:, 1:-1] > y[:, :-2]) & (y[:, 1:-1] > y[:, 2:]), axis=1)
    assert (np.atleast_1d(found["count"].values) > 0).tolist() == interior.tolist()
    for at, height, row in zip(
        np.atleast_1d(found.location), np.atleast_1d(found.height), y, strict=True
    ):
        if np.isfinite(at):
            assert height >= row[1:-1][np.abs(np.log(grid[1:-1] / at)) < 0.5].max()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"lam": 1.0}, r"test_error has no interior maximum .* largest at the low end, 0\.45"),
        ({"lam": 0.0}, "lam = 0: there the peaks sit on the interpolation threshold"),
        ({"alpha_T": None}, "alpha_T is missing"),
        ({"overparam": 2.0}, r"overparam = 2\.0 is the axis along which to look"),
        ({"along": "width"}, "along = 'width': give one of overparam"),
        ({"between": (3.0, 1.0)}, r"between = \(3.0, 1.0\): give two numbers low < high"),
        ({"variable": "error"}, "variable = 'error': give one of q_d"),
        ({"variable": "entropy"}, "'entropy' has no finite value"),
        ({"alpha_T": -1.0}, r"alpha_T = -1: give numbers in \(0, inf\)"),
    ],
)
def test_what_cannot_be_found_is_named(change, words):
    given = {"variable": "test_error", "alpha_T": 3.0, "lam": 1e-4, **change}
    with pytest.raises(ValueError, match=words):
        theory.peak(theory.Problem(), given.pop("variable"), **given)
