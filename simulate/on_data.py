"""Random features trained on real data, and the mean dimension of their read-outs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from twinpeaks.measure import InputLaw, mean_dimension
from twinpeaks.simulate.train import Status, train
from twinpeaks.sweeps.random import TorchRandom
from twinpeaks.theory.activations import Activation, Tanh
from twinpeaks.theory.axes import Given, check_count, read_axes, read_axis
from twinpeaks.theory.data import Design, read_array, read_design
from twinpeaks.theory.labelled import status_attributes
from twinpeaks.theory.losses.square import Square
from twinpeaks.theory.names import attributes

__all__ = ["run_on_data"]


def run_on_data(
    F: Any,
    inputs: Any,
    labels: Any,
    *,
    P: int,
    overparam: Given,
    lam: Given,
    activation: Activation | None = None,
    laws: Mapping[str, InputLaw] | None = None,
    seeds: int = 8,
    samples: int = 64,
    variance_samples: int = 4096,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    """Train ridge regression of real labels on random features, on P patterns drawn for each seed.

    Parameters
    ----------
    F, inputs, labels, P, overparam, lam, activation
        As for ``tp.solve_on_data``.
    laws : mapping of str to InputLaw, optional
        Laws of independent inputs for the mean dimension, as ``measure.mean_dimension`` takes them; without
        any it is not measured.
    seeds : int
        Training sets; that of one seed is the same for all widths and penalties.
    samples, variance_samples : int
        Of ``measure.mean_dimension``.
    progress : callable, optional
        Called with (points done, points in all).

    Returns
    -------
    xarray.Dataset
        Over seed, overparam, lam, and for the mean dimension law: train_error and test_error, mean square
        errors on the patterns drawn and on all others; for labels of -1 and +1 classification_error;
        q_d; bmd and its Monte Carlo error bmd_se; optimality and status of the training.

    Raises
    ------
    ValueError
        As ``tp.solve_on_data``, and as ``measure.mean_dimension``.
    """
    sigma = Tanh() if activation is None else activation
    design = read_design(F, inputs, labels, P, overparam, lam)
    laws = {} if laws is None else dict(laws)
    seed = read_axis("seed", np.arange(check_count("seeds", seeds, 1)), "[0, inf)", whole=True)
    axes = read_axes(seed, design.overparam, design.lam)
    student, patterns = _Student.untrained(design, sigma)
    rows = []
    for i, N in product(range(seeds), np.atleast_1d(design.N)):
        row, weights = _trained(design, patterns, int(N), i)
        trained = student.first(int(N), weights)
        for j, law in enumerate(laws.values()):
            estimate = mean_dimension(
                trained,
                law=law,
                samples=samples,
                variance_samples=variance_samples,
                random=TorchRandom.named("law", i, int(N), j),
                outputs="each",
            )
            row.setdefault("bmd", []).append(estimate.value)
            row.setdefault("bmd_se", []).append(estimate.standard_error)
        rows.append(row)
        if progress is not None:
            progress(len(rows), seeds * design.N.size)
    data = {}
    for name in rows[0]:
        values = np.array([row[name] for row in rows])
        dims = axes.dims
        if name in ("bmd", "bmd_se"):  # (points, laws, lam)
            values, dims = np.moveaxis(values, 1, 2), (*dims, "law")
        more = status_attributes(Status) if name == "status" else {}
        full = (*axes.shape, len(laws)) if "law" in dims else axes.shape
        data[name] = (dims, values.reshape(full), {**attributes(name, simulated=True), **more})
    coords = {**axes.coords, "N": (design.overparam.array.dims, design.N, attributes("N"))}
    if laws:
        coords["law"] = ("law", list(laws), attributes("law"))
    about = {"kind": "simulation", "activation": repr(sigma), "version": version("twinpeaks")}
    return xr.Dataset(data, coords, about)


@dataclass(frozen=True, eq=False)
class _Student:
    """f(x) = w.z(x) / sqrt(N) for every column w, features less their mean over the patterns."""

    F: Tensor
    mean: Tensor
    activation: Activation
    weights: Tensor

    @staticmethod
    def untrained(design: Design, activation: Activation) -> tuple[_Student, _Patterns]:
        """All features, and what they are of the patterns."""
        F = torch.as_tensor(design.F)
        x = torch.as_tensor(read_array("inputs", design.inputs, None, design.D))
        z = activation(x @ F / design.D**0.5)
        mean = z.mean(0)
        empty = F.new_zeros(F.shape[1], 0)
        return _Student(F, mean, activation, empty), _Patterns(
            z - mean, torch.as_tensor(design.labels)
        )

    def first(self, N: int, weights: Tensor) -> _Student:
        """The first N features, with weights."""
        return _Student(self.F[:, :N], self.mean[:N], self.activation, weights)

    def __call__(self, x: Tensor) -> Tensor:
        """Outputs of shape (inputs, columns)."""
        D, N = self.F.shape
        z: Tensor = self.activation(x @ self.F / D**0.5) - self.mean
        output: Tensor = z @ self.weights / N**0.5
        return output


class _Patterns(NamedTuple):
    """Centred features of all patterns, and their labels."""

    features: Tensor
    labels: Tensor


def _trained(
    design: Design, patterns: _Patterns, N: int, seed: int
) -> tuple[dict[str, Any], Tensor]:
    """What one training set says of the errors, and its weights of shape (N, n_lam)."""
    order = torch.argsort(TorchRandom.named("training set", seed).uniform(len(design.labels)))
    drawn, others = order[: design.P], order[design.P :]
    X, y = patterns.features[:, :N] / N**0.5, patterns.labels
    fit = train(Square(), X[drawn], y[drawn], np.atleast_1d(design.lam.values))
    W = fit.weights
    row: dict[str, Any] = {
        "train_error": ((X[drawn] @ W - y[drawn, None]) ** 2).mean(0).numpy(),
        "test_error": ((X[others] @ W - y[others, None]) ** 2).mean(0).numpy(),
        "q_d": (W**2).mean(0).numpy(),
        "optimality": fit.optimality,
        "status": fit.status,
    }
    if design.classes:
        wrong = X[others] @ W * y[others, None] < 0
        row["classification_error"] = wrong.double().mean(0).numpy()
    return row, W
