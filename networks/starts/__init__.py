"""Initial states of networks: every module of this folder is imported, and its public classes re-exported.

A new start is a new file here, and nothing else: a frozen dataclass with ``begin`` or ``pretrain``.
"""

from twinpeaks.networks.starts.base import InitialState
from twinpeaks.theory.discovery import public

__all__ = ["InitialState"]

globals().update(public(__name__, __path__))
