"""Where to compute and how much memory to use there."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable
from dataclasses import dataclass

import torch

__all__ = ["Workspace", "choose_device", "device_name", "plan_memory"]

_FLOAT = 8
_DRAW_ROWS = 1024  # rows of fresh inputs drawn at a time; see simulate.draw.input_blocks

# A chunk that stays in the last-level cache runs the activation at the speed of arithmetic; a GPU
# wants launches long enough to fill it. Fixed numbers, not fractions of free memory: the chunk
# decides the order of summation, and a run must repeat bit for bit.
_CPU_CHUNK = 16 * 2**20
_GPU_CHUNK = 512 * 2**20
_TEMPORARIES = 4  # arrays of (rows, N) alive while one chunk of features is evaluated


@dataclass(frozen=True)
class Workspace:
    """A device and the bytes that one chunk of features may take.

    Attributes
    ----------
    device : torch.device
        Where tensors live.
    chunk : int
        Bytes for one chunk, all temporaries included.
    """

    device: torch.device
    chunk: int

    def rows(self, N: int) -> int:
        """Rows of N features that fit in a chunk, at least 1."""
        return max(1, self.chunk // (_TEMPORARIES * _FLOAT * N))


def choose_device(device: str | torch.device) -> torch.device:
    """Turn "auto", "cpu", "cuda" or "cuda:1" into a device that exists.

    Raises
    ------
    ValueError
        If the name is not one of these, or if the machine has no such device.
    """
    name = str(device)
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cpu":
        return torch.device("cpu")
    match = re.fullmatch(r"cuda(?::(\d+))?", name)
    if match is None:
        raise ValueError(f"device = {device!r}: give 'auto', 'cpu', 'cuda' or 'cuda:<index>'")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if int(match.group(1) or 0) >= count:
        raise ValueError(
            f"device = {device!r}: torch sees {count} CUDA device(s) here; give 'auto' or 'cpu'"
        )
    return torch.device(name)


def device_name(device: torch.device) -> str:
    """Return the name stored with results."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return str(device)


def _available(device: torch.device) -> int:
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        # What torch's own cache holds idle counts as used for the driver, not for us.
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    try:
        # Physical, not free: "free" leaves out the page cache, which the system gives up on demand.
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # a system without sysconf
        return 8 * 2**30


def _needed(D: int, N: int, P: int, hidden: tuple[int, ...], n_lam: int, quadratic: bool) -> int:
    """Count the bytes that cannot be chunked: F, design, weights and the trainer's matrices."""
    k = min(N, P)
    layers = [D, *hidden, N]
    numbers = (
        sum(a * b for a, b in itertools.pairwise(layers))
        + P * N
        + 4 * N * n_lam
        + P * D
        + _DRAW_ROWS * D
    )
    numbers += 4 * k * k  # the Gram matrix, its eigenvectors and the solver's workspace
    if not quadratic:
        numbers += 2 * k * k  # two successive Hessians and a factor are alive at once
        # weighted and signed designs; QR of the transpose
        numbers += 2 * P * k + (2 * N * P if N > P else 0)
    return _FLOAT * numbers


def plan_memory(
    sizes: list[tuple[int, int, int]],
    hidden: Callable[[int], tuple[int, ...]],
    n_lam: int,
    quadratic: bool,
    device: torch.device,
    memory: int | None,
) -> Workspace:
    """Check that every (D, N, P) fits, and size the chunks.

    Parameters
    ----------
    sizes : list of (D, N, P)
        Every size of the sweep.
    hidden : callable
        Widths of the hidden layers at D.
    n_lam : int
        Number of ridge penalties trained at once.
    quadratic : bool
        Whether the loss takes the ridge path, which needs less.
    device : torch.device
        Where to compute.
    memory : int or None
        Byte budget; by default half of the CPU's physical memory, or 0.8 of what is free on a GPU.

    Raises
    ------
    ValueError
        Names D, N, P, the bytes needed and the bytes available.
    """
    if memory is None:
        fraction = 0.8 if device.type == "cuda" else 0.5
        budget = int(fraction * _available(device))
    else:
        budget = memory
    chunk = _GPU_CHUNK if device.type == "cuda" else _CPU_CHUNK
    for D, N, P in sizes:
        widest = max((N, *hidden(D)))
        fixed, row = _needed(D, N, P, hidden(D), n_lam, quadratic), _TEMPORARIES * _FLOAT * widest
        if fixed + row > budget:
            raise ValueError(
                f"D = {D}, N = {N}, P = {P} need {fixed + row} bytes on {device} and memory = "
                f"{budget} bytes are available: lower D, alpha_T or overparam, or raise memory"
            )
        chunk = min(chunk, budget - fixed)
    return Workspace(device, chunk)
