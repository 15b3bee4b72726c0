"""Networks of convolutions, and what they cost."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from twinpeaks.networks.architectures.base import Architecture
from twinpeaks.sweeps import TorchRandom
from twinpeaks.theory.axes import check_count

__all__ = ["CNN", "ResNet18", "multiply_adds"]


@dataclass(frozen=True)
class CNN(Architecture):
    """Convolutions of 3 x 3 with ReLU, channels doubled and the image halved after each but the first.

    A global mean and a linear layer follow. ``width`` is the number of channels of the first.

    Parameters
    ----------
    layers : int
        Convolutions, >= 1.

    Examples
    --------
    >>> from twinpeaks.sweeps import TorchRandom
    >>> network = CNN(layers=2).module(4, (1, 8, 8), 10, TorchRandom.from_seed(0))
    >>> sum(p.numel() for p in network.parameters())
    426
    """

    layers: int = 3

    def __post_init__(self) -> None:
        """Check the number."""
        check_count("layers", self.layers, 1)

    def module(
        self, width: int, shape: tuple[int, ...], classes: int, random: TorchRandom
    ) -> nn.Module:
        """As ``Architecture``; images of one channel may come without it."""
        parts: list[nn.Module] = [_Channels()]
        before = shape[0] if len(shape) == 3 else 1
        for i in range(self.layers):
            parts += [nn.Conv2d(before, width * 2**i, 3, 1 if i == 0 else 2, 1), nn.ReLU()]
            before = width * 2**i
        parts += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, classes)]
        return drawn(nn.Sequential(*parts).double(), random)


@dataclass(frozen=True)
class ResNet18(Architecture):
    """ResNet-18 (He et al., arXiv 1512.03385) for small images, with k, 2k, 4k and 8k channels.

    ``width`` is k; k = 64 is the network of the article, with the stem of CIFAR: a convolution of 3 x 3
    without stride and without pooling. Batch normalisation uses the statistics of training when outputs are
    measured: those of a batch would couple its points.

    Examples
    --------
    >>> from twinpeaks.sweeps import TorchRandom
    >>> network = ResNet18().module(2, (3, 32, 32), 10, TorchRandom.from_seed(0))
    >>> sum(p.numel() for p in network.parameters())
    11420
    """

    def module(
        self, width: int, shape: tuple[int, ...], classes: int, random: TorchRandom
    ) -> nn.Module:
        """As ``Architecture``."""
        before = shape[0] if len(shape) == 3 else 1
        parts: list[nn.Module] = [_Channels(), *_normed(before, width, 3, 1), nn.ReLU()]
        before = width
        for stage in range(4):
            after = width * 2**stage
            parts += [_Block(before, after, 1 if stage == 0 else 2), _Block(after, after, 1)]
            before = after
        parts += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, classes)]
        return drawn(nn.Sequential(*parts).double(), random)


class _Channels(nn.Module):
    """Images without a channel get one."""

    def forward(self, x: Tensor) -> Tensor:
        """As they are, or with one dimension more."""
        return x[:, None] if x.dim() == 3 else x


class _Block(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            *_normed(before, after, 3, stride), nn.ReLU(), *_normed(after, after, 3, 1)
        )
        straight = stride == 1 and before == after
        self.shortcut = nn.Sequential(*([] if straight else _normed(before, after, 1, stride)))

    def forward(self, x: Tensor) -> Tensor:
        """relu(inner + shortcut)."""
        return torch.relu(self.inner(x) + self.shortcut(x))


def _normed(before: int, after: int, size: int, stride: int) -> list[nn.Module]:
    return [
        nn.Conv2d(before, after, size, stride, size // 2, bias=False),
        nn.BatchNorm2d(after),
    ]


def drawn(network: nn.Module, random: TorchRandom) -> nn.Module:
    """The same network with weights of variance 2 / inputs (He et al., arXiv 1502.01852), biases 0."""
    with torch.no_grad():
        for part in network.modules():
            if isinstance(part, nn.Conv2d | nn.Linear):
                inputs = part.weight[0].numel()
                values = random.normal(*part.weight.shape).to(part.weight.device)
                part.weight.copy_(values * (2.0 / inputs) ** 0.5)
                if part.bias is not None:
                    part.bias.zero_()
    return network


def multiply_adds(network: nn.Module, shape: tuple[int, ...]) -> int:
    """Multiplications with additions of one input in convolutions and linear layers, counted.

    Parameters
    ----------
    network : nn.Module
        Of float64.
    shape : tuple of int
        Of one input.

    Examples
    --------
    >>> from torch import nn
    >>> multiply_adds(nn.Sequential(nn.Flatten(), nn.Linear(64, 10)).double(), (8, 8))
    640
    """
    total = 0

    def count(part: nn.Module, _: object, out: Tensor) -> None:
        nonlocal total
        weight = part.weight
        assert isinstance(weight, Tensor)
        places = out[0].numel() // weight.shape[0]
        total += weight.numel() * places

    hooks = [
        part.register_forward_hook(count)
        for part in network.modules()
        if isinstance(part, nn.Conv2d | nn.Linear)
    ]
    was = network.training
    network.eval()
    with torch.no_grad():
        network(torch.zeros(1, *shape, dtype=torch.float64))
    network.train(was)
    for hook in hooks:
        hook.remove()
    return total
