"""Components of a problem by name: every concrete class of ``theory`` that a few numbers determine.

Source is read, not imported: numpy alone would take longer than the rest of ``--help``.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from twinpeaks.commands.parameters import Parameter

__all__ = ["LISTED", "Choice", "Component", "ComponentOption", "components"]

#: In the help of an option, where ``ComponentOption`` puts its list.
LISTED = "LISTED"


def _several(text: str) -> tuple[float, ...]:
    """Numbers separated by slashes, as commas separate parameters."""
    return tuple(float(piece) for piece in text.split("/"))


_NUMBERS: dict[str, Any] = {"float": float, "int": int, "tuple[float, ...]": _several}
_NAMES = {"tuple[float, ...]": "a list a/b/c of numbers"}


@dataclass(frozen=True)
class Choice:
    """A class that can be made from the command line.

    Attributes
    ----------
    module, name : str
        Where the class is.
    fields : dict of str to str
        Its parameters and their types, ``float``, ``int`` or ``tuple[float, ...]``.
    required : tuple of str
        Parameters without a default.
    defaults : dict of str to str
        Source of the default of every other parameter.
    """

    module: str
    name: str
    fields: dict[str, str]
    required: tuple[str, ...]
    defaults: dict[str, str]

    @property
    def signature(self) -> str:
        """Its parameters and their defaults, as in Python: ``FlippedSign(flip=0.1, rho=1.0)``."""
        pairs = (f"{name}={self.defaults.get(name, self.kind(name))}" for name in self.fields)
        return f"{self.name}({', '.join(pairs)})"

    @property
    def usage(self) -> str:
        """How to ask for it: ``sign``, or ``name:noise=NUMBER`` when a parameter is required."""
        options = ",".join(f"{name}={self.kind(name)}" for name in self.required)
        return self.name.lower() + (f":{options}" if options else "")

    def kind(self, name: str) -> str:
        """How the value of a parameter is written."""
        return "A/B/..." if self.fields[name].startswith("tuple") else "NUMBER"


@cache
def _classes() -> dict[str, tuple[str, ast.ClassDef]]:
    """Every class that a module of ``theory`` lists in ``__all__``: its module and syntax tree."""
    spec = find_spec("twinpeaks.theory")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    root = Path(spec.submodule_search_locations[0])
    found = {}
    for file in sorted(root.rglob("*.py")):
        module = ".".join(("twinpeaks.theory", *file.relative_to(root).with_suffix("").parts))
        body = ast.parse(file.read_text(encoding="utf-8")).body
        public = _listed(body)
        for node in body:
            if isinstance(node, ast.ClassDef) and node.name in public:
                found[node.name] = (module.removesuffix(".__init__"), node)
    return found


def _listed(body: list[ast.stmt]) -> set[str]:
    """The names in a module's ``__all__``."""
    for node in body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        named = any(isinstance(t, ast.Name) and t.id == "__all__" for t in targets)
        value = getattr(node, "value", None)
        if named and isinstance(value, ast.List | ast.Tuple):
            return {str(e.value) for e in value.elts if isinstance(e, ast.Constant)}
    return set()


def _descends(name: str, base: str) -> bool:
    """Whether class ``name`` derives from ``base``."""
    node = _classes()[name][1] if name in _classes() else None
    parents = [ast.unparse(b).split(".")[-1] for b in node.bases] if node else []
    return base in parents or any(_descends(parent, base) for parent in parents)


@cache
def components(base: str) -> dict[str, Choice]:
    """Concrete subclasses of a class of ``theory``, by lower-case name.

    Parameters
    ----------
    base : str
        Such as ``"Loss"``.

    Returns
    -------
    dict of str to Choice
        Public dataclasses; one with a parameter that is required and not a number is left out.
    """
    found = {}
    for name, (module, node) in _classes().items():
        concrete = any("dataclass" in ast.unparse(d) for d in node.decorator_list)
        if name.startswith("_") or not concrete or not _descends(name, base):
            continue
        fields = [item for item in node.body if isinstance(item, ast.AnnAssign)]
        kinds = {ast.unparse(item.target): ast.unparse(item.annotation) for item in fields}
        required = tuple(ast.unparse(item.target) for item in fields if item.value is None)
        if all(kinds[field] in _NUMBERS for field in required):
            numbers = {field: kind for field, kind in kinds.items() if kind in _NUMBERS}
            defaults = {
                ast.unparse(item.target): ast.unparse(item.value) for item in fields if item.value
            }
            found[name.lower()] = Choice(module, name, numbers, required, defaults)
    return found


class Component(Parameter):
    """A component as ``name`` or ``name:parameter=number,...``, turned into a canonical text.

    ``convert`` checks the text; ``create``, which loads numpy, makes the object.
    """

    name = "name"

    def __init__(self, base: str) -> None:
        self.base = base

    def get_metavar(self, param: click.Parameter, ctx: Any = None) -> str:  # noqa: ARG002
        """List the names in ``--help``, unless the option's help does so."""
        if isinstance(param, ComponentOption):
            return "NAME"
        return f"[{'|'.join(c.usage for c in components(self.base).values())}]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: Any) -> str:  # noqa: ARG002
        """Check name and parameters."""
        name, _, given = str(value).partition(":")
        choice = components(self.base).get(name)
        if choice is None:
            names = ", ".join(c.usage for c in components(self.base).values())
            self.refuse(value, f"give one of {names}", param)
        found = set()
        for piece in filter(None, given.split(",")):
            key, _, number = piece.partition("=")
            if key not in choice.fields:
                known = ", ".join(f"{n}={choice.kind(n)}" for n in choice.fields) or "none"
                self.refuse(value, f"parameters of {name}: {known}", param)
            try:
                _NUMBERS[choice.fields[key]](number)
            except ValueError:
                kind = choice.fields[key]
                self.refuse(value, f"{key} takes {_NAMES.get(kind, f'one {kind}')}", param)
            found.add(key)
        if set(choice.required) - found:
            self.refuse(value, f"it needs {choice.usage}", param)
        return str(value)

    def create(self, text: str) -> Any:
        """Make what ``convert`` accepted."""
        name, _, given = text.partition(":")
        choice = components(self.base)[name]
        pairs = (piece.partition("=") for piece in filter(None, given.split(",")))
        values = {key: _NUMBERS[choice.fields[key]](number) for key, _, number in pairs}
        return getattr(import_module(choice.module), choice.name)(**values)


class ComponentOption(click.Option):
    """An option whose help lists every component with its parameters and their defaults."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Fill in the list when help is asked for, since only then is source read."""
        record = super().get_help_record(ctx)
        if record is None or not isinstance(self.type, Component):
            return record
        choices = components(self.type.base).values()
        names, text = record
        return names, text.replace(LISTED, ", ".join(choice.signature for choice in choices))
