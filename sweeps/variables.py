"""Names, units and definitions of what a simulation stores."""

from __future__ import annotations

__all__ = ["COORDINATES", "MEASURED", "SIZES", "Table"]

#: name: (long_name, units, definition)
Table = dict[str, tuple[str, str, str]]

COORDINATES: Table = {
    "overparam": ("requested overparametrisation", "1", "N / P"),
    "alpha_T": ("requested patterns per input", "1", "P / D"),
    "lam": ("ridge penalty", "1", "sum_mu l(y_mu, t_mu) + (lam / 2) |w|^2"),
    "beta": ("inverse temperature", "1", "of the Boltzmann measure over weights"),
    "D": ("input size", "1", "length of x"),
    "seed": ("seed of the instance", "1", "entropy of the streams, with D, N and P"),
    "scale": ("scale of the start", "1", "root mean square of the entries of w_init"),
    "alpha_prime": (
        "requested random patterns per weight",
        "1",
        "P'/N of the training that made w_init",
    ),
    "norm": ("ball", "1", "l2 or linf"),
    "eps": ("radius", "1", "|delta|_2; max |delta_k| sqrt(D) for linf"),
}

SIZES: Table = {
    "N": ("random features", "1", "round(overparam P)"),
    "P": ("training patterns", "1", "round(alpha_T D)"),
    "overparam_actual": ("achieved overparametrisation", "1", "N / P"),
    "alpha_T_actual": ("achieved patterns per input", "1", "P / D"),
}

MEASURED: Table = {
    "q_d": ("weight norm", "1", "|w|^2 / N"),
    "p_d": ("projected weight norm", "1", "|s|^2 / D with s = F w / sqrt(N)"),
    "r": ("teacher overlap", "1", "s.w_T / D with s = F w / sqrt(N)"),
    "Q_d": ("output variance", "1", "kappa_1^2 p_d + kappa_star^2 q_d"),
    "m": ("output-teacher covariance", "1", "kappa_1 r"),
    "train_loss": ("training loss per pattern", "1", "sum_mu l(y_mu, t_mu) / P"),
    "train_error": (
        "training error",
        "1",
        "fraction of patterns with y_mu t_mu < 0; for real labels, mean of (y_mu - t_mu)^2",
    ),
    "test_error": (
        "test error",
        "1",
        "fraction of n_test fresh patterns with y f(x) < 0; for real labels, mean of (y - f(x))^2",
    ),
    "test_error_se": (
        "standard error of test_error",
        "1",
        "sqrt(variance over the n_test patterns / n_test); binomial for labels -1 and +1",
    ),
    "test_error_overlap": (
        "test error from the overlaps",
        "1",
        "of a joint Gaussian (nu, f): arccos(m / sqrt(rho Q_d)) / pi for Sign, its analogues for "
        "FlippedSign, Probit and Linear, NaN for other teachers",
    ),
    "bmd": (
        "Boolean mean dimension",
        "1",
        "sum_k E[(D_k f)^2] / Var f on {-1, 1}^D, from n_flip and n_variance inputs",
    ),
    "bmd_se": ("Monte Carlo standard error of bmd", "1", "delta method for a ratio"),
    "energy": ("objective per weight", "1", "(sum_mu l(y_mu, t_mu) + (lam / 2) |w|^2) / N"),
    "optimality": (
        "bound on the relative error of the weights",
        "1",
        "|w - w_min| / |w| <= |gradient| / (lam |w|); sqrt(2 duality gap / lam) / |w|, "
        "or the bound of a certified active set, for Hinge",
    ),
    "status": ("outcome of training", "1", "measurements are NaN where status is not 0"),
}
