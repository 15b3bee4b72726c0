"""Mean dimension, influences, degrees and noise stability of any function."""

from twinpeaks.extras import need

need("torch", "simulate", "twinpeaks.measure")

from twinpeaks.measure.fourier import degree_weights, noise_stability
from twinpeaks.measure.influence import influences, mean_dimension
from twinpeaks.measure.moments import Estimate
from twinpeaks.sweeps.random import TorchRandom

__all__ = [
    "Estimate",
    "TorchRandom",
    "degree_weights",
    "influences",
    "mean_dimension",
    "noise_stability",
]
