"""Regression on the sphere: kernels against sparse features (arXiv 2206.12314)."""

from twinpeaks.theory.sphere.kernels import (
    NTK,
    RFK,
    Features,
    Kernel,
    SparseFeatures,
    Zonal,
)
from twinpeaks.theory.sphere.problem import Problem
from twinpeaks.theory.sphere.solve import AmplitudeWarning, Status, solve
from twinpeaks.theory.sphere.spectra import eigenvalues
from twinpeaks.theory.sphere.targets import Constant, GaussianField, Matern, Target, Teacher

__all__ = [
    "NTK",
    "RFK",
    "AmplitudeWarning",
    "Constant",
    "Features",
    "GaussianField",
    "Kernel",
    "Matern",
    "Problem",
    "SparseFeatures",
    "Status",
    "Target",
    "Teacher",
    "Zonal",
    "eigenvalues",
    "solve",
]
