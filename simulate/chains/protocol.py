"""Sampling one instance: draw it, draw weights for every lam and beta, measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from twinpeaks.simulate.chains.gaussian import SeenSpace, gaussian_draws
from twinpeaks.simulate.chains.hmc import run_chains
from twinpeaks.simulate.chains.mixing import Limits, Status
from twinpeaks.simulate.chains.posterior import (
    _COLUMNS,
    DIAGNOSTICS,
    OBSERVED,
    Counts,
    Draws,
    measure_draws,
)
from twinpeaks.simulate.draw import draw_instance
from twinpeaks.simulate.protocol import LAM, Networks, size_of, training_numbers
from twinpeaks.simulate.train import train
from twinpeaks.sweeps import Argument, Task, TorchRandom, Variable, Workspace
from twinpeaks.sweeps.grid import Values
from twinpeaks.theory.axes import check_count, check_number
from twinpeaks.theory.losses.base import Loss

__all__ = ["Sampling", "check_smooth"]

_AXES = ("lam", "beta")
_FEWEST_CHAINS = 4


@dataclass(frozen=True)
class Sampling(Networks):
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

    kind: ClassVar[str] = "sample"
    chains: int
    warmup: int
    draws: int
    trajectory: float
    limits: Limits
    counts: Counts

    def __post_init__(self) -> None:
        """Check every number, and the loss."""
        super().__post_init__()
        check_smooth(self.problem.loss)
        check_count("chains", self.chains, _FEWEST_CHAINS)
        check_count("warmup", self.warmup, 0)
        check_count("draws", self.draws, 4)
        check_number("trajectory", self.trajectory, "(0, inf)")
        check_number("largest_r_hat", self.limits.r_hat, "(1, inf)")
        check_number("least_ess", self.limits.ess, "(0, inf)")
        for name, least in (("n_test", 1), ("n_flip", 2), ("n_variance", 2), ("n_draws", 1)):
            check_count(name, getattr(self.counts, name), least)

    @property
    def inner(self) -> tuple[Argument, ...]:
        """All temperatures of a network are drawn from one decomposition of its design."""
        return LAM, Argument("beta", "(0, inf)", inner=True)

    @property
    def variables(self) -> tuple[Variable, ...]:
        """Every average beside its standard error, diagnostics, status."""
        names = [n for name in OBSERVED for n in (name, f"{name}_se")]
        measured = (Variable(name, _AXES) for name in (*names, *DIAGNOSTICS))
        return (*measured, Variable("status", _AXES, outcomes=Status))

    def describe(self) -> dict[str, Any]:
        """Every field, limits and counts by name."""
        words = super().describe()
        del words["limits"], words["counts"]
        limits = {"largest_r_hat": self.limits.r_hat, "least_ess": self.limits.ess}
        return {**words, **limits, **asdict(self.counts)}

    @property
    def packages(self) -> dict[str, str]:
        """Chains need diagnostics; exact draws do not."""
        if self.problem.loss.quadratic is not None:
            return {}
        remedy = (
            "Markov chains are only reported with diagnostics, which need arviz-stats: "
            "pip install 'twinpeaks[sample]'"
        )
        return {"arviz_stats": remedy}

    def numbers(self, task: Task) -> int:
        """The design, its singular vectors, and draws with what making and measuring them takes."""
        D, N, P = size_of(task)
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
        lams, betas, streams = task["lam"], task["beta"], self.random(task, work.device)
        out = {v.name: np.full((len(lams), len(betas)), np.nan) for v in self.variables}
        out["status"][:] = Status.NONFINITE
        instance = draw_instance(self.problem, *size_of(task), streams["training"], work)
        X, y, loss = instance.design, instance.y, self.problem.loss
        if not bool(torch.isfinite(X).all()):
            return out
        space = SeenSpace.of(X)
        for i, lam in enumerate(lams):
            # one by one: chains amplify the last digit in which the modes of a path differ
            mode = X.new_zeros(len(space.singular))
            if loss.quadratic is None:
                mode = space.coordinates(train(loss, X, y, np.array([lam])).weights)[:, 0]
            for j, beta in enumerate(betas):
                try:
                    # the same random numbers at every point, so that its company does not matter
                    found = self._draw(space, y, lam, beta, mode, streams["chains"])
                except ArithmeticError:
                    continue
                values, mixed = measure_draws(
                    self.problem,
                    instance,
                    found,
                    lam,
                    beta,
                    space.right[0],
                    streams,
                    self.counts,
                    work,
                )
                good = mixed.within(self.limits)
                status = Status.MIXED if good else Status.UNMIXED
                if not np.isfinite(values["energy"]):
                    status = Status.NONFINITE
                out["status"][i, j] = status
                seen = {"acceptance": found.acceptance, **mixed.__dict__}
                told = {name: seen[name] for name in DIAGNOSTICS}
                for name, value in (told | (values if status == Status.MIXED else {})).items():
                    out[name][i, j] = value
        return out

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
