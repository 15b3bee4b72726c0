"""Names of networks trained on data: axes and observables that random-feature models have not."""

from __future__ import annotations

from twinpeaks.theory.names.row import Name

__all__ = ["ROWS"]

ROWS: dict[str, Name] = {
    "n": Name(
        "training patterns",
        "drawn for every seed, from the data or on the sphere",
        "axis",
        symbol="n",
    ),
    "noise": Name("label noise", "share of the training labels replaced by another class", "axis"),
    "weight_decay": Name(
        "weight decay", "c of the penalty c |w|^2 / 2 beside the mean loss", "axis"
    ),
    "start": Name("initial state", "of the weights, before training", "axis"),
    "width": Name("width", "units of a hidden layer, or channels", "axis", symbol="H"),
    "output": Name("output", "function of the logits that is measured", "axis"),
    "attack": Name("attack", "on patterns not trained on", "axis"),
    "attack_rate": Name(
        "attack rate",
        "share of decisions on patterns not trained on that an attack changes",
        "simulation",
    ),
    "test_loss": Name(
        "test loss per pattern", "mean loss over all patterns not trained on", "question"
    ),
    "bmd_status": Name(
        "outcome of the mean dimension", "values are NaN where it is not 0", "question"
    ),
}
