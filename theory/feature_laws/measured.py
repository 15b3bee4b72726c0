"""A given first layer on given patterns, with the mean dimension of its read-outs under laws of inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np

from twinpeaks.theory.activations import Activation, HermiteMoments, Tanh
from twinpeaks.theory.arrays import Array
from twinpeaks.theory.axes import is_number
from twinpeaks.theory.errors import InvalidProblem
from twinpeaks.theory.feature_laws._empirical import (
    Moments,
    Principal,
    principal,
    read_array,
    second_moments,
)
from twinpeaks.theory.feature_laws._kernels import kernels
from twinpeaks.theory.feature_laws.base import FeatureLaw, Form, Kernel, Traces
from twinpeaks.theory.feature_laws.cumulants import Cumulants
from twinpeaks.theory.feature_laws.spectrum import Spectrum
from twinpeaks.theory.random import Random

__all__ = ["InputKernels", "MeasuredFeatures"]

#: The law of the Boolean mean dimension.
BOOLEAN: Mapping[str, Cumulants] = {"binary": Cumulants(kurtosis=-2.0)}


class InputKernels(NamedTuple):
    """Variance and influence of the hidden units under one law of inputs, matrices of shape (N, N)."""

    variance: Array
    influence: Array


@dataclass(frozen=True, eq=False, repr=False)
class MeasuredFeatures(FeatureLaw):
    """Features of which everything second-order was measured: on data, and under laws of inputs.

    ``MeasuredFeatures.of`` makes one. Where a ``Spectrum`` holds what the errors need, this law also
    knows how the read-out varies when its inputs follow other laws, and ``solve`` gives as ``bmd`` the
    mean dimension under the first of them (the Boolean one, by default).

    Parameters
    ----------
    covariance : ndarray of shape (N, N)
        Omega = E[z z^T] over the patterns.
    cross : ndarray of shape (N,)
        E[z y].
    rho : float
        E[y^2].
    kernels : mapping of str to InputKernels
        By the name of a law of inputs.

    Raises
    ------
    InvalidProblem
        As ``Spectrum``; and in a ``Problem`` whose activation is not ``Identity()`` (the
        features are measured, with what any nonlinearity made of them), or whose teacher has another
        rho.

    Notes
    -----
    For a fixed symmetric matrix M the trained weights have

        w^T M w / N = temperature <M R> + Qh <M Omega R^2> + mh^2 b^T R M R b,   b = E[z y],

    and the mean dimension is that of M = L over that of M = K (docs/derivations/real-features.md).
    """

    covariance: Array
    cross: Array
    rho: float
    kernels: Mapping[str, InputKernels]

    @staticmethod
    def of(
        F: Any,
        inputs: Any,
        labels: Any,
        activation: Activation | None = None,
        laws: Mapping[str, Any] = BOOLEAN,
    ) -> MeasuredFeatures:
        """Measure z = sigma(F^T x / sqrt(D)), less its mean over the patterns.

        Parameters
        ----------
        F : array of shape (D, N)
            The frozen first layer.
        inputs : array of shape (patterns, D)
            Such as images; of numpy, a memory map, or a tensor on the host.
        labels : array of shape (patterns,)
            Real labels.
        activation : Activation
            sigma; ``Tanh()`` by default.
        laws : mapping of str to Cumulants or InputLaw
            Laws of independent inputs under which the read-out is probed; -1 and +1 by default.

        Raises
        ------
        InvalidProblem
            For numbers that are complex or not finite, sizes that do not match, labels that are all
            the same, laws that do not exist, and an activation that jumps.

        Examples
        --------
        >>> import numpy as np
        >>> from twinpeaks import theory
        >>> rng = np.random.default_rng(0)
        >>> x, F = rng.normal(size=(1000, 20)), rng.normal(size=(20, 30))
        >>> law = theory.MeasuredFeatures.of(F, x, np.sign(x[:, 0] + x[:, 1]))
        >>> law.N, law.first(10).N, law.probes
        (30, 10, ('binary',))
        """
        sigma = Tanh() if activation is None else activation
        if not isinstance(sigma, Activation):
            raise InvalidProblem(f"activation = {activation!r}: give an instance of tp.Activation")
        F = read_array("F", F, None, None)
        D = F.shape[0]
        if np.ndim(inputs) != 2 or np.shape(inputs)[1] != D:
            raise InvalidProblem(
                f"inputs have shape {np.shape(inputs)}: F has {D} rows; give shape (patterns, {D})"
            )
        read = _read_laws(laws, D)
        found = second_moments(inputs, labels, lambda x: sigma(x @ F / D**0.5), "inputs")
        found = found.centred()
        probed = {name: InputKernels(*kernels(F, sigma, law)) for name, law in read.items()}
        return MeasuredFeatures(found.second, found.cross, found.rho, probed)

    def __post_init__(self) -> None:
        """Check sizes, and that there is something to learn."""
        cross = read_array("cross", self.cross, None)
        n = cross.size
        covariance = read_array("covariance", self.covariance, n, n)
        held = {
            str(name): InputKernels(
                *(read_array(f"kernels[{name!r}]", matrix, n, n) for matrix in pair)
            )
            for name, pair in self.kernels.items()
        }
        if not (is_number(self.rho) and self.rho > 0):
            raise InvalidProblem(f"rho = {self.rho!r}: give E[y^2] > 0")
        made = {"covariance": covariance, "cross": cross, "rho": float(self.rho), "kernels": held}
        for name, value in made.items():
            object.__setattr__(self, name, value)
        _ = self.spectrum

    @property
    def N(self) -> int:
        """Number of features."""
        return self.cross.size

    @cached_property
    def directions(self) -> Principal:
        """Principal directions of the features, and E[z y] along them."""
        zero = np.zeros(self.N)
        return principal(Moments(zero, self.covariance, self.cross, 0.0, self.rho))

    @cached_property
    def spectrum(self) -> Spectrum:
        """What the errors depend on."""
        found = self.directions
        return Spectrum(tuple(found.omega), tuple(found.cross**2))

    @cached_property
    def _diagonals(self) -> tuple[Array, ...]:
        """Of every kernel in the principal directions."""
        V = self.directions.vectors
        return tuple(np.sum(V * (M @ V), axis=0) for M in self._matrices)

    @property
    def _matrices(self) -> tuple[Array, ...]:
        return tuple(matrix for pair in self.kernels.values() for matrix in pair)

    @property
    def probes(self) -> tuple[str, ...]:
        """Names of the laws of inputs."""
        return tuple(self.kernels)

    def first(self, n: int) -> MeasuredFeatures:
        """The law of the first n features alone."""
        if not 1 <= n <= self.N:
            raise InvalidProblem(f"n = {n}: give a number of features from 1 to {self.N}")
        part = {
            name: InputKernels(*(M[:n, :n] for M in pair)) for name, pair in self.kernels.items()
        }
        return MeasuredFeatures(self.covariance[:n, :n], self.cross[:n], self.rho, part)

    def __repr__(self) -> str:
        """Sizes, names, and a fingerprint of some of the numbers to nine digits."""
        digest = blake2b(digest_size=4)
        matrices = (self.covariance, *self._matrices)
        numbers = np.concatenate([[self.rho], self.cross, *(np.diag(m) for m in matrices)])
        digest.update(" ".join(f"{v + 0.0:.8e}" for v in numbers).encode())
        names = "/".join(self.kernels) or "none"
        return f"MeasuredFeatures(N={self.N}, laws={names}, {digest.hexdigest()})"

    def check(self, moments: HermiteMoments, rho: float) -> None:
        """Refuse another nonlinearity, another variance of the labels, and impossible alignments."""
        if moments.kappa_star != 0 or moments.kappa_1 != 1:
            raise InvalidProblem(
                f"features = {self!r} were measured behind their activation: give "
                "activation=Identity()"
            )
        if abs(rho - self.rho) > 1e-9 * self.rho:
            raise InvalidProblem(
                f"teacher has rho = {rho:g} and the labels have E[y^2] = {self.rho:.17g}: give the "
                "teacher rho=features.rho"
            )
        self.spectrum.check(moments, rho)

    def traces(self, c: Any, moments: HermiteMoments, rho: float, ridge: Any, Vh: Any) -> Traces:
        """Those of the spectrum."""
        return self.spectrum.traces(c, moments, rho, ridge, Vh)

    def forms(
        self, c: Any, moments: HermiteMoments, rho: float, ridge: Any, Vh: Any
    ) -> tuple[Form, ...]:
        """M = Omega, then K and L of every law of inputs, and the identity."""
        omega, V, cross = self.directions
        R = 1.0 / (np.asarray(ridge)[..., None] + np.asarray(Vh)[..., None] * omega)
        weights = (R * cross) @ V.T
        linear, identity = super().forms(c, moments, rho, ridge, Vh)
        probed = (
            Form(
                thermal=np.mean(diagonal * R, axis=-1),
                noise=np.mean(diagonal * omega * R**2, axis=-1),
                signal=np.sum((weights @ M) * weights, axis=-1),
            )
            for M, diagonal in zip(self._matrices, self._diagonals, strict=True)
        )
        return linear, *probed, identity

    def mean_dimensions(self, forms: Sequence[Any]) -> list[Any]:
        """Influence over variance under every law, from w^T M w / N of all forms."""
        pairs = forms[1:-1]
        return [pairs[j + 1] / pairs[j] for j in range(0, len(pairs), 2)]

    def influences(self, moments: HermiteMoments) -> tuple[float, ...]:
        """The influence of the first law alone; of none, that of linear features."""
        count = len(self._matrices)
        return (0.0, 0.0, 1.0, *(0.0,) * (count - 1)) if count else (1.0, 0.0)

    def output_variance(self, forms: Any, Q: Any) -> Any:
        """The variance under the first law, which is not that of the patterns."""
        return forms[1] if self.kernels else Q

    def stabilities(
        self, nonlinear: Callable[[Any], Any], moments: HermiteMoments, rho: Any
    ) -> tuple[Any, ...]:
        """No degrees were measured."""
        raise InvalidProblem(
            f"features = {self!r} know variance and influence of the read-out, not its Fourier weights; "
            "use a law such as Gaussian()"
        )

    def log_det(self, c: Array, moments: HermiteMoments, ridge: Array, Vh: Array) -> Array:
        """That of the spectrum."""
        return self.spectrum.log_det(c, moments, ridge, Vh)

    def kernel(
        self, alpha_T: Any, moments: HermiteMoments, rho: float, ridge: Any, slope: Any
    ) -> Kernel:
        """No limit of infinitely many features."""
        return self.spectrum.kernel(alpha_T, moments, rho, ridge, slope)

    def teacher_prior(self) -> tuple[Any, Any]:
        """None: the labels are those of the data."""
        return self.spectrum.teacher_prior()

    def sample(
        self, D: int, N: int, moments: HermiteMoments, rho: float, random: Random
    ) -> tuple[tuple[Any, ...], Any]:
        """Nothing to draw."""
        raise InvalidProblem(
            f"features = {self!r} belong to given patterns: use simulate.run_on_data with these"
        )


def _read_laws(laws: Any, D: int) -> dict[str, Cumulants]:
    """Cumulants by name, or refuse what is no mapping of names to laws of D inputs."""
    if not isinstance(laws, Mapping) or not laws:
        raise InvalidProblem(
            f"laws = {laws!r}: give a mapping of names to laws, such as {{'binary': tp.Binary({D})}}"
        )
    read = {str(name): Cumulants.read(law, f"laws[{name!r}]") for name, law in laws.items()}
    for law in read.values():
        law.spread(D)
    return read
