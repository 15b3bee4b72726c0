"""Architectures: every module of this folder is imported, and its public classes are re-exported.

A new architecture is a new file here, and nothing else: a frozen dataclass with ``module``.
"""

from twinpeaks.networks.architectures.base import Architecture, drawn_linear
from twinpeaks.theory.discovery import public

__all__ = ["Architecture", "drawn_linear"]

globals().update(public(__name__, __path__))
