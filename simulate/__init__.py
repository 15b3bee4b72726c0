"""Finite-size simulations: draw, train and measure random-feature models."""

from simulate.bmd import Estimate, mean_dimension
from simulate.draw import TorchRandom
from simulate.run import run
from simulate.train import Status

__all__ = ["Estimate", "Status", "TorchRandom", "mean_dimension", "run"]
