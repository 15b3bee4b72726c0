"""Paths and families: more patterns at a fixed number of features, for several shares of wrong labels.

Run with ``python examples/paths.py``; it writes paths.png. Along the path N/D = 3 stays fixed while P/D
grows, so that overparameterisation falls: the test error peaks at N = P, the dotted line, and the mean
dimension there or, where labels are noisy, at somewhat more patterns.
"""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

import twinpeaks as tp
from twinpeaks import figures

width = 3.0  # N/D
alpha_T = xr.DataArray(np.geomspace(0.3, 30, 121), dims="samples")
problem = tp.Problem(teacher=tp.FlippedSign())
curve = tp.solve(
    problem,
    vary={"teacher.flip": [0.0, 0.05, 0.2]},
    overparam=width / alpha_T,
    alpha_T=alpha_T,
    lam=1e-3,
)
attacked = tp.flip_rate(problem, curve, 0.3)

fig = Figure(figsize=(9, 3), layout="constrained")
axes = fig.subplots(1, 3)
for ax, quantity in zip(axes, (curve.test_error, curve.bmd, attacked), strict=True):
    for flip in curve.flip.values:
        ax.plot(curve.alpha_T, quantity.sel(flip=flip), label=f"flip = {flip:g}")
    ax.axvline(width, color="0.6", linestyle=":", zorder=0)
    ax.set(xscale="log", xlabel="P/D at N/D = 3", ylabel=quantity.attrs["long_name"])
axes[0].legend()
print(tp.problem_at(problem, curve.sel(flip=0.05)))
print("picture:", *figures.save(fig, "paths.png"))
