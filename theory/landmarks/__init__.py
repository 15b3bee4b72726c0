"""Landmarks of the curves: peaks, optimal penalties, instabilities, and how curves end."""

from twinpeaks.theory.landmarks.all_peaks import peaks
from twinpeaks.theory.landmarks.optimal import optimal_lam
from twinpeaks.theory.landmarks.peaks import peak
from twinpeaks.theory.landmarks.stability import instability
from twinpeaks.theory.landmarks.tail import bmd_tail

__all__ = ["bmd_tail", "instability", "optimal_lam", "peak", "peaks"]
