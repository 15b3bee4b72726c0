"""Every law, teacher and loss in the simulator: it runs, and it is what the theory solves.

The comparisons allow five standard errors of the mean over seeds plus a share of the value for the
finite size. With 12 or 16 seeds a t variable exceeds 5 with probability 4e-4 or 2e-4: at most 5%
over the 274 comparisons if the share were 0, and below 1% as it is at least one standard error for
most of them. The seeds are fixed: a pass repeats.
"""

import numpy as np
import pytest
import torch
from components import BINARY, LAWS, LOSSES, REAL
from scipy import optimize

from twinpeaks import simulate, theory
from twinpeaks.simulate.draw import draw_instance, streams_of
from twinpeaks.simulate.estimators.trained import overlap_test_error
from twinpeaks.simulate.train import Status, train
from twinpeaks.sweeps.device import Workspace

CPU = torch.device("cpu")
WORK = Workspace(CPU, 2**20)
SHAPES = [(40, 15), (40, 40), (40, 41), (30, 100)]  # (P, N)
PENALTIES = np.array([1.0, 1e-1, 1e-2, 1e-4])

K1, KS = theory.Tanh().moments.kappa_1 ** 2, theory.Tanh().moments.kappa_star ** 2
# tr S = N, as for features whose pre-activations have the unit variance that the moments assume
SPECTRUM = theory.Spectrum(
    tuple(KS + K1 * s for s in (0, 0, 0, 0, 0, 0, 3, 5)),
    tuple(K1 * s for s in (0,) * 6 + (0.9, 3.5)),
)
TRAINABLE = [x for x in LOSSES if x.convex and (not x.kinks(1.0) or isinstance(x, theory.Hinge))]
ROBUST = next(x for x in LOSSES if "pseudo_huber" in repr(x))


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # at these sizes, handing work to threads costs more than it saves
    yield
    torch.set_num_threads(threads)


def draw(P, N, D=20, **components):
    problem = theory.Problem(**components)
    return draw_instance(problem, D, N, P, streams_of(0, D, N, P, CPU)["training"], WORK)


def small(problem, **changes):
    arguments = {"overparam": 0.8, "alpha_T": 1.0, "lam": 0.1, "D": 20, "seeds": 2}
    arguments |= {"n_test": 300, "n_flip": 4, "n_variance": 200}
    return simulate.run(problem, **(arguments | changes))


# --- contracts ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "problem",
    [theory.Problem(features=law) for law in LAWS]
    + [theory.Problem(teacher=teacher) for teacher in BINARY + REAL]
    + [theory.Problem(loss=loss) for loss in TRAINABLE],
    ids=repr,
)
def test_every_component_runs(problem):
    data = small(problem)
    assert (data.status == 0).all()
    for name in data.data_vars:
        assert data[name].notnull().all(), name


@pytest.mark.parametrize("law", LAWS, ids=repr)
def test_the_teacher_has_the_norm_that_was_asked_for(law):
    if isinstance(law, theory.Spectrum):
        law = SPECTRUM
    drawn = draw(40, 16, features=law)
    assert (drawn.layers.D, drawn.layers.N) == (20, 16)
    assert float(drawn.teacher @ drawn.teacher) == pytest.approx(20.0, rel=1e-9)


@pytest.mark.parametrize(
    ("law", "changes", "words"),
    [
        (SPECTRUM, {"overparam": 0.85}, "N = 17: give a multiple of the 8 eigenvalues"),
        (SPECTRUM, {"overparam": [0.8, 8.0]}, "D = 20: the spectrum needs 40 input dimensions"),
        (theory.Spectrum((0.01, 1.0), (0.0, 0.1)), {}, "eigenvalue 0.01 is below kappa_star"),
    ],
)
def test_a_size_the_law_cannot_take_is_refused_before_any_work(law, changes, words):
    done = []
    with pytest.raises(ValueError, match=words):
        small(theory.Problem(features=law), progress=lambda *counts: done.append(counts), **changes)
    assert not done


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (theory.ZeroOne(), r"loss = ZeroOne\(\) is not convex: simulation supports smooth"),
        (
            theory.CustomLoss(abs, of="difference", kink_points=(0.0,)),
            r"loss = CustomLoss\(abs.*, difference\) is not smooth: .* those of one hinge",
        ),
    ],
    ids=repr,
)
def test_a_loss_without_an_exact_minimiser_is_refused(loss, words):
    with pytest.raises(ValueError, match=words):
        small(theory.Problem(loss=loss))
    with pytest.raises(ValueError, match=words):
        train(loss, torch.ones(2, 1).double(), torch.ones(2).double(), np.ones(1))


# --- training -------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", TRAINABLE, ids=repr)
@pytest.mark.parametrize(("P", "N"), SHAPES)
def test_training_converges(loss, P, N):
    drawn = draw(P, N, loss=loss)
    fit = train(loss, drawn.design, drawn.y, PENALTIES)
    assert (fit.status == Status.CONVERGED).all()
    assert (fit.optimality > 0).all()


def huber(e):
    e = np.abs(e)
    return np.where(e < 0.5, e * e / 2, 0.5 * e - 0.125)


@pytest.mark.parametrize(
    "loss",
    [
        theory.SquaredHinge(),
        theory.CustomLoss(huber, of="difference", knot_points=(-0.5, 0.5)),
        theory.Exponential(),
    ],
    ids=repr,
)
@pytest.mark.parametrize(("P", "N"), SHAPES)
def test_piecewise_curvature_and_overflow_do_not_stop_newton(loss, P, N):
    # from w = 0 straight to the smallest penalty; the design makes exp(-y t) overflow on the way
    drawn = draw(P, N, loss=loss)
    fit = train(loss, 30 * drawn.design, drawn.y, np.array([1e-6]))
    assert fit.optimality[0] < 1e-6
    w = fit.weights[:, 0]
    gradient = 30 * drawn.design.T @ torch.as_tensor(loss.slope(drawn.y, 30 * drawn.design @ w))
    relative = torch.linalg.vector_norm(gradient + 1e-6 * w) / torch.linalg.vector_norm(w) / 1e-6
    assert float(relative) < 2e-6


@pytest.mark.parametrize(("P", "N"), SHAPES)
@pytest.mark.parametrize("lam", [0.1, 1.0, 10.0])
def test_hinge_is_the_dual_quadratic_programme(P, N, lam):
    drawn = draw(P, N, loss=theory.Hinge())
    A = (drawn.design * drawn.y[:, None]).numpy()
    K = A @ A.T / lam
    best = optimize.minimize(
        lambda a: 0.5 * a @ K @ a - a.sum(),
        np.full(P, 0.5),
        jac=lambda a: K @ a - 1.0,
        bounds=[(0.0, 1.0)] * P,
        method="SLSQP",
        options={"ftol": 1e-15, "maxiter": 1000},
    )
    w = A.T @ np.clip(best.x, 0, 1) / lam
    fit = train(theory.Hinge(), drawn.design, drawn.y, np.array([lam]))
    ours = fit.weights[:, 0].numpy()

    def primal(w):
        return 0.5 * lam * w @ w + np.maximum(1 - A @ w, 0).sum()

    assert fit.optimality[0] < 1e-6
    # weak duality with scipy's multipliers: theirs bounds our objective from below
    assert -1e-12 < (primal(ours) + best.fun) / primal(ours) < 1e-6
    assert primal(ours) <= primal(w) * (1 + 1e-12)
    assert np.linalg.norm(ours - w) < 1e-3 * np.linalg.norm(w)


def test_hinge_optimality_bounds_the_error():
    # early exits of the interior-point method must say how far they are
    from twinpeaks.simulate.trainers.hinge import duality_gap, interior_point

    drawn = draw(40, 15, loss=theory.Hinge())
    A = drawn.design * drawn.y[:, None]
    v, a, b = (x[0] for x in interior_point(A[None], 0.1))
    for scale in (1e-6, 1e-3, 1e-1):
        off = v + scale * torch.linspace(-1, 1, 15).double()
        moved = (a + scale * torch.linspace(1, -1, 40).double()).clamp(0, 1)
        gap = duality_gap(A[None], 0.1, off[None], moved[None], 1 - moved[None])
        primal = 0.05 * off @ off + (1 - A @ off).clamp(min=0).sum()
        s = A.T @ moved
        np.testing.assert_allclose(gap, primal - (moved.sum() - s @ s / 0.2), atol=1e-11)
        assert torch.linalg.vector_norm(off - v) < (2 * gap / 0.1).sqrt()
    assert float((a + b - 1).abs().max()) < 1e-12


# --- what is measured -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "teacher",
    [theory.Sign(2.0), theory.FlippedSign(), theory.Probit(0.5), theory.Linear()],
    ids=repr,
)
def test_fresh_labels_and_overlaps_give_one_test_error(teacher):
    # linear features: (nu, f) is exactly Gaussian. 12 draws, two-sided 4.5: false alarms < 1e-4
    problem = theory.Problem(activation=theory.Identity(), teacher=teacher)
    data = simulate.run(
        problem, [0.5, 2.0], lam=[1e-2, 1.0], D=30, seeds=3, n_test=20_000, n_flip=2, n_variance=2
    )
    z = (data.test_error - data.test_error_overlap) / data.test_error_se
    assert abs(z).max() < 4.5
    assert (data.test_error_se > 0).all()


def test_train_error_of_real_labels_is_the_mean_square():
    data = small(theory.Problem(teacher=theory.Linear()))
    np.testing.assert_allclose(data.train_error, 2 * data.train_loss, rtol=1e-12)


def test_overlap_error_is_that_of_the_label_law():
    one = np.ones(1)
    by_hand = theory.CustomTeacher(lambda nu: np.where(nu > 0, 0.8, 0.2), breaks=(0.0,))
    for m in (-1.0, 0.0, 0.3, 0.9, 1.0, 1.0 + 1e-15):
        want = overlap_test_error(theory.FlippedSign(flip=0.2), one, m * one)
        np.testing.assert_allclose(overlap_test_error(by_hand, one, m * one), want, atol=1e-11)
    assert np.isnan(overlap_test_error(by_hand, 0 * one, 0 * one)).all()
    assert overlap_test_error(theory.Sign(), one, 0 * one) == pytest.approx(0.5)
    assert overlap_test_error(theory.FlippedSign(flip=0.2), one, one) == pytest.approx(0.2)


# --- against the theory ---------------------------------------------------------------------------

NAMES = ["q_d", "m", "Q_d", "train_loss", "train_error", "test_error", "bmd"]


def excess(problem, overparam, names=NAMES, *, D, seeds, share, alpha_T=2.0, lam=0.1):
    """Deviations in units of what is allowed, by name: (largest, relative to theory, in errors)."""
    ours = simulate.run(
        problem,
        overparam,
        alpha_T,
        lam,
        D,
        seeds,
        device="cpu",
        n_test=2000,
        n_flip=16,
        n_variance=4000,
    )
    assert (ours.status == 0).all()
    exact = theory.solve(problem, overparam=overparam, alpha_T=alpha_T, lam=lam)
    out = {}
    for name in names:
        value, drawn = exact[name], ours[name]
        error2 = drawn.var("seed", ddof=1) / seeds
        if name == "train_error" and isinstance(problem.teacher, theory.BinaryTeacher):
            error2 = error2 + value * (1 - value) / (ours.P * seeds)  # few or no wrong patterns
        away = drawn.mean("seed") - value
        error = error2**0.5
        out[name] = (
            float((abs(away) / (5 * error + share * abs(value))).max()),
            (away / abs(value)).values.round(4).tolist(),
            (away / error).values.round(1).tolist(),
        )
    return out


def agree(problem, overparam, names=NAMES, **sizes):
    deviations = excess(problem, overparam, names, **sizes)
    assert all(worst < 1 for worst, _, _ in deviations.values()), deviations


def test_ridge_regression_is_the_theory():
    problem = theory.Problem(teacher=theory.Linear())
    names = ["q_d", "m", "train_error", "test_error"]
    agree(problem, [0.8, 2.0], names, D=200, seeds=12, share=0.03)


SIZES = {"D": 120, "seeds": 16, "share": 0.04}
COMPARED = [
    *[theory.Problem(loss=theory.Logistic(), features=x) for x in LAWS],
    *[theory.Problem(loss=theory.Logistic(), teacher=x) for x in BINARY],
    *[theory.Problem(teacher=x) for x in REAL],
    *[theory.Problem(loss=x) for x in TRAINABLE],
    theory.Problem(loss=ROBUST, teacher=theory.Linear()),
]
COMPARED = [
    p.replace(features=SPECTRUM) if isinstance(p.features, theory.Spectrum) else p for p in COMPARED
]


@pytest.mark.slow
@pytest.mark.parametrize("problem", COMPARED, ids=repr)
def test_simulation_is_the_theory(problem):
    agree(problem, [0.8, 2.0], **SIZES)
