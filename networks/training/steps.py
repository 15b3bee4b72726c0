"""The one loop of gradient steps: all networks of a bank at once, each as if it were alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from twinpeaks.networks.bank import Bank
from twinpeaks.networks.training.options import Training
from twinpeaks.networks.training.sets import Sets
from twinpeaks.theory.arrays import Bools

__all__ = ["descend"]


def descend(bank: Bank, sets: Sets, training: Training, weight_decay: float, stream: str) -> Bools:
    """Train every network of a bank.

    Parameters
    ----------
    bank : Bank
        Whose parameters move.
    sets : Sets
        Training set of every member.
    training : Training
        Loss, steps and end.
    weight_decay : float
        c of the penalty c |w|^2 / 2, of weights and biases, beside the mean loss.
    stream : str
        Of the order of patterns, of which every member has its own.

    Returns
    -------
    ndarray of bool, shape (widths, members)
        Whether the loss has reached ``training.stop``; all, where none is given.

    Notes
    -----
    The loss of the bank is the sum of those of its networks, and the optimisers work parameter by parameter:
    no network sees another. One that has reached ``stop`` is kept as it was then, and the steps of the others
    go on.
    """
    inputs = sets.inputs.to(bank.flat.dtype)
    loss, memory, count = training.loss, training.optimiser.memory(bank.flat), 0
    done = np.zeros((bank.widths, bank.members), dtype=bool)
    kept: dict[tuple[int, int], list[Tensor]] = {}
    orders = _Orders(sets, training.batch, stream)
    for epoch in range(training.epochs):
        lr, values = training.rate(epoch), None
        for part in orders:
            x, y = (inputs, sets.labels) if part is None else _picked(inputs, sets.labels, part)
            if training.perturbation is not None:
                x = _moved(bank, x, y, sets, training)
            values, slopes = loss(bank.outputs(x), y)
            if part is None and training.stop is not None:  # before the step that uses these slopes
                _keep(bank, values, training.stop, done, kept)
                if done.all():
                    break
            bank.backward(slopes)
            if weight_decay:
                bank.gradient.add_(bank.flat, alpha=weight_decay)
            count += 1
            training.optimiser.step(bank.flat, bank.gradient, memory, lr, count)
        if training.stop is not None and orders.mini:
            values, _ = loss(bank.outputs(inputs), sets.labels)
            _keep(bank, values, training.stop, done, kept)
        if done.all():
            break
    if training.stop is not None and not done.all():  # the last step may have done it
        values, _ = loss(bank.outputs(inputs), sets.labels)
        _keep(bank, values, training.stop, done, kept)
    for place, state in kept.items():
        for now, then in zip(bank.state(*place), state, strict=True):
            now.copy_(then)
    return done if training.stop is not None else np.ones_like(done)


def _keep(
    bank: Bank,
    values: Tensor,
    stop: float,
    done: Bools,
    kept: dict[tuple[int, int], list[Tensor]],
) -> None:
    """Note the networks that have reached the end, and what they are then."""
    new = (values <= stop).cpu().numpy() & ~done
    for w, s in np.argwhere(new).tolist():
        kept[w, s] = [part.clone() for part in bank.state(w, s)]
    done |= new


class _Orders:
    """Of every epoch its steps: None for one on all patterns, or which patterns of every member."""

    def __init__(self, sets: Sets, batch: int | None, stream: str) -> None:
        self.n, self.batch = sets.labels.shape[1], batch
        self.mini = batch is not None and batch < self.n
        self.sources = [source(stream, 0) for source in sets.sources] if self.mini else []
        self.device = sets.labels.device

    def __iter__(self) -> Iterator[Tensor | None]:
        if not self.mini:
            yield None
            return
        order = torch.stack([torch.argsort(source.uniform(self.n)) for source in self.sources])
        yield from torch.split(order.to(self.device), self.batch or self.n, 1)


def _picked(inputs: Tensor, labels: Tensor, part: Tensor) -> tuple[Tensor, Tensor]:
    member = torch.arange(len(part), device=part.device)[:, None]
    return inputs[member, part], labels[member, part]


def _moved(bank: Bank, x: Tensor, y: Tensor, sets: Sets, training: Training) -> Tensor:
    """Inputs of every network, moved uphill in its own loss."""
    attack = training.perturbation
    assert attack is not None
    low, high = (edge.to(x.dtype) for edge in sets.box)
    low, high = torch.maximum(low, x - attack.eps), torch.minimum(high, x + attack.eps)
    now = x
    for _ in range(attack.steps):
        _, slopes = training.loss(bank.outputs(now), y)
        uphill = bank.input_slopes(slopes).sign_()
        now = torch.clamp(now + attack.size * uphill, low, high)
    return now
