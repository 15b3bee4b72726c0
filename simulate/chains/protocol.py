"""Sampling one instance: draw it, draw weights for every lam and beta, measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from twinpeaks.simulate.chains.gaussian import SeenSpace, gaussian_draws
from twinpeaks.simulate.chains.hmc import run_chains
from twinpeaks.simulate.chains.mixing import Limits, Status, check_diagnostics
from twinpeaks.simulate.chains.posterior import (
    _COLUMNS,
    DIAGNOSTICS,
    OBSERVED,
    Counts,
    Draws,
    measure_draws,
)
from twinpeaks.simulate.draw import Streams, draw_instance
from twinpeaks.simulate.train import train
from twinpeaks.sweeps.device import Workspace, training_numbers
from twinpeaks.sweeps.grid import Grid
from twinpeaks.sweeps.layout import Layout, Values, Variable, variables
from twinpeaks.sweeps.random import TorchRandom
from twinpeaks.sweeps.sweep import Protocol, Task
from twinpeaks.theory.losses.base import Loss

__all__ = ["Sampling", "check_smooth"]

_AXES = ("lam", "beta")


def _columns() -> tuple[Variable, ...]:
    """Every average beside its standard error, diagnostics, status."""
    out: list[Variable] = []
    for name, described in OBSERVED.items():
        error = (f"standard error of {name}", "1", "Monte Carlo error within the instance")
        out += [Variable(name, described, _AXES), Variable(f"{name}_se", error, _AXES)]
    status = ("outcome of sampling", "1", "averages are NaN where status is not 0")
    return (*out, *variables(DIAGNOSTICS | {"status": status}, _AXES, Status))


@dataclass(frozen=True)
class Sampling(Protocol):
    """Draw, sample the weights for every lam and beta, measure.

    Attributes
    ----------
    chains, warmup, draws : int
        Chains, and transitions of each that are thrown away and kept.
    trajectory : float
        Mean length of a trajectory in quarter periods.
    limits : Limits
        What chains must reach.
    counts : Counts
        Inputs of test error and mean dimension.
    """

    layout: ClassVar[Layout] = Layout("sample", _columns())
    chains: int
    warmup: int
    draws: int
    trajectory: float
    limits: Limits
    counts: Counts

    def describe(self) -> dict[str, Any]:
        """Every field, limits and counts by name."""
        return {
            "chains": self.chains,
            "warmup": self.warmup,
            "draws": self.draws,
            "trajectory": self.trajectory,
            "largest_r_hat": self.limits.r_hat,
            "least_ess": self.limits.ess,
            **self.counts.__dict__,
        }

    def check_packages(self) -> None:
        """Chains need diagnostics; exact draws do not."""
        if self.problem.loss.quadratic is None:
            check_diagnostics()

    def numbers(self, D: int, N: int, P: int, grid: Grid) -> int:  # noqa: ARG002
        """The design, its singular vectors, and draws with what making and measuring them takes."""
        k, total = min(N, P), self.chains * self.draws
        decomposing = N * P + 4 * k * k  # a copy, and the workspace of LAPACK
        # noise, weights, and sum and product on the way to them; v three times
        drawing = 4 * N * total + 3 * k * total
        if self.problem.loss.quadratic is None:
            # C and A with the copies of a triangular solve, Hessians and factors of two windows
            walking = 6 * P * k + 6 * k * k + 8 * P * self.chains
            walking += N * total + 4 * k * total  # noise, and positions as they become weights
            training = training_numbers(D, N, P, 1, False)
            drawing = max(drawing + P * k, walking, training)
        # a block of columns with its temporaries; picked draws and means, twice while they are joined
        picked = self.counts.n_draws + 2 * self.chains
        measuring = N * total + 4 * _COLUMNS * (N + P) + 2 * N * picked
        return 2 * P * N + k * (N + P) + P * D + max(decomposing, drawing, measuring)

    def perform(self, tasks: Sequence[Task], work: Workspace) -> list[Values]:
        """One instance after the other."""
        return [self._instance(task, work) for task in tasks]

    def _instance(self, task: Task, work: Workspace) -> Values:
        lams, betas, size = task["lam"], task["beta"], task.size
        # rows in the order of the layout
        out = np.full((len(self.layout.variables), len(lams), len(betas)), np.nan)
        out[-1] = Status.NONFINITE
        streams = Streams.of(task.seed, *size, work.device)
        instance = draw_instance(self.problem, *size, streams.training, work)
        X, y, loss = instance.design, instance.y, self.problem.loss
        if not bool(torch.isfinite(X).all()):
            return out.ravel()
        space = SeenSpace.of(X)
        for i, lam in enumerate(lams):
            # one by one: chains amplify the last digit in which the modes of a path differ
            mode = X.new_zeros(len(space.singular))
            if loss.quadratic is None:
                mode = space.coordinates(train(loss, X, y, np.array([lam])).weights)[:, 0]
            for j, beta in enumerate(betas):
                # the same random numbers at every point, so that its company does not matter
                random = TorchRandom.named("chains", task.seed, *size, device=work.device)
                try:
                    found = self._draw(space, y, lam, beta, mode, random)
                except ArithmeticError:
                    continue
                values, mixed = measure_draws(
                    self.problem,
                    instance,
                    found,
                    lam,
                    beta,
                    space.right[0],
                    Streams.of(task.seed, *size, work.device),
                    self.counts,
                    work,
                )
                good = mixed.within(self.limits)
                status = Status.MIXED if good else Status.UNMIXED
                if not np.isfinite(values["energy"]):
                    status = Status.NONFINITE
                record = [v if status == Status.MIXED else np.nan for v in values.values()]
                seen = {"acceptance": found.acceptance, **mixed.__dict__}
                out[:, i, j] = [*record, *(seen[name] for name in DIAGNOSTICS), status]
        return out.ravel()

    def _draw(
        self,
        space: SeenSpace,
        y: Tensor,
        lam: float,
        beta: float,
        mode: Tensor,
        random: TorchRandom,
    ) -> Draws:
        """Weights of shape (N, chains, draws)."""
        loss, shape = self.problem.loss, (self.chains, self.draws)
        noise = random.normal(space.right.shape[1], self.chains * self.draws)
        if loss.quadratic is not None:
            W = gaussian_draws(space, y, lam, beta, noise, loss.quadratic)
            return Draws(W.view(-1, *shape), independent=True)
        found = run_chains(
            loss,
            space.design,
            y,
            lam,
            beta,
            mode,
            random,
            chains=self.chains,
            warmup=self.warmup,
            draws=self.draws,
            trajectory=self.trajectory,
        )
        W = space.lift(found.v.view(len(mode), -1), noise, beta * lam)
        return Draws(W.view(-1, *shape), independent=False, acceptance=found.acceptance)


def check_smooth(loss: Loss) -> None:
    """Refuse a loss that has no force everywhere.

    Raises
    ------
    ValueError
        Unless the loss is convex and its slope continuous.
    """
    if not loss.smooth:
        raise ValueError(
            f"loss = {loss!r} has no continuous slope: sampling supports smooth convex losses, such "
            "as Square, Logistic, SquaredHinge and Exponential"
        )
