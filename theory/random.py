"""What a source of random numbers is, whatever library draws them."""

from __future__ import annotations

from typing import Any, Protocol

__all__ = ["Random"]


class Random(Protocol):
    """A source of random arrays of whichever library the caller computes with."""

    def normal(self, *shape: int) -> Any:
        """Independent standard normals."""

    def uniform(self, *shape: int) -> Any:
        """Independent uniforms on [0, 1)."""
