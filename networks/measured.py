"""What is measured of one trained network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from twinpeaks.measure import InputLaw, mean_dimension
from twinpeaks.networks.losses import ClassLoss
from twinpeaks.sweeps import TorchRandom

__all__ = ["Status", "measured"]

_ROWS = 1024  # evaluated at a time
_SAME = 1e-12  # relative range of outputs that are constant up to rounding


class Status(IntEnum):
    """What became of one network."""

    CONVERGED = 0  # trained to the end
    NOT_CONVERGED = 1  # the loss, or the optimality of exact training, did not reach its goal
    DEAD = 2  # every pattern has the same outputs
    NONFINITE = 3  # outputs that are not finite


def measured(
    network: nn.Module,
    reached: bool,
    parts: tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]],
    mean: Tensor,
    loss: ClassLoss,
    laws: Mapping[str, tuple[InputLaw, TorchRandom]],
    outputs: list[str],
    sizes: Mapping[str, Any],
    outcomes: Mapping[str, int],
) -> dict[str, Any]:
    """Errors, losses, mean dimensions and statuses of one network.

    Parameters
    ----------
    network : nn.Module
        Of float64, in evaluation mode.
    reached : bool
        Whether its training came to an end.
    parts : pair of (inputs, labels)
        Training set and test set, inputs less their mean.
    mean : Tensor
        What was subtracted; the laws draw inputs from which nothing is.
    loss : ClassLoss
        Of the training.
    laws : dict
        Laws and the sources of their points, by name.
    outputs : list of str
        Views of ``measure.mean_dimension``.
    sizes : dict
        Its points.
    outcomes : dict
        Statuses of its estimates.
    """
    found = [_evaluated(network, x) for x, _ in parts]
    status = _status(found, reached)
    out: dict[str, Any] = {"status": int(status)}
    for name, f, (_, labels) in zip(("train", "test"), found, parts, strict=True):
        trusted = status == Status.CONVERGED
        wrong = float((f.argmax(-1) != labels).double().mean())
        out[f"{name}_error"] = wrong if trusted else np.nan
        finite = trusted or (name == "train" and status == Status.NOT_CONVERGED)
        out[f"{name}_loss"] = float(loss(f, labels)[0]) if finite else np.nan
    if not laws:
        return out
    shape = len(laws), len(outputs)
    out["bmd"], out["bmd_se"] = np.full(shape, np.nan), np.full(shape, np.nan)
    out["bmd_status"] = np.full(shape, 3)
    if status == Status.CONVERGED:
        whole = uncentred(network, mean)
        for i, (law, random) in enumerate(laws.values()):
            estimates = mean_dimension(
                whole, law=law, random=random, views=outputs, throw=False, **sizes
            )
            for j, name in enumerate(outputs):
                estimate = estimates[name]
                out["bmd"][i, j], out["bmd_se"][i, j] = estimate.value, estimate.standard_error
                out["bmd_status"][i, j] = outcomes.get(estimate.status, 2)
    return out


@torch.no_grad()
def _evaluated(network: nn.Module, x: Tensor) -> Tensor:
    return torch.cat([network(part) for part in torch.split(x, _ROWS)])


def _status(found: Sequence[Tensor], reached: bool) -> Status:
    every = torch.cat(list(found))
    if not bool(torch.isfinite(every).all()):
        return Status.NONFINITE
    spread = every.amax(0) - every.amin(0)
    if bool((spread <= _SAME * every.abs().amax(0)).all()):
        return Status.DEAD
    return Status.CONVERGED if reached else Status.NOT_CONVERGED


class _Shift(nn.Module):
    """Inputs less a constant."""

    def __init__(self, mean: Tensor) -> None:
        super().__init__()
        self.mean: Tensor
        self.register_buffer("mean", mean)

    def forward(self, x: Tensor) -> Tensor:
        """Subtract."""
        return x - self.mean


@torch.no_grad()
def uncentred(network: nn.Module, mean: Tensor) -> nn.Module:
    """The network as a function of inputs from which nothing is subtracted.

    Of networks that begin with a linear layer with biases these take the mean up, so that
    ``measure.mean_dimension`` still sees the layer.
    """
    if not bool(mean.any()):
        return network
    layers = list(network) if type(network) is nn.Sequential else []
    if len(layers) > 1 and type(layers[0]) is nn.Flatten and type(layers[1]) is nn.Linear:
        first = layers[1]
        new = nn.Linear(first.in_features, first.out_features, dtype=first.weight.dtype)
        new = new.to(first.weight.device)
        shift = first.weight @ mean.flatten()
        new.weight.copy_(first.weight)
        new.bias.copy_(-shift if first.bias is None else first.bias - shift)
        return nn.Sequential(layers[0], new, *layers[2:]).eval()
    return nn.Sequential(_Shift(mean), network).eval()
