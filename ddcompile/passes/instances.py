"""Give a sum that moves with the indices a name where sums elsewhere are that sum at a place.

Before::

    y[i < 4] = if i == 2 then sum(k < 3: x[k + 6]) >= 1 and sum(k < 3: x[k]) <= 1 else sum(k < 3: x[3 * i + k]) % 2

After::

    part[i < 4] = sum(k < 3: x[3 * i + k])
    y[i < 4] = if i == 2 then part[2] >= 1 and part[0] <= 1 else part[i] % 2

Constants of both sums have to agree at the place, up to the extents of what wraps; then the texts have to be the same
after folding. The sum is named where the text gets shorter, also beside names for each of the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from math import gcd, prod
from typing import ClassVar

import numpy as np

from ddcompile.analysis.cost import cost
from ddcompile.analysis.linear import box_bounds
from ddcompile.analysis.reals import Reals
from ddcompile.analysis.scopes import alpha_key, ordered_free, subexpressions
from ddcompile.ir.nodes import Binary, Binder, Constant, Expr, Index, Literal, Read, Reduce, Rule, Statement
from ddcompile.ir.traverse import postorder, rewrite, substitute
from ddcompile.ir.types import Types, infer
from ddcompile.ir.verifier import verify
from ddcompile.passes.fold import folded
from ddcompile.passes.layers import names_of
from ddcompile.passes.options import Pass, option
from ddcompile.passes.rewrite import Rewrite, read_names, unchanged, with_statements
from ddcompile.passes.templates import Shape, shape_of

__all__ = ["Instances"]

_REACH = 2**30
_MOST = 64
"""Sums that move, and different sums that do not, that are looked at."""


@dataclass(frozen=True, slots=True)
class Instances(Pass):
    """Give a sum that moves with the indices a name where sums elsewhere are that sum at a place."""

    name: ClassVar[str] = "instances"
    places: int = option(1 << 12, "how many places a sum that moves may have", high=1 << 20)
    size: int = option(100, "how many nodes a sum may have", high=100_000)

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        old, found = rule, _shorter(rule, self)
        while found is not None:
            rule, found = found, _shorter(found, self)
        return unchanged(old) if rule is old else Rewrite(rule)


@dataclass(slots=True)
class _Family:
    """A sum that moves: its indices, where it is, with other names perhaps, and the places of other sums."""

    sum: Reduce
    binders: tuple[Binder, ...]
    uses: list[Expr] = field(default_factory=list)
    places: dict[Expr, tuple[int, ...]] = field(default_factory=dict)


def _shorter(rule: Rule, options: Instances) -> Rule | None:
    """The program with the name that saves most; None if none saves."""
    families: dict[object, _Family] = {}
    fixed: dict[Expr, int] = {}
    types = infer(rule)
    reals = Reals(types)
    for statement in rule.statements:
        if statement.target in read_names([statement]):
            continue
        for expr, scope in subexpressions(statement):
            if not isinstance(expr, Reduce) or reals(expr):
                continue
            own = ordered_free(expr)
            if not own:
                fixed[expr] = fixed.get(expr, 0) + 1
                continue
            binders = tuple(b for name in own for b in scope if b.name == name)
            bounds = [b for b in map(box_bounds, binders) if b is not None]
            if len(bounds) == len(binders) == len(own) and all(low == 0 for low, _ in bounds):
                key = alpha_key(expr, own), tuple(bounds)
                families.setdefault(key, _Family(expr, binders)).uses.append(expr)
    if not fixed or not families or max(len(fixed), len(families)) > _MOST:
        return None
    tables = {c.name: c for c in rule.constants}
    best: tuple[int, _Family] | None = None
    for family in families.values():
        family.places = dict(_placed(family, fixed, tables, types, options))
        saved = _saved(family, fixed)
        if saved > 0 and (best is None or saved > best[0]):
            best = saved, family
    if best is None:
        return None
    new = _named(rule, best[1])
    return new if cost(new) < cost(rule) and not verify(new) else None


def _saved(family: _Family, fixed: dict[Expr, int]) -> int:
    """How much shorter the text gets, beside one in which each of the other sums has a name if that is shorter."""
    own = Statement("x", family.binders, family.sum)
    saved = len(family.uses) * (cost(family.sum) - cost(Read("x", tuple(Index(b.name) for b in family.binders))))
    for expr, place in family.places.items():
        count = fixed[expr]
        plain = min(count * cost(expr), cost(Statement("x", (), expr)) + count * cost(Read("x")))
        saved += plain - count * cost(Read("x", tuple(map(Literal, place))))
    return saved - cost(own)


def _placed(
    family: _Family, fixed: dict[Expr, int], tables: dict[str, Constant], types: Types, options: Instances
) -> Iterator[tuple[Expr, tuple[int, ...]]]:
    """The sums that are the family's at a place, with that."""
    names = [b.name for b in family.binders]
    counts = [b[1] for b in map(box_bounds, family.binders) if b is not None]
    if prod(counts) > options.places:
        return
    start = _shape(substitute(family.sum, dict.fromkeys(names, Literal(0))), options)
    steps = []
    for name in names:
        at: dict[str, Expr] = {n: Literal(int(n == name)) for n in names}
        steps.append(_shape(substitute(family.sum, at), options))
    if start is None or any(s is None or s.key != start.key for s in steps):
        return
    base = np.array(start.numbers, dtype=np.int64)
    slopes = np.array([s.numbers for s in steps if s is not None], dtype=np.int64) - base
    grid = np.array(list(product(*map(range, counts))), dtype=np.int64)
    period = _period(family.sum)
    for expr in fixed:
        shape = _shape(expr, options)
        if shape is None or (shape.key, shape.tensors) != (start.key, start.tensors):
            continue
        apart = base + grid @ slopes - np.array(shape.numbers, dtype=np.int64)
        if period:
            apart %= period
        for k in np.flatnonzero((apart == 0).all(axis=1)).tolist():
            place = tuple(grid[k].tolist())
            there = substitute(family.sum, {n: Literal(p) for n, p in zip(names, place, strict=True)})
            if _key(there, tables, types) == _key(expr, tables, types):
                yield expr, place
                break


def _key(expr: Expr, tables: dict[str, Constant], types: Types) -> Expr:
    """A sum up to the names of its indices, folded."""
    return alpha_key(folded(Statement("x", (), expr), expr, tables, types), ())


def _shape(expr: Expr, options: Instances) -> Shape | None:
    """The shape of a sum without what its positions wrap at; None if its constants are large."""
    plain = rewrite(expr, lambda node: node.left if isinstance(node, Binary) and node.op == "%" else node)
    shape = shape_of(Statement("", (), plain), options.size)
    if shape is None or not all(isinstance(v, int) and abs(v) < _REACH for v in shape.numbers):
        return None
    return shape


def _period(expr: Expr) -> int:
    """A number of which all extents that positions wrap at are multiples; 0 if nothing wraps."""
    found = [n.right for n in postorder(expr) if isinstance(n, Binary) and n.op == "%"]
    return gcd(*(r.value for r in found if isinstance(r, Literal) and isinstance(r.value, int)))


def _replaced(others: Mapping[Expr, Expr], node: Expr) -> Expr:
    return others.get(node, node) if isinstance(node, Reduce) else node


def _named(rule: Rule, family: _Family) -> Rule:
    """The program with a tensor for the family."""
    names = names_of(rule)
    tensor = names("part")
    own = [b.name for b in family.binders]
    key = alpha_key(family.sum, own)
    bounds = list(map(box_bounds, family.binders))
    statements: list[Statement] = []
    first = len(rule.statements)
    for number, statement in enumerate(rule.statements):
        moving: dict[Expr, Expr] = {}
        if statement.target not in read_names([statement]):
            for expr, scope in subexpressions(statement):
                if expr in family.uses:
                    free = ordered_free(expr)
                    binders = [b for n in free for b in scope if b.name == n]
                    if alpha_key(expr, free) == key and list(map(box_bounds, binders)) == bounds:
                        moving[expr] = Read(tensor, tuple(map(Index, free)))
            moving |= {e: Read(tensor, tuple(map(Literal, place))) for e, place in family.places.items()}
        value = rewrite(statement.value, partial(_replaced, moving))
        if value is not statement.value:
            first = min(first, number)
            statement = Statement(statement.target, statement.positions, value, location=statement.location)
        statements.append(statement)
    statements.insert(first, Statement(tensor, family.binders, family.sum))
    return with_statements(rule, statements)
