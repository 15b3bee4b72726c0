"""Names of random-feature models: axes, order parameters, observables and questions."""

from __future__ import annotations

from twinpeaks.theory.names.row import Name

__all__ = ["ROWS"]

ROWS: dict[str, Name] = {
    # axes
    "overparam": Name(
        "overparameterisation", "N / P, weights per training pattern", "axis", symbol="N/P"
    ),
    "alpha_T": Name("training patterns per input dimension", "P / D", "axis", symbol="P/D"),
    "lam": Name(
        "ridge penalty", "factor of |w|^2 / 2 beside the summed loss", "axis", symbol=r"\lambda"
    ),
    "beta": Name(
        "inverse temperature",
        "of the Boltzmann measure; inf is empirical risk",
        "axis",
        symbol=r"\beta",
    ),
    "D": Name("input size", "length of x", "axis", symbol="D"),
    "seed": Name("seed of the instance", "entropy of the streams, with D, N and P", "axis"),
    "scale": Name(
        "scale of the start", "root mean square of the entries of w_init", "axis", symbol="s"
    ),
    "alpha_prime": Name(
        "random patterns per weight",
        "P'/N of the training that made w_init",
        "axis",
        symbol=r"\alpha'",
    ),
    "law": Name("law of the inputs", "under which the mean dimension is", "axis"),
    "norm": Name("ball", "l2 or linf", "axis"),
    "eps": Name(
        "radius of the ball",
        "|delta|_2; max |delta_k| sqrt(D) for linf",
        "axis",
        symbol=r"\epsilon",
    ),
    # order parameters
    "q_d": Name("squared weight norm", "|w|^2 / N", "both"),
    "q_0": Name(
        "weight overlap of two replicas", "w^a . w^b / N", "both", "of draws of different chains"
    ),
    "p_d": Name("squared norm of the projected weights", "|F w|^2 / (N D)", "both"),
    "p_0": Name(
        "projected overlap of two replicas",
        "F w^a . F w^b / (N D)",
        "both",
        "of draws of different chains",
    ),
    "r": Name("overlap of projected weights and teacher", "F w . w_T / (sqrt(N) D)", "both"),
    "Q_d": Name("variance of the student field", "kappa_1^2 p_d + kappa_star^2 q_d", "both"),
    "Q_0": Name(
        "student-field overlap of two replicas", "kappa_1^2 p_0 + kappa_star^2 q_0", "both"
    ),
    "m": Name("covariance of student and teacher fields", "kappa_1 r", "both"),
    "V": Name("susceptibility", "beta (Q_d - Q_0), and its limit", "both"),
    # observables
    "train_loss": Name(
        "training loss per pattern",
        "E l(y, t) over the training set",
        "both",
        "sum_mu l(y_mu, t_mu) / P",
        symbol=r"\ell_{\rm train}",
    ),
    "train_error": Name(
        "training error",
        "P(y t < 0) over the training set; E (y - t)^2 for real labels",
        "both",
        "fraction of patterns with y_mu t_mu < 0; for real labels, mean of (y_mu - t_mu)^2",
        symbol=r"\varepsilon_{\rm train}",
    ),
    "test_error": Name(
        "test error",
        "P(y f < 0) for fresh labels, arccos(m / sqrt(rho Q_d)) / pi for sign labels; "
        "E (y - f)^2 for real labels",
        "both",
        "fraction of n_test fresh patterns with y f(x) < 0; for real labels, mean of (y - f(x))^2",
        symbol=r"\varepsilon_{\rm test}",
    ),
    "test_error_mean": Name(
        "test error of the posterior mean",
        "test_error with Q_0 in the place of Q_d",
        "both",
        "test_error at the mean weights",
    ),
    "bmd": Name(
        "Boolean mean dimension",
        "E|grad f|^2 / Q_d; (kappa_1^2 p_d + dkappa_star^2 q_d) / Q_d for one layer of features",
        "both",
        "sum_k E[(D_k f)^2] / Var f on {-1, 1}^D, from n_flip and n_variance inputs",
        symbol=r"{\rm BMD}",
    ),
    "bmd_mean": Name(
        "Boolean mean dimension of the posterior mean",
        "bmd with two replicas",
        "both",
        "bmd at the mean weights",
    ),
    "energy": Name("energy density per weight", "(P train_loss + lam |w|^2 / 2) / N", "both"),
    "free_energy": Name(
        "free energy density per weight", "-free_entropy / beta, and its limit", "theory"
    ),
    "free_entropy": Name(
        "free entropy density per weight", "lim (1/N) E ln Z(beta), and its limit", "theory"
    ),
    "entropy": Name(
        "entropy density per weight", "free_entropy + beta energy, and its limit", "theory"
    ),
    "replicon": Name(
        "replicon eigenvalue",
        "1 - alpha E[(df/domega)^2] <Omega^2 R^2>; replica symmetry is stable while positive",
        "theory",
    ),
    "stable": Name("whether replica symmetry is stable", "replicon > 0", "theory"),
    # how it went
    "status": Name("outcome", "values are NaN where status is not 0", "both"),
    "residual": Name(
        "relative saddle-point residual", "max |u' - u| after one undamped sweep", "theory"
    ),
    "step": Name("relative Newton step at the solution", "max |J^-1 (u' - u)|", "theory"),
    "evaluations": Name("evaluations of the equations", "all attempts included", "theory"),
    # landmarks
    "threshold": Name(
        "interpolation threshold",
        "N / P above which the training error vanishes for lam -> 0",
        "theory",
    ),
    "bayes_error": Name(
        "Bayes-optimal test error", "of the best learner of the labels from raw inputs", "theory"
    ),
    "location": Name("location of the maximum", "value of the axis", "theory"),
    "height": Name("height of the maximum", "value of the variable there", "theory"),
    "curvature": Name(
        "curvature at the extremum",
        "second derivative of the variable in the logarithm of the axis",
        "theory",
    ),
    "location_error": Name("error estimate of the location", "absolute", "theory"),
    "height_error": Name("error estimate of the height", "absolute", "theory"),
    "count": Name(
        "interior maxima",
        "as many as the first grid resolves; the highest is reported",
        "theory",
    ),
    "lam_error": Name("error estimate of lam", "absolute", "theory"),
    "value_error": Name("error estimate of the minimised variable", "absolute", "theory"),
    "reached": Name(
        "largest inverse temperature followed", "of the branch from low beta", "theory"
    ),
    "bmd_tail": Name(
        "coefficient of 1/overparam in the mean dimension",
        "lim overparam (BMD - 1), overparam -> inf",
        "theory",
    ),
    # training from a start
    "start_q": Name("squared norm of the start", "|w_init|^2 / N", "both"),
    "start_bmd": Name("Boolean mean dimension of the start", "bmd at w_init", "both"),
    "start_overlap": Name("overlap of weights and start", "w . w_init / N", "both"),
    "distance": Name("squared distance travelled", "|w - w_init|^2 / N", "both"),
    # simulation
    "N": Name("random features", "round(overparam P)", "simulation", symbol="N"),
    "P": Name("training patterns", "round(alpha_T D)", "simulation", symbol="P"),
    "overparam_actual": Name("achieved overparameterisation", "N / P", "simulation"),
    "alpha_T_actual": Name("achieved patterns per input dimension", "P / D", "simulation"),
    "test_error_se": Name(
        "standard error of test_error",
        "sqrt(variance over the n_test patterns / n_test); binomial for labels -1 and +1",
        "simulation",
    ),
    "test_error_overlap": Name(
        "test error from the overlaps",
        "of a joint Gaussian (nu, f): arccos(m / sqrt(rho Q_d)) / pi for Sign, and what the "
        "law of the labels says for other teachers",
        "simulation",
    ),
    "bmd_se": Name("Monte Carlo standard error of bmd", "delta method for a ratio", "simulation"),
    "optimality": Name(
        "bound on the relative error of the weights, for Hinge an estimate",
        "|w - w_min| / |w| <= |gradient| / (lam |w|), with rounding counted; for Hinge "
        "sqrt(2 duality gap / lam) / |w|, or that of an active set that satisfies every condition, "
        "both as float64 evaluates them",
        "simulation",
    ),
    "acceptance": Name(
        "mean probability of acceptance", "of a transition; 1 for exact draws", "simulation"
    ),
    "r_hat": Name(
        "largest R-hat",
        "rank-normalised and split, over energy, q_d, Q_d, m, the overlap with the mean and the "
        "leading singular direction of the design; 1 for exact draws",
        "simulation",
    ),
    "ess_bulk": Name(
        "smallest bulk effective sample size", "in draws, over the same functions", "simulation"
    ),
    "ess_tail": Name(
        "smallest tail effective sample size", "in draws, over the same functions", "simulation"
    ),
    "robust_error": Name(
        "robust test error",
        "share of inputs that are misclassified or have a flip found within eps; a lower bound",
        "simulation",
    ),
    # given features and real labels
    "classification_error": Name(
        "classification error",
        "P(y f < 0) on patterns not trained on, as if f were Gaussian given the label: approximate",
        "question",
        "fraction of patterns not trained on with y f(x) < 0",
    ),
    # questions asked of a curve
    "flip_rate": Name(
        "adversarial flip rate",
        "P(some perturbation of size eps changes the sign of f)",
        "question",
        "share of fresh Gaussian inputs with a flip found within eps; a lower bound",
    ),
    "robust_test_error": Name(
        "robust test error",
        "P(y f(x + delta) < 0) at the worst delta of size eps; E (y - f)^2 for real labels",
        "question",
    ),
    "fourier_weight": Name(
        "Fourier weight", "sum of squared Fourier coefficients of degree k", "question"
    ),
    "degree": Name("degree", "of a Fourier coefficient", "question"),
    "remainder": Name(
        "Fourier weight of higher degrees", "sum of W_k over all k beyond the last", "question"
    ),
    "noise_stability": Name(
        "noise stability", "E f(x) f(y) - E[f]^2 at correlation rho of x and y", "question"
    ),
    "rho": Name("correlation of the inputs", "of x and y, coordinate by coordinate", "question"),
    # any model, under a law of independent inputs
    "mean_dimension": Name("mean dimension", "sum_k T_k / Var f", "question"),
    "influence": Name("influence of an input", "T_k = E Var[f | all inputs but k]", "question"),
}
