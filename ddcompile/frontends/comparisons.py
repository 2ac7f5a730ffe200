"""Writes units over doubles that look at one value: `x[u] > bound[u]`, with gathers where it is not the same place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ddcompile.frontends.activations import Activation
from ddcompile.frontends.cuts import Cut
from ddcompile.frontends.forms import Tensor, flat_index
from ddcompile.frontends.network import Layer
from ddcompile.frontends.writer import Writer, activated
from ddcompile.ir.builder import add, compare, mul, sub
from ddcompile.ir.nodes import Binder, Expr, Index, Literal, Read, Statement, Unary

__all__ = ["write_comparisons"]


def write_comparisons(
    writer: Writer,
    number: int,
    layer: Layer,
    cuts: Sequence[Cut | None],
    sources: Sequence[Tensor],
    targets: list[Tensor],
    is_hidden: bool,
    head: str,
) -> list[Tensor]:
    """Write a layer of comparisons; units that are none stay sums.

    Parameters
    ----------
    writer : Writer
    number : int
        Of the layer.
    layer : Layer
    cuts : sequence of Cut or None
        For every unit.
    sources : sequence of Tensor
        What the layer reads, for the sums; empty if there are none.
    targets : list of Tensor
        Where the units go, one after the other.
    is_hidden : bool
        Whether the one target may take the shape of what it is made from.
    head : str

    Returns
    -------
    list of Tensor
        Where they went.
    """
    first = cuts[0]
    whole = first.tensor if first is not None and _is_identity(cuts) else None
    if whole is not None and is_hidden:
        targets = [Tensor(targets[0].name, whole.shape)]
    if whole is not None and len(targets) == 1 and targets[0].shape == whole.shape:
        at = writer.indices(whole.shape)
        value = _compared(writer, _known(cuts), layer.activation, f"{number + 1}", whole.shape, at, list(at))
        writer.define(targets[0], at, _headed(value, head))
        return targets
    is_flat = len(targets) == 1 and len(targets[0].shape) == 1
    flat = targets[0] if is_flat else Tensor(writer.names.fresh("unit"), (layer.units,))
    for run in _runs(cuts):
        _write_run(writer, number, layer, cuts, run, sources, flat, head)
    if not is_flat:
        _copy(writer, flat, targets)
    return targets


def _is_identity(cuts: Sequence[Cut | None]) -> bool:
    """Whether every unit looks at its own place in one tensor of as many."""
    first = cuts[0]
    return (
        first is not None
        and all(cut is not None and cut.tensor == first.tensor and cut.element == unit for unit, cut in enumerate(cuts))
        and first.tensor.count == len(cuts)
    )


def _runs(cuts: Sequence[Cut | None]) -> list[range]:
    """Neighbouring units that look at one tensor, and neighbouring sums."""
    starts = [k for k in range(len(cuts)) if k == 0 or _tensor(cuts[k]) != _tensor(cuts[k - 1])]
    return [range(a, b) for a, b in zip(starts, [*starts[1:], len(cuts)], strict=True)]


def _tensor(cut: Cut | None) -> Tensor | None:
    return None if cut is None else cut.tensor


def _known(cuts: Sequence[Cut | None]) -> list[Cut]:
    return [cut for cut in cuts if cut is not None]


def _write_run(
    writer: Writer,
    number: int,
    layer: Layer,
    cuts: Sequence[Cut | None],
    run: range,
    sources: Sequence[Tensor],
    flat: Tensor,
    head: str,
) -> None:
    """One clause: the units of a run."""
    (u,) = writer.indices(flat.shape)
    at = add(Index(u), -run.start)
    is_all = len(run) == layer.units
    suffix = f"{number + 1}" if is_all else f"{number + 1}_{run.start}"
    shape = (len(run),)
    mine = _known(cuts[run.start : run.stop])
    if mine:
        places = _places(writer, mine, suffix, at)
        value = _compared(writer, mine, layer.activation, suffix, shape, [at], places)
    else:
        weight, bias = layer.dense_weight()[run.start : run.stop], layer.unit_bias()[run.start : run.stop]
        value = activated(layer.activation, writer.linear(suffix, weight, bias, [at], shape, sources, "v"))
    binder = Binder(u, Literal(run.start), Literal(run.stop))
    writer.statements.append(Statement(flat.name, (binder,), _headed(value, head)))


def _places(writer: Writer, cuts: Sequence[Cut], suffix: str, at: Expr) -> list[str | Expr]:
    """Where in their tensor units look: an affine position, or tables of them."""
    tensor, elements = cuts[0].tensor, np.array([cut.element for cut in cuts])
    if len(tensor.shape) == 1 and (elements == elements[0] + np.arange(len(elements))).all():
        return [add(at, int(elements[0]))]
    if not tensor.shape:
        return []
    columns = np.unravel_index(elements, tensor.shape)
    labels = [f"input{suffix}" if len(columns) == 1 else f"input{suffix}_{k}" for k in range(len(columns))]
    return [writer.factor(label, c, c.shape, [at]) for label, c in zip(labels, columns, strict=True)]


def _compared(
    writer: Writer,
    cuts: Sequence[Cut],
    activation: Activation,
    suffix: str,
    shape: Sequence[int],
    at: Sequence[str | Expr],
    places: Sequence[str | Expr],
) -> Expr:
    """The comparison; `at` is where the tables are read, `places` where the tensor is."""
    where = tuple(Index(p) if isinstance(p, str) else p for p in places)
    slopes, low, high = (np.array(values) for values in zip(*((c.slope, c.low, c.high) for c in cuts), strict=True))
    value = mul(writer.factor(f"slope{suffix}", slopes, shape, at), Read(cuts[0].tensor.name, where))
    if activation == "step":
        return compare(">", value, writer.factor(f"bound{suffix}", low, shape, at))
    if activation == "nonnegative":
        return compare(">=", value, writer.factor(f"bound{suffix}", high, shape, at))
    if (low == high).all():
        bound = writer.factor(f"bound{suffix}", low, shape, at)
        return sub(compare(">", value, bound), compare("<", value, bound))
    above = compare(">", value, writer.factor(f"low{suffix}", low, shape, at))
    return sub(above, compare("<", value, writer.factor(f"high{suffix}", high, shape, at)))


def _headed(value: Expr, head: str) -> Expr:
    return Unary("sign", value) if head == "sign" else value


def _copy(writer: Writer, flat: Tensor, targets: Sequence[Tensor]) -> None:
    """The elements of a flat tensor, row-major, as those of others one after the other."""
    start = 0
    for target in targets:
        at = writer.indices(target.shape)
        writer.define(target, at, Read(flat.name, (add(flat_index(target.shape, at), start),)))
        start += target.count
