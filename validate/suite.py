"""Run a suite: solve, simulate and compare every case, and decide once for all of them."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xarray as xr

from twinpeaks import simulate, theory
from twinpeaks.validate.agreement import Verdict, agrees
from twinpeaks.validate.compare import compare
from twinpeaks.validate.extrapolate import summarise
from twinpeaks.validate.suites import Case, Suite

__all__ = ["Outcome", "SuiteResult", "run_case", "run_suite"]

Progress = Callable[[str, int, int], Any]

# Inputs of test error and mean dimension: their noise is small beside that of the instances.
_INPUTS: dict[str, Any] = {"n_test": 5000, "n_flip": 32, "n_variance": 4096}
_DRAWS: dict[str, Any] = {"chains": 4, "draws": 100, "n_draws": 8}


@dataclass(frozen=True)
class Outcome:
    """One case, done.

    Attributes
    ----------
    case : Case
        What was compared.
    curve, run, summary : xarray.Dataset
        Theory, simulation, and the comparison extrapolated to infinite size.
    seconds : float
        Wall time; little where results were kept from an earlier run.
    """

    case: Case
    curve: xr.Dataset
    run: xr.Dataset
    summary: xr.Dataset
    seconds: float


@dataclass(frozen=True)
class SuiteResult:
    """A suite, done. Truthy when theory and simulation agree.

    Attributes
    ----------
    suite : Suite
        What was run.
    outcomes : tuple of Outcome
        In the order of its cases.
    verdict : Verdict
        Over every test of every case, at the level of the suite.
    """

    suite: Suite
    outcomes: tuple[Outcome, ...]
    verdict: Verdict

    def __bool__(self) -> bool:
        """Whether they agree."""
        return bool(self.verdict)

    @property
    def summaries(self) -> dict[str, xr.Dataset]:
        """The summary of every case, by its name."""
        return {outcome.case.name: outcome.summary for outcome in self.outcomes}


def run_suite(
    suite: Suite,
    *,
    store: str | Path | None = None,
    device: str = "auto",
    scheduler: str | int | None = None,
    progress: Progress | None = None,
) -> SuiteResult:
    """Run every case of a suite, and decide whether theory and simulation agree.

    Parameters
    ----------
    suite : Suite
        From :mod:`validate.suites`, or made by hand.
    store : path, optional
        Folder in which every case keeps its finished instances, made when absent: the same call
        after an interruption does only what is missing.
    device, scheduler
        As in ``tp.run``.
    progress : callable, optional
        Called with (name of the case, instances done, instances in all).

    Returns
    -------
    SuiteResult

    Raises
    ------
    ValueError
        For an absent device, or a store that is a file.
    theory.SolveError
        If the theory of a case does not converge.
    sweeps.StoreError
        If a store cannot be used.
    """
    folder = None if store is None else _folder(Path(store))
    outcomes = []
    for case in suite.cases:

        def report(done: int, total: int, name: str = case.name) -> None:
            if progress is not None:
                progress(name, done, total)

        outcomes.append(run_case(case, folder, device=device, scheduler=scheduler, progress=report))
    verdict = agrees({o.case.name: o.summary for o in outcomes}, suite.level)
    return SuiteResult(suite, tuple(outcomes), verdict)


def run_case(
    case: Case,
    folder: Path | None = None,
    *,
    device: str = "auto",
    scheduler: str | int | None = None,
    progress: Callable[[int, int], Any] | bool = False,
) -> Outcome:
    """Solve, simulate and compare one case; arguments as in :func:`run_suite`."""
    begun = time.monotonic()
    axes: dict[str, Any] = {"overparam": case.overparam, "alpha_T": case.alpha_T, "lam": case.lam}
    sweep: Callable[..., xr.Dataset]
    kind, sweep, measured = "train", simulate.run, _INPUTS
    if case.beta:
        axes["beta"] = case.beta
        kind, sweep, measured = "sample", simulate.sample, _INPUTS | _DRAWS
    curve = theory.solve(case.problem, **axes)
    # One file for each problem and kind: a larger suite finds the instances of a smaller one.
    name = _digest(f"{kind} {case.problem} {device}")
    kept = None if folder is None else folder / f"{name}.sqlite"
    run = sweep(
        case.problem,
        **axes,
        D=case.D,
        seeds=case.seeds,
        **measured,
        device=device,
        store=kept,
        scheduler=scheduler,
        progress=progress,
    )
    summary = summarise(compare(curve, run), case.order, case.slow)
    return Outcome(case, curve, run, summary, time.monotonic() - begun)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _folder(path: Path) -> Path:
    if path.exists() and not path.is_dir():
        raise ValueError(f"store = {path}: this is a file; give a folder")
    path.mkdir(parents=True, exist_ok=True)
    return path
