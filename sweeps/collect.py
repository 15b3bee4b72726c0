"""The sweeps in a store, finished or not, as Datasets."""

from __future__ import annotations

import xarray as xr

from twinpeaks.simulate.chains.protocol import Sampling
from twinpeaks.simulate.initialisation import FromStart
from twinpeaks.simulate.robustness import Attack
from twinpeaks.simulate.run import Training
from twinpeaks.sweeps.grid import Grid
from twinpeaks.sweeps.layout import assemble
from twinpeaks.sweeps.store import Store, StoreError
from twinpeaks.sweeps.sweep import key_of, places

__all__ = ["collect", "progress_of"]

_LAYOUTS = {p.layout.kind: p.layout for p in (Training, Sampling, Attack, FromStart)}


def progress_of(store: Store, grid: Grid) -> tuple[int, int]:
    """Finished tasks of one of the sweeps of a store, and all of them."""
    about = store.summary().protocol
    keys = {key_of(about, task) for _, task in places(grid)}
    return len(store.done(keys)), len(keys)


def collect(store: Store, grid: Grid) -> xr.Dataset:
    """One of the sweeps of a store as the Dataset of the function that began it.

    What is missing is NaN, and has status -1.

    Raises
    ------
    StoreError
        If a result is damaged, or of a kind that this version does not know.
    """
    about = store.summary().protocol
    if about["kind"] not in _LAYOUTS:
        raise StoreError(
            f"store = {store.path}: its kind is {about['kind']}, and this version knows "
            f"{', '.join(_LAYOUTS)}; export it with the version that wrote it"
        )
    held = ((place, store.get(key_of(about, task))) for place, task in places(grid))
    found = ((place, value) for place, value in held if value is not None)
    return assemble(_LAYOUTS[about["kind"]], grid, about, found)
