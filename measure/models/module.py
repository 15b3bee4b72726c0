"""Modules of torch, and the affine layers that some begin with.

A replaced input moves the pre-activations after the leading affine layers (flattening, linear and
convolutional layers, batch norm with frozen statistics) by its change times the response of those layers to
that input alone. Neighbours of a point then cost no product with the first layer.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor, nn

from twinpeaks.measure.models.base import CHUNK, Model, Started, pieces
from twinpeaks.measure.models.function import returned
from twinpeaks.theory.arrays import Array, Index

__all__ = ["Module", "evaluating"]

_FREE = (
    nn.Flatten,
    nn.Unflatten,
    nn.Identity,
    nn.Dropout,
    nn.Dropout1d,
    nn.Dropout2d,
    nn.Dropout3d,
)
_AFFINE = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


_LOCK = Lock()
_MODES: WeakKeyDictionary[nn.Module, tuple[int, list[nn.Module]]] = WeakKeyDictionary()


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Keep a module in evaluation mode, and put back its mode when the last of those who asked is done."""
    with _LOCK:
        users, training = _MODES.get(module, (0, []))
        if not users:
            training = [part for part in module.modules() if part.training]
        _MODES[module] = users + 1, training
    try:
        with suppress(NotImplementedError):  # an exported program keeps the mode of its export
            module.eval()
        yield
    finally:
        with _LOCK:
            users, training = _MODES.pop(module)
            if users > 1:
                _MODES[module] = users - 1, training
            else:
                for part in training:
                    part.training = True


class Module(Model):
    """A module in evaluation mode, on its own device and in its own precision, without gradients.

    Parameters
    ----------
    module : torch.nn.Module
        In evaluation mode, such as inside ``evaluating``.
    shape : tuple of int
        Of one point.
    """

    def __init__(self, module: nn.Module, shape: tuple[int, ...]) -> None:
        self._module, self._shape = module, shape
        numbers = [t for t in (*module.parameters(), *module.buffers()) if t.is_floating_point()]
        kind = numbers[0] if numbers else torch.empty(0)
        self._device, self._dtype = kind.device, kind.dtype
        self._head, self._tail = _split(module)
        self._rest: Tensor | None = None

    @torch.no_grad()
    def __call__(self, x: Array) -> Array:
        """Outputs, shape (rows, outputs)."""
        points = self._tensor(x)
        try:
            found = self._module(points)
        except (RuntimeError, TypeError, ValueError, IndexError, AssertionError) as error:
            if isinstance(error, torch.cuda.OutOfMemoryError):
                raise
            said = str(error).strip().rpartition("\n")[2]  # TorchScript shows its source before
            raise ValueError(
                f"the module failed on points of shape {tuple(points.shape)} in {self._dtype}: {said}; "
                "give the shape of one point, such as n=(1, 28, 28), or a law of that shape"
            ) from error
        return self._read(found, len(x))

    @torch.no_grad()
    def start(self, x: Array) -> Started:
        """Evaluate points, and keep what comes out of the leading affine layers."""
        if self._head is None:
            return super().start(x)
        before = torch.cat([self._head(self._tensor(x[p])) for p in pieces(len(x), x.shape[1])])
        width = math.prod(before.shape[1:])
        # a layer that works in place must not reach what is kept
        found = [self._read(self._tail(before[p].clone()), None) for p in pieces(len(x), width)]
        return Started(x, np.concatenate(found), before)

    @torch.no_grad()
    def replaced(self, started: Started, rows: slice, columns: Index, values: Array) -> Array:
        """Outputs at neighbours, from the responses of the leading affine layers."""
        if self._head is None:
            return super().replaced(started, rows, columns, values)
        before = started.kept[rows]
        change = values - started.x[rows][:, columns]
        width = math.prod(before.shape[1:])
        found = []
        for part in pieces(len(columns), len(before) * width):
            some = columns[part]
            moved = self._moved(before, some, change[:, part])
            flat = moved.reshape(-1, *before.shape[1:])
            outputs = np.concatenate(
                [self._read(self._tail(flat[p]), None) for p in pieces(len(flat), width)]
            )
            found.append(outputs.reshape(len(before), len(some), -1))
        return np.concatenate(found, axis=1)

    def _moved(self, before: Tensor, columns: Index, change: Array) -> Tensor:
        """Pre-activations of neighbours, shape (rows, m, ...)."""
        # of a group with fewer columns than others the first is repeated, and counts once
        repeated = columns == columns[:, :1]
        repeated[:, 0] = False
        change = np.where(repeated, 0.0, change)
        delta = torch.from_numpy(change).to(self._device, self._dtype)
        m, width = columns.shape
        response = self._response(columns.ravel()).reshape(m, width, -1)
        flat = before.reshape(len(before), 1, -1)
        if width == 1:
            return torch.addcmul(flat, delta, response[None, :, 0])
        return flat + torch.einsum("rmw,mwh->rmh", delta, response)

    def _response(self, columns: Index) -> Tensor:
        """What the leading layers make of 1 in a column, less what they make of 0."""
        assert self._head is not None
        linear = _single_linear(self._head, math.prod(self._shape))
        if linear is not None:
            return linear.weight.T[torch.from_numpy(columns).to(self._device)]
        size = math.prod(self._shape)
        if self._rest is None:
            self._rest = self._head(self._tensor(np.zeros((2, size))))[:1]
        found = []
        for part in pieces(len(columns), max(size, CHUNK // 256)):
            basis = np.zeros((len(columns[part]), size))
            basis[np.arange(len(basis)), columns[part]] = 1.0
            found.append(self._head(self._tensor(basis)) - self._rest)
        return torch.cat(found)

    def _tensor(self, x: Array) -> Tensor:
        points = np.ascontiguousarray(x).reshape(-1, *self._shape)
        tensor = torch.from_numpy(points).to(self._device, self._dtype)
        return (
            tensor.clone() if tensor.data_ptr() == points.__array_interface__["data"][0] else tensor
        )

    def _read(self, found: Any, rows: int | None) -> Array:
        if not isinstance(found, Tensor):
            raise ValueError(
                f"the module returned a {type(found).__name__}: wrap it in a function that returns one tensor"
            )
        flat = found.reshape(len(found), -1) if found.ndim > 2 else found
        outputs, self.spacing = returned(flat, len(found) if rows is None else rows)
        if not np.isfinite(outputs).all():
            raise ValueError(
                "the module returned numbers that are not finite: check its weights, and that the law is one "
                "of inputs it was made for"
            )
        return outputs


def _leaves(module: nn.Module) -> Iterator[nn.Module]:
    """Layers of nested Sequentials, in order."""
    if type(module) is nn.Sequential:
        for part in module:
            yield from _leaves(part)
    else:
        yield module


def _hooked(module: nn.Module) -> bool:
    return bool(module._forward_hooks or module._forward_pre_hooks)


def _split(module: nn.Module) -> tuple[nn.Module | None, nn.Module]:
    """The affine layers that a module begins with, and what follows; None where there are none."""
    layers = list(_leaves(module))
    if any(map(_hooked, module.modules())):
        return None, module
    count = 0
    for layer in layers:
        frozen = type(layer) in _NORMS and getattr(layer, "running_mean", None) is not None
        padded = getattr(layer, "padding_mode", "zeros") == "zeros"
        if not (type(layer) in (*_FREE, *_AFFINE) and padded) and not frozen:
            break
        count += 1
    if not any(type(layer) in _AFFINE for layer in layers[:count]):
        return None, module
    return nn.Sequential(*layers[:count]).eval(), nn.Sequential(*layers[count:]).eval()


def _single_linear(head: nn.Module, columns: int) -> nn.Linear | None:
    """The layer, if the leading ones are a linear layer and what flattens or does nothing before it."""
    layers = list(_leaves(head))
    plain = all(type(layer) in (nn.Flatten, nn.Identity, nn.Dropout) for layer in layers[:-1])
    flat = all(
        getattr(layer, "start_dim", 1) == 1 and getattr(layer, "end_dim", -1) == -1
        for layer in layers
    )
    last = layers[-1]
    if plain and flat and isinstance(last, nn.Linear) and last.in_features == columns:
        return last
    return None
