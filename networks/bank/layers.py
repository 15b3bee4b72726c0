"""A bank of fully connected networks: first layers as one matrix product, later layers width by width.

Activations are kept as (members, units, rows), the units of all widths behind one another: those of one width
are then contiguous blocks, which later layers multiply where they lie. The first layer of all widths is one
stacked product of (units, D) with (D, rows). Slopes are written out, layer by layer: there is no graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from twinpeaks.networks.bank.base import Bank, packed
from twinpeaks.networks.bank.elementwise import Elementwise
from twinpeaks.theory.activations import Activation

__all__ = ["LayerBank"]


class LayerBank(Bank):
    """Networks made of linear layers with one activation between them.

    Parameters
    ----------
    networks : sequence of sequences of nn.Sequential
        By width, and by member: ``Flatten``, then linear layers and activations in turn. Their weights are
        copied.
    activation : Activation
        Between layers.
    shape : tuple of int
        Of one input.
    device, dtype
        Where, and in which precision.
    """

    def __init__(
        self,
        networks: Sequence[Sequence[nn.Module]],
        activation: Activation,
        shape: tuple[int, ...],
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self.networks, self.shape = networks, shape
        self.widths, self.members = len(networks), len(networks[0])
        self.act = Elementwise(activation)
        S = self.members
        found = [[_linear(network) for network in row] for row in networks]
        firsts = [row[0][0] for row in found]
        ends = [0]
        for layer in firsts:
            ends.append(ends[-1] + layer.out_features)
        self.blocks = [slice(a, b) for a, b in pairwise(ends)]
        D = firsts[0].in_features
        shapes: list[tuple[int, ...]] = [(S, ends[-1], D), (S, ends[-1], 1)]
        for row in found:
            for layer in row[0][1:]:
                o, i = layer.out_features, layer.in_features
                shapes += [(S, o, i), (S, o, 1)]
        self.flat, self.values = packed(shapes, device, dtype)
        self.gradient, self.slopes = packed(shapes, device, dtype)
        self.depth = len(found[0][0]) - 1
        self.classes = found[0][0][-1].out_features
        with torch.no_grad():
            for w, row in enumerate(found):
                for s, layers in enumerate(row):
                    parts = iter(self.state(w, s))
                    for layer in layers:
                        next(parts).copy_(layer.weight)
                        next(parts).copy_(layer.bias[:, None])
        self._room: dict[str, Tensor] = {}
        self._blocks: dict[str, list[Tensor]] = {}
        self._layers = [self._later(w, self.values) for w in range(self.widths)]
        self._grads = [self._later(w, self.slopes) for w in range(self.widths)]

    def _later(self, width: int, tensors: list[Tensor]) -> list[tuple[Tensor, Tensor]]:
        """Weights and biases of the layers of a width behind the first."""
        start = 2 + 2 * self.depth * width
        own = tensors[start : start + 2 * self.depth]
        return list(zip(own[::2], own[1::2], strict=True))

    def _buffer(self, name: str, *shape: int) -> Tensor:
        """Memory that is used again in every step."""
        held = self._room.get(name)
        if held is None or held.shape != shape:
            held = self._room[name] = self.flat.new_empty(shape)
            whole = name == "outputs"
            self._blocks[name] = list(held) if whole else [held[:, block] for block in self.blocks]
        return held

    @torch.no_grad()
    def outputs(self, inputs: Tensor) -> Tensor:
        """As ``Bank``."""
        W, S = self.values[0], self.members
        own = self.each(inputs)
        rows = inputs.shape[2] if own else inputs.shape[1]
        x = inputs.reshape(*inputs.shape[: 3 if own else 2], -1)
        z = self._buffer("first", S, W.shape[1], rows)
        self._inputs, self._own = x, own
        if own:
            for w, block in enumerate(self.blocks):
                torch.bmm(W[:, block], x[w].mT, out=z[:, block])
        else:
            torch.bmm(W, x.mT, out=z)
        z += self.values[1]
        first, kept = self.act.forward(z)
        self._kept: list[list[tuple[Tensor, Tensor]]] = []
        out = self._buffer("outputs", self.widths, S, self.classes, rows)
        self._whole, same, outs = kept, kept.data_ptr() == z.data_ptr(), self._blocks["outputs"]
        for w, block in enumerate(self.blocks):
            own_block = self._blocks["first"][w]
            hidden = [(own_block, own_block) if same else (first[:, block], kept[:, block])]
            layers = self._layers[w]
            for weight, bias in layers[:-1]:
                hidden.append(self.act.forward(torch.baddbmm(bias, weight, hidden[-1][0])))
            weight, bias = layers[-1]
            torch.bmm(weight, hidden[-1][0], out=outs[w])
            outs[w] += bias
            self._kept.append(hidden)
        return out.mT

    def _back(self, slopes: Tensor, learn: bool) -> Tensor:
        """Slopes in the first pre-activations, and those of later weights where they are to learn."""
        down = slopes.mT
        rows = down.shape[-1]
        delta = self._buffer("delta", self.members, self.values[0].shape[1], rows)
        for w, now in enumerate(down):
            layers, grads = self._layers[w], self._grads[w]
            for k in reversed(range(self.depth)):
                value, kept = self._kept[w][k]
                if learn:
                    torch.bmm(now, value.mT, out=grads[k][0])
                    torch.sum(now, -1, keepdim=True, out=grads[k][1])
                weight = layers[k][0]
                if k:
                    now = self.act.backward(torch.bmm(weight.mT, now), kept)
                else:
                    torch.bmm(weight.mT, now, out=self._blocks["delta"][w])
        return self.act.backward(delta, self._whole)

    @torch.no_grad()
    def backward(self, slopes: Tensor) -> None:
        """As ``Bank``."""
        delta = self._back(slopes, learn=True)
        if self._own:
            for w, block in enumerate(self.blocks):
                torch.bmm(delta[:, block], self._inputs[w], out=self.slopes[0][:, block])
        else:
            torch.bmm(delta, self._inputs, out=self.slopes[0])
        torch.sum(delta, -1, keepdim=True, out=self.slopes[1])

    @torch.no_grad()
    def input_slopes(self, slopes: Tensor) -> Tensor:
        """As ``Bank``."""
        delta, W = self._back(slopes, learn=False), self.values[0]
        found = [torch.bmm(delta[:, b].mT, W[:, b]) for b in self.blocks]
        return torch.stack(found).reshape(self.widths, *delta.shape[::2], *self.shape)

    def state(self, width: int, member: int) -> list[Tensor]:
        """As ``Bank``."""
        block = self.blocks[width]
        first = [self.values[0][member, block], self.values[1][member, block]]
        later = [t[member] for pair in self._later(width, self.values) for t in pair]
        return first + later

    @torch.no_grad()
    def module(self, width: int, member: int) -> nn.Module:
        """As ``Bank``."""
        from copy import deepcopy

        network = deepcopy(self.networks[width][member]).to(self.flat.device)
        parts = iter(self.state(width, member))
        for layer in _linear(network):
            layer.weight.copy_(next(parts))
            layer.bias.copy_(next(parts).squeeze(-1))
        return network.eval()


def _linear(network: nn.Module) -> list[nn.Linear]:
    return [layer for layer in network.modules() if isinstance(layer, nn.Linear)]
