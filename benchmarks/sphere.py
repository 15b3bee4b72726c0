"""Learning curves on the sphere: time with accuracy, and simulated errors beside the theory.

python -m benchmarks.sphere            # tables of docs/sphere.md, two minutes of one core

Times are CPU seconds for 10,000 values of n from 1 to 1e9 at once, without ridge and with lam = 0.01; the
accuracy is the largest relative departure from the golden rows of 18 digits. Simulated errors are of an even
Matern target (tau = 1, 400 degrees), d = 3, n = 128, 40 sets of inputs.
"""

from __future__ import annotations

import json
import time
import warnings

import numpy as np

from tests.data.make_sphere import CASES, FILE
from twinpeaks.simulate.sphere import least_variation, run
from twinpeaks.theory import sphere

N = np.geomspace(1, 1e9, 10_000)


def main() -> None:
    warnings.simplefilter("ignore", sphere.AmplitudeWarning)
    print("| d | lam = 0 | lam = 0.01 |\n|---|---|---|")
    for d in (2, 3, 5, 10, 50):
        problem = sphere.Problem(d, sphere.NTK(), sphere.GaussianField(1.5), noise=0.1)
        sphere.solve(problem, n=10)
        seconds = []
        for lam in (0.0, 1e-2):
            start = time.process_time()
            curve = sphere.solve(problem, n=N, lam=lam)
            seconds.append(time.process_time() - start)
            assert (curve.status == 0).all()
        print(f"| {d} | {seconds[0]:.2f} | {seconds[1]:.2f} |")
    worst = 0.0
    for (*parts, n, lam, ratio), known in zip(
        CASES, json.loads(FILE.read_text("utf-8")), strict=True
    ):
        curve = sphere.solve(sphere.Problem(*parts), n=n, lam=lam, overparam=ratio)
        for name, digits in known.items():
            if float(digits):
                worst = max(worst, abs(float(curve[name]) / float(digits) - 1))
    print(f"\nlargest departure from {len(CASES)} golden rows: {worst:.1e}\n")
    print("| kernel | lam | theory | simulated |\n|---|---|---|---|")
    for kernel, lam in ((sphere.NTK(), 0.0), (sphere.RFK(), 0.0), (sphere.RFK(), 1e-2)):
        problem = sphere.Problem(3, kernel, sphere.Matern(1.5, degrees=400))
        exact = float(sphere.solve(problem, n=128, lam=lam).test_error)
        error = run(problem, n=128, lam=lam, seeds=40).test_error.values
        print(
            f"| {kernel} | {lam:g} | {exact:.4e} | {error.mean():.4e} +- {error.std(ddof=1) / 40**0.5:.0e} |"
        )
    print("\n| least total variation, d = 3, n | CPU s | pivots | gap |\n|---|---|---|---|")
    for n in (64, 128, 256):
        x = np.random.default_rng(n).standard_normal((n, 3))
        x /= np.linalg.norm(x, axis=1, keepdims=True)
        start = time.process_time()
        found = least_variation(x, np.ones(n))
        print(f"| {n} | {time.process_time() - start:.1f} | {found.pivots} | {found.gap:.0e} |")


if __name__ == "__main__":
    main()
