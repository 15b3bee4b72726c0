"""The hinge loss: a primal-dual interior-point method, and an estimate of what it missed."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from twinpeaks.simulate.trainers.active_set import Exact, polish
from twinpeaks.simulate.trainers.reduction import dot, expand, reduce, times

__all__ = ["duality_gap", "hinge_path", "interior_point"]

_MAX_STEPS = 100
_PATIENCE = 3
_CHOLESKY_SHIFT = 1e-14
_MARGIN_ROUNDING = 1e-8
# The sets of a neighbouring lam need a handful of corrections, or have changed too much.
_FEW_CHANGES = 12
_ENOUGH = 1e-7  # relative gap at which the sets are usually told apart
_SHARE = 0.995  # of the way to the boundary, so that no variable reaches 0


def hinge_path(X: Tensor, y: Tensor, lam: Tensor) -> tuple[Tensor, Tensor]:
    """Minimisers for every lam of arguments as those of ``train_stack``, and how far they may be off.

    Returns
    -------
    W : Tensor of shape (B, N, n_lam)
    distance : Tensor of shape (B, n_lam)
        Estimate of the distance to the minimum: sqrt(2 gap / lam) with the duality gap, or that of
        ``active_set.polish`` where the set of patterns on the margin could be told. The gap does not
        fall below its rounding, and its root is then of the order of 1e-7 and worse at small lam. Either
        would be a bound in exact arithmetic; here float64 evaluates it, with a rounding of usual size
        added, not of the worst.
    """
    basis, C = reduce(X)
    A = C * y[..., None]
    full = A if basis is None else X * y[..., None]
    W, distance = X.new_zeros(*X.shape[::2], len(lam)), X.new_zeros(len(X), len(lam))
    before: list[Exact | None] = [None] * len(X)
    for index in torch.argsort(lam, descending=True, stable=True).tolist():
        problem = _Problem(A, full, basis, float(lam[index]))
        exact = [
            None if guess is None else problem.polish(member, guess.a, guess.s, _FEW_CHANGES)
            for member, guess in enumerate(before)
        ]
        for enough in (_ENOUGH, 0.0):
            again = [member for member, found in enumerate(exact) if found is None]
            if not again:
                break
            some = torch.as_tensor(again, device=X.device)
            part = problem.keep(some)
            v, a, b = interior_point(part.A, part.lam, enough)
            W[some, :, index], distance[some, index] = part.best(v, a, b)
            s = times(part.A, v)
            for place, member in enumerate(again):
                found = part.polish(place, a[place], s[place])
                if found is not None and (enough > 0 or found.distance < distance[member, index]):
                    exact[member] = found
        for member, found in enumerate(exact):
            if found is not None:
                W[member, :, index], distance[member, index] = found.w, found.distance
        before = exact
    return W, distance


class _Problem(NamedTuple):
    """Designs times labels in the coordinates v and w = B v, and a penalty."""

    A: Tensor
    X: Tensor
    basis: Tensor | None
    lam: float

    def keep(self, members: Tensor) -> _Problem:
        if len(members) == len(self.A):
            return self
        basis = None if self.basis is None else self.basis[members]
        return _Problem(self.A[members], self.X[members], basis, self.lam)

    def polish(self, member: int, a: Tensor, s: Tensor, changes: int = 40) -> Exact | None:
        """One by one: the numbers of patterns on the margin differ."""
        basis = None if self.basis is None else self.basis[member]
        return polish(self.A[member], self.X[member], basis, self.lam, a, s, changes)

    def best(self, v: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """w or a multiple of it, and the distance that the duality gap allows.

        Rounding leaves margins a little below 1, at a cost b in the gap and near 1 at small lam;
        raised above 1 they cost a. Take for each member what has the smaller gap.
        """
        w = expand(self.basis, v[..., None])[..., 0]
        short = 1.0 - times(self.X, w)
        lift = torch.where(short < _MARGIN_ROUNDING, short, 0.0).amax(-1, True).clamp(min=0.0)
        raised = w * (1.0 + lift)
        gap = duality_gap(self.X, self.lam, w, a, b)
        gap_raised = duality_gap(self.X, self.lam, raised, a, b)
        w = torch.where((gap_raised < gap)[:, None], raised, w)
        return w, (2.0 * torch.minimum(gap, gap_raised) / self.lam).sqrt()


def duality_gap(A: Tensor, lam: float, w: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Primal minus dual objective at weights w and multipliers 0 <= a = 1 - b <= 1, shape (B,).

    Written as a sum of terms >= 0, so that nothing cancels: with margins s = A w, A = y X, it is
    sum_mu [max(1 - s, 0) b + max(s - 1, 0) a] + lam |w - A^T a / lam|^2 / 2.
    """
    s = times(A, w)
    mismatch = w - times(A.mT, a) / lam
    products = (1.0 - s).clamp(min=0.0) * b + (s - 1.0).clamp(min=0.0) * a
    gap: Tensor = products.sum(-1) + 0.5 * lam * dot(mismatch, mismatch)
    return gap


class _Iterate(NamedTuple):
    """Weights, multipliers and slacks: A v + xi - s = 1, a + b = 1, s a -> 0, xi b -> 0."""

    v: Tensor
    a: Tensor
    b: Tensor
    s: Tensor
    xi: Tensor

    def moved(self, size: Tensor, by: _Iterate) -> _Iterate:
        return _Iterate(*(x + size[:, None] * dx for x, dx in zip(self, by, strict=True)))

    def longest(self, by: _Iterate) -> Tensor:
        """Step to the first variable that vanishes; many times 1 if none does."""
        pairs = zip(self[1:], by[1:], strict=True)
        fastest = torch.stack([(-dx / x).amax(-1) for x, dx in pairs]).amax(0)
        return 1.0 / fastest.clamp(min=0.1)


class _Held(NamedTuple):
    """The best iterate so far, its gap, and for how long there has been no better."""

    v: Tensor
    a: Tensor
    b: Tensor
    gap: Tensor
    stalled: Tensor


def interior_point(A: Tensor, lam: float, enough: float = 0.0) -> tuple[Tensor, Tensor, Tensor]:
    """Minimise lam |v|^2 / 2 + sum_mu max(1 - A_mu v, 0); returns v and the multipliers (a, b).

    Parameters
    ----------
    A : Tensor of shape (B, P, k)
        Designs times labels.
    lam : float
        Penalty, > 0.
    enough : float
        Duality gap over the penalty term lam |v|^2 / 2 at which to stop at once.

    Returns
    -------
    v : Tensor of shape (B, k)
    a, b : Tensor of shape (B, P)

    Notes
    -----
    Mehrotra's predictor-corrector method for the quadratic programme with slacks xi, s >= 0 and
    A v + xi - s = 1, whose multipliers satisfy a + b = 1, s a = 0, xi b = 0 and lam v = A^T a.
    Eliminating all but v leaves the k x k system (lam + A^T diag(d) A) dv, d = 1 / (xi/b + s/a).
    It stops where the duality gap no longer falls, and returns the best iterate.
    """
    now = _start(A, lam)
    infinite = torch.full_like(now.v[:, 0], torch.inf)
    held = _Held(now.v, now.a, now.b, infinite, torch.zeros_like(infinite))
    found = [now.v.clone(), now.a.clone(), now.b.clone()]
    live = torch.arange(len(A), device=A.device)
    for _ in range(_MAX_STEPS):
        gap = duality_gap(A, lam, now.v, now.a, now.b)
        held = _hold(held, now, gap)
        factor, possible = _factor(A, lam, now)
        done = (held.stalled > _PATIENCE) | ~torch.isfinite(gap) | ~possible
        done |= gap <= enough * 0.5 * lam * dot(now.v, now.v)
        if bool(done.any()):
            for out, best in zip(found, held, strict=False):
                out[live[done]] = best[done]
            if bool(done.all()):
                return found[0], found[1], found[2]
            rest = ~done
            live, A, factor = live[rest], A[rest], factor[rest]
            now, held = _Iterate(*(x[rest] for x in now)), _Held(*(x[rest] for x in held))
        now = _step(A, lam, now, factor)
    for out, best in zip(found, held, strict=False):
        out[live] = best
    return found[0], found[1], found[2]


def _start(A: Tensor, lam: float) -> _Iterate:
    a = torch.full_like(A[..., 0], 0.5)
    v = times(A.mT, a) / lam
    v = v / times(A, v).abs().amax(-1, True).clamp(min=1.0)
    excess = times(A, v) - 1.0
    return _Iterate(v, a, a, 1.0 + excess.clamp(min=0.0), 1.0 + (-excess).clamp(min=0.0))


def _hold(held: _Held, now: _Iterate, gap: Tensor) -> _Held:
    better = (gap < held.gap)[:, None]
    pairs = zip(now[:3], held[:3], strict=True)
    v, a, b = (torch.where(better, x, before) for x, before in pairs)
    stalled = torch.where(gap < 0.9 * held.gap, 0.0, held.stalled + 1.0)
    return _Held(v, a, b, torch.where(better[:, 0], gap, held.gap), stalled)


def _weights(now: _Iterate) -> Tensor:
    return 1.0 / (now.xi / now.b + now.s / now.a)


def _factor(A: Tensor, lam: float, now: _Iterate) -> tuple[Tensor, Tensor]:
    """Cholesky factors of the k x k systems, and where there is one."""
    system = A.mT @ (A * _weights(now)[..., None])
    diagonal = system.diagonal(dim1=-2, dim2=-1)
    diagonal.add_(lam)
    factor, info = torch.linalg.cholesky_ex(system)
    if bool((info != 0).any()):
        # d spans more than rounding can hold: a shift of the order of the rounding, to which the
        # residuals of the next step are blind
        shift = torch.where(info != 0, _CHOLESKY_SHIFT * diagonal.amax(-1), 0.0)
        diagonal.add_(shift[:, None])
        factor, info = torch.linalg.cholesky_ex(system)
    return factor, info == 0


def _step(A: Tensor, lam: float, now: _Iterate, factor: Tensor) -> _Iterate:
    """Predictor, then corrector with the centring it suggests."""
    v, a, b, s, xi = now
    d = _weights(now)
    stationarity = times(A.mT, a) - lam * v
    infeasibility = 1.0 - times(A, v) - xi + s

    def solve(c1: Tensor, c2: Tensor) -> _Iterate:
        """Newton direction with s da + a ds = c1 and xi db + b dxi = c2."""
        h = infeasibility - c2 / b + c1 / a
        right = stationarity + times(A.mT, d * h)
        dv = torch.cholesky_solve(right[..., None], factor)[..., 0]
        da = d * (h - times(A, dv))
        return _Iterate(dv, da, -da, (c1 - s * da) / a, (c2 + xi * da) / b)

    P = A.shape[1]
    mu = (dot(s, a) + dot(xi, b)) / (2 * P)
    trial = solve(-s * a, -xi * b)
    ahead = now.moved(now.longest(trial).clamp(max=1.0), trial)
    centre = mu * ((dot(ahead.s, ahead.a) + dot(ahead.xi, ahead.b)) / (2 * P) / mu) ** 3
    correction = centre[:, None]
    by = solve(correction - s * a - trial.s * trial.a, correction - xi * b - trial.xi * trial.b)
    return now.moved((_SHARE * now.longest(by)).clamp(max=1.0), by)
