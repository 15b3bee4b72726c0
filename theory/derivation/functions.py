r"""Functions of the derivation, each with the rule by which it is differentiated.

An argument ``n`` counts derivatives: ``Kernel(1, y, omega, V)`` is dZ_*/domega_*. The rules are

- Gaussian integrals obey the heat equation in their centre and variance: dZ_*/dV_* is
  (1/2) d^2 Z_*/domega_*^2, and for a logarithm d ln Z/dV = (f^2 + f')/2 with f = d ln Z/domega.
- Their limit of zero temperature, the Moreau envelope M(omega) = min_t (t - omega)^2/2V + l(y, t), obeys
  the same equation without diffusion (Hamilton-Jacobi): dM/dV = -f^2/2 with f = -dM/domega.
- R = (ridge + Vh Omega)^{-1} has dR/dVh = -Omega R^2 and dR/dridge = -R^2.
- g = <(S + z)^{-1}> of the Marchenko-Pastur law solves c z g^2 + (z + 1 - c) g = 1, which gives dg/dz.

They are printed by name where their arguments are the usual ones.
"""

from __future__ import annotations

from typing import Any

from sympy import Dummy, Function, sqrt  # type: ignore[import-untyped]
from sympy.core.function import ArgumentIndexError  # type: ignore[import-untyped]
from sympy.printing.pretty.stringpict import prettyForm  # type: ignore[import-untyped]

from twinpeaks.theory.derivation.notation import Q_0, m, rho, xi, y

__all__ = [
    "Alignment",
    "Covariance",
    "Kernel",
    "LogZ",
    "Moreau",
    "Resolvent",
    "Stieltjes",
    "Thermal",
]


class _Named(Function):  # type: ignore[misc]
    """A real function printed by its name."""

    is_real = True

    @property
    def names(self) -> tuple[str, str]:
        """Name in text and in LaTeX."""
        raise NotImplementedError

    @property
    def shown(self) -> tuple[Any, ...]:
        """Arguments that are printed."""
        return ()

    def _arguments(self, printer: Any) -> str:
        return ", ".join(str(printer._print(a)) for a in self.shown)

    def _sympystr(self, printer: Any) -> str:
        return self.names[0] + (f"({self._arguments(printer)})" if self.shown else "")

    def _pretty(self, printer: Any) -> Any:
        name = prettyForm(self.names[0], binding=prettyForm.ATOM)
        if not self.shown:
            return name
        inside = printer._print_seq(self.shown, "(", ")", ", ")
        return prettyForm(*name.right(inside), binding=prettyForm.ATOM)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        name = self.names[1]
        if self.shown:
            name += rf"\left({self._arguments(printer)}\right)"
        if exp is None:
            return name
        return (
            f"{name}^{{{exp}}}" if name.strip("\\").isalpha() else rf"\left({name}\right)^{{{exp}}}"
        )


class LogZ(_Named):
    """ln Z(y; omega, V) at inverse temperature beta: arguments (n, y, omega, V, beta, loss)."""

    nargs = 6

    def fdiff(self, argindex: int = 1) -> Any:
        """Heat equation in V; d ln Z/dbeta = -E_t[l]."""
        n, label, omega, variance, beta, loss = self.args
        if argindex == 3:
            return LogZ(n + 1, label, omega, variance, beta, loss)
        if argindex == 4:
            centre = Dummy("omega", real=True)
            f, df = (LogZ(k, label, centre, variance, beta, loss) for k in (1, 2))
            return ((f**2 + df) / 2).diff(centre, n).subs(centre, omega)
        if argindex == 5 and n == 0:
            return -Thermal(loss, label, omega, variance, beta)
        raise ArgumentIndexError(self, argindex)

    @property
    def names(self) -> tuple[str, str]:
        """By the number of derivatives."""
        return _by_order(self.args[0], ("ln(Z)", r"\ln Z"))


class Moreau(_Named):
    """The Moreau envelope M for n = 0, f = -dM/domega for n = 1, df/domega for n = 2.

    Arguments (n, y, omega, V, loss).
    """

    nargs = 5

    def fdiff(self, argindex: int = 1) -> Any:
        """Hamilton-Jacobi equation in V."""
        n, label, omega, variance, loss = self.args
        if argindex == 3:
            following = Moreau(n + 1, label, omega, variance, loss)
            return -following if n == 0 else following
        if argindex == 4:
            centre = Dummy("omega", real=True)
            half = Moreau(1, label, centre, variance, loss) ** 2 / 2
            return (-half if n == 0 else half.diff(centre, n)).subs(centre, omega)
        raise ArgumentIndexError(self, argindex)

    @property
    def names(self) -> tuple[str, str]:
        """By the number of derivatives."""
        return _by_order(self.args[0], ("M", r"\mathcal{M}"))


def _by_order(n: Any, first: tuple[str, str]) -> tuple[str, str]:
    names = (first, ("f", "f"), ("f'", "f'"))
    return names[int(n)] if n < 3 else (f"f^({n - 1})", f"f^{{({n - 1})}}")


class Thermal(_Named):
    """Mean of h(y, t) under the tilted measure: arguments (h, y, omega, V, beta).

    At beta = oo it is h at the proximal point.
    """

    nargs = 5

    def _eval_derivative(self, symbol: Any) -> Any:
        raise NotImplementedError(f"derivative of an average in {symbol}")

    def _pretty(self, printer: Any) -> Any:
        inside = printer._print(self.args[0])
        if not self._warm:
            return prettyForm(*inside.parens())
        return prettyForm(*prettyForm(*inside.left("⟨")).right("⟩"), binding=prettyForm.ATOM)

    def _sympystr(self, printer: Any) -> str:
        inside = printer._print(self.args[0])
        return f"<{inside}>_t" if self._warm else f"({inside})"

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        inside = printer._print(self.args[0])
        text = (
            rf"\left\langle {inside} \right\rangle_t" if self._warm else rf"\left({inside}\right)"
        )
        return text if exp is None else f"{text}^{{{exp}}}"

    @property
    def _warm(self) -> bool:
        return bool(self.args[4].is_finite is not False)


class Kernel(_Named):
    """Z_*(y; omega_*, V_*) = E[P(y | nu)] over nu ~ N(omega_*, V_*): arguments (n, y, omega_*, V_*)."""

    nargs = 4

    def fdiff(self, argindex: int = 1) -> Any:
        """Heat equation."""
        n, label, omega, variance = self.args
        if argindex == 3:
            return Kernel(n + 1, label, omega, variance)
        if argindex == 4:
            return Kernel(n + 2, label, omega, variance) / 2
        raise ArgumentIndexError(self, argindex)

    @property
    def names(self) -> tuple[str, str]:
        """With as many primes as derivatives."""
        primes = "'" * int(self.args[0])
        return f"Z⋆{primes}", rf"Z_\star{primes}"

    @property
    def shown(self) -> tuple[Any, ...]:
        """All but the usual arguments."""
        usual = (y, m * xi / sqrt(Q_0), rho - m**2 / Q_0)
        return () if self.args[1:] == usual else self.args[1:]


class Covariance(_Named):
    """Omega = kappa_1^2 S + kappa_star^2 as a function of the eigenvalue S."""

    nargs = 1
    is_positive = True
    names = ("Ω", r"\Omega")


class Alignment(_Named):
    """T, the teacher's squared cross-covariance with the features, at eigenvalue S."""

    nargs = 1
    is_nonnegative = True
    names = ("T", "T")


class Resolvent(_Named):
    """R = 1/(ridge + Vh Omega): arguments (S, Vh, ridge)."""

    nargs = 3
    is_positive = True
    names = ("R", "R")

    def fdiff(self, argindex: int = 1) -> Any:
        """In Vh and in the ridge."""
        if argindex == 2:
            return -Covariance(self.args[0]) * self**2
        if argindex == 3:
            return -(self**2)
        raise ArgumentIndexError(self, argindex)


class Stieltjes(_Named):
    """g(z) of the Marchenko-Pastur law of ratio c, and its derivatives: arguments (n, z, c)."""

    nargs = 3

    def fdiff(self, argindex: int = 1) -> Any:
        """Next derivative in z."""
        n, point, ratio = self.args
        if argindex == 2:
            return Stieltjes(n + 1, point, ratio)
        raise ArgumentIndexError(self, argindex)

    @property
    def names(self) -> tuple[str, str]:
        """With as many primes as derivatives."""
        primes = "'" * int(self.args[0])
        return f"g{primes}", f"g{primes}"
