"""What a source of random numbers is, whatever library draws them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

__all__ = ["DRAW_ROWS", "Random", "input_blocks"]

DRAW_ROWS = 1024  # rows of fresh inputs drawn at a time


class Random(Protocol):
    """A source of random arrays of whichever library the caller computes with."""

    def normal(self, *shape: int) -> Any:
        """Independent standard normals."""

    def uniform(self, *shape: int) -> Any:
        """Independent uniforms on [0, 1)."""


def input_blocks(total: int) -> Iterator[int]:
    """Sizes of the blocks in which fresh inputs are drawn.

    Fixed, and apart from the chunks in which they are worked on: a GPU's stream depends on the
    shapes asked for, and the draw must not depend on the memory of the machine.
    """
    for start in range(0, total, DRAW_ROWS):
        yield min(DRAW_ROWS, total - start)
