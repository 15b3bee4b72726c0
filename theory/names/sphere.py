"""Names of regression on the sphere."""

from __future__ import annotations

from twinpeaks.theory.names.row import Name

__all__ = ["ROWS"]

ROWS: dict[str, Name] = {
    "kappa": Name(
        "effective penalty",
        "n = sum_k N lambda_k / (lambda_k + kappa) + lam / kappa",
        "theory",
        symbol=r"\kappa",
    ),
    "variance_share": Name(
        "share of the variance",
        "gamma = (1/n) sum_k N (lambda_k / (lambda_k + kappa))^2; test error = bias / (1 - gamma)",
        "theory",
        symbol=r"\gamma",
    ),
    "ridge_share": Name("share of the ridge", "lam / (n kappa) of kernel regression", "theory"),
    "exponent": Name(
        "local exponent of the learning curve",
        "-d ln(test error) / d ln n",
        "theory",
        symbol=r"\beta",
    ),
}
