"""Tasks on a grid: who does them where, what is kept, and what comes back."""

from twinpeaks.extras import need

need("torch", "simulate", "twinpeaks.sweeps")

from twinpeaks.sweeps.device import DeviceError
from twinpeaks.sweeps.random import TorchRandom
from twinpeaks.sweeps.store import Store, StoreError
from twinpeaks.sweeps.workers import ClusterError

__all__ = ["ClusterError", "DeviceError", "Store", "StoreError", "TorchRandom"]
