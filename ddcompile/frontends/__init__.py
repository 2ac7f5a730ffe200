"""Importers, one a kind of model: a trained network becomes exact layers, and layers a dense program; trees become an
exact ensemble, and that a program of its own."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

from ddcompile.diagnostics import CompileError, fail
from ddcompile.frontends.activations import choose
from ddcompile.frontends.csv import read_csv
from ddcompile.frontends.network import Layer, Network, Sparse
from ddcompile.frontends.npz import read_npz
from ddcompile.frontends.places import at
from ddcompile.frontends.trees import Ensemble
from ddcompile.frontends.trees.files import is_ensemble, read_ensemble
from ddcompile.ir.findings import counted

__all__ = ["Ensemble", "Layer", "Model", "Network", "Sparse", "as_model", "as_network", "load_model", "load_network"]

_ONNX = b"\x08"
"""The first byte of a model: the version of its format follows."""

Model: TypeAlias = Any
"""A network: in memory, a torch module or exported program, an onnx.ModelProto, what was learned, a fitted scikit-learn
model or a bound method of one, one `.npz` or `.onnx` file, or CSV files, one a layer."""


def as_network(
    model: Model, inputs: str | Sequence[tuple[int, ...]] | None = None, activation: str | None = None
) -> Network:
    """The exact layers of a network, whatever it is given as; parameters and faults are those of `as_model`.

    Raises
    ------
    CompileError
        U011, too, if the model is an ensemble of trees, which has no layers.
    """
    found = as_model(model, inputs, activation)
    if isinstance(found, Ensemble):
        raise fail("U011", f"{found.name} is an ensemble of trees, not a network of layers")
    return found


def as_model(
    model: Model,
    inputs: str | Sequence[tuple[int, ...]] | None = None,
    activation: str | None = None,
    fuse_batch_norm: bool = False,
) -> Network | Ensemble:
    """The exact layers of a network, or the exact ensemble of trees, whatever it is given as.

    Parameters
    ----------
    model : Network, Ensemble, torch.nn.Module, onnx.ModelProto, ENNClassifier, scikit-learn model, path or paths
        Or a torch.export.ExportedProgram, or anything else with a method `to_network()` that returns a Network.
    inputs : str or sequence of shapes, optional
        Declarations such as `"image: bit[8, 8]"`, or the shapes alone, with which a module is traced.
    activation : str, optional
        Fills in activations that files leave open (see `load_network`).
    fuse_batch_norm : bool
        Merge batch norms that are not exact into the layers before them, which rounds; `inputs` are declarations.

    Raises
    ------
    CompileError
        N### if the network is at fault, U011 if it is none.
    """
    found = _as_given(model, inputs, activation)
    if fuse_batch_norm and isinstance(found, Network) and (inputs is None or isinstance(inputs, str)):
        from ddcompile.frontends.fusing import fused

        return fused(found, inputs)
    return found


def _as_given(
    model: Model, inputs: str | Sequence[tuple[int, ...]] | None, activation: str | None
) -> Network | Ensemble:
    if isinstance(model, Network | Ensemble):
        return model
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(model, torch.nn.Module):
        from ddcompile.frontends.torch import network_of

        return network_of(model, inputs)
    exported = sys.modules.get("torch.export")
    if exported is not None and isinstance(model, exported.ExportedProgram):
        from ddcompile.frontends.torch.exported import network_of_exported

        return network_of_exported(model, inputs)
    onnx = sys.modules.get("onnx")
    if onnx is not None and isinstance(model, onnx.ModelProto):
        return _onnx_network(model)
    if isinstance(model, str | Path):
        return load_model(model, activation)
    if isinstance(model, Sequence) and all(isinstance(part, str | Path) for part in model):
        return load_model(model, activation)
    if not isinstance(model, type) and callable(getattr(model, "to_network", None)):
        network = model.to_network()
        if isinstance(network, Network):
            return network
    base = sys.modules.get("sklearn.base")
    if base is not None and isinstance(getattr(model, "__self__", model), base.BaseEstimator):
        from ddcompile.frontends import sklearn

        return sklearn.model_of(model)
    kinds = "torch modules, fitted ENNClassifiers and scikit-learn models, .npz, .onnx and CSV files, ddcompile.Network"
    hint = f"networks are {kinds}"
    raise fail("U011", f"{type(model).__name__} is no network", hint=hint)


def load_network(paths: str | Path | Sequence[str | Path], activation: str | None = None) -> Network:
    """Read a network from one `.npz` or `.onnx` file, or from CSV files, one a layer, in order.

    Parameters
    ----------
    paths : path or sequence of paths
    activation : str, optional
        Fills in what the files leave open: one name for all layers but the last (which is then "identity"), or one
        name a layer, with commas.

    Returns
    -------
    Network
        Named after the first file.

    Raises
    ------
    CompileError
        N### at the file, and at the line and column of a CSV cell; U011 if it holds an ensemble of trees.
    """
    return as_network(load_model(paths, activation))


def load_model(paths: str | Path | Sequence[str | Path], activation: str | None = None) -> Network | Ensemble:
    """Read a network as `load_network` does, or trees: an `.onnx` file, JSON of XGBoost or text of LightGBM.

    Parameters
    ----------
    paths : path or sequence of paths
    activation : str, optional
        Of networks.

    Returns
    -------
    Network or Ensemble
        Named after the first file.

    Raises
    ------
    CompileError
        N### at the file, and at the line and column of a CSV cell.
    """
    files = [Path(paths)] if isinstance(paths, str | Path) else [Path(p) for p in paths]
    if not files:
        raise fail("N001", "no network file was given")
    starts = [_start(path) for path in files]
    if len(files) == 1 and is_ensemble(starts[0]):
        if activation is not None:
            raise fail("N105", "trees have no activations", place=str(files[0]), hint="leave it out")
        return read_ensemble(files[0])
    for path, start in zip(files, starts, strict=True):
        if is_ensemble(start):
            raise fail("N003", "one file of trees holds a whole model", place=str(path))
        if path.suffix == ".onnx" or start.startswith(_ONNX):
            if len(files) > 1:
                raise fail("N003", "one .onnx file holds a whole network", place=str(path))
            if activation is not None:
                raise fail("N105", "an ONNX model says its activations itself", place=str(path), hint="leave it out")
            return _onnx_network(path)
    for path, start in zip(files, starts, strict=True):
        if start.startswith(b"\x80"):
            hint = "load it yourself, if you trust it, and give the model to dd.distill"
            raise fail("N003", "a pickle, which can run code when it is loaded", place=str(path), hint=hint)
    if any(start.startswith(b"PK") for start in starts):
        if len(files) > 1:
            raise fail(
                "N003", "one .npz file holds a whole network; several files must be CSV layers", place=str(files[0])
            )
        layers, dtype, kind, labels = read_npz(files[0], activation)
    else:
        layers, dtype, kind, labels = _csv_layers(files, starts, activation), "float64", "bit", ()
    try:
        return Network(layers, files[0].stem, dtype=dtype, kind=kind, labels=labels)
    except CompileError as error:
        raise at(error, str(files[0])) from None


def _onnx_network(model: Any) -> Network | Ensemble:
    try:
        from ddcompile.frontends.onnx import network_of
    except ModuleNotFoundError as error:
        place = str(model) if isinstance(model, Path) else ""
        message = f"ONNX models need the package {error.name}, which is not installed"
        raise fail("N501", message, place=place, hint="pip install 'ddcompile[onnx]'") from error
    return network_of(model)


def _start(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            start = file.read(8)
    except FileNotFoundError as error:
        raise fail("N001", "no such file", place=str(path)) from error
    except OSError as error:
        raise fail("N001", f"the file cannot be read: {error.strerror}", place=str(path)) from error
    if not start:
        raise fail("N002", "the file is empty", place=str(path))
    return start


def _csv_layers(files: Sequence[Path], starts: Sequence[bytes], activation: str | None) -> tuple[Layer, ...]:
    for path, start in zip(files, starts, strict=True):
        if path.suffix == ".npz" or start.startswith(b"\x93NUMPY"):
            hint = "save it with numpy.savez: 0.weight, 0.bias, 0.activation, ..."
            raise fail("N003", "not a .npz file", place=str(path), hint=hint)
        if path.suffix == ".rule":
            hint = "it is compiled already: `ddcompile opt` runs passes on it, `ddcompile emit` prints code"
            raise fail("N003", "a rule, not a network", place=str(path), hint=hint)
    tables = [read_csv(path) for path in files]
    chosen = choose([None] * len(files), activation, str(files[0]))
    for k in range(1, len(files)):
        before, inputs = len(tables[k - 1][1]), tables[k][0].shape[1]
        if inputs != before:
            message = f"layer {k} reads {counted(inputs, 'value')}, but layer {k - 1} ({files[k - 1].name}) has "
            message += counted(before, "unit")
            raise fail("N106", message, place=str(files[k]))
    return tuple(Layer(weight, bias, name) for (weight, bias), name in zip(tables, chosen, strict=True))
