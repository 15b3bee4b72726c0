"""lam = 0: approached along a sequence, equal among losses that must agree, refused where it must."""

import numpy as np
import pytest
from scipy import integrate, optimize, special, stats

from twinpeaks import theory
from twinpeaks.theory.losses.constraints import constraint

CONVEX = [
    theory.Square(),
    theory.Logistic(),
    theory.Hinge(),
    theory.SquaredHinge(),
    theory.Exponential(),
]
RATIOS = [0.1, 0.2, 0.5, 0.8, 1.3, 2.0, 10.0, np.inf]


@pytest.mark.parametrize("loss", CONVEX, ids=repr)
def test_limit_is_approached(loss):
    """Values at lam = 0 are those that a sequence lam -> 0 runs into, linearly where weights stay."""
    problem = theory.Problem(loss=loss)
    escapes = loss.least[0] == np.inf
    lam = [1e-5, 1e-8, 1e-11, 0.0] if escapes else [1e-4, 1e-5, 1e-6, 0.0]
    got = theory.solve(problem, overparam=RATIOS, alpha_T=3.0, lam=lam)
    assert (got.status == 0).all()
    threshold = float(theory.interpolation_threshold(problem, 3.0))
    for name in ("test_error", "bmd", "train_loss"):
        gap = np.abs(got[name] - got[name].isel(lam=3)).values
        # weights that run to infinity do so like ln(1/lam)
        assert np.all(gap[:, 2] <= 0.9 * gap[:, 1] + 1e-7), name
        finite = (np.array(RATIOS) < threshold) | (not escapes)
        assert np.all(gap[finite, 2] < 2e-2 * gap[finite, 0] + 1e-7), name
    past = got.isel(lam=3).sel(overparam=[r for r in RATIOS if r > threshold])
    assert (past.train_loss == 0).all()
    assert (past.train_error == 0).all()
    assert (past.energy.isel(overparam=slice(None, -1)) == 0).all()
    assert np.isinf(past.V).all()
    assert bool(np.isinf(past.q_d).isel(overparam=0)) == escapes


def test_minimum_norm_interpolator_in_closed_form():
    """Kernel regression at lam = 0: ridge regression with kappa_star^2 / kappa_1^2."""
    problem = theory.Problem()
    moments = problem.activation.moments
    ridge = (moments.kappa_star / moments.kappa_1) ** 2
    alpha_T = 2.0
    g = theory.Gaussian.resolvent(ridge / alpha_T, 1 / alpha_T) / alpha_T
    got = theory.solve(problem, overparam=np.inf, alpha_T=alpha_T, lam=0.0)
    assert float(got.m) == pytest.approx(np.sqrt(2 / np.pi) * (1 - ridge * g), rel=1e-9)


def test_margin_losses_share_the_maximum_margin_classifier():
    got = [
        theory.solve(theory.Problem(loss=loss), overparam=[0.5, 3.0], alpha_T=2.0, lam=0.0)
        for loss in CONVEX[1:]
    ]
    for other in got[1:]:
        assert other.test_error.values == pytest.approx(got[0].test_error.values, rel=1e-8)
        assert other.bmd.values == pytest.approx(got[0].bmd.values, rel=1e-8)
    hinge = theory.solve(
        theory.Problem(loss=theory.Hinge()), overparam=[0.5, 3.0], alpha_T=2.0, lam=1e-7
    )
    assert hinge.q_d.values == pytest.approx(got[1].q_d.values, rel=1e-6)


def test_least_squares_below_the_threshold():
    """N < P, lam = 0: the hat matrix has trace N, so residuals shrink by 1/(1 + V) = 1 - N/P."""
    got = theory.solve(theory.Problem(), overparam=0.5, alpha_T=3.0, lam=0.0)
    assert 1 / (1 + float(got.V)) == pytest.approx(0.5, rel=1e-10)


def test_no_limit_has_its_status():
    problem = theory.Problem()
    with pytest.raises(theory.SolveError) as caught:
        theory.solve(problem, overparam=1.0, alpha_T=3.0, lam=0.0)
    assert theory.Status.NO_LIMIT.sentence in str(caught.value)
    slow = theory.CustomLoss(lambda s: 1 / (np.sqrt(1 + s * s) + s), name="slow")
    got = theory.solve(
        theory.Problem(loss=slow), overparam=[0.1, 2.0], alpha_T=3.0, lam=0.0, throw=False
    )
    assert got.status.values.tolist() == [0, theory.Status.NO_LIMIT]
    assert np.isnan(got.bmd.values[1])


@pytest.mark.parametrize("features", [theory.Gaussian(), theory.Orthogonal()], ids=repr)
@pytest.mark.parametrize(
    ("loss", "flip", "alpha_T"),
    [
        *((loss, 0.5, 2.0) for loss in (theory.Hinge(), theory.Logistic())),  # Cover: P = 2 D
        (theory.SquaredHinge(), 0.1, None),
        (theory.Square(), 0.0, 1.0),  # P = D equations
    ],
)
def test_linear_features_stay_on_the_threshold(features, loss, flip, alpha_T):
    """N > D linear features span D inputs: where D is just enough, no N is above the threshold."""
    teacher = theory.FlippedSign(flip=flip)
    problem = theory.Problem(theory.Identity(), teacher, loss, features)
    if alpha_T is None:
        # E[(Z - t y U)_+^2] over the label: y U = |U| with probability 1 - flip, else -|U|
        def cost(t):
            def gap(u):
                s = t * abs(u)
                both = [(1 + a * a) * stats.norm.sf(a) - a * stats.norm.pdf(a) for a in (s, -s)]
                return (both[0] * (1 - flip) + both[1] * flip) * stats.norm.pdf(u)

            return 2 * integrate.quad(gap, 0, 12, epsabs=1e-13)[0]

        alpha_T = 1 / optimize.minimize_scalar(cost, bracket=(0, 1), tol=1e-12).fun
    at = {"overparam": [0.5 / alpha_T, 1.5 / alpha_T, 40.0, np.inf], "lam": 0.0, "throw": False}
    on, below, above = (
        theory.solve(problem, alpha_T=a * alpha_T, **at).status.values.tolist()
        for a in (1, 1.1, 0.9)
    )
    assert below == [0, 0, 0, 0]
    assert on == [0, *3 * [theory.Status.NO_LIMIT]]
    assert above[1:] == [0, 0, 0]
    reached = float(theory.interpolation_threshold(problem, alpha_T))
    assert reached == pytest.approx(1 / alpha_T, rel=1e-6)


# --- what a loss is decides, not its name ---------------------------------------------------------


def by_hand(function, name, **points):
    return theory.CustomLoss(function, name=name, **points)


SAME = {
    "logistic": (theory.Logistic(), by_hand(lambda s: np.logaddexp(0, -s), "logistic")),
    "hinge": (theory.Hinge(), by_hand(lambda s: np.maximum(1 - s, 0), "hinge", kink_points=(1.0,))),
    "squared hinge": (
        theory.SquaredHinge(),
        by_hand(lambda s: np.maximum(1 - s, 0) ** 2 / 2, "squared", knot_points=(1.0,)),
    ),
    "square": (theory.Square(), by_hand(lambda e: e * e / 2, "square", of="difference")),
    "square of the margin": (theory.Square(), by_hand(lambda s: (1 - s) ** 2 / 2, "(1-s)^2/2")),
}


@pytest.mark.parametrize(("built_in", "custom"), SAME.values(), ids=SAME.keys())
def test_a_loss_by_hand_is_the_loss(built_in, custom):
    at = {"overparam": [0.15, 2.0, np.inf], "alpha_T": 3.0, "lam": [0.0, 0.1]}
    want, got = (theory.solve(theory.Problem(loss=a), **at) for a in (built_in, custom))
    for name in ("test_error", "train_loss", "train_error", "bmd", "q_d", "V"):
        np.testing.assert_allclose(got[name], want[name], rtol=1e-8, atol=1e-9, err_msg=name)
    one, other = (
        theory.interpolation_threshold(theory.Problem(loss=a), 3.0) for a in (built_in, custom)
    )
    assert float(one) == pytest.approx(float(other), rel=1e-12)


def test_weights_scale_with_the_margin_that_is_asked():
    """a max(T - s, 0) + b at lam is, in w/T and (l - b)/(a T), the hinge loss at lam T/a."""
    loss = by_hand(lambda s: 3 * np.maximum(2 - s, 0) + 1, "wide", kink_points=(2.0,))
    at = {"overparam": [0.15, 2.0], "alpha_T": 3.0}
    for lam in (0.0, 0.1):
        got = theory.solve(theory.Problem(loss=loss), lam=lam, **at)
        hinge = theory.solve(theory.Problem(loss=theory.Hinge()), lam=lam * 2 / 3, **at)
        for name, power in (("q_d", 4), ("Q_d", 4), ("m", 2), ("test_error", 1), ("bmd", 1)):
            np.testing.assert_allclose(got[name], power * hinge[name], rtol=1e-8, err_msg=name)
        np.testing.assert_allclose(got.train_loss, 6 * hinge.train_loss + 1, rtol=1e-8)
        np.testing.assert_allclose(
            got.energy, got.train_loss / got.overparam + lam * got.q_d / 2, rtol=1e-8
        )


SHAPES = {
    "rests from 1 on": (theory.Hinge(), (1.0, np.inf)),
    "falls for ever": (theory.Exponential(), (np.inf, np.inf)),
    "above 0": (by_hand(lambda s: 1 + np.logaddexp(0, -s), "plus"), (np.inf, np.inf)),
    "wide": (by_hand(lambda s: np.logaddexp(0, -s / 50), "wide"), (np.inf, np.inf)),
    "one point": (by_hand(lambda s: np.abs(1 - s), "abs", kink_points=(1.0,)), (1.0, 1.0)),
    "no tolerance": (theory.Square(), (0.0, 0.0)),
    "perceptron": (by_hand(lambda s: np.maximum(-s, 0), "p", kink_points=(0.0,)), (0.0, np.inf)),
    "tolerant": (
        by_hand(
            lambda e: np.maximum(abs(e) - 0.3, 0), "eps", of="difference", kink_points=(-0.3, 0.3)
        ),
        (-0.3, 0.3),
    ),
}


@pytest.mark.parametrize(("loss", "least"), SHAPES.values(), ids=SHAPES.keys())
def test_where_a_loss_is_smallest(loss, least):
    assert loss.least == pytest.approx(least, abs=1e-14)


def test_tails_that_end_at_the_maximum_margin():
    """Rosset, Zhu & Hastie: those that fall faster than every power, and no others."""
    steep = [lambda s: np.exp(-s), lambda s: np.logaddexp(0, -20 * s), lambda s: np.exp(-s / 9)]
    slow = [lambda s: 1 / (np.sqrt(1 + s * s) + s), lambda s: (np.sqrt(1 + s * s) - s) ** 3]
    found = [constraint(by_hand(f, f"tail {i}")) for i, f in enumerate((*steep, *slow))]
    assert [f is not None for f in found] == [True, True, True, False, False]


def test_a_loss_that_tolerates_has_no_known_threshold():
    tolerant, _ = SHAPES["tolerant"]
    with pytest.raises(theory.InvalidProblem, match="interpolation threshold is not known"):
        theory.solve(theory.Problem(loss=tolerant), overparam=2.0, alpha_T=3.0, lam=0.0)
    with pytest.raises(theory.InvalidProblem, match="not even in the residual"):
        theory.CustomLoss(lambda e: np.where(e > 0, 2 * e, -e), "difference", kink_points=(0.0,))


def test_a_callable_teacher_is_the_teacher():
    """At lam = 0 no label is wrong, and nothing lies beyond an infinite margin."""
    noise = 0.5
    same = theory.CustomTeacher(lambda nu: special.ndtr(nu / np.sqrt(noise)), name="probit")
    assert same.student_tail(np.array([-np.inf, np.inf]), np.ones(2)) == pytest.approx([0, 1])
    at = {"overparam": [0.2, 3.0], "alpha_T": 2.0, "lam": 0.0}
    for loss in (theory.Logistic(), theory.Hinge()):
        want, got = (
            theory.solve(theory.Problem(loss=loss, teacher=t), **at)
            for t in (theory.Probit(noise), same)
        )
        for name in ("test_error", "train_error", "bmd", "train_loss"):
            np.testing.assert_allclose(got[name], want[name], rtol=1e-9, atol=1e-12, err_msg=name)
