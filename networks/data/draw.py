"""Training sets drawn from patterns, with some of their labels replaced."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twinpeaks.networks.data.base import Patterns
from twinpeaks.theory.axes import check_count, check_number
from twinpeaks.theory.random import Random

__all__ = ["Drawn", "draw"]


@dataclass(frozen=True, eq=False)
class Drawn:
    """What to train on and what to test on.

    Attributes
    ----------
    train, test : ndarray of int64
        Which patterns; test are all others, with their true labels.
    labels : ndarray of int64 of the shape of train
        To train with, after label noise.
    """

    train: NDArray[np.int64]
    labels: NDArray[np.int64]
    test: NDArray[np.int64]


def draw(patterns: Patterns, n: int, noise: float, random: Random) -> Drawn:
    """Draw n patterns to train on, and replace a share of their labels by another class.

    Parameters
    ----------
    patterns : Patterns
        To draw from.
    n : int
        How many, fewer than there are: the rest is for tests.
    noise : float
        Share of the labels that are replaced, in [0, 1): round(noise n) of them, each by one of the other
        classes with equal probability.
    random : Random
        Source. A larger n draws the same patterns and more; a larger share replaces the same labels by the
        same classes, and more.

    Raises
    ------
    ValueError
        If n is no number of patterns, or noise no share.

    Examples
    --------
    >>> from twinpeaks.networks.data import Digits
    >>> from twinpeaks.sweeps import TorchRandom
    >>> found = draw(Digits().load(), 100, 0.2, TorchRandom.from_seed(0))
    >>> int((found.labels != Digits().load().labels[found.train]).sum())
    20
    """
    check_size(patterns, n, noise)
    total = len(patterns.labels)
    order, rank, shift = (np.asarray(random.uniform(total)) for _ in range(3))
    chosen = np.argsort(order, kind="stable")
    train = chosen[:n]
    labels = patterns.labels[train].copy()
    wrong = np.argsort(rank[:n], kind="stable")[: round(noise * n)]
    other = 1 + (shift[:n][wrong] * (patterns.classes - 1)).astype(np.int64)
    labels[wrong] = (labels[wrong] + other) % patterns.classes
    return Drawn(train, labels, chosen[n:])


def check_size(patterns: Patterns, n: int, noise: float) -> None:
    """Refuse more patterns than there are, and more label noise than labels."""
    check_number("noise", noise, "[0, 1)")
    total = len(patterns.labels)
    if check_count("n", n, 1) >= total:
        raise ValueError(
            f"n = {n}: {patterns.name} has {total} patterns, and some must be left for tests; give at most "
            f"{total - 1}"
        )
