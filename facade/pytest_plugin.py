"""A pytest plugin: the ``golden`` fixture compares solved points with a table beside the test.

``def test_mine(golden): golden.check(problem, overparam=[0.5, 1.0], alpha_T=3.0, lam=1e-4)`` fails when this
installation's numbers differ from those of the table, and when the table has no such row.
``pytest --golden-update`` writes the rows that are missing or differ. The table of ``test_mine.py`` is
``test_mine.golden.json`` beside it, or the one that the ini option ``golden_table`` names.

Nothing numerical is imported before ``check`` is called.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import xarray as xr

    from twinpeaks import theory

__all__ = ["Golden"]

_UPDATE = "--golden-update"
_WRITTEN = pytest.StashKey[dict[Path, int]]()


@dataclass(frozen=True)
class Golden:
    """What the fixture gives a test.

    Attributes
    ----------
    path : Path
        The table.
    update : bool
        Whether rows that are missing or have drifted are written.
    written : dict of Path to int
        Rows written so far, by table.
    """

    path: Path
    update: bool
    written: dict[Path, int] = field(default_factory=dict)

    def check(
        self,
        problem: theory.Problem,
        *,
        overparam: Any,
        alpha_T: Any,
        lam: Any,
        beta: Any = math.inf,
        rtol: float = 1e-8,
    ) -> xr.Dataset:
        """Solve the outer product of the axes, and fail the test where it differs from the table.

        Parameters
        ----------
        problem : Problem
            Any whose text is the same in every run; callables without a name get a fingerprint.
        overparam, alpha_T, lam, beta : float or 1-d array_like
            As in ``theory.solve``.
        rtol : float
            Relative difference up to which a variable agrees.

        Returns
        -------
        xarray.Dataset
            Of ``theory.solve``, for further assertions.
        """
        __tracebackhide__ = True
        from twinpeaks import theory
        from twinpeaks.validate.precise.drift import verdict
        from twinpeaks.validate.precise.golden import Table, compare, read
        from twinpeaks.validate.precise.golden_rows import place, points

        axes = {"overparam": overparam, "alpha_T": alpha_T, "lam": lam, "beta": beta}
        curve = theory.solve(problem, **axes, throw=False)
        try:
            table = read(self.path) if self.path.exists() else Table(f"pytest {_UPDATE}", ())
        except ValueError as error:
            pytest.fail(f"golden: {error}", pytrace=False)
        rows = {row.key: row for row in table.rows}
        solved = {(repr(problem), *place(point)): point for point in points(curve)}
        found = {key: compare(rows[key], solved[key], rtol) for key in solved if key in rows}
        stale = [key for key in solved if key not in found or not found[key].agrees]
        if self.update:
            self._write(table, [solved[key] for key in stale])
        elif len(found) < len(solved):
            self._refuse([key for key in solved if key not in found], len(solved))
        elif stale:
            pytest.fail(
                f"golden: {verdict(tuple(found.values()))}\n"
                f"The table is {self.path}. Where the change is meant, run pytest {_UPDATE}.",
                pytrace=False,
            )
        return curve

    def _write(self, table: Any, new: list[xr.Dataset]) -> None:
        __tracebackhide__ = True
        from twinpeaks.validate.precise.golden import write
        from twinpeaks.validate.precise.golden_rows import solved_row

        if not new:
            return
        try:
            write(self.path, table.add(*(solved_row(point) for point in new)))
        except (OSError, ValueError) as error:
            pytest.fail(f"golden: {error}\nNo row of this check was written.", pytrace=False)
        self.written[self.path] = self.written.get(self.path, 0) + len(new)

    def _refuse(self, missing: list[tuple[Any, ...]], total: int) -> None:
        __tracebackhide__ = True
        from twinpeaks.validate.precise.golden_rows import Place

        text, *at = missing[0]
        axes = ", ".join(f"{k} = {v!r}".removesuffix(".0") for k, v in Place(*at)._asdict().items())
        pytest.fail(
            f"golden: no row yet for {len(missing)} of {total} points, the first is\n"
            f"  {text}\n  {axes}\n"
            f"in {self.path}.\nRun pytest {_UPDATE} to write what this installation finds.",
            pytrace=False,
        )


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compare solved points with the golden table of this test: ``golden.check(problem, ...)``."""
    config = request.config
    named = config.getini("golden_table")
    beside = request.path.with_name(f"{request.path.stem}.golden.json")
    path = config.rootpath / named if named else beside
    return Golden(path, config.getoption(_UPDATE), config.stash[_WRITTEN])


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option and the ini option."""
    parser.getgroup("twinpeaks").addoption(
        _UPDATE,
        action="store_true",
        help="write the rows of golden tables that are missing or have drifted",
    )
    parser.addini(
        "golden_table",
        "golden table of all tests, relative to the rootdir (default: one beside each test module)",
        default="",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse several processes that write one file."""
    config.stash[_WRITTEN] = {}
    if config.getoption(_UPDATE) and config.getoption("dist", "no") != "no":
        raise pytest.UsageError(f"{_UPDATE} writes files from one process: leave out -n")


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say which tables were written."""
    for path, count in config.stash[_WRITTEN].items():
        rows = "1 row" if count == 1 else f"{count} rows"
        terminalreporter.write_line(f"golden: {rows} written to {path}")
