"""Finite-size simulations: draw, train and measure random-feature models."""

from twinpeaks.extras import need

need("torch", "simulate", "twinpeaks.simulate")

from twinpeaks.simulate.initialisation import run_from_start
from twinpeaks.simulate.on_data import run_on_data
from twinpeaks.simulate.robustness import attack
from twinpeaks.simulate.run import run
from twinpeaks.simulate.sample import sample
from twinpeaks.simulate.train import Status
from twinpeaks.simulate.training_time import run_flow

__all__ = [
    "Status",
    "attack",
    "run",
    "run_flow",
    "run_from_start",
    "run_on_data",
    "sample",
]
