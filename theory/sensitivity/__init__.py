"""How a solved model answers to changes of its input: by degree, under noise, under attack."""

from twinpeaks.theory.sensitivity.fourier import fourier_weights, noise_stability
from twinpeaks.theory.sensitivity.normalisation import bmd_under
from twinpeaks.theory.sensitivity.robustness import flip_rate, robust_test_error

__all__ = ["bmd_under", "flip_rate", "fourier_weights", "noise_stability", "robust_test_error"]
