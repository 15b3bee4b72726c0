"""Kernels on the sphere, one file each."""

from twinpeaks.theory.sphere.kernels.base import Kernel, ListedKernel, NetworkKernel
from twinpeaks.theory.sphere.kernels.features import Features
from twinpeaks.theory.sphere.kernels.ntk import NTK
from twinpeaks.theory.sphere.kernels.rfk import RFK
from twinpeaks.theory.sphere.kernels.sparse import SparseFeatures
from twinpeaks.theory.sphere.kernels.zonal import Zonal

__all__ = [
    "NTK",
    "RFK",
    "Features",
    "Kernel",
    "ListedKernel",
    "NetworkKernel",
    "SparseFeatures",
    "Zonal",
]
