"""Names of what several trained models have in common."""

from __future__ import annotations

from twinpeaks.theory.names.row import Name

__all__ = ["ROWS"]

ROWS: dict[str, Name] = {
    "members": Name(
        "models averaged", "models in the mean, each with its own features", "axis", symbol="K"
    ),
    "Q_1": Name(
        "covariance at shared data",
        "E[f_a f_b], same data, other features",
        "question",
        symbol="Q_1",
    ),
    "Q_2": Name(
        "covariance at shared features",
        "E[f_a f_b], same features, other data",
        "question",
        symbol="Q_2",
    ),
    "Q_3": Name(
        "covariance of independent models",
        "E[f_a f_b], other features and data: m^2 / rho",
        "question",
        symbol="Q_3",
    ),
    "variance_features": Name("variance by features", "Q_2 - Q_3", "question"),
    "variance_data": Name("variance by data and label noise", "Q_1 - Q_3", "question"),
    "variance_interaction": Name(
        "variance by features and data together", "Q_d - Q_1 - Q_2 + Q_3", "question"
    ),
}
