"""How a solved model answers to changes of its input: by degree, under noise, under attack."""

from twinpeaks.theory.sensitivity.fourier import fourier_weights, noise_stability
from twinpeaks.theory.sensitivity.robustness import flip_rate, robust_test_error

__all__ = ["flip_rate", "fourier_weights", "noise_stability", "robust_test_error"]
