"""The threshold line of the twin peaks, from the problem that the curve solves."""

import pytest

from twinpeaks import figures, theory


def thresholds(fig):
    return [
        {float(line.get_xdata()[0]) for line in ax.get_lines() if line.get_linestyle() == ":"}
        for ax in fig.axes
    ]


def solved(problem):
    return theory.solve(problem, overparam=[0.2, 0.5, 2.0], alpha_T=3.0, lam=0.1)


def test_the_problem_marks_its_threshold():
    square, hinge = theory.Problem(), theory.Problem(loss=theory.Hinge())
    place = float(theory.interpolation_threshold(hinge, 3.0))
    assert thresholds(figures.twin_peaks(solved(hinge), problem=hinge)) == 3 * [{place}]
    rows = {"a": (solved(square), None), "b": (solved(hinge), None)}
    both = figures.twin_peaks(rows, problem={"a": square, "b": hinge})
    assert thresholds(both) == 3 * [{1.0}] + 3 * [{place}]
    assert thresholds(figures.twin_peaks(rows, problem={"b": hinge}))[:3] == 3 * [set()]


def test_a_threshold_that_the_curve_carries_stays():
    curve = solved(theory.Problem()).assign(threshold=0.7)
    assert thresholds(figures.twin_peaks(curve, problem=theory.Problem())) == 3 * [{0.7}]


def test_another_problem_is_refused():
    curve = solved(theory.Problem())
    with pytest.raises(ValueError, match="the curve solves Problem"):
        figures.twin_peaks(curve, problem=theory.Problem(loss=theory.Hinge()))
    with pytest.raises(ValueError, match="there is no row 'c'; rows are a"):
        figures.twin_peaks({"a": (curve, None)}, problem={"c": theory.Problem()})
