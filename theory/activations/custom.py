"""An activation given as a callable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from twinpeaks.theory.activations.base import Activation
from twinpeaks.theory.arrays import Array
from twinpeaks.theory.axes import are_numbers
from twinpeaks.theory.errors import InvalidProblem
from twinpeaks.theory.numerics.callables import elementwise, on_host
from twinpeaks.theory.numerics.fingerprint import named

__all__ = ["Custom"]


@dataclass(frozen=True)
class Custom(Activation):
    """An activation given as a callable.

    Parameters
    ----------
    function : callable
        Maps a float64 numpy array to an array of the same shape, elementwise.
    kinks : tuple of float, optional
        Points where the function or a derivative jumps. They are found when not declared, by
        bisection; declaring them is faster and more accurate.
    name : str, optional
        How the activation is written in results, which are comparable only when names agree; the
        callable's own name with a fingerprint of its values by default.

    Raises
    ------
    InvalidProblem
        If the function is not finite on [-12, 12], has no variance under N(0, 1), changes the shape of
        its argument, or cannot be resolved.
    """

    function: Callable[[Array], Any]
    kinks: tuple[float, ...] = ()
    name: str = field(default="")

    traceable = False

    def __post_init__(self) -> None:
        """Check the arguments before any work is done."""
        elementwise("function", self.function)
        if not are_numbers(self.kinks):
            raise InvalidProblem(f"kinks = {self.kinks!r}: give finite numbers")
        object.__setattr__(self, "kinks", tuple(sorted(float(k) for k in self.kinks)))
        if not self.name:
            object.__setattr__(self, "name", named(self.function))
        _ = self.moments  # kept, and refused here where there are none

    def __call__(self, x: Any) -> Any:
        """Apply the callable; arrays of other libraries pass through numpy."""
        return on_host(self.function, x)

    def in_mpmath(self, x: Any) -> tuple[Any, Any]:
        """The callable itself, and its derivative by differences of high order."""
        import mpmath as mp  # type: ignore[import-untyped]

        def function(t: Any) -> Any:
            try:
                return mp.mpf(self.function(t))
            except (TypeError, AttributeError, ValueError) as error:
                raise ValueError(
                    f"activation = {self!r}: its callable does not accept mpmath numbers "
                    f"({error}); write it with mpmath functions, or with + - * / and ** alone"
                ) from error

        return function(x), mp.diff(function, x)

    def __repr__(self) -> str:
        """Name only: the address of a callable would make equal problems differ."""
        return f"Custom({self.name})"
