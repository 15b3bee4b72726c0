"""Every argument of every public function refuses what is no axis."""

import inspect
import sys

import numpy as np
import pytest
import xarray as xr
from points import SQUARE, along

from twinpeaks import theory

AXES = {"overparam": 1.5, "alpha_T": 3.0, "lam": 0.1, "beta": np.inf}
CURVE = {}


def curve():
    if not CURVE:
        CURVE["square"] = theory.solve(SQUARE, overparam=1.5, alpha_T=3.0, lam=0.1)
    return CURVE["square"]


def call(function, **changes):
    """Call a public function with reasonable arguments, some changed."""
    given = {
        **AXES,
        "problem": SQUARE,
        "variable": "test_error",
        "start": theory.GaussianStart(),
        "data": curve(),
        "eps": 0.1,
        "rho": 0.5,
        "vary": None,
        "degrees": 2,
    } | changes
    wanted = inspect.signature(function).parameters
    if function is theory.peak:
        given["overparam" if "overparam" not in changes else "lam"] = None
        given["along"] = "lam" if "overparam" in changes else "overparam"
    return function(**{k: v for k, v in given.items() if k in wanted and v is not None})


FUNCTIONS = (
    theory.solve,
    theory.solve_from_start,
    theory.peak,
    theory.optimal_lam,
    theory.instability,
    theory.interpolation_threshold,
    theory.bayes_error,
    theory.bmd_tail,
    theory.flip_rate,
    theory.robust_test_error,
    theory.noise_stability,
)
ARGUMENTS = [
    (function, name)
    for function in FUNCTIONS
    for name in (*AXES, "eps", "rho")
    if name in inspect.signature(function).parameters
]
BAD = {
    "complex": 0.1 + 1j,
    "date": np.datetime64("2020"),
    "masked": np.ma.masked_less([0.01, 0.1], 0.05),
    "text": "0.1",
    "truth": [0.1, True],
    "objects": np.array([0.1, None]),
    "two dimensions": [[0.1, 0.2]],
    "empty": [],
    "nan": np.nan,
    "out of range": -2.0,
    "twice": [0.1, 0.1],
    "an array named after another axis": along("alpha_T", [0.1, 0.2]),
}


CASES = [
    (function, name, kind)
    for function, name in ARGUMENTS
    for kind in BAD
    # functions of alpha_T alone have no other axis that could be meant
    if "another axis" not in kind or "overparam" in inspect.signature(function).parameters
]


@pytest.mark.parametrize(
    ("function", "name", "kind"), CASES, ids=[f"{f.__name__}-{n}-{k}" for f, n, k in CASES]
)
def test_every_axis_of_every_function_refuses(function, name, kind, monkeypatch):
    """One sentence, naming the argument, before any equation is evaluated."""
    bad = BAD[kind]
    if isinstance(bad, xr.DataArray) and name == "alpha_T":
        bad = bad.rename(alpha_T="overparam")
    curve()

    def work(*_, **__):
        raise AssertionError("worked before it checked")

    module = sys.modules["twinpeaks.theory.solve"]  # beside the function of that name
    monkeypatch.setattr(module, "solve_grid", work)
    monkeypatch.setattr(module, "solve_ridgeless", work)
    with pytest.raises(ValueError, match=name) as caught:
        call(function, **{name: bad})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "function",
    [f for f in FUNCTIONS if "vary" in inspect.signature(f).parameters],
    ids=lambda f: f.__name__,
)
@pytest.mark.parametrize(
    "vary", [{"teacher.flip": 0.7}, {"teacher.depth": 1}, {"flip": 0.1}, [0.1]]
)
def test_every_function_refuses_members_that_there_are_not(function, vary):
    with pytest.raises(ValueError, match="vary"):
        call(function, vary=vary)


def test_functions_answer_what_they_should_refuse_changed():
    """The arguments of the contract above are good ones but for the change."""
    for function in FUNCTIONS:
        if function is theory.peak:
            assert call(function, lam=1e-3).location.size == 1
        elif function is theory.instability:
            assert call(function).beta.size == 1
        else:
            call(function)
