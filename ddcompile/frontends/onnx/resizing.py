"""Grids made larger or smaller by whole factors, every element being the nearest one: elements move."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import ceil, floor, prod
from types import MappingProxyType
from typing import Any

import numpy as np

from ddcompile.frontends.onnx.arithmetic import Operands
from ddcompile.frontends.onnx.context import Context
from ddcompile.frontends.onnx.nodes import Node
from ddcompile.frontends.onnx.values import Units, Value
from ddcompile.frontends.windows import LARGEST
from ddcompile.ir.findings import counted

__all__ = ["OPERATORS"]

_HALF = Fraction(1, 2)
_ROUND: Mapping[str, Callable[[Fraction], int]] = MappingProxyType(
    {
        "round_prefer_floor": lambda x: ceil(x - _HALF),
        "round_prefer_ceil": lambda x: floor(x + _HALF),
        "floor": floor,
        "ceil": ceil,
    }
)


def _resize(context: Context, node: Node, operands: Operands) -> Value:
    x, *rest = operands
    if not isinstance(x, Units) or any(not (v is None or isinstance(v, np.ndarray)) for v in rest):
        raise node.fail("N505", f"`{node.op}` by numbers that depend on the inputs")
    if node.attribute("mode", "nearest") != "nearest":
        hint = "make grids larger by the nearest element, or by a transposed convolution"
        raise node.fail("N506", f"`{node.op}` with the mode {node.attribute('mode')}", hint)
    axes = node.attribute("axes") or list(range(x.ids.ndim))
    if any(not -x.ids.ndim <= a < x.ids.ndim for a in axes) or len({a % x.ids.ndim for a in axes}) < len(axes):
        raise node.fail("N507", f"`{node.op}` over axes {axes} of a tensor of {counted(x.ids.ndim, 'axis', 'axes')}")
    extents = list(_extents(node, [x.ids.shape[a] for a in axes], rest))
    full = list(x.ids.shape)
    for axis, extent in zip(axes, extents, strict=True):
        full[axis] = extent
    if prod(full) > LARGEST:
        raise node.fail("N507", f"`{node.op}` makes a tensor of {prod(full)} elements, more than {LARGEST}")
    ids = x.ids
    for axis, extent in zip(axes, extents, strict=True):
        if extent != ids.shape[axis]:
            ids = ids.take(_places(node, ids.shape[axis], extent), axis)
    return x.moved(ids)


def _extents(node: Node, given: Sequence[int], rest: Sequence[Any]) -> list[int]:
    """How long axes become."""
    if node.op == "Upsample" or node.version < 11:
        scales, sizes = node.attribute("scales") if not rest else rest[0], None
    else:
        scales, sizes = ([*rest, None, None])[1:3]
    if sizes is not None and np.size(sizes):
        if node.attribute("keep_aspect_ratio_policy", "stretch") != "stretch":
            raise node.fail("N506", f"`{node.op}` that keeps the aspect ratio")
        found = [int(n) for n in np.ravel(sizes)]
    else:
        factors = np.ravel(scales).astype(np.float32)
        before = np.array(given, dtype=np.float32)
        if len(factors) != len(given) or not (np.isfinite(factors) & (factors > 0)).all():
            raise node.fail("N507", f"`{node.op}` of axes of {list(given)} elements by {factors.tolist()}")
        found = [int(n) for n in np.floor(before * factors)]
        if any(np.float32(m) / n != f for m, n, f in zip(found, before, factors, strict=True)):
            raise node.fail("N506", f"`{node.op}` by factors that give no whole number of elements")
    if len(found) != len(given) or min(found, default=1) < 1:
        raise node.fail("N507", f"`{node.op}` of axes of {list(given)} elements to {found}")
    if any(m % n and n % m for m, n in zip(found, given, strict=True)):
        hint = "where factors are whole numbers, or the inverses of such, nothing is rounded"
        raise node.fail("N506", f"`{node.op}` of axes of {list(given)} elements to {found}", hint)
    return found


def _places(node: Node, given: int, wanted: int) -> np.ndarray:
    """Which element of an axis each of the wanted ones is."""
    old = node.op == "Upsample" or node.version < 11
    how = "asymmetric" if old else node.attribute("coordinate_transformation_mode", "half_pixel")
    rounding = _ROUND.get("floor" if old else node.attribute("nearest_mode", "round_prefer_floor"))
    factor = Fraction(given, wanted)
    match how:
        case "asymmetric":
            places = [k * factor for k in range(wanted)]
        case "half_pixel" | "half_pixel_symmetric":
            places = [(k + _HALF) * factor - _HALF for k in range(wanted)]
        case "pytorch_half_pixel":
            places = [(k + _HALF) * factor - _HALF if wanted > 1 else Fraction(0) for k in range(wanted)]
        case "align_corners":
            places = [Fraction(k * (given - 1), max(1, wanted - 1)) for k in range(wanted)]
        case _:
            rounding = None
    if rounding is None:
        modes = f"{how}, {node.attribute('nearest_mode', 'round_prefer_floor')}"
        raise node.fail("N506", f"`{node.op}` with the modes {modes}")
    return np.array([min(max(rounding(place), 0), given - 1) for place in places])


OPERATORS: Mapping[str, Callable[[Context, Node, Operands], Any]] = MappingProxyType(
    {"Resize": _resize, "Upsample": _resize}
)
