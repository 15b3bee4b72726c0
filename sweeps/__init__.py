"""Tasks on a grid: who does them where, what is kept, and what comes back."""

from twinpeaks.extras import need

need("torch", "simulate", "twinpeaks.sweeps")

from twinpeaks.sweeps.device import DeviceError, Need, Workspace
from twinpeaks.sweeps.execute import run
from twinpeaks.sweeps.protocol import Argument, Protocol, Streams, Task, Variable
from twinpeaks.sweeps.random import TorchRandom
from twinpeaks.sweeps.resources import Options, Resources
from twinpeaks.sweeps.store import Store, StoreError
from twinpeaks.sweeps.workers import ClusterError

__all__ = [
    "Argument",
    "ClusterError",
    "DeviceError",
    "Need",
    "Options",
    "Protocol",
    "Resources",
    "Store",
    "StoreError",
    "Streams",
    "Task",
    "TorchRandom",
    "Variable",
    "Workspace",
    "run",
]
