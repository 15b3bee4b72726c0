"""Two classes of many."""

from __future__ import annotations

from dataclasses import dataclass, field

from twinpeaks.networks.data.base import Data, Patterns
from twinpeaks.networks.data.digits import Digits

__all__ = ["Parity"]


@dataclass(frozen=True)
class Parity(Data):
    """Another data set with two classes: even, 0, and odd, 1.

    Parameters
    ----------
    of : Data
        Whose labels are halved.

    Examples
    --------
    >>> Parity(Digits()).load().classes
    2
    """

    of: Data = field(default_factory=Digits)

    def __post_init__(self) -> None:
        """Refuse what is no data set."""
        if not isinstance(self.of, Data):
            raise ValueError(f"of = {self.of!r}: give a data set such as Digits()")

    def read(self) -> Patterns:
        """The same inputs."""
        found = self.of.load()
        return Patterns(f"parity of {found.name}", found.inputs, found.labels % 2, 2)
