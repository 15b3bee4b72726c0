"""Regression on the sphere at finite size: kernels averaged exactly, and sparse features."""

from twinpeaks.simulate.sphere.run import run

__all__ = ["run"]
