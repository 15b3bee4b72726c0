"""Labelled images from files."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from twinpeaks.extras import need
from twinpeaks.theory.arrays import Array
from twinpeaks.theory.axes import check_count

__all__ = ["Images"]

_IMAGES, _LABELS = "images-idx3", "labels-idx1"
_UNSIGNED_BYTES = 8  # the code of their type in an IDX file


@dataclass(frozen=True, eq=False)
class Images:
    """Images in the encoding of the hypercube: black is -1 and white is +1.

    Parameters
    ----------
    name : str
        What a reader calls them.
    inputs : ndarray of shape (patterns, D)
        Grey values in [-1, 1].
    labels : ndarray of int, shape (patterns,)
        Classes.
    """

    name: str
    inputs: Array
    labels: NDArray[np.int64]

    @property
    def parity(self) -> Array:
        """-1 for even classes and +1 for odd ones, of digits."""
        return np.where(self.labels % 2 == 1, 1.0, -1.0)

    @staticmethod
    def digits() -> Images:
        """1797 handwritten digits of 8 x 8 pixels, which come with scikit-learn.

        Raises
        ------
        MissingExtra
            If it is not installed.
        """
        need("sklearn", "data", "Images.digits")
        from sklearn.datasets import load_digits

        pixels, labels = load_digits(return_X_y=True)
        return Images("digits", pixels / 8.0 - 1.0, np.asarray(labels, dtype=np.int64))

    @staticmethod
    def idx(path: Path | str, pool: int = 1) -> Images:
        """Images and labels in the format of MNIST, gzipped or not.

        Parameters
        ----------
        path : path
            Of the images, such as ``t10k-images-idx3-ubyte.gz``; beside it lies the file of the labels,
            ``t10k-labels-idx1-ubyte.gz``.
        pool : int
            Side of the squares of pixels that are averaged into one.

        Raises
        ------
        ValueError
            If a file cannot be read or is of another format, or the squares do not fill the image.
        """
        path = Path(path)
        if _IMAGES not in path.name:
            raise ValueError(
                f"path = {path}: give a file of images named as those of MNIST, with {_IMAGES!r} in "
                f"its name, and {_LABELS!r} in that of its labels"
            )
        labels = path.with_name(path.name.replace(_IMAGES, _LABELS))
        pixels, classes = _read(path, 3), _read(labels, 1)
        if len(pixels) != len(classes):
            raise ValueError(
                f"path = {path}: {labels.name} has {len(classes)} labels for {len(pixels)} images; "
                "give images beside their labels"
            )
        count, height, width = pixels.shape
        side = check_count("pool", pool, 1)
        if height % side or width % side:
            raise ValueError(f"pool = {pool}: give a divisor of {height} and {width}")
        squares = pixels.reshape(count, height // side, side, width // side, side)
        grey = squares.mean(axis=(2, 4)).reshape(count, -1) / 127.5 - 1.0
        return Images(path.parent.name, grey, classes.astype(np.int64))


def _read(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """The array of unsigned bytes in an IDX file."""
    try:
        raw = path.read_bytes()
        data = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except (OSError, EOFError) as error:
        raise ValueError(f"{path} cannot be read ({error}): give an IDX file") from None
    if data[:4] != bytes([0, 0, _UNSIGNED_BYTES, dimensions]):
        raise ValueError(
            f"{path} holds no array of bytes of {dimensions} dimensions: give an IDX file such as "
            "those of MNIST"
        )
    shape = np.frombuffer(data, ">u4", dimensions, offset=4)
    values = np.frombuffer(data, np.uint8, offset=4 + 4 * dimensions)
    if values.size != np.prod(shape, dtype=float):
        raise ValueError(
            f"{path} has {values.size} bytes of data and announces shape {tuple(map(int, shape))}: it "
            "is incomplete, get it again"
        )
    return values.reshape(tuple(map(int, shape)))
