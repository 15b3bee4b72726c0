"""Limits: lam -> 0 runs into the ridgeless solution, N/P -> inf into kernel regression.

Run with ``python examples/limits.py``; it writes limits.png. Both limits are values of an axis,
``lam=0`` and ``overparam=inf``, solved by equations of their own. The logistic loss reaches the maximum
margin only slowly, the hinge loss to all digits at a finite lam: its line ends where the distance falls
below 2e-9, the tolerance of the solver's steps. A dip is a change of sign.
"""

import numpy as np
from matplotlib.figure import Figure

import twinpeaks as tp
from twinpeaks import figures
from twinpeaks.figures.style import colours

lam = np.append(0.0, np.geomspace(1e-8, 1, 121))
width = np.append(np.geomspace(1, 1e6, 25), np.inf)
RESOLVED = 2e-9
names = {"square": tp.Square(), "logistic": tp.Logistic(), "hinge": tp.Hinge()}

with figures.article():
    picture = Figure(figsize=(7.0, 2.8), layout="constrained")
    axes = picture.subplots(1, 2)
    for (name, loss), colour in zip(names.items(), colours(3), strict=True):
        problem = tp.Problem(loss=loss)
        ridge = tp.solve(problem, overparam=0.7, alpha_T=3.0, lam=lam).test_error.values
        wide = tp.solve(problem, overparam=width, alpha_T=3.0, lam=1e-2).test_error.values
        for ax, x, y, limit in (
            (axes[0], lam[1:], ridge[1:], ridge[0]),
            (axes[1], width[:-1], wide[:-1], wide[-1]),
        ):
            distance = np.abs(y / limit - 1)
            ax.loglog(x, np.where(distance > RESOLVED, distance, np.nan), color=colour, label=name)
        print(f"{name:<9} lam = 1e-8 {ridge[1]:.8f}, lam = 0 {ridge[0]:.8f};", end=" ")
        print(f"N/P = 1e6 {wide[-2]:.8f}, N/P = inf {wide[-1]:.8f}")
    axes[0].set(xlabel=r"ridge penalty $\lambda$ at $N/P = 0.7$")
    axes[1].set(xlabel=r"overparameterisation $N/P$ at $\lambda = 0.01$")
    axes[0].set(ylim=(RESOLVED, 1.0), ylabel="relative distance of the\ntest error from its limit")
    axes[1].set(ylim=(RESOLVED, 1.0))
    axes[1].legend(loc="lower left")

print("picture:", *figures.save(picture, "limits.png"))
