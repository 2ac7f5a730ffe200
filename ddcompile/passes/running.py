"""Reductions over windows that reach beyond an end of a tensor everywhere, as reductions up to that end.

`sum(di in -8..0: pad(x, 0)[i + di])` over nine elements is `sum(di < i + 1: x[di])`.
"""

from __future__ import annotations

from collections.abc import Sequence

from ddcompile.analysis.cost import cost
from ddcompile.analysis.linear import box_bounds
from ddcompile.analysis.scopes import Ranges
from ddcompile.ir.affine import Affine, affine_of
from ddcompile.ir.nodes import Binder, Index, Literal, Read, Reduce

__all__ = ["is_inside", "running"]


def is_inside(form: Affine | None, extent: int, ranges: Ranges) -> bool:
    """Whether a position is on an axis wherever the indices are."""
    if form is None or not form.names <= ranges.keys():
        return False
    low, high = form.bounds(ranges)
    return low >= 0 and high < extent


def running(node: Reduce, ranges: Ranges, shape: Sequence[int] | None) -> Reduce:
    """A reduction over one window, up to an end of the tensor if it always reaches it; else as it is."""
    bounds = box_bounds(node.binders[0]) if len(node.binders) == 1 else None
    body, neutral = node.body, Literal(int(node.op == "all"))
    if not isinstance(body, Read) or body.pad != neutral or bounds is None or shape is None:
        return node
    name = node.binders[0].name
    forms = [affine_of(p) for p in body.positions]
    moving = [k for k, form in enumerate(forms) if form is None or name in form.names]
    if node.op not in ("sum", "any", "all") or len(moving) != 1:
        return node
    (axis,) = moving
    form, extent = forms[axis], shape[axis]
    if form is None or form.coefficient(name) != 1 or not form.names <= ranges.keys() or not form.is_integral:
        return node
    if not all(is_inside(f, n, ranges) for k, (f, n) in enumerate(zip(forms, shape, strict=True)) if k != axis):
        return node
    rest = form - Affine.of(0, {name: 1})
    low, high = rest.bounds(ranges)
    first, end = rest + bounds[0], rest + bounds[1]
    if high + bounds[0] <= 0 and low + bounds[1] >= extent:
        first, end = Affine.of(0), Affine.of(extent)
    elif high + bounds[0] <= 0 <= low + bounds[1] and high + bounds[1] <= extent:
        first = Affine.of(0)
    elif low + bounds[1] >= extent >= high + bounds[0] and low + bounds[0] >= 0:
        end = Affine.of(extent)
    else:
        return node
    places = tuple(Index(name) if k == axis else p for k, p in enumerate(body.positions))
    new = Reduce(node.op, (Binder(name, first.to_expr(), end.to_expr()),), Read(body.tensor, places))
    return new if cost(new) < cost(node) else node
