"""Where cooling the 0-1 loss breaks replica symmetry, for two amounts of data.

Run with ``python examples/stability.py``; it writes stability.png.
"""

import numpy as np
from matplotlib.figure import Figure

import twinpeaks as tp
from twinpeaks import figures
from twinpeaks.figures.style import colours

problem = tp.Problem(loss=tp.ZeroOne())
ratios = np.linspace(0.05, 0.55, 26)

with figures.article():
    picture = Figure(figsize=(3.4, 2.6), layout="constrained")
    ax = picture.subplots()
    for alpha_T, colour in zip((1.0, 3.0), colours(2), strict=True):
        line = tp.instability(problem, overparam=ratios, alpha_T=alpha_T)
        broken = line.where(np.isfinite(line.beta), drop=True)
        ax.semilogy(broken.overparam, broken.beta, color=colour, label=f"$P/D = {alpha_T:g}$")
        print(f"P/D = {alpha_T:g}: stable at every temperature from N/P =", end=" ")
        print(f"{float(line.overparam[np.isinf(line.beta)].min()):.3f}")
    ax.set(xlabel="overparameterisation $N/P$", ylabel=r"$\beta$ of the first instability")
    ax.set_yticks([2, 5, 10, 20], ["2", "5", "10", "20"], minor=False)
    ax.set_yticks([], minor=True)
    ax.legend()

print("picture:", *figures.save(picture, "stability.png"))
