"""Regression on the sphere in the feature regime: least total variation."""

from twinpeaks.simulate.sphere.variation.solve import Certificate, Interpolant, least_variation

__all__ = ["Certificate", "Interpolant", "least_variation"]
