"""Regression on the sphere at finite size: kernels averaged exactly, and sparse features."""

from twinpeaks.simulate.sphere.run import run
from twinpeaks.simulate.sphere.variation import least_variation

__all__ = ["least_variation", "run"]
