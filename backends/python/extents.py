"""Python text for the extents of a rule's tensors, which may depend on its sizes."""

from __future__ import annotations

from collections.abc import Iterable

from ddcompile.ir.affine import Affine, affine_of
from ddcompile.ir.nodes import Binder, Expr, Literal, Rule, Statement
from ddcompile.ir.types import Types

__all__ = ["greatest", "is_at_most", "tensor_extents"]


def tensor_extents(rule: Rule, types: Types | None, name: str) -> list[list[Expr]]:
    """The extents of a statement's tensor, each as expressions of sizes whose greatest value it is.

    Parameters
    ----------
    rule
        The rule.
    types
        Its types; None if it has sizes.
    name
        The tensor.
    """
    if types is not None:
        return [[Literal(extent)] for extent in types.shape[name]]
    for declaration in rule.outputs:
        if declaration.name == name:
            return [[extent] for extent in declaration.type.shape]
    clauses = [s for s in rule.statements if s.target == name]
    return [
        [form.to_expr() for form in greatest(_end(clause, axis) for clause in clauses)]
        for axis in range(len(clauses[0].positions))
    ]


def _end(clause: Statement, axis: int) -> Affine:
    """The exclusive end of a clause along an axis, with the indices at their extremes."""
    position = clause.positions[axis]
    form = _form(position.upper) if isinstance(position, Binder) else _form(position) + 1
    for binder in reversed(clause.binders):
        slope = form.coefficient(binder.name)
        if slope:
            bound = _form(binder.upper) - 1 if slope > 0 else _form(binder.lower)
            form = form.substitute({binder.name: bound})
    return form


def _form(expr: Expr) -> Affine:
    form = affine_of(expr)
    assert form is not None, "bounds and positions of clauses are affine"
    return form


def greatest(forms: Iterable[Affine]) -> list[Affine]:
    """The forms among which the greatest must be, whatever the sizes and indices are."""
    kept: list[Affine] = []
    for form in forms:
        if any(is_at_most(form, other) for other in kept):
            continue
        kept = [other for other in kept if not is_at_most(other, form)]
        kept.append(form)
    return kept


def is_at_most(a: Affine, b: Affine) -> bool:
    """Whether a <= b for all positive sizes and all indices of statements, which are not negative."""
    gap = b - a
    return all(value >= 0 for _, value in gap.terms) and gap.constant + sum(gap.coefficient(n) for n in gap.sizes) >= 0
