"""A suite of comparisons on the command line: progress, one line per case, and the report."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from twinpeaks.commands.files import write
from twinpeaks.commands.report import progress_bar, refusals

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from twinpeaks.validate.suite import Outcome, SuiteResult

__all__ = ["SUITE_NAMES", "run", "write_report"]

#: Known without loading what simulates; a test holds them equal to ``twinpeaks.validate.suites.SUITES``.
SUITE_NAMES = ("standard", "target", "full")

_DRAWN = 5  # ratios from which on a case is drawn
_TITLE = (
    "case",
    "seconds",
    "numbers",
    "largest |z|",
    "|z| > 3",
    "least p (chi2)",
    "s.e. test",
    "s.e. bmd",
)


def run(name: str, level: float, **how: Any) -> SuiteResult:
    """Run a suite by name and print a line for each case; ``how`` as in ``validate.run_suite``."""
    import torch

    from twinpeaks.validate.suite import run_suite
    from twinpeaks.validate.suites import SUITES

    # Matrices of a few hundred rows: a second thread costs more than it brings.
    torch.set_num_threads(1)
    suite = replace(SUITES[name], level=level)
    click.echo(f"{suite.name}: {suite.about}")
    begun = time.monotonic()
    with refusals(), progress_bar(name) as bar:
        result = run_suite(suite, **how, progress=_overall(len(suite.cases), bar))
    rows = [_TITLE, *(_row(outcome) for outcome in result.outcomes)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        first, *others = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join([first.strip().ljust(widths[0]), *others]))
    click.echo(f"{time.monotonic() - begun:.0f} s in all")
    return result


def _overall(cases: int, bar: Callable[[int, int], None]) -> Callable[[str, int, int], None]:
    """Progress over all cases, in thousandths of a case, since their instances differ in work."""
    names: list[str] = []

    def report(name: str, done: int, total: int) -> None:
        if name not in names:
            names.append(name)
        bar(1000 * (len(names) - 1) + 1000 * done // total, 1000 * cases)

    return report


def _row(outcome: Outcome) -> tuple[str, ...]:
    summary = outcome.summary
    relative = abs(summary["intercept_error"] / summary["intercept"])
    return (
        outcome.case.name,
        f"{outcome.seconds:.0f}",
        f"{int(summary['points'].sum())}",
        f"{float(summary['largest_z'].max()):.1f}",
        f"{int((abs(summary['z']) > 3).sum())}",
        f"{float(summary['chi_square_p'].min()):.2g}",
        *(f"{float(relative.sel(variable=n).max()):.2%}" for n in ("test_error", "bmd")),
    )


def _figures(result: SuiteResult) -> dict[str, Figure]:
    """Quantiles of all scores, and the curves of the cases with enough ratios."""
    import numpy as np

    from twinpeaks import figures, theory

    drawn = {"Scores of all cases": figures.qq(result.summaries)}
    for outcome in result.outcomes:
        case = outcome.case
        if len(case.overparam) < _DRAWN or case.beta:
            continue
        ends = min(case.overparam) / 2, max(case.overparam) * 2
        fine = np.union1d(np.geomspace(*ends, 100), case.overparam)
        curve = theory.solve(case.problem, overparam=fine, alpha_T=case.alpha_T, lam=case.lam)
        drawn[f"{case.name}: theory and networks of finite size"] = figures.twin_peaks(
            {case.name: (curve, outcome.run)}
        )
    return drawn


def write_report(result: SuiteResult, command: str, output: Path) -> None:
    """Write the HTML page of a suite."""
    from twinpeaks import validate

    page = validate.report(
        result.summaries,
        title=f"Theory and simulation: {result.suite.name} suite",
        level=result.suite.level,
        command=command,
        figures=_figures(result),
        versions={"seconds": f"{sum(o.seconds for o in result.outcomes):.0f}"},
    )
    write(page, output)
