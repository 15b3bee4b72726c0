"""Finite-size simulations: draw, train and measure random-feature models."""

from twinpeaks.sweeps.device import DeviceError
from twinpeaks.simulate.draw import TorchRandom
from twinpeaks.measure.influence import Estimate, influences, mean_dimension
from twinpeaks.measure.fourier import degree_weights, noise_stability
from twinpeaks.simulate.initialisation import run_from_start
from twinpeaks.simulate.robustness import attack
from twinpeaks.simulate.run import run
from twinpeaks.simulate.sample import sample
from twinpeaks.sweeps.store import Store, StoreError
from twinpeaks.sweeps.workers import ClusterError
from twinpeaks.simulate.train import Status

__all__ = [
    "ClusterError",
    "DeviceError",
    "Estimate",
    "Status",
    "Store",
    "StoreError",
    "TorchRandom",
    "attack",
    "degree_weights",
    "influences",
    "mean_dimension",
    "noise_stability",
    "run",
    "run_from_start",
    "sample",
]
