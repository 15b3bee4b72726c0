"""Draws of the Boltzmann measure: linear algebra, identities of any measure, limits, and the theory.

Seeds are fixed. Bounds on |z| are chosen so that fresh seeds would fail with the rate beside them.
"""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from arviz_stats.base.array import array_stats

from twinpeaks import simulate, theory
from twinpeaks.simulate.chains.gaussian import SeenSpace, gaussian_draws
from twinpeaks.simulate.chains.hmc import Target, leapfrog, run_chains, transition
from twinpeaks.simulate.chains.mixing import Limits, Mixing, Status, mixing
from twinpeaks.simulate.chains.posterior import Counts, Draws, _of_mean, measure_draws
from twinpeaks.simulate.draw import draw_instance, streams_of
from twinpeaks.simulate.train import train
from twinpeaks.sweeps.device import Workspace
from twinpeaks.sweeps.random import TorchRandom

CPU = torch.device("cpu")
WORK = Workspace(CPU, 2**20)
SHAPES = [(40, 15), (40, 40), (30, 100)]  # (P, N)
CHEAP = {"n_test": 100, "n_flip": 2, "n_variance": 100, "n_draws": 4, "seeds": 1, "D": 20}
SMOOTH = [theory.Logistic(), theory.SquaredHinge(), theory.Exponential()]


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # at these sizes, handing work to threads costs more than it saves
    yield
    torch.set_num_threads(threads)


@dataclass(frozen=True)
class SlowSquare(theory.Square):
    """The square loss as one that must be sampled."""

    quadratic = None


def draw(P, N, D=20, seed=0, **components):
    problem = theory.Problem(**components)
    streams = streams_of(seed, D, N, P, CPU)
    return problem, draw_instance(problem, D, N, P, streams["training"], WORK)


def target(loss=None, P=40, N=25, lam=0.1, beta=5.0, off=0.0):
    loss = loss or theory.Logistic()
    _, drawn = draw(P, N)
    origin = train(loss, drawn.design, drawn.y, np.array([lam])).weights + off
    curvature = loss.curvature(drawn.y[:, None], drawn.design @ origin)
    return drawn, Target.of(loss, drawn.design, drawn.y, lam, beta, origin, curvature)


def hmc(loss, P, N, lam, beta, **lengths):
    """Chains in the space that the patterns see, all singular directions of it."""
    _, drawn = draw(P, N)
    space = SeenSpace.of(drawn.design)
    mode = space.coordinates(train(loss, drawn.design, drawn.y, np.array([lam])).weights)[:, 0]
    lengths = {"chains": 8, "warmup": 150, "draws": 600} | lengths
    random = TorchRandom.from_seed(1)
    chains = run_chains(loss, space.design, drawn.y, lam, beta, mode, random, **lengths)
    return drawn, space, chains


def z_score(x, expected):
    """Deviation of the mean of (chains, draws) in units of sd / sqrt(ESS)."""
    return (x.mean() - expected) / (x.std(ddof=1) / array_stats.ess(x, method="mean") ** 0.5)


# --- exact draws ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("P", "N"), SHAPES)
@pytest.mark.parametrize(("lam", "beta", "scale"), [(0.1, 10.0, 1.0), (1e-5, 0.3, 0.5)])
def test_gaussian_draws_are_a_root_of_the_covariance(P, N, lam, beta, scale):
    """Unit noise shows the linear map itself: mean and covariance without statistics."""
    _, drawn = draw(P, N)
    X, y = drawn.design.numpy(), drawn.y.numpy()
    noise = torch.cat([torch.zeros(N, 1), torch.eye(N)], dim=1).double()
    W = gaussian_draws(SeenSpace.of(drawn.design), drawn.y, lam, beta, noise, scale).numpy()
    mean, root = W[:, 0], W[:, 1:] - W[:, :1]
    precision = X.T @ X / scale + lam * np.eye(N)
    np.testing.assert_allclose(precision @ mean, X.T @ y / scale, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(beta * precision @ root @ root.T, np.eye(N), atol=1e-8)


def test_square_loss_has_equipartition_around_the_trained_network():
    """E = E_min + N / (2 beta), and the mean is the minimiser, on the instances of simulate.run."""
    at = {"overparam": [0.5, 2.0], "lam": [0.01, 1.0]} | CHEAP
    at |= {"D": 30, "n_test": 2000, "n_flip": 20, "n_variance": 4000}
    data = simulate.sample(theory.Problem(), beta=[0.1, 10.0], draws=500, **at)
    del at["n_draws"]
    best = simulate.run(theory.Problem(), **at)
    for name, expected in (
        ("energy", best.energy + 0.5 / data.beta),
        ("q_0", best.q_d),
        ("p_0", best.p_d),
        ("m", best.m),
        ("Q_0", best.Q_d),
    ):
        # 40 z-scores, 24 of them of Student's t with 7 degrees of freedom: false-alarm rate 1 %
        assert abs((data[name] - expected) / data[f"{name}_se"]).max() < 6, name
    cold = data.sel(beta=10.0)  # the same fresh inputs for the mean and for the trained network
    assert abs(cold.test_error_mean - best.test_error).max() < 0.01
    assert abs(cold.bmd_mean / best.bmd - 1).max() < 0.01
    assert (data.status == 0).all()


def test_replica_overlap_is_the_average_over_pairs_of_chains():
    problem, drawn = draw(40, 15)
    W = TorchRandom.from_seed(3).normal(15, 4, 10)
    streams = streams_of(0, 20, 15, 40, CPU)
    out, _ = measure_draws(
        problem,
        drawn,
        Draws(W, independent=True),
        0.1,
        2.0,
        W[:, 0, 0],
        streams,
        Counts(10, 2, 10, 4),
        WORK,
    )
    w = W.mean(2).numpy()
    pairs = [(w[:, a] @ w[:, b]) / 15 for a in range(4) for b in range(4) if a != b]
    assert out["q_0"] == pytest.approx(np.mean(pairs), rel=1e-12)
    assert out["q_d"] == pytest.approx(float((W**2).sum(0).mean()) / 15, rel=1e-12)
    assert out["V"] == pytest.approx(2.0 * (out["Q_d"] - out["Q_0"]), rel=1e-12)


# --- the integrator -------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [*SMOOTH, SlowSquare()], ids=repr)
def test_target_is_the_measure_for_any_origin(loss):
    """Potential up to a constant, and gradient by automatic differentiation, off the mode."""
    lam, beta = 0.1, 5.0
    drawn, off = target(loss, lam=lam, beta=beta, off=0.3)
    u = TorchRandom.from_seed(0).normal(25, 3).requires_grad_()
    v = off.weights(u)
    value = loss.value(drawn.y[:, None], drawn.design @ v).sum(0) + 0.5 * lam * (v * v).sum(0)
    (gradient,) = torch.autograd.grad(beta * value.sum(), u)
    found = off.at(u.detach())
    np.testing.assert_allclose(found.gradient, gradient, rtol=1e-9, atol=1e-9)
    excess = found.potential - beta * value.detach()
    np.testing.assert_allclose(excess - excess[0], 0.0, atol=1e-9)
    torch.testing.assert_close(off.positions(v.detach()), u.detach())


def test_leapfrog_is_reversible():
    _, at = target()
    random = TorchRandom.from_seed(0)
    start, p = at.at(random.normal(25, 6)), random.normal(25, 6)
    end, q = leapfrog(at, start, p, 0.3, 20)
    assert float((end.u - start.u).abs().max()) > 0.5
    back, r = leapfrog(at, end, -q, 0.3, 20)
    torch.testing.assert_close(back.u, start.u, rtol=0, atol=1e-11)
    torch.testing.assert_close(-r, p, rtol=0, atol=1e-11)


@pytest.mark.parametrize(("length", "order"), [(None, 3), (1.0, 2)])
def test_leapfrog_conserves_energy_to_its_order(length, order):
    """The error of one step falls as step^3, that of a fixed time as step^2."""
    _, at = target()
    random = TorchRandom.from_seed(0)
    start, p = at.at(2 * random.normal(25, 50)), random.normal(25, 50)

    def error(step):
        end, q = leapfrog(at, start, p, step, 1 if length is None else round(length / step))
        change = end.potential - start.potential + 0.5 * ((q * q).sum(0) - (p * p).sum(0))
        return float(change.pow(2).mean().sqrt())

    assert np.log2(error(0.02) / error(0.01)) == pytest.approx(order, abs=0.05)


def test_a_trajectory_that_runs_off_is_turned_down():
    _, at = target(theory.Exponential())
    start = at.at(TorchRandom.from_seed(0).normal(25, 6))
    end, probability = transition(at, start, 50.0, TorchRandom.from_seed(1))
    assert (probability == 0).all()
    assert (end.u == start.u).all()
    assert (end.potential == start.potential).all()


# --- chains ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("P", "N"), [(60, 30), (30, 60)])
def test_chains_sample_the_gaussian(P, N):
    """Mean and variance of every singular direction; 120 z-scores, false-alarm rate 1e-3."""
    lam, beta = 0.02, 3.0
    drawn, space, chains = hmc(SlowSquare(), P, N, lam, beta)
    s = space.singular
    mean = s * (space.left.T @ drawn.y) / (s**2 + lam)
    variance = 1 / (beta * (s**2 + lam))
    for v, m, c in zip(chains.v.numpy(), mean.numpy(), variance.numpy(), strict=True):
        assert abs(z_score(v, m)) < 4.5
        assert abs(z_score((v - m) ** 2, c)) < 4.5
    assert 0.7 < chains.acceptance < 0.92


@pytest.mark.parametrize("beta", [0.5, 20.0])
@pytest.mark.parametrize("loss", SMOOTH, ids=repr)
def test_forces_obey_the_identities_of_every_boltzmann_measure(loss, beta):
    """Integration by parts: E grad E = 0, beta E[w.grad E] = k, beta E|grad E|^2 = E laplacian E.

    27 z-scores per case, false-alarm rate 1e-3 over all six.
    """
    P, N, lam = 50, 25, 0.1
    drawn, space, chains = hmc(loss, P, N, lam, beta)
    C, y = space.design, drawn.y[:, None]
    flat = chains.v.view(N, -1)
    t = C @ flat
    force = C.T @ loss.slope(y, t) + lam * flat
    laplacian = (C * C).sum(1) @ loss.curvature(y, t) + lam * N
    virial = beta * (flat * force).sum(0)
    balance = beta * (force * force).sum(0) - laplacian
    shape = chains.v.shape[1:]
    for x, expected in [*((f, 0.0) for f in force), (virial, float(N)), (balance, 0.0)]:
        assert abs(z_score(x.view(shape).numpy(), expected)) < 4.8


def test_cold_chains_concentrate_on_the_trained_network():
    problem, beta = theory.Problem(loss=theory.Logistic()), 1e6
    at = {"overparam": 0.5, "lam": 0.1} | CHEAP
    data = simulate.sample(problem, beta=beta, warmup=200, trajectory=1.0, **at)
    del at["n_draws"]
    best = simulate.run(problem, **at)
    assert (data.status == 0).all()
    for name in ("q_d", "Q_d", "m", "train_loss", "energy"):
        np.testing.assert_allclose(data[name], best[name], rtol=1e-3, err_msg=name)
    np.testing.assert_allclose(data.q_0, best.q_d, rtol=1e-5)
    rise = data.energy - best.energy
    assert (abs(rise - 0.5 / beta) < 4.5 * data.energy_se).all()  # equipartition


def test_hot_chains_are_the_prior_of_a_loss_that_grows_slower_than_the_penalty():
    """beta l(t) is of order sqrt(beta) where beta lam |w|^2 is of order 1; not so for the square loss."""
    lam, beta = 0.1, 1e-7
    at = {"overparam": [0.5, 2.0], "lam": lam, "beta": beta} | CHEAP
    data = simulate.sample(theory.Problem(loss=theory.Logistic()), warmup=150, trajectory=1.0, **at)
    assert (data.status == 0).all()
    unit = beta * lam
    assert (abs(data.q_d * unit - 1) < 4.5 * data.q_d_se * unit).all()
    assert (abs(data.q_0) < 6 * data.q_0_se).all()
    assert (abs(data.m) < 4.5 * data.m_se).all()


# --- failure, bookkeeping -------------------------------------------------------------------------


def test_chains_that_have_not_mixed_are_not_reported():
    at = {"overparam": 2.0, "lam": 1e-3, "beta": 10.0} | CHEAP
    data = simulate.sample(theory.Problem(loss=theory.Logistic()), warmup=3, draws=30, **at)
    assert data.status.values.tolist() == [Status.UNMIXED]
    assert "draws" in Status.UNMIXED.sentence
    assert (data.r_hat > 1.01).all()
    for name in ("energy", "q_0", "test_error", "bmd_mean", "V_se"):
        assert data[name].isnull().all(), name


def test_each_diagnostic_can_refuse():
    assert Mixing(1.005, 500.0, 500.0).within(Limits())
    for bad in ((1.02, 500.0, 500.0), (1.005, 300.0, 500.0), (1.005, 500.0, 300.0)):
        assert not Mixing(*bad).within(Limits())
    for lost in ((np.nan, 500.0, 500.0), (1.005, np.nan, 500.0), (1.005, 500.0, np.nan)):
        assert not Mixing(*lost).within(Limits())
    rng = np.random.default_rng(0)
    good = rng.normal(size=(4, 1000))
    assert mixing([good]).within(Limits())
    shifted = good + np.array([0, 0, 0, 0.5])[:, None]
    scaled = good * np.array([1, 1, 1, 2.0])[:, None]  # the folded half of R-hat
    stuck = np.repeat(good[:, :50], 20, axis=1)
    for bad in (shifted, scaled, stuck, np.zeros((4, 100)), np.full((4, 100), np.nan)):
        assert not mixing([good, bad]).within(Limits())


def test_draws_repeat_bit_for_bit_in_any_company():
    problem = theory.Problem(loss=theory.Logistic())
    at = {"overparam": 0.5, "warmup": 60, "draws": 60, "largest_r_hat": 9.0, "least_ess": 1.0}
    at = CHEAP | at
    one = simulate.sample(problem, lam=0.1, beta=3.0, **at)
    many = simulate.sample(problem, lam=[1.0, 0.1], beta=[3.0, 1.0], **{**at, "seeds": 2})
    among = many.sel(lam=0.1, beta=3.0, seed=[0])
    for name in one.data_vars:
        np.testing.assert_array_equal(one[name], among[name], name)
    assert (many.q_d.isel(seed=0) != many.q_d.isel(seed=1)).all()
    assert dict(many.q_d.sizes) == {"lam": 2, "beta": 2, "seed": 2}
    assert int(many.status.sum()) == 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"problem": theory.Problem(loss=theory.Hinge())}, "Hinge"),
        ({"problem": theory.Problem(loss=theory.ZeroOne())}, "ZeroOne"),
        ({"problem": theory.Logistic()}, "problem = "),
        ({"beta": 0.0}, "beta = 0: "),
        ({"beta": np.inf}, "beta = inf: "),
        ({"lam": 0.0}, "lam = 0: "),
        ({"chains": 3}, "chains = 3: "),
        ({"draws": 2}, "draws = 2: "),
        ({"trajectory": 0.0}, "trajectory = 0.0: "),
        ({"largest_r_hat": 1.0}, "largest_r_hat = 1.0: "),
        ({"device": "tpu"}, "device = 'tpu': "),
    ],
)
def test_bad_arguments_are_refused_before_work(changes, words):
    with pytest.raises(ValueError, match=words):
        simulate.sample(**({"problem": theory.Problem(), "overparam": 1.0, "D": 10} | changes))


# --- the theory -----------------------------------------------------------------------------------


def _z_at_infinite_size(problem, curve, seeds, sizes=(40, 80), **at):
    """Extrapolate linearly in 1/D, D and 2 D: mean_2D * 2 - mean_D, over independent instances."""
    data = simulate.sample(problem, D=list(sizes), seeds=seeds, n_test=4000, **at)
    assert (data.status == 0).all()
    out = {}
    for name in (
        *("q_d", "q_0", "p_d", "p_0", "r", "Q_d", "Q_0", "m", "V", "energy"),
        *("train_loss", "train_error", "test_error", "test_error_mean", "bmd", "bmd_mean"),
    ):
        mean, error = data[name].mean("seed"), data[name].std("seed", ddof=1) / seeds**0.5
        small, large = sizes
        limit = 2 * mean.sel(D=large) - mean.sel(D=small)
        spread = (4 * error.sel(D=large) ** 2 + error.sel(D=small) ** 2) ** 0.5
        out[name] = ((limit - curve[name]) / spread).values
    return out


@pytest.mark.slow
def test_square_loss_agrees_with_the_theory_at_every_temperature():
    """96 z-scores, correlated, of Student's t with about 30 degrees of freedom: rate 1 %."""
    at = {"overparam": [0.5, 2.0], "lam": 0.1, "beta": [0.3, 3.0, 30.0]}
    curve = theory.solve(theory.Problem(), alpha_T=3.0, **at)
    for name, z in _z_at_infinite_size(theory.Problem(), curve, 24, draws=200, **at).items():
        assert abs(z).max() < 4.5, (name, z)


@pytest.mark.slow
@pytest.mark.parametrize("loss", [theory.Logistic(), theory.SquaredHinge()], ids=repr)
def test_chains_agree_with_the_theory(loss):
    """32 z-scores, correlated, of Student's t with about 20 degrees of freedom: rate 1 %."""
    problem, at = theory.Problem(loss=loss), {"overparam": [0.5, 2.0], "lam": 0.1, "beta": 10.0}
    curve = theory.solve(problem, alpha_T=3.0, **at)
    lengths = {"warmup": 200, "trajectory": 1.0}
    for name, z in _z_at_infinite_size(problem, curve, 16, **lengths, **at).items():
        assert abs(z).max() < 4.5, (name, z)


def test_the_mean_of_a_steep_functional_is_not_biased_by_the_noise_of_chains():
    """The angle of a vector seen through four chains, each with a noise of half its length."""
    rng, (chains, dim, repetitions) = np.random.default_rng(11), (4, 100, 2000)
    exact = 0.6
    mean = np.zeros(dim)
    mean[:2] = np.cos(exact), np.sin(exact)

    def angle(w):
        return np.arccos(w[..., 0] / np.linalg.norm(w, axis=-1))

    found, errors, first_order = [], [], []
    for noise in 0.55 * rng.standard_normal((repetitions, chains, dim)) / dim**0.5:
        w = mean + noise
        every = w.mean(0)
        without = (chains * every - w) / (chains - 1)
        value = angle(np.concatenate([every[None], w, without]))
        halves = angle(w.reshape(2, 2, dim).mean(1))
        out = _of_mean("g", value, halves)
        found.append(out["g"])
        errors.append(out["g_se"])
        first_order.append(_of_mean("g", value, np.array([]))["g"])
    noise = np.std(found) / repetitions**0.5
    assert noise < 0.0015 * exact
    assert abs(np.mean(found) - exact) < 0.005 * exact + 3 * noise  # of third order
    assert np.mean(first_order) - exact > 0.015 * exact
    assert 0.85 < np.sqrt(np.mean(np.square(errors))) / np.std(found) < 1.15
