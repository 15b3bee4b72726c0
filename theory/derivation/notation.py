"""The symbols of the project, with their names in LaTeX where those differ."""

from __future__ import annotations

from sympy import Symbol, symbols  # type: ignore[import-untyped]

# Order parameters and their conjugates.
V, Q_0, Q_d, m = symbols("V Q_0 Q_d m", positive=True)
Vh, Qh, mh = symbols("Vhat Qhat mhat", positive=True)
q_0, q_d, p_0, p_d, r = symbols("q_0 q_d p_0 p_d r", positive=True)

# Where, and with which features.
alpha, c, lam, beta, rho = symbols("alpha c lam beta rho", positive=True)
kappa_1, kappa_star = symbols("kappa_1 kappa_star", positive=True)
dkappa_star = Symbol("dkappa_star", positive=True)

# Parameters of teachers.
flip = Symbol("p_flip", nonnegative=True)
noise = Symbol("Delta", nonnegative=True)

# Variables of integration: eigenvalue of S, student field over sqrt(Q), label, output, teacher field.
S = Symbol("S", nonnegative=True)
xi, y, t, nu = symbols("xi y t nu", real=True)

Dxi, dxi = symbols("Dxi dxi", real=True)  # the Gaussian measure, and Lebesgue's

# Arguments of the partition functions, and of the resolvent of S.
omega, omega_star = symbols("omega omega_star", real=True)
V_star = Symbol("V_star", positive=True)
z = Symbol("z", positive=True)

# Names of results.
phi, energy = symbols("phi e", real=True)
train_loss, test_error, bmd, replicon = symbols("train_loss test_error bmd replicon", real=True)

LATEX_NAMES = {
    lam: r"\lambda_{\mathrm{r}}",
    kappa_star: r"\kappa_\star",
    dkappa_star: r"{\kappa'_\star}",
    flip: r"p_{\mathrm{flip}}",
    omega_star: r"\omega_\star",
    V_star: r"V_\star",
    Dxi: r"D\xi",
    dxi: r"d\xi",
    phi: r"\phi",
    train_loss: r"\varepsilon_{\mathrm{train}}",
    test_error: r"\varepsilon_{\mathrm{test}}",
    bmd: r"\mathrm{BMD}",
    replicon: r"\Lambda_{\mathrm{replicon}}",
}

TEXT_NAMES = {
    kappa_star: "κ⋆",
    dkappa_star: "κ⋆'",
    omega_star: "ω⋆",
    V_star: "V⋆",
    q_d: "q_d",
    p_d: "p_d",
    Q_d: "Q_d",
    flip: "p_flip",
    Dxi: "Dξ",
    dxi: "dξ",
    train_loss: "train_loss",
    test_error: "test_error",
}
