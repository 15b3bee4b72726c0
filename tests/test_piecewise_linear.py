"""The closed-form channel of losses quadratic in pieces, and small ridge penalties."""

from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import mpmath as mp
import numpy as np
import pytest
from components import LOSSES
from reference import integrate

from twinpeaks import theory
from twinpeaks.theory.equations.channel import Overlaps, channel_for, piecewise_linear
from twinpeaks.theory.losses.base import DifferenceLoss, MarginLoss


class Clipped(DifferenceLoss):
    """Huber's loss with threshold 0.3, undeclared."""

    residual_knots = (-0.3, 0.3)

    def residual_value(self, e):
        return np.where(np.abs(e) <= 0.3, 0.5 * e * e, 0.3 * (np.abs(e) - 0.15))

    def residual_slope(self, e):
        return np.clip(e, -0.3, 0.3)

    def residual_curvature(self, e):
        return np.where(np.abs(e) <= 0.3, 1.0, 0.0)


class DeclaredClipped(Clipped):
    """The same, declared."""

    piecewise_quadratic = True


@dataclass(frozen=True)
class Epsilon(DifferenceLoss):
    """max(|e| - 0.2, 0): two kinks and a flat stretch."""

    residual_kinks = (-0.2, 0.2)
    residual_knots = ()
    piecewise_quadratic = True

    def residual_value(self, e):
        return np.maximum(np.abs(e) - 0.2, 0.0)

    def residual_slope(self, e):
        return np.where(np.abs(e) > 0.2, np.sign(e), 0.0)

    def residual_curvature(self, e):
        return np.zeros_like(e)


TEACHERS = [
    theory.Sign(rho=0.2),
    theory.FlippedSign(flip=0.07),
    theory.Probit(noise=0.3),
    theory.Linear(noise=0.3),
]
CASES = [
    (loss, teacher)
    for loss in (theory.Hinge(), theory.SquaredHinge(), DeclaredClipped(), Epsilon())
    for teacher in TEACHERS
    if isinstance(loss, DifferenceLoss) or not isinstance(teacher, theory.Linear)
]
DECLARED = [a for a in LOSSES if a.piecewise_quadratic] + [DeclaredClipped(), Epsilon()]


def label(case):
    return f"{type(case[0]).__name__}-{type(case[1]).__name__}"


def overlaps(teacher, n=150):
    """Order parameters over many decades, V small and huge, the student weak and almost perfect."""
    rng = np.random.default_rng(5)
    V, Q, k = (10 ** rng.uniform(*ends, n) for ends in ((-3, 9), (-3, 2), (-2, 1.5)))
    return Overlaps(V, Q, np.sqrt(teacher.rho * Q) * k / np.hypot(1, k))


@pytest.mark.parametrize("y", [-1.0, 0.0, 1.0])
@pytest.mark.parametrize("loss", DECLARED, ids=lambda loss: type(loss).__name__)
def test_declared_pieces_are_the_loss(loss, y):
    """A contract: value, slope and curvature from the pieces, at random t."""
    if y == 0 and isinstance(loss, MarginLoss):
        pytest.skip("labels of a margin are -1 and +1")
    p = piecewise_linear.pieces(loss, y)
    t = np.random.default_rng(0).normal(0.0, 3.0, 400)
    smooth = np.isfinite(p.curvature[:, 0])
    anchor, value, slope, curvature = (a[smooth, 0] for a in p[:4])
    cuts = np.unique(p.edge[:, 0])
    k = np.searchsorted(cuts, t)
    d = t - anchor[k]
    assert value[k] + slope[k] * d + curvature[k] * d * d / 2 == pytest.approx(
        loss.value(y, t), abs=2e-14
    )
    assert slope[k] + curvature[k] * d == pytest.approx(loss.slope(y, t), abs=1e-14)
    assert curvature[k] == pytest.approx(loss.curvature(y, t), abs=1e-14)
    assert np.all(slope[k] * d >= 0)  # the anchor is where the piece is smallest


@pytest.mark.parametrize("case", CASES, ids=label)
def test_closed_form_against_quadrature(case):
    """Every average, two codes: Owen's T at the edges, and Gauss-Kronrod along the graph."""
    loss, teacher = case
    channel = channel_for(theory.Problem(loss=loss, teacher=teacher), 2e-14)
    at = overlaps(teacher)
    cold = np.zeros(at.V.shape)
    closed = channel._closed_form(at)
    with np.errstate(all="ignore"):
        first, good = channel._integrate(at, cold, observe=False)
        seen, resolved = channel._integrate(at, cold, observe=True)
    assert np.mean(closed.sure & good) > 0.4
    for names, rows, sure in (
        (channel._FIRST, first, closed.sure & good),
        (channel._SEEN, seen, closed.all_sure & resolved),
    ):
        for name, row in zip(names, rows, strict=True):
            if name == "square" and not isinstance(teacher, theory.Linear):
                continue  # training errors of labels are counted by the channel
            # quadrature is not asked for the derivatives, which only steer Newton, and has the
            # squared hinge's (1 - t)^2 with the rounding of t close to 1
            steering = names is channel._FIRST and name not in ("f2", "minus_df", "sf", "df2")
            rel = 1e-6 if steering else 1e-10 if name == "loss" else 1e-11
            floor = 1e-11 * np.max(np.abs(row)) if steering else 1e-60
            mine = getattr(closed, name)[sure]
            assert mine == pytest.approx(row[sure], rel=rel, abs=floor), name


def exact(p, flip, rho, V, Q, m):
    """E f^2, -E df, E s f and E l, piece by piece in mpmath."""
    V, Q, m = map(mp.mpf, (V, Q, m))
    width, root = mp.sqrt(rho - m * m / Q), mp.sqrt(Q)
    k, ten = m / root / width, mp.mpf(10)
    edges = [
        (mp.mpf(a) + V * mp.mpf(b)) / root
        for a, b in zip(p.edge[:, 0], p.edge_slope[:, 0], strict=True)
    ]
    ends = [-ten, *(min(max(e, -ten), ten) for e in edges), ten]
    scales = [mp.mpf(j) for j in range(-9, 10)] + [j / k for j in (-6, -3, -1, 1, 3, 6)]

    def integrand(xi, row):
        anchor, value, slope, curvature = row
        bend = -1 / V if mp.isinf(curvature) else -curvature / (1 + V * curvature)
        x = root * xi - anchor - V * slope
        t = 0 if mp.isinf(curvature) else x / (1 + V * curvature)
        f = -slope + bend * x
        z = 2 * mp.npdf(xi) * (flip + (1 - 2 * flip) * mp.ncdf(k * xi))
        score = 2 * (1 - 2 * flip) * mp.npdf(xi) * mp.npdf(k * xi) / width
        curved = 0 if mp.isinf(curvature) else curvature * t * t / 2
        return f * f * z, -bend * z, f * score, (value + slope * t + curved) * z

    total = np.zeros(4)
    for i, (low, high) in enumerate(pairwise(ends)):
        row = [mp.mpf(float(a[i, 0])) for a in p[:4]]
        cuts = sorted({low, high, *(s for s in scales if low < s < high)})
        if len(cuts) > 1:
            part = integrate(partial(integrand, row=row), cuts, degree=4)
            total = total + np.array(part)
    return [float(t) for t in total]


@pytest.mark.parametrize(
    ("V", "Q", "cotangent"),
    [(1e8, 0.3, 0.5), (1e8, 40.0, 12.0), (0.02, 0.03, 3.0), (3.0, 50.0, 10.0), (1.0, 1.0, 0.01)],
)
@pytest.mark.parametrize("loss", [theory.Hinge(), theory.SquaredHinge(), Epsilon()], ids=repr)
def test_corners_against_mpmath(loss, V, Q, cotangent):
    teacher = theory.FlippedSign(flip=0.05, rho=0.6)
    m = np.sqrt(teacher.rho * Q) * cotangent / np.hypot(1, cotangent)
    at = [np.array([x]) for x in (V, Q, m)]
    p = piecewise_linear.pieces(loss, 1.0)
    law = piecewise_linear.field_law(teacher, at[1], at[2])
    got = piecewise_linear.averages(p, law, at[0], at[1])
    with mp.workdps(25):
        truth = exact(p, mp.mpf(0.05), mp.mpf(0.6), V, Q, m)
    assert got.sure[0]
    judged = [got.f2, got.minus_df, got.sf] + ([got.loss] if got.all_sure[0] else [])
    for mine, true in zip(judged, truth, strict=False):
        assert mine[0] == pytest.approx(true, rel=3e-12, abs=1e-60)


WIDTHS = [0.05, 0.7, 1.4, 3.0, 20.0, 100.0]


@pytest.mark.parametrize(
    "loss", [theory.Hinge(), theory.SquaredHinge(), Clipped()], ids=lambda x: type(x).__name__
)
def test_small_ridge_penalties_converge(loss):
    """V ~ 1/lam squeezes the Gaussian into 1e-8 of t next to the label; t loses it, omega does not."""
    for teacher in TEACHERS[:: 3 if isinstance(loss, DifferenceLoss) else 2]:
        got = theory.solve(
            theory.Problem(loss=loss, teacher=teacher),
            overparam=WIDTHS,
            alpha_T=[0.3, 3.0, 20.0],
            lam=[1e-8, 1e-7, 1e-4],
            throw=False,
        )
        assert (got.status == 0).all(), teacher


def test_declaration_changes_no_number():
    """Huber's loss with its pieces declared, and integrated along its graph."""
    at = {"overparam": [0.3, 1.4, 20.0], "alpha_T": 3.0, "lam": [1e-8, 1e-4, 1.0]}
    for teacher in (theory.Sign(), theory.Linear()):
        a, b = (
            theory.solve(theory.Problem(loss=loss, teacher=teacher), **at)
            for loss in (Clipped(), DeclaredClipped())
        )
        for name in ("V", "Q_d", "m", "train_loss", "train_error", "replicon", "free_energy"):
            assert a[name].values == pytest.approx(b[name].values, rel=1e-8), name


def test_custom_loss_at_small_ridge():
    """A callable that keeps its digits at its minimum is solved there like any other loss."""
    loss = theory.CustomLoss(
        lambda e: e * e / (1 + np.sqrt(1 + e * e)),
        of="difference",
        derivative=lambda e: e / np.sqrt(1 + e * e),
        second=lambda e: (1 + e * e) ** -1.5,
        name="pseudo_huber",
    )
    got = theory.solve(
        theory.Problem(loss=loss), overparam=[1.4, 20.0], alpha_T=[0.3, 20.0], lam=[1e-8, 1e-6]
    )
    square = theory.solve(
        theory.Problem(), overparam=[1.4, 20.0], alpha_T=[0.3, 20.0], lam=[1e-8, 1e-6]
    )
    # both interpolate: the same minimum-norm solution
    assert got.q_d.values == pytest.approx(square.q_d.values, rel=2e-3)
    assert got.bmd.values == pytest.approx(square.bmd.values, rel=2e-3)
