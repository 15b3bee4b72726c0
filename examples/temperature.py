"""Temperature: test error and mean dimension against beta, of one sample and of the posterior mean.

Run with ``python examples/temperature.py``; it writes temperature.png. A sample of the Boltzmann
measure carries thermal noise; the mean over the measure does not, and the two meet as beta -> inf.
"""

import numpy as np
from matplotlib.figure import Figure

import twinpeaks as tp
from twinpeaks import figures
from twinpeaks.figures.style import colours

problem = tp.Problem(loss=tp.Logistic())
beta = np.append(np.geomspace(0.3, 3000, 25), np.inf)
curve = tp.solve(problem, overparam=[0.3, 1.0, 4.0], alpha_T=3.0, lam=1e-2, beta=beta)

with figures.article():
    picture = Figure(figsize=(7.0, 2.8), layout="constrained")
    axes = picture.subplots(1, 2)
    for ax, name, label in zip(
        axes, ("test_error", "bmd"), ("test error", "mean dimension"), strict=True
    ):
        for x, colour in zip(curve.overparam.values, colours(3), strict=True):
            for variable, style in ((name, "-"), (f"{name}_mean", "--")):
                line = curve[variable].sel(overparam=x)
                ax.semilogx(beta[:-1], line[:-1], style, color=colour)
                ax.plot(2 * beta[-2], line[-1], "o", color=colour)
            ax.plot([], [], color=colour, label=f"$N/P = {x:g}$")
        ax.plot([], [], "--", color="0.3", label="posterior mean")
        ax.plot([], [], "o", color="0.3", label=r"$\beta = \infty$")
        ax.set(xlabel=r"inverse temperature $\beta$", ylabel=label)
    axes[0].legend(fontsize=7, bbox_to_anchor=(1.0, 0.98), loc="upper right", labelspacing=0.2)

cold = curve.sel(beta=np.inf)
print(curve.test_error.isel(beta=[0, 12, -1]).to_pandas().round(4))
print("largest gap between sample and mean at beta = inf:", end=" ")
print(f"{float(abs(cold.test_error - cold.test_error_mean).max()):.1e}")
print("picture:", *figures.save(picture, "temperature.png"))
