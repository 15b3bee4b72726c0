"""Inputs of another variance than those of training."""

from __future__ import annotations

from twinpeaks.theory.names.row import Name

__all__ = ["ROWS"]

ROWS = {
    "variance": Name(
        "variance of the inputs",
        "E[x_k^2] of the inputs on which the model is measured",
        "question",
    ),
}
