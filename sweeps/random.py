"""Random tensors from explicit seeds, and the blocks in which inputs are drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["DRAW_ROWS", "TorchRandom", "input_blocks"]

DRAW_ROWS = 1024  # rows of fresh inputs drawn at a time


@dataclass(frozen=True)
class TorchRandom:
    """Random float64 tensors from one torch generator (the ``Random`` protocol of teachers).

    Parameters
    ----------
    generator : torch.Generator
        The state; its device is where the tensors live.
    """

    generator: torch.Generator

    @classmethod
    def from_seed(cls, seed: int, device: torch.device | str = "cpu") -> TorchRandom:
        """Start a stream from a seed >= 0 and < 2**63, of which torch takes the low 32 bits on a CPU."""
        if not 0 <= seed < 2**63:
            raise ValueError(f"seed = {seed}: give an integer >= 0 and < 2**63")
        return cls(torch.Generator(device).manual_seed(seed))

    def normal(self, *shape: int) -> Tensor:
        """Independent standard normals."""
        device = self.generator.device
        return torch.randn(shape, generator=self.generator, dtype=torch.float64, device=device)

    def uniform(self, *shape: int) -> Tensor:
        """Independent uniforms on [0, 1)."""
        device = self.generator.device
        return torch.rand(shape, generator=self.generator, dtype=torch.float64, device=device)


def input_blocks(total: int) -> Iterator[int]:
    """Sizes of the blocks in which fresh inputs are drawn.

    Fixed, and apart from the chunks in which they are worked on: torch's stream depends on the
    shapes asked for, and the draw must not depend on the memory of the machine.
    """
    for start in range(0, total, DRAW_ROWS):
        yield min(DRAW_ROWS, total - start)
