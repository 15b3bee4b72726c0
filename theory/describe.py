"""Problems from their text: the inverse of ``repr`` for everything that numbers determine."""

from __future__ import annotations

import ast
from typing import Any

from twinpeaks import theory
from twinpeaks.theory.activations import Activation
from twinpeaks.theory.errors import InvalidProblem
from twinpeaks.theory.feature_laws.base import FeatureLaw
from twinpeaks.theory.losses.base import Loss
from twinpeaks.theory.problem import Problem
from twinpeaks.theory.teachers.base import Teacher

__all__ = ["parse"]

_KINDS = (Problem, Activation, Teacher, Loss, FeatureLaw)


def parse(text: str) -> Any:
    """Make the problem or component that a text such as ``Sign(rho=1.0)`` describes.

    Parameters
    ----------
    text : str
        Calls of public classes of ``theory`` with numbers, strings, tuples and other components as
        arguments: what ``repr`` gives. Nothing is evaluated.

    Returns
    -------
    Problem or one of its components

    Raises
    ------
    InvalidProblem
        If the text is anything else, such as a component made of a callable.

    Examples
    --------
    >>> from twinpeaks.theory.describe import parse
    >>> parse("Problem(loss=Logistic())").loss
    Logistic()
    """
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise InvalidProblem(
            f"{text!r} does not read as a component: give a text such as 'Sign(rho=1.0)'"
        ) from error
    if not isinstance(tree, ast.Call):
        raise InvalidProblem(f"{text!r}: give a call of a class, such as 'Sign(rho=1.0)'")
    return _make(tree, text)


def _make(node: ast.expr, text: str) -> Any:
    if isinstance(node, ast.Call):
        name = ast.unparse(node.func)
        kind = getattr(theory, name, None)
        if not (isinstance(kind, type) and issubclass(kind, _KINDS)):
            raise InvalidProblem(f"{text!r}: theory has no component {name!r}")
        arguments = [_make(a, text) for a in node.args]
        named = {str(k.arg): _make(k.value, text) for k in node.keywords}
        try:
            return kind(*arguments, **named)
        except TypeError as error:
            raise InvalidProblem(
                f"{ast.unparse(node)!r}: {error}; components made of a callable have no text"
            ) from error
    if isinstance(node, ast.Tuple | ast.List):
        return tuple(_make(item, text) for item in node.elts)
    try:
        return ast.literal_eval(node)
    except ValueError as error:
        raise InvalidProblem(
            f"{text!r}: {ast.unparse(node)!r} is neither a number nor a component"
        ) from error
