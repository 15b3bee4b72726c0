"""The claims of the twin-peaks article (arXiv 2401.12610), stated as numbers that could be otherwise.

tanh features, sign teacher, P/D = 3 unless said. docs/derivations/far-past-the-threshold.md derives the
last claim; figures/merging_peaks.py, figures/optimal_ridge.py and figures/far_tail.py show all three.
"""

import numpy as np
import pytest
import xarray as xr

from twinpeaks import figures, theory
from twinpeaks.theory.numerics.extremum import maxima

ALPHA_T = 3.0
LOSSES = [theory.Square(), theory.Logistic(), theory.Hinge()]


def test_with_little_ridge_both_peaks_stand_at_the_threshold():
    """The values of the model's specification."""
    at = {"alpha_T": ALPHA_T, "lam": 1e-4}
    bmd = theory.peak(theory.Problem(), "bmd", **at)
    error = theory.peak(theory.Problem(), "test_error", **at)
    assert float(bmd.location) == pytest.approx(0.997294, abs=1e-6)
    assert float(error.location) == pytest.approx(0.997242, abs=1e-6)
    here = theory.solve(theory.Problem(), overparam=1.0, **at)
    assert float(here.test_error) == pytest.approx(0.3806, abs=5e-5)
    assert float(here.bmd) == pytest.approx(2.438, abs=5e-4)


@pytest.mark.parametrize("activation", [theory.Tanh(), theory.ReLU()], ids=repr)
def test_the_peaks_of_the_square_loss_merge_like_lam(activation):
    """Both lie O(lam) below N/P = 1, on peaks rounded off on the scale sqrt(lam).

    The divergence that lam cuts off is even in N/P - 1 to leading order, in units of sqrt(lam): the
    tops are displaced by the next order only.
    """
    problem = theory.Problem(activation)
    lam = np.geomspace(1e-6, 1e-10, 5)
    bmd = theory.peak(problem, "bmd", alpha_T=ALPHA_T, lam=lam)
    error = theory.peak(problem, "test_error", alpha_T=ALPHA_T, lam=lam)
    for gap in (bmd.location - error.location, 1 - bmd.location, 1 - error.location):
        rate = np.diff(np.log(gap)) / np.diff(np.log(lam))
        assert np.all(gap > 0)
        assert rate == pytest.approx(np.ones(4), abs=0.01)
        assert abs(rate[-1] - 1) < 0.2 * abs(rate[0] - 1)
    # sqrt(lam) F((N/P - 1) / sqrt(lam)): a cusp rounded off on the scale sqrt(lam)
    bend = np.diff(np.log(-bmd.curvature)) / np.diff(np.log(lam))
    assert bend == pytest.approx(np.full(4, -0.5), abs=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("loss", [theory.Logistic(), theory.Hinge()], ids=repr)
def test_the_peaks_of_margin_losses_merge_like_the_root_of_lam(loss):
    """Both lie above the separability threshold, a little more than O(sqrt(lam)) from it."""
    problem = theory.Problem(loss=loss)
    threshold = float(theory.interpolation_threshold(problem, ALPHA_T))
    lam = np.array([1e-7, 1e-8] if isinstance(loss, theory.Logistic) else [1e-8, 1e-9])
    at = {"alpha_T": ALPHA_T, "lam": lam, "between": (0.25, 0.35)}
    bmd = theory.peak(problem, "bmd", **at)
    error = theory.peak(problem, "test_error", **at)
    for gap in (error.location - bmd.location, bmd.location - threshold):
        rate = np.diff(np.log(gap)) / np.diff(np.log(lam))
        assert np.all(gap > 0)
        assert np.all((rate > 0.3) & (rate < 0.5))


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_at_the_best_ridge_the_error_falls_and_the_mean_dimension_peaks(loss):
    overparam = np.geomspace(0.02, 100, 40)
    best = theory.optimal_lam(theory.Problem(loss=loss), overparam=overparam, alpha_T=ALPHA_T)
    assert np.all(np.diff(best.test_error) < 0)
    rising = np.diff(best.bmd) > 0
    turn = int(np.argmin(rising))
    assert rising[:turn].all()
    assert not rising[turn:].any()
    assert 0.2 < overparam[turn] < 0.4
    assert best.bmd.max() - best.bmd.values[0] > 0.07


def test_where_the_mean_dimension_peaks_at_the_best_ridge():
    """1.284 at N/P = 0.289, from the maximum over N/P of the minimum over lam; 1.263 at 0.2."""

    def bmd(_, x):
        width, place = np.unique(np.exp(x), return_inverse=True)
        best = theory.optimal_lam(theory.Problem(), overparam=width, alpha_T=ALPHA_T)
        return best.bmd.values[place].reshape(x.shape)

    top = maxima(bmd, np.log(np.geomspace(0.02, 100, 60))[None])
    assert top.count.tolist() == [1]
    assert np.exp(top.location[0]) == pytest.approx(0.288895, abs=1e-6)
    assert top.height[0] == pytest.approx(1.284061, abs=1e-6)
    at = theory.optimal_lam(theory.Problem(), overparam=0.2, alpha_T=ALPHA_T)
    assert float(at.bmd) == pytest.approx(1.2628, abs=5e-5)


def test_with_few_patterns_the_best_ridge_leaves_no_peak():
    """The claim has a limit: at P/D = 0.5 the mean dimension only falls."""
    best = theory.optimal_lam(theory.Problem(), overparam=np.geomspace(0.003, 30, 40), alpha_T=0.5)
    assert np.all(np.diff(best.bmd) < 0)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
@pytest.mark.parametrize("activation", [theory.Tanh(), theory.ReLU()], ids=repr)
@pytest.mark.parametrize("lam", [0.0, 1e-4, 0.1])
def test_the_tail_of_the_mean_dimension(loss, activation, lam):
    """BMD = 1 + A/overparam + ...: A of the derivation against two widths, extrapolated."""
    problem = theory.Problem(activation, loss=loss)
    width, alpha_T = np.array([1e4, 1e5]), np.array([0.5, 3.0])
    curve = theory.solve(problem, overparam=width, alpha_T=alpha_T, lam=lam)
    excess = ((curve.bmd - 1) * curve.overparam).transpose("overparam", ...).values
    expected = theory.bmd_tail(problem, alpha_T=alpha_T, lam=lam).values
    assert excess[0] == pytest.approx(expected, rel=1e-3)
    assert (10 * excess[1] - excess[0]) / 9 == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize(
    "problem",
    [
        theory.Problem(teacher=theory.Linear(noise=0.2, rho=1.7)),
        theory.Problem(theory.Erf(), theory.FlippedSign(flip=0.1), features=theory.Orthogonal()),
    ],
    ids=["real labels", "orthogonal"],
)
def test_the_tail_for_other_teachers_and_features(problem):
    width = np.array([1e4, 1e5])
    curve = theory.solve(problem, overparam=width, alpha_T=2.0, lam=0.01)
    excess = ((curve.bmd - 1) * curve.overparam).values
    expected = float(theory.bmd_tail(problem, alpha_T=2.0, lam=0.01))
    assert (10 * excess[1] - excess[0]) / 9 == pytest.approx(expected, rel=1e-7)


def test_the_tail_is_slow():
    """Of its excess at the peak, 1.438, the mean dimension keeps 1% until N/P = 61."""
    problem, at = theory.Problem(), {"alpha_T": ALPHA_T, "lam": 1e-4}
    peak = float(theory.peak(problem, "bmd", **at).height) - 1
    width = float(theory.bmd_tail(problem, **at)) / (0.01 * peak)
    assert width == pytest.approx(61.2, abs=0.1)
    assert float(theory.solve(problem, overparam=width, **at).bmd) - 1 == pytest.approx(
        0.01 * peak, rel=0.02
    )


def test_noise_keeps_the_mean_dimension_of_a_kernel_above_one():
    """At finite beta weights of variance 1/(beta lam) remain, and with them their nonlinear share:
    BMD = 1 + (dkappa_star^2 - kappa_star^2) / (beta lam Q_d), again approached like 1/overparam."""
    problem, beta, lam = theory.Problem(), np.array([3.0, 30.0]), 0.1
    kernel = theory.solve(problem, overparam=np.inf, alpha_T=ALPHA_T, lam=lam, beta=beta)
    moments = problem.activation.moments
    share = moments.dkappa_star**2 - moments.kappa_star**2
    expected = 1 + share / (beta * lam * kernel.Q_d.values)
    assert kernel.bmd.values == pytest.approx(expected, rel=1e-12)
    wide = theory.solve(problem, overparam=[1e4, 1e5], alpha_T=ALPHA_T, lam=lam, beta=beta)
    far = np.abs(wide.bmd.values - expected)
    assert far[0] / far[1] == pytest.approx(np.full(2, 10.0), rel=1e-2)


@pytest.mark.parametrize("loss", [theory.Square(), theory.Logistic(), theory.Hinge()], ids=repr)
def test_linear_features_have_no_tail(loss):
    """Nothing nonlinear thins out, also where no number of features fits all patterns."""
    problem = theory.Problem(theory.Identity(), loss=loss)
    for lam in (0.0, 0.1):
        assert float(theory.bmd_tail(problem, alpha_T=3.0, lam=lam)) == 0.0


def test_tail_refusals():
    with pytest.raises(theory.InvalidProblem, match="derived for Gaussian and Orthogonal"):
        theory.bmd_tail(theory.Problem(features=theory.PowerLaw(0.3)), alpha_T=3.0, lam=0.1)
    # falls like 1/s for ever, so that no margin is largest in the end
    loss = theory.CustomLoss(lambda s: 1 / (np.sqrt(1 + s * s) + s), name="slow")
    with pytest.raises(theory.InvalidProblem, match="does not say which constraint"):
        theory.bmd_tail(theory.Problem(loss=loss), alpha_T=3.0, lam=0.0)


def test_the_figures_draw_the_claims():
    """The lines are the Datasets' numbers; a Dataset without what is claimed is refused."""
    problem, at = theory.Problem(), {"alpha_T": ALPHA_T, "lam": 1e-4}
    curve = theory.solve(problem, overparam=[10.0, 100.0, np.inf], **at)
    tail = theory.bmd_tail(problem, **at)
    lines = figures.far_tail(curve.assign(bmd_tail=tail)).axes[0].get_lines()
    assert lines[0].get_ydata() == pytest.approx(curve.bmd.values[:2] - 1)
    assert lines[1].get_ydata() == pytest.approx(float(tail) / np.array([10.0, 100.0]))
    with pytest.raises(ValueError, match="it has no limit"):
        figures.far_tail(curve.isel(overparam=[0, 1]))

    best = theory.optimal_lam(problem, overparam=[0.1, 0.3, 1.0], alpha_T=ALPHA_T)
    panels = figures.optimal_ridge({"square": (best, None)}).axes
    assert panels[1].get_lines()[0].get_ydata() == pytest.approx(best.test_error.values)
    assert panels[2].get_lines()[1].get_ydata() == pytest.approx([float(best.bmd[1])])
    with pytest.raises(ValueError, match="no optimal lam"):
        figures.optimal_ridge(curve)

    lam = np.array([1e-6, 1e-5])
    places = {
        name: theory.peak(problem, name, alpha_T=ALPHA_T, lam=lam).location
        for name in ("bmd", "test_error")
    }
    gaps = figures.merging_peaks(xr.Dataset({**places, "threshold": 1.0})).axes[1].get_lines()
    assert gaps[0].get_ydata() == pytest.approx((places["bmd"] - places["test_error"]).values)
    assert gaps[0].get_label() == r"$\lambda^{1.02}$"
    with pytest.raises(ValueError, match="no variable threshold"):
        figures.merging_peaks(xr.Dataset(places))
