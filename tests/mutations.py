"""Every coefficient of the theory, and how to change it by a factor without telling anyone else."""

from collections.abc import Callable
from dataclasses import replace

from twinpeaks import theory
from twinpeaks.theory.equations.channel import Conjugates
from twinpeaks.theory.equations.channel.labels import LabelChannel
from twinpeaks.theory.equations.channel.quadratic import QuadraticChannel
from twinpeaks.theory.equations.readout import Points
from twinpeaks.theory.feature_laws.base import Traces
from twinpeaks.theory.feature_laws.gaussian import Gaussian

__all__ = ["MUTATIONS", "changed"]

CHANNELS = (QuadraticChannel, LabelChannel)


def changed(problem, axes, mutation, factor, monkeypatch):
    """The theory with one coefficient changed, in the dress of the right one."""
    right = replace(problem, activation=type(problem.activation)())  # its moments may change
    if mutation is None:
        return theory.solve(right, **axes)
    with monkeypatch.context() as patch:
        wrong, at = MUTATIONS[mutation](patch, right, dict(axes), factor)
        curve = theory.solve(wrong, **at)
    places = {n: list(v) if isinstance(v, tuple) else v for n, v in axes.items()}
    return curve.assign_coords(places).assign_attrs(problem=repr(right))


def _moment(name):
    def change(patch, problem, axes, factor):
        moments = problem.activation.moments
        # a cached property: what is found in the instance is not computed
        problem.activation.__dict__["moments"] = replace(
            moments, **{name: factor * getattr(moments, name)}
        )
        return problem, axes

    return change


def _axis(name):
    def change(patch, problem, axes, factor):
        value = axes[name]
        axes[name] = (
            tuple(factor * v for v in value) if isinstance(value, tuple) else factor * value
        )
        return problem, axes

    return change


def _rho(patch, problem, axes, factor):
    return replace(problem, teacher=replace(problem.teacher, rho=factor)), axes


def _ratio(name):
    def change(patch, problem, axes, factor):
        right = getattr(Points, name).fget
        patch.setattr(Points, name, property(lambda points: factor * right(points)))
        return problem, axes

    return change


def _trace(name):
    def change(patch, problem, axes, factor):
        right = Gaussian.traces

        def wrong(*arguments):
            found = right(*arguments)
            return found._replace(**{name: factor * getattr(found, name)})

        patch.setattr(Gaussian, "traces", wrong)
        return problem, axes

    return change


def _scaled(values, name, factor):
    return values._replace(**{name: factor * getattr(values, name)})


def _conjugate(name):
    def change(patch, problem, axes, factor):
        for channel in CHANNELS:
            linearise, observe = channel.linearise, channel.observe

            def wrong(*arguments, right=linearise):
                found = right(*arguments)
                return found._replace(hats=_scaled(found.hats, name, factor))

            def seen(*arguments, right=observe):
                hats, training = right(*arguments)
                return _scaled(hats, name, factor), training

            patch.setattr(channel, "linearise", wrong)
            patch.setattr(channel, "observe", seen)
        return problem, axes

    return change


def _training(name):
    def change(patch, problem, axes, factor):
        for channel in CHANNELS:

            def wrong(*arguments, right=channel.observe):
                hats, training = right(*arguments)
                return hats, _scaled(training, name, factor)

            patch.setattr(channel, "observe", wrong)
        return problem, axes

    return change


def _test_error(patch, problem, axes, factor):
    teacher = type(problem.teacher)
    right = teacher.test_error
    patch.setattr(teacher, "test_error", lambda *a: factor * right(*a))
    return problem, axes


def _linear_influence(patch, problem, axes, factor):
    right = Gaussian.influences

    def wrong(*arguments):
        linear, *others = right(*arguments)
        return factor * linear, *others

    patch.setattr(Gaussian, "influences", wrong)
    return problem, axes


#: (patch, problem, axes, factor) -> the problem and axes to solve instead.
MUTATIONS: dict[str, Callable] = {
    **{name: _moment(name) for name in ("kappa_1", "kappa_star", "dkappa_star")},
    **{name: _axis(name) for name in ("alpha_T", "lam", "beta")},
    "rho": _rho,
    **{name: _ratio(name) for name in ("alpha", "c")},
    **{f"<{name}>": _trace(name) for name in Traces._fields},
    **{name: _conjugate(name) for name in Conjugates._fields},
    **{f"training {name}": _training(name) for name in ("loss", "error")},
    "test error": _test_error,
    "linear influence": _linear_influence,
}
