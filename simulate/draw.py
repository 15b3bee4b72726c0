"""Random streams and the training instance they determine."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, fields
from typing import NoReturn

import torch
from torch import Tensor

from twinpeaks.simulate.layers import Layers
from twinpeaks.sweeps.device import Workspace
from twinpeaks.sweeps.random import TorchRandom
from twinpeaks.theory.problem import Problem

__all__ = [
    "Instance",
    "Streams",
    "check_sizes",
    "draw_instance",
]


@dataclass(frozen=True)
class Streams:
    """Independent streams of these names, so that the size of one sample never moves another draw."""

    training: TorchRandom
    test: TorchRandom
    variance: TorchRandom
    flips: TorchRandom

    @classmethod
    def of(cls, seed: int, D: int, N: int, P: int, device: torch.device) -> Streams:
        """Streams that depend on the instance alone, not on the sweep that contains it."""
        names = (field.name for field in fields(cls))
        return cls(*(TorchRandom.named(name, seed, D, N, P, device=device) for name in names))


@dataclass(frozen=True)
class Instance:
    """One draw of everything that training sees.

    Attributes
    ----------
    layers : Layers
        Frozen features.
    teacher : Tensor of shape (D,)
        w_T in the coordinates of the inputs, |w_T|^2 = rho D.
    design : Tensor of shape (P, N)
        X = z(x) / sqrt(N), so that the outputs are X w.
    y : Tensor of shape (P,)
        Labels.
    """

    layers: Layers
    teacher: Tensor
    design: Tensor
    y: Tensor


def draw_instance(
    problem: Problem, D: int, N: int, P: int, random: TorchRandom, work: Workspace
) -> Instance:
    """Draw features, teacher, Gaussian training inputs and labels, in this order."""
    teacher: Tensor
    matrices, teacher = problem.features.sample(
        D, N, problem.activation.moments, problem.teacher.rho, random
    )
    layers = Layers(problem.activation, matrices)
    rows = work.rows(layers.widest)
    x = random.normal(P, D)
    y: Tensor = problem.teacher.sample(x @ teacher / D**0.5, random)
    design = torch.empty(P, N, dtype=torch.float64, device=work.device)
    # In chunks: an activation makes temporaries of the size of its argument.
    for source, target in zip(torch.split(x, rows), torch.split(design, rows), strict=True):
        torch.div(layers(source), N**0.5, out=target)
    return Instance(layers, teacher, design, y)


class _DrawnError(Exception):
    """A law went past its checks and asked for random numbers."""


class _Probe:
    """A source that stops its caller at the first draw."""

    def normal(self, *shape: int) -> NoReturn:
        raise _DrawnError(shape)

    uniform = normal


def check_sizes(problem: Problem, sizes: Iterable[tuple[int, int, int]]) -> None:
    """Let the feature law refuse a size (D, N, P) before anything is drawn.

    Raises
    ------
    ValueError
        Whatever the law says of D and N before its first random number.
    """
    moments, rho, probe = problem.activation.moments, problem.teacher.rho, _Probe()
    for D, N, _ in sizes:
        with suppress(_DrawnError):
            problem.features.sample(D, N, moments, rho, probe)
