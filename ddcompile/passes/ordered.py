"""Operands that may change places, in an order that does not depend on the names of tensors.

Tensors are in the order of what defines them, up to the names of what they read. So the sums of two layers whose
families are the same, in whatever order they were found, are one statement for `roll`::

    a[i < 8] = less[i] + more[i]
    b[i < 8] = more2[i] + less2[i]       # becomes less2[i] + more2[i]
"""

from __future__ import annotations

from dataclasses import replace

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
"""Operators whose operands may change places; so may those of differences, with their signs."""


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
        if not isinstance(node, Binary) or node.op not in (*_COMMUTATIVE, "-"):
            return node
        is_sum = node.op in ("+", "-")
        terms = _signed_terms(node) if is_sum else [(False, term) for term in chain_operands(node.op, node)]
        found = [((is_less, own), k) for k, (is_less, term) in enumerate(terms) if (own := key(term)) is not None]
        new = list(terms)
        for (_, source), (_, place) in zip(sorted(found), found, strict=True):
            new[place] = terms[source]
        if new == terms:
            return node
        made = new[0][1]
        for is_less, term in new[1:]:
            made = Binary("-" if is_less else "+" if is_sum else node.op, made, term)
        return made

    reals = Reals(types)  # sums of these depend on the order
    return with_statements(
        rule, [s if reals(s.value) else replace(s, value=rewrite(s.value, step)) for s in rule.statements]
    )


def _signed_terms(node: Expr) -> list[tuple[bool, Expr]]:
    """The terms of a sum in the order of the text, and whether each is taken away; the first one never is."""
    found: list[tuple[bool, Expr]] = []
    stack = [(False, node)]
    while stack:
        is_less, term = stack.pop()
        if isinstance(term, Binary) and term.op in ("+", "-"):
            stack += [(is_less != (term.op == "-"), term.right), (is_less, term.left)]
        else:
            found.append((is_less, term))
    return found
