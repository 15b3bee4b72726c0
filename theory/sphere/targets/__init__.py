"""Targets on the sphere, one file each."""

from twinpeaks.theory.sphere.targets.base import Field, Parity, Target
from twinpeaks.theory.sphere.targets.constant import Constant
from twinpeaks.theory.sphere.targets.gaussian_field import GaussianField
from twinpeaks.theory.sphere.targets.matern import Matern
from twinpeaks.theory.sphere.targets.teacher import Teacher

__all__ = ["Constant", "Field", "GaussianField", "Matern", "Parity", "Target", "Teacher"]
