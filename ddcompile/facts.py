"""What can be said of a network without compiling it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ddcompile.diagnostics import fail
from ddcompile.frontends import Ensemble, Model, as_model, float_safe as rounding
from ddcompile.frontends.inspection import Inspection, inspect_network
from ddcompile.frontends.trees.float_safe import ensemble_float_safe
from ddcompile.frontends.trees.inspection import EnsembleInspection, inspect_ensemble

__all__ = ["float_safe", "inspect"]


def float_safe(network: Model, X: Any, dtype: Any = None, head: str | None = None) -> np.ndarray:
    """The samples on which floating point provably takes the decisions of exact arithmetic.

    Parameters
    ----------
    network : Network, torch.nn.Module, path or sequence of paths
    X : array_like of shape (samples, ...), or tuple of them
        Finite numbers: the inputs, as the module takes them; for a network without shapes, flattened row-major.
    dtype : {"float16", "bfloat16", "float32", "float64"} or type of numpy or torch, optional
        In which the framework computes; by default that of the weights.
    head : {"argmax", "sign", "none"}, optional
        By default what the network itself does.

    Returns
    -------
    numpy.ndarray of bool, shape (samples,)
        True where every sum that a sign, step or comparison looks at exceeds the bound on its error, and so does the
        distance of the largest score from every other under argmax. There the forward pass of the framework takes
        the same decisions as exact arithmetic, and as the rule. `ddcompile.frontends.float_safe` states the bound
        (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., chapter 3) and what is assumed.

    Raises
    ------
    CompileError
        A### if X does not fit, N413 if the type is not known, N414 if a decision depends on tanh or sigmoid.
    """
    try:
        arrays = [np.asarray(x) for x in (X if isinstance(X, tuple) else (X,))]
    except ValueError as error:
        raise fail("A002", f"`X` is no array: {error}", place="X") from error
    for array in arrays:
        if array.ndim == 0 or len(array) != len(arrays[0]):
            raise fail("A004", "inputs are arrays of the same number of samples", place="X")
    found = as_model(network, [array.shape[1:] for array in arrays])
    flat = np.concatenate([array.reshape(len(array), -1) for array in arrays], axis=1)
    if isinstance(found, Ensemble):
        return ensemble_float_safe(found, flat, head)
    return rounding.float_safe(found, flat, dtype, head)


def inspect(
    network: Model,
    inputs: str | None = None,
    head: str | None = None,
    *,
    activation: str | None = None,
    fuse_batch_norm: bool = False,
) -> Inspection | EnsembleInspection:
    """Look at a network before it is distilled: layers, sets of values, what will be exact and why.

    Parameters
    ----------
    network : Network, torch.nn.Module, path or sequence of paths
    inputs : str, optional
        Declarations such as `"image: bit[28, 28]"`; by default a flat `x: bit[n]`.
    head : {"argmax", "softmax", "sign", "none"}, optional
        What is done with the last layer; by default what the network itself does.
    activation : str, optional
        Fills in activations that the files leave open (see `load_network`).
    fuse_batch_norm : bool
        Look at the network whose batch norms are merged and rounded, see `distill`.

    Returns
    -------
    Inspection or EnsembleInspection
        `print` it; or `report()` gives plain data.

    Raises
    ------
    CompileError
        N### if the network or the declarations are at fault.
    """
    found = as_model(network, inputs, activation, fuse_batch_norm)
    if isinstance(found, Ensemble):
        return inspect_ensemble(found, inputs, head)
    return inspect_network(found, inputs, head)
