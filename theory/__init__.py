"""The thermodynamic limit: saddle-point equations of random-feature learning, solved.

>>> import theory
>>> problem = theory.Problem(loss=theory.Logistic())
>>> curve = theory.solve(problem, overparam=[0.5, 1.0, 2.0], alpha_T=3.0, lam=1e-4)
"""

from theory.activations import Activation, Custom, Erf, HermiteMoments, Linear, ReLU, Tanh
from theory.errors import InvalidProblem, SolveError, Status
from theory.feature_laws import FeatureLaw, Gaussian
from theory.losses import Logistic, Loss, MarginLoss, Square
from theory.problem import Problem
from theory.saddle_point import Solution, Tolerances
from theory.solve import solve
from theory.teachers import Sign, Teacher
from theory.thresholds import interpolation_threshold

__all__ = [
    "Activation",
    "Custom",
    "Erf",
    "FeatureLaw",
    "Gaussian",
    "HermiteMoments",
    "InvalidProblem",
    "Linear",
    "Logistic",
    "Loss",
    "MarginLoss",
    "Problem",
    "ReLU",
    "Sign",
    "Solution",
    "SolveError",
    "Square",
    "Status",
    "Tanh",
    "Teacher",
    "Tolerances",
    "interpolation_threshold",
    "solve",
]
