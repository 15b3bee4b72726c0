"""Figures as files. Loaded before matplotlib, of which it asks for no window."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["save", "targets"]


def _load_matplotlib() -> None:
    """Import matplotlib whatever backend is named in the environment.

    Jupyter exports an MPLBACKEND that another environment need not have, and matplotlib then refuses to be
    imported, although nothing is shown. A backend that it does have is still the one for windows.
    """
    named = os.environ.pop("MPLBACKEND", None)
    try:
        import matplotlib as mpl
    finally:
        if named is not None:
            os.environ["MPLBACKEND"] = named
    if named:
        with suppress(ValueError):
            mpl.rcParams["backend"] = named


if "matplotlib" not in sys.modules:
    _load_matplotlib()


def targets(path: str | Path, formats: Sequence[str] | None = None) -> tuple[Path, ...]:
    """The files that ``save`` writes.

    Parameters
    ----------
    path : str or Path
        A name with the suffix of a picture is that one file; a name without suffix, such as ``peaks`` or
        ``lam0.1``, gets some.
    formats : sequence of str, optional
        Suffixes, without their dot, to put behind the path; by default ``png`` and ``pdf``.

    Raises
    ------
    ValueError
        If the name has another suffix, a format is unknown, or both a suffix and formats are given.
    """
    from matplotlib.backend_bases import FigureCanvasBase

    path, known = Path(path), FigureCanvasBase.get_supported_filetypes()
    suffix = path.suffix[1:].lower()
    for given in formats or ():
        if given.lower() not in known:
            raise ValueError(f"formats = {formats!r}: give some of {', '.join(sorted(known))}")
    if suffix in known:
        if formats is not None:
            raise ValueError(
                f"path = {str(path)!r} beside formats = {formats!r}: give one of the two"
            )
        return (path,)
    if suffix.isalpha() and formats is None:  # lam0.1 and peaks.v2 are names
        raise ValueError(
            f"path = {str(path)!r}: .{suffix} is no picture; end the name in .png, .pdf, .svg or in no "
            f"suffix, or say formats=('png',) to write {path.name}.png"
        )
    return tuple(path.with_name(f"{path.name}.{end}") for end in formats or ("png", "pdf"))


def save(
    figure: Figure, path: str | Path, formats: Sequence[str] | None = None
) -> tuple[Path, ...]:
    """Write a figure to the files that ``targets`` names.

    Parameters
    ----------
    figure : Figure
        What to write.
    path : str or Path
        ``"peaks.png"`` writes that file, ``"peaks"`` both ``peaks.png`` and ``peaks.pdf``.
    formats : sequence of str, optional
        Suffixes, without their dot, to put behind the path instead of ``png`` and ``pdf``.

    Returns
    -------
    tuple of Path
        The files written.

    Raises
    ------
    ValueError
        As ``targets``, before anything is written, or if ``figure`` is none, ``path`` is empty or its folder
        is missing.
    OSError
        If a file cannot be written.
    """
    from twinpeaks.figures.style import article

    if not hasattr(figure, "savefig"):
        raise ValueError(f"figure is a {type(figure).__name__}: give a matplotlib Figure")
    if not Path(path).name:
        raise ValueError(f"path = {str(path)!r}: give the name of a file")
    written = targets(path, formats)
    folder = written[0].parent
    if not folder.is_dir():
        raise ValueError(f"path = {str(path)!r}: there is no folder {str(folder)!r}; make it first")
    with article():
        for file in written:
            figure.savefig(file, format=file.suffix[1:].lower())
    return written
