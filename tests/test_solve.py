"""The Dataset: labels, order, outer products, refusals."""

import numpy as np
import pytest
import xarray as xr

from twinpeaks import theory


def test_axes_become_dimensions_and_numbers_scalar_coordinates():
    got = theory.solve(theory.Problem(), overparam=[0.5, 2.0], alpha_T=3.0, lam=[1e-2, 1e-1, 1.0])
    assert got.bmd.dims == ("overparam", "lam")
    assert got.bmd.shape == (2, 3)
    assert float(got.alpha_T) == 3.0
    assert got.attrs["problem"] == repr(theory.Problem())
    for name, variable in got.variables.items():
        assert {"long_name", "units", "definition"} <= set(variable.attrs), name


def test_every_point_of_a_product_is_what_it_is_alone():
    """Continuation from neighbours does not leak into the values."""
    problem = theory.Problem(loss=theory.Logistic())
    axes = {"overparam": np.geomspace(0.1, 10, 30), "alpha_T": [1.0, 4.0], "lam": [1e-5, 1e-1]}
    grid = theory.solve(problem, **axes)
    for at in ({"overparam": 7, "alpha_T": 1, "lam": 0}, {"overparam": 22, "alpha_T": 0, "lam": 1}):
        point = grid.isel(at)
        alone = theory.solve(problem, **{k: float(point[k]) for k in axes})
        for name in ("q_d", "p_d", "m", "V", "train_error", "test_error", "bmd"):
            assert float(point[name]) == pytest.approx(float(alone[name]), rel=1e-8), name


def test_order_of_an_axis_is_the_users():
    problem = theory.Problem()
    up = theory.solve(problem, overparam=[0.3, 1.0, 5.0], alpha_T=2.0, lam=0.01)
    down = theory.solve(problem, overparam=[5.0, 0.3, 1.0], alpha_T=2.0, lam=0.01)
    assert down.overparam.values.tolist() == [5.0, 0.3, 1.0]
    xr.testing.assert_allclose(up.bmd, down.bmd.sortby("overparam"), rtol=1e-10)


@pytest.mark.parametrize("engine", ["h5netcdf", "scipy"])
def test_netcdf_round_trip(tmp_path, engine):
    got = theory.solve(theory.Problem(), overparam=[0.5, 2.0], alpha_T=3.0, lam=1e-2)
    if engine == "scipy":  # the classic format has no 64-bit integers
        got = got.drop_vars("evaluations")
    got.to_netcdf(tmp_path / "a.nc", engine=engine)
    with xr.open_dataset(tmp_path / "a.nc", engine=engine) as back:
        xr.testing.assert_identical(got, back.load())


def test_bmd_plots_itself():
    import matplotlib as mpl

    mpl.use("agg")
    curve = theory.solve(theory.Problem(), overparam=np.geomspace(0.1, 10, 20), alpha_T=3, lam=1e-3)
    (line,) = curve.bmd.plot(xscale="log")
    assert line.axes.get_ylabel() == "Boolean mean dimension [1]"
    assert "overparam" in line.axes.get_xlabel()
    mpl.pyplot.close("all")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"overparam": 0}, "overparam = 0"),
        ({"overparam": [1, -2]}, "overparam = -2"),
        ({"lam": float("nan")}, "lam = nan"),
        ({"lam": []}, "lam is empty"),
        ({"alpha_T": "three"}, "alpha_T = 'three'"),
        ({"alpha_T": [[1.0]]}, r"shape \(1, 1\)"),
        ({"lam": [1e-3, 1e-3]}, "lam = 0.001 appears twice"),
        ({"lam": np.inf}, "lam = inf"),
    ],
)
def test_bad_axes_are_named(changes, message):
    axes = {"overparam": 1.0, "alpha_T": 3.0, "lam": 1e-2} | changes
    with pytest.raises(ValueError, match=message):
        theory.solve(theory.Problem(), **axes)


def test_unknown_keyword_and_wrong_problem():
    with pytest.raises(TypeError, match="lambda_"):
        theory.solve(theory.Problem(), overparam=1, alpha_T=1, lam=1, lambda_=1)
    with pytest.raises(theory.InvalidProblem, match="problem ="):
        theory.solve("tanh", overparam=1, alpha_T=1, lam=1)
    with pytest.raises(theory.InvalidProblem, match="call the class"):
        theory.Problem(loss=theory.Logistic)
    with pytest.raises(theory.InvalidProblem, match="rho = -1"):
        theory.Sign(rho=-1)


def test_progress_reaches_the_end():
    seen = []
    theory.solve(
        theory.Problem(),
        overparam=np.geomspace(0.1, 10, 50),
        alpha_T=3.0,
        lam=1e-2,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen[-1] == (50, 50)
    assert [d for d, _ in seen] == sorted({d for d, _ in seen})


def test_theory_never_imports_torch():
    import subprocess
    import sys

    code = "import sys, theory; theory.solve(theory.Problem(), overparam=1, alpha_T=1, lam=1);"
    code += "sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
