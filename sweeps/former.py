"""Stores of version 0.1, read as if they were of the present format.

Their results are vectors without names, in the order that is kept here; nothing else of them is known to
a sweep. Such a store is read, shown and exported, and takes no more results.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from twinpeaks.sweeps.grid import Column, Grid
from twinpeaks.sweeps.protocol import Task, described
from twinpeaks.sweeps.sweep import digest, encoded, key_of

__all__ = ["FORMER", "converted"]

FORMER = "2"  # the format


@dataclass(frozen=True)
class _Layout:
    """The variables of a kind in the order of its vectors, each with its inner axes."""

    variables: tuple[tuple[str, tuple[str, ...]], ...]
    outcomes: tuple[str, ...]

    @classmethod
    def of(cls, outcomes: str, **names: str) -> _Layout:
        """Names by their inner axes, joined by underscores."""
        pairs = [
            (name, tuple(axes.split("__"))) for axes, row in names.items() for name in row.split()
        ]
        return cls((*pairs, ("status", pairs[0][1])), tuple(outcomes.split()))


_TRAINED = "q_d p_d r Q_d m train_loss train_error test_error test_error_se"
_DRAWN = "q_d q_0 p_d p_0 r Q_d Q_0 m V train_loss train_error energy test_error test_error_mean bmd bmd_mean"
_LAYOUTS = {
    "train": _Layout.of(
        "converged inaccurate nonfinite",
        lam=f"{_TRAINED} test_error_overlap bmd bmd_se energy optimality",
    ),
    "sample": _Layout.of(
        "mixed unmixed nonfinite",
        lam__beta=" ".join(f"{n} {n}_se" for n in _DRAWN.split())
        + " acceptance r_hat ess_bulk ess_tail",
    ),
    "attack": _Layout.of(
        "converged inaccurate nonfinite",
        lam="bmd bmd_se",
        lam__norm__eps="flip_rate flip_rate_se robust_error robust_error_se",
    ),
    "start": _Layout.of(
        "converged inaccurate nonfinite",
        lam__scale__alpha_prime=f"{_TRAINED} bmd bmd_se start_q start_bmd start_overlap distance",
    ),
}
_OUTER = ("overparam", "alpha_T", "D")


def converted(old: sqlite3.Connection, schema: str) -> sqlite3.Connection:
    """A store in memory with everything that one of version 0.1 holds; what is damaged there is here."""
    new = sqlite3.connect(":memory:", isolation_level=None)
    new.executescript(schema)
    held = old.execute("SELECT value FROM about WHERE name = 'protocol'").fetchone()
    if held is None:
        return new
    about = json.loads(held[0])
    layout = _LAYOUTS[about["kind"]]
    new.execute("INSERT INTO about VALUES ('protocol', ?)", held)
    for content, added in old.execute("SELECT content, added FROM sweeps"):
        words = _grid(json.loads(content), layout).words()
        new.execute("INSERT OR REPLACE INTO sweeps VALUES (?, ?)", [encoded(words), added])
    columns = "task, D, N, P, seed, axes, value, digest, seconds, finished"
    for old_key, D, N, P, seed, axes, value, signed, *when in old.execute(
        f"SELECT {columns} FROM results"
    ):
        key, text, seal = str(old_key), "", ""
        with suppress(Exception):  # left without a seal, which is how a damaged result is known
            if hashlib.sha256(old_key.encode() + value).hexdigest() == signed:
                inner = tuple((name, tuple(values)) for name, values in json.loads(axes))
                task = Task((("D", D), ("N", N), ("P", P)), seed, inner)
                key, text = key_of(about, task), encoded(_named(value, task, layout))
                seal = digest(key, text)
        new.execute("INSERT INTO results VALUES (?, ?, ?, ?, ?, ?)", [key, "", text, seal, *when])
    return new


def _named(vector: bytes, task: Task, layout: _Layout) -> dict[str, Any]:
    """The variables in a vector, by name."""
    numbers, out, lengths = np.frombuffer(vector, dtype="<f8"), {}, dict(task.axes)
    begin = 0
    for name, axes in layout.variables:
        shape = [len(lengths[axis]) for axis in axes if axis in lengths]
        end = begin + int(np.prod(shape))
        out[name] = numbers[begin:end].reshape(shape).tolist()
        begin = end
    return out


def _grid(axes: dict[str, Any], layout: _Layout) -> Grid:
    """The sweep over axes given as {name: (values, whether a number)}."""
    inner = tuple(name for name in axes if name not in (*_OUTER, "seed"))
    coords = {
        name: ((), values[0], described(name)) if scalar else (name, values, described(name))
        for name, (values, scalar) in axes.items()
    }
    dims = [name for name in _OUTER if not axes[name][1]]
    shape = [len(axes[name][0]) for name in dims]
    ratio, alpha, D = (x.ravel() for x in np.meshgrid(*(axes[n][0] for n in _OUTER), indexing="ij"))
    P = np.array([round(float(a) * int(d)) for a, d in zip(alpha, D, strict=True)])
    N = np.array([round(float(c) * int(p)) for c, p in zip(ratio, P, strict=True)])
    sizes = {"N": N, "P": P, "overparam_actual": N / P, "alpha_T_actual": P / D}
    frame = xr.Dataset(
        {name: (dims, x.reshape(shape), described(name)) for name, x in sizes.items()}, coords
    )
    flags = {
        "flag_values": np.arange(len(layout.outcomes), dtype=np.int8),
        "flag_meanings": " ".join(layout.outcomes),
    }
    columns = tuple(
        Column(
            name,
            tuple(axis for axis in of if axis in inner),
            described(name, simulated=True) | (flags if name == "status" else {}),
        )
        for name, of in layout.variables
    )
    return Grid(frame, tuple(axes), inner, (), ("D", "N", "P"), columns)
