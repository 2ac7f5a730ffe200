"""Remainders of indices by powers of two, which LLVM must not vectorise.

LLVM 22.1 takes subscripts such as `(j + 15) & 15` for consecutive where they wrap, and vectorises loops over j to wrong
results. So the loops of a function with such a mask are marked; masks of data do no harm.

    br label %loop1, !llvm.loop !2          !1 = !{!"llvm.loop.vectorize.enable", i1 false}
                                            !2 = distinct !{!2, !1}
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ddcompile.kernel.nodes import Arith, Assign, Const, Declare, Expr, Load, Stmt, Var
from ddcompile.kernel.traverse import children, expressions, walk

__all__ = ["masks_indices"]


def masks_indices(body: Sequence[Stmt]) -> bool:
    """Whether a mask is applied to something that may advance evenly from pass to pass of a loop."""
    masked = [node.left for node in expressions(body) if isinstance(node, Arith) and _is_mask(node)]
    if not masked:
        return False
    changes = [stmt for event, stmt in walk(body) if event == "at" and isinstance(stmt, Declare | Assign)]
    data = {stmt.variable.name for stmt in changes}
    while True:
        kept = data - {stmt.variable.name for stmt in changes if not _keeps(stmt, data)}
        if kept == data:
            return not all(_is_data(expr, data) for expr in masked)
        data = kept


def _is_mask(expr: Arith) -> bool:
    return expr.op == "&" and isinstance(expr.right, Const) and expr.right.value >= 0


def _keeps(stmt: Declare | Assign, data: set[str]) -> bool:
    """Whether a variable that is given this value may still be made of elements of buffers alone."""
    others = data - {stmt.variable.name}
    is_counter = isinstance(stmt, Assign) and not any(
        isinstance(node, Load) or (isinstance(node, Var) and node.name in others) for node in _outside_loads(stmt.value)
    )
    return _is_data(stmt.value, data) and not is_counter


def _is_data(root: Expr, data: set[str]) -> bool:
    """Whether an expression depends on elements of buffers and on numbers alone, but for the places of the elements."""
    return all(node.name in data for node in _outside_loads(root) if isinstance(node, Var))


def _outside_loads(root: Expr) -> Iterator[Expr]:
    stack = [root]
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, Load):
            stack.extend(children(node))
