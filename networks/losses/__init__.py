"""Losses of classifiers: every module of this folder is imported, and its public classes are re-exported.

A new loss is a new file here, and nothing else: a frozen dataclass with ``__call__``.
"""

from twinpeaks.networks.losses.base import ClassLoss
from twinpeaks.theory.discovery import public

__all__ = ["ClassLoss"]

globals().update(public(__name__, __path__))
