"""Finite-size simulations: draw, train and measure random-feature models."""

from simulate.device import DeviceError
from simulate.draw import TorchRandom
from simulate.estimators.bmd import Estimate, influences, mean_dimension
from simulate.estimators.fourier import degree_weights, noise_stability
from simulate.initialisation import run_from_start
from simulate.robustness import attack
from simulate.run import run
from simulate.sample import sample
from simulate.sweeps.store import Store, StoreError
from simulate.sweeps.workers import ClusterError
from simulate.train import Status

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
