"""Landmarks of the curves: peaks, optimal penalties, instabilities, and how curves end."""

from theory.landmarks.optimal import optimal_lam
from theory.landmarks.peaks import peak
from theory.landmarks.stability import instability
from theory.landmarks.tail import bmd_tail

__all__ = ["bmd_tail", "instability", "optimal_lam", "peak"]
