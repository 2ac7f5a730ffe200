"""Arrays of commands: read from and written to `.npy` and `.npz` files, one array an input or result.

| code | says |
|---|---|
| A020 | a file is missing or cannot be read |
| A021 | a file is no .npy or .npz file, or damaged |
| A022 | a file lacks an input |
| A023 | a file has an array that is no input |
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from ddcompile.cli.output import print_text
from ddcompile.diagnostics import fail
from ddcompile.files import write_files
from ddcompile.ir.findings import counted
from ddcompile.ir.nodes import Declaration, Rule

__all__ = ["load_arrays", "print_results", "read_inputs", "write_results"]


def read_inputs(path: Path, rule: Rule) -> list[np.ndarray]:
    """The inputs of a rule in declared order, from an `.npz` file or, if there is one input, an `.npy` file.

    Raises
    ------
    CompileError
        A020 to A023 at the file.
    """
    place = str(path)
    loaded = load_arrays(path)
    names = [d.name for d in rule.inputs]
    if isinstance(loaded, np.ndarray):
        if len(names) != 1:
            message = f"`{rule.name}` takes {counted(len(names), 'input')}; a .npy file holds one array"
            raise fail("A022", message, place=place, hint=f"save an .npz file with {', '.join(names)}")
        return [loaded]
    for name in names:
        if name not in loaded:
            held = ", ".join(loaded) or "nothing"
            raise fail("A022", f"the input `{name}` is missing; the file holds {held}", place=place)
    for name in loaded:
        if name not in names:
            message = f"`{name}` is no input of `{rule.name}`"
            raise fail("A023", message, place=place, hint=f"inputs: {', '.join(names)}")
    return [loaded[name] for name in names]


def load_arrays(path: Path) -> np.ndarray | dict[str, np.ndarray]:
    """The array of an `.npy` file, or those of an `.npz` file by name.

    Raises
    ------
    CompileError
        A020 if the file cannot be read, A021 if it does not hold arrays of numbers or text.
    """
    place = str(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise fail("A020", "no such file", place=place) from error
    except OSError as error:
        raise fail("A020", f"the file cannot be read: {error.strerror}", place=place) from error
    if not data.startswith((b"PK", b"\x93NUMPY")):
        raise fail("A021", "neither a .npy nor a .npz file", place=place)
    try:
        loaded = np.load(io.BytesIO(data), allow_pickle=False)
        arrays = loaded if isinstance(loaded, np.ndarray) else dict(loaded)
    except (ValueError, EOFError, MemoryError, OverflowError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        if "allow_pickle" in str(error):
            hint = "save plain arrays, of numbers, or of texts as labels.astype(str); Python objects are never read"
            raise fail("A021", "the file holds an array of objects", place=place, hint=hint) from error
        raise fail("A021", "the file is damaged or cut short", place=place) from error
    if isinstance(arrays, dict):
        for name, array in arrays.items():
            if not isinstance(array, np.ndarray):
                raise fail("A021", f"not a .npz file of arrays: it holds `{name}`", place=place)
    return arrays


def write_results(path: Path, rule: Rule, results: list[np.ndarray]) -> None:
    """Save results: one to an `.npy` file, or any number to an `.npz` file by their names.

    Numbers that no NumPy type holds exactly are saved as text, such as "3/8".

    Raises
    ------
    CompileError
        U008 for several results and an `.npy` file, U003 if the file cannot be written.
    """
    buffer = io.BytesIO()
    arrays = {d.name: _storable(d, array) for d, array in zip(rule.outputs, results, strict=True)}
    if path.suffix == ".npy":
        if len(arrays) != 1:
            message = f"`{rule.name}` has {len(arrays)} results; a .npy file holds one"
            raise fail("U008", message, place=str(path), hint="name an .npz file")
        np.save(buffer, next(iter(arrays.values())), allow_pickle=False)
    else:
        np.savez_compressed(buffer, allow_pickle=False, **arrays)
    write_files({path: buffer.getvalue()})


def _storable(declaration: Declaration, array: np.ndarray) -> np.ndarray:
    if array.dtype != object:
        return array
    flat = [Fraction(v) for v in array.ravel().tolist()]
    if declaration.type.kind == "rat" and all(_is_double(v) for v in flat):
        return np.array([float(v) for v in flat]).reshape(array.shape)
    return np.array([str(v) for v in flat]).reshape(array.shape)


def print_results(rule: Rule, results: list[np.ndarray]) -> None:
    """Print results as JSON; a fraction that is no double is a text such as "3/8"."""
    values = {d.name: _plain(array.tolist()) for d, array in zip(rule.outputs, results, strict=True)}
    print_text(json.dumps(values))


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(v) for v in value]
    if isinstance(value, Fraction):
        return float(value) if _is_double(value) else str(value)
    return value


def _is_double(value: Fraction) -> bool:
    try:
        return Fraction(float(value)) == value
    except OverflowError:
        return False
