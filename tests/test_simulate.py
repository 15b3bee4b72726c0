"""The simulator: exact training, independent streams, honest failures."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
import xarray as xr
from scipy import optimize, special

from twinpeaks import simulate, theory
from twinpeaks.simulate.draw import STREAMS, draw_instance, streams_of
from twinpeaks.simulate.estimators.trained import measure_test_error
from twinpeaks.simulate.train import Status, train
from twinpeaks.sweeps.device import Workspace
from twinpeaks.sweeps.random import TorchRandom

CPU = torch.device("cpu")
WORK = Workspace(CPU, 2**20)
SMALL = {"D": 20, "seeds": 2, "n_test": 300, "n_flip": 4, "n_variance": 200}
LOSSES = [theory.Square(), theory.Logistic()]
SHAPES = [(40, 15), (40, 40), (40, 41), (30, 100)]  # (P, N)


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # at these sizes, handing work to threads costs more than it saves
    yield
    torch.set_num_threads(threads)


def instance(P, N, D=20, seed=0, **components):
    problem = theory.Problem(**components)
    streams = streams_of(seed, D, N, P, CPU)
    return problem, streams, draw_instance(problem, D, N, P, streams["training"], WORK)


def small(loss=None, **changes):
    problem = theory.Problem(loss=loss or theory.Square())
    return simulate.run(problem, **({"overparam": 1.5} | SMALL | changes))


# --- training -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("P", "N"), SHAPES)
def test_ridge_is_the_normal_equations(P, N):
    _, _, drawn = instance(P, N)
    X, y, lam = drawn.design.numpy(), drawn.y.numpy(), np.array([1e-2, 1e-5, 1.0])
    fit = train(theory.Square(), drawn.design, drawn.y, lam)
    for column, penalty in enumerate(lam):
        w = np.linalg.solve(X.T @ X + penalty * np.eye(N), X.T @ y)
        np.testing.assert_allclose(fit.weights[:, column].numpy(), w, rtol=1e-7, atol=1e-9)
    assert fit.optimality.max() < 1e-9


@pytest.mark.parametrize("N", [300, 601, 1500])
@pytest.mark.parametrize("activation", [theory.Tanh(), theory.Identity()], ids=repr)
def test_ridge_is_accurate_at_the_smallest_lam(activation, N):
    # linear features with N > P make X X^T singular: the Gram route alone has optimality 0.5 here
    _, _, drawn = instance(600, N, D=200, activation=activation)
    fit = train(theory.Square(), drawn.design, drawn.y, np.array([1e-7]))
    assert fit.optimality[0] < 2e-7


@pytest.mark.parametrize(("P", "N"), SHAPES)
@pytest.mark.parametrize("lam", [1e-3, 0.3])
def test_newton_is_the_logistic_minimum(P, N, lam):
    _, _, drawn = instance(P, N)
    X, y = drawn.design.numpy(), drawn.y.numpy()

    def value(w):
        return np.sum(np.logaddexp(0, -y * (X @ w))) + lam / 2 * w @ w

    def gradient(w):
        return -X.T @ (y * special.expit(-y * (X @ w))) + lam * w

    def hessian(w):
        s = special.expit(X @ w)
        return X.T @ ((s * (1 - s))[:, None] * X) + lam * np.eye(N)

    best = optimize.minimize(
        value, np.zeros(N), jac=gradient, hess=hessian, method="trust-exact", tol=1e-9
    ).x
    w = train(theory.Logistic(), drawn.design, drawn.y, np.array([lam])).weights[:, 0].numpy()
    assert np.linalg.norm(w - best) < 1e-6 * np.linalg.norm(best)
    assert value(w) <= value(best) * (1 + 1e-14)
    assert np.linalg.norm(gradient(w)) < 1e-10 * lam * np.linalg.norm(w)


@dataclass(frozen=True)
class SlowSquare(theory.Square):
    quadratic = None


@pytest.mark.parametrize(("P", "N"), SHAPES)
def test_newton_and_ridge_agree_on_the_square_loss(P, N):
    _, _, drawn = instance(P, N)
    lam = np.array([1e-1, 1e-6, 1e-3])
    ridge = train(theory.Square(), drawn.design, drawn.y, lam).weights
    newton = train(SlowSquare(), drawn.design, drawn.y, lam).weights
    error = torch.linalg.vector_norm(ridge - newton, dim=0) / torch.linalg.vector_norm(ridge, dim=0)
    assert error.max() < 1e-8


@dataclass(frozen=True)
class Quartic(theory.Loss):
    """Full Newton steps overshoot or stall from afar, and the curvature vanishes at t = y."""

    def value(self, y, t):
        return (t - 5 * y) ** 4

    def slope(self, y, t):
        return 4 * (t - 5 * y) ** 3

    def curvature(self, y, t):
        return 12 * (t - 5 * y) ** 2


@pytest.mark.parametrize("loss", [Quartic(), theory.Logistic()], ids=repr)
@pytest.mark.parametrize(("P", "N"), SHAPES)
def test_newton_reaches_the_rounding_floor_without_a_warm_start(loss, P, N):
    _, _, drawn = instance(P, N)
    fit = train(loss, drawn.design, drawn.y, np.array([1e-6]))
    assert fit.status[0] == Status.CONVERGED
    assert fit.optimality[0] < 1e-6


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_optimality_bounds_the_distance_to_the_minimum(loss):
    _, _, drawn = instance(40, 60)
    fit = train(loss, drawn.design, drawn.y, np.array([1e-2]))
    X, y, w = drawn.design, drawn.y, fit.weights[:, 0]
    off = w + 1e-3 * TorchRandom.from_seed(0).normal(60)
    slope = X.T @ loss.slope(y, X @ off) + 1e-2 * off
    assert torch.linalg.vector_norm(off - w) < torch.linalg.vector_norm(slope) / 1e-2


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_lam_order_and_company_do_not_matter(loss):
    many = small(loss, lam=[1e-2, 1e-4, 1.0])
    for lam in (1e-2, 1e-4):
        one = small(loss, lam=lam)
        for name in ("q_d", "test_error", "bmd", "train_loss"):
            expected = many[name].sel(lam=lam)
            np.testing.assert_allclose(one[name], expected, rtol=1e-7, atol=1e-12)


def test_what_is_not_trained_is_not_a_number():
    data = small(lam=[1e-7, 1.0], tolerance=1e-12, overparam=1.0)
    assert data.status.values.tolist() == [[1, 1], [0, 0]]
    assert (data.optimality.sel(lam=1e-7) > 1e-12).all()
    for name in ("q_d", "test_error", "train_error", "test_error_se", "bmd", "bmd_se", "energy"):
        assert data[name].sel(lam=1e-7).isnull().all(), name
        assert data[name].sel(lam=1.0).notnull().all(), name


def test_a_design_that_is_not_finite_is_said_to_be():
    X = torch.full((4, 3), torch.nan, dtype=torch.float64)
    fit = train(theory.Square(), X, torch.ones(4, dtype=torch.float64), np.array([1.0]))
    assert fit.status[0] == Status.NONFINITE
    assert np.isnan(fit.optimality[0])


# --- the model ------------------------------------------------------------------------------------


def test_the_draw_is_the_model():
    problem, _, drawn = instance(400, 300, D=100, teacher=theory.Sign(rho=2.5))
    assert float(drawn.teacher @ drawn.teacher) == pytest.approx(250.0, rel=1e-14)
    assert set(drawn.y.tolist()) == {-1.0, 1.0}
    # E z^2 = kappa_1^2 + kappa_star^2 for tanh, up to finite-size fluctuations of |F_i|, |x|
    moments = problem.activation.moments
    expected = moments.kappa_1**2 + moments.kappa_star**2
    assert float((drawn.design**2).sum() / 400) == pytest.approx(expected, rel=0.02)


def test_energy_and_ratios():
    data = small(lam=[1e-3, 1e-1], overparam=[0.6, 2.0], alpha_T=2.02)
    np.testing.assert_allclose(data.P, 40)
    np.testing.assert_array_equal(data.N, [24, 80])
    np.testing.assert_allclose(data.alpha_T_actual, 2.0)
    parts = data.train_loss / data.overparam_actual + data.lam / 2 * data.q_d
    np.testing.assert_allclose(data.energy, parts.transpose(*data.energy.dims), rtol=1e-12)


def test_linear_features_obey_the_overlap_formula_exactly():
    # f is linear in x, so (nu, f) is exactly Gaussian and the BMD is exactly 1
    problem = theory.Problem(activation=theory.Identity())
    data = simulate.run(
        problem, [0.5, 2.0], lam=[1e-2, 1.0], D=30, seeds=3, n_test=20_000, n_flip=8
    )
    z = (data.test_error - data.test_error_overlap) / data.test_error_se
    assert abs(z).max() < 4.5  # 12 draws: false-alarm rate < 1e-4
    assert abs((data.bmd - 1) / data.bmd_se).max() < 4.5
    np.testing.assert_allclose(data.p_d, data.Q_d, rtol=1e-12)


def test_mean_dimension_from_its_overlaps():
    problem = theory.Problem()
    data = simulate.run(problem, 1.0, lam=1e-2, D=120, seeds=4, n_flip=32, n_test=4000).mean("seed")
    moments = problem.activation.moments
    excess = (moments.dkappa_star**2 - moments.kappa_star**2) * data.q_d / data.Q_d
    assert float(data.bmd) == pytest.approx(1 + float(excess), rel=0.05)
    assert float(data.test_error) == pytest.approx(float(data.test_error_overlap), rel=0.05)


def test_labels_without_a_teacher_are_fresh():
    """No student does better than chance on labels drawn anew, and their law says so."""
    problem = theory.Problem(teacher=theory.FlippedSign(flip=0.5))
    data = simulate.run(problem, 3.0, **SMALL | {"n_test": 5000})
    np.testing.assert_allclose(data.test_error_overlap, 0.5, atol=1e-12)
    assert (data.train_error == 0).all()
    assert (abs(data.test_error - 0.5) < 4.5 * data.test_error_se).all()


def test_standard_error_of_the_test_error():
    # 300 fresh test sets on one trained instance; both bounds at 4.5 standard deviations
    problem, _, drawn = instance(60, 30)
    W = train(problem.loss, drawn.design, drawn.y, np.array([1e-1])).weights
    runs = [
        measure_test_error(problem, drawn, W, TorchRandom.from_seed(s), 500, WORK)
        for s in range(301)
    ]
    exact = measure_test_error(problem, drawn, W, TorchRandom.from_seed(999), 50_000, WORK)
    z = np.array([(r["test_error"] - exact["test_error"]) / r["test_error_se"] for r in runs])
    assert abs(z.mean()) < 4.5 * np.sqrt(1 / 301 + 500 / 50_000)
    assert abs(z.std() - 1) < 4.5 / np.sqrt(2 * 300)


def test_custom_activation_is_the_one_it_names():
    custom = theory.Custom(np.tanh, name="tanh")
    arguments = {"overparam": 0.7, "lam": 1e-2} | SMALL
    ours = simulate.run(theory.Problem(activation=custom), **arguments)
    reference = simulate.run(theory.Problem(), **arguments)
    for name in ("q_d", "Q_d", "test_error", "bmd"):
        np.testing.assert_allclose(ours[name], reference[name], rtol=1e-8)


# --- streams --------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_repeats_bit_for_bit(loss):
    arguments = {"lam": [1e-4, 1e-1], "overparam": [0.5, 2.0]}
    xr.testing.assert_identical(small(loss, **arguments), small(loss, **arguments))


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_a_point_does_not_depend_on_its_company(loss):
    lam = [1e-4, 1e-1]
    grid = small(loss, overparam=[0.5, 2.0], alpha_T=[2.0, 3.0], lam=lam, D=[20, 10], seeds=[7, 0])
    point = small(loss, overparam=2.0, alpha_T=3.0, lam=lam, D=10, seeds=[0])
    part = grid.sel(overparam=2.0, alpha_T=3.0, D=10, seed=[0])
    for name in point.data_vars:
        np.testing.assert_array_equal(part[name], point[name], err_msg=name)


def test_sample_sizes_move_nothing_else():
    base, more = small(), small(n_test=500)
    for name in ("q_d", "train_loss", "bmd", "bmd_se"):
        np.testing.assert_array_equal(base[name], more[name])
    more = small(n_flip=9, n_variance=300)
    for name in ("q_d", "test_error"):
        np.testing.assert_array_equal(base[name], more[name])
    assert (base.bmd != more.bmd).all()


def test_memory_moves_nothing_beyond_rounding():
    with pytest.raises(ValueError, match=r"need 3.* bytes on cpu and memory = 300000 bytes"):
        small(memory=300_000)
    tight = small(memory=390_000)  # leaves chunks of a few rows
    loose = small()
    for name in ("q_d", "test_error", "bmd", "bmd_se"):
        np.testing.assert_allclose(tight[name], loose[name], rtol=1e-9)


def test_seed_zero_is_a_seed():
    both = small(seeds=2)
    assert both.seed.values.tolist() == [0, 1]
    assert (both.q_d.diff("seed") != 0).all()
    np.testing.assert_array_equal(small(seeds=[0]).q_d, both.q_d.sel(seed=[0]))


def test_streams_of_an_instance_are_distinct():
    heads = [
        float(stream.normal(1))
        for seed, D in ((0, 20), (1, 20), (0, 21))
        for name in STREAMS
        for stream in [streams_of(seed, D, 30, 40, CPU)[name]]
    ]
    assert len(set(heads)) == len(heads) == 3 * len(STREAMS)


# --- the Dataset ----------------------------------------------------------------------------------


def test_dimensions_follow_what_was_given():
    data = small(overparam=[0.5, 1.0, 2.0], lam=[1e-2])
    assert dict(data.q_d.sizes) == {"overparam": 3, "lam": 1, "seed": 2}
    assert data.alpha_T.shape == data.D.shape == ()
    assert int(data.D) == 20
    full = small(overparam=[1.0], alpha_T=[3.0], lam=[1.0], D=[20], seeds=[3])
    assert full.bmd.dims == ("overparam", "alpha_T", "lam", "D", "seed")
    assert full.N.dims == ("overparam", "alpha_T", "D")
    names = "q_d p_d r Q_d m train_loss train_error test_error test_error_se test_error_overlap"
    names += " bmd bmd_se energy optimality status N P overparam_actual alpha_T_actual"
    assert set(full.data_vars) == set(names.split())
    for name, variable in full.variables.items():
        assert {"long_name", "units", "definition"} <= set(variable.attrs), name


def test_netcdf_roundtrip(tmp_path):
    data = small(overparam=[0.5, 1.0])
    data.to_netcdf(tmp_path / "run.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "run.nc", engine="h5netcdf") as back:
        xr.testing.assert_equal(data, back)
        assert back.attrs == data.attrs
        assert back.attrs["problem"] == repr(theory.Problem())
        assert back.attrs["n_flip"] == 4
        assert back.status.dtype == np.int8
        assert back.status.attrs["flag_meanings"] == "converged inaccurate nonfinite"


def test_progress_is_told(capsys):
    seen = []
    small(overparam=[0.5, 1.0], progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert capsys.readouterr() == ("", "")
    small(progress=True)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "2/2" in captured.err
