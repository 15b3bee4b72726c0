"""Data sets: every module of this folder is imported, and its public classes are re-exported.

A new data set is a new file here, and nothing else: a frozen dataclass with ``read``.
"""

from twinpeaks.networks.data.base import Data, Patterns
from twinpeaks.networks.data.cifar import Cifar
from twinpeaks.networks.data.digits import Digits
from twinpeaks.networks.data.draw import Drawn, draw
from twinpeaks.networks.data.idx import Idx
from twinpeaks.networks.data.parity import Parity
from twinpeaks.networks.data.synthetic import Synthetic
from twinpeaks.theory.discovery import public

__all__ = [
    "Cifar",
    "Data",
    "Digits",
    "Drawn",
    "Idx",
    "Parity",
    "Patterns",
    "Synthetic",
    "draw",
]

globals().update(public(__name__, __path__))
