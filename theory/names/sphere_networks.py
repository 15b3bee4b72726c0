"""Names of sparse networks on the sphere."""

from __future__ import annotations

from twinpeaks.theory.names.row import Name

__all__ = ["ROWS"]

ROWS: dict[str, Name] = {
    "tv": Name("total variation", "sum_j |w_j| of unit atoms", "simulation"),
    "atoms": Name("atoms", "neurons of different cells or signs, of weight not 0", "simulation"),
    "gap": Name(
        "duality gap",
        "1 - lower / upper bound of the least total variation; no bound where status is multistart",
        "simulation",
    ),
}
