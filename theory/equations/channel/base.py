"""What a channel takes and gives."""

from __future__ import annotations

from typing import NamedTuple

from twinpeaks.theory.arrays import Array, Bools

__all__ = ["Channel", "Conjugates", "Linearised", "Overlaps", "Training"]

#: A silent teacher is solved as one of this correlation, which keeps the angle of student and teacher a
#: coordinate: V and Q feel its square, 1e-20, and the overlap itself is then put to 0.
FAINT = 1e-10


class Overlaps(NamedTuple):
    """The order parameters that the channel sees, arrays of one shape (points,)."""

    V: Array
    Q: Array
    m: Array


class Conjugates(NamedTuple):
    """Averages that conjugate V, Q and m, per pattern (times alpha they are the conjugates)."""

    Vh: Array
    Qh: Array
    mh: Array


class Linearised(NamedTuple):
    """The channel to first order.

    Attributes
    ----------
    hats : Conjugates
    jacobian : ndarray of shape (points, 3, 3)
        d(Vh, Qh, mh) / d(V, Q, m).
    accurate : ndarray of bool
        Whether the Gaussian integrals reached their tolerance.
    """

    hats: Conjugates
    jacobian: Array
    accurate: Bools


class Training(NamedTuple):
    """Averages over the training set, per pattern.

    Attributes
    ----------
    loss : ndarray
        E[l(y, t)].
    error : ndarray
        P(y t < 0), or E[(y - t)^2] for real labels.
    potential : ndarray
        T E[ln Z]; minus the Moreau envelope at T = 0.
    stiffness : ndarray
        E[(df/domega)^2], which enters the replicon.
    accurate : ndarray of bool
        Whether the integrals reached their tolerance.
    """

    loss: Array
    error: Array
    potential: Array
    stiffness: Array
    accurate: Bools


class Channel:
    """One loss met by one teacher."""

    def linearise(self, overlaps: Overlaps, T: Array) -> Linearised:
        """(Vh, Qh, mh) and their Jacobian."""
        raise NotImplementedError

    def observe(self, overlaps: Overlaps, T: Array) -> tuple[Conjugates, Training]:
        """(Vh, Qh, mh) with the averages over the training set."""
        raise NotImplementedError
