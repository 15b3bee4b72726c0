"""Time the solver on standard curves: best of three, accuracy and cost beside it.

python -m benchmarks            # table on standard output, benchmarks/results.csv
"""

from __future__ import annotations

import csv
import os
import platform
import time
from pathlib import Path

import numpy as np

import theory

CASES = {
    "square, 1000 points": (theory.Square(), np.geomspace(0.05, 20, 1000), 1e-4),
    "square, 100000 points": (theory.Square(), np.geomspace(0.05, 20, 100_000), 1e-4),
    "logistic, 1000 points": (theory.Logistic(), np.geomspace(0.05, 20, 1000), 1e-4),
    "logistic, 1 point": (theory.Logistic(), 1.0, 1e-4),
    "logistic, 60 x 60 map": (
        theory.Logistic(),
        np.geomspace(0.05, 20, 60),
        np.geomspace(1e-6, 10, 60),
    ),
}
COLUMNS = ("case", "seconds", "points/s", "evaluations/point", "residual", "step", "status")


def measure(loss: theory.Loss, overparam: object, lam: object) -> dict[str, float | str]:
    """Best of three runs of one case."""
    problem = theory.Problem(theory.Tanh(), theory.Sign(), loss)
    best = np.inf
    for _ in range(3):
        start = time.perf_counter()
        curve = theory.solve(problem, overparam=overparam, alpha_T=3.0, lam=lam)
        best = min(best, time.perf_counter() - start)
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
    print("  ".join(f"{c:>22}" for c in COLUMNS))
    rows = []
    for case, arguments in CASES.items():
        row = {"case": case, **measure(*arguments)}
        rows.append(row)
        print("  ".join(f"{row[c]:>22}" for c in COLUMNS), flush=True)
    path = Path(__file__).with_name("results.csv")
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    print(f"written to {path}")


if __name__ == "__main__":
    main()
