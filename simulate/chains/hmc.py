"""Hamiltonian Monte Carlo for the Boltzmann measure of a smooth convex loss.

Chains move together, in coordinates u in which the measure is close to N(0, 1): v = v_0 + M u with
M M^T = H^{-1} / beta and H = C^T diag(d) C + lam, where d is the curvature of the loss, first at the
mode and then averaged over the warm-up. That average is E[l''], which by integration by parts is what
the forces have for their covariance: it stays right where the measure is wide or one-sided and the
curvature at the mode is not. Up to a constant,

    -ln p(u) = |u|^2 / 2 + b.u + beta sum_mu [ l(y_mu, t_mu) - d_mu delta_mu^2 / 2 ],
    delta = A u,  t = C v_0 + delta,  A = C M,  b = beta lam M^T v_0,

for any v_0 and d, since M^T H M = 1 / beta takes the penalty into |u|^2 / 2: an inaccurate mode costs
time and no bias. One gradient is two products with A for all chains.

Source: R. Neal, *MCMC using Hamiltonian dynamics* (arXiv 1206.1901).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from twinpeaks.simulate.chains.step_size import StepSize
from twinpeaks.sweeps.random import TorchRandom
from twinpeaks.theory.losses.base import Loss

__all__ = ["Chains", "Point", "Potential", "Target", "leapfrog", "run_chains", "transition"]

# A harmonic oscillator forgets its start after a quarter period. Lengths uniform on [1/2, 3/2] quarter
# periods make E cos = 0, and no direction can be in resonance with all of them.
_QUARTER_PERIOD = 0.5 * math.pi
_MOST_STEPS = 128  # of one trajectory, so that a step size lost in warm-up cannot hang the run
_OVERDISPERSION = 2.0  # starts, in units of the Laplace approximation


class Point(NamedTuple):
    """Positions of shape (k, chains), with potential (chains,) and gradient (k, chains)."""

    u: Tensor
    potential: Tensor
    gradient: Tensor


class Potential(Protocol):
    """Something to sample."""

    def at(self, u: Tensor) -> Point:
        """Evaluate -ln p, up to a constant, and its gradient."""


@dataclass(frozen=True)
class Target:
    """-ln p in whitened coordinates; see the module.

    Attributes
    ----------
    loss : Loss
        Convex, with a continuous slope.
    y, centre, curvature : Tensor of shape (P, 1)
        Labels, t at u = 0, and d.
    beta : float
        Inverse temperature.
    A : Tensor of shape (P, k)
    b : Tensor of shape (k, 1)
    origin : Tensor of shape (k, 1)
        v_0.
    factor : Tensor of shape (k, k)
        Lower triangular, factor factor^T = beta H; M is the inverse of its transpose.
    """

    loss: Loss
    y: Tensor
    centre: Tensor
    curvature: Tensor
    beta: float
    A: Tensor
    b: Tensor
    origin: Tensor
    factor: Tensor

    @classmethod
    def of(
        cls,
        loss: Loss,
        C: Tensor,
        y: Tensor,
        lam: float,
        beta: float,
        origin: Tensor,
        curvature: Tensor,
    ) -> Target:
        """Whiten with curvatures of shape (P, 1) around an origin of shape (k, 1).

        Raises
        ------
        ArithmeticError
            If curvatures are not finite, or lam is below the rounding of C^T diag(d) C.
        """
        hessian = beta * (C.T @ (curvature * C))
        hessian.diagonal().add_(beta * lam)
        factor, failed = torch.linalg.cholesky_ex(hessian)
        if int(failed) != 0 or not bool(torch.isfinite(factor).all()):
            raise ArithmeticError(f"lam = {lam:g}, beta = {beta:g}: the Hessian has no factor")
        A = torch.linalg.solve_triangular(factor, C.T, upper=False).T.contiguous()
        b = torch.linalg.solve_triangular(factor, beta * lam * origin, upper=False)
        return cls(loss, y[:, None], C @ origin, curvature, beta, A, b, origin, factor)

    def at(self, u: Tensor) -> Point:
        """Evaluate at positions of shape (k, chains)."""
        delta = self.A @ u
        t, pull = self.centre + delta, self.curvature * delta
        excess = (self.loss.value(self.y, t) - 0.5 * pull * delta).sum(0)
        force = self.beta * (self.loss.slope(self.y, t) - pull)
        return Point(
            u,
            (u * (0.5 * u + self.b)).sum(0) + self.beta * excess,
            u + self.b + self.A.T @ force,
        )

    def weights(self, u: Tensor) -> Tensor:
        """v from u, any number of columns."""
        v: Tensor = torch.linalg.solve_triangular(self.factor.T, u, upper=True)
        return self.origin + v

    def positions(self, v: Tensor) -> Tensor:
        """u from v."""
        u: Tensor = self.factor.T @ (v - self.origin)
        return u

    def curvatures(self, u: Tensor) -> Tensor:
        """Second derivative of every pattern's loss, averaged over columns; shape (P, 1)."""
        mean: Tensor = self.loss.curvature(self.y, self.centre + self.A @ u).mean(1, keepdim=True)
        return mean


def leapfrog(
    target: Potential, point: Point, momentum: Tensor, step: float, steps: int
) -> tuple[Point, Tensor]:
    """Follow u' = p, p' = -grad U for ``steps`` steps; reversible, with an energy error of step^2."""
    momentum = momentum - 0.5 * step * point.gradient
    for left in range(steps, 0, -1):
        point = target.at(point.u + step * momentum)
        momentum = momentum - (step if left > 1 else 0.5 * step) * point.gradient
    return point, momentum


def transition(
    target: Potential, point: Point, step: float, random: TorchRandom, trajectory: float = 1.0
) -> tuple[Point, Tensor]:
    """One update of every chain, and its probability of acceptance, shape (chains,).

    Every chain has its own momentum and its own verdict; they share the length of the trajectory,
    ``trajectory`` quarter periods of a standard oscillator on average.
    """
    length = (0.5 + float(random.uniform(1))) * _QUARTER_PERIOD * trajectory
    steps = min(max(1, round(length / step)), _MOST_STEPS)
    momentum = random.normal(*point.u.shape)
    end, last = leapfrog(target, point, momentum, step, steps)
    energy = point.potential + 0.5 * (momentum**2).sum(0)
    change = energy - end.potential - 0.5 * (last**2).sum(0)
    # a trajectory that ran off has no energy, and is turned down
    probability = change.clamp(max=0.0).exp().nan_to_num(nan=0.0)
    taken = random.uniform(len(probability)) < probability
    return Point(*(torch.where(taken, new, old) for new, old in zip(end, point, strict=True))), (
        probability
    )


@dataclass(frozen=True)
class Chains:
    """What the chains visited after their warm-up.

    Attributes
    ----------
    v : Tensor of shape (k, chains, draws)
        Positions.
    acceptance : float
        Mean probability of acceptance.
    step : float
        Step size, in units of the whitened measure.
    """

    v: Tensor
    acceptance: float
    step: float


def run_chains(
    loss: Loss,
    C: Tensor,
    y: Tensor,
    lam: float,
    beta: float,
    mode: Tensor,
    random: TorchRandom,
    *,
    chains: int,
    warmup: int,
    draws: int,
    trajectory: float = 1.0,
) -> Chains:
    """Sample p(v) ~ exp(-beta [sum_mu l(y_mu, C_mu v) + lam |v|^2 / 2]).

    Parameters
    ----------
    loss : Loss
        Convex, with a continuous slope.
    C : Tensor of shape (P, k)
        Design.
    y : Tensor of shape (P,)
        Labels.
    lam, beta : float
        Ridge penalty and inverse temperature, > 0.
    mode : Tensor of shape (k,)
        Where the energy is smallest; being off costs time and no bias.
    random : TorchRandom
        Source of starts, momenta and verdicts.
    chains, draws : int
        How many, and how long after the warm-up.
    warmup : int
        Transitions that adapt step size and curvature, in three windows, and are thrown away.
    trajectory : float
        Mean length of a trajectory, in quarter periods of the whitened measure. Where the measure is far
        from Gaussian, directions wider than 1 take longer ones.

    Returns
    -------
    Chains
        Whether they have mixed is for ``twinpeaks.simulate.chains.mixing`` to say.

    Raises
    ------
    ArithmeticError
        If the energy has no finite, positive curvature.
    """
    origin = mode[:, None]
    target = Target.of(loss, C, y, lam, beta, origin, loss.curvature(y[:, None], C @ origin))
    point = target.at(_OVERDISPERSION * random.normal(len(mode), chains))
    size = StepSize.starting_at(len(mode) ** -0.25)
    for window in range(3):
        length = warmup * (window + 1) // 3 - warmup * window // 3
        seen = point.u.new_zeros(len(y), 1)
        for i in range(length):
            point, acceptance = transition(target, point, size.step, random, trajectory)
            size = size.updated(float(acceptance.mean()))
            if i >= length // 2:
                seen += target.curvatures(point.u) / (length - length // 2)
        if window < 2 and length > 0 and bool(torch.isfinite(seen).all()):
            v = target.weights(point.u)
            target = Target.of(loss, C, y, lam, beta, origin, seen)
            point = target.at(target.positions(v))
            size = StepSize.starting_at(size.average)
    step, total = size.average, 0.0
    kept = point.u.new_empty(len(mode), draws, chains)
    for i in range(draws):
        point, acceptance = transition(target, point, step, random, trajectory)
        total += float(acceptance.mean())
        kept[:, i] = point.u
    v = target.weights(kept.view(len(mode), -1)).view(-1, draws, chains)
    return Chains(v.transpose(1, 2).contiguous(), total / draws, step)
