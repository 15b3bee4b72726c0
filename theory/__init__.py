"""The thermodynamic limit: saddle-point equations of random-feature learning, solved.

>>> from twinpeaks import theory
>>> problem = theory.Problem(loss=theory.Logistic())
>>> curve = theory.solve(problem, overparam=[0.5, 1.0, 2.0], alpha_T=3.0, lam=1e-4)
"""

from twinpeaks.theory import feature_laws, losses, precise, teachers
from twinpeaks.theory.activations import Activation, Custom, Erf, HermiteMoments, Identity, ReLU, Tanh
from twinpeaks.theory.landmarks.bayes import bayes_error
from twinpeaks.theory.discovery import public
from twinpeaks.theory.errors import InvalidProblem, SolveError, Status, UnstableWarning
from twinpeaks.theory.feature_laws.base import FeatureLaw
from twinpeaks.theory.feature_laws.deep import Deep
from twinpeaks.theory.feature_laws.gaussian import Gaussian
from twinpeaks.theory.feature_laws.orthogonal import Orthogonal
from twinpeaks.theory.feature_laws.population import Atoms, Population, PopulationLaw
from twinpeaks.theory.feature_laws.power_law import PowerLaw
from twinpeaks.theory.feature_laws.spectrum import Spectrum
from twinpeaks.theory.derivation.free_entropy import free_entropy
from twinpeaks.theory.landmarks import bmd_tail, instability, optimal_lam, peak
from twinpeaks.theory.losses.base import DifferenceLoss, Loss, MarginLoss
from twinpeaks.theory.losses.custom import CustomLoss
from twinpeaks.theory.losses.exponential import Exponential
from twinpeaks.theory.losses.hinge import Hinge
from twinpeaks.theory.losses.logistic import Logistic
from twinpeaks.theory.losses.square import Square
from twinpeaks.theory.losses.squared_hinge import SquaredHinge
from twinpeaks.theory.losses.zero_one import ZeroOne
from twinpeaks.theory.problem import Problem
from twinpeaks.theory.equations.saddle_point import Solution, Tolerances
from twinpeaks.theory.sensitivity import flip_rate, fourier_weights, noise_stability, robust_test_error
from twinpeaks.theory.solve import solve
from twinpeaks.theory.starts import (
    GaussianStart,
    RandomLabelsStart,
    SameInputsStart,
    Start,
    solve_from_start,
)
from twinpeaks.theory.teachers.base import BinaryTeacher, RealTeacher, Teacher
from twinpeaks.theory.teachers.custom import CustomLink, CustomTeacher
from twinpeaks.theory.teachers.linear import Linear
from twinpeaks.theory.teachers.sign import FlippedSign, Probit, Sign
from twinpeaks.theory.equations.thresholds import interpolation_threshold

__all__ = [
    "Activation",
    "Atoms",
    "BinaryTeacher",
    "Custom",
    "CustomLink",
    "CustomLoss",
    "CustomTeacher",
    "Deep",
    "DifferenceLoss",
    "Erf",
    "Exponential",
    "FeatureLaw",
    "FlippedSign",
    "Gaussian",
    "GaussianStart",
    "HermiteMoments",
    "Hinge",
    "Identity",
    "InvalidProblem",
    "Linear",
    "Logistic",
    "Loss",
    "MarginLoss",
    "Orthogonal",
    "Population",
    "PopulationLaw",
    "PowerLaw",
    "Probit",
    "Problem",
    "RandomLabelsStart",
    "ReLU",
    "RealTeacher",
    "SameInputsStart",
    "Sign",
    "Solution",
    "SolveError",
    "Spectrum",
    "Square",
    "SquaredHinge",
    "Start",
    "Status",
    "Tanh",
    "Teacher",
    "Tolerances",
    "UnstableWarning",
    "ZeroOne",
    "bayes_error",
    "bmd_tail",
    "flip_rate",
    "fourier_weights",
    "free_entropy",
    "instability",
    "interpolation_threshold",
    "noise_stability",
    "optimal_lam",
    "peak",
    "precise",
    "robust_test_error",
    "solve",
    "solve_from_start",
]

# A component dropped into one of these folders needs no line above.
for _package in (losses, teachers, feature_laws):
    globals().update(public(_package.__name__, _package.__path__))
