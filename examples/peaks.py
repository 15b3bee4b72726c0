"""Peaks: where test error and mean dimension peak, at little and at optimal ridge, and the far tail.

Run with ``python examples/peaks.py``; it writes peaks.png, optimal_ridge.png and far_tail.png.
"""

import numpy as np
import xarray as xr

import twinpeaks as tp
from twinpeaks import figures

problems = {"square": tp.Problem(loss=tp.Square()), "hinge": tp.Problem(loss=tp.Hinge())}
alpha_T = 3.0

# Both peaks run into the interpolation threshold as lam -> 0, and into each other.
merging = {}
for name, problem in problems.items():
    lam = np.geomspace(1e-9, 1e-5, 9)
    threshold = float(tp.interpolation_threshold(problem, alpha_T))
    near = {"alpha_T": alpha_T, "lam": lam, "between": (0.8 * threshold, 1.25 * threshold)}
    places = {v: tp.peak(problem, v, throw=False, **near).location for v in ("bmd", "test_error")}
    merging[name] = (xr.Dataset({**places, "threshold": threshold}), None)

# At the ridge penalty of least test error, the error falls and the mean dimension still peaks.
width = np.geomspace(0.02, 50, 40)
optimal = {
    name: (tp.optimal_lam(problem, overparam=width, alpha_T=alpha_T), None)
    for name, problem in problems.items()
}
for name, (best, _) in optimal.items():
    top = int(best.bmd.values.argmax())
    print(
        f"{name}: at the optimal ridge the mean dimension peaks near N/P = {width[top]:.2f}",
        end=" ",
    )
    print(
        f"with {float(best.bmd[top]):.4f}; test errors {best.test_error.values[[0, top, -1]].round(4)}"
    )

# Far past the threshold the mean dimension falls to that of the kernel as A P/N.
wide = np.append(np.geomspace(0.5, 1e4, 80), np.inf)
tails = {}
for name, problem in problems.items():
    at = {"alpha_T": alpha_T, "lam": 1e-4}
    tail = tp.bmd_tail(problem, **at)
    tails[name] = (tp.solve(problem, overparam=wide, **at).assign(bmd_tail=tail), None)
    print(f"{name}: BMD = 1 + {float(tail):.4f} P/N far past the threshold")

figures.save(figures.optimal_ridge(optimal), "optimal_ridge.png")
figures.save(figures.far_tail(tails), "far_tail.png")
print("picture:", *figures.save(figures.merging_peaks(merging), "peaks.png"))
