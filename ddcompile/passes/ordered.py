"""Operands that may change places, in an order that does not depend on the names of tensors.

Tensors are in the order of what defines them, up to the names of what they read. So the sums of two layers whose
families are the same, in whatever order they were found, are one statement for `roll`::

    a[i < 8] = less[i] + more[i]
    b[i < 8] = more2[i] + less2[i]       # becomes less2[i] + more2[i]
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial, reduce

from ddcompile.analysis.reals import Reals
from ddcompile.ir.nodes import Binary, Expr, Read, Rule, Statement
from ddcompile.ir.traverse import chain_operands, rewrite
from ddcompile.ir.types import Types
from ddcompile.passes.rewrite import with_statements
from ddcompile.passes.rings import around
from ddcompile.passes.set_apart import set_apart
from ddcompile.passes.templates import shape_of

__all__ = ["in_order"]

_COMMUTATIVE = ("+", "and", "or", "xor")


def in_order(rule: Rule, types: Types, size: int) -> Rule:
    """The rule with reads of hidden tensors in the order of their definitions, those of at most so many nodes."""
    clauses: dict[str, list[Statement]] = {}
    for statement in rule.statements:
        clauses.setdefault(statement.target, []).append(statement)
    keys: dict[str, tuple[object, ...]] = {}
    for target, (first, *others) in clauses.items():
        if others or types.tensor[target].kind == "real":
            continue
        usual, _ = set_apart(first.value)
        shape = shape_of(replace(first, value=around(replace(first, value=usual), types)), 2 * size)
        if shape is not None:
            keys[target] = repr(shape.key), shape.numbers

    def key(node: Expr) -> tuple[object, ...] | None:
        if not isinstance(node, Read) or node.tensor not in keys:
            return None
        shape = shape_of(Statement("", (), node), size)
        return None if shape is None else (*keys[node.tensor], shape.numbers)

    def step(node: Expr) -> Expr:
        if not isinstance(node, Binary) or node.op not in _COMMUTATIVE:
            return node
        terms = chain_operands(node.op, node)
        found = [(own, k) for k, term in enumerate(terms) if (own := key(term)) is not None]
        new = list(terms)
        for (_, source), (_, place) in zip(sorted(found), found, strict=True):
            new[place] = terms[source]
        return node if new == terms else reduce(partial(Binary, node.op), new)

    reals = Reals(types)  # sums of these depend on the order
    return with_statements(
        rule, [s if reals(s.value) else replace(s, value=rewrite(s.value, step)) for s in rule.statements]
    )
