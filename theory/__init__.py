"""The thermodynamic limit: saddle-point equations of random-feature learning, solved.

>>> from twinpeaks import theory
>>> problem = theory.Problem(loss=theory.Logistic())
>>> curve = theory.solve(problem, overparam=[0.5, 1.0, 2.0], alpha_T=3.0, lam=1e-4)
"""

from twinpeaks.theory import activations, feature_laws, losses, teachers
from twinpeaks.theory.activations import (
    Activation as Activation,
    Custom as Custom,
    Erf as Erf,
    HermiteMoments as HermiteMoments,
    Identity as Identity,
    ReLU as ReLU,
    Tanh as Tanh,
)
from twinpeaks.theory.derivation.free_entropy import free_entropy as free_entropy
from twinpeaks.theory.discovery import public
from twinpeaks.theory.ensembles import (
    solve_ensemble as solve_ensemble,
    variance_terms as variance_terms,
)
from twinpeaks.theory.equations.saddle_point import Solution as Solution, Tolerances as Tolerances
from twinpeaks.theory.equations.thresholds import interpolation_threshold as interpolation_threshold
from twinpeaks.theory.errors import (
    InvalidProblem as InvalidProblem,
    SolveError as SolveError,
    Status as Status,
    UnstableWarning as UnstableWarning,
)
from twinpeaks.theory.family import problem_at as problem_at
from twinpeaks.theory.feature_laws.base import FeatureLaw as FeatureLaw
from twinpeaks.theory.feature_laws.cumulants import Cumulants as Cumulants
from twinpeaks.theory.feature_laws.deep import Deep as Deep
from twinpeaks.theory.feature_laws.gaussian import Gaussian as Gaussian
from twinpeaks.theory.feature_laws.measured import (
    InputKernels as InputKernels,
    MeasuredFeatures as MeasuredFeatures,
)
from twinpeaks.theory.feature_laws.orthogonal import Orthogonal as Orthogonal
from twinpeaks.theory.feature_laws.population import (
    Atoms as Atoms,
    Population as Population,
    PopulationLaw as PopulationLaw,
)
from twinpeaks.theory.feature_laws.power_law import PowerLaw as PowerLaw
from twinpeaks.theory.feature_laws.spectrum import Spectrum as Spectrum
from twinpeaks.theory.landmarks import (
    bmd_tail as bmd_tail,
    instability as instability,
    optimal_lam as optimal_lam,
    peak as peak,
    peaks as peaks,
)
from twinpeaks.theory.landmarks.bayes import bayes_error as bayes_error
from twinpeaks.theory.losses.base import (
    DifferenceLoss as DifferenceLoss,
    Loss as Loss,
    MarginLoss as MarginLoss,
)
from twinpeaks.theory.losses.custom import CustomLoss as CustomLoss
from twinpeaks.theory.losses.exponential import Exponential as Exponential
from twinpeaks.theory.losses.hinge import Hinge as Hinge
from twinpeaks.theory.losses.logistic import Logistic as Logistic
from twinpeaks.theory.losses.square import Square as Square
from twinpeaks.theory.losses.squared_hinge import SquaredHinge as SquaredHinge
from twinpeaks.theory.losses.zero_one import ZeroOne as ZeroOne
from twinpeaks.theory.on_data import solve_on_data as solve_on_data
from twinpeaks.theory.problem import Problem as Problem
from twinpeaks.theory.sensitivity import (
    bmd_under as bmd_under,
    flip_rate as flip_rate,
    fourier_weights as fourier_weights,
    noise_stability as noise_stability,
    robust_test_error as robust_test_error,
)
from twinpeaks.theory.solve import solve as solve
from twinpeaks.theory.starts import (
    GaussianStart as GaussianStart,
    RandomLabelsStart as RandomLabelsStart,
    SameInputsStart as SameInputsStart,
    Start as Start,
    solve_from_start as solve_from_start,
)
from twinpeaks.theory.teachers.base import (
    BinaryTeacher as BinaryTeacher,
    RealTeacher as RealTeacher,
    Teacher as Teacher,
)
from twinpeaks.theory.teachers.custom import (
    CustomLink as CustomLink,
    CustomTeacher as CustomTeacher,
)
from twinpeaks.theory.teachers.linear import Linear as Linear
from twinpeaks.theory.teachers.sign import (
    FlippedSign as FlippedSign,
    Probit as Probit,
    Sign as Sign,
)
from twinpeaks.theory.training_time import (
    best_stopping as best_stopping,
    solve_flow as solve_flow,
)

# A component dropped into one of these folders needs no line above.
for _package in (activations, losses, teachers, feature_laws):
    globals().update(public(_package.__name__, _package.__path__))
