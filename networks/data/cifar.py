"""Colour images in the formats of CIFAR-10."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinpeaks.networks.data.base import Data, Patterns
from twinpeaks.networks.data.pixels import content, encoded

__all__ = ["Cifar"]

_SHAPE = (3, 32, 32)
_PIXELS = 3 * 32 * 32
_CLASSES = 10
_GIVE = "a batch of CIFAR-10, such as data_batch_1.bin or data_batch_1"


@dataclass(frozen=True)
class Cifar(Data):
    """CIFAR-10: a batch, or a folder of batches, in the binary or in the Python format.

    Parameters
    ----------
    path : path
        Of one file, or of the folder where ``data_batch_1`` to ``data_batch_5`` and ``test_batch`` lie, with
        ``.bin`` behind their names or without.
    pool : int
        Side of the squares of pixels that are averaged into one.

    Raises
    ------
    ValueError
        On loading, if a file is missing, incomplete or of another format, or a label is out of range.

    Notes
    -----
    Batches in the Python format are pickles; they are read by an unpickler that makes numpy arrays, numbers,
    text and containers, and nothing else.
    """

    path: Path | str
    pool: int = 1

    def read(self) -> Patterns:
        """All batches, in the order of their names."""
        path = Path(self.path)
        files = sorted(f for f in path.glob("*_batch*") if f.is_file()) if path.is_dir() else [path]
        if not files:
            raise ValueError(f"path = {path}: there is no batch in this folder; give {_GIVE}")
        pixels, labels = zip(*map(_read, files), strict=True)
        grey = encoded(np.concatenate(pixels), self.pool)
        return Patterns("CIFAR-10", grey, np.concatenate(labels).astype(np.int64), _CLASSES)


def _read(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    data = content(path, _GIVE)
    pixels, labels = _unpickled(path, data) if data[:1] == b"\x80" else _records(path, data)
    if labels.size and not 0 <= labels.min() <= labels.max() < _CLASSES:
        raise ValueError(
            f"{path} has labels from {labels.min()} to {labels.max()}, not 0 to {_CLASSES - 1}: give {_GIVE}"
        )
    return pixels.reshape(-1, *_SHAPE), labels


def _records(path: Path, data: bytes) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """One byte of label and then the pixels, channel by channel."""
    size = 1 + _PIXELS
    if not data or len(data) % size:
        raise ValueError(
            f"{path} has {len(data)} bytes, no multiple of the {size} of a labelled image: it is incomplete, "
            f"or none; give {_GIVE}"
        )
    records = np.frombuffer(data, np.uint8).reshape(-1, size)
    return records[:, 1:], records[:, 0].astype(np.int64)


class _Unpickler(pickle.Unpickler):
    """Makes arrays, and refuses whatever else a file asks for."""

    _allowed = (
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("_codecs", "encode"),
    )

    def find_class(self, module: str, name: str) -> Any:
        """What the pickle names."""
        if (module, name) not in self._allowed:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        # numpy has moved this module, and batches name its old place
        moved = module.replace("numpy.core", "numpy._core") if np.__version__ >= "2" else module
        return super().find_class(moved, name)


def _unpickled(path: Path, data: bytes) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    from io import BytesIO

    try:
        held = _Unpickler(BytesIO(data), encoding="bytes").load()
        held = {k.decode() if isinstance(k, bytes) else k: v for k, v in held.items()}
        pixels, labels = np.asarray(held["data"]), np.asarray(held["labels"])
    except Exception as error:  # whatever a damaged pickle raises
        raise ValueError(
            f"{path} cannot be read as a batch ({error}): it is incomplete or of another format; give {_GIVE}"
        ) from None
    if pixels.dtype != np.uint8 or pixels.shape != (len(labels), _PIXELS):
        raise ValueError(
            f"{path} has pixels of shape {pixels.shape} and {len(labels)} labels: give {_GIVE}"
        )
    return pixels, labels.astype(np.int64)
