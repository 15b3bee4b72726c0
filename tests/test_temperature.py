"""The Boltzmann measure: thermodynamic identities, limits, and an exactly solvable sampler."""

import numpy as np
import pytest
from components import BINARY, LOSSES, MOMENTS, REAL, NumpyRandom

from twinpeaks import theory
from twinpeaks.theory.equations.channel import Overlaps, channel_for, tilted, zero_one

ALL = [theory.Problem(loss=loss) for loss in LOSSES]
ALL += [theory.Problem(loss=theory.Logistic(), teacher=teacher) for teacher in BINARY]
ALL += [theory.Problem(loss=theory.Square(), teacher=teacher) for teacher in REAL]
ALL += [
    theory.Problem(loss=loss, teacher=theory.Linear(noise=0.3))
    for loss in LOSSES
    if getattr(loss, "of", "") == "difference"
]
# callables are interpolated at every node: the same code, ten times slower
PAIRS = [
    pytest.param(p, marks=pytest.mark.slow) if isinstance(p.loss, theory.CustomLoss) else p
    for p in ALL
]
SOFT = [p for p, q in zip(PAIRS, ALL, strict=True) if q.loss.convex]
AT = {"overparam": 0.8, "alpha_T": 2.0, "lam": 0.1}


@pytest.mark.parametrize("T", [0.0, 1e-3, 0.7, 20.0])
@pytest.mark.parametrize("problem", PAIRS, ids=repr)
def test_channel_jacobian(problem, T):
    """Exact derivatives of the three averages, at every temperature, against differences.

    They steer Newton and ride along in the quadrature without deciding on it, so that a sharp
    response (ZeroOne at T = 1e-3) leaves them at a few 1e-8 of the largest.
    """
    if T == 0 and not problem.loss.convex:
        pytest.skip("finite temperature only")
    channel = channel_for(problem, 2e-14)
    x = np.array([[0.7, 1.3, 0.5], [6.0, 0.4, 0.2]])
    temperature = np.full(2, T)
    jacobian = channel.linearise(Overlaps(*x.T), temperature).jacobian
    for k in range(3):
        h = 1e-4 * x[:, k]
        d = h[:, None] * np.eye(3)[k]
        values = [
            np.stack(channel.linearise(Overlaps(*(x + s * d).T), temperature).hats, axis=-1)
            for s in (1, -1, 2, -2)
        ]
        difference = (8 * (values[0] - values[1]) - (values[2] - values[3])) / (12 * h[:, None])
        scale = np.max(np.abs(jacobian), axis=(1, 2))[:, None]
        assert jacobian[:, :, k] / scale == pytest.approx(difference / scale, abs=1e-7)


@pytest.mark.parametrize("beta", [1e-3, 0.3, 5.0, 300.0, 1e5])
@pytest.mark.parametrize("loss", [a for a in LOSSES if a.quadratic is None], ids=repr)
def test_tilted_averages(loss, beta):
    """Against a brute-force composite rule of the plain definition, beta V from 1e-5 to 1e8."""
    T = 1 / beta
    for V in (1e-2, 1.0, 1e3):
        for omega in (-3.0, 0.2, 4.0):
            if loss.convex:
                mode = float(loss.prox(1.0, omega, V))
                flat = (np.full(1, v) for v in (mode, (mode - omega) / V, V, T))
                got = tilted.averages(loss, 1.0, *flat, True)
                f, df, log_z, mean = got.f[0], got.df[0], got.log_z[0], got.loss[0]
                wrong = got.wrong[0]
            else:
                mode = 0.0 if omega < 0 and omega**2 < 2 * V else omega
                f, df, mean, wrong, free = (
                    float(a) for a in zero_one.averages(1.0, omega, np.float64(V), np.float64(T))
                )

            # 4000 panels of 16 nodes, graded towards the mode and every special point
            reach = 9 * np.sqrt(T * V)
            grade = reach * np.concatenate([[0.0], np.geomspace(1e-9, 1.0, 500)])
            special = [mode, *loss.kinks(1.0), *loss.knots(1.0), 0.0]
            cuts = np.concatenate([np.concatenate([k - grade, k + grade]) for k in special])
            cuts = np.unique(np.clip(cuts, mode - reach, mode + reach))
            x, w = np.polynomial.legendre.leggauss(16)
            half = 0.5 * np.diff(cuts)[:, None]
            t = 0.5 * (cuts[1:] + cuts[:-1])[:, None] + half * x
            with np.errstate(all="ignore"):
                energy = ((t - omega) ** 2 - (mode - omega) ** 2) / (2 * V)
                energy = energy + loss.value(1.0, t) - loss.value(1.0, np.full(1, mode))
                density = np.exp(-energy / T) * half * w

            def average(values, density=density):
                return float(np.sum(density * values))

            z = average(1.0)
            shift = average(t - mode) / z
            variance = average((t - mode - shift) ** 2) / z
            with np.errstate(over="ignore"):
                value = average(np.where(density > 0, loss.value(1.0, t), 0.0)) / z
            below = average(t < 0) / z
            case = (V, omega)
            scale = np.sqrt(T * V) / V
            assert f == pytest.approx(
                (mode - omega + shift) / V, abs=1e-8 * scale + 1e-8 * abs(f)
            ), case
            # 1 - Var/(T V) cancels in the plain definition, not in ours
            assert -df * V == pytest.approx(1 - variance / (T * V), abs=3e-7), case
            assert mean == pytest.approx(value, rel=3e-8, abs=1e-12), case
            assert wrong == pytest.approx(below, rel=1e-6, abs=1e-9), case
            if loss.convex:
                assert log_z / T == pytest.approx(
                    np.log(z / np.sqrt(2 * np.pi * T * V)), abs=2e-8
                ), case
            else:
                top = -((mode - omega) ** 2) / (2 * V) - float(mode < 0)
                assert free / T == pytest.approx(
                    top / T + np.log(z / np.sqrt(2 * np.pi * T * V)), rel=1e-8, abs=2e-8
                ), case


@pytest.mark.parametrize(
    "beta",
    [2.0, pytest.param(0.05, marks=pytest.mark.slow), pytest.param(80.0, marks=pytest.mark.slow)],
)
@pytest.mark.parametrize("problem", PAIRS, ids=repr)
def test_free_entropy_derivatives(problem, beta):
    """d phi/d beta = -energy and d phi/d lam = -beta q_d / 2, by fourth-order differences.

    phi is a number at an extremum over six order parameters, so this holds only if every equation,
    the tilted averages and phi itself are right together.
    """
    h = 1e-3
    s = np.array([-2, -1, 0, 1, 2])
    rule = np.array([1, -8, 0, 8, -1]) / (12 * h)
    in_beta = theory.solve(problem, **AT, beta=beta * np.exp(h * s))
    phi = in_beta.free_entropy.values
    centre = in_beta.isel(beta=2)
    assert rule @ phi / beta == pytest.approx(-float(centre.energy), rel=1e-7, abs=1e-8)
    lam = AT["lam"] * np.exp(h * s)
    in_lam = theory.solve(problem, **(AT | {"lam": lam}), beta=beta)
    slope = rule @ in_lam.free_entropy.values / AT["lam"]
    assert slope == pytest.approx(-0.5 * beta * float(centre.q_d), rel=1e-7)


@pytest.mark.parametrize("problem", SOFT, ids=repr)
def test_cold_limit_is_approached_smoothly(problem):
    """The distance to beta = inf shrinks like 1/beta; analytic losses keep all digits at 1e10."""
    smooth = problem.loss.strip > 0 or problem.loss.quadratic is not None
    beta = np.array([1e3, 1e4, 1e6, *([1e10] if smooth else []), np.inf])
    got = theory.solve(problem, **AT, beta=beta)
    assert (got.status == 0).all()
    for name in ("q_0", "Q_0", "m", "V", "test_error_mean", "energy", "train_loss", "bmd"):
        values = got[name].values
        gap = np.abs(values / values[-1] - 1)
        size = gap[1] * 1e4  # the coefficient of 1/beta
        assert gap[0] == pytest.approx(gap[1] * 10, rel=0.5, abs=1e-9), name
        assert np.all(gap[2:-1] < 10 * size / beta[2:-1] + 2e-9), name


@pytest.mark.parametrize("loss", [theory.Square(), theory.Logistic(), theory.Hinge()], ids=repr)
def test_hot_limit_is_the_prior(loss):
    """beta -> 0 at fixed beta lam = 1: the data do not count and w ~ N(0, 1)."""
    beta = 1e-5
    problem = theory.Problem(loss=loss)
    got = theory.solve(problem, overparam=0.8, alpha_T=2.0, lam=1 / beta, beta=beta)
    moments = problem.activation.moments
    assert float(got.q_d) == pytest.approx(1.0, rel=1e-4)
    assert float(got.p_d) == pytest.approx(1.0, rel=1e-4)
    assert float(got.q_0) < 1e-4
    assert float(got.test_error) == pytest.approx(0.5, abs=1e-3)
    assert float(got.Q_d) == pytest.approx(moments.kappa_1**2 + moments.kappa_star**2, rel=1e-4)
    # entropy of N(0, 1): ln(2 pi e) / 2 per weight
    assert float(got.entropy) == pytest.approx(0.5 * np.log(2 * np.pi * np.e), rel=1e-3)


def test_square_loss_posterior_of_finite_models():
    """The posterior is Gaussian: its moments by linear algebra on 24 instances at D = 150.

    Linear-Gaussian features with the model's moments stand for the random features; 5 standard
    errors plus 1.5 % for finite size, p < 1e-4 in all.
    """
    D, overparam, alpha_T, lam, beta = 150, 0.8, 2.0, 0.1, 3.0
    P = int(alpha_T * D)
    N = int(overparam * P)
    k1, ks = MOMENTS.kappa_1, MOMENTS.kappa_star
    rows = []
    for seed in range(24):
        rng = np.random.default_rng(seed)
        (F,), w = theory.Gaussian().sample(D, N, MOMENTS, 1.0, NumpyRandom(1000 + seed))
        X = rng.standard_normal((P, D))
        Z = (k1 * X @ F / np.sqrt(D) + ks * rng.standard_normal((P, N))) / np.sqrt(N)
        y = np.sign(X @ w)
        C = np.linalg.inv(beta * (Z.T @ Z + lam * np.eye(N)))
        mean = beta * C @ Z.T @ y
        s = F @ mean / np.sqrt(N)
        loss = 0.5 * np.mean((y - Z @ mean) ** 2 + np.einsum("pi,ij,pj->p", Z, C, Z))
        log_z = 0.5 * np.linalg.slogdet(2 * np.pi * C)[1]
        log_z += 0.5 * beta * y @ Z @ mean - 0.5 * beta * y @ y
        p_d = (s @ s + np.trace(F @ C @ F.T) / N) / D
        rows.append(
            [
                mean @ mean / N,
                (mean @ mean + np.trace(C)) / N,
                s @ s / D,
                p_d,
                s @ w / D,
                loss,
                log_z / N,
            ]
        )
    got = theory.solve(
        theory.Problem(theory.Custom(_with_moments, name="given")),
        overparam=N / P,
        alpha_T=alpha_T,
        lam=lam,
        beta=beta,
    )
    names = ("q_0", "q_d", "p_0", "p_d", "r", "train_loss", "free_entropy")
    mean, se = np.mean(rows, axis=0), np.std(rows, axis=0, ddof=1) / np.sqrt(len(rows))
    for name, a, error in zip(names, mean, se, strict=True):
        want = float(got[name])
        assert abs(a - want) < 5 * error + 0.015 * abs(want), name


def _with_moments(x):
    """kappa_1 x + kappa_star He_3 / sqrt(6): exactly the moments of the sampled features."""
    return MOMENTS.kappa_1 * x + MOMENTS.kappa_star * (x**3 - 3 * x) / np.sqrt(6)


def test_posterior_mean_is_better_than_a_sample():
    for problem in ALL[:5]:
        got = theory.solve(problem, **AT, beta=[0.5, 5.0])
        assert (got.test_error_mean < got.test_error).all()
        assert (got.Q_d > got.Q_0).all()
        if problem.loss.convex:
            assert (got.replicon > 0).all()


def test_measures_that_do_not_exist_are_refused():
    with pytest.raises(ValueError, match="beta = inf with loss = ZeroOne"):
        theory.solve(theory.Problem(loss=theory.ZeroOne()), **AT)
    with pytest.raises(ValueError, match="lam = 0 with a finite beta"):
        theory.solve(theory.Problem(), **(AT | {"lam": 0.0}), beta=2.0)
    with pytest.raises(ValueError, match="beta = 0"):
        theory.solve(theory.Problem(), **AT, beta=0)


@pytest.mark.parametrize("loss", [theory.Logistic(), theory.Exponential()], ids=repr)
def test_training_error_is_smooth_into_zero_temperature(loss):
    """P(y t < 0) turns over sqrt(T V) at t = 0, where the loss itself has no layer."""
    at = {"overparam": 0.1, "alpha_T": 3.0, "lam": 1.0}
    beta = [*np.geomspace(1e4, 1e9, 16), np.inf]
    error = theory.solve(theory.Problem(loss=loss), beta=beta, **at).train_error.values
    assert np.all(np.abs(error[:-1] - error[-1]) < 2.0 / np.sqrt(beta[:-1]) * 1e-2 + 1e-9)
