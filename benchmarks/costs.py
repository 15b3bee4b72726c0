"""Floating-point operations and memory traffic of the stages of one instance."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "Cost",
    "block_tridiagonal",
    "cholesky",
    "features",
    "flips",
    "gram",
    "hessian",
    "hessian_product",
    "inverse",
    "product",
    "shifted",
    "triangular_solves",
]

_FLOAT = 8


@dataclass(frozen=True)
class Cost:
    """What a stage has to do at least.

    Attributes
    ----------
    flops : float
        Additions and multiplications; an activation counts as one.
    bytes : float
        Read and written once each, in float64.
    """

    flops: float
    bytes: float

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.flops + other.flops, self.bytes + other.bytes)

    def __mul__(self, times: float) -> Cost:
        return Cost(self.flops * times, self.bytes * times)


def product(m: int, n: int, k: int) -> Cost:
    """(m, k) times (k, n)."""
    return Cost(2.0 * m * n * k, _FLOAT * (m * n + m * k + n * k))


def features(D: int, N: int, rows: int) -> Cost:
    """sigma(x F / sqrt(D)) for some rows: a product, then a scale and an activation in place."""
    return product(rows, N, D) + Cost(2.0 * rows * N, 4 * _FLOAT * rows * N)


def gram(P: int, k: int) -> Cost:
    """X^T X as torch computes it: both triangles."""
    return product(k, k, P)


def hessian(P: int, k: int) -> Cost:
    """C^T diag(c) C: a scaled copy, then a product."""
    return product(k, k, P) + Cost(1.0 * P * k, 2 * _FLOAT * P * k)


def cholesky(k: int) -> Cost:
    """k^3 / 3."""
    return Cost(k**3 / 3, _FLOAT * k * k)


def inverse(k: int) -> Cost:
    """2/3 k^3, from a Cholesky factor."""
    return Cost(2 / 3 * k**3, 2 * _FLOAT * k * k)


def block_tridiagonal(k: int, w: int) -> Cost:
    """2 k^3, with both triangles: G V, then G - X V^T - V X^T, on what each block column leaves.

    Half the 4 m^2 w of the update is the other triangle. The bytes are those of the update alone:
    the m x m remainder read twice and written once for each of k / w blocks.
    """
    return Cost(2.0 * k**3, _FLOAT * k**3 / w)


def shifted(k: int, w: int, n_lam: int) -> Cost:
    """Cholesky factors of a block-tridiagonal matrix at every lam: 10/3 w^3 a block."""
    return Cost(10 / 3 * k * w * w * n_lam, 4 * _FLOAT * k * w * n_lam)


def hessian_product(P: int, k: int) -> Cost:
    """C^T (c * (C v)): the design is read twice."""
    return Cost(4.0 * P * k, 2 * _FLOAT * P * k)


def triangular_solves(k: int) -> Cost:
    """L L^T x = b for one b: a triangle is read twice."""
    return Cost(2.0 * k * k, _FLOAT * k * k)


def flips(D: int, N: int, inputs: int, columns: int) -> Cost:
    """Outputs at all D flips of some inputs: a rank-one term, an activation, a product with W."""
    rows = inputs * D
    return Cost(3.0 * rows * N, 5 * _FLOAT * rows * N) + product(rows, columns, N)
