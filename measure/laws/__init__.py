"""Laws of independent inputs: every module of this folder is imported, its public classes re-exported.

A new law is a new file here, and nothing else. It needs ``mean``, ``covariance``, ``draw`` and ``redraw``;
a ``redraw`` that never repeats the value it replaces makes estimates sharper.
"""

from twinpeaks.measure.laws.base import Draw, InputLaw
from twinpeaks.measure.laws.binary import Binary
from twinpeaks.measure.laws.categories import Categories
from twinpeaks.measure.laws.marginals import Marginals
from twinpeaks.measure.laws.normal import Normal
from twinpeaks.measure.laws.uniform import Uniform
from twinpeaks.theory.discovery import public

__all__ = ["Binary", "Categories", "Draw", "InputLaw", "Marginals", "Normal", "Uniform"]

globals().update(public(__name__, __path__))
