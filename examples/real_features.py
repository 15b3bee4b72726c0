"""Random features on real images: predicted from their moments, and trained.

Run with ``python examples/real_features.py``; it writes real_features.png. The images are the 8 x 8 digits of
scikit-learn, or those of an IDX file such as MNIST's: ``python examples/real_features.py
t10k-images-idx3-ubyte.gz``, averaged over 2 x 2 pixels. Odd digits are told from even ones.
"""

import sys

import numpy as np

import twinpeaks as tp
from twinpeaks import figures

data, P = (tp.Idx(sys.argv[1], pool=2), 300) if sys.argv[1:] else (tp.Digits(), 200)
images = data.load()
x, y = images.flat, images.parity
D = x.shape[1]
F = np.random.default_rng(0).standard_normal((D, 4 * P))
at = {"P": P, "overparam": [0.25, 0.5, 0.75, 1.0, 1.25, 2.0, 4.0], "lam": [1e-4, 1e-2, 1.0]}

# The laws of the inputs that probe the read-out.
laws = {"binary": tp.Binary(D), "uniform": tp.Uniform(-1.0, 1.0, D), "marginal": tp.Marginals(x)}
curve = tp.solve_on_data(F, x, y, laws=laws, **at)
run = tp.run_on_data(F, x, y, laws=laws, seeds=12, **at)

mean, error = run.mean("seed"), run.std("seed", ddof=1) / run.sizes["seed"] ** 0.5
off, z = mean / curve - 1, (mean - curve) / error
print(
    f"{images.name}: D = {D}, P = {P}, {run.sizes['seed']} training sets, N/P = {at['overparam']}"
)
print("quantity, lam: measured / theory - 1, mean and range in per cent; chi2 / point; largest |z|")
for name in ("test_error", "train_error", "q_d", "classification_error"):
    for lam in at["lam"]:
        d, s = 100 * off[name].sel(lam=lam), z[name].sel(lam=lam)
        print(f"{name:<21}{lam:<7g}{float(d.mean()):+6.1f} {float(d.min()):+6.1f}", end=" ")
        print(f"{float(d.max()):+6.1f}   {float((s**2).mean()):7.2f} {float(abs(s).max()):6.1f}")
for law in laws:
    for lam in at["lam"]:
        d, s = (100 * off.bmd).sel(lam=lam, law=law), z.bmd.sel(lam=lam, law=law)
        print(
            f"{'bmd, ' + law:<21}{lam:<7g}{float(d.mean()):+6.1f} {float(d.min()):+6.1f}", end=" "
        )
        print(f"{float(d.max()):+6.1f}   {float((s**2).mean()):7.2f} {float(abs(s).max()):6.1f}")

print("picture:", *figures.save(figures.real_features(curve, run), "real_features.png"))
