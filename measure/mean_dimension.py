"""Mean dimension of any model under any law of independent inputs, by Monte Carlo.

The mean dimension is the sum of the Sobol total indices,

    sum_k T_k / Var f ,   T_k = E Var[f | all inputs but k] ,

and equals sum_u |u| sigma_u^2 / sum_{u != 0} sigma_u^2 for the variances of the ANOVA components of f (Owen,
The Annals of Statistics 2003; Liu & Owen, Journal of the American Statistical Association 101, 2006, 712).
Under ``Binary`` it is the Boolean mean dimension.

Influences and variances come from separate points. The linear part of f is taken out of both
(``twinpeaks.measure.linear_part``, ``twinpeaks.measure.cross_fit``), and the bias of the ratio is removed
to second order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from tqdm import tqdm

from twinpeaks.measure.cross_fit import Replacements
from twinpeaks.measure.evaluate import Measured, Source, opened, read_law, varies
from twinpeaks.measure.laws import InputLaw
from twinpeaks.measure.linear_part import credible, parts, ratio_estimate
from twinpeaks.measure.moments import Estimate, Moments
from twinpeaks.measure.replacement import LEAST, deal, replace
from twinpeaks.theory.arrays import Array, Bools
from twinpeaks.theory.axes import check_count, check_flag, check_number
from twinpeaks.theory.random import Random, input_blocks

__all__ = ["mean_dimension"]

_FIRST = 4096  # evaluations of the first round, or of the least that has every input replaced often enough
_FLIPS = 32  # of each point, where the number of points is not given
_SHARE = 12  # points for the variance, for each one whose inputs are replaced, or fewer: all cost no more
_MUCH = (
    0.5  # an estimate chosen for an error hardly smaller is biased: errors and values go together
)


def mean_dimension(
    f: Any,
    n: int | tuple[int, ...] | None = None,
    samples: int | Literal["auto"] = "auto",
    random: Random | int | None = None,
    *,
    law: InputLaw | None = None,
    flips: int | None = None,
    variance_samples: int | None = None,
    views: str | list[str] | Mapping[str, str | Callable[[Array], Array]] = "logits",
    outputs: Literal["summed", "each"] = "summed",
    rtol: float = 0.01,
    limit: int = 10**7,
    throw: bool = True,
    progress: bool | None = None,
) -> Any:
    """Mean dimension of any model under any law of independent inputs.

    Parameters
    ----------
    f : callable, torch.nn.Module or estimator
        A function maps an array of shape (batch, *shape) to (batch,) or (batch, outputs). It receives numpy
        arrays of float64, or tensors if it does not take arrays. A module is evaluated on its device, in its
        precision, in evaluation mode and without gradients. Of an estimator of scikit-learn the first of
        ``decision_function``, ``predict_proba`` and ``predict`` that it has is measured; pass
        ``model.predict_proba`` to choose.
    n : int or tuple of int, optional
        Number of inputs, or the shape of one point, such as (1, 28, 28). Not needed beside a law.
    samples : int or "auto"
        Points at which inputs are replaced, >= 2; each costs 1 + flips evaluations. "auto" goes on until the
        standard error is ``rtol`` times the value.
    random : int or Random
        Seed, or a source of random arrays such as ``TorchRandom``, which also decides the kind of array f
        receives.
    law : InputLaw, optional
        ``Binary(n)`` by default.
    flips : int, optional
        Inputs that are replaced at each point, drawn at random so that all are equally often; by default
        all, and 32 if samples is "auto". Few inputs of many points tell more than all of few.
    variance_samples : int, optional
        Points for Var f, >= 2; ``samples * (flips + 1)`` by default, so that both halves cost the same.
    views : str, list of str, or mapping
        "logits" (the outputs as they are), "softmax", "log_softmax", "class" (one indicator per class), or
        functions of the outputs by name. All come from the same evaluations.
    outputs : {"summed", "each"}
        Sum influences and variances over outputs before the ratio, or take the ratio for each.
    rtol : float
        Relative standard error asked for by "auto".
    limit : int
        Most evaluations of "auto".
    throw : bool
        False returns NaN where there is no estimate, and says why in ``status``: "constant", "unreliable" or
        "limit". Of outputs taken one by one some may be constant anyway.
    progress : bool, optional
        Show a bar; by default on a terminal, for "auto".

    Returns
    -------
    Estimate, or dict of Estimate by view
        The latter unless ``views`` is one name. value and standard_error are floats, or arrays of shape
        (outputs,).

    Raises
    ------
    ValueError
        If an argument is out of range or does not fit the law; if f returns the wrong shape, or values that
        are complex, not finite, or change between calls; if f is constant, exactly or up to rounding, on
        all the points drawn: the mean dimension of a constant is not defined; or if the points are too few
        for f: an error above a quarter of the value, a value more than 4 errors outside [1, n], or an error
        above ``rtol`` at the limit.

    Notes
    -----
    Two estimates are made of the same points, with the linear part taken out and without. The former is
    returned unless its standard error is much larger than that of the latter, as where f^2 hardly varies:
    for a parity.

    A function is constant up to rounding if its standard deviation is at most n eps times its largest value,
    eps being the spacing of the numbers that f returns, 2.2e-16 in double and 1.2e-7 in single precision. A
    sum of n terms is rounded n times, by eps / sqrt(12) in the root mean square. What this adds looks like a
    random function, of mean dimension n / 2, and shifts that of a function which varies more by at most
    n / 2 * n / 12 / n^2 = 1 / 24. Only what f returns is seen: a difference of large numbers that is 0 but
    for rounding counts as a function.

    An effect so rare that no point drawn showed it is in neither the estimate nor its error.

    Examples
    --------
    >>> mean_dimension(lambda x: x[:, 0] * x[:, 1], n=5, samples=100, random=0).value > 1.9
    True
    >>> from twinpeaks.measure import Uniform
    >>> product = mean_dimension(lambda x: x.prod(1), law=Uniform(0.0, [1.0, 1.0]), random=0)
    >>> abs(product.value - 8 / 7) < 5 * product.standard_error
    True
    """
    law = read_law(n, law)
    check_flag("throw", throw)
    if random is None:
        raise ValueError("random is missing: give a seed, such as random=0")
    auto = isinstance(samples, str)
    if auto and samples != "auto":
        raise ValueError(f"samples = {samples!r}: give an integer >= 2, or 'auto'")
    if not auto:
        check_count("samples", samples, 2)
    if flips is not None and check_count("flips", flips, 1) > law.n:
        raise ValueError(f"flips = {flips}: the law has n = {law.n} inputs, give no more")
    if variance_samples is not None:
        check_count("variance_samples", variance_samples, 2)
        if auto:
            raise ValueError("variance_samples: samples='auto' chooses it; leave it out")
    check_number("rtol", rtol, "(0, inf)")
    check_count("limit", limit, 1)
    plan = _Plan(law.n, flips or min(law.n, _FLIPS), rtol, limit, progress) if auto else None
    source = Source.of(random)
    with opened(f, law, source, views, outputs) as measured:
        if plan is not None:
            found = _until(measured, law, source, plan)
            sizes = f"samples = 'auto', limit = {limit}, rtol = {rtol:g}"
        else:
            size = variance_samples or int(samples) * ((flips or law.n) + 1)
            rounds = _round(measured, law, source, int(samples), flips, size)
            found = [_trusted(_single(judged), law.n) for judged in rounds]
            sizes = f"samples = {samples}, variance_samples = {size}"
    if throw:
        for estimate in found:
            _raise_for(estimate, sizes, measured.model.spacing)
    shaped = [_shaped(estimate, outputs == "summed") for estimate in found]
    return shaped[0] if isinstance(views, str) else dict(zip(measured.views, shaped, strict=True))


@dataclass(frozen=True)
class _Judged:
    """Of one view: estimates without the linear part and with it, shape (estimands, 2); whether f varies."""

    both: Estimate
    varies: Bools


def _round(
    f: Measured,
    law: InputLaw,
    source: Source,
    samples: int,
    flips: int | None,
    variance_samples: int,
) -> list[_Judged]:
    """One estimate of every view, from fresh points."""
    strata = deal(law, samples, flips, source.rng)
    if not len(strata[0].inputs):
        raise ValueError("law: none of its inputs varies, and every function is constant")
    replaced = replace(f, law, strata, source.rng)
    outputs = _outputs(f, law, source, variance_samples, replaced)
    found = []
    for tally, (moments, towards), rounding in zip(replaced, outputs, f.rounding, strict=True):
        slopes2 = np.sum(law.variance(tally.slopes), axis=-1)
        slopes2 = np.stack([np.zeros_like(slopes2), slopes2], axis=-1)
        both = ratio_estimate(tally.influence(law, towards), slopes2, moments)
        scatter = np.diagonal(moments.scatter[:, 0], axis1=-2, axis2=-1)
        variance = scatter[:, : rounding.shape[1]] / (moments.count - 1)
        found.append(_Judged(both, varies(variance, rounding, law.n)))
    return found


def _outputs(
    f: Measured, law: InputLaw, source: Source, samples: int, replaced: list[Replacements]
) -> list[tuple[Moments, Array]]:
    """Of each view: moments of (h, g, |h|^2, h.g) without slopes and with them, and Cov(x, h)."""
    shifts: list[Array] | None = None
    found: list[Moments | None] = [None] * len(replaced)
    towards = [np.zeros_like(tally.slopes) for tally in replaced]
    for rows in input_blocks(samples):
        x = law.draw(source.rng, rows).x
        values = f.scaled(f.model.start(x).outputs)
        shifts = [y[0] for y in values] if shifts is None else shifts
        for i, (tally, y) in enumerate(zip(replaced, values, strict=True)):
            slopes = tally.slopes.reshape(law.columns, -1)
            linear = (x @ slopes - law.mean @ slopes).reshape(y.shape)
            g = np.stack([np.zeros_like(linear), linear], axis=2)
            h = (y - shifts[i])[:, :, None] - g
            block = Moments.of(parts(h, g))
            before = found[i]
            found[i] = block if before is None else before.merge(block)
            rest = h[:, :, 1].reshape(rows, -1)
            products = x.T @ rest - law.mean[:, None] * rest.sum(0)
            towards[i] += products.reshape(towards[i].shape) / samples
    return [(m, t) for m, t in zip(found, towards, strict=True) if m is not None]


def _single(judged: _Judged) -> Estimate:
    """The better of both estimates, with "constant" where f is."""
    both = judged.both
    error = np.where(np.isnan(both.standard_error), np.inf, both.standard_error)
    best = np.where(error[:, 0] < _MUCH * error[:, 1], 0, 1)[:, None]
    value, error = (
        np.take_along_axis(x, best, -1)[:, 0] for x in (both.value, both.standard_error)
    )
    return Estimate(value, error, np.where(judged.varies, "converged", "constant"))


def _trusted(estimate: Estimate, n: int) -> Estimate:
    """The estimate, with "unreliable" where it deserves no belief."""
    bad = ~credible(estimate, n) & (estimate.status == "converged")
    status = np.where(bad, "unreliable", estimate.status)
    return Estimate(estimate.value, estimate.standard_error, status)


@dataclass(frozen=True)
class _Plan:
    """What "auto" goes by: flips of each of n inputs, the error asked for, and the most evaluations."""

    n: int
    flips: int
    rtol: float
    limit: int
    progress: bool | None

    def __post_init__(self) -> None:
        """Refuse a limit that two rounds exceed."""
        needed = 2 * self.least * (self.flips + 1 + self.share)
        if needed > self.limit:
            raise ValueError(
                f"limit = {self.limit}: samples='auto' makes two rounds that replace all n = {self.n} inputs "
                f"{LEAST} times, {needed} evaluations at least: raise limit"
            )

    @property
    def least(self) -> int:
        """Points of a round: every input is replaced often enough."""
        return -(-LEAST * self.n // self.flips)

    @property
    def share(self) -> int:
        """Points for the variance, for each one whose inputs are replaced."""
        return min(self.flips + 1, _SHARE)


def _until(f: Measured, law: InputLaw, source: Source, plan: _Plan) -> list[Estimate]:
    """Rounds of fresh points until the error is there; each is weighted by its size.

    The size of a round is decided by those before it, and all have the same mean. There are two at least: an
    error and a value that are small together would end the first too early.
    """
    m, least, share = plan.flips, plan.least, plan.share
    samples = max(least, 64, -(-_FIRST // (m + 1)))
    samples = min(samples, plan.limit // (2 * (m + 1 + share)))
    done = 0
    rounds: list[list[Estimate]] = []
    sizes: list[float] = []
    bar = tqdm(
        desc="mean dimension",
        unit="evaluation",
        unit_scale=True,
        leave=False,
        disable=_quiet(plan.progress),
    )
    with bar:
        while True:
            cost = samples * (m + 1 + share)
            if rounds and done + cost > plan.limit:
                samples = (plan.limit - done) // (m + 1 + share)
                if samples < least:
                    break
                cost = samples * (m + 1 + share)
            one = [_single(r) for r in _round(f, law, source, samples, m, samples * share)]
            rounds.append(one)
            sizes.append(float(samples))
            done += cost
            total = [_combined([r[i] for r in rounds], sizes) for i in range(len(one))]
            error = max(_relative(e) for e in total)
            bar.update(cost)
            bar.set_postfix_str(f"relative error {error:.2g}, asked for {plan.rtol:g}")
            if error <= plan.rtol and len(rounds) > 1:
                return [_trusted(e, law.n) for e in total]
            wanted = (
                sum(sizes) * ((error / plan.rtol) ** 2 * 1.1 - 1.0)
                if np.isfinite(error)
                else np.inf
            )
            samples = int(min(max(wanted, samples), 4 * sum(sizes)))
    return [
        Estimate(e.value, e.standard_error, np.where(_relatives(e) <= plan.rtol, e.status, "limit"))
        for e in total
    ]


def _quiet(progress: bool | None) -> bool | None:
    return None if progress is None else not progress


def _relatives(e: Estimate) -> Array:
    """Standard errors over values; 0 where f is constant, of which no number of points makes more."""
    with np.errstate(invalid="ignore"):
        ratio = np.asarray(e.standard_error / e.value)
    ratio = np.where(np.isnan(ratio) | (ratio < 0), np.inf, ratio)
    return np.where(e.status == "converged", ratio, 0.0)


def _relative(e: Estimate) -> float:
    return float(_relatives(e).max())


def _combined(rounds: list[Estimate], sizes: list[float]) -> Estimate:
    weights = np.array(sizes) / np.sum(sizes)
    value = np.einsum("r,re->e", weights, np.stack([e.value for e in rounds]))
    error = np.sqrt(
        np.einsum("r,re->e", weights**2, np.stack([e.standard_error for e in rounds]) ** 2)
    )
    return Estimate(value, error, rounds[-1].status)


def _raise_for(estimate: Estimate, sizes: str, spacing: float) -> None:
    """Refuse a view of which no output has an estimate, and one whose estimate did not get there."""
    failed = estimate.status != "converged"
    if not failed.any() or ((estimate.status[failed] == "constant").all() and not failed.all()):
        return
    at = int(np.argmax(failed & (estimate.status != "constant"))) if not failed.all() else 0
    value, error = estimate.value[at], estimate.standard_error[at]
    came_out = f"whose mean dimension came out as {value:.3g} +- {error:.3g}"
    raise ValueError(
        {
            "constant": f"f is constant, up to rounding, on {sizes} inputs: the mean "
            "dimension of a constant is not defined; if f is not constant, give more samples, and take "
            f"a large constant out of f, whose numbers have a relative spacing of {spacing:.2g}",
            "unreliable": f"{sizes}: too few for this f, {came_out}, an error that cannot be trusted; give "
            "more",
            "limit": f"{sizes}: the evaluations are spent on this f, {came_out}, an error above rtol; raise "
            "limit or rtol",
        }[str(estimate.status[at])]
    )


def _shaped(estimate: Estimate, single: bool) -> Estimate:
    """NaN where the estimate failed; numbers where it is one."""
    failed = estimate.status != "converged"
    value = np.where(failed, np.nan, estimate.value)
    error = np.where(failed, np.nan, estimate.standard_error)
    if single:
        return Estimate(float(value[0]), float(error[0]), str(estimate.status[0]))
    return Estimate(value, error, estimate.status)
