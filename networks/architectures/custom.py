"""Networks that a function makes."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from twinpeaks.networks.architectures.base import Architecture
from twinpeaks.sweeps import TorchRandom

__all__ = ["Factory"]


@dataclass(frozen=True)
class Factory(Architecture):
    """Whatever module a function makes of a width, the shape of one input and the number of classes.

    Parameters
    ----------
    function : callable
        ``function(width, shape, classes)`` returns an nn.Module. What it draws from torch's generator is
        fixed by the seed. For a scheduler it must be a function of a module, which pickle finds by name.

    Examples
    --------
    >>> from torch import nn
    >>> def gelu(width, shape, classes):
    ...     layers = nn.Flatten(), nn.Linear(64, width), nn.GELU(), nn.Linear(width, classes)
    ...     return nn.Sequential(*layers)
    >>> Factory(gelu).check(16, (8, 8), 10)
    """

    function: Callable[[int, tuple[int, ...], int], Any]

    def __post_init__(self) -> None:
        """Refuse what cannot be called."""
        if not callable(self.function):
            raise ValueError(
                f"function = {self.function!r}: give a function of (width, shape, classes)"
            )

    def module(
        self, width: int, shape: tuple[int, ...], classes: int, random: TorchRandom
    ) -> nn.Module:
        """As ``Architecture``."""
        seed = int(random.uniform(1)[0] * 2**53)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            found = self.function(width, shape, classes)
        if not isinstance(found, nn.Module):
            raise ValueError(
                f"function returned a {type(found).__name__} for width {width}: return an nn.Module"
            )
        return found.double()

    @property
    def digest(self) -> str:
        """The name of the function and a hash of its text, or of its code where there is none."""
        try:
            text = inspect.getsource(self.function)
        except (OSError, TypeError):
            code = getattr(self.function, "__code__", None)
            text = repr(self.function) if code is None else f"{code.co_code!r}{code.co_consts!r}"
        name = getattr(self.function, "__qualname__", type(self.function).__name__)
        return f"Factory({name}, {hashlib.sha256(text.encode()).hexdigest()[:16]})"
