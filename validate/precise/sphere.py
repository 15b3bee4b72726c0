r"""Learning curves on the sphere with many digits, by sums and formulas of their own.

Nothing is shared with ``theory/sphere`` but what the problem is: coefficients come from the factorials of
Funk and Hecke, the first degrees are added one by one and the rest by the Euler-Maclaurin formula with an
integral in ln k, and random features of finite width from the two effective penalties of Defilippis,
Loureiro & Misiakiewicz (arXiv 2405.15699), which ``theory`` eliminates.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mpmath import mp  # type: ignore[import-untyped]

from twinpeaks.theory.sphere import NTK, RFK, Constant, GaussianField, Matern, Problem

__all__ = ["learning_curve"]

_FIRST = 60  # even degrees added one by one
_CORRECTIONS = 9  # terms of Euler-Maclaurin


def learning_curve(
    problem: Problem,
    n: float,
    lam: float,
    overparam: float,
    guess: float,
    digits: int = 20,
) -> dict[str, Any]:
    """Test error, training error, kappa and variance share at one point.

    Parameters
    ----------
    problem : Problem
        With the kernel ``NTK`` or ``RFK``, and an even field of all degrees or a constant for its target.
    n, lam, overparam : float
        One point; overparam is finite for ``RFK`` alone.
    guess : float
        kappa to eight digits or more; it decides where the secant iteration begins, and nothing else.
    digits : int
        Digits that are right.

    Returns
    -------
    dict of mpf

    Raises
    ------
    ValueError
        For other kernels and targets.
    """
    with mp.workdps(digits + 12):
        sums = _Sums(problem)
        if mp.isinf(overparam):
            return _kernel(sums, mp.mpf(n), mp.mpf(lam), mp.mpf(problem.noise), guess)
        width = mp.mpf(overparam) * mp.mpf(n)
        return _features(sums, mp.mpf(n), width, mp.mpf(lam), mp.mpf(problem.noise), guess)


def _kernel(sums: _Sums, n: Any, lam: Any, noise: Any, guess: float) -> dict[str, Any]:
    kappa = _root(lambda v: sums.modes(lambda x: x / (x + v)) + lam / v - n, guess)
    gamma = sums.modes(lambda x: (x / (x + kappa)) ** 2) / n
    bias = sums.target(lambda x: (kappa / (x + kappa)) ** 2)
    total = (bias + noise) / (1 - gamma)
    return {
        "test_error": total - noise,
        "train_error": (lam / (n * kappa)) ** 2 * total,
        "kappa": kappa,
        "variance_share": gamma,
    }


def _features(sums: _Sums, n: Any, p: Any, lam: Any, noise: Any, guess: float) -> dict[str, Any]:
    def right(v: Any) -> Any:
        return p / 2 * (1 + n / p - mp.sqrt((1 - n / p) ** 2 + 4 * lam / (p * v)))

    v2 = _root(lambda v: sums.modes(lambda x: x / (x + v)) - right(v), guess)
    v1 = v2 / 2 * (1 - n / p + mp.sqrt((1 - n / p) ** 2 + 4 * lam / (p * v2)))
    t2 = sums.modes(lambda x: (x / (x + v2)) ** 2)
    chi = sums.modes(lambda x: x / (x + v2) ** 2) / (p - t2)
    upsilon = p / n * ((1 - v1 / v2) ** 2 + (v1 / v2) ** 2 * t2 / (p - t2))
    bias = sums.target(lambda x: 1 / (x + v2) ** 2)
    bias = v2**2 * (bias + chi * sums.target(lambda x: x / (x + v2) ** 2)) / (1 - upsilon)
    test = bias + noise * upsilon / (1 - upsilon)
    return {
        "test_error": test,
        "train_error": (lam / (n * v1)) ** 2 * (test + noise),
        "kappa": v2,
        "variance_share": upsilon,
    }


def _root(f: Callable[[Any], Any], guess: Any) -> Any:
    """A zero in v > 0 near a guess, by the secant method in ln v."""
    before, here = mp.log(guess) - mp.mpf("1e-9"), mp.log(guess)
    left, right = f(mp.exp(before)), f(mp.exp(here))
    for _ in range(6):  # from ten digits twenty, and so on; then rounding
        if right in (0, left):
            break
        step = -right * (here - before) / (right - left)
        before, left = here, right
        here += step
        right = f(mp.exp(here))
        if abs(step) < mp.mpf(10) ** (8 - mp.dps):
            break
    return mp.exp(here)


def _gammas(top: list[Any], bottom: list[Any]) -> Any:
    """Product of Gamma of some numbers over that of others; far out by logarithms of many digits more."""
    if max(top) < 1000:
        return mp.gammaprod(top, bottom)
    with mp.extradps(40):
        return mp.exp(mp.fsum(map(mp.loggamma, top)) - mp.fsum(map(mp.loggamma, bottom)))


class _Sums:
    """Sums of N(d, k) g(lambda_k, c_k) over all degrees."""

    def __init__(self, problem: Problem) -> None:
        if not isinstance(problem.kernel, NTK | RFK):
            raise ValueError(f"kernel = {problem.kernel!r}: give NTK() or RFK()")
        target = problem.target
        plain = isinstance(target, GaussianField | Matern) and (
            target.parity == "even" and target.last == float("inf")
        )
        if not isinstance(target, Constant) and not (plain and target.smoothness >= 0.5):
            raise ValueError(
                f"target = {target!r}: give Constant() or an even field of all degrees, of smoothness >= 0.5"
            )
        self.d, self.problem = problem.d, problem
        self._known: dict[Any, tuple[Any, Any, Any]] = {}
        one = isinstance(target, Constant)
        self.total = mp.mpf(1) if one else self._sum(lambda k: self._at(k)[1])

    def modes(self, g: Callable[[Any], Any]) -> Any:
        """Sum of N(d, k) g(lambda_k) over the degrees that the kernel has."""
        return self._sum(lambda k: g(self._at(k)[0])) + self.d * g(self._at(mp.mpf(1))[0])

    def target(self, g: Callable[[Any], Any]) -> Any:
        """Sum of N(d, k) c_k g(lambda_k)."""
        if isinstance(self.problem.target, Constant):
            return g(self._at(mp.mpf(0))[0])
        return self._sum(lambda k: self._at(k)[1] * g(self._at(k)[0])) / self.total

    def _at(self, k: Any) -> tuple[Any, Any, Any]:
        """lambda_k, c_k before it is normalised, and N(d, k), each computed once at every precision."""
        key = k, mp.prec
        if key not in self._known:
            count = self._count(k)
            constant = isinstance(self.problem.target, Constant)
            power = mp.mpf(0) if constant else self._law(k) / count
            self._known[key] = self._value(k), power, count
        return self._known[key]

    def _sum(self, term: Callable[[Any], Any]) -> Any:
        """Over the even degrees, with multiplicities."""

        def f(j: Any) -> Any:
            return term(2 * j) * self._at(2 * j)[2]

        head = mp.fsum(f(mp.mpf(j)) for j in range(_FIRST))
        start = mp.mpf(_FIRST)
        # the integrand in ln j has a shoulder, which equal pieces of the logarithm resolve; where they
        # end, what falls like 1/j has fallen by 1e-24
        ends = [mp.log(start) + 2 * i for i in range(28)]
        rule = {"method": "gauss-legendre", "maxdegree": 6}
        tail = mp.quad(lambda x: f(mp.exp(x)) * mp.exp(x), ends, **rule)
        slopes = mp.taylor(f, start, 2 * _CORRECTIONS - 1)
        rest = f(start) / 2 - mp.fsum(
            mp.bernoulli(2 * i) / (2 * i) * slopes[2 * i - 1] for i in range(1, _CORRECTIONS + 1)
        )
        return head + tail + rest

    def _count(self, k: Any) -> Any:
        """(2k+d-2) (k+d-3)! / (k! (d-2)!)."""
        d = self.d
        if d == 2:
            return mp.mpf(2) if k else mp.mpf(1)
        return (2 * k + d - 2) * _gammas([k + d - 2], [k + 1, d - 1])

    def _law(self, k: Any) -> Any:
        """Variance of the degree, not normalised, times N over N."""
        target = self.problem.target
        if isinstance(target, GaussianField):
            return (1 + k) ** (-2 * mp.mpf(target.smoothness) - 1)
        assert isinstance(target, Matern)
        power = mp.mpf(target.smoothness) + mp.mpf(self.d - 1) / 2
        return self._count(k) * (mp.mpf(target.tau) ** 2 + k * (k + self.d - 2)) ** -power

    def _power(self, a: int, k: Any) -> Any:
        """|E (t)_+^a P_k| for even k - a - 1 = m, from the formula with factorials."""
        d = mp.mpf(self.d)
        if k <= a:  # moments of t on [0, 1]
            z = _gammas([d / 2], [mp.mpf(1) / 2, (d - 1) / 2])
            return z * mp.beta(mp.mpf(a + k + 1) / 2, (d - 1) / 2) / 2
        m, s = k - a - 1, k + (d - 3) / 2
        z = _gammas([d / 2], [mp.mpf(1) / 2, (d - 1) / 2])
        top = [(d - 1) / 2, m + 1, s + 1]
        bottom = [k + (d - 1) / 2, m / 2 + 1, s - m / 2 + 1]
        return z * mp.factorial(a) * mp.mpf(2) ** -k * _gammas(top, bottom)

    def _value(self, k: Any) -> Any:
        """lambda_k, on even degrees and on 1."""
        d, ntk = mp.mpf(self.d), isinstance(self.problem.kernel, NTK)
        outer = d * self._power(1, k) ** 2
        if not ntk:
            return outer
        # t P_k = [(k+d-2) P_{k+1} + k P_{k-1}] / (2k+d-2); the step function has odd degrees and 0
        if k == 0:
            return outer + self._power(0, mp.mpf(1)) ** 2
        below = self._power(0, k - 1) ** 2
        above = self._power(0, k + 1) ** 2 if k != 1 else mp.mpf(0)
        return outer + (k * below + (k + d - 2) * above) / (2 * k + d - 2)
