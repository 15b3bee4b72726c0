"""Several trained models of one problem: what they share, and what their mean does."""

from twinpeaks.theory.ensembles.average import solve_ensemble
from twinpeaks.theory.ensembles.variance import variance_terms

__all__ = ["solve_ensemble", "variance_terms"]
