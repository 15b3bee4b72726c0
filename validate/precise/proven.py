r"""Square loss by interval arithmetic: the saddle point enclosed, with proof of existence and uniqueness.

With square loss the channel is f = (y - omega)/(1 + V), so Vh = alpha/(1 + V), and V = <Omega R> becomes

    V/(1 + V) = <Omega / (lam (1 + V) + alpha Omega)>.

The left side increases strictly in V from 0 to 1, the right side decreases strictly from a positive number:
there is exactly one solution V > 0, and two numbers at which the difference has proven signs, - and +,
enclose it. Q solves an equation that is linear given V, and every other variable is a formula, evaluated
in ``mpmath.iv``, whose results contain the exact ones. All of it holds at every temperature.

The inputs are the exact binary numbers given; the moments of the activation come from ``proven_moments.py``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import mpmath as mp  # type: ignore[import-untyped]

from twinpeaks.theory.axes import check_count
from twinpeaks.theory.feature_laws.gaussian import Gaussian
from twinpeaks.theory.feature_laws.orthogonal import Orthogonal
from twinpeaks.theory.feature_laws.spectrum import Spectrum
from twinpeaks.theory.problem import Problem
from twinpeaks.theory.teachers.base import BinaryTeacher, RealTeacher
from twinpeaks.validate.precise.proven_moments import EnclosedMoments, enclosed_moments
from twinpeaks.validate.precise.solution import check_point

__all__ = ["enclose"]

Interval = Any
iv = mp.iv


class _Traces(NamedTuple):
    R: Interval
    SR: Interval
    OmegaR: Interval
    OmegaR2: Interval
    SOmegaR2: Interval
    TR: Interval
    TR2: Interval
    TSR2: Interval
    log_det: Interval


@contextmanager
def _digits(dps: int) -> Iterator[None]:
    before = iv.dps
    iv.dps = dps
    try:
        yield
    finally:
        iv.dps = before


def enclose(
    problem: Problem,
    *,
    overparam: float,
    alpha_T: float,
    lam: float,
    beta: float = math.inf,
    dps: int = 50,
) -> dict[str, tuple[Any, Any]]:
    """Proven bounds of the saddle point and its observables, for square loss.

    Parameters
    ----------
    problem : Problem
        ``Square`` with teacher Sign, FlippedSign, Probit or Linear, activation Tanh, ReLU, Erf or
        Identity, and features Gaussian, Orthogonal or Spectrum.
    overparam, alpha_T, lam, beta : float
        As in ``twinpeaks.validate.precise.solve``.
    dps : int
        Digits wanted.

    Returns
    -------
    dict of str to (lower, upper)
        The variables of ``twinpeaks.validate.precise.solve`` as mpf; ``train_error`` of binary labels, an
        integral, is left out.

    Raises
    ------
    ValueError
        For a limit (overparam = inf, lam = 0), another component, and if the enclosure fails (raise dps).

    Examples
    --------
    >>> from twinpeaks import theory
    >>> from twinpeaks.validate.precise.proven import enclose
    >>> low, high = enclose(theory.Problem(), overparam=1.0, alpha_T=3.0, lam=1e-4, dps=30)["V"]
    >>> low <= high and float(high - low) < 1e-28
    True
    """
    if problem.loss.quadratic != 1.0:
        raise ValueError(f"loss = {problem.loss!r}: only Square() has an enclosure")
    at = check_point(overparam=overparam, alpha_T=alpha_T, lam=lam, beta=beta)
    overparam, alpha_T, lam, beta = at.values()
    check_count("dps", dps, 1)
    with _digits(dps + 30), mp.workdps(dps + 30):
        k = enclosed_moments(problem.activation, dps)
        alpha = 1 / iv.mpf(overparam)
        c = iv.mpf(alpha_T) * iv.mpf(overparam)
        ridge, T = iv.mpf(lam), 1 / iv.mpf(beta) if math.isfinite(beta) else iv.mpf(0)
        teacher = _teacher(problem.teacher)

        def read(V: Interval) -> _Traces:
            return _traces(problem.features, c, k, teacher.rho, ridge, alpha / (1 + V))

        def excess(V: Interval) -> Interval:
            return V - read(V).OmegaR

        V = _root(excess, dps)
        return {
            name: (mp.mpf(x.a), mp.mpf(x.b))
            for name, x in _observables(V, read(V), k, teacher, alpha, ridge, T).items()
        }


def _root(excess: Callable[[Interval], Interval], dps: int) -> Interval:
    """An interval at whose ends an increasing function has proven signs."""
    low, high = mp.mpf("1e-30"), mp.mpf("1e30")
    if not (excess(iv.mpf(low)).b < 0 < excess(iv.mpf(high)).a):
        raise ValueError("V is not between 1e-30 and 1e30")
    for _ in range(20 * dps):
        middle = mp.sqrt(low * high)
        at = excess(iv.mpf(middle))
        if at.b < 0:
            low = middle
        elif at.a > 0:
            high = middle
        else:
            break
        if high - low < mp.mpf(10) ** (-dps - 15) * low:
            break
    if not high - low < mp.mpf(10) ** (-dps - 8) * low:
        raise ValueError(f"V was enclosed in [{low}, {high}] only: raise dps")
    return iv.mpf([low, high])


class _Teacher(NamedTuple):
    rho: Interval
    second: Interval
    tau: Interval
    noise: Interval
    flip: Interval
    binary: bool


def _teacher(teacher: Any) -> _Teacher:
    zero, one = iv.mpf(0), iv.mpf(1)
    rho = iv.mpf(teacher.rho)
    if isinstance(teacher, RealTeacher) and teacher.noise is not None:
        noise = iv.mpf(teacher.noise)
        return _Teacher(rho, rho + noise, one, noise, zero, False)
    step = teacher.step if isinstance(teacher, BinaryTeacher) else None
    if step is None:
        raise ValueError(
            f"teacher = {teacher!r}: the enclosure knows Sign, FlippedSign, Probit, Linear"
        )
    flip, noise = map(iv.mpf, step)
    tau = (1 - 2 * flip) * iv.sqrt(2 / (iv.pi * (rho + noise)))
    return _Teacher(rho, one, tau, noise, flip, True)


def _observables(
    V: Interval,
    t: _Traces,
    k: EnclosedMoments,
    y: _Teacher,
    alpha: Interval,
    lam: Interval,
    T: Interval,
) -> dict[str, Interval]:
    k2, d = k.k1**2, 1 + V
    mh = alpha * y.tau / d
    m = mh * t.TR
    omega2 = k2 * t.SOmegaR2 + k.star2 * t.OmegaR2
    signal = mh**2 * (k2 * t.TSR2 + k.star2 * t.TR2)
    replicon = 1 - alpha * omega2 / d**2
    if not replicon.a > 0:
        raise ValueError("the replicon was not proven positive: raise dps")
    # Q = Qh omega2 + signal with Qh = alpha (E[y^2] - 2 tau m + Q) / (1 + V)^2
    Q_0 = (alpha * omega2 / d**2 * (y.second - 2 * y.tau * m) + signal) / replicon
    square = y.second - 2 * y.tau * m + Q_0
    Vh, Qh = alpha / d, alpha * square / d**2
    q_0, p_0 = Qh * t.OmegaR2 + mh**2 * t.TR2, Qh * t.SOmegaR2 + mh**2 * t.TSR2
    q_d, p_d, Q_d = q_0 + T * t.R, p_0 + T * t.SR, Q_0 + T * V
    rest = square / d**2 + T * V / d
    energy = alpha * rest / 2 + lam * q_d / 2
    free = m * mh - (Q_d * Vh - V * Qh) / 2 - (mh**2 * t.TR + Qh * t.OmegaR) / 2
    free += alpha * (square / (2 * d) + T * iv.log(d) / 2)
    out = {
        "V": V,
        "q_0": q_0,
        "q_d": q_d,
        "p_0": p_0,
        "p_d": p_d,
        "Q_0": Q_0,
        "Q_d": Q_d,
        "m": m,
        "r": m / k.k1,
        "train_loss": rest / 2,
        "energy": energy,
        "bmd": (k2 * p_d + k.dstar2 * q_d) / Q_d,
        "bmd_mean": (k2 * p_0 + k.dstar2 * q_0) / Q_0,
        "replicon": replicon,
    }
    if not y.binary:
        out["train_error"] = rest
    for name, Q in (("test_error", Q_d), ("test_error_mean", Q_0)):
        angle = iv.atan2(iv.sqrt((y.rho + y.noise) * Q - m**2), m) / iv.pi
        wrong = y.flip + (1 - 2 * y.flip) * angle
        out[name] = wrong if y.binary else y.second - 2 * y.tau * m + Q
    if T.b > 0:
        free += T * (t.log_det - iv.log(2 * iv.pi * T)) / 2
        out |= {"free_entropy": -free / T, "entropy": (energy - free) / T}
    return {**out, "free_energy": free}


def _traces(
    law: Any, c: Interval, k: EnclosedMoments, rho: Interval, lam: Interval, Vh: Interval
) -> _Traces:
    """From averages of G = (S + z)^{-1} over the spectrum and over the teacher's share."""
    k2 = k.k1**2
    scale = Vh * k2
    z = (lam + Vh * k.star2) / scale
    t = c * rho * k2
    if isinstance(law, Gaussian):
        # c z g^2 + (z + 1 - c) g = 1 has one positive root
        b = z + 1 - c
        root = iv.sqrt(b**2 + 4 * c * z)
        g = 2 / (b + root) if b.a > 0 else (root - b) / (2 * c * z)
        g2 = (c * g**2 + g) / root
        tg, tg2 = t * (1 - z * g), t * (g - z * g2)
        log_det = iv.log(1 + c * g) / c - iv.log(g) - g / (1 + c * g)
    else:
        g, g2, tg, tg2, log_det = _sums(law, c, k, t, z)
    sg, sg2 = 1 - z * g, g - z * g2
    R2, SR2, S2R2 = g2 / scale**2, sg2 / scale**2, (sg - z * sg2) / scale**2
    return _Traces(
        g / scale,
        sg / scale,
        (k2 * sg + k.star2 * g) / scale,
        k2 * SR2 + k.star2 * R2,
        k2 * S2R2 + k.star2 * SR2,
        tg / scale,
        tg2 / scale**2,
        (tg - z * tg2) / scale**2,
        log_det + iv.log(scale),
    )


def _sums(law: Any, c: Interval, k: EnclosedMoments, t: Interval, z: Interval) -> list[Interval]:
    """Laws of finitely many eigenvalues: (eigenvalue, weight, teacher's share)."""
    if isinstance(law, Orthogonal):
        wide = c.a > 1
        top, share = (c, 1 / c) if wide else (iv.mpf(1), iv.mpf(1))
        atoms = [(top, share, t * top * share)]
        atoms += [(iv.mpf(0), 1 - share, iv.mpf(0))] if wide else []
    elif isinstance(law, Spectrum):
        weight = 1 / iv.mpf(len(law.eigenvalues))
        pairs = zip(law.eigenvalues, law.alignments, strict=True)
        atoms = [((iv.mpf(e) - k.star2) / k.k1**2, weight, iv.mpf(a)) for e, a in pairs]
    else:
        raise ValueError(
            f"features = {law!r}: the enclosure knows Gaussian, Orthogonal and Spectrum"
        )
    return [
        sum(w / (s + z) for s, w, _ in atoms),
        sum(w / (s + z) ** 2 for s, w, _ in atoms),
        sum(a / (s + z) for s, _, a in atoms),
        sum(a / (s + z) ** 2 for s, _, a in atoms),
        sum(w * iv.log(s + z) for s, w, _ in atoms),
    ]
