"""The saddle point to any number of digits, in mpmath, by code apart from ``tp.solve``.

``solve`` takes one point and evaluates it twice, with different quadratures and different forms of the
equations; their difference is its error estimate. It shares with the rest of ``theory`` only what a problem
is: the classes of its components and their parameters.
"""

from twinpeaks.validate.precise.solution import Precise, solve

__all__ = ["Precise", "solve"]
