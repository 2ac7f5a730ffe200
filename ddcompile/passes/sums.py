"""Sums in the value of a statement: their terms, and the same with other terms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ddcompile.analysis.comparisons import integer_terms
from ddcompile.ir import builder
from ddcompile.ir.nodes import Binary, Compare, CompareOp, Expr, Unary
from ddcompile.ir.traverse import children

__all__ = ["Sum", "sums_of"]


@dataclass(frozen=True, slots=True)
class Sum:
    """A sum in a statement, or a comparison of sums, with the terms of the left side less the right one.

    Attributes
    ----------
    node : Expr
        The sum or the comparison.
    terms : dict
        The terms with their factors.
    constant : int
        What is added to them.
    op : str or None
        Of the comparison of all this with 0.
    """

    node: Expr
    terms: dict[Expr, int]
    constant: int
    op: CompareOp | None

    def rebuilt(self, terms: dict[Expr, int]) -> Expr:
        """The same with other terms."""
        ordered = sorted(terms.items(), key=lambda t: t[1] < 0)
        total = builder.add_all(builder.mul(c, e) for e, c in ordered)
        if self.op is None:
            return builder.add(total, self.constant)
        return builder.compare(self.op, total, -self.constant)


def sums_of(value: Expr) -> Iterator[Sum]:
    """The sums in an expression, outermost first."""
    stack = [value]
    while stack:
        node = stack.pop()
        op: CompareOp | None = None
        match node:
            case Compare((op,), (left, right)):
                form = integer_terms(builder.sub(left, right))
            case Binary("+" | "-") | Unary("-"):
                form = integer_terms(node)
            case _:
                stack += reversed(children(node))
                continue
        if form is None:
            stack += reversed(children(node))
            continue
        yield Sum(node, *form, op)
        stack += [kid for term in reversed(form[0]) for kid in reversed(children(term))]
