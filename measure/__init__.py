"""Mean dimension, influences, degrees and noise stability of any model, under any law of its inputs."""

from typing import TYPE_CHECKING, Any

from twinpeaks.measure import laws
from twinpeaks.measure.degrees import degree_weights
from twinpeaks.measure.dependent import data_sensitivity
from twinpeaks.measure.influences import first_order, influences
from twinpeaks.measure.laws import Binary, Categories, InputLaw, Marginals, Normal, Uniform
from twinpeaks.measure.mean_dimension import mean_dimension
from twinpeaks.measure.models.files import ModelFile, load_model
from twinpeaks.measure.moments import Estimate
from twinpeaks.measure.stability import noise_stability

if TYPE_CHECKING:
    from twinpeaks.sweeps.random import TorchRandom

__all__ = [
    "Binary",
    "Categories",
    "Estimate",
    "InputLaw",
    "Marginals",
    "ModelFile",
    "Normal",
    "TorchRandom",
    "Uniform",
    "data_sensitivity",
    "degree_weights",
    "first_order",
    "influences",
    "load_model",
    "mean_dimension",
    "noise_stability",
]


def __getattr__(name: str) -> Any:
    """Laws dropped into their folder, and what needs torch."""
    if name == "TorchRandom":
        from twinpeaks.sweeps.random import TorchRandom

        return TorchRandom
    if name in laws.__dict__:
        return laws.__dict__[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
