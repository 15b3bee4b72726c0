"""The thermodynamic limit: saddle-point equations of random-feature learning, solved.

>>> import theory
>>> problem = theory.Problem(loss=theory.Logistic())
>>> curve = theory.solve(problem, overparam=[0.5, 1.0, 2.0], alpha_T=3.0, lam=1e-4)
"""

from theory import feature_laws, losses, precise, teachers
from theory.activations import Activation, Custom, Erf, HermiteMoments, Identity, ReLU, Tanh
from theory.bayes import bayes_error
from theory.discovery import public
from theory.errors import InvalidProblem, SolveError, Status, UnstableWarning
from theory.feature_laws.base import FeatureLaw
from theory.feature_laws.deep import Deep
from theory.feature_laws.gaussian import Gaussian
from theory.feature_laws.orthogonal import Orthogonal
from theory.feature_laws.population import Atoms, Population, PopulationLaw
from theory.feature_laws.power_law import PowerLaw
from theory.feature_laws.spectrum import Spectrum
from theory.free_entropy import free_entropy
from theory.landmarks import bmd_tail, instability, optimal_lam, peak
from theory.losses.base import DifferenceLoss, Loss, MarginLoss
from theory.losses.custom import CustomLoss
from theory.losses.exponential import Exponential
from theory.losses.hinge import Hinge
from theory.losses.logistic import Logistic
from theory.losses.square import Square
from theory.losses.squared_hinge import SquaredHinge
from theory.losses.zero_one import ZeroOne
from theory.problem import Problem
from theory.saddle_point import Solution, Tolerances
from theory.sensitivity import flip_rate, fourier_weights, noise_stability, robust_test_error
from theory.solve import solve
from theory.starts import (
    GaussianStart,
    RandomLabelsStart,
    SameInputsStart,
    Start,
    solve_from_start,
)
from theory.teachers.base import BinaryTeacher, RealTeacher, Teacher
from theory.teachers.custom import CustomLink, CustomTeacher
from theory.teachers.linear import Linear
from theory.teachers.sign import FlippedSign, Probit, Sign
from theory.thresholds import interpolation_threshold

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
