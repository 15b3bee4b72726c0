"""What is refused, and what is slow, says what was given and what to give instead."""

import importlib

import numpy as np
import pytest
import xarray as xr

import twinpeaks as tp
from twinpeaks.theory.family import difference

solving = importlib.import_module("twinpeaks.theory.solve")
NU = xr.DataArray([1.0, 2.0], dims="samples")
AT = {"overparam": 1.0, "alpha_T": 3.0, "lam": 0.1}


def cosh(s):
    return np.logaddexp(s, -s)


def path_figure():
    return tp.twin_peaks(tp.solve(tp.Problem(), **{**AT, "overparam": 3 / NU, "alpha_T": NU}))


REFUSED = {
    "flag": (lambda: tp.solve(tp.Problem(), **AT, throw="x"), "throw = 'x': give True or False"),
    "flag of a peak": (
        lambda: tp.peak(tp.Problem(), "bmd", alpha_T=3.0, lam=0.1, throw="x"),
        "throw = 'x': give True",
    ),
    "flag of a formula": (
        lambda: tp.free_entropy(tp.Problem(), zero_temperature="x"),
        "zero_temperature = 'x': give True",
    ),
    "text of numbers": (lambda: tp.Deep(widths="12"), "widths = '12': give the ratio"),
    "texts": (lambda: tp.Deep(widths=["1"]), "give the ratio"),
    "truth": (lambda: tp.Deep(widths=[True]), "give the ratio"),
    "no variance": (lambda: tp.Custom(lambda x: np.exp(x * x)), "square-integrable"),
    "folder": (
        lambda: tp.save(
            tp.twin_peaks(tp.solve(tp.Problem(), **AT | {"overparam": [1, 2]})), "/no/x"
        ),
        "no folder '/no'",
    ),
    "path": (path_figure, "swap_dims"),
    "random labels": (
        lambda: tp.precise.solve(tp.Problem(teacher=tp.FlippedSign(flip=0.5)), **AT),
        "solve them by tp.solve",
    ),
    "degrees": (
        lambda: tp.fourier_weights(tp.Problem(), tp.solve(tp.Problem(), **AT), degrees=10**4),
        "give 1000 at most",
    ),
}


@pytest.mark.parametrize(("ask", "said"), REFUSED.values(), ids=REFUSED)
def test_refusals(ask, said):
    with pytest.raises(ValueError, match=said):
        ask()


@pytest.mark.torch
def test_an_unknown_keyword_of_a_sweep():
    with pytest.raises(TypeError, match=r"beta: no argument here.*tp\.sample"):
        tp.run(tp.Problem(), overparam=1.0, D=20, seeds=2, beta=1)


def test_different_problems_say_where():
    family = tp.solve(tp.Problem(teacher=tp.FlippedSign()), **AT, vary={"teacher.flip": [0.1, 0.2]})
    plain = tp.solve(tp.Problem(teacher=tp.FlippedSign(flip=0.1)), **AT)
    said = difference(family, plain)
    assert "teacher is FlippedSign(flip=<flip>, rho=1.0) in the theory" in said
    assert "same vary (one side has teacher.flip" in said
    other = tp.solve(tp.Problem(loss=tp.Logistic()), **AT)
    assert "loss is Square() in the theory, Logistic() in the simulation" in difference(
        tp.solve(tp.Problem(), **AT), other
    )


def test_slow_losses_are_announced(monkeypatch):
    """Before the work, and only those that are."""
    at = {"overparam": np.linspace(0.5, 2, 40), "alpha_T": 3.0, "lam": 0.1, "beta": 10.0}

    class BegunError(Exception):
        pass

    def begin(*_):
        raise BegunError

    monkeypatch.setattr(solving, "solve_grid", begin)
    slow = tp.CustomLoss(cosh, of="difference")
    with (
        pytest.warns(UserWarning, match=r"40 points.*give CustomLoss\(\.\.\., derivative=\)"),
        pytest.raises(BegunError),
    ):
        tp.solve(tp.Problem(loss=slow), **at)
    quick = [
        (tp.CustomLoss(cosh, of="difference", derivative=np.tanh), at),
        (slow, at | {"beta": np.inf}),
        (slow, at | {"overparam": 1.0}),
        (tp.CustomLoss(np.square, of="difference"), at),
    ]
    for loss, point in quick:
        with pytest.raises(BegunError):  # warnings are errors here
            tp.solve(tp.Problem(loss=loss), **point)
