"""Time the solver on standard curves: best of three, accuracy and cost beside it.

python -m benchmarks            # table on standard output, benchmarks/results.csv
"""

from __future__ import annotations

import csv
import os
import platform
import time
from pathlib import Path
from typing import Any

import numpy as np

from twinpeaks import theory

# loss, overparam, lam, beta
CASES: dict[str, tuple[theory.Loss, Any, Any, float]] = {
    "square, 1000 points": (theory.Square(), np.geomspace(0.05, 20, 1000), 1e-4, np.inf),
    "square, 100000 points": (theory.Square(), np.geomspace(0.05, 20, 100_000), 1e-4, np.inf),
    "logistic, 1000 points": (theory.Logistic(), np.geomspace(0.05, 20, 1000), 1e-4, np.inf),
    "logistic, 1 point": (theory.Logistic(), 1.0, 1e-4, np.inf),
    "logistic, 60 x 60 map": (
        theory.Logistic(),
        np.geomspace(0.05, 20, 60),
        np.geomspace(1e-6, 10, 60),
        np.inf,
    ),
    "logistic, 200 x 200 map": (
        theory.Logistic(),
        np.geomspace(0.05, 20, 200),
        np.geomspace(1e-6, 10, 200),
        np.inf,
    ),
    "hinge, 1000 points": (theory.Hinge(), np.geomspace(0.05, 20, 1000), 1e-4, np.inf),
    "logistic at beta = 10, 1000 points": (
        theory.Logistic(),
        np.geomspace(0.05, 20, 1000),
        1e-4,
        10.0,
    ),
}
COLUMNS = ("case", "seconds", "points/s", "evaluations/point", "residual", "step", "status")
WIDTH = max(map(len, CASES))


def measure(loss: theory.Loss, overparam: Any, lam: Any, beta: float) -> dict[str, float | str]:
    """Best of three runs of one case; a run of more than ten seconds is not repeated."""
    problem = theory.Problem(theory.Tanh(), theory.Sign(), loss)
    best = np.inf
    for _ in range(3):
        start = time.perf_counter()
        curve = theory.solve(
            problem, overparam=overparam, alpha_T=3.0, lam=lam, beta=beta, throw=False
        )
        best = min(best, time.perf_counter() - start)
        if best > 10:
            break
    return {
        "seconds": f"{best:.3f}",
        "points/s": f"{curve.status.size / best:.3g}",
        "evaluations/point": f"{float(curve.evaluations.mean()):.2f}",
        "residual": f"{float(curve.residual.max()):.1e}",
        "step": f"{float(curve.step.max()):.1e}",
        "status": "converged" if bool((curve.status == 0).all()) else "FAILED",
    }


def main() -> None:
    """Run every case and write the table."""
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores")
    print("  ".join(f"{c:>{WIDTH}}" for c in COLUMNS))
    rows = []
    for case, arguments in CASES.items():
        row = {"case": case, **measure(*arguments)}
        rows.append(row)
        print("  ".join(f"{row[c]:>{WIDTH}}" for c in COLUMNS), flush=True)
    path = Path(__file__).with_name("results.csv")
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    print(f"written to {path}")


if __name__ == "__main__":
    main()
