"""Gradient flow at one point in many digits, by another way than ``theory.training_time``.

Talbot's contour (Abate & Valko, Int. J. Numer. Meth. Engng 60, 979, 2004) in the place of the hyperbola;
the resolvent of Gaussian features as a root of a quartic in g = <(S + z)^{-1}>, chosen by its half plane;
averages with two resolvents as differences of those with one, whose lost digits mpmath has to spare; and
the training loss from the covariance of the residuals at two penalties, not from a spectral measure.
"""

from __future__ import annotations

from typing import Any

from mpmath import mp, mpc, mpf  # type: ignore[import-untyped]

__all__ = ["flow"]


def flow(
    kappa: tuple[float, float, float],
    labels: tuple[float, float],
    overparam: float,
    alpha_T: float,
    lam: float,
    time: float,
    nodes: int = 40,
) -> dict[str, Any]:
    """q_d, Q_d, m, train_loss and bmd of Gaussian features, to about 0.6 ``nodes`` digits.

    Parameters
    ----------
    kappa : tuple of float
        kappa_1, kappa_star and kappa'_star of the activation.
    labels : tuple of float
        E y^2 and E[y nu], with E nu^2 = 1.
    overparam, alpha_T, lam, time : float
        The point.
    nodes : int
        Of the contour.

    Examples
    --------
    >>> from math import pi, sqrt
    >>> from twinpeaks.validate.precise.flow import flow
    >>> kappa = 0.605705509602, 0.165575741084, 0.312287908964
    >>> round(float(flow(kappa, (1.0, sqrt(2 / pi)), 1.0, 3.0, 0.0, 100.0, 16)["bmd"]), 6)
    1.507202
    """
    with mp.workdps(nodes + 40):
        k1, ks, star = (mpf(k) ** 2 for k in kappa)
        square, k = (mpf(a) for a in labels)
        alpha, c = 1 / mpf(overparam), mpf(alpha_T) * mpf(overparam)
        t, lam = mpf(time), mpf(lam)
        r = 2 * nodes / (5 * t)
        contour = [(mpc(r), r / (2 * nodes) * mp.exp(r * t))]
        for j in range(1, nodes):
            angle = j * mp.pi / nodes
            cot = mp.cot(angle)
            s = r * angle * mpc(cot, 1)
            weight = r / (2 * nodes) * mp.exp(t * s) * mpc(1, angle + (angle * cot - 1) * cot)
            contour += [(s, weight), (mp.conj(s), mp.conj(weight))]
        singles = [(s, w, *_single(lam + s, alpha, c, k1, ks)) for s, w in contour]
        total = dict.fromkeys(("p", "q", "loss"), mpc(0))
        m = mpc(0)
        for i, (s, w, u, g) in enumerate(singles):
            m += w / s * k * c * _linear(g, c)
            for j, (s2, w2, u2, g2) in enumerate(singles[: i + 1]):
                found = _pair((lam + s, u, g), (lam + s2, u2, g2), alpha, c, k1, ks, square, k)
                share = w * w2 / (s * s2) * (1 if i == j else 2)
                for name, value in zip(total, found, strict=True):
                    total[name] += share * value
        p, q, loss = (mp.re(a) for a in total.values())
        Q = k1 * p + ks * q
        return {
            "q_d": +q,
            "Q_d": +Q,
            "m": +mp.re(m),
            "train_loss": +loss / 2,
            "bmd": (k1 * p + star * q) / Q,
        }


def _single(penalty: Any, alpha: Any, c: Any, k1: Any, ks: Any) -> tuple[Any, Any]:
    """u and g of a penalty: l g d^2 = n d (alpha - 1) + n^2 / k1, d = 1 + c g, u = n / (g d)."""
    n = [-c * ks, c * k1 - k1 - ks, k1]  # from the highest power down
    d = [c, mpf(1)]
    nd, nn, gdd = _times(n, d), _times(n, n), _times([mpf(1), mpf(0)], _times(d, d))
    left = [a / k1 for a in nn]
    for poly, factor in ((nd, alpha - 1), (gdd, -penalty)):
        for i, a in enumerate(reversed(poly)):
            left[-1 - i] += factor * a
    roots = mp.polyroots(left, maxsteps=500, extraprec=400)
    sign = mp.sign(mp.im(penalty))
    found = []
    for g in roots:
        u = mp.polyval(n, g) / (g * (1 + c * g))
        if sign == 0:
            real = abs(mp.im(g)) < abs(g) * mpf(10) ** (-mp.dps // 2)
            good = real and mp.re(g) > 0 and mp.re(u) > 0
        else:
            good = mp.im(u) * sign > 0 and mp.im(g) * sign < 0
        if good:
            found.append((u, g))
    if len(found) != 1:
        raise ArithmeticError(f"{len(found)} roots are a resolvent at l = {penalty}")
    return found[0]


def _times(a: list[Any], b: list[Any]) -> list[Any]:
    out = [mpf(0)] * (len(a) + len(b) - 1)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            out[i + j] += x * y
    return out


def _linear(g: Any, c: Any) -> Any:
    """<S (S + z)^{-1}> = 1 - z g; tr T G is c times this."""
    return g / (1 + c * g)


def _pair(
    one: tuple[Any, Any, Any],
    other: tuple[Any, Any, Any],
    alpha: Any,
    c: Any,
    k1: Any,
    ks: Any,
    square: Any,
    k: Any,
) -> tuple[Any, Any, Any]:
    """p, q and the covariance of the residuals at two penalties."""
    (l, u, g), (l2, u2, g2) = one, other  # noqa: E741
    if u == u2:  # a derivative is a difference too
        h = u * mpf(10) ** (-(mp.dps // 3))
        u2 = u + h
        z = (u2 + ks) / k1
        root = mp.sqrt((z + 1 - c) ** 2 + 4 * c * z)
        g2 = min(((a - (z + 1 - c)) / (2 * c * z) for a in (root, -root)), key=lambda x: abs(x - g))
    gap = u2 - u
    a, b = _linear(g, c) / k1, _linear(g2, c) / k1  # <S G>
    G, H = g / k1, g2 / k1
    SGG = (a - b) / gap
    # <M Omega G G'> = (u' <M G'> - u <M G>) / (u' - u)
    OGG = (u2 * H - u * G) / gap
    SOGG = (u2 * b - u * a) / gap
    # <S^2 G> = (<S Omega G> - ks <S G>) / k1 and <S Omega G> = <S> - u <S G>
    SS, SS2 = (1 - u * a - ks * a) / k1, (1 - u2 * b - ks * b) / k1
    SSGG = (SS - SS2) / gap
    T, TS = c * k1 * SGG, c * k1 * SSGG
    OO = k1 * SOGG + ks * OGG
    m = c * k1 * k * (a + b)
    error = (square - k * m + k * k * (k1 * TS + ks * T)) / (1 - OO / alpha)
    p = error / alpha * SOGG + k * k * TS
    q = error / alpha * OGG + k * k * T
    return p, q, error * (l / u) * (l2 / (one[1] if one is other else other[1])) / alpha**2
