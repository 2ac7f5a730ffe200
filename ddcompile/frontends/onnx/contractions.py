"""Sums of products along named axes, and running sums: both are products with constant matrices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from string import ascii_letters
from types import MappingProxyType
from typing import Any

import numpy as np

from ddcompile.frontends.onnx.arithmetic import Operands, linear, numbers, product_with_matrices
from ddcompile.frontends.onnx.context import Context
from ddcompile.frontends.onnx.nodes import Node
from ddcompile.frontends.onnx.reductions import over, sums
from ddcompile.frontends.onnx.values import Units, Value
from ddcompile.ir.findings import counted

__all__ = ["OPERATORS"]

_WEIGHTS = 1 << 24
"""Most weights of the matrix of running sums."""


def _einsum(context: Context, node: Node, operands: Operands) -> Value:
    """Of one tensor and at most one constant: axes that both have are kept or summed over, others are kept.

    Raises
    ------
    CompileError
        N505 for other operands, N506 for other equations.
    """
    equation = str(node.attribute("equation", "")).replace(" ", "")
    left, arrow, out = equation.partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        raise node.fail("N506", f"`Einsum` of {len(operands)} operands by {equation!r}")
    if not arrow:
        letters = sorted(set(left) - {",", "."})
        out = "..." * ("." in left) + "".join(c for c in letters if left.count(c) == 1)
    ranks = [x.ids.ndim if isinstance(x, Units) else np.ndim(x) for x in operands]  # type: ignore[arg-type]
    terms, out = _spelled(terms, ranks, out)
    units = [(x, term) for x, term in zip(operands, terms, strict=True) if isinstance(x, Units)]
    arrays = [(x, term) for x, term in zip(operands, terms, strict=True) if isinstance(x, np.ndarray)]
    if len(units) != 1 or len(arrays) != len(operands) - 1 or len(arrays) > 1:
        raise node.fail("N505", "`Einsum` of several tensors that depend on the inputs, or of several constants")
    x, own = units[0]
    y, other = arrays[0] if arrays else (np.ones((), dtype=np.int64), "")
    is_twice = len(set(other)) < len(other) or len(set(out)) < len(out)
    if is_twice or set(other) - {*own, *out} or set(out) - {*own, *other}:
        hint = "sum or take diagonals of constants by operators of their own"
        raise node.fail("N506", f"`Einsum` by {equation!r}, which is no product of matrices", hint)
    if x.ids.ndim != len(own) or y.ndim != len(other):
        raise node.fail("N507", f"`Einsum` of {own!r} and {other!r} with tensors of {x.ids.ndim} and {y.ndim} axes")
    x, own = _alone(context, node, numbers(node, x), own, other + out)
    return _product(context, node, x, own, y, other, out) if arrays else x.moved(_ordered(x.ids, own, out))


def _spelled(terms: Sequence[str], ranks: Sequence[int], out: str) -> tuple[list[str], str]:
    """The terms with a letter for every axis that an ellipsis stands for; the last of them are the same in all."""
    counts = [rank - len(term.replace("...", "")) for term, rank in zip(terms, ranks, strict=True) if "." in term]
    free = [c for c in ascii_letters if not any(c in term for term in terms)]
    names = "".join(free[: max(counts, default=0)])
    found = []
    for term, rank in zip(terms, ranks, strict=True):
        count = rank - len(term.replace("...", ""))
        found.append(term.replace("...", names[len(names) - count :] if count > 0 else ""))
    return found, out.replace("...", names)


def _ordered(ids: np.ndarray, own: str, out: str) -> np.ndarray:
    return ids.transpose([own.index(c) for c in out])


def _alone(context: Context, node: Node, x: Units, own: str, asked: str) -> tuple[Units, str]:
    """Diagonals where a letter stands twice, and sums over axes that nothing asks for."""
    plain = "".join(dict.fromkeys(own))
    x = x.moved(np.einsum(f"{own}->{plain}", x.ids))
    axes = [k for k, c in enumerate(plain) if c not in asked]
    if axes:
        x = over(context, node, x, axes, False, sums)
    return x, "".join(c for c in plain if c in asked)


def _product(context: Context, node: Node, x: Units, own: str, y: np.ndarray, other: str, out: str) -> Units:
    """Matrices, one for each place on the axes that both keep: what x has alone times what y has alone."""
    extent = dict(zip(own, x.ids.shape, strict=True)) | dict(zip(other, y.shape, strict=True))
    kept = "".join(c for c in own if c in other and c in out)
    first, last = "".join(c for c in own if c not in other), "".join(c for c in other if c not in own)
    inner = "".join(c for c in own if c in other and c not in out)

    def size(letters: str) -> int:
        return prod(extent[c] for c in letters)

    rows, columns = _ordered(x.ids, own, kept + first + inner), _ordered(y, other, kept + inner + last)
    if not inner:
        rows, columns = rows[..., None], columns.reshape(*columns.shape[: len(kept)], 1, *columns.shape[len(kept) :])
    shape = [size(kept)] if kept else []
    found = product_with_matrices(
        context,
        node,
        x.moved(rows.reshape(*shape, size(first), size(inner))),
        columns.reshape(*shape, size(inner), size(last)),
    )
    made = kept + first + last
    return found.moved(_ordered(found.ids.reshape([extent[c] for c in made]), made, out))


def _cumsum(context: Context, node: Node, operands: Operands) -> Value:
    """`x @ M`, where M says which places are before which."""
    x, given = numbers(node, operands[0]), operands[1]
    if not isinstance(given, np.ndarray):
        raise node.fail("N505", "`CumSum` over an axis that depends on the inputs")
    axis = int(given.ravel()[0])
    if not -x.ids.ndim <= axis < x.ids.ndim:
        raise node.fail("N507", f"`CumSum` over axis {axis} of a tensor of {counted(x.ids.ndim, 'axis', 'axes')}")
    count = x.ids.shape[axis]
    if count * count > _WEIGHTS:
        raise node.fail("N507", f"`CumSum` over {count} elements takes {count * count} weights, more than {_WEIGHTS}")
    matrix = np.triu(np.ones((count, count), dtype=np.int64), int(node.attribute("exclusive", 0)))
    matrix = matrix.T if node.attribute("reverse", 0) else matrix
    found = linear(context, node, x.moved(np.moveaxis(x.ids, axis, -1)), matrix)
    return found.moved(np.moveaxis(found.ids, -1, axis))


OPERATORS: Mapping[str, Callable[[Context, Node, Operands], Any]] = MappingProxyType(
    {"CumSum": _cumsum, "Einsum": _einsum}
)
