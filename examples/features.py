"""Feature laws: Gaussian, orthogonal, power-law inputs, and a spectrum measured from data.

Run with ``python examples/features.py``; it writes features.png. The measured spectrum belongs to
features of one width, N = 3D/2, so its curve varies the number of patterns; alpha_T follows.
"""

import numpy as np
from matplotlib.figure import Figure

import twinpeaks as tp
from twinpeaks import figures
from twinpeaks.figures.style import colours

rng = np.random.default_rng(0)
ratios = np.union1d(np.geomspace(0.1, 10, 121), 1 / 3)  # orthogonal features: N = D at 1/3


def measure(D: int, N: int) -> tp.Spectrum:
    """Covariance of tanh features of correlated inputs, and its alignments with a teacher."""
    mixing = np.exp(-np.abs(np.subtract.outer(np.arange(D), np.arange(D))) / 2.0)
    mixing *= (D / np.sum(mixing**2)) ** 0.5
    x = rng.standard_normal((20 * N, D)) @ mixing
    z = np.tanh(x @ rng.standard_normal((D, N)) / D**0.5)
    nu = x @ rng.standard_normal(D) / D**0.5
    z, nu = z - z.mean(0), nu / nu.std()
    eigenvalues, vectors = np.linalg.eigh(z.T @ z / len(z))
    return tp.Spectrum(eigenvalues, (vectors.T @ (z.T @ nu) / len(z)) ** 2)


laws = {
    "Gaussian": tp.Problem(),
    "orthogonal": tp.Problem(features=tp.Orthogonal()),
    "power law 0.4": tp.Problem(features=tp.PowerLaw(exponent=0.4)),
    # Identity: the measured covariance already holds what the nonlinearity did.
    "measured, $N/D = 1.5$": tp.Problem(features=measure(D=100, N=150), activation=tp.Identity()),
}

with figures.article():
    picture = Figure(figsize=(7.0, 2.8), layout="constrained")
    axes = picture.subplots(1, 2)
    for (name, problem), colour in zip(laws.items(), colours(4), strict=True):
        curve = tp.solve(problem, overparam=ratios, alpha_T=3.0, lam=1e-2)
        axes[0].semilogx(ratios, curve.test_error, color=colour, label=name)
        if not name.startswith(
            "measured"
        ):  # the mean dimension needs kappa_1 and kappa_star one by one
            axes[1].semilogx(ratios, curve.bmd, color=colour, label=name)
        at = int(np.argmax(curve.test_error.values))
        print(f"{name:<22} largest test error {float(curve.test_error[at]):.4f} at N/P", end=" ")
        print(f"{ratios[at]:.3f}, least {float(curve.test_error.min()):.4f}")
    for ax, label in zip(axes, ("test error", "mean dimension"), strict=True):
        ax.set(xlabel="overparameterisation $N/P$", ylabel=label)
        ax.xaxis.set_major_formatter("{x:g}")
    axes[0].legend(loc="upper center")

print("picture:", *figures.save(picture, "features.png"))
