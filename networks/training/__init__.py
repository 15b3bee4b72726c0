"""How networks are trained: steps, schedules, attacks on the way, and when to stop."""

from twinpeaks.networks.training.options import Adam, Optimiser, Perturbation, Sgd, Training
from twinpeaks.networks.training.sets import Sets, Trained
from twinpeaks.networks.training.steps import descend

__all__ = [
    "Adam",
    "Optimiser",
    "Perturbation",
    "Sets",
    "Sgd",
    "Trained",
    "Training",
    "descend",
]
