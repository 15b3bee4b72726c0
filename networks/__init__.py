"""Networks trained on data: images, architectures, training as one bank, and experiments."""

from typing import Any

from twinpeaks.extras import need

need("torch", "simulate", "twinpeaks.networks")

from twinpeaks.networks import architectures, attacks, data, losses, starts
from twinpeaks.networks.architectures import Architecture
from twinpeaks.networks.architectures.convolutional import CNN, ResNet18
from twinpeaks.networks.architectures.custom import Factory
from twinpeaks.networks.architectures.layers import MLP, TwoLayer
from twinpeaks.networks.architectures.random_features import RandomFeatures
from twinpeaks.networks.attacks import Attack, GaussianNoise, GradientAttack, RandomFlips
from twinpeaks.networks.data import Cifar, Data, Digits, Idx, Parity, Patterns, Synthetic
from twinpeaks.networks.losses.cross_entropy import CrossEntropy
from twinpeaks.networks.losses.hinge import ClassHinge
from twinpeaks.networks.losses.square import SquareOneHot
from twinpeaks.networks.measured import Status
from twinpeaks.networks.run import run_networks
from twinpeaks.networks.starts.fresh import Fresh
from twinpeaks.networks.starts.random_labels import RandomLabels
from twinpeaks.networks.training import Adam, Perturbation, Sgd, Training

__all__ = [
    "CNN",
    "MLP",
    "Adam",
    "Architecture",
    "Attack",
    "Cifar",
    "ClassHinge",
    "CrossEntropy",
    "Data",
    "Digits",
    "Factory",
    "Fresh",
    "GaussianNoise",
    "GradientAttack",
    "Idx",
    "Parity",
    "Patterns",
    "Perturbation",
    "RandomFeatures",
    "RandomFlips",
    "RandomLabels",
    "ResNet18",
    "Sgd",
    "SquareOneHot",
    "Status",
    "Synthetic",
    "Training",
    "TwoLayer",
    "run_networks",
]


def __getattr__(name: str) -> Any:
    """Data sets, architectures, attacks, losses and starts dropped into their folders."""
    for folder in (architectures, attacks, data, losses, starts):
        if not name.startswith("_") and name in folder.__dict__:
            return folder.__dict__[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
