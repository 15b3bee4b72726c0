"""Regression on the sphere: kernels against sparse features (arXiv 2206.12314)."""

from twinpeaks.theory.sphere.exponents import Exponents, exponents
from twinpeaks.theory.sphere.kernels import (
    NTK,
    RFK,
    Features,
    Kernel,
    SparseFeatures,
    Zonal,
)
from twinpeaks.theory.sphere.optimal import optimal_lam, peak
from twinpeaks.theory.sphere.plane import amplitude_ratio, constant_error
from twinpeaks.theory.sphere.problem import Problem
from twinpeaks.theory.sphere.rotation import rotation_change
from twinpeaks.theory.sphere.solve import AmplitudeWarning, Status, solve
from twinpeaks.theory.sphere.spectra import eigenvalues
from twinpeaks.theory.sphere.targets import Constant, GaussianField, Matern, Target, Teacher

__all__ = [
    "NTK",
    "RFK",
    "AmplitudeWarning",
    "Constant",
    "Exponents",
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
    "amplitude_ratio",
    "constant_error",
    "eigenvalues",
    "exponents",
    "optimal_lam",
    "peak",
    "rotation_change",
    "solve",
]
