"""Layers of networks of logic gates, in the layouts of difflogic and torchlogix, which need not be installed.

They are known by what they hold: the weights of 16 gates a unit and two arrays of indices (difflogic), or a
`parametrization` that says the tables and `connections` that say what is read (torchlogix). As in eval mode, a unit is
its most probable gate.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import inf
from typing import Any

import numpy as np
import torch
from torch import nn

from ddcompile.diagnostics import CompileError, fail
from ddcompile.frontends.gates import Gates
from ddcompile.frontends.groups import group_sums
from ddcompile.frontends.network import INPUTS, Layer
from ddcompile.frontends.places import at
from ddcompile.frontends.torch.context import Context
from ddcompile.frontends.torch.values import Units
from ddcompile.ir.findings import counted

__all__ = ["gate_importer", "is_gate_layer"]


def gate_importer(module: nn.Module) -> Callable[..., Units] | None:
    """What imports a module of a network of logic gates; None if it is none."""
    if is_gate_layer(module):
        return _gates
    is_sum = type(module).__name__ == "GroupSum" and hasattr(module, "k") and hasattr(module, "tau")
    return _group_sum if is_sum else None


def is_gate_layer(module: nn.Module) -> bool:
    """Whether a module is a layer of logic gates."""
    if not (hasattr(module, "in_dim") and hasattr(module, "out_dim")):
        return False
    own = {name for name, _ in module.named_parameters(recurse=False)}
    return ("weights" in own and hasattr(module, "indices")) or (
        "weight" in own and hasattr(module, "connections") and hasattr(module, "parametrization")
    )


def _gates(context: Context, place: str, module: Any, x: Any) -> Units:
    if hasattr(module, "parametrization"):
        tables = np.asarray(module.parametrization.get_luts(module.weight).detach().cpu()).astype(np.int64)
        kinds = np.arange(len(tables))
        resolve = getattr(module.connections, "resolve_connections", None)
        indices = module.connections.indices if resolve is None else resolve()
    else:
        kinds = module.weights.detach().cpu().argmax(-1).numpy()
        tables = None
        indices = torch.stack([torch.as_tensor(index).cpu() for index in module.indices])
    columns = np.asarray(indices.detach().cpu()).T
    ids = context.numbers(x, type(module).__name__, place)
    if ids.shape != (module.in_dim,):
        hint = "a layer of gates reads flat samples"
        message = f"a sample of shape {ids.shape} for {counted(module.in_dim, 'input')}"
        raise fail("N410", message, place=place, hint=hint)
    reads = _whole(context, ids, place)
    try:
        gates = Gates(kinds, columns, len(ids)) if tables is None else _of_tables(tables, columns, len(ids))
    except CompileError as error:
        raise at(error, place) from None
    zeros = np.zeros(len(kinds), dtype=np.int64)
    return context.units(context.drafts.append(Layer(gates, zeros, reads=reads, path=place)))


def _of_tables(tables: np.ndarray, columns: np.ndarray, inputs: int) -> Gates:
    """Gates of given tables, of which equal ones are one."""
    known, kinds = np.unique(tables, axis=0, return_inverse=True)
    return Gates(kinds.reshape(-1), columns, inputs, known)


def _group_sum(context: Context, place: str, module: Any, x: Any) -> Units:
    ids = context.numbers(x, "GroupSum", place)
    if ids.ndim != 1:
        raise fail("N410", f"a sample of shape {ids.shape} is summed by groups", place=place, hint="make it flat first")
    reads = _whole(context, ids, place)
    try:
        layer = group_sums(len(ids), int(module.k))
    except CompileError as error:
        raise at(error, place) from None
    # (sum + beta) / (a / b) = (b * sum + b * beta) / a
    if not 0 < module.tau < inf:
        raise fail("N409", f"a temperature of {module.tau}", place=place, hint="it must be positive")
    tau, beta = Fraction(module.tau), Fraction(getattr(module, "beta", 0.0))
    units = context.drafts.append(Layer(layer.weight, layer.bias, reads=reads, path=place))
    if tau.denominator != 1 or beta:
        units = context.drafts.mapped(units, place, "identity", tau.denominator, tau.denominator * beta)
    return context.units(context.drafts.divided(units, tau.numerator, place))


def _whole(context: Context, ids: np.ndarray, place: str) -> tuple[int, ...]:
    """The layers whose units these are."""
    arranged = context.drafts.arranged(ids, place)
    reads = context.drafts.whole(arranged)
    assert reads is not None
    return reads or (INPUTS,)
