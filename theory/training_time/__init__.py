"""Training in time: gradient flow on the square loss, at every time from its start."""

from twinpeaks.theory.training_time.solve import solve_flow

__all__ = ["solve_flow"]
