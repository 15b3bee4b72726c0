"""Features known by their measured spectrum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from twinpeaks.theory.activations import HermiteMoments
from twinpeaks.theory.arrays import Array
from twinpeaks.theory.errors import InvalidProblem
from twinpeaks.theory.feature_laws._empirical import principal, second_moments
from twinpeaks.theory.feature_laws.base import FeatureLaw, Kernel, Traces, on_sphere
from twinpeaks.theory.feature_laws.pairs import Pairs, Ridge, discrete
from twinpeaks.theory.random import Random

__all__ = ["Spectrum"]

_ROUNDING = 1e-12  # of the largest eigenvalue or alignment


@dataclass(frozen=True)
class Spectrum(FeatureLaw):
    """A discrete spectrum with teacher alignments, as one measures them from data.

    Parameters
    ----------
    eigenvalues : sequence of float
        Eigenvalues of the feature covariance Omega, each of the same weight, >= kappa_star^2 of
        the activation they are used with. Those within 1e-12 of the largest of 0, of either sign, are
        the rounding of 0 and become it.
    alignments : sequence of float
        For each, the squared projection of the cross-covariance E[z nu] on its eigenvector
        (summed over degenerate ones). No eigenvector of eigenvalue 0 has one.

    Raises
    ------
    InvalidProblem
        If the numbers are not those of a covariance; and at the construction of a ``Problem`` whose
        activation leaves eigenvalues below kappa_star^2, or of whose teacher they explain more than
        rho, the variance that there is.

    Notes
    -----
    The law fixes the features, so overparam only sets alpha = P/N, and alpha_T must be alpha N/D
    for the width to which the spectrum belongs; the equations do not use it.
    """

    eigenvalues: tuple[float, ...]
    alignments: tuple[float, ...]

    def __post_init__(self) -> None:
        """Check the numbers before any work is done."""
        for name in ("eigenvalues", "alignments"):
            try:
                values = np.asarray(getattr(self, name), dtype=float).ravel()
            except (TypeError, ValueError):
                given = getattr(self, name)
                raise InvalidProblem(f"{name} = {given!r}: give a sequence of numbers") from None
            rounding = -_ROUNDING * np.max(np.abs(values), initial=0.0, where=np.isfinite(values))
            good = np.isfinite(values) & (values >= rounding)
            if not values.size or not np.all(good):
                bad = values[~good][:1]
                shown = f"{bad[0]:g}" if bad.size else "an empty sequence"
                raise InvalidProblem(f"{name} contains {shown}: give finite numbers >= 0")
            values = np.maximum(values, 0.0)
            if name == "eigenvalues":
                values[values <= -rounding] = 0.0
            object.__setattr__(self, name, tuple(map(float, values)))
        if len(self.eigenvalues) != len(self.alignments):
            raise InvalidProblem(
                f"{len(self.eigenvalues)} eigenvalues and {len(self.alignments)} alignments: "
                "give one alignment for each eigenvalue"
            )
        theta = np.where(np.asarray(self.eigenvalues) > 0, 0.0, self.alignments)
        if np.max(theta) > _ROUNDING * max(self.alignments):
            raise InvalidProblem(
                f"alignments contain {np.max(theta):g} for an eigenvalue of 0, where the features do "
                "not vary: give 0 there"
            )
        object.__setattr__(self, "alignments", tuple(map(float, self.alignments - theta)))
        if not sum(self.alignments) > 0:
            raise InvalidProblem("alignments are all 0: the features carry nothing of the teacher")

    @classmethod
    def of(cls, features: Any, labels: Any) -> Spectrum:
        """The spectrum of given features over given patterns.

        Parameters
        ----------
        features : array of shape (patterns, N)
            Of numpy, a memory map of which a chunk is read at a time, or a tensor on the host. They are
            taken as they are: subtract the mean of each feature where the student has none to use.
        labels : array of shape (patterns,)
            Real labels y.

        Returns
        -------
        Spectrum
            The N eigenvalues of Omega = E[z z^T], averages over the patterns, and the squared projections
            of E[z y]. Where there are more features than patterns the others are 0.

        Raises
        ------
        InvalidProblem
            For numbers that are complex or not finite, sizes that do not match, labels that are all
            the same, and features that carry nothing of them.

        Notes
        -----
        Its problem says that all of the labels is there to learn or to err on, nothing is noise
        (``Linear`` has noise = 0.1 by default): ``Problem(Identity(), Linear(noise=0.0,
        rho=np.mean(labels**2)), Square(), Spectrum.of(features, labels))``, at overparam = N/P.

        Examples
        --------
        >>> import numpy as np
        >>> from twinpeaks import theory
        >>> theory.Spectrum.of(np.array([[1.0, 0.0], [-1.0, 0.0]]), np.array([2.0, -2.0]))
        Spectrum(eigenvalues=(0.0, 1.0), alignments=(0.0, 4.0))
        """
        found = principal(second_moments(features, labels))
        return cls(tuple(found.omega), tuple(found.cross**2))

    def _linear(self, moments: HermiteMoments) -> Array:
        """Eigenvalues of S = (Omega - kappa_star^2) / kappa_1^2."""
        omega, floor = np.asarray(self.eigenvalues), moments.kappa_star**2
        if np.min(omega) < floor * (1 - 1e-9):
            raise InvalidProblem(
                f"eigenvalue {np.min(omega):.6g} is below kappa_star^2 = {floor:.6g} of the "
                "activation, which its features cannot have; use activation=Identity() for "
                "features of unknown origin"
            )
        return np.maximum(omega - floor, 0.0) / moments.kappa_1**2

    def check(self, moments: HermiteMoments, rho: float) -> None:
        """Refuse alignments that explain more of the teacher than there is.

        E[z nu] = kappa_1 F^T w_T / D gives w_T's share along an eigenvector of S the square
        theta / (kappa_1^2 s).
        """
        s, theta = self._linear(moments), np.asarray(self.alignments)
        with np.errstate(divide="ignore", invalid="ignore"):
            explained = float(np.sum(np.where(theta > 0, theta / (moments.kappa_1**2 * s), 0.0)))
        if not explained <= rho * (1.0 + 1e-9):
            raise InvalidProblem(
                f"alignments explain {explained:.6g} of the teacher's variance rho = {rho:g}: no such "
                "teacher exists; rescale the alignments, or give the teacher the rho they belong to"
            )

    def traces(self, c: Any, moments: HermiteMoments, rho: float, ridge: Any, Vh: Any) -> Traces:
        """Sums over the spectrum."""
        s, omega, theta = (
            self._linear(moments),
            np.asarray(self.eigenvalues),
            np.asarray(self.alignments),
        )
        R = 1.0 / (np.asarray(ridge)[..., None] + np.asarray(Vh)[..., None] * omega)

        def mean(a: Any) -> Any:
            return np.mean(a, axis=-1)

        def aligned(a: Any) -> Any:
            return np.sum(theta * a, axis=-1)

        return Traces(
            R=mean(R),
            SR=mean(s * R),
            OmegaR=mean(omega * R),
            OmegaR2=mean(omega * R**2),
            SOmegaR2=mean(s * omega * R**2),
            TR=aligned(R),
            TR2=aligned(R**2),
            TSR2=aligned(s * R**2),
        )

    def pairs(
        self, c: float, moments: HermiteMoments, rho: float, one: Ridge, other: Ridge
    ) -> Pairs:
        """Sums over the spectrum."""
        s, omega = self._linear(moments), np.asarray(self.eigenvalues)
        weight = np.full(s.shape, 1.0 / s.size)
        return discrete(
            omega, s, weight, np.asarray(self.alignments), moments.kappa_1**2, one.u, other.u
        )

    def log_det(self, c: Array, moments: HermiteMoments, ridge: Array, Vh: Array) -> Array:
        """Mean of the logarithm."""
        inside = np.asarray(ridge)[..., None] + Vh[..., None] * np.asarray(self.eigenvalues)
        return np.asarray(np.mean(np.log(inside), axis=-1))

    def kernel(
        self, alpha_T: Any, moments: HermiteMoments, rho: float, ridge: Any, slope: Any
    ) -> Kernel:
        """A spectrum of finitely many features has no limit of infinitely many."""
        raise InvalidProblem(
            "overparam = inf: a measured spectrum belongs to a finite number of features; "
            "give a finite overparam, or a law such as Gaussian()"
        )

    def teacher_prior(self) -> tuple[Any, Any]:
        """None: the alignments say how w_T lies relative to F and nothing else."""
        raise InvalidProblem(
            f"features = {self!r}: this law does not say how w_T is distributed independently of F, "
            "so the learner has no prior; give a law such as Gaussian() or PowerLaw()"
        )

    def sampling_numbers(self, D: int, N: int) -> int:
        """Gaussian matrix and two factors for each Haar basis, and two products on the way to F."""
        return 3 * D * D + 3 * N * N + 2 * D * N

    def sample(
        self, D: int, N: int, moments: HermiteMoments, rho: float, random: Random
    ) -> tuple[tuple[Any, ...], Any]:
        """F with this spectrum between Haar bases, and w_T with these alignments.

        The spectrum is repeated to N eigenvalues. What the alignments leave of |w_T|^2 = rho D lies
        outside the span of the features.
        """
        n = len(self.eigenvalues)
        index = np.arange(N) * n // N
        s = self._linear(moments)[index]
        theta = np.asarray(self.alignments)[index] / np.bincount(index, minlength=n)[index]
        live = np.flatnonzero(s > 0)
        if N % n:
            raise ValueError(f"N = {N}: give a multiple of the {n} eigenvalues of the spectrum")
        if moments.kappa_star > 0 and abs(s.mean() - 1.0) > 2e-2:
            raise ValueError(
                f"the spectrum's linear part has mean {s.mean():.4g}, so pre-activations would not "
                "have the unit variance that the activation's moments assume; rescale the "
                "eigenvalues so that (omega - kappa_star^2) / kappa_1^2 has mean 1"
            )
        if live.size > D:
            raise ValueError(
                f"D = {D}: the spectrum needs {live.size} input dimensions at N = {N}; raise D"
            )
        inside = np.zeros(N)
        inside[live] = theta[live] / (moments.kappa_1**2 * s[live])
        rest = rho - inside.sum()
        if rest > 1e-9 * rho and live.size == D:
            raise ValueError(
                f"alignments explain {inside.sum():.6g} of the teacher's variance rho = {rho:g} "
                f"with all of D = {D} directions; rescale them or raise D"
            )
        left, _ = array_namespace(random.normal(1)).linalg.qr(random.normal(D, D))
        right, _ = array_namespace(left).linalg.qr(random.normal(N, N))
        xp = array_namespace(left)

        def there(a: Array) -> Any:
            return xp.asarray(a, device=device(left))

        span = left[:, : live.size]
        F = D**0.5 * (span * there(np.sqrt(s[live]))) @ right[: live.size, :]
        signs = xp.sign(random.normal(live.size))
        w = span @ (signs * there(np.sqrt(inside[live] * D)))
        if live.size < D:
            outside = left[:, live.size :] @ random.normal(D - live.size)
            w = w + on_sphere(outside, max(rest, 0.0))
        return (F,), w
