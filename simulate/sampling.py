"""Sampling one instance: draw it, draw weights for every lam and beta, measure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulate.boltzmann import SeenSpace, gaussian_draws
from simulate.device import Workspace
from simulate.draw import Streams, TorchRandom, draw_instance
from simulate.hmc import run_chains
from simulate.mixing import Limits, Status
from simulate.posterior import DIAGNOSTICS, OBSERVED, Counts, Draws, measure_draws
from simulate.sweep import Task, _threads
from simulate.train import train
from theory.losses.base import Loss
from theory.problem import Problem

__all__ = ["VARIABLES", "Protocol", "check_smooth", "perform"]

Values = NDArray[np.float64]

#: Rows of what ``perform`` returns.
VARIABLES = (
    *(key for name in OBSERVED for key in (name, f"{name}_se")),
    *DIAGNOSTICS,
    "status",
)
_STREAM = 5  # beside the children 0 .. 3 that Streams spawns of an instance, and 4 of starts


@dataclass(frozen=True)
class Protocol:
    """What is done with every instance; ``perform`` is a pure function of it and of a Task.

    Attributes
    ----------
    problem : Problem
        What to learn, and with what.
    beta : tuple of float
        Inverse temperatures, which share the instance.
    chains, warmup, draws : int
        Chains, and transitions of each that are thrown away and kept.
    trajectory : float
        Mean length of a trajectory in quarter periods.
    limits : Limits
        What chains must reach.
    counts : Counts
        Inputs of test error and mean dimension.
    work : Workspace
        Device and chunk size.
    threads : int
        CPU threads.
    """

    problem: Problem
    beta: tuple[float, ...]
    chains: int
    warmup: int
    draws: int
    trajectory: float
    limits: Limits
    counts: Counts
    work: Workspace
    threads: int

    def describe(self) -> dict[str, Any]:
        """Everything that a result depends on beside its task and its place on the axes."""
        return {
            "problem": repr(self.problem),
            "chains": self.chains,
            "warmup": self.warmup,
            "draws": self.draws,
            "trajectory": self.trajectory,
            "largest_r_hat": self.limits.r_hat,
            "least_ess": self.limits.ess,
            **self.counts.__dict__,
            "device": self.work.device.type,
            "chunk": self.work.chunk,
            "threads": self.threads,
            "torch": str(torch.__version__),
        }


def check_smooth(loss: Loss) -> None:
    """Refuse a loss that has no force everywhere.

    Raises
    ------
    ValueError
        Unless the loss is convex and its slope continuous.
    """
    constraint = loss.quadratic is not None and not loss.quadratic > 0
    if constraint or not loss.convex or len(loss.kinks(1.0)) > 0:
        raise ValueError(
            f"loss = {loss!r} has no continuous slope: sampling supports smooth convex losses, such "
            "as Square, Logistic, SquaredHinge and Exponential"
        )


def perform(protocol: Protocol, task: Task) -> Values:
    """Draw one instance, sample it for every lam and beta, and measure.

    Returns
    -------
    ndarray of shape (variables, n_lam, n_beta)
    """
    work, size = protocol.work, (task.D, task.N, task.P)
    out = np.full((len(VARIABLES), len(task.lam), len(protocol.beta)), np.nan)
    out[-1] = Status.NONFINITE
    with _threads(protocol.threads):
        streams = Streams.of(task.seed, *size, work.device)
        instance = draw_instance(protocol.problem, *size, streams.training, work)
        X, y, loss = instance.design, instance.y, protocol.problem.loss
        if not bool(torch.isfinite(X).all()):
            return out
        space = SeenSpace.of(X)
        for i, lam in enumerate(task.lam):
            # one by one: chains amplify the last digit in which the modes of a path differ
            mode = X.new_zeros(len(space.singular))
            if loss.quadratic is None:
                mode = space.coordinates(train(loss, X, y, np.array([lam])).weights)[:, 0]
            for j, beta in enumerate(protocol.beta):
                # the same random numbers at every point, so that its company does not matter
                random = _random(task, work.device)
                try:
                    found = _draw(protocol, space, y, lam, beta, mode, random)
                except ArithmeticError:
                    continue
                values, mixed = measure_draws(
                    protocol.problem,
                    instance,
                    found,
                    lam,
                    beta,
                    space.right[0],
                    Streams.of(task.seed, *size, work.device),
                    protocol.counts,
                    work,
                )
                good = mixed.within(protocol.limits)
                status = Status.MIXED if good else Status.UNMIXED
                if not np.isfinite(values["energy"]):
                    status = Status.NONFINITE
                record = [v if status == Status.MIXED else np.nan for v in values.values()]
                seen = {"acceptance": found.acceptance, **mixed.__dict__}
                out[:, i, j] = [*record, *(seen[name] for name in DIAGNOSTICS), status]
    return out


def _random(task: Task, device: torch.device) -> TorchRandom:
    entropy = (task.seed, task.D, task.N, task.P)
    child = np.random.SeedSequence(entropy, spawn_key=(_STREAM,))
    return TorchRandom.from_seed(int(child.generate_state(1, np.uint64)[0] >> np.uint64(1)), device)


def _draw(
    protocol: Protocol,
    space: SeenSpace,
    y: Tensor,
    lam: float,
    beta: float,
    mode: Tensor,
    random: TorchRandom,
) -> Draws:
    """Weights of shape (N, chains, draws)."""
    loss, shape = protocol.problem.loss, (protocol.chains, protocol.draws)
    noise = random.normal(space.right.shape[1], protocol.chains * protocol.draws)
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
        chains=protocol.chains,
        warmup=protocol.warmup,
        draws=protocol.draws,
        trajectory=protocol.trajectory,
    )
    W = space.lift(found.v.view(len(mode), -1), noise, beta * lam)
    return Draws(W.view(-1, *shape), independent=False, acceptance=found.acceptance)
