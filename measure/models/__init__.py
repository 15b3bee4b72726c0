"""Whatever can be measured, as a function of arrays: modules, estimators, functions."""

from twinpeaks.measure.models.base import Model
from twinpeaks.measure.models.read import read_model
from twinpeaks.measure.models.views import VIEWS, read_views

__all__ = ["VIEWS", "Model", "read_model", "read_views"]
