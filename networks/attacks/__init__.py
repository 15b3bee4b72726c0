"""Attacks on networks: every module of this folder is imported, and its public names are re-exported.

A new attack is a new file here, and nothing else: a frozen dataclass with ``disturb``.
"""

from twinpeaks.networks.attacks.base import Attack, changed
from twinpeaks.networks.attacks.gradient import GradientAttack
from twinpeaks.networks.attacks.noise import GaussianNoise
from twinpeaks.networks.attacks.random_flips import RandomFlips
from twinpeaks.theory.discovery import public

__all__ = ["Attack", "GaussianNoise", "GradientAttack", "RandomFlips", "changed"]

globals().update(public(__name__, __path__))
