"""What all sweeps over networks of random features declare: axes, sizes, random streams and memory."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field, fields, replace
from itertools import pairwise
from typing import Any, ClassVar

from numpy.typing import NDArray

from twinpeaks.simulate.draw import STREAMS, check_size
from twinpeaks.simulate.trainers.band import block_width
from twinpeaks.sweeps import Argument, Need, Protocol, Task
from twinpeaks.sweeps.protocol import Said
from twinpeaks.theory.axes import Axis
from twinpeaks.theory.family import Family
from twinpeaks.theory.problem import Problem, require
from twinpeaks.theory.random import DRAW_ROWS

__all__ = ["LAM", "Networks", "size_of", "training_numbers"]

LAM = Argument("lam", "(0, inf)", inner=True)

_MOST = 2**53  # D, N and P; floats tell all integers up to here apart


@dataclass(frozen=True)
class Networks(Protocol):
    """Draw networks of random features, and do something with each.

    Attributes
    ----------
    problem : Problem
        What to learn, and with what.
    vary : tuple of Axis
        Numbers of its components that are axes too, as ``theory.family`` reads them. Networks that
        differ in them alone share their random numbers.
    """

    streams: ClassVar[tuple[str, ...]] = STREAMS
    problem: Problem
    vary: tuple[Axis, ...] = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        """Refuse what is no problem."""
        require(self.problem)

    @property
    def inner(self) -> tuple[Argument, ...]:
        """Axes along which a network is shared, between alpha_T and D."""
        return (LAM,)

    @property
    def last(self) -> tuple[Argument, ...]:
        """The same, behind the seed."""
        return ()

    @property
    def axes(self) -> tuple[Argument, ...]:
        """N/P, P/D, D and the seed tell networks apart."""
        ratios = Argument("overparam", "(0, inf)"), Argument("alpha_T", "(0, inf)")
        drawn = Argument("D", f"[1, {_MOST}]", whole=True), Argument("seed")
        return (*ratios, *self.inner, *drawn, *self.last)

    @property
    def varied(self) -> tuple[Axis, ...]:
        """Numbers of components."""
        return self.vary

    def member(self, **values: Any) -> Networks:
        """The protocol for the problem at values of the varied numbers."""
        return replace(self, problem=Family(self.problem, self.vary).member(values), vary=())

    @property
    def noted(self) -> dict[str, Said | None]:
        """Sizes, and the ratios that they reach."""
        return dict.fromkeys(("N", "P", "overparam_actual", "alpha_T_actual"))

    def sizes(self, **point: Any) -> dict[str, int]:
        """D, P = round(alpha_T D) and N = round(overparam P)."""
        overparam, alpha_T, D = (point[name] for name in ("overparam", "alpha_T", "D"))
        for name, what, size in (
            ("alpha_T", "patterns", alpha_T * D),
            ("overparam", "features", overparam * alpha_T * D),
        ):
            if not size <= _MOST:
                raise ValueError(
                    f"{name} = {point[name]:g} with D = {D} needs more than 2**53 {what}: "
                    f"lower {name} or D"
                )
        P = round(alpha_T * D)
        if P == 0:
            raise ValueError(
                f"alpha_T = {alpha_T:g} with D = {D} rounds to P = 0 patterns: raise alpha_T or D"
            )
        N = round(overparam * P)
        if N == 0:
            raise ValueError(
                f"overparam = {overparam:g} with P = {P} rounds to N = 0 features: raise overparam, "
                "alpha_T or D"
            )
        return {"D": D, "N": N, "P": P}

    def notes(self, **sizes: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """The ratios reached with whole numbers."""
        D, N, P = (sizes[name] for name in ("D", "N", "P"))
        return {"overparam_actual": N / P, "alpha_T_actual": P / D}

    def check(self, task: Task) -> None:
        """Let the feature law refuse a size before anything is drawn."""
        check_size(self.problem, task["D"], task["N"])

    def describe(self) -> dict[str, Any]:
        """Every field in words, the varied numbers by their names."""
        family = Family(self.problem, self.vary)
        rest = [f.name for f in fields(self) if f.name not in ("problem", "vary")]
        return {"problem": family.text, **{name: getattr(self, name) for name in rest}}

    def need(self, task: Task) -> Need:
        """The layers, and the larger of drawing them and of what is done with them."""
        D, N, P = size_of(task)
        features = self.problem.features
        hidden = features.hidden(D)
        layers = sum(a * b for a, b in pairwise([D, *hidden, N]))
        # the features are drawn before there is a design
        numbers = layers + max(self.numbers(task), features.sampling_numbers(D, N))
        return Need(numbers, max((N, *hidden)), N * P)

    @abstractmethod
    def numbers(self, task: Task) -> int:
        """Count the float64 numbers of a task that cannot be chunked, beside the layers."""


def size_of(task: Task) -> tuple[int, int, int]:
    """(D, N, P) of a task."""
    return task["D"], task["N"], task["P"]


def training_numbers(D: int, N: int, P: int, n_lam: int, quadratic: bool) -> int:
    """Count the float64 numbers that training one instance needs and that cannot be chunked.

    Parameters
    ----------
    D, N, P : int
        Input size, features and patterns.
    n_lam : int
        Ridge penalties trained at once.
    quadratic : bool
        Whether the loss takes the ridge path, which needs less.
    """
    k = min(N, P)
    numbers = P * N + 4 * N * n_lam + P * D + DRAW_ROWS * D
    if quadratic:
        # the Gram matrix, reflections, and what they leave between them in the heap; a Cholesky
        # factor for every lam
        numbers += 4 * k * k + 2 * k * block_width(k) * n_lam
    else:
        # Newton: Hessian, factor and the factor kept; hinge: system, factor, and Q, R of the margin
        numbers += 7 * k * k
        # weighted and signed designs; the transpose, its QR and what that leaves in the heap
        numbers += 2 * P * k + (3 * N * P if N > P else 0)
    return numbers
