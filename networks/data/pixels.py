"""What files of images have in common: bytes, gzipped or not, and pixels averaged over squares."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from twinpeaks.theory.arrays import Array
from twinpeaks.theory.axes import check_count

__all__: list[str] = []


def content(path: Path, wanted: str) -> bytes:
    """The bytes of a file, unpacked.

    Raises
    ------
    ValueError
        If it cannot be read; ``wanted`` says what to give.
    """
    try:
        raw = path.read_bytes()
        return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path} cannot be read ({error}): give {wanted}") from None


def encoded(pixels: NDArray[np.uint8], pool: int) -> Array:
    """Bytes of shape (patterns, [channels,] rows, columns) as numbers in [-1, 1], averaged over squares.

    Raises
    ------
    ValueError
        If the squares do not fill the image.
    """
    *first, height, width = pixels.shape
    side = check_count("pool", pool, 1)
    if height % side or width % side:
        raise ValueError(f"pool = {pool}: give a divisor of {height} and {width}")
    squares = pixels.reshape(*first, height // side, side, width // side, side)
    return np.asarray(squares.mean(axis=(-3, -1)) / 127.5 - 1.0)
