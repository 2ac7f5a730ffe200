"""Let a pad say what is added at the borders of a tensor.

Before::

    y[i < 7] = sum(k < 3: pad(x, 0)[i + k - 1]) >= if i == 0 or i == 6 then 1 else 2

After::

    y[i < 7] = sum(k < 3: pad(x, 1)[i + k - 1]) >= 2

In a network, what lies outside is no input: ones there become part of the bias of the units that would read them.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from functools import reduce
from math import prod
from typing import Any, ClassVar

import numpy as np

from ddcompile.analysis.cost import cost
from ddcompile.analysis.evaluate import COMPARISONS
from ddcompile.analysis.exact import NotExact
from ddcompile.analysis.linear import Atoms, NotLinear, Reader
from ddcompile.analysis.units import apart
from ddcompile.ir import builder
from ddcompile.ir.nodes import Binary, Compare, Constant, Expr, If, Literal, Read, Reduce, Rule, Statement
from ddcompile.ir.points import literal_box
from ddcompile.ir.traverse import postorder, reads, rewrite
from ddcompile.ir.types import infer
from ddcompile.ir.verifier import verify
from ddcompile.passes.dce import dce
from ddcompile.passes.fold import folded
from ddcompile.passes.layers import names_of
from ddcompile.passes.options import Pass, option
from ddcompile.passes.rewrite import Rewrite, unchanged, with_statements
from ddcompile.passes.selection import selected
from ddcompile.passes.sums import Sum, sums_of

__all__ = ["Pads"]

_PADS = (0, 1, -1)


@dataclass(frozen=True, slots=True)
class Pads(Pass):
    """Let a pad say what is added at the borders of a tensor."""

    name: ClassVar[str] = "pads"
    points: int = option(1 << 20, "how many terms the sums of a statement may have in all", high=1 << 24)

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        new = rule
        for number, statement in enumerate(rule.statements):
            found = self._at(new, number) if any(r.pad is not None for r in reads(statement.value)) else new
            while found is not new:
                new, found = found, self._at(found, number)
        return unchanged(rule) if new is rule else Rewrite(new)

    def _at(self, rule: Rule, number: int) -> Rule:
        """The program with other pads in a sum of a statement, if that is shorter."""
        statement = rule.statements[number]
        bound = (b for n in postorder(statement.value) if isinstance(n, Reduce) for b in n.binders)
        box = literal_box((*statement.binders, *bound))
        if not statement.binders or box is None or prod(high - low for low, high in box) > self.points:
            return rule
        ways = (_with_pad(rule, statement, each, pad) for each in sums_of(statement.value) for pad in _PADS)
        return min((way for way in ways if way is not None and not verify(way)), key=cost, default=rule)


def _with_pad(rule: Rule, statement: Statement, each: Sum, pad: int) -> Rule | None:
    """The program with another pad in a sum; None if that is not shorter, or not known to be equal."""
    tables = {c.name for c in rule.constants}
    numbers = {t: c for t, c in each.terms.items() if _is_number(t, tables)}
    others = {t: c for t, c in each.terms.items() if t not in numbers}
    padded = {rewrite(t, lambda node: _padded(node, pad)): c for t, c in others.items()}
    if not numbers or padded == others:
        return None
    try:
        total = _added(rule, statement, each.terms) - _added(rule, statement, padded) + each.constant
    except (NotLinear, NotExact):
        return None
    is_bound = each.op is not None
    values = (-total if is_bound else total).tolist()
    names = names_of(rule)
    made: tuple[list[Constant], Expr] | None = [], Literal(values[0])
    if len(set(values)) > 1:
        made = selected(values, statement.binders, names, f"{'bound' if is_bound else 'bias'}_{statement.target}")
    if made is None:
        return None
    sums = builder.add_all(builder.mul(c, t) for t, c in sorted(padded.items(), key=lambda t: t[1] < 0))
    node = builder.add(sums, made[1]) if each.op is None else builder.compare(each.op, sums, made[1])
    value = rewrite(statement.value, lambda n: node if n == each.node else n)
    value = folded(statement, value, {c.name: c for c in (*rule.constants, *made[0])}, infer(rule))
    new = Statement(statement.target, statement.positions, value, location=statement.location)
    found = dce(with_statements(rule, [new if s is statement else s for s in rule.statements], made[0])).rule
    return found if cost(found) < cost(rule) else None


def _padded(node: Expr, pad: int) -> Expr:
    if isinstance(node, Read) and node.pad is not None:
        return Read(node.tensor, node.positions, Literal(pad), location=node.location)
    return node


def _is_number(term: Expr, tables: Set[str]) -> bool:
    """Whether a term depends on indices only."""
    return not any(isinstance(n, Reduce) or (isinstance(n, Read) and n.tensor not in tables) for n in postorder(term))


def _added(rule: Rule, statement: Statement, terms: Mapping[Expr, int]) -> np.ndarray:
    """What terms add besides elements with factors, at all places of a statement, row-major.

    Raises
    ------
    NotLinear, NotExact
        If a term is not linear in elements, or has numbers that are no integers.
    """
    types = infer(rule)
    atoms = Atoms.of_rule(rule, types)
    total: Any = 0
    for term, factor in terms.items():
        own = apart(Statement(statement.target, statement.positions, term))
        reader = Reader(rule, types, atoms, own)
        shape = reader.full_shape([b.name for b in own.binders])[: reader.domain_axes]
        found = [_chosen(reader, term)] if isinstance(term, If) else _beside_elements(reader, own.value)
        for values in found:
            inner = tuple(range(reader.domain_axes, values.ndim))
            total = total + factor * np.broadcast_to(values.sum(axis=inner), shape).astype(object)
    return np.asarray(total).ravel()


def _beside_elements(reader: Reader, term: Expr) -> list[np.ndarray]:
    terms = reader.terms(term)
    if any(c.exponent for c, _ in terms):
        raise NotLinear
    return [c.values for c, atom in terms if atom is None]


def _chosen(reader: Reader, expr: Expr) -> np.ndarray:
    """The values of an expression of indices with conditions."""
    match expr:
        case If(condition, then, otherwise):
            return np.where(_chosen(reader, condition), _chosen(reader, then), _chosen(reader, otherwise))
        case Binary("and" | "or" as op, left, right):
            join = np.logical_and if op == "and" else np.logical_or
            return np.asarray(join(_chosen(reader, left), _chosen(reader, right)))
        case Compare(ops, operands):
            sides = [_chosen(reader, operand) for operand in operands]
            pairs = zip(ops, sides, sides[1:], strict=False)
            return reduce(np.logical_and, (COMPARISONS[op](a, b) for op, a, b in pairs))
    value = reader.constant(expr)
    if value is None or value.exponent:
        raise NotLinear
    return value.values
