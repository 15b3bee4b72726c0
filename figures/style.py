"""How figures look: fonts, colours and sizes for an article, in one place."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import matplotlib as mpl

__all__ = ["ONE_COLUMN", "PALETTE", "TWO_COLUMNS", "article", "colours"]

#: Widths of a two-column article, in inches.
ONE_COLUMN = 3.4
TWO_COLUMNS = 7.0

#: Okabe & Ito's palette, legible to colour-blind readers, without its yellow (too faint for lines).
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")

_RC: dict[Any, Any] = {
    "font.family": "serif",
    "font.serif": ["STIXGeneral", "DejaVu Serif"],
    "mathtext.fontset": "stix",
    "font.size": 9.0,
    "axes.labelsize": 9.0,
    "axes.titlesize": 9.0,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "legend.fontsize": 8.0,
    "axes.linewidth": 0.6,
    "lines.linewidth": 1.2,
    "lines.markersize": 4.0,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.frameon": False,
    "savefig.dpi": 300.0,
    "pdf.fonttype": 42,  # fonts stay text, which journals ask for
}


def article() -> AbstractContextManager[None]:
    """Matplotlib settings of this package, for a ``with`` block.

    Returns
    -------
    context manager
        Settings are as before on leaving it.
    """
    return mpl.rc_context(_RC)


def colours(count: int) -> list[str]:
    """Distinct colours for an ordered family of lines.

    Parameters
    ----------
    count : int
        How many.

    Returns
    -------
    list of str
        Hexadecimal: the palette as far as it goes, a perceptually uniform scale beyond.
    """
    if count <= len(PALETTE):
        return list(PALETTE[:count])
    scale = mpl.colormaps["viridis"]
    return [mpl.colors.to_hex(scale(0.9 * i / (count - 1))) for i in range(count)]
