"""Mean dimension, influences, degrees and noise stability of any function, under any law of its inputs."""

from typing import Any

from twinpeaks.measure.laws import *  # noqa: F403 - and those dropped into the folder
from twinpeaks.measure.laws import Binary, Categories, InputLaw, Marginals, Normal, Uniform
from twinpeaks.measure.mean_dimension import mean_dimension
from twinpeaks.measure.moments import Estimate
