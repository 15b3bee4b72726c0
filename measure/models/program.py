"""Archives of ``torch.export``, run from their graph of operators.

``torch.export.load`` unpickles parts of an archive and evaluates texts in it, so that a file can make it do
anything. Here numbers are read as bytes and the graph as JSON, and of the operators it names only those of
aten and prims that touch no file, and arithmetic of sizes, are called: the file can compute and do nothing
else.
"""

from __future__ import annotations

import json
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any
from zipfile import ZipFile

import numpy as np
import torch
from torch import Tensor

from twinpeaks.theory.arrays import Array

__all__ = ["Program", "ProgramError"]

# Numbers that the format gives to what they stand for; they do not change between versions.
_DTYPES = {
    1: torch.uint8,
    2: torch.int8,
    3: torch.int16,
    4: torch.int32,
    5: torch.int64,
    6: torch.float16,
    7: torch.float32,
    8: torch.float64,
    12: torch.bool,
    13: torch.bfloat16,
}
_FORMATS = (
    None,
    torch.contiguous_format,
    torch.channels_last,
    torch.channels_last_3d,
    torch.preserve_format,
)
_ARITHMETIC: tuple[str, ...] = (
    "add",
    "sub",
    "mul",
    "floordiv",
    "truediv",
    "mod",
    "neg",
    "pow",
    "getitem",
)
_ARITHMETIC += ("eq", "ne", "lt", "le", "gt", "ge")
_PLAIN = ("as_int", "as_ints", "as_float", "as_floats", "as_bool", "as_bools", "as_string")
_MODES = ("train", "training")  # arguments of dropout, batch norm and recurrent layers
_EXPORT = "export again after model.eval()"

_Values = dict[str, Any]


class ProgramError(ValueError):
    """An archive is whole, and holds something else than a function that is called here."""


class Program:
    """A function of one tensor that ``torch.export.save`` wrote.

    Parameters
    ----------
    archive : ZipFile
        Read once, here.

    Attributes
    ----------
    shape : tuple of int
        Of one point.
    batch : int or None
        Points in every call, where that number was exported with the graph.

    Raises
    ------
    ProgramError
        If the archive holds pickles in place of numbers, operators other than those named above, or anything
        but one function of one tensor. A damaged archive raises whatever reading it does.
    """

    def __init__(self, archive: ZipFile) -> None:
        read = _Reader(archive)
        graph = read.json("models/model.json")["graph_module"]
        signature, self._graph = graph["signature"], graph["graph"]
        held = {**read.tensors("weights"), **read.tensors("constants")}
        self._held: _Values = {}
        inputs = []
        for spec in signature["input_specs"]:
            ((kind, said),) = spec.items()
            if kind == "user_input" and "as_tensor" in said["arg"]:
                inputs.append(said["arg"]["as_tensor"]["name"])
                continue
            name = said.get(f"{kind}_name")
            if name not in held:
                raise ProgramError(
                    f"an input of its graph is a {kind}: give a function of one tensor"
                )
            self._held[said["arg"]["name"]] = held[name]
        kinds = [next(iter(spec)) for spec in signature["output_specs"]]
        if any(kind != "user_output" for kind in kinds):
            raise ProgramError(f"it changes its own state when it is called: {_EXPORT}")
        nodes = self._graph["nodes"]
        if any(
            a["arg"] == {"as_bool": True} and a["name"] in _MODES
            for n in nodes
            for a in n["inputs"]
        ):
            raise ProgramError(f"it was exported in training mode: {_EXPORT}")
        if len(inputs) != 1 or len(kinds) != 1 or "as_tensor" not in self._graph["outputs"][0]:
            raise ProgramError(
                f"it has {len(inputs)} inputs and {len(kinds)} outputs: export a function of one tensor "
                "that returns one"
            )
        (self._input,) = inputs
        self._calls = [_call(node) for node in nodes]
        about = self._graph["tensor_values"][self._input]
        self._dtype = _DTYPES[about["dtype"]]
        first, *rest = (size.get("as_int") for size in about["sizes"])
        if not rest or None in rest:
            raise ProgramError(
                "the sizes of its input vary beyond the batch: let only dimension 0 vary, "
                "dynamic_shapes=({0: torch.export.Dim.AUTO},)"
            )
        self.batch: int | None = first
        self.shape = tuple(rest)

    @torch.no_grad()
    def __call__(self, x: Array) -> Array:
        """Outputs of points of shape (rows, *shape), shape (rows, ...)."""
        values = {**self._held, self._input: torch.tensor(np.asarray(x), dtype=self._dtype)}
        for call in self._calls:
            call(values)
        found: Tensor = values[self._graph["outputs"][0]["as_tensor"]["name"]]
        return (found.float() if found.dtype is torch.bfloat16 else found).numpy()


class _Reader:
    """Files of an archive; all lie in one folder of any name."""

    def __init__(self, archive: ZipFile) -> None:
        names = archive.namelist()
        (self._folder,) = {name.partition("/")[0] for name in names} if names else {""}
        self._archive = archive
        if self._bytes("byteorder") != b"little":
            raise ProgramError("its numbers are not little-endian: export again on another machine")

    def _bytes(self, name: str) -> bytes:
        return self._archive.read(f"{self._folder}/{name}")

    def json(self, name: str) -> Any:
        return json.loads(self._bytes(name))

    def tensors(self, kind: str) -> dict[str, Tensor]:
        """Parameters and buffers by their names."""
        config = self.json(f"data/{kind}/model_{kind}_config.json")["config"]
        return {name: self._tensor(kind, name, about) for name, about in config.items()}

    def _tensor(self, kind: str, name: str, about: Mapping[str, Any]) -> Tensor:
        meta = about["tensor_meta"]
        if about["use_pickle"] or meta is None:
            raise ProgramError(f"{name} is a pickle, which is not read: export plain tensors alone")
        dtype = _DTYPES[meta["dtype"]]
        sizes, strides = ([s["as_int"] for s in meta[key]] for key in ("sizes", "strides"))
        if not math.prod(sizes):
            return torch.empty(sizes, dtype=dtype)
        raw = bytearray(self._bytes(f"data/{kind}/{about['path_name']}"))
        offset = meta["storage_offset"]["as_int"]
        return torch.frombuffer(raw, dtype=dtype).as_strided(sizes, strides, offset)


def _call(node: Mapping[str, Any]) -> Callable[[_Values], None]:
    """What one node of the graph does to the values by name."""
    target, named = _operator(str(node["target"]))
    arguments = [(given["name"], _argument(given["arg"])) for given in node["inputs"]]
    outputs = [_names(output) for output in node["outputs"]]

    def run(values: _Values) -> None:
        given = [(name, argument(values)) for name, argument in arguments]
        found = target(**dict(given)) if named else target(*(value for _, value in given))
        for names, value in zip(
            outputs, [found] if len(outputs) == 1 else found or (), strict=True
        ):
            values.update(
                [(names, value)] if isinstance(names, str) else zip(names, value, strict=True)
            )

    return run


def _operator(target: str) -> tuple[Callable[..., Any], bool]:
    """The operator of a name, and whether its arguments have names."""
    if target.startswith("_operator.") and (name := target[10:]) in _ARITHMETIC:
        return getattr(operator, name), False
    match target.split("."):
        case ["torch", "ops", ("aten" | "prims") as library, name, overload]:
            found = getattr(getattr(getattr(torch.ops, library), name, None), overload, None)
            schema = getattr(found, "_schema", None)
            if schema is not None and all(a.name != "filename" for a in schema.arguments):
                return found, True  # type: ignore[return-value]
    raise ProgramError(
        f"its operator {target} is not one that is called here: give TorchScript or ONNX"
    )


def _argument(given: Mapping[str, Any]) -> Callable[[_Values], Any]:
    """An argument, given the values so far."""
    ((kind, value),) = given.items()
    match kind:
        case "as_none":
            return lambda _: None
        case "as_tensor":
            return lambda values: values[value["name"]]
        case "as_tensors":
            return lambda values: [values[one["name"]] for one in value]
        case "as_optional_tensor" | "as_sym_int" | "as_sym_float" | "as_sym_bool" if (
            "as_name" not in value
        ):
            return _argument(value)
        case "as_sym_int" | "as_sym_float" | "as_sym_bool":
            return lambda values: values[value["as_name"]]
        case "as_optional_tensors" | "as_sym_ints" | "as_sym_floats" | "as_sym_bools":
            single = {"as_optional_tensors": "as_optional_tensor"}.get(kind, kind[:-1])
            each = [_argument({single: one}) for one in value]
            return lambda values: [one(values) for one in each]
    constants: dict[str, Callable[[], Any]] = {
        "as_scalar_type": lambda: _DTYPES[value],
        "as_memory_format": lambda: _FORMATS[value],
        "as_layout": lambda: torch.strided,
        "as_device": lambda: torch.device("cpu"),
    }
    if kind not in constants and kind not in _PLAIN:
        raise ProgramError(f"its graph has an argument {kind}: give TorchScript or ONNX")
    constant = constants[kind]() if kind in constants else value
    return lambda _: constant


def _names(output: Mapping[str, Any]) -> Any:
    """The name of one value, or of each in a list."""
    ((kind, value),) = output.items()
    if kind == "as_tensors":
        return [one["name"] for one in value]
    if kind in ("as_sym_int", "as_sym_float", "as_sym_bool"):
        return value["as_name"]
    return value["name"] if kind == "as_tensor" else ""
