"""Names of training in time."""

from __future__ import annotations

from twinpeaks.theory.names.row import Name

__all__ = ["ROWS"]

ROWS: dict[str, Name] = {
    "time": Name(
        "training time",
        "of the gradient flow dw/dt = -grad(sum_mu l(y_mu, t_mu) + lam |w|^2 / 2)",
        "axis",
        symbol="t",
    ),
    "ridge_lam": Name(
        "best ridge penalty", "lam of least test error, trained to the end", "theory"
    ),
    "ridge_value": Name("least value over ridge penalties", "trained to the end", "theory"),
    "time_error": Name("error estimate of the time", "absolute", "theory"),
}
