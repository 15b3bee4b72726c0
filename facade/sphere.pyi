"""The names of ``tp.sphere``, each with the package that defines it."""

from twinpeaks.simulate.sphere import (
    least_variation as least_variation,
    run as run,
)
from twinpeaks.theory.sphere import (
    NTK as NTK,
    RFK as RFK,
    AmplitudeWarning as AmplitudeWarning,
    Constant as Constant,
    Exponents as Exponents,
    Features as Features,
    GaussianField as GaussianField,
    Kernel as Kernel,
    Matern as Matern,
    Problem as Problem,
    SparseFeatures as SparseFeatures,
    Status as Status,
    Target as Target,
    Teacher as Teacher,
    Zonal as Zonal,
    amplitude_ratio as amplitude_ratio,
    constant_error as constant_error,
    eigenvalues as eigenvalues,
    exponents as exponents,
    optimal_lam as optimal_lam,
    peak as peak,
    rotation_change as rotation_change,
    solve as solve,
)
