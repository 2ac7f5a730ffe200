"""Read a network from a `.npz` file: `0.weight`, `0.bias`, `0.activation`, `1.weight`, ...

`k.weight` is (units, inputs), or the layer is sparse: `k.data`, `k.indices`, `k.indptr`, `k.shape` (compressed sparse
rows). `k.bias` may be missing: zeros. `k.reads` names the layers that layer k reads, one after the other, -1 for the
inputs; it may be missing: the layer before. Nothing in the file is ever executed: arrays of objects are refused.

Or the layer is of logic gates: `k.gate`, the numbers 0 to 15 of gates that read two bits, and `k.a` and `k.b`, what
they read (see `ddcompile.frontends.gates`); `0.inputs` says how many inputs there are, if not as many as are read. Or
it sums equal groups of neighbours: `k.groups`, how many.

`kind` says what the inputs are taken for where they are not declared, such as "real"; if it is missing, for bits.
`labels` may say what the classes are called that the last layer decides between: one text a unit.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ddcompile.diagnostics import CompileError, fail
from ddcompile.frontends.activations import choose
from ddcompile.frontends.groups import group_sums
from ddcompile.frontends.network import INPUTS, Activation, Gates, Layer, Network, Sparse
from ddcompile.frontends.places import at
from ddcompile.frontends.storing import check_storable

__all__ = ["npz_bytes", "read_npz"]

_NAME = re.compile(r"(0|[1-9][0-9]*)\.(weight|bias|activation|reads|data|indices|indptr|shape|gate|a|b|inputs|groups)")
_KIND = re.compile(r"bit|spin|trit|real|int\[(-?[0-9]{1,19})\.\.(-?[0-9]{1,19})\]")
_PICKLED = "reading what torch.save wrote can run code: load the module yourself, and give it to dd.distill"
_SKOPS = "a model that skops.io.dump wrote is read by skops.io.load; give what it returns to dd.distill"
_SPARSE = ("data", "indices", "indptr", "shape")
_GATES = ("gate", "a", "b")
_FORMS: tuple[tuple[str, ...], ...] = (("weight",), _SPARSE, _GATES, ("groups",))
"""The parts that each form of a layer must have; the last two have no bias."""


def read_npz(path: Path, activation: str | None = None) -> tuple[tuple[Layer, ...], str | None, str, tuple[str, ...]]:
    """The layers of a network file, the type of its floats if they have one, what its inputs and its classes are.

    Parameters
    ----------
    path : pathlib.Path
    activation : str, optional
        For layers without `k.activation`, see `ddcompile.frontends.activations.choose`.

    Raises
    ------
    CompileError
        N003 to N008 if the file or its arrays are not a network, N1## if a layer is not well-formed.
    """
    place = str(path)
    arrays = _arrays(path)
    kind, labels = _kind(arrays.pop("kind", None), place), arrays.pop("labels", None)
    layers = _grouped(arrays, place)
    given = [_text(parts.get("activation"), f"{k}.activation", place) for k, parts in enumerate(layers)]
    has_choice = [own is None and "gate" not in p and "groups" not in p for own, p in zip(given, layers, strict=True)]
    given = [None if is_open else own or "identity" for own, is_open in zip(given, has_choice, strict=True)]
    chosen = choose(given, activation, place)
    made: list[Layer] = []
    for k, parts in enumerate(layers):
        made.append(_layer(k, parts, chosen[k], place, made))
    return tuple(made), _float_type(layers), kind, _labels(labels, made[-1].units, place)


def npz_bytes(network: Network) -> bytes:
    """The content of a network file; equal networks give equal bytes.

    What is sparse stays sparse. The file does not say what is done with the last layer.

    Raises
    ------
    CompileError
        N112 if a layer is more than a weight, a bias and an activation, or gates of two bits.
    """
    check_storable(network, "a .npz file", gates=True)
    arrays: dict[str, np.ndarray] = {}
    for k, layer in enumerate(network.layers):
        if isinstance(layer.weight, Sparse):
            parts = (layer.weight.data, layer.weight.indices, layer.weight.indptr, np.array(layer.weight.shape))
            arrays |= {f"{k}.{part}": array for part, array in zip(_SPARSE, parts, strict=True)}
        elif isinstance(layer.weight, Gates):
            arrays |= _gate_arrays(k, layer.weight)
        else:
            arrays[f"{k}.weight"] = layer.dense_weight()
        if not isinstance(layer.weight, Gates):
            arrays[f"{k}.bias"] = layer.unit_bias()
        arrays[f"{k}.activation"] = np.array(layer.activation)
        if layer.reads != (k - 1,):
            arrays[f"{k}.reads"] = np.array(layer.reads)
    if network.kind != "bit":
        arrays["kind"] = np.array(network.kind)
    if network.labels:
        arrays["labels"] = np.array(network.labels)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _arrays(path: Path) -> dict[str, np.ndarray]:
    place = str(path)
    arrays: dict[str, np.ndarray] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                if not member.endswith(".npy"):
                    hint = _PICKLED if member.endswith("data.pkl") else _SKOPS if member == "schema.json" else ""
                    raise fail("N003", f"not a .npz file of arrays: it holds `{member}`", place=place, hint=hint)
                arrays[member.removesuffix(".npy")] = _array(archive.read(member), member, place)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        raise fail("N004", f"the file is damaged or cut short: {error}", place=place) from error
    if not arrays:
        raise fail("N002", "the file holds no arrays", place=place)
    return arrays


def _array(data: bytes, member: str, place: str) -> np.ndarray:
    name = member.removesuffix(".npy")
    try:
        array: np.ndarray = np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError, MemoryError, OverflowError) as error:
        if "allow_pickle" in str(error):
            hint = "save plain arrays of numbers; Python objects are never read"
            raise fail("N007", f"`{name}` is an array of objects", place=place, hint=hint) from error
        raise fail("N004", f"`{name}` is damaged or cut short: {error}", place=place) from error
    return array


def _grouped(arrays: dict[str, np.ndarray], place: str) -> list[dict[str, np.ndarray]]:
    """The arrays of each layer by the part they give, layers in order."""
    layers: dict[int, dict[str, np.ndarray]] = {}
    for name, array in arrays.items():
        match = _NAME.fullmatch(name)
        if match is None:
            hint = "arrays are named 0.weight, 0.bias, 0.activation, 1.weight, ..."
            raise fail("N008", f"`{name}` is not the name of a part of a layer", place=place, hint=hint)
        layers.setdefault(int(match[1]), {})[match[2]] = array
    missing = next((k for k in range(len(layers)) if k not in layers), None)
    if missing is not None:
        held = ", ".join(map(str, sorted(layers)))
        raise fail("N006", f"layers must be numbered 0, 1, 2, ...; the file has {held}, but no {missing}", place=place)
    for k, parts in sorted(layers.items()):
        there = [(form, [part for part in form if part in parts]) for form in _FORMS]
        there = [(form, own) for form, own in there if own] or [(_FORMS[0], [])]
        form, own = there[0]
        others = [name for _, found in there[1:] for name in found]
        others += ["bias"] if "bias" in parts and form in _FORMS[2:] else []
        if others:
            raise fail("N008", f"layer {k} has both `{k}.{own[0]}` and `{k}.{others[0]}`", place=place)
        for part in form:
            if part not in parts:
                raise fail("N005", f"`{k}.{part}` is missing", place=place)
    return [layers[k] for k in range(len(layers))]


def _float_type(layers: list[dict[str, np.ndarray]]) -> str | None:
    """The one type of all weights that are floats."""
    arrays = (parts[name] for parts in layers for name in ("weight", "data", "bias") if name in parts)
    found = {array.dtype.name for array in arrays if array.dtype.kind == "f"}
    return found.pop() if len(found) == 1 else None


def _kind(array: np.ndarray | None, place: str) -> str:
    """What the inputs are taken for where they are not declared."""
    if array is None:
        return "bit"
    text = str(array.item()) if array.dtype.kind == "U" and array.size == 1 else f"{array.dtype} {array.shape}"
    match = _KIND.fullmatch(text)
    if match is None or (match[1] and int(match[1]) > int(match[2])):
        hint = "kinds: bit, spin, trit, real, int[0..9]"
        raise fail("N008", f"`kind` is no type of inputs: `{text}`", place=place, hint=hint)
    return text


def _labels(array: np.ndarray | None, units: int, place: str) -> tuple[str, ...]:
    """What the classes are called."""
    if array is None:
        return ()
    if array.dtype.kind != "U" or array.shape != (units,):
        message = f"`labels` must be {units}, a text for each unit of the last layer, not {array.dtype} {array.shape}"
        raise fail("N008", message, place=place)
    return tuple(array.tolist())


def _text(array: np.ndarray | None, name: str, place: str) -> str | None:
    if array is None:
        return None
    if array.dtype.kind not in "US" or array.size != 1:
        raise fail("N105", f'`{name}` must be one text such as "sign", not {array.dtype} {array.shape}', place=place)
    value = array.reshape(()).item()
    return value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)


def _reads(number: int, array: np.ndarray | None) -> tuple[int, ...]:
    if array is None:
        return ()
    if array.dtype.kind not in "iu" or array.ndim != 1 or not array.size:
        message = f"`{number}.reads` must be numbers of layers, -1 for the inputs, not {array.dtype} {array.shape}"
        raise fail("N106", message)
    return tuple(array.tolist())


def _layer(
    number: int, parts: dict[str, np.ndarray], activation: Activation, place: str, before: Sequence[Layer]
) -> Layer:
    try:
        reads = _reads(number, parts.get("reads"))
        if "gate" in parts:
            return _gates(parts, activation, reads, before)
        if "groups" in parts:
            units = _width(reads, before)
            return replace(group_sums(units, _count(parts["groups"], "groups"), activation), reads=reads)
        weight: np.ndarray | Sparse
        if "weight" in parts:
            weight = parts["weight"]
            units = weight.shape[0] if weight.ndim else 0
        else:
            shape = tuple(parts["shape"].tolist()) if parts["shape"].ndim == 1 else ()
            weight = Sparse(parts["data"], parts["indices"], parts["indptr"], shape)
            units = weight.shape[0]
        bias = parts.get("bias", np.zeros(units, dtype=np.int64))
        return Layer(weight, bias, activation, reads=reads)
    except CompileError as error:
        raise at(error, place, f"layer {number}") from None


def _gates(
    parts: dict[str, np.ndarray], activation: Activation, reads: tuple[int, ...], before: Sequence[Layer]
) -> Layer:
    columns = [parts["a"], parts["b"]]
    if any(column.shape != parts["gate"].shape or column.ndim != 1 for column in columns):
        shapes = ", ".join(str(parts[name].shape) for name in _GATES)
        raise fail("N113", f"gates and what they read must be of one length, not of shapes {shapes}")
    pairs = np.stack(columns, axis=1)
    inputs = _width(reads, before)
    if "inputs" in parts:
        inputs = _count(parts["inputs"], "inputs")
    elif not before and pairs.dtype.kind in "iu":
        inputs = int(pairs.max(initial=0)) + 1
    zeros = np.zeros(len(pairs), dtype=np.int64)
    return Layer(Gates(parts["gate"], pairs, inputs), zeros, activation, reads=reads)


def _width(reads: tuple[int, ...], before: Sequence[Layer]) -> int:
    """How many values a layer reads, behind others."""
    if not before:
        return 0
    reads = reads or (len(before) - 1,)
    return sum(before[0].inputs if r == INPUTS else before[r].units for r in reads if r < len(before))


def _count(array: np.ndarray, what: str) -> int:
    if array.dtype.kind not in "iu" or array.size != 1 or array.item() < 1:
        raise fail("N113", f"`{what}` must be one positive whole number")
    return int(array.item())


def _gate_arrays(number: int, gates: Gates) -> dict[str, np.ndarray]:
    """What a file holds of gates, which read two bits each."""
    numbers = gates.numbers()
    assert numbers is not None
    parts = (numbers, *gates.columns.T, np.array(gates.inputs))
    return {f"{number}.{part}": array for part, array in zip((*_GATES, "inputs"), parts, strict=True)}
