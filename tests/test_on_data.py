"""Networks trained on images: what is predicted of them, and the files that images come from."""

import os
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
from click.testing import CliRunner

from twinpeaks import figures, measure, networks, simulate, theory
from twinpeaks.commands import cli
from twinpeaks.validate import over_seeds

#: A file of MNIST's images, for the test that has them.
MNIST = Path(os.environ.get("TWINPEAKS_MNIST", "data/mnist/t10k-images-idx3-ubyte.gz"))


def laws_of(x):
    """Laws by name, of which theory takes the cumulants and networks draw."""
    D = x.shape[1]
    return {
        "binary": measure.Binary(D),
        "normal": measure.Normal(0.0, 1.0, D),
        "uniform": measure.Uniform(-1.0, 1.0, D),
        "marginal": measure.Marginals(x),
    }


def z_scores(images, P, seeds, ratios):
    """Deviations of seed means from theory, in standard errors, by variable."""
    x, y = images.flat, images.parity
    F = np.random.default_rng(0).standard_normal((x.shape[1], round(max(ratios) * P)))
    laws = laws_of(x)
    at = {"P": P, "overparam": ratios, "lam": [1e-4, 1e-2, 1.0]}
    curve = theory.solve_on_data(F, x, y, laws=laws, **at)
    run = simulate.run_on_data(F, x, y, laws=laws, seeds=seeds, **at)
    names = ["test_error", "train_error", "q_d", "bmd", "classification_error"]
    found = over_seeds(run, names)
    return {n: (found.mean[n] - curve[n]) / found.standard_error[n] for n in names}, found, curve


def check(images, P, seeds, ratios, error):
    """The mean dimension within its errors, point by point and all together; the others to per cents.

    With 10 seeds one of 36 points has |t| > 7 with p < 0.003; the seeds are fixed.
    """
    z, found, curve = z_scores(images, P, seeds, ratios)
    assert float(np.abs(z["bmd"]).max()) < 7.0
    assert float((z["bmd"] ** 2).mean()) < 2.5
    for name, most in (("test_error", error), ("train_error", 0.5), ("q_d", error)):
        off = (
            np.abs(found.mean[name] / curve[name] - 1)
            - 4 * found.standard_error[name] / curve[name]
        )
        assert float(off.max()) < most, name
    largest = curve["classification_error"] > 0.1
    off = np.abs(found.mean["classification_error"] / curve["classification_error"] - 1)
    assert float(off.where(largest).max()) < 0.25


def test_digits_are_predicted():
    pytest.importorskip("sklearn")
    check(networks.Digits().load(), 150, 10, [0.5, 1.0, 3.0], 0.06)


@pytest.mark.slow
@pytest.mark.skipif(not MNIST.exists(), reason="TWINPEAKS_MNIST names no file of images")
def test_mnist_is_predicted():
    check(networks.Idx(MNIST, pool=2).load(), 300, 12, [0.5, 1.0, 2.0], 0.15)


def test_a_run_repeats_itself_and_knows_its_axes():
    rng = np.random.default_rng(1)
    x, F = rng.choice([-1.0, 1.0], (100, 6)), rng.normal(size=(6, 20))
    at = {"P": 20, "overparam": [0.5, 1.0], "lam": 0.1, "seeds": 3}
    laws = {"binary": measure.Binary(6)}
    seen = []
    one = simulate.run_on_data(
        F, x, x[:, 0], laws=laws, progress=lambda done, total: seen.append((done, total)), **at
    )
    assert seen[-1] == (6, 6)
    assert one.bmd.dims == ("seed", "overparam", "law")
    assert "classification_error" in one
    assert one.equals(simulate.run_on_data(F, x, x[:, 0], laws=laws, **at))
    plain = simulate.run_on_data(F, x, x[:, 0] * 2, **at)
    assert not {"bmd", "law", "classification_error"} & set(plain.variables)
    # another width changes nothing at this one
    alone = simulate.run_on_data(F, x, x[:, 0], laws=laws, **{**at, "overparam": 1.0})
    np.testing.assert_allclose(alone.test_error, one.test_error.sel(overparam=1.0), rtol=1e-10)
    np.testing.assert_allclose(alone.bmd, one.bmd.sel(overparam=1.0), rtol=1e-8)


def test_errors_are_those_of_ridge_regression():
    """With one pattern left out, they are one of 60 pairs of numbers."""
    rng = np.random.default_rng(2)
    x, F, lam = rng.normal(size=(60, 5)), rng.normal(size=(5, 8)), 0.3
    y = np.abs(x[:, 0])
    run = simulate.run_on_data(F, x, y, P=59, overparam=8 / 59, lam=lam, seeds=3)
    z = np.tanh(x @ F / 5**0.5)
    z = (z - z.mean(0)) / 8**0.5
    pairs = []
    for left in range(60):
        A, b = np.delete(z, left, 0), np.delete(y, left)
        w = np.linalg.solve(A.T @ A + lam * np.eye(8), A.T @ b)
        pairs.append([np.mean((A @ w - b) ** 2), (z[left] @ w - y[left]) ** 2, np.mean(w**2)])
    for i in range(3):
        found = [float(run[name][i].squeeze()) for name in ("train_error", "test_error", "q_d")]
        assert np.min(np.max(np.abs(np.array(pairs) / found - 1), axis=1)) < 1e-9


def test_the_figure_shows_lines_and_points():
    rng = np.random.default_rng(3)
    x, F = rng.choice([-1.0, 1.0], (200, 8)), rng.normal(size=(8, 60))
    y = x[:, 0]
    laws = {k: v for k, v in laws_of(x).items() if k != "normal"}
    at = {"P": 30, "lam": [1e-2, 0.1]}
    curve = theory.solve_on_data(F, x, y, overparam=[0.5, 1.0, 2.0], laws=laws, **at)
    run = simulate.run_on_data(
        F,
        x,
        y,
        overparam=[0.5, 2.0],
        seeds=2,
        laws=laws,
        **at,
    )
    picture = figures.real_features(curve, run)
    assert len(picture.axes) == 6
    square = picture.axes[0]
    np.testing.assert_allclose(square.lines[0].get_ydata(), curve.test_error.isel(lam=0))
    with pytest.raises(ValueError, match="three laws"):
        figures.real_features(curve.isel(law=[0]), run)
    with pytest.raises(ValueError, match="curve or run has no classification_error"):
        figures.real_features(curve, run.drop_vars("classification_error"))
    with pytest.raises(ValueError, match="points that the curve has not"):
        figures.real_features(curve.sel(overparam=[1.0]), run)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("maps", "--images", "x"), "--images = x: maps takes none"),
        (("--all", "--images", "x"), "--images = x beside --all"),
        (("real-features", "--images", "x"), "'images-idx3' in its name"),
    ],
)
def test_images_belong_to_one_figure(words, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli, ("figure", *words))
    assert done.exit_code == 2
    assert message in " ".join(done.output.split())
