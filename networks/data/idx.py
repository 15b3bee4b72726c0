"""Images in the format of MNIST."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from twinpeaks.networks.data.base import Data, Patterns
from twinpeaks.networks.data.pixels import content, encoded

__all__ = ["Idx"]

_IMAGES, _LABELS = "images-idx3", "labels-idx1"
_UNSIGNED_BYTES = 8  # the code of their type in an IDX file
_LEAST = 10  # classes of MNIST and its relatives, even where a file lacks some


@dataclass(frozen=True)
class Idx(Data):
    """Images and labels in the format of MNIST and Fashion-MNIST, gzipped or not.

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
        On loading, if a file cannot be read or is of another format, or the squares do not fill the image.
    """

    path: Path | str
    pool: int = 1

    def read(self) -> Patterns:
        """Both files."""
        path = Path(self.path)
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
        if not pixels.size:
            raise ValueError(f"path = {path} has no images: give a file that has")
        count = max(_LEAST, int(classes.max()) + 1)
        grey = encoded(pixels, self.pool)
        return Patterns(path.resolve().parent.name, grey, classes.astype(np.int64), count)


def _read(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """The array of unsigned bytes in an IDX file."""
    data = content(path, "an IDX file")
    start = 4 + 4 * dimensions
    if data[:4] != bytes([0, 0, _UNSIGNED_BYTES, dimensions]) or len(data) < start:
        raise ValueError(
            f"{path} holds no array of bytes of {dimensions} dimensions: give an IDX file such as "
            "those of MNIST"
        )
    shape = np.frombuffer(data, ">u4", dimensions, offset=4)
    values = np.frombuffer(data, np.uint8, offset=start)
    if values.size != np.prod(shape, dtype=float):
        raise ValueError(
            f"{path} has {values.size} bytes of data and announces shape {tuple(map(int, shape))}: it "
            "is incomplete, get it again"
        )
    return values.reshape(tuple(map(int, shape)))
