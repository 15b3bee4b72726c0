"""Random tensors from explicit seeds and names.

On a CPU the numbers are numpy's, from PCG64: torch's generator there takes the low 32 bits of a seed, so that
of the many streams of a large sweep some would be equal, and draws half as many normals per second (one
thread: 60 million against 19 to 30; uniforms 213 million against 65 to 94). On a GPU they are torch's,
whose generator takes 64 bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
import torch
from array_api_compat import array_namespace
from torch import Tensor

from twinpeaks.theory.axes import check_count
from twinpeaks.theory.random import Random

__all__ = ["TorchRandom", "hypercube"]


@dataclass(frozen=True)
class TorchRandom:
    """Random float64 tensors from one generator (the ``Random`` protocol of teachers).

    Parameters
    ----------
    generator : numpy.random.Generator or torch.Generator
        The state. Tensors live on the device of torch's, and on the CPU where it is numpy's.

    Notes
    -----
    One seed draws the same numbers on every CPU, in whatever shapes they are asked for, up to the last bits
    of its mathematical library and as long as numpy keeps its ``Generator`` as it is. A GPU draws others,
    which depend on the shapes too.
    """

    generator: np.random.Generator | torch.Generator

    @classmethod
    def from_seed(cls, seed: int, device: torch.device | str = "cpu") -> TorchRandom:
        """Start a stream.

        Parameters
        ----------
        seed : int
            >= 0 and of any size. On a CPU it is hashed to 128 bits as by ``numpy.random.default_rng(seed)``,
            whose numbers are drawn; on a GPU, to 64 bits.
        device : torch.device or str
            Where tensors are drawn.

        Raises
        ------
        ValueError
            Unless the seed is an integer >= 0.

        Examples
        --------
        >>> float(TorchRandom.from_seed(2**40).normal(1)) == np.random.default_rng(2**40).normal()
        True
        """
        sequence = np.random.SeedSequence(check_count("seed", seed, 0))
        if torch.device(device).type == "cpu":
            return cls(np.random.Generator(np.random.PCG64(sequence)))
        entropy = int(sequence.generate_state(1, np.uint64)[0])
        return cls(torch.Generator(device).manual_seed(entropy))

    @classmethod
    def named(cls, name: str, *key: int, device: torch.device | str = "cpu") -> TorchRandom:
        """Start the stream of a name, of one instance: independent of those of other names and keys.

        Parameters
        ----------
        name : str
            What is drawn, such as "test". Another name beside it moves nothing.
        *key : int
            What tells instances apart, such as seed, D, N and P.
        device : torch.device or str
            Where tensors are drawn.

        Notes
        -----
        The seed is the SHA-256 digest of name and key.
        """
        label = ",".join([name, *(str(int(number)) for number in key)])
        return cls.from_seed(int.from_bytes(sha256(label.encode()).digest()), device)

    def normal(self, *shape: int) -> Tensor:
        """Independent standard normals."""
        source = self.generator
        if isinstance(source, np.random.Generator):
            return torch.from_numpy(source.standard_normal(shape))
        return torch.randn(shape, generator=source, dtype=torch.float64, device=source.device)

    def uniform(self, *shape: int) -> Tensor:
        """Independent uniforms on [0, 1)."""
        source = self.generator
        if isinstance(source, np.random.Generator):
            return torch.from_numpy(source.random(shape))
        return torch.rand(shape, generator=source, dtype=torch.float64, device=source.device)


def hypercube(random: Random, rows: int, n: int) -> Any:
    """Uniform points of {-1, 1}^n, shape (rows, n)."""
    u = random.uniform(rows, n)
    xp = array_namespace(u)
    return xp.where(u < 0.5, -xp.ones_like(u), xp.ones_like(u))
