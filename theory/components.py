"""Components by name: which there are, and how each is written and read.

A component is written as ``repr`` gives it, ``FlippedSign(flip=0.1)``, or in a short form that a shell leaves
alone, ``flippedsign:flip=0.1``; a list in the short form is ``deep:widths=1/2``. Case does not matter, and
parameters that have a default may be left out.
"""

from __future__ import annotations

import ast
import math
import re
import warnings
from collections.abc import Collection, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import cache
from inspect import formatannotation
from typing import Any

from twinpeaks import theory
from twinpeaks.theory.activations import Activation
from twinpeaks.theory.errors import InvalidProblem
from twinpeaks.theory.feature_laws.base import FeatureLaw
from twinpeaks.theory.losses.base import Loss
from twinpeaks.theory.problem import Problem
from twinpeaks.theory.teachers.base import Teacher

__all__ = ["KINDS", "Component", "components", "parse"]

#: The parts of a problem, and the class that each derives from.
KINDS = {"loss": Loss, "teacher": Teacher, "activation": Activation, "features": FeatureLaw}

_LISTS = "tuple[float, ...]"
_SHOWN = {"float": "NUMBER", "int": "NUMBER", _LISTS: "A/B/..."}


def _type(field: Field[Any]) -> str:
    """The annotation as text, which it is only where its module postpones annotations."""
    return field.type if isinstance(field.type, str) else formatannotation(field.type)


@dataclass(frozen=True)
class Component:
    """A class that a text can make: a problem, or a part of one.

    Attributes
    ----------
    kind : type
        A dataclass.
    """

    kind: type

    @property
    def name(self) -> str:
        """Its name in the short form."""
        return self.kind.__name__.lower()

    @property
    def parameters(self) -> Mapping[str, Field[Any]]:
        """What can be written: numbers, lists of numbers, and for a problem its parts."""
        held = {f.name: f for f in fields(self.kind)}
        return (
            held if self.kind is Problem else {n: f for n, f in held.items() if _type(f) in _SHOWN}
        )

    @property
    def required(self) -> tuple[str, ...]:
        """Parameters without a default, whether they can be written or not."""
        return tuple(f.name for f in fields(self.kind) if f.default is f.default_factory is MISSING)

    @property
    def writable(self) -> bool:
        """Whether it can be made from a text: one that needs a callable cannot."""
        return set(self.required) <= set(self.parameters)

    @property
    def signature(self) -> str:
        """Its parameters and their defaults, as in Python: ``FlippedSign(flip=0.1, rho=1.0)``."""
        given = {
            name: self.shown(name) if name in self.required else repr(parameter.default)
            for name, parameter in self.parameters.items()
        }
        return f"{self.kind.__name__}({', '.join(f'{k}={v}' for k, v in given.items())})"

    @property
    def usage(self) -> str:
        """The shortest way to write it: ``sign``, or ``name:noise=NUMBER`` where it needs a parameter."""
        needed = ",".join(f"{name}={self.shown(name)}" for name in self.required)
        return f"{self.name}:{needed}" if needed else self.name

    @property
    def example(self) -> Any:
        """One of them: every parameter at its default, 1 where there is none."""
        return self.make(dict.fromkeys(self.required, 1.0))

    def shown(self, name: str) -> str:
        """How the value of a parameter is written."""
        return _SHOWN.get(_type(self.parameters[name]), "NAME")

    def check(self, given: Collection[str]) -> None:
        """Refuse parameters that it does not have, and the lack of one that it needs."""
        known = ", ".join(f"{name}={self.shown(name)}" for name in self.parameters) or "none"
        if not self.writable:
            raise InvalidProblem(f"{self.kind.__name__} is made of a callable, which has no text")
        for name in given:
            if name not in self.parameters:
                raise InvalidProblem(
                    f"{name!r} is no parameter of {self.name}, which takes {known}"
                )
        if missing := [name for name in self.required if name not in given]:
            raise InvalidProblem(f"{self.name} lacks {', '.join(missing)}: it takes {known}")

    def make(self, given: Mapping[str, Any]) -> Any:
        """Make one from its parameters, each a number, a tuple of numbers or a component."""
        self.check(given)
        return self.kind(**{name: self._read(name, value) for name, value in given.items()})

    def _read(self, name: str, value: Any) -> Any:
        """A value of the type of its parameter; whether it is in range is for the class to say."""
        wanted = _type(self.parameters[name])
        if wanted not in _SHOWN:
            return value
        numbers = value if isinstance(value, tuple) else (value,)
        fits = all(type(n) in (int, float) for n in numbers)
        if wanted != _LISTS:
            fits = fits and value is not numbers and (wanted == "float" or value % 1 == 0)
        if not fits:
            takes = {
                "float": "one number",
                "int": "one whole number",
                _LISTS: "a list A/B/... of numbers",
            }
            raise InvalidProblem(f"{name} of {self.name} takes {takes[str(wanted)]}")
        read = tuple(map(_float, numbers))
        return read if wanted == _LISTS else int(value) if wanted == "int" else read[0]


def _float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


@cache
def components(kind: type) -> dict[str, Component]:
    """Concrete subclasses of a class of the model that a text can make, by lower-case name.

    Parameters
    ----------
    kind : type
        Such as ``Loss``.

    Returns
    -------
    dict of str to Component
        Public dataclasses; one with a required parameter that is not a number is left out.
    """
    return {n: c for n, c in _all().items() if issubclass(c.kind, kind) and c.writable}


@cache
def _all() -> dict[str, Component]:
    held = (c for n, c in sorted(vars(theory).items()) if isinstance(c, type) and n[0] != "_")
    kinds = tuple(KINDS.values())
    found = [c for c in held if is_dataclass(c) and issubclass(c, (Problem, *kinds))]
    return {kind.__name__.lower(): Component(kind) for kind in found}


def parse(text: str, kind: type = object) -> Any:
    """Make the problem or component that a text describes.

    Parameters
    ----------
    text : str
        ``Name(parameter=value)``, what ``repr`` gives, or ``name:parameter=value,...``, with numbers, lists
        of numbers and other components as values. Nothing is evaluated.
    kind : type
        What it must be, such as ``Loss``; anything by default.

    Returns
    -------
    Problem or one of its components

    Raises
    ------
    InvalidProblem
        If the text is anything else, such as a component made of a callable.

    Examples
    --------
    >>> from twinpeaks.theory.components import parse
    >>> parse("Problem(loss=Logistic())").loss
    Logistic()
    >>> parse("flippedsign:flip=0.2")
    FlippedSign(flip=0.2, rho=1.0)
    """
    short = re.fullmatch(r"\s*(\w+)\s*:(.*)", text, re.DOTALL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's, of numbers that run into words
            tree = ast.parse(f"{short[1]}({short[2]})" if short else text.strip(), mode="eval").body
        return _make(tree, kind)
    except InvalidProblem:
        raise
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError) as error:
        raise InvalidProblem(
            f"{_brief(text)} does not read as a component: give a text such as 'Sign(rho=0.5)' or "
            "'sign:rho=0.5'"
        ) from error


def _make(node: ast.expr, kind: type) -> Any:
    """The component, of a kind, that one node of the text stands for."""
    call = node if isinstance(node, ast.Call) else ast.Call(node, [], [])
    name = ast.unparse(call.func)
    found = _all().get(name.lower())
    if found is None or not issubclass(found.kind, kind):
        offered = ", ".join(c.usage for c in components(kind).values())
        raise InvalidProblem(f"theory has no component {_brief(name)} here: give one of {offered}")
    named = {str(k.arg): k.value for k in call.keywords}
    order = [parameter for parameter in found.parameters if parameter not in named]
    if len(call.args) > len(order):
        raise InvalidProblem(
            f"{_brief(ast.unparse(call))} has too many parameters: {found.signature}"
        )
    given = {**dict(zip(order, call.args, strict=False)), **named}
    found.check(given)
    if found.kind is Problem:
        return Problem(**{part: _make(value, KINDS[part]) for part, value in given.items()})
    return found.make({key: _value(value) for key, value in given.items()})


def _value(node: ast.expr) -> Any:
    """The number or list that one node of the text stands for."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):  # a/b/c
        left = _value(node.left)
        return (*(left if isinstance(left, tuple) else (left,)), _value(node.right))
    if isinstance(node, ast.Tuple | ast.List):
        return tuple(map(_value, node.elts))
    text = ast.unparse(node)
    try:
        return float(text) if text in ("inf", "-inf", "nan") else ast.literal_eval(node)
    except ValueError as error:
        raise InvalidProblem(f"{_brief(text)} is neither a number nor a list of numbers") from error


def _brief(text: str) -> str:
    """A text as it is quoted in messages."""
    return repr(text if len(text) <= 200 else f"{text[:200]}...")
