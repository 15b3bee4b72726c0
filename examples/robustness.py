"""Beyond the mean dimension: which degrees the output is made of, and how easily its class is flipped.

Run with ``python examples/robustness.py``; it writes robustness.png. All of it is read off one solved
curve; the points are eight attacked networks each.
"""

import numpy as np
from matplotlib.figure import Figure

import twinpeaks as tp
from twinpeaks import figures, simulate
from twinpeaks.figures.style import colours

problem = tp.Problem(loss=tp.Logistic())
at = {"alpha_T": 3.0, "lam": 1e-4}
ratios, radii = [0.15, 0.3, 0.6, 1.5], [0.2, 0.5]

curve = tp.solve(problem, overparam=np.geomspace(0.05, 10, 201), **at)
shares = tp.fourier_weights(problem, curve, degrees=5) / curve.Q_d
flips = tp.flip_rate(problem, curve, radii)
robust = tp.robust_test_error(problem, curve, radii)
run = simulate.attack(problem, overparam=ratios, **at, D=60, seeds=8, eps=radii).sel(norm="l2")

with figures.article():
    picture = Figure(figsize=(7.0, 2.6), layout="constrained")
    axes = picture.subplots(1, 3)
    for k, colour in zip((1, 3, 5), colours(3), strict=True):
        axes[0].semilogx(curve.overparam, shares.sel(degree=k), color=colour, label=f"degree {k}")
    axes[0].set(ylabel="share of the variance", ylim=(0, 1.02))
    axes[0].legend()
    for ax, lines, points, name in (
        (axes[1], flips, run.flip_rate, "flip rate"),
        (axes[2], robust, run.robust_error, "robust test error"),
    ):
        if name != "flip rate":
            ax.semilogx(curve.overparam, curve.test_error, color="black", label=r"$\epsilon = 0$")
        for eps, colour in zip(radii, colours(2), strict=True):
            ax.semilogx(
                curve.overparam, lines.sel(eps=eps), color=colour, label=rf"$\epsilon = {eps}$"
            )
            mean, error = (
                points.sel(eps=eps).mean("seed"),
                points.sel(eps=eps).std("seed", ddof=1) / 8**0.5,
            )
            ax.errorbar(ratios, mean, yerr=error, fmt="o", color=colour, markersize=3)
        ax.set(ylabel=name, ylim=(0, None))
        ax.legend()
    for ax in axes:
        ax.set(xlabel="overparameterisation $N/P$")

peak = curve.isel(overparam=int(np.argmax(curve.bmd.values)))
print(f"largest mean dimension {float(peak.bmd):.3f} at N/P = {float(peak.overparam):.3f}")
print("shares of degrees 1 to 5 there:", shares.sel(overparam=peak.overparam).values.round(4))
for eps in radii:
    line = f"eps = {eps}: flip rate {float(flips.sel(overparam=peak.overparam, eps=eps)):.4f}"
    print(f"{line}, robust test error {float(robust.sel(overparam=peak.overparam, eps=eps)):.4f}")
print("picture:", *figures.save(picture, "robustness.png"))
