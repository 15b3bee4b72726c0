"""Where to compute, how much memory to use there, and what went wrong when it could not."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import torch

__all__ = [
    "DeviceError",
    "Need",
    "Workspace",
    "choose_device",
    "explained",
    "plan_memory",
]

_FLOAT = 8

# A chunk that stays in the last-level cache runs the activation at the speed of arithmetic; a GPU
# wants launches long enough to fill it. Fixed numbers, not fractions of free memory: the chunk
# decides the order of summation, and a run must repeat to the last bit on the same machine.
_CPU_CHUNK = 16 * 2**20
_GPU_CHUNK = 512 * 2**20
# Members of a batch are added until their designs have this many entries together, those of one with
# N = P = 4096: from there on one matrix product alone occupies a large GPU. An estimate, to be checked
# against `python -m benchmarks.device`.
_GPU_FILL = 2**24
_GPU_BATCH = 64
_TEMPORARIES = 4  # arrays of (rows, width) alive while one chunk is worked on


@dataclass(frozen=True)
class Need:
    """What one task takes of a device, in float64 numbers.

    Attributes
    ----------
    numbers : int
        All that are alive at once and cannot be worked on in chunks.
    width : int
        Of one row of the widest array that is worked on in chunks.
    matrix : int
        Entries of its largest matrix, by which a batch that fills a GPU is estimated.
    """

    numbers: int
    width: int = 1
    matrix: int = 1


@dataclass(frozen=True)
class Workspace:
    """A device and the bytes that one chunk may take.

    Attributes
    ----------
    device : torch.device
        Where tensors live.
    chunk : int
        Bytes for one chunk, all temporaries included.
    batches : tuple of (str, int)
        How many tasks of the same words to work on together, where it is more than one.
    """

    device: torch.device
    chunk: int
    batches: tuple[tuple[str, int], ...] = ()

    def batch(self, words: str) -> int:
        """Tasks of these words, ``Task.words``, that are worked on together."""
        return dict(self.batches).get(words, 1)

    def rows(self, width: int) -> int:
        """Rows of so many numbers that fit in a chunk, at least 1."""
        return max(1, self.chunk // (_TEMPORARIES * _FLOAT * width))


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
def explained(device: torch.device, words: str, members: int) -> Iterator[None]:
    """Turn what torch raises when a device fails into a DeviceError.

    Parameters
    ----------
    device : torch.device
        Where the work is done.
    words : str
        What was being worked on, such as "D = 20, N = 90, P = 60".
    members : int
        How many tasks at once.

    Raises
    ------
    DeviceError
        Names the task, how many at once, the memory of the device and the remedy.
    """
    what = f"{members} x ({words}) on {device}"
    try:
        yield
    except RuntimeError as error:  # torch.cuda.OutOfMemoryError is one
        text = str(error).strip().split("\n")[0]
        full = "ALLOC_FAILED" in text or "allocate memory" in text
        if full or isinstance(error, torch.cuda.OutOfMemoryError):
            raise DeviceError(
                f"{what} ran out of memory{_occupied(device)} ({text}): lower batch, memory or the "
                "sizes, or end other programs that use the device"
            ) from error
        if "CUDA error" in text or "cuDNN error" in text or "CUBLAS_STATUS" in text:
            raise DeviceError(
                f"{what}: the device failed or was lost ({text}). Start a new process; with a store "
                "the same call goes on after the last finished task"
            ) from error
        raise


def _occupied(device: torch.device) -> str:
    with suppress(RuntimeError, AssertionError):  # a failed device does not tell
        if device.type == "cuda":
            free, total = torch.cuda.mem_get_info(device)
            held = torch.cuda.memory_allocated(device)
            return f", {free} of {total} bytes free, {held} in tensors of this process"
    return f", {_available(torch.device('cpu'))} bytes of physical memory"


def plan_memory(
    needs: Iterable[tuple[str, Need]],
    device: torch.device,
    memory: int | None,
    *,
    batch: int | None = 1,
    neighbours: int = 1,
) -> Workspace:
    """Check that every task fits, size the chunks, and say how many tasks fit together.

    Parameters
    ----------
    needs : iterable of (str, Need)
        Of every kind of task: ``Task.words``, and what it takes.
    device : torch.device
        Where to compute.
    memory : int or None
        Byte budget; by default a share of half of the CPU's physical memory, or 0.8 of what is free on
        a GPU.
    batch : int or None
        Most tasks to work on together; None is 1 on a CPU, and as many as fill a GPU. Fewer where
        memory does not hold them.
    neighbours : int
        Tasks that run at a time on one machine, and share its memory; a GPU belongs to one of them.

    Raises
    ------
    ValueError
        Names the task, the bytes needed and the bytes available.
    """
    if memory is None:
        fraction = 0.8 if device.type == "cuda" else 0.5 / neighbours
        budget = int(fraction * _available(device))
    else:
        budget = memory
    chunk = _GPU_CHUNK if device.type == "cuda" else _CPU_CHUNK
    fixed: dict[str, tuple[int, int]] = {}
    for words, need in needs:
        bytes_ = _FLOAT * need.numbers
        row = _TEMPORARIES * _FLOAT * need.width
        if bytes_ + row > budget:
            raise ValueError(
                f"{words} need {bytes_ + row} bytes on {device} and memory = {budget} bytes are "
                "available: lower the sizes, or raise memory"
            )
        chunk = min(chunk, budget - bytes_)
        most = _profitable(need, device) if batch is None else batch
        fixed[words] = max(fixed.get(words, (0, 0)), (bytes_, most))
    together = {w: min(most, (budget - chunk) // bytes_) for w, (bytes_, most) in fixed.items()}
    return Workspace(device, chunk, tuple((w, int(n)) for w, n in together.items() if n > 1))


def _profitable(need: Need, device: torch.device) -> int:
    """Tasks that keep a device busy; on a CPU a batch would cost the repetition bit for bit."""
    return min(_GPU_BATCH, -(-_GPU_FILL // need.matrix)) if device.type == "cuda" else 1
