"""Adversarial initialisation: train on random labels first, then on the task, and see what remains.

Run with ``python examples/initialisation.py``; it writes initialisation.png, the figure of test error
and mean dimension against the scale and origin of the start, in a minute or two. The square loss makes
the experiment of arXiv 2401.12610 solvable: docs/derivations/adversarial-initialisation.md.
"""

import twinpeaks as tp
from twinpeaks import figures

problem, at = tp.Problem(), {"overparam": 2.0, "alpha_T": 3.0}
starts = {
    "none": tp.GaussianStart(scale=0.0),
    "Gaussian, scale 5": tp.GaussianStart(scale=5.0),
    "random labels on D/2 other inputs, scale 5": tp.RandomLabelsStart(1 / 12, scale=5.0),
    "random labels on 3 D other inputs, scale 5": tp.RandomLabelsStart(1 / 2, scale=5.0),
    "random labels on the training inputs": tp.SameInputsStart(scale=5.0),
}
for name, start in starts.items():
    curve = tp.solve_from_start(problem, start, **at)
    print(f"{name:<43} test error {float(curve.test_error):.4f}", end="")
    print(f", mean dimension {float(curve.bmd):.3f}, of the start {float(curve.start_bmd):.3f}")

data = figures.DEFAULTS["initialisation"]()
print("picture:", *figures.save(figures.initialisation(*data), "initialisation.png"))
