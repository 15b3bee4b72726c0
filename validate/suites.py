"""The suites: which problems are compared, where, and at which sizes."""

from __future__ import annotations

from dataclasses import dataclass
from math import isclose
from typing import Any

from twinpeaks import theory

__all__ = ["FULL", "STANDARD", "SUITES", "TARGET", "Case", "Suite"]


@dataclass(frozen=True)
class Case:
    """One problem compared on one grid.

    Attributes
    ----------
    name : str
        Unique in its suite.
    problem : theory.Problem
        What is solved and simulated.
    overparam, lam : tuple of float
        N/P and the ridge penalty.
    D : tuple of int
        Sizes, more than ``order`` of them; P = alpha_T D and N = overparam P are whole.
    seeds : int
        Instances per point.
    alpha_T : float
        P/D.
    beta : tuple of float
        Inverse temperatures; empty for training to the minimum of the loss.
    order : int
        Degree in 1/D of the extrapolation.

    Raises
    ------
    ValueError
        If P or N is not whole at some size, or there are too few sizes or seeds.
    """

    name: str
    problem: theory.Problem
    overparam: tuple[float, ...]
    lam: tuple[float, ...]
    D: tuple[int, ...]
    seeds: int
    alpha_T: float = 3.0
    beta: tuple[float, ...] = ()
    order: int = 1

    @property
    def slow(self) -> tuple[str, ...]:
        """Variables that converge like D^(-1/2): the mean dimension where the activation has kinks."""
        return ("bmd", "bmd_mean") if self.problem.activation.kinks else ()

    def __post_init__(self) -> None:
        """Check everything before any work is done."""
        if self.seeds < 2:
            raise ValueError(f"seeds = {self.seeds} in case {self.name!r}: give at least 2")
        if len(self.D) <= self.order:
            raise ValueError(
                f"D = {self.D} in case {self.name!r}: order = {self.order} needs more sizes"
            )
        for D in self.D:
            for ratio in (1.0, *self.overparam):
                count = ratio * self.alpha_T * D
                if round(count) < 1 or not isclose(count, round(count), rel_tol=1e-9):
                    raise ValueError(
                        f"D = {D} in case {self.name!r}: {count:g} patterns or features at "
                        f"overparam = {ratio:g}; choose D so that they are whole"
                    )


@dataclass(frozen=True)
class Suite:
    """Cases that are decided together.

    Attributes
    ----------
    name, about : str
        One word, and a sentence.
    cases : tuple of Case
        Of distinct names.
    level : float
        Probability of at least one rejection, over all tests of all cases, when the theory is right.

    Raises
    ------
    ValueError
        If two cases share a name, or there are none.
    """

    name: str
    about: str
    cases: tuple[Case, ...]
    level: float = 1e-3

    def __post_init__(self) -> None:
        """Check that names tell cases apart."""
        names = [case.name for case in self.cases]
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice or not names:
            raise ValueError(f"cases of suite {self.name!r}: {twice or 'none'}; give distinct ones")


_LOSSES = {"square": theory.Square(), "logistic": theory.Logistic(), "hinge": theory.Hinge()}
_ACTIVATIONS = {"tanh": theory.Tanh(), "relu": theory.ReLU()}
# On both sides of the thresholds, 0.29 for margin losses and 1 for square loss; whole N for every D
# that is a multiple of 20.
_RATIOS = (0.1, 0.25, 0.5, 1.0, 2.0)
_LAM = (1e-4, 1e-3, 1e-2, 0.1, 1.0)


def _core(D: tuple[int, ...], seeds: int, lam: tuple[float, ...] = _LAM) -> tuple[Case, ...]:
    """Three losses times two activations, on five ratios.

    A limit reached like D^(-1/2) is extrapolated further than one reached like 1/D: activations with
    kinks get half as many seeds again.
    """
    return tuple(
        Case(
            f"{loss}, {name}",
            theory.Problem(loss=_LOSSES[loss], activation=activation),
            _RATIOS,
            lam,
            D,
            seeds * 3 // 2 if activation.kinks else seeds,
        )
        for loss in _LOSSES
        for name, activation in _ACTIVATIONS.items()
    )


def _others(D: tuple[int, ...], seeds: int) -> tuple[Case, ...]:
    """One case for each other component, and two temperatures."""
    at: dict[str, Any] = {"overparam": (0.25, 1.0, 2.0), "lam": (1e-2, 1.0), "D": D, "seeds": seeds}
    problem = theory.Problem
    problems = {
        "erf": problem(activation=theory.Erf()),
        "squared hinge": problem(loss=theory.SquaredHinge()),
        "noisy labels": problem(teacher=theory.Probit(0.5), loss=theory.Logistic()),
        "flipped labels": problem(teacher=theory.FlippedSign(0.1)),
        "regression": problem(teacher=theory.Linear(0.1)),
        "orthogonal features": problem(features=theory.Orthogonal()),
        "orthogonal features, logistic": problem(
            features=theory.Orthogonal(), loss=theory.Logistic()
        ),
        "deep features": problem(features=theory.Deep()),
        "power-law features": problem(features=theory.PowerLaw()),
    }
    cases = tuple(Case(name, each, **at) for name, each in problems.items())
    warm = Case("square, tanh, warm", problem(), **at, beta=(1.0, 10.0))
    few = Case("square, tanh, few patterns", problem(), **at, alpha_T=1.0)
    return (*cases, warm, few)


STANDARD = Suite(
    "standard",
    "Every loss, activation, teacher and feature law at small sizes, for a laptop.",
    _core((40, 80, 160), 16, _LAM[::2]) + _others((40, 80), 24),
)

TARGET = Suite(
    "target",
    "Three losses and two activations with a standard error of about 1 %, lam from 1e-4 to 1.",
    _core((120, 240), 320),
)

FULL = Suite(
    "full",
    "The target at larger sizes, and every other component, for a GPU.",
    _core((100, 200, 400), 400) + _others((100, 200, 400), 200),
)

#: By name, as ``twinpeaks validate --suite`` takes them.
SUITES = {suite.name: suite for suite in (STANDARD, FULL, TARGET)}
