"""What is installed only for those who ask for it."""

from __future__ import annotations

from importlib.util import find_spec

__all__ = ["MissingExtra", "need"]


class MissingExtra(ImportError):  # noqa: N818 - an absence, which is not the user's error
    """A package that part of twinpeaks needs is not installed; the message says how to get it."""


def need(package: str, extra: str, what: str) -> None:
    """Refuse to go on without a package.

    Parameters
    ----------
    package : str
        Its import name.
    extra : str
        The extra of twinpeaks that brings it.
    what : str
        What needs it, the subject of the sentence.

    Raises
    ------
    MissingExtra
        Names the package and the command that installs it.

    Examples
    --------
    >>> from twinpeaks.extras import need
    >>> need("numpy", "simulate", "twinpeaks.simulate")
    """
    if find_spec(package) is None:
        raise MissingExtra(
            f"{what} needs {package}, which is not installed: pip install 'twinpeaks[{extra}]'"
        )
