"""Mean dimension and robustness over a zoo of networks."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np
import xarray as xr
from scipy.stats import bootstrap, spearmanr

from twinpeaks.networks.attacks import GaussianNoise, GradientAttack, RandomFlips
from twinpeaks.networks.data import Data
from twinpeaks.networks.experiments.peaks import named
from twinpeaks.networks.losses.cross_entropy import CrossEntropy
from twinpeaks.networks.run import run_networks
from twinpeaks.networks.starts.fresh import Fresh
from twinpeaks.networks.starts.random_labels import RandomLabels
from twinpeaks.networks.training import Perturbation, Training
from twinpeaks.sweeps import Options
from twinpeaks.theory.arrays import Array

__all__ = ["ATTACKS", "network_robustness", "rank_correlations"]

ATTACKS = {
    "flips 0.1": RandomFlips(0.1),
    "noise 0.3": GaussianNoise(0.3),
    "FGSM 0.1": GradientAttack(0.1),
    "PGD 0.1": GradientAttack(0.1, 10),
}
_STARTS = {
    "fresh": Fresh(),
    "gain 4": Fresh(gain=4.0),
    "random labels, 1 copy": RandomLabels(copies=1, epochs=400),
    "random labels, 3 copies": RandomLabels(copies=3, epochs=400),
}
_RADII = (0.1, 0.3)


def network_robustness(
    data: Data | None = None, *, full: bool = False, **resources: Unpack[Options]
) -> xr.Dataset:
    """A zoo of 24 kinds of networks: starts, label noise, weight decay, adversarial training.

    Two-layer tanh networks of 32 units, cross-entropy, n = 300: four starts x label noise 0 or 0.2 x weight
    decay 0 or 0.002, and networks trained on FGSM and PGD inputs of two radii.

    Parameters
    ----------
    data : Data
        ``Digits()`` by default.
    full : bool
        20 seeds and 1500 epochs instead of 5 and 500.
    **resources
        As for ``run_networks``.

    Returns
    -------
    xarray.Dataset
        Over (kind, seed, law, output, attack): ``bmd``, ``attack_rate``, ``test_error``, ``status``, and the
        coordinates ``adversarial`` (radius of the training, 0 for none), ``noise``, ``weight_decay`` and
        ``start`` of every kind.
    """
    common: dict[str, Any] = {
        "n": 300,
        "width": 32,
        "seeds": 20 if full else 5,
        "attacks": ATTACKS,
        "samples": 48,
    }
    epochs = 1500 if full else 500
    plain = Training(loss=CrossEntropy(), epochs=epochs, lr=1e-2)
    grid = run_networks(
        data, training=plain, noise=[0.0, 0.2], weight_decay=[0.0, 0.002], start=_STARTS,
        **common, **named(resources, "plain"),
    )  # fmt: skip
    grid = grid.stack(kind=("noise", "weight_decay", "start"), create_index=False)
    parts = [
        grid.drop_vars("width").assign_coords(adversarial=("kind", np.zeros(grid.sizes["kind"])))
    ]
    for radius in _RADII:
        for steps in (1, 5):
            training = Training(
                loss=CrossEntropy(),
                epochs=epochs,
                lr=1e-2,
                perturbation=Perturbation(radius, steps),
            )
            found = run_networks(
                data, training=training, noise=[0.0, 0.2], start={f"{steps} steps": Fresh()},
                **common, **named(resources, f"{radius:g}-{steps}"),
            ).rename(noise="kind")  # fmt: skip
            noise = found["kind"].values
            found = found.drop_vars(["kind", "width", "start", "weight_decay"]).assign_coords(
                noise=("kind", noise),
                weight_decay=("kind", np.zeros(2)),
                start=("kind", np.full(2, f"{steps} steps")),
                adversarial=("kind", np.full(2, radius)),
            )
            parts.append(found)
    return xr.concat(parts, "kind", combine_attrs="drop_conflicts", coords="all")


def rank_correlations(zoo: xr.Dataset, level: float = 0.95) -> xr.Dataset:
    """Spearman's correlation of the mean dimension with every attack rate, over kinds of networks.

    Parameters
    ----------
    zoo : xarray.Dataset
        What ``network_robustness`` returns, or a selection of its kinds.
    level : float
        Of the intervals, by the bootstrap over kinds (scipy.stats.bootstrap, 2000 draws).

    Returns
    -------
    xarray.Dataset
        ``correlation``, ``low`` and ``high`` over (law, output, attack), of means over seeds.
    """
    mean = zoo[["bmd", "attack_rate"]].mean("seed", skipna=False)
    shape = [zoo.sizes[d] for d in ("law", "output", "attack")]
    found = np.full((3, *shape), np.nan)
    for i, j, k in np.ndindex(*shape):
        x = mean.bmd.isel(law=i, output=j).values
        y = mean.attack_rate.isel(attack=k).values
        known = np.isfinite(x) & np.isfinite(y)
        pair = (x[known], y[known])
        interval = _interval(pair, level)
        found[:, i, j, k] = spearmanr(*pair).statistic, *interval
    dims = ("law", "output", "attack")
    coords = {d: zoo[d].values for d in dims}
    names = ("correlation", "low", "high")
    return xr.Dataset({n: (dims, v) for n, v in zip(names, found, strict=True)}, coords)


def _interval(pair: tuple[Array, Array], level: float) -> tuple[float, float]:
    def statistic(a: Array, b: Array) -> float:
        return float(spearmanr(a, b).statistic)

    made: Any = bootstrap  # whose stubs know vectorised statistics alone
    found = made(
        pair,
        statistic,
        paired=True,
        vectorized=False,
        n_resamples=2000,
        confidence_level=level,
        method="percentile",
        random_state=np.random.default_rng(0),
    ).confidence_interval
    return float(found.low), float(found.high)
