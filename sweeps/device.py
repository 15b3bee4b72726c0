"""Where to compute, how much memory to use there, and what went wrong when it could not."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import torch

from twinpeaks.simulate.trainers.band import block_width
from twinpeaks.sweeps.random import DRAW_ROWS
from twinpeaks.theory.feature_laws.base import FeatureLaw

__all__ = [
    "DeviceError",
    "Workspace",
    "choose_device",
    "explained",
    "plan_memory",
    "training_numbers",
]

Size = tuple[int, int, int]

_FLOAT = 8

# A chunk that stays in the last-level cache runs the activation at the speed of arithmetic; a GPU
# wants launches long enough to fill it. Fixed numbers, not fractions of free memory: the chunk
# decides the order of summation, and a run must repeat bit for bit.
_CPU_CHUNK = 16 * 2**20
_GPU_CHUNK = 512 * 2**20
# Members of a batch are added until their designs have this many entries together, those of one with
# N = P = 4096: from there on one matrix product alone occupies a large GPU. An estimate, to be checked
# against `python -m benchmarks.device`.
_GPU_FILL = 2**24
_GPU_BATCH = 64
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
    batches : tuple of ((D, N, P), int)
        How many instances of a size to train together, where it is more than one.
    """

    device: torch.device
    chunk: int
    batches: tuple[tuple[Size, int], ...] = ()

    def batch(self, D: int, N: int, P: int) -> int:
        """Instances of this size that are trained together."""
        return dict(self.batches).get((D, N, P), 1)

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


class DeviceError(RuntimeError):
    """A device ran out of memory or was lost; the message says where, with numbers and a remedy."""


@contextmanager
def explained(device: torch.device, size: Size, members: int) -> Iterator[None]:
    """Turn what torch raises when a device fails into a DeviceError.

    Parameters
    ----------
    device : torch.device
        Where the work is done.
    size : (D, N, P)
        What was being worked on.
    members : int
        How many instances at once.

    Raises
    ------
    DeviceError
        Names the size, the number of instances, the memory of the device and the remedy.
    """
    D, N, P = size
    what = f"{members} instance(s) of D = {D}, N = {N}, P = {P} on {device}"
    try:
        yield
    except RuntimeError as error:  # torch.cuda.OutOfMemoryError is one
        text = str(error).strip().split("\n")[0]
        full = "ALLOC_FAILED" in text or "allocate memory" in text
        if full or isinstance(error, torch.cuda.OutOfMemoryError):
            raise DeviceError(
                f"{what} ran out of memory{_occupied(device)} ({text}): lower batch, memory, D, "
                "alpha_T or overparam, or end other programs that use the device"
            ) from error
        if "CUDA error" in text or "cuDNN error" in text or "CUBLAS_STATUS" in text:
            raise DeviceError(
                f"{what}: the device failed or was lost ({text}). Start a new process; with a store "
                "the same call goes on after the last finished instance"
            ) from error
        raise


def _occupied(device: torch.device) -> str:
    with suppress(RuntimeError, AssertionError):  # a failed device does not tell
        if device.type == "cuda":
            free, total = torch.cuda.mem_get_info(device)
            held = torch.cuda.memory_allocated(device)
            return f", {free} of {total} bytes free, {held} in tensors of this process"
    return f", {_available(torch.device('cpu'))} bytes of physical memory"


def training_numbers(D: int, N: int, P: int, n_lam: int, quadratic: bool) -> int:
    """Count the float64 numbers that training one instance needs and that cannot be chunked.

    Parameters
    ----------
    D, N, P : int
        Input size, features and patterns.
    n_lam : int
        Ridge penalties trained at once.
    quadratic : bool
        Whether the loss takes the ridge path, which needs less.
    """
    k = min(N, P)
    numbers = P * N + 4 * N * n_lam + P * D + DRAW_ROWS * D
    if quadratic:
        # the Gram matrix, reflections, and what they leave between them in the heap; a Cholesky
        # factor for every lam
        numbers += 4 * k * k + 2 * k * block_width(k) * n_lam
    else:
        # Newton: Hessian, factor and the factor kept; hinge: system, factor, and Q, R of the margin
        numbers += 7 * k * k
        # weighted and signed designs; QR of the transpose
        numbers += 2 * P * k + (2 * N * P if N > P else 0)
    return numbers


def plan_memory(
    sizes: list[Size],
    features: FeatureLaw,
    numbers: Callable[[int, int, int], int],
    device: torch.device,
    memory: int | None,
    *,
    batch: int | None = None,
    neighbours: int = 1,
) -> Workspace:
    """Check that every (D, N, P) fits, size the chunks, and say how many instances fit together.

    Parameters
    ----------
    sizes : list of (D, N, P)
        Every size of the sweep.
    features : FeatureLaw
        Which layers there are, and what drawing them takes.
    numbers : callable
        From (D, N, P) the float64 numbers, beside the layers, that cannot be chunked.
    device : torch.device
        Where to compute.
    memory : int or None
        Byte budget; by default a share of half of the CPU's physical memory, or 0.8 of what is free on
        a GPU.
    batch : int, optional
        Most instances to train together; by default 1 on a CPU, and as many as fill a GPU. Fewer
        where memory does not hold them.
    neighbours : int
        Tasks that run at a time on one machine, and share its memory; a GPU belongs to one of them.

    Raises
    ------
    ValueError
        Names D, N, P, the bytes needed and the bytes available.
    """
    if memory is None:
        fraction = 0.8 if device.type == "cuda" else 0.5 / neighbours
        budget = int(fraction * _available(device))
    else:
        budget = memory
    chunk = _GPU_CHUNK if device.type == "cuda" else _CPU_CHUNK
    fixed = {}
    for size in sizes:
        D, N, P = size
        hidden = features.hidden(D)
        layers = sum(a * b for a, b in itertools.pairwise([D, *hidden, N]))
        # the features are drawn before there is a design
        fixed[size] = _FLOAT * (layers + max(numbers(*size), features.sampling_numbers(D, N)))
        row = _TEMPORARIES * _FLOAT * max((N, *hidden))
        if fixed[size] + row > budget:
            raise ValueError(
                f"D = {D}, N = {N}, P = {P} need {fixed[size] + row} bytes on {device} and memory = "
                f"{budget} bytes are available: lower D, alpha_T or overparam, or raise memory"
            )
        chunk = min(chunk, budget - fixed[size])
    together = {
        size: min(_profitable(size, device) if batch is None else batch, (budget - chunk) // bytes_)
        for size, bytes_ in fixed.items()
    }
    return Workspace(device, chunk, tuple((s, int(n)) for s, n in together.items() if n > 1))


def _profitable(size: Size, device: torch.device) -> int:
    """Instances that keep a device busy; on a CPU a batch would cost the repetition bit for bit."""
    _, N, P = size
    return min(_GPU_BATCH, -(-_GPU_FILL // (N * P))) if device.type == "cuda" else 1
