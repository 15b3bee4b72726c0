"""Random streams and the training instance they determine."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

import torch
from torch import Tensor

from twinpeaks.simulate.layers import Layers
from twinpeaks.sweeps import Streams, TorchRandom, Workspace
from twinpeaks.theory.problem import Problem

__all__ = ["STREAMS", "Instance", "check_size", "draw_instance", "streams_of"]

#: What is drawn apart from everything else, so that the size of one sample never moves another draw.
STREAMS = ("training", "test", "variance", "flips", "restarts", "start", "chains")


def streams_of(seed: int, D: int, N: int, P: int, device: torch.device) -> Streams:
    """Streams that depend on the instance alone, not on the sweep that contains it."""
    return Streams(STREAMS, (seed, D, N, P), device)


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


def check_size(problem: Problem, D: int, N: int) -> None:
    """Let the feature law refuse a size before anything is drawn.

    Raises
    ------
    ValueError
        Whatever the law says of D and N before its first random number.
    """
    with suppress(_DrawnError):
        problem.features.sample(D, N, problem.activation.moments, problem.teacher.rho, _Probe())
