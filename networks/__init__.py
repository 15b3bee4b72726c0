"""Networks trained on data: images, architectures, training as one bank, and experiments."""

from typing import Any

from twinpeaks.extras import need

need("torch", "simulate", "twinpeaks.networks")

from twinpeaks.networks import architectures, data
from twinpeaks.networks.architectures import Architecture
from twinpeaks.networks.data import Cifar, Data, Digits, Idx, Parity, Patterns, Synthetic

__all__ = [
    "Architecture",
    "Cifar",
    "Data",
    "Digits",
    "Idx",
    "Parity",
    "Patterns",
    "Synthetic",
]


def __getattr__(name: str) -> Any:
    """Data sets and architectures dropped into their folders."""
    for folder in (architectures, data):
        if not name.startswith("_") and name in folder.__dict__:
            return folder.__dict__[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
