"""Losses: the mean-dimension peak of four losses, and where each starts to fit its training set.

Run with ``python examples/losses.py``; it writes losses.png. Dotted lines are the interpolation
thresholds: N/P = 1 for the square loss, separability, the same for all, for losses of the margin.
"""

import numpy as np
from matplotlib.figure import Figure

import twinpeaks as tp
from twinpeaks import figures
from twinpeaks.figures.style import colours

ratios = np.geomspace(0.05, 10, 121)
losses = {
    "square": tp.Square(),
    "logistic": tp.Logistic(),
    "hinge": tp.Hinge(),
    "squared hinge": tp.SquaredHinge(),
}

with figures.article():
    picture = Figure(figsize=(7.0, 3.0), layout="constrained")
    axes = picture.subplots(1, 2)
    print(f"{'loss':<14} {'threshold':>9} {'BMD peak':>9} {'at N/P':>7} {'least test error':>17}")
    thresholds = set()
    # Hinge and squared hinge meet above their threshold: one is drawn wide, the other dashed on it.
    styles = ({}, {}, {"linewidth": 2.4, "alpha": 0.6}, {"linestyle": "--"})
    for (name, loss), colour, style in zip(losses.items(), colours(4), styles, strict=True):
        problem = tp.Problem(loss=loss)
        curve = tp.solve(problem, overparam=ratios, alpha_T=3.0, lam=1e-4)
        threshold = float(tp.interpolation_threshold(problem, 3.0))
        for ax, variable in zip(axes, ("test_error", "bmd"), strict=True):
            ax.semilogx(ratios, curve[variable], color=colour, label=name, **style)
        thresholds.add(round(threshold, 9))
        at = int(np.argmax(curve.bmd.values))
        print(
            f"{name:<14} {threshold:9.4f} {float(curve.bmd[at]):9.4f} {ratios[at]:7.3f} "
            f"{float(curve.test_error.min()):17.4f}"
        )
    for ax, label in zip(axes, ("test error", "mean dimension"), strict=True):
        for place, text in zip(sorted(thresholds), ("interpolation thresholds", None), strict=True):
            ax.axvline(place, color="0.4", linestyle=":", linewidth=0.8, zorder=0, label=text)
        ax.set(xlabel="overparameterisation $N/P$", ylabel=label)
        ax.xaxis.set_major_formatter("{x:g}")
    handles, names = axes[0].get_legend_handles_labels()
    picture.legend(handles, names, loc="outside lower center", ncols=5)

print("picture:", *figures.save(picture, "losses.png"))
