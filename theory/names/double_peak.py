"""Several peaks of one line, and the dips between them."""

from __future__ import annotations

from twinpeaks.theory.names.row import Name

__all__ = ["ROWS"]

ROWS = {
    "peak": Name("number of the peak", "0, 1, ... in the order of the axis", "question"),
    "dip_location": Name(
        "location of the dip", "where the minimum between a peak and the next is", "question"
    ),
    "dip_height": Name("height of the dip", "value of the variable in the dip", "question"),
}
