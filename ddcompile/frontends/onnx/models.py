"""Read and check models: what comes in is a graph of operators that ONNX defines, with all its numbers."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, external_data_helper, inliner, numpy_helper

from ddcompile.diagnostics import CompileError, fail

__all__ = ["DOMAINS", "Model", "checked", "read"]

DOMAINS: Mapping[str, tuple[int, int]] = {"": (7, 28), "ai.onnx.ml": (1, 5)}
"""The versions of the sets of operators that are imported, first and last."""


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A graph without functions of its own.

    Attributes
    ----------
    graph : GraphProto
        Its initializers are empty.
    versions : mapping
        Of the sets of operators, by domain; "" is that of ONNX.
    constants : mapping
        The initializers as arrays.
    place : str
        The file, or `model`.
    """

    graph: GraphProto
    versions: Mapping[str, int]
    constants: Mapping[str, np.ndarray]
    place: str


def read(path: Path) -> Model:
    """Read a model file, and the files of its large tensors, which must lie in its folder or below.

    Raises
    ------
    CompileError
        N001 if the file cannot be read, N502 if it holds no valid model, N503 for the files of tensors, N504 for
        versions.
    """
    place = str(path)
    try:
        proto = onnx.load_model(path, load_external_data=False)
    except FileNotFoundError as error:
        raise fail("N001", "no such file", place=place) from error
    except OSError as error:
        raise fail("N001", f"the file cannot be read: {error.strerror}", place=place) from error
    except (DecodeError, ValueError) as error:
        raise _damaged(place) from error
    return _opened(proto, place, path)


def checked(proto: ModelProto, place: str = "model") -> Model:
    """A model in memory, all tensors of which are in it.

    Raises
    ------
    CompileError
        N502 to N504 as for files.
    """
    copy = ModelProto()
    copy.CopyFrom(proto)
    return _opened(copy, place, None)


def _damaged(place: str) -> CompileError:
    return fail("N502", "not an ONNX model, or a damaged one", place=place)


def _opened(proto: ModelProto, place: str, path: Path | None) -> Model:
    if not proto.ir_version or not proto.graph.node:
        if proto.ir_version and proto.graph.output:
            raise fail("N502", "the model has no nodes", place=place, hint="there is nothing to compile")
        raise _damaged(place)
    tensors = list(_tensors(proto.graph))
    for tensor in tensors:
        if tensor.data_location == TensorProto.EXTERNAL:
            _check_location(tensor, place, path)
    try:
        onnx.checker.check_model(proto if path is None else str(path))
    except (onnx.checker.ValidationError, ValueError, RuntimeError) as error:
        raise fail("N502", f"not a valid model: {_first_line(error)}", place=place) from error
    versions = _versions(proto, place)
    if proto.functions:
        try:
            proto = inliner.inline_local_functions(proto, convert_version=True)
        except (RuntimeError, ValueError, DecodeError) as error:
            message = f"the functions of the model cannot be put in their places: {_first_line(error)}"
            raise fail("N502", message, place=place) from error
        versions = _versions(proto, place)
    constants = {t.name: _numbers(t, place, path) for t in proto.graph.initializer}
    for sparse in proto.graph.sparse_initializer:
        constants[sparse.values.name] = _full(sparse, place, path)
    for tensor in _tensors(proto.graph):
        if tensor.data_location == TensorProto.EXTERNAL:
            _load(tensor, place, path)
    del proto.graph.initializer[:]
    return Model(proto.graph, versions, constants, place)


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rstrip(".") if lines else type(error).__name__


def _versions(proto: ModelProto, place: str) -> dict[str, int]:
    used = {node.domain for node in _nodes(proto.graph)}
    found = {}
    for entry in proto.opset_import:
        domain = "" if entry.domain == "ai.onnx" else entry.domain
        first, last = DOMAINS.get(domain, (0, 0))
        if domain in DOMAINS and not first <= entry.version <= last and domain in {*used, ""}:
            message = f"version {entry.version} of the operators of {domain or 'ONNX'}; {first} to {last} are imported"
            raise fail("N504", message, place=place, hint="onnx.version_converter.convert_version changes it")
        found[domain] = entry.version
    return found


def _nodes(graph: GraphProto) -> Iterator[NodeProto]:
    waiting = [graph]
    while waiting:
        for node in waiting.pop().node:
            yield node
            for attribute in node.attribute:
                waiting += [attribute.g] if attribute.HasField("g") else list(attribute.graphs)


def _tensors(graph: GraphProto) -> Iterator[TensorProto]:
    """All tensors of a graph and of its nodes."""
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for node in _nodes(graph):
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            if attribute.HasField("g"):
                yield from attribute.g.initializer
            yield from attribute.tensors


def _check_location(tensor: TensorProto, place: str, path: Path | None) -> None:
    """Tensors are read from files in the folder of the model or below, and from nowhere else."""
    said = next((entry.value for entry in tensor.external_data if entry.key == "location"), "")
    if path is None:
        message = f"the numbers of `{tensor.name}` are in the file {said}, but the model is not a file"
        raise fail("N503", message, place=place, hint="give the path of the model")
    parts = (*PurePosixPath(said).parts, *PureWindowsPath(said).parts)
    absolute = PurePosixPath(said).is_absolute() or PureWindowsPath(said).drive or PureWindowsPath(said).root
    folder = path.resolve().parent
    if not said or absolute or ".." in parts or not (folder / said).resolve().is_relative_to(folder):
        message = f"the numbers of `{tensor.name}` are in {said!r}, which is not in the folder of the model"
        raise fail("N503", message, place=place)
    if not (folder / said).is_file():
        raise fail("N503", f"the file {said} with the numbers of `{tensor.name}` is missing", place=place)


def _load(tensor: TensorProto, place: str, path: Path | None) -> None:
    assert path is not None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            external_data_helper.load_external_data_for_tensor(tensor, str(path.resolve().parent))
    except (OSError, ValueError, RuntimeError, onnx.checker.ValidationError) as error:
        message = f"the numbers of `{tensor.name}` cannot be read: {_first_line(error)}"
        raise fail("N503", message, place=place) from error


def _numbers(tensor: TensorProto, place: str, path: Path | None) -> np.ndarray:
    if tensor.data_location == TensorProto.EXTERNAL:
        _load(tensor, place, path)
    try:
        array = np.asarray(numpy_helper.to_array(tensor))
    except (ValueError, TypeError, KeyError, NotImplementedError) as error:
        raise fail("N502", f"the tensor `{tensor.name}` is damaged: {_first_line(error)}", place=place) from error
    tensor.ClearField("raw_data")
    return array


def _full(sparse: onnx.SparseTensorProto, place: str, path: Path | None) -> np.ndarray:
    """A sparse tensor in full."""
    shape = tuple(sparse.dims)
    if np.prod(shape, dtype=object) > 2**26:
        raise fail("N502", f"the sparse tensor `{sparse.values.name}` is too large in full", place=place)
    values, indices = _numbers(sparse.values, place, path), _numbers(sparse.indices, place, path)
    full = np.zeros(shape, dtype=values.dtype)
    try:
        if indices.ndim == 2:
            full[tuple(indices.T)] = values
        else:
            full.reshape(-1)[indices] = values
    except IndexError as error:
        raise fail("N502", f"the tensor `{sparse.values.name}` is damaged: {error}", place=place) from error
    return full
