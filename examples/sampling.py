"""Sampling: weights of finite networks at finite temperature beside the theory.

Run with ``python examples/sampling.py``; it writes sampling.png. Points are Hamiltonian Monte Carlo of
the logistic loss at D = 60, averaged over 4 instances: one draw of the Boltzmann measure (full), and
the mean over the measure (open), which is what the overlap of two replicas describes.
"""

import numpy as np
from matplotlib.figure import Figure

import twinpeaks as tp
from twinpeaks import figures, simulate
from twinpeaks.figures.style import colours

problem = tp.Problem(loss=tp.Logistic())
at = {"alpha_T": 3.0, "lam": 0.1}
beta = [0.3, 1.0, 3.0, 10.0, 30.0, 100.0]
curve = tp.solve(problem, overparam=[0.5, 2.0], beta=np.geomspace(0.2, 150, 40), **at)
run = simulate.sample(
    problem,
    overparam=[0.5, 2.0],
    beta=beta,
    D=60,
    seeds=4,
    warmup=200,
    trajectory=1.0,  # the most efficient where the measure is close to Gaussian
    **at,
)

with figures.article():
    picture = Figure(figsize=(7.0, 2.8), layout="constrained")
    axes = picture.subplots(1, 2)
    for ax, name, label in zip(
        axes, ("test_error", "bmd"), ("test error", "mean dimension"), strict=True
    ):
        for x, colour in zip(curve.overparam.values, colours(2), strict=True):
            for variable, style, face in ((name, "-", colour), (f"{name}_mean", "--", "white")):
                ax.semilogx(curve.beta, curve[variable].sel(overparam=x), style, color=colour)
                points = run[variable].sel(overparam=x)
                error = points.std("seed", ddof=1) / points.sizes["seed"] ** 0.5
                ax.errorbar(beta, points.mean("seed"), error, fmt="o", ms=4, color=colour, mfc=face)
            ax.plot([], [], color=colour, label=f"$N/P = {x:g}$")
        ax.plot([], [], "--", color="0.3", label="posterior mean")
        ax.set(xlabel=r"inverse temperature $\beta$", ylabel=label)
    axes[0].legend(fontsize=7)

print(f"points that mixed: {int((run.status == 0).sum())} of {run.status.size}")
print(f"largest R-hat {float(run.r_hat.max()):.4f}")
print(f"smallest effective sample size {float(run.ess_bulk.min()):.0f}")
print("picture:", *figures.save(picture, "sampling.png"))
