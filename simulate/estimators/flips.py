"""The shortest perturbation that changes the class of a finite network.

f(x + delta) = 0 at the smallest |delta| is a constrained minimisation. Each step solves it for the
tangent of f at the current point (the HL-RF iteration of structural reliability; DeepFool, arXiv
1511.04599, without its drift away from x), a bisection along the direction found makes the flip real, and
projected gradients (Madry et al., arXiv 1706.06083) then look for one inside a slightly smaller ball.
Whatever is found is a flip: distances are upper bounds, and the flip rates that follow are lower bounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import torch
from torch import Tensor

from twinpeaks.simulate.layers import Layers
from twinpeaks.sweeps.random import TorchRandom
from twinpeaks.theory.activations import Activation, HermiteMoments

__all__ = ["Norm", "flip_distances", "projected_gradient", "value_and_gradient"]

#: The ball: |delta|_2 <= eps, or max_k |delta_k| <= eps / sqrt(D).
Norm = Literal["l2", "linf"]

_DIFFERENCE = 1e-5  # of a callable without a derivative: error of order 1e-10
_OVERSHOOT = (1.0, 1.02, 1.1, 1.3, 1.7, 2.5, 5.0, 15.0)
_BISECTIONS = 20  # of an interval at most 15 times the distance: 1e-5
_INSIDE = 0.97  # of the distance known: the ball in which projected gradients look for a flip


class _Elementwise(torch.autograd.Function):
    """A numpy callable under autograd, its slope by central differences."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, activation: Activation) -> Tensor:
        x = x.detach()
        ctx.slope = activation(x + _DIFFERENCE) - activation(x - _DIFFERENCE)
        value: Tensor = activation(x)
        return value

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return gradients[0] * ctx.slope / (2 * _DIFFERENCE), None


@dataclass(frozen=True)
class _Differentiable(Activation):
    base: Activation

    def __call__(self, x: Any) -> Any:
        return _Elementwise.apply(x, self.base)  # type: ignore[no-untyped-call]

    @cached_property
    def moments(self) -> HermiteMoments:
        return self.base.moments


def value_and_gradient(layers: Layers, w: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """f(x) = w.z(x) / sqrt(N) and its gradient in x.

    Parameters
    ----------
    layers : Layers
    w : Tensor of shape (N,)
    x : Tensor of shape (n, D)

    Returns
    -------
    f : Tensor of shape (n,)
    gradient : Tensor of shape (n, D)
        For an activation given as a numpy callable, by central differences of the activation.
    """
    if not layers.activation.traceable:
        layers = Layers(_Differentiable(layers.activation), layers.matrices)
    x = x.detach().requires_grad_(True)
    f = layers(x) @ w / layers.N**0.5
    (gradient,) = torch.autograd.grad(f.sum(), x)
    return f.detach(), gradient


def _length(delta: Tensor, norm: Norm) -> Tensor:
    """In units of eps."""
    order, scale = (2.0, 1.0) if norm == "l2" else (torch.inf, delta.shape[1] ** 0.5)
    length: Tensor = torch.linalg.vector_norm(delta, ord=order, dim=1)
    return length * scale


def _steepest(gradient: Tensor, norm: Norm) -> Tensor:
    """Direction of length 1 that raises f most."""
    step = gradient if norm == "l2" else gradient.sign()
    size = torch.linalg.vector_norm(step, dim=1, keepdim=True)  # of a sign, sqrt(D)
    unit: Tensor = step / size.clamp_min(1e-300)
    return unit


def projected_gradient(
    layers: Layers, w: Tensor, x: Tensor, radius: Tensor, norm: Norm, start: Tensor, steps: int = 20
) -> Tensor:
    """Perturbation in the ball of every input that goes furthest towards the other class.

    Parameters
    ----------
    layers : Layers
    w : Tensor of shape (N,)
    x : Tensor of shape (n, D)
    radius : Tensor of shape (n,)
        In units of eps.
    norm : {"l2", "linf"}
    start : Tensor of shape (n, D)
        First perturbation; it is projected on the ball.
    steps : int
        Steps along the normalised gradient, of sizes that fall linearly from half the radius to 0.

    Returns
    -------
    Tensor of shape (n, D)
        The best of all steps.
    """
    side = (layers(x) @ w).sign()
    bound = radius[:, None]
    delta = start
    best, least = torch.zeros_like(x), torch.full_like(radius, torch.inf)
    for step in range(steps + 1):
        if norm == "l2":
            delta = delta * (bound / _length(delta, norm)[:, None].clamp_min(1e-300)).clamp_max(1.0)
        else:
            edge = bound / x.shape[1] ** 0.5
            delta = torch.minimum(torch.maximum(delta, -edge), edge)
        f, gradient = value_and_gradient(layers, w, x + delta)
        better = side * f < least
        best = torch.where(better[:, None], delta, best)
        least = torch.where(better, side * f, least)
        size = 0.5 * bound * (1.0 - step / steps)
        delta = delta - size * side[:, None] * _steepest(gradient, norm)
    return best


def flip_distances(
    layers: Layers,
    w: Tensor,
    x: Tensor,
    norm: Norm,
    random: TorchRandom,
    *,
    steps: int = 6,
    restarts: int = 0,
    refinements: int = 1,
) -> Tensor:
    """Shortest perturbation found at which the sign of f changes, for every input.

    Parameters
    ----------
    layers : Layers
    w : Tensor of shape (N,)
    x : Tensor of shape (n, D)
    norm : {"l2", "linf"}
        |delta|_2, or max_k |delta_k| sqrt(D).
    random : TorchRandom
        Where restarts begin.
    steps : int
        Tangent steps of each search, >= 1.
    restarts : int
        Searches from a random perturbation as long as the best one, after the first from 0.
    refinements : int
        Rounds of projected gradients inside 0.97 of the distance known.

    Returns
    -------
    Tensor of shape (n,)
        Upper bounds on the distances; infinite where no flip was found.
    """
    side = (layers(x) @ w).sign()
    best, least = torch.zeros_like(x), torch.full_like(side, torch.inf)

    def keep(delta: Tensor) -> None:
        nonlocal best, least
        delta, length = _crossing(layers, w, x, delta, side, norm)
        shorter = length < least
        best = torch.where(shorter[:, None], delta, best)
        least = torch.where(shorter, length, least)

    for trial in range(restarts + 1):
        delta = torch.zeros_like(x)
        if trial:
            length = torch.where(least.isfinite(), least, 0.0)
            delta = length[:, None] * _steepest(random.normal(*x.shape), norm)
        for _ in range(steps):
            f, gradient = value_and_gradient(layers, w, x + delta)
            ascent = _steepest(gradient, norm)
            slope = (gradient * ascent).sum(1).clamp_min(1e-300)
            at_x = f - (gradient * delta).sum(1)  # what the tangent says of f(x)
            delta = -(at_x / slope)[:, None] * ascent
        keep(delta)
    for _ in range(refinements):
        inside = torch.where(least.isfinite(), _INSIDE * least, 0.0)
        delta = projected_gradient(layers, w, x, inside, norm, _INSIDE * best)
        keep(delta)
    return least


def _crossing(
    layers: Layers, w: Tensor, x: Tensor, delta: Tensor, side: Tensor, norm: Norm
) -> tuple[Tensor, Tensor]:
    """Where along delta the sign changes, by bisection, and its length; infinite where it does not."""

    def flips(scale: Tensor) -> Tensor:
        return side * (layers(x + scale[:, None] * delta) @ w) < 0

    high = torch.full_like(side, torch.inf)
    for factor in _OVERSHOOT:
        new = high.isinf() & flips(torch.full_like(side, factor))
        high = torch.where(new, factor, high)
    found = high.isfinite()
    high = torch.where(found, high, 1.0)
    low = torch.zeros_like(high)
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        crossed = flips(middle)
        high, low = torch.where(crossed, middle, high), torch.where(crossed, low, middle)
    delta = high[:, None] * delta
    return delta, torch.where(found, _length(delta, norm), torch.inf)
