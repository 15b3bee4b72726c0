"""Losses: the mean-dimension peak of four losses, and where each starts to fit its training set.

Run with ``python examples/losses.py``; it writes losses.png. Dotted lines are the interpolation
thresholds: N/P = 1 for the square loss, separability for losses of the margin.
"""

import numpy as np
from matplotlib.figure import Figure

import figures
import twinpeaks as tp
from figures.style import colours

ratios = np.geomspace(0.05, 10, 121)
losses = {
    "square": tp.Square(),
    "logistic": tp.Logistic(),
    "hinge": tp.Hinge(),
    "squared hinge": tp.SquaredHinge(),
}

with figures.article():
    picture = Figure(figsize=(7.0, 2.8), layout="constrained")
    axes = picture.subplots(1, 2)
    print(f"{'loss':<14} {'threshold':>9} {'BMD peak':>9} {'at N/P':>7} {'least test error':>17}")
    for (name, loss), colour in zip(losses.items(), colours(4), strict=True):
        problem = tp.Problem(loss=loss)
        curve = tp.solve(problem, overparam=ratios, alpha_T=3.0, lam=1e-4)
        threshold = float(tp.interpolation_threshold(problem, 3.0))
        for ax, variable in zip(axes, ("test_error", "bmd"), strict=True):
            ax.semilogx(ratios, curve[variable], color=colour, label=name)
            ax.axvline(threshold, color=colour, linestyle=":", linewidth=0.8)
        at = int(np.argmax(curve.bmd.values))
        print(
            f"{name:<14} {threshold:9.4f} {float(curve.bmd[at]):9.4f} {ratios[at]:7.3f} "
            f"{float(curve.test_error.min()):17.4f}"
        )
    for ax, label in zip(axes, ("test error", "mean dimension"), strict=True):
        ax.set(xlabel="overparameterisation $N/P$", ylabel=label)
    axes[1].legend()

print("picture:", *figures.save(picture, "losses", ["png"]))
