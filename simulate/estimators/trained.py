"""What is measured on a trained instance, apart from the mean dimension."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from twinpeaks.measure.moments import binomial_error
from twinpeaks.simulate.draw import Instance
from twinpeaks.sweeps.device import Workspace
from twinpeaks.sweeps.random import TorchRandom
from twinpeaks.theory.activations import HermiteMoments
from twinpeaks.theory.arrays import Array
from twinpeaks.theory.problem import Problem
from twinpeaks.theory.random import input_blocks
from twinpeaks.theory.teachers.base import RealTeacher, Teacher

__all__ = ["measure_overlaps", "measure_test_error", "measure_training", "overlap_test_error"]


def _host(x: Tensor) -> Array:
    return np.asarray(x.cpu().numpy(), dtype=float)


def measure_overlaps(instance: Instance, W: Tensor, moments: HermiteMoments) -> dict[str, Array]:
    """q_d, p_d, r, Q_d and m of the columns of W, each of shape (n_lam,)."""
    layers = instance.layers
    q, p = _host((W * W).sum(0) / layers.N), _host(layers.linear_norm(W))
    r = _host(instance.teacher @ layers.project(W) / layers.D)
    Q = moments.kappa_1**2 * p + moments.kappa_star**2 * q
    return {"q_d": q, "p_d": p, "r": r, "Q_d": Q, "m": moments.kappa_1 * r}


def overlap_test_error(teacher: Teacher, Q_d: Array, m: Array) -> Array:
    """Test error of a student field of variance Q_d and covariance m with the teacher's.

    Notes
    -----
    With (nu, f) jointly Gaussian the label law alone decides: ``Teacher.test_error``. NaN for binary
    labels where Q_d = 0.
    """
    if isinstance(teacher, RealTeacher):
        return teacher.test_error(m, Q_d)
    out = np.full(np.shape(Q_d), np.nan)
    seen = Q_d > 0
    # |m| <= sqrt(rho Q_d) by Cauchy-Schwarz on the measured vectors: only rounding is clipped.
    bound = np.sqrt(teacher.rho * Q_d[seen])
    out[seen] = teacher.test_error(np.clip(m[seen], -bound, bound), Q_d[seen])
    return out


def _pattern_error(teacher: Teacher, y: Tensor, f: Tensor) -> Tensor:
    """(y - f)^2 for real labels, 1[y f < 0] for binary ones; y broadcasts over the columns of f."""
    y = y[:, None]
    return (y - f) ** 2 if isinstance(teacher, RealTeacher) else (y * f < 0).to(f.dtype)


def measure_training(
    problem: Problem, instance: Instance, W: Tensor, lam: Array
) -> dict[str, Array]:
    """train_loss, train_error and energy, each of shape (n_lam,)."""
    P, N = instance.design.shape
    t, y = instance.design @ W, instance.y
    total = _host(problem.loss.value(y[:, None], t).sum(0))
    penalty = 0.5 * lam * _host((W * W).sum(0))
    return {
        "train_loss": total / P,
        "train_error": _host(_pattern_error(problem.teacher, y, t).mean(0)),
        "energy": (total + penalty) / N,
    }


def measure_test_error(
    problem: Problem,
    instance: Instance,
    W: Tensor,
    random: TorchRandom,
    n_test: int,
    work: Workspace,
) -> dict[str, Array]:
    """test_error on fresh Gaussian inputs with fresh labels, and its standard error.

    The standard error is the binomial one for binary labels
    (``twinpeaks.measure.moments.binomial_error``), which is not 0 where no error was seen, and
    sqrt(var / n_test) for real ones, NaN at n_test = 1.
    """
    layers = instance.layers
    D, N, rows = layers.D, layers.N, work.rows(layers.widest)
    total = torch.zeros(W.shape[1], dtype=torch.float64, device=W.device)
    square = torch.zeros_like(total)
    for block in input_blocks(n_test):
        x = random.normal(block, D)
        y = problem.teacher.sample(x @ instance.teacher / D**0.5, random)
        for inputs, labels in zip(torch.split(x, rows), torch.split(y, rows), strict=True):
            f = layers(inputs) @ W / N**0.5
            error = _pattern_error(problem.teacher, labels, f)
            total += error.sum(0)
            square += (error**2).sum(0)
    mean = _host(total) / n_test
    if not isinstance(problem.teacher, RealTeacher):
        return {"test_error": mean, "test_error_se": binomial_error(_host(total), n_test)}
    # No cancellation to fear: squared errors vary by as much as their mean. Rounding of constant ones is cut.
    variance = np.maximum(_host(square) - n_test * mean**2, 0.0) / (n_test - 1 or np.nan)
    return {"test_error": mean, "test_error_se": np.sqrt(variance / n_test)}
