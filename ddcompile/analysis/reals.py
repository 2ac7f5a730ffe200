"""Which expressions compute with reals, and when reals are the same.

Rewrites that hold for exact numbers leave what computes with reals alone: IEEE arithmetic is not associative, `x + 0`
is not `x` for -0.0, and `0 * x` is not 0 for NaN.
"""

from __future__ import annotations

import numpy as np

from ddcompile.ir.nodes import Expr, Read, Softmax, Unary
from ddcompile.ir.traverse import children
from ddcompile.ir.types import Types

__all__ = ["Reals", "differing"]

_FUNCTIONS = frozenset({"real", "exp", "log", "tanh", "sigmoid"})


def differing(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Where two arrays of results differ; float64 ones do in their bits, except that any NaN is any other."""
    differ = np.asarray(a != b).astype(bool)
    if a.dtype == b.dtype == np.float64:
        differ = (differ | (np.signbit(a) != np.signbit(b))) & ~(np.isnan(a) & np.isnan(b))
    return differ


class Reals:
    """Tells whether an expression has reals in it, itself included; remembers what it has seen.

    Parameters
    ----------
    types
        The types of a rule; expressions may be new ones over its tensors.
    """

    def __init__(self, types: Types) -> None:
        self._tensors = types.tensor
        self._known: dict[int, tuple[Expr, bool]] = {}
        """By identity; the expression is kept so that its identity stays its own."""

    def tensor(self, name: str) -> bool:
        """Whether the elements of a tensor or constant are reals; new ones are not."""
        found = self._tensors.get(name)
        return found is not None and found.kind == "real"

    def __call__(self, root: Expr) -> bool:
        """Whether a subexpression is real."""
        stack = [root]
        while stack:
            node = stack[-1]
            if id(node) in self._known:
                stack.pop()
                continue
            kids = children(node)
            new = [kid for kid in kids if id(kid) not in self._known]
            if new:
                stack += new
                continue
            own = isinstance(node, Softmax) or (isinstance(node, Read) and self.tensor(node.tensor))
            own = own or (isinstance(node, Unary) and node.op in _FUNCTIONS)
            self._known[id(node)] = node, own or any(self._known[id(kid)][1] for kid in kids)
            stack.pop()
        return self._known[id(root)][1]
