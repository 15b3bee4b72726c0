"""What is measured on a trained instance, apart from the mean dimension."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulate.device import Workspace
from simulate.draw import Instance, TorchRandom, features, input_blocks
from theory.activations import HermiteMoments
from theory.losses import Loss
from theory.problem import Problem
from theory.teachers import Sign

__all__ = ["measure_overlaps", "measure_test_error", "measure_training", "overlap_test_error"]

Values = NDArray[np.float64]


def _host(x: Tensor) -> Values:
    return np.asarray(x.cpu().numpy(), dtype=float)


def measure_overlaps(instance: Instance, W: Tensor, moments: HermiteMoments) -> dict[str, Values]:
    """q_d, p_d, r, Q_d and m of the columns of W, each of shape (n_lam,)."""
    D, N = instance.F.shape
    s = instance.F @ W / N**0.5
    q, p = _host((W * W).sum(0) / N), _host((s * s).sum(0) / D)
    r = _host(instance.teacher @ s / D)
    Q = moments.kappa_1**2 * p + moments.kappa_star**2 * q
    return {"q_d": q, "p_d": p, "r": r, "Q_d": Q, "m": moments.kappa_1 * r}


def overlap_test_error(teacher: Any, Q_d: Values, m: Values) -> Values:
    """Test error if teacher and student fields are jointly Gaussian: arccos(m/sqrt(rho Q_d))/pi.

    Holds for the noiseless sign teacher alone; NaN for any other, and where Q_d = 0.
    """
    if type(teacher) is not Sign:
        return np.full_like(Q_d, np.nan)
    safe = np.where(Q_d > 0, teacher.rho * Q_d, np.nan)
    # |m| <= sqrt(rho Q_d) by Cauchy-Schwarz on the measured vectors: only rounding is clipped.
    return np.asarray(np.arccos(np.clip(m / np.sqrt(safe), -1.0, 1.0)) / np.pi)


def measure_training(loss: Loss, instance: Instance, W: Tensor, lam: Values) -> dict[str, Values]:
    """train_loss, train_error and energy, each of shape (n_lam,)."""
    P, N = instance.design.shape
    t, y = instance.design @ W, instance.y[:, None]
    total = _host(loss.value(y, t).sum(0))
    penalty = 0.5 * lam * _host((W * W).sum(0))
    return {
        "train_loss": total / P,
        "train_error": _host((y * t < 0).double().mean(0)),
        "energy": (total + penalty) / N,
    }


def measure_test_error(
    problem: Problem,
    instance: Instance,
    W: Tensor,
    random: TorchRandom,
    n_test: int,
    work: Workspace,
) -> dict[str, Values]:
    """test_error on fresh Gaussian inputs with fresh labels, and its binomial standard error."""
    D, N = instance.F.shape
    wrong = torch.zeros(W.shape[1], dtype=torch.float64, device=W.device)
    for block in input_blocks(n_test):
        x = random.normal(block, D)
        y = problem.teacher.sample(x @ instance.teacher / D**0.5, random)
        for inputs, labels in zip(
            torch.split(x, work.rows(N)), torch.split(y, work.rows(N)), strict=True
        ):
            f = features(problem.activation, inputs, instance.F) @ W
            wrong += (labels[:, None] * f < 0).sum(0)
    error = _host(wrong) / n_test
    return {"test_error": error, "test_error_se": np.sqrt(error * (1.0 - error) / n_test)}
