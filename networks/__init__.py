"""Networks trained on data: images, architectures, training as one bank, and experiments."""

from twinpeaks.extras import need

need("torch", "simulate", "twinpeaks.networks")
