"""Theory beside simulation, in words and as rows of a CSV."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Judgement", "judge", "per_point"]


class Judgement(NamedTuple):
    """The result to keep, what to say about it, and whether theory and simulation agree."""

    result: xr.Dataset
    text: str
    agrees: bool


def judge(comparison: xr.Dataset, level: float) -> Judgement:
    """Extrapolate a comparison of several sizes, and decide at a level."""
    from twinpeaks import validate

    sizes = comparison.sizes.get("D", 1)
    result = comparison
    if sizes > 1:
        result = validate.summarise(comparison, slow=_slow(str(comparison.attrs["problem"])))
    verdict = validate.agrees(result, level)
    what = f"extrapolated to D = infinity from {sizes} sizes" if sizes > 1 else "at finite size"
    lines = [f"z-scores, {what}", "", validate.table(result), "", verdict.sentence]
    lines += [f"  {place}" for place in verdict.rejected[:5]]
    if comparison.attrs["undefined"]:
        lines.append(f"Not compared, defined on neither side: {comparison.attrs['undefined']}.")
    return Judgement(result, "\n".join(lines), verdict.agrees)


def _slow(problem: str) -> tuple[str, ...]:
    """What converges like D^(-1/2): mean dimensions of activations with kinks (docs/validation.md)."""
    from twinpeaks.theory.components import parse

    try:
        kinked = bool(parse(problem).activation.kinks)
    except ValueError:  # a callable, which its text does not bring back
        kinked = False
    return ("bmd", "bmd_mean") if kinked else ()


def per_point(result: xr.Dataset) -> xr.Dataset:
    """Keep what has a value at every point: the rows of a CSV."""
    full = [n for n in result if set(result[n].dims) >= set(result["z"].dims)]
    return result[full].merge(result[["theory"]])
