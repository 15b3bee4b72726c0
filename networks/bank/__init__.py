"""Banks: networks of several widths and seeds that train as one, each as if it were alone."""

from twinpeaks.networks.bank.base import Bank
from twinpeaks.networks.bank.layers import LayerBank
from twinpeaks.networks.bank.modules import ModuleBank

__all__ = ["Bank", "LayerBank", "ModuleBank"]
