"""Influences of the pixels of images: which inputs a model depends on, and under which law."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from twinpeaks import measure
from twinpeaks.extras import need
from twinpeaks.figures.style import TWO_COLUMNS, article
from twinpeaks.theory.arrays import Array
from twinpeaks.theory.names import attributes, label

__all__ = ["influence_map"]

_PLANE = ("row", "column")


def influence_map(maps: Any) -> Figure:
    """Draw influences as images, in percent of their sum.

    Parameters
    ----------
    maps : Estimate, array or xarray.Dataset
        What ``influences`` returns for points of shape (..., rows, columns), or its values: one image for
        each channel or output. A Dataset has ``influence`` over (row, column) and at most two dimensions
        more, which become rows and columns of images; ``mean_dimension`` over the latter is written above
        each, and crosses mark pixels where ``varies`` over (row, column) is False.

    Returns
    -------
    matplotlib.figure.Figure
        The share of the outermost pixels is written above each image.

    Raises
    ------
    ValueError
        If there are no images in ``maps``, or influences are not finite, or all 0.

    Examples
    --------
    >>> import twinpeaks as tp
    >>> found = tp.influences(lambda x: x[:, 1, 1] * x[:, 2, 2], (4, 4), 20, 0)
    >>> len(tp.influence_map(found).axes)  # the image, and its scale
    2
    """
    data = maps if isinstance(maps, xr.Dataset) else _read(maps)
    if (
        "influence" not in data
        or data["influence"].dims[-2:] != _PLANE
        or data["influence"].ndim > 4
    ):
        raise ValueError(
            "maps: give a Dataset with influence over (row, column), after at most two dimensions more"
        )
    values = data["influence"]
    total = values.sum(_PLANE)
    if not (np.isfinite(values).all() and float(total.sum()) > 0):
        raise ValueError("maps: give finite influences, which are not all 0")
    share = 100 * values / total.where(total > 0, 1.0)
    outer = values.dims[:-2]
    names = ("",) * (2 - len(outer)) + tuple(map(str, outer))
    sizes = [values.sizes[name] if name else 1 for name in names]
    with article():
        side = min(1.8, (TWO_COLUMNS - 0.6) / sizes[1])
        size = (0.7 + (side + 0.6) * sizes[1], 0.9 + (side + 0.7) * sizes[0])
        fig = Figure(figsize=size, layout="constrained")
        axes = fig.subplots(*sizes, squeeze=False)
        for places in product(*map(range, sizes)):
            at = {name: i for name, i in zip(names, places, strict=True) if name}
            image = share.isel(at)
            ax = axes[places]
            mesh = ax.imshow(image, vmin=0, vmax=float(share.max()), cmap="viridis")
            _mark(ax, data)
            ax.set_title("\n".join(_title(data, image, at)), loc="left")
            ax.set(xlabel="column", ylabel="row")
            ax.tick_params(direction="out", top=False, right=False)
            for axis in (ax.xaxis, ax.yaxis):
                axis.set_major_locator(MaxNLocator(5, integer=True))
            ax.label_outer()
        share_of = "share of the influences (%)"
        fig.colorbar(mesh, ax=axes, label=share_of, location="bottom", shrink=0.8, pad=0.02)
    return fig


def _read(maps: Any) -> xr.Dataset:
    """Influences by channel or output as a Dataset."""
    values = np.asarray(getattr(maps, "value", maps), dtype=float)
    if values.ndim < 2 or not values.size:
        raise ValueError(
            f"maps has shape {values.shape}: give influences of images, such as tp.influences(f, (28, 28), "
            "...), or reshape them"
        )
    images = values.reshape(-1, *values.shape[-2:])
    dims = ("image", *_PLANE) if len(images) > 1 else _PLANE
    return xr.Dataset({"influence": (dims, images if len(images) > 1 else images[0])})


def _title(data: xr.Dataset, image: xr.DataArray, at: dict[str, int]) -> list[str]:
    lines = [
        ", ".join(
            str(image[name].item()) if name in image.coords else f"{name} {i}"
            for name, i in at.items()
        )
    ]
    if "mean_dimension" in data:
        value, error = (
            float(data[name].isel(at)) for name in ("mean_dimension", "mean_dimension_se")
        )
        lines.append(rf"{label('mean_dimension')} ${value:.3f} \pm {error:.3f}$")
    outermost = float(image.sum() - image[1:-1, 1:-1].sum())
    return [*filter(None, lines), f"outermost pixels {outermost:.0f} %"]


def _mark(ax: Axes, data: xr.Dataset) -> None:
    if "varies" in data:
        rows, columns = np.nonzero(~data["varies"].values)
        ax.plot(columns, rows, "x", color="white", markersize=4, markeredgewidth=0.7)


def data(progress: Callable[[int, int], None] | None = None) -> tuple[xr.Dataset]:
    """Digits of 8 x 8 pixels, scaled to [-1, 1]: random features and a trained network, under two laws.

    The pixels of a corner that never vary carry influence under the binary law, which varies all, and none
    under the law that keeps the marginal of each.
    """
    need("sklearn", "data", "the data of the influence map")
    from sklearn.datasets import load_digits

    digits = load_digits()
    x, labels = digits.data / 8.0 - 1.0, digits.target
    models = {
        "random features": _random_features(x, labels),
        "trained network": _network(x, labels),
    }
    laws = {
        "binary": measure.Binary((8, 8)),
        "marginals": measure.Marginals(x.reshape(-1, 8, 8)),
    }
    found = {name: np.empty((2, 2)) for name in ("mean_dimension", "mean_dimension_se")}
    maps = {name: np.empty((2, 2, 8, 8)) for name in ("influence", "influence_se")}
    for done, (i, j) in enumerate(np.ndindex(2, 2)):
        f, law = list(models.values())[i], list(laws.values())[j]
        one = measure.mean_dimension(f, law=law, random=0, rtol=0.01)
        found["mean_dimension"][i, j], found["mean_dimension_se"][i, j] = (
            one.value,
            one.standard_error,
        )
        pixels = measure.influences(f, law=law, samples=400, random=1)
        maps["influence"][i, j], maps["influence_se"][i, j] = pixels.value, pixels.standard_error
        if progress is not None:
            progress(done + 1, 4)
    outer = ("model", "law")
    return (
        xr.Dataset(
            {
                **{name: (outer, values, attributes(name)) for name, values in found.items()},
                **{name: ((*outer, *_PLANE), v, attributes(name)) for name, v in maps.items()},
                "varies": (_PLANE, np.ptp(x, axis=0).reshape(8, 8) > 0),
            },
            {"model": list(models), "law": list(laws)},
        ),
    )


def _random_features(x: Array, labels: Array) -> Callable[[Array], Array]:
    """Ridge regression of centred indicators of the classes on 300 tanh features."""
    weights = np.random.default_rng(0).standard_normal((x.shape[1], 300)) / np.sqrt(x.shape[1])

    def features(points: Array) -> Array:
        return np.asarray(np.tanh(points.reshape(len(points), -1) @ weights))

    z = features(x)
    readout = np.linalg.solve(z.T @ z + np.eye(z.shape[1]), z.T @ (np.eye(10)[labels] - 0.1))
    return lambda points: features(points) @ readout


def _network(x: Array, labels: Array) -> Callable[[Array], Array]:
    """Logits of a network with 64 rectified units, trained on the cross-entropy."""
    from sklearn.neural_network import MLPClassifier

    trained = MLPClassifier((64,), solver="lbfgs", alpha=0.1, max_iter=500, random_state=0)
    (first, second), (shift, bias) = trained.fit(x, labels).coefs_, trained.intercepts_
    return lambda points: (
        np.maximum(points.reshape(len(points), -1) @ first + shift, 0.0) @ second + bias
    )
