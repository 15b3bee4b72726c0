"""How far weights may be from the minimum: a bound that counts the rounding of its own evaluation.

Weights that a float64 gradient calls stationary are off by the rounding of that gradient over lam, which no
float64 gradient shows. The products are therefore summed exactly in slices (Ozaki, Ogita, Oishi & Rump,
Numer. Algorithms 59, 95, 2012), and what is left is bounded by duality.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from twinpeaks.theory.losses.base import Loss

__all__ = ["Product", "distance", "product"]

_UNIT = 2.0**-53
_BITS = 26  # of a slice of the matrix
_SLOPE = 4.0  # units in the last place to which a loss computes its slope
_MARGIN = 1.0 + 1e-6  # for the rounding of the bound itself
_BLOCK = (
    2**17
)  # entries of the matrices that are sliced at a time, with five slices or sums of 1 MiB


class Product(NamedTuple):
    """A matrix product: the sum high + low, to within error."""

    high: Tensor
    low: Tensor
    error: Tensor


def product(A: Tensor, V: Tensor) -> Product:
    """A V for stacks of matrices (B, m, n) and (B, n, r), far beyond float64.

    Slices of so few bits that sums of n of their products are exact, however they are ordered; only
    products of the last slices are rounded.
    """
    n = A.shape[-1]
    bits = _BITS + 1 - math.ceil(math.log2(max(n, 2)))
    first, second, third, rest = _slices(V, -2, bits, 3)
    columns = torch.cat([first, second, third, rest, third + rest, V], dim=-1)
    count, r = max(1, _BLOCK // (n * len(A))), V.shape[-1]
    rows = [_rows(A[..., i : i + count, :], columns, r) for i in range(0, A.shape[-2], count)]
    high, low = (torch.cat(parts, dim=-2) for parts in zip(*rows, strict=True))
    left = 2.0 ** (-3 * bits) + 2.0 ** (-_BITS - 2 * bits) + 2.0 ** (-2 * _BITS) + 200 * _UNIT
    largest = [
        torch.linalg.vector_norm(M, math.inf, d, keepdim=True) for M, d in ((A, -1), (V, -2))
    ]
    error = left * _UNIT * n * n * largest[0] * largest[1]
    return Product(high, low, 4.0 * error)


def _slices(x: Tensor, dim: int, bits: int, count: int) -> list[Tensor]:
    """Parts of ``bits`` bits each on one grid along ``dim``, and what remains; they add up exactly."""
    _, exponent = torch.frexp(x.abs().amax(dim, keepdim=True))
    out = []
    for k in range(1, count + 1):
        # a number whose last place is 2^(exponent - k bits)
        shift = 1.5 * 2.0**52 * torch.exp2((exponent - k * bits).to(x.dtype))
        part = (x + shift) - shift
        out.append(part)
        x = x - part
    return [*out, x]


def _rows(A: Tensor, columns: Tensor, r: int) -> tuple[Tensor, Tensor]:
    """High and low of some rows of the product."""
    top, middle, bottom = _slices(A, -1, _BITS, 2)
    first, second, third, fourth = (top @ columns[..., : 4 * r]).chunk(4, dim=-1)
    fifth, sixth = (middle @ columns[..., : 2 * r]).chunk(2, dim=-1)
    seventh = middle @ columns[..., 4 * r : 5 * r]
    eighth = bottom @ columns[..., 5 * r :]
    high, low = first, torch.zeros_like(first)
    for term in (second, third, fifth, sixth, fourth, seventh, eighth):
        total = high + term
        taken = total - high
        low = low + ((high - (total - taken)) + (term - taken))  # what the sum lost, exactly
        high = total
    return high, low


def distance(loss: Loss, X: Tensor, y: Tensor, W: Tensor, lam: Tensor) -> Tensor:
    """Bound |w - w*| at weights near the minimum of a smooth convex loss.

    Parameters
    ----------
    loss : Loss
        Its slope is taken to be right to 4 units in the last place.
    X : Tensor of shape (B, P, N)
        Designs.
    y : Tensor of shape (B, P)
        Labels.
    W : Tensor of shape (B, N, n_lam)
        Weights.
    lam : Tensor of shape (n_lam,)
        Penalties, > 0.

    Returns
    -------
    Tensor of shape (B, n_lam)

    Notes
    -----
    For any slopes a, one a pattern, the duality gap bounds the excess of the objective, which is
    lam-strongly convex (l* is the convex conjugate):

        |w - w*|^2 <= (2 / lam) sum_mu [l(t) + l*(a) - a t] + |w + X^T a / lam|^2,    t = X w.

    With a the computed slope and e a bound on |a - l'(t)|, a bracket is at most e^2 / l'' (twice its leading
    order). Where the loss is too flat for that, the exact slope takes the place of a: its bracket
    is 0, and |w + X^T a / lam| grows by |x_mu| e / lam at most.
    """
    labels = y[..., None]
    fields = product(X, W)
    t = fields.high + fields.low
    reach = 2.0 * _UNIT * t.abs() + fields.error
    a = loss.slope(labels, t)
    e = torch.maximum(*((loss.slope(labels, t + s * reach) - a).abs() for s in (-1.0, 1.0)))
    e = e + _SLOPE * _UNIT * a.abs()
    curvature, size = loss.curvature(labels, t), torch.linalg.vector_norm(X, dim=-1)[..., None]
    bent = curvature * size**2 >= lam
    gap = torch.where(bent, e * (e / torch.where(bent, curvature, 1.0)), 0.0).sum(-2)
    flat = torch.where(bent, 0.0, size * e).sum(-2)
    pull = product(X.mT, a)
    gradient = (pull.high + lam * W) + pull.low
    rounding = _UNIT * (lam * W.abs() + 2.0 * gradient.abs() + pull.low.abs()) + pull.error
    rest = sum(torch.linalg.vector_norm(x, dim=-2) for x in (gradient, rounding)) + flat
    bound: Tensor = torch.hypot((2.0 * gap / lam).sqrt(), rest / lam)
    return _MARGIN * bound
