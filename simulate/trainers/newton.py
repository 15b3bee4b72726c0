"""Damped Newton for smooth convex losses, along an axis of lam."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from twinpeaks.simulate.trainers.conjugate import conjugate_gradients
from twinpeaks.simulate.trainers.reduction import dot, expand, reduce, times
from twinpeaks.theory.arrays import Array, Bools
from twinpeaks.theory.losses.base import Loss

__all__ = ["DIRECT", "RECYCLING", "Recycling", "newton_path"]

_MAX_STEPS = 200
_ARMIJO = 1e-4
_SMALLEST_STEP = 1e-12
_SMALLEST_FLOOR_STEP = 1e-3
# Below this relative decrease the rounding of the objective hides the Armijo test.
_OBJECTIVE_FLOOR = 1e-9
# Bound on |v - v*| / |v| at which a minimum is found: the digits after it are in nothing measured, and
# on a path of recycled factors each costs as much as the one before.
_ENOUGH = 1e-11
_ANCESTORS = 3  # minimisers at larger lam through which the next one is extrapolated
_PATIENCE = 10  # shortened steps in a row at the floor; a curvature that jumps may need some


@dataclass(frozen=True)
class Recycling:
    """When the inverse of an earlier Hessian still serves, as preconditioner of conjugate gradients.

    Parameters
    ----------
    smallest : int
        Least k = min(N, P) at which it is tried; below, every step factorises a Hessian of its own.
    budget : int
        Products with the Hessian before it is factorised anew.
    reduction : float
        |H step + g| / |g| at which a step is good enough.
    """

    smallest: int
    budget: int
    reduction: float = 0.1


#: A Cholesky factor for every step.
DIRECT = Recycling(smallest=2**62, budget=0)
# Measured on one core with N = P, 5 penalties from 1 to 1e-4: the logistic loss took 0.034 s instead of
# 0.040 s at k = 300, 0.12 s instead of 0.23 s at 600 and 0.46 s instead of 1.8 s at 1200; the squared
# hinge, whose curvature jumps, 0.05 s instead of 0.03 s at 300 and as long at 600 and 1200. Budgets of 4
# and 10 took as long within a quarter, before starts were extrapolated.
RECYCLING = Recycling(smallest=300, budget=6)


def _host(*scalars: Tensor) -> Array:
    """Scalars of every member, in one transfer; shape (len(scalars), B)."""
    together = torch.stack(scalars) if len(scalars) > 1 else scalars[0][None]
    return np.asarray(together.cpu().numpy())


class _Point(NamedTuple):
    """v with everything the method asks about it, for a stack of members.

    ``energy``, ``norm``, of the gradient g, and ``bound``, on the relative error of v, are on the host:
    three numbers a member decide what happens next.
    """

    v: Tensor
    t: Tensor
    g: Tensor
    energy: Array
    norm: Array
    bound: Array

    def keep(self, members: Bools) -> _Point:
        """Some of the members."""
        index = torch.as_tensor(np.flatnonzero(members), device=self.v.device)
        v, t, g = self.v[index], self.t[index], self.g[index]
        return _Point(v, t, g, *(x[members] for x in self[3:]))

    def where(self, mask: Bools, other: _Point) -> _Point:
        """Self where the mask holds, other elsewhere."""
        if mask.all():
            return self
        column = torch.as_tensor(mask, device=self.v.device)[:, None]
        v, t, g = (torch.where(column, x, y) for x, y in zip(self[:3], other[:3], strict=True))
        scalars = (np.where(mask, x, y) for x, y in zip(self[3:], other[3:], strict=True))
        return _Point(v, t, g, *scalars)


class _Objective(NamedTuple):
    """sum_mu l(y_mu, C_mu v) + lam |v|^2 / 2 of every member."""

    loss: Loss
    C: Tensor
    y: Tensor
    lam: float

    def at(self, v: Tensor) -> _Point:
        t = times(self.C, v)
        g = self.gradient(v, t)
        sizes = (torch.linalg.vector_norm(x, dim=-1) for x in (g, v))
        energy, norm, size = _host(self.energy(v, t), *sizes)
        with np.errstate(divide="ignore"):
            bound = np.where(norm == 0.0, 0.0, norm / (self.lam * size))
        return _Point(v, t, g, energy, norm, bound)

    def energy(self, v: Tensor, t: Tensor) -> Tensor:
        out: Tensor = self.loss.value(self.y, t).sum(-1) + 0.5 * self.lam * dot(v, v)
        return out

    def gradient(self, v: Tensor, t: Tensor) -> Tensor:
        return times(self.C.mT, self.loss.slope(self.y, t)) + self.lam * v

    def keep(self, members: Bools) -> _Objective:
        if members.all():
            return self
        index = torch.as_tensor(np.flatnonzero(members), device=self.y.device)
        return self._replace(C=self.C[index], y=self.y[index])

    def factor(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """Cholesky factors of the Hessians, and where there is none (not 0)."""
        H = self.C.mT @ (self.C * self.loss.curvature(self.y, t)[..., None])
        H.diagonal(dim1=-2, dim2=-1).add_(self.lam)
        factor, info = torch.linalg.cholesky_ex(H)
        return factor, info


def newton_path(
    loss: Loss,
    X: Tensor,
    y: Tensor,
    lam: Array,
    recycling: Recycling = RECYCLING,
) -> Tensor:
    """Minimise from the largest lam down, each from the minimiser before.

    Parameters
    ----------
    loss : Loss
        Convex and differentiable; its curvature need not be continuous.
    X : Tensor of shape (B, P, N)
        Designs.
    y : Tensor of shape (B, P)
        Labels.
    lam : ndarray of shape (n_lam,)
        Penalties, > 0, in any order.
    recycling : Recycling
        When to keep the inverse of a Hessian.

    Returns
    -------
    Tensor of shape (B, N, n_lam)
    """
    basis, C = reduce(X)
    B, _, k = C.shape
    V = C.new_zeros(B, k, len(lam))
    inverse: Tensor | None = None
    done: list[int] = []
    if k < recycling.smallest:
        recycling = DIRECT
    # a trial step may overflow a loss in numpy; the infinite objective is then turned down
    with np.errstate(over="ignore", invalid="ignore"):
        for index in np.argsort(-lam, kind="stable"):
            objective = _Objective(loss, C, y, float(lam[index]))
            start = _start(objective, V, lam, done)
            v, inverse = _minimise(objective, start, inverse, recycling)
            V[..., index] = v
            done.append(index)
    return expand(basis, V)


def _start(objective: _Objective, V: Tensor, lam: Array, done: list[int]) -> _Point:
    """The last minimiser, or the polynomial in log lam through the last few where it is nearer."""
    if not done:
        return objective.at(torch.zeros_like(V[..., 0]))
    last = objective.at(V[..., done[-1]])
    nodes = done[-_ANCESTORS:]
    if len(nodes) == 1:
        return last
    x = np.log(lam[nodes] / objective.lam)  # the polynomial is wanted at 0
    if len(np.unique(x)) < len(x):  # a penalty given twice
        return last
    weights = [np.prod(np.delete(x, i) / (np.delete(x, i) - x[i])) for i in range(len(x))]
    if not np.all(np.isfinite(weights)):  # ratios of penalties that overflow
        return last
    guess = objective.at(V[..., nodes] @ V.new_tensor(weights))
    return guess.where(guess.norm < last.norm, last)


def _minimise(
    objective: _Objective, start: _Point, inverse: Tensor | None, recycling: Recycling
) -> tuple[Tensor, Tensor | None]:
    """Newton until the gradient is small enough, or rounding; returns minimisers and inverses held.

    Where the objective can still tell, a step has to pass the Armijo test; below, it has to shorten
    the gradient, which a small enough Newton step does wherever the curvature is constant nearby. A
    member whose step does neither stays where it is: its optimality decides the status.
    """
    v = start.v
    found, held, live = v.clone(), inverse, np.arange(len(v))
    now, part, idle = start, inverse, np.zeros(len(v), dtype=int)
    for _ in range(_MAX_STEPS):
        step, part, possible = _direction(objective, now, part, recycling)
        new, good, floor, whole = _search(objective, now, step)
        good &= possible
        idle = np.where(floor, idle + 1 + _PATIENCE * whole, 0)
        now = new.where(good, now)
        done = (idle > _PATIENCE) | ~good | (now.bound <= _ENOUGH)
        if not done.any():
            continue
        leaving = torch.as_tensor(live[done], device=v.device)
        found[leaving] = now.keep(done).v
        if part is not None:
            index = torch.as_tensor(live, device=v.device)
            held = part if len(live) == len(v) or held is None else held.index_copy_(0, index, part)
        if done.all():
            return found, held
        live, idle = live[~done], idle[~done]
        now, objective = now.keep(~done), objective.keep(~done)
        part = None if part is None else part[torch.as_tensor(~done, device=v.device)]
    found[torch.as_tensor(live, device=v.device)] = now.v
    return found, None


def _solve(b: Tensor, factor: Tensor) -> Tensor:
    return torch.cholesky_solve(b[..., None], factor)[..., 0]


def _inverse(factor: Tensor) -> Tensor:
    """An inverse is accurate enough to precondition, and a product with it is a tenth of two solves."""
    return torch.cholesky_inverse(factor)


def _direction(
    objective: _Objective, now: _Point, held: Tensor | None, recycling: Recycling
) -> tuple[Tensor, Tensor | None, Bools]:
    """Newton steps, the inverses to keep, and where there is a step at all."""
    if held is None:
        factor, info = objective.factor(now.t)
        # without recycling nothing is kept: it takes as much memory as the Hessian
        kept = _inverse(factor) if recycling.budget else None
        return -_solve(now.g, factor), kept, _host(info)[0] == 0
    old, curvature = held, objective.loss.curvature(objective.y, now.t)

    def product(v: Tensor) -> Tensor:
        return times(objective.C.mT, curvature * times(objective.C, v)) + objective.lam * v

    step, solved = conjugate_gradients(
        product, lambda r: times(old, r), -now.g, recycling.reduction, recycling.budget
    )
    stale = ~solved.cpu().numpy()
    possible = np.ones_like(stale)
    if stale.any():
        some = now.keep(stale)
        factor, info = objective.keep(stale).factor(some.t)
        index = torch.as_tensor(np.flatnonzero(stale), device=step.device)
        step = step.index_copy(0, index, -_solve(some.g, factor))
        made = _inverse(factor)
        held = made if stale.all() else held.index_copy(0, index, made)
        possible[stale] = _host(info)[0] == 0
    return step, held, possible


def _search(objective: _Objective, now: _Point, step: Tensor) -> tuple[_Point, Bools, Bools, Bools]:
    """Halve every step until it is accepted.

    Returns where it leads, who accepts it, who is at the floor, where it did not halve a gradient that
    rounding rules already, and who took the whole of it.
    """
    decrease = -_host(dot(now.g, step))[0]
    near = ~(decrease > _OBJECTIVE_FLOOR * np.abs(now.energy))
    shortest = np.where(near, _SMALLEST_FLOOR_STEP, _SMALLEST_STEP)
    size = np.ones_like(decrease)

    def accepted(energy: Array, norm: Array) -> Bools:
        lower = energy <= now.energy - _ARMIJO * size * decrease
        return np.where(near, norm < now.norm, lower)

    new = objective.at(now.v + step)
    good = accepted(new.energy, new.norm)
    dt = None
    while not (good | ~(0.5 * size > shortest)).all():
        size = np.where(good | ~(0.5 * size > shortest), size, 0.5 * size)
        factor = torch.as_tensor(size, device=step.device)[:, None]
        v, energy, norm = now.v + factor * step, new.energy, new.norm
        if near.any():
            g = objective.gradient(v, times(objective.C, v))
            norm = _host(torch.linalg.vector_norm(g, dim=-1))[0]
        if not near.all():
            dt = times(objective.C, step) if dt is None else dt
            energy = _host(objective.energy(v, now.t + factor * dt))[0]
        good = accepted(energy, norm)
    if (size < 1.0).any():
        new = objective.at(v)  # afresh: t + size dt would accumulate rounding
    return new, good, near & (new.norm > 0.5 * now.norm), size == 1.0
