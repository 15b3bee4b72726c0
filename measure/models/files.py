"""Models from files. No pickle is read: reading one runs whatever its author wrote."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np

from twinpeaks.extras import need
from twinpeaks.theory.arrays import Array

__all__ = ["ModelFile", "load_model"]

_EXPORT = (
    "torch.export.save(torch.export.export(model.eval(), (x,), "
    "dynamic_shapes=({0: torch.export.Dim.AUTO},)), 'model.pt2')"
)
_SCRIPT_FILES = re.compile(
    rb"\b(save|load|from_file|rpc_\w+)\s*\("
)  # what TorchScript can do to files


@dataclass(frozen=True)
class ModelFile:
    """A model that was read from a file.

    Attributes
    ----------
    f : callable or torch.nn.Module
        What ``mean_dimension`` takes.
    shape : tuple of int, or None
        Of one point, where the file says so.
    """

    f: Any
    shape: tuple[int, ...] | None = None


def load_model(path: str | Path) -> ModelFile:
    """Read a model from a file, without executing anything but its operators.

    Parameters
    ----------
    path : str or Path
        An archive of ``torch.export.save`` (.pt2), TorchScript (.pt, .ts, .torchscript), or ONNX (.onnx). A
        model of one fixed batch size is called in batches of that size.

    Returns
    -------
    ModelFile

    Raises
    ------
    ValueError
        If the file is missing, damaged, a pickle, or of another kind; the message says what to give instead.
    MissingExtra
        If onnxruntime or torch is not installed and the file needs it.

    Notes
    -----
    ``torch.export.load`` and ``torch.load`` unpickle. Here an archive is run from its graph, operator by
    operator, and TorchScript that reads or writes files is refused.

    Examples
    --------
    >>> load_model("model.pkl")
    Traceback (most recent call last):
    ...
    ValueError: model = model.pkl: there is no such file
    """
    path = Path(path)
    try:
        if not path.is_file():
            raise ValueError("there is no such file")
        return _reader(path)(path)
    except ValueError as error:
        raise ValueError(f"model = {path}: {error}") from error
    except OSError as error:
        raise ValueError(f"model = {path}: {error.strerror or error}") from error


def _reader(path: Path) -> Callable[[Path], ModelFile]:
    match path.suffix.lower():
        case ".onnx":
            return _onnx
        case ".pt2":
            return _exported
        case ".pt" | ".ts" | ".torchscript" | ".jit":
            return _script
        case ".pkl" | ".pickle" | ".joblib" | ".pth" | ".ckpt" | ".bin" | ".sav":
            raise ValueError(
                f"{path.suffix} is a pickle, which runs the code of whoever wrote it when it is read: export "
                f"the model with {_EXPORT}, or hand it over in Python, tp.mean_dimension(model, ...)"
            )
    raise ValueError(
        f"{path.suffix or 'a name without suffix'} is no kind of model: give .pt2 (torch.export), .pt "
        "(TorchScript) or .onnx"
    )


def _exported(path: Path) -> ModelFile:
    need("torch", "simulate", "a model of torch.export")
    from twinpeaks.measure.models.program import Program, ProgramError

    try:
        with ZipFile(path) as archive:
            if not _is_exported(archive):
                raise ProgramError(
                    f"this is no archive of torch.export.save of torch >= 2.8: export with {_EXPORT}"
                )
            program = Program(archive)
    except ProgramError:
        raise
    except Exception as error:  # damage may surface anywhere in what reads
        raise ValueError(
            f"the archive is damaged ({type(error).__name__}: {_line(error)}); export it again"
        ) from error
    f = program if program.batch is None else _batched(program, program.batch)
    return ModelFile(_explained(f, program.shape), program.shape)


def _is_exported(archive: ZipFile) -> bool:
    return any(name.endswith("/models/model.json") for name in archive.namelist())


def _script(path: Path) -> ModelFile:
    need("torch", "simulate", "TorchScript")
    import torch

    remedy = f"export with {_EXPORT}"
    content = BytesIO(path.read_bytes())  # what is looked at is what is run
    try:
        with ZipFile(content) as archive:
            names = archive.namelist()
            if len(set(names)) < len(names) or archive.testzip():
                # of two files of one name readers take different ones
                raise ValueError(f"the archive is damaged; {remedy}")
            if _is_exported(archive):
                return _exported(path)
            code = [name for name in names if re.search(r"^[^/]+/code/.*\.py$", name)]
            if not code:
                raise ValueError(
                    f"this is no TorchScript but a pickle, which is not read; {remedy}"
                )
            if any(_SCRIPT_FILES.search(archive.read(name)) for name in code):
                raise ValueError(f"its script reads or writes files, and is not run; {remedy}")
        content.seek(0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # TorchScript is one
            return ModelFile(torch.jit.load(content, map_location="cpu"))  # type: ignore[no-untyped-call]
    except (BadZipFile, RuntimeError) as error:
        raise ValueError(f"the archive is damaged ({_line(error)}); {remedy}") from error


def _onnx(path: Path) -> ModelFile:
    need("onnxruntime", "onnx", "a model in ONNX")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what goes wrong is raised
    try:
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # of onnxruntime's own, which derive from no common class
        raise ValueError(f"onnxruntime cannot read it ({_line(error)}); export it again") from error
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if len(inputs) != 1:
        raise ValueError(f"it has {len(inputs)} inputs: export a function of one array")
    kinds = {"tensor(float)": "f4", "tensor(double)": "f8", "tensor(float16)": "f2"}
    if inputs[0].type not in kinds:
        raise ValueError(f"its input is a {inputs[0].type}: export a function of real numbers")
    dtype, name = kinds[inputs[0].type], inputs[0].name
    wanted = _scores(outputs)

    def f(x: Array) -> Array:
        return np.asarray(session.run([wanted], {name: np.asarray(x).astype(dtype)})[0])

    batch, *shape = inputs[0].shape
    known = tuple(shape) if shape and all(isinstance(size, int) for size in shape) else None
    return ModelFile(_explained(_batched(f, batch) if isinstance(batch, int) else f, known), known)


def _scores(outputs: list[Any]) -> str:
    """The first output of real numbers: exported classifiers return labels before probabilities."""
    real = [
        o.name for o in outputs if o.type in ("tensor(float)", "tensor(double)", "tensor(float16)")
    ]
    if not real:
        raise ValueError(
            f"its outputs are {', '.join(o.type for o in outputs)}: export one array of real numbers (of "
            "scikit-learn with options={'zipmap': False})"
        )
    return str(real[0])


def _batched(f: Callable[[Array], Array], size: int) -> Callable[[Array], Array]:
    """A function whose batches have one size, for any number of points; the last is filled up."""

    def call(x: Array) -> Array:
        points = np.concatenate([x, np.repeat(x[-1:], -len(x) % size, axis=0)])
        found = [f(points[i : i + size]) for i in range(0, len(points), size)]
        return np.concatenate(found)[: len(x)]

    return call


def _explained(
    f: Callable[[Array], Array], shape: tuple[int, ...] | None
) -> Callable[[Array], Array]:
    """A function of points of a shape, whose errors are one sentence."""

    def call(x: Array) -> Array:
        x = np.asarray(x)
        if shape is not None and x.shape[1:] != shape:
            raise ValueError(f"the model takes points of shape {shape}, not {x.shape[1:]}")
        try:
            found = f(x)
        except Exception as error:  # of any library
            raise ValueError(
                f"the model failed on {len(x)} points of shape {x.shape[1:]} ({_line(error)}); check the "
                "shape, and export with dynamic_shapes=({0: torch.export.Dim.AUTO},) if it is one batch size"
            ) from error
        return found.reshape(len(found), -1) if found.ndim > 2 else found

    return call


def _line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 200 else f"{text[:200]} ..."
