"""Several trained models of one problem: what they share, and what their mean does."""

from twinpeaks.theory.ensembles.variance import variance_terms

__all__ = ["variance_terms"]
