"""Every component crossed with every other and with every limit: nothing crashes, no number is missing.

Components are discovered (components.py), each beside its twin given as a callable, so that a new file is
crossed too. All pairs of components meet, each in one limit, and every component meets every limit; the
slow tests add the other limits of all pairs. Whatever the pair does not name is a default.
"""

import itertools
import warnings

import numpy as np
import pytest
from components import ACTIVATIONS, BINARY, LAWS, LOSSES, REAL, SIMPLE_LAWS

from twinpeaks import theory
from twinpeaks.theory.errors import Status, UnstableWarning

DEFAULT = theory.Problem()
# lam = 0 below and above the threshold, overparam = inf, finite temperature, and their corners
LIMITS = {
    "finite": {"overparam": [0.3, 2.5], "lam": [0.0, 0.1]},
    "kernel": {"overparam": np.inf, "lam": [0.0, 0.1]},
    "warm": {"overparam": 2.5, "lam": 0.1, "beta": 3.0},
    "warm kernel": {"overparam": np.inf, "lam": 0.1, "beta": 3.0},
}


def loss_twin(loss):
    """The same loss as a callable; None where there is none."""
    if not loss.convex:
        return None
    if isinstance(loss, theory.MarginLoss):
        kinks, knots = loss.margin_kinks, loss.margin_knots
        return theory.CustomLoss(
            loss.margin_value, kink_points=kinks, knot_points=knots, name=f"{loss}"
        )
    if isinstance(loss, theory.DifferenceLoss):
        kinks, knots = loss.residual_kinks, loss.residual_knots
        return theory.CustomLoss(
            loss.residual_value, "difference", kink_points=kinks, knot_points=knots, name=f"{loss}"
        )
    return None


def teacher_twin(teacher):
    """The same labels as a callable; None where there is none."""
    if isinstance(teacher, theory.BinaryTeacher):
        narrow = 1e-26 * teacher.rho

        def probability(nu):
            return teacher.partition(1.0, nu, np.full(np.shape(nu), narrow)).value

        breaks = teacher.breakpoints
        return theory.CustomTeacher(probability, teacher.rho, breaks=breaks, name=f"{teacher}")
    if teacher.noise is not None:
        return theory.CustomLink(lambda nu: nu, teacher.noise, teacher.rho, name=f"{teacher}")
    return None


def activation_twin(activation):
    return theory.Custom(activation, activation.kinks, name=f"{activation}")


def callables(components):
    """Those given as callables: every evaluation of theirs costs more."""
    return [c for c in components if type(c).__name__.startswith("Custom")]


def classes(components):
    return [c for c in components if c not in callables(components)]


TEACHERS = [*BINARY, *REAL, theory.FlippedSign(flip=0.5)]
# With the default square loss a pair is closed form; a loss is not, and meets the classes.
PAIRS = {
    ("activation", "teacher"): (ACTIVATIONS, TEACHERS),
    ("activation", "features"): (ACTIVATIONS, LAWS),
    ("teacher", "features"): (TEACHERS, SIMPLE_LAWS),
    ("loss", "activation"): (classes(LOSSES), classes(ACTIVATIONS)),
    ("loss", "features"): (classes(LOSSES), SIMPLE_LAWS),
    ("loss", "teacher"): (classes(LOSSES), TEACHERS),
    ("loss",): (LOSSES,),
}
TWINS = [
    *(({"activation": a}, {"activation": activation_twin(a)}) for a in classes(ACTIVATIONS)),
    *(({"teacher": t}, {"teacher": teacher_twin(t)}) for t in classes(TEACHERS) if teacher_twin(t)),
    *(({"loss": one}, {"loss": loss_twin(one)}) for one in classes(LOSSES) if loss_twin(one)),
]
REMEDIES = ("give", "use", "need", "add", "centre", "rescale")


def solved(limit, parts):
    """The problem and its Dataset, or None where it is refused, in a sentence."""
    try:
        problem = DEFAULT.replace(**parts)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UnstableWarning)
            return problem, theory.solve(problem, alpha_T=1.5, throw=False, **LIMITS[limit])
    except ValueError as error:  # InvalidProblem is one
        sentence = str(error)
        if type(error) not in (ValueError, theory.InvalidProblem):
            raise
        if not any(word in sentence for word in REMEDIES) or len(sentence) < 40:
            raise AssertionError(f"no remedy: {sentence}") from error
        return None


def faults(problem, data):
    """What is wrong: points that end badly, numbers that are missing, students that know too much."""
    good = data.status == Status.CONVERGED
    ended = good | (data.status == Status.NO_LIMIT) & (data.lam == 0)
    found = [] if ended.all() else [f"status {data.status.values.tolist()}"]
    numbers = [name for name, v in data.data_vars.items() if v.dtype.kind == "f"]
    found += [name for name in numbers if np.isnan(data[name].where(good, 0.0)).any()]
    rest = problem.teacher.rho * data.Q_0 - data.m**2
    found += (
        ["m^2 > rho Q"] if (rest.where(good & np.isfinite(data.Q_0), 0.0) < -1e-12).any() else []
    )
    if isinstance(problem.teacher, theory.BinaryTeacher):
        chance = data.test_error.where(good, 0.0)
        found += ["test_error"] if ((chance < 0) | (chance > 0.5 + 1e-12)).any() else []
    return found


def on_its_diagonals(fields, limit):
    """Whether pairs are dealt to this limit: every fourth diagonal, so that all components are on it."""
    places = itertools.product(*(range(len(components)) for components in PAIRS[fields]))
    return [len(at) == 1 or sum(at) % len(LIMITS) == list(LIMITS).index(limit) for at in places]


def test_every_component_is_dealt_to_every_limit():
    for fields, limit in itertools.product(PAIRS, LIMITS):
        met = itertools.compress(itertools.product(*PAIRS[fields]), on_its_diagonals(fields, limit))
        for found, whole in zip(zip(*met, strict=True), PAIRS[fields], strict=True):
            assert {*map(id, found)} == {*map(id, whole)}


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize(
    ("fields", "dealt"),
    [(fields, True) for fields in PAIRS]
    + [pytest.param(two, False, marks=pytest.mark.slow) for two in PAIRS if len(two) == 2],
)
def test_every_pair_in_every_limit(fields, limit, dealt):
    wrong = {}
    pairs = zip(itertools.product(*PAIRS[fields]), on_its_diagonals(fields, limit), strict=True)
    for components in (pair for pair, here in pairs if here == dealt):
        found = solved(limit, dict(zip(fields, components, strict=True)))
        if found is not None and faults(*found):
            wrong[components] = faults(*found)
    assert not wrong


@pytest.mark.parametrize(("one", "twin"), TWINS, ids=str)
def test_a_component_is_what_it_does(one, twin):
    """Given as a class or as a callable: one model, wherever both are described."""
    # a callable loss takes seconds a point at finite temperature, which the pairs above spend
    for limit in ("finite", "kernel") if "loss" in one else LIMITS:
        pair = solved(limit, one), solved(limit, twin)
        if None not in pair:
            (_, want), (_, got) = pair
            for name in ("status", "test_error", "train_loss", "train_error", "Q_d", "m", "bmd"):
                np.testing.assert_allclose(
                    got[name], want[name], rtol=1e-7, atol=1e-8, err_msg=f"{name}, {limit}"
                )
