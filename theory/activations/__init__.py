"""Activations: every module of this folder is imported, and its public classes are re-exported.

A new activation is a new file here, and nothing else: the solver, the simulator, the contract tests
and the command line find it. It needs ``__call__`` and its ``kinks``; closed forms of ``moments`` and
of the kernel, and what mpmath needs to certify them, are methods that it may override.
"""

from twinpeaks.theory.activations.base import Activation, HermiteMoments
from twinpeaks.theory.activations.custom import Custom
from twinpeaks.theory.activations.erf import Erf
from twinpeaks.theory.activations.identity import Identity
from twinpeaks.theory.activations.relu import ReLU
from twinpeaks.theory.activations.tanh import Tanh
from twinpeaks.theory.discovery import public

__all__ = ["Activation", "Custom", "Erf", "HermiteMoments", "Identity", "ReLU", "Tanh"]

globals().update(public(__name__, __path__))
