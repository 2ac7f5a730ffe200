"""Write clauses that differ in a bound which goes up, or down, in even steps as one clause.

Before::

    y[i < 2] = x[i] and total >= 2
    y[2 <= i < 4] = x[i] and total >= 3
    y[4 <= i < 6] = x[i] and total >= 4

After::

    y[i < 6] = x[i] and 2 * total >= i + 3

An integer is at least `b` where `m` times it is at least any number above `m * (b - 1)` up to `m * b`, of which one may
be an affine function of the index, for all clauses at once. A clause of one element is written out for this.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Final

import numpy as np

from ddcompile.analysis.bounds import fit_bounds
from ddcompile.analysis.cost import cost
from ddcompile.analysis.linear import box_bounds
from ddcompile.ir import builder
from ddcompile.ir.affine import Affine
from ddcompile.ir.nodes import Binder, Compare, Constant, Expr, Literal, Rule, Statement
from ddcompile.ir.traverse import postorder, rewrite, substitute
from ddcompile.ir.types import Types, infer
from ddcompile.ir.verifier import verify
from ddcompile.passes.fold import folded
from ddcompile.passes.options import Pass, option
from ddcompile.passes.rewrite import Rewrite, unchanged, with_statements

__all__ = ["Grade"]

_NEXT: Final = {">=": 0, "<": 0, ">": 1, "<=": 1}
"""What is added to a number, so that `value >= number`, or not, says the same."""


@dataclass(frozen=True, slots=True)
class Grade(Pass):
    """Write clauses that differ in a bound which goes up, or down, in even steps as one clause."""

    name: ClassVar[str] = "grade"
    elements: int = option(1 << 12, "how many elements the clauses of a tensor may have along an axis", high=1 << 20)

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        old = rule
        found: Rule | None = rule
        while found is not None:
            rule = found
            found = self._shorter(rule)
        return unchanged(old) if rule is old else Rewrite(rule)

    def _shorter(self, rule: Rule) -> Rule | None:
        """The program with one clause for several; None if there are no such."""
        clauses: dict[str, list[Statement]] = {}
        for statement in rule.statements:
            clauses.setdefault(statement.target, []).append(statement)
        if all(len(own) == 1 for own in clauses.values()):
            return None
        state = _State(infer(rule), {c.name: c for c in rule.constants}, self.elements)
        for own in clauses.values():
            for template in own:
                for axis, position in enumerate(template.positions):
                    if not isinstance(position, Binder) or len(own) == 1:
                        continue
                    for joined, members in state.joined(template, axis, own):
                        statements = [joined if s is template else s for s in rule.statements if s not in members]
                        new = with_statements(rule, statements)
                        if cost(new) < cost(rule) and not verify(new):
                            return new
        return None


@dataclass(frozen=True, slots=True)
class _State:
    types: Types
    tables: dict[str, Constant]
    elements: int

    def joined(
        self, template: Statement, axis: int, clauses: Sequence[Statement]
    ) -> Iterator[tuple[Statement, list[Statement]]]:
        """A clause for a run of clauses along an axis, and the others of these, for every bound of a template."""
        runs = sorted((r, k) for k, s in enumerate(clauses) if (r := self._range(s, template, axis)) is not None)
        here = next((n for n, (_, k) in enumerate(runs) if clauses[k] is template), len(runs))
        for number, node in enumerate(_comparisons(template.value)):
            if _bound(node) is None or not self.types.of(node.operands[0]).is_integral:
                continue
            chosen: dict[int, tuple[tuple[int, int], int]] = {}
            for step in (1, -1):
                n = here
                while 0 <= n < len(runs):
                    (low, high), k = runs[n]
                    bound = self._bound_like(template, axis, number, clauses[k], low)
                    before = chosen.get(n - step)
                    is_next = before is None or before[0][(1 + step) // 2] == (low, high)[(1 - step) // 2]
                    if bound is None or not is_next:
                        break
                    chosen[n] = (low, high), bound
                    n += step
            found = self._graded(template, axis, number, list(chosen.values())) if len(chosen) > 1 else None
            if found is not None:
                yield found, [s for n in chosen if (s := clauses[runs[n][1]]) is not template]

    def _range(self, statement: Statement, template: Statement, axis: int) -> tuple[int, int] | None:
        """What a clause covers of an axis, if it is like the template on the others."""
        others = [p for k, p in enumerate(statement.positions) if k != axis]
        if others != [p for k, p in enumerate(template.positions) if k != axis]:
            return None
        position = statement.positions[axis]
        if isinstance(position, Binder):
            own = template.positions[axis]
            return box_bounds(position) if isinstance(own, Binder) and position.name == own.name else None
        return (position.value, position.value + 1) if isinstance(position, Literal) else None  # type: ignore[return-value]

    def _bound_like(self, template: Statement, axis: int, number: int, statement: Statement, place: int) -> int | None:
        """The bound of a clause that is the template but for it."""
        nodes = _comparisons(statement.value)
        bound = _bound(nodes[number]) if number < len(nodes) else None
        own = template.positions[axis]
        if bound is None or not isinstance(own, Binder):
            return None
        expected = _with_bound(template.value, number, Literal(bound))
        if not isinstance(statement.positions[axis], Binder):
            there = substitute(expected, {own.name: Literal(place)})
            expected = folded(replace(statement, value=there), there, self.tables, self.types)
        return bound if expected == statement.value else None

    def _graded(
        self, template: Statement, axis: int, number: int, parts: Sequence[tuple[tuple[int, int], int]]
    ) -> Statement | None:
        """The template over all parts, with a bound that is affine in the index."""
        low, high = min(low for (low, _), _ in parts), max(high for (_, high), _ in parts)
        node = _comparisons(template.value)[number]
        (op,) = node.ops
        own = template.positions[axis]
        if high - low > self.elements or not isinstance(own, Binder):
            return None
        bounds = {place: bound + _NEXT[op] for (start, stop), bound in parts for place in range(start, stop)}
        places = sorted(bounds)
        fit = fit_bounds([bounds[p] for p in places], np.array(places, dtype=np.int64)[:, None])
        if fit is None:
            return None
        factor, constant, (slope,) = fit
        line = Affine.of(constant, {own.name: slope}).to_expr()
        value = _with_bound(template.value, number, line, factor, ">=" if op in (">=", ">") else "<")
        positions = list(template.positions)
        positions[axis] = Binder(own.name, Literal(low), Literal(high))
        made = replace(template, positions=tuple(positions), value=value)
        return replace(made, value=folded(made, made.value, self.tables, self.types))


def _comparisons(value: Expr) -> list[Compare]:
    return [n for n in postorder(value) if isinstance(n, Compare)]


def _bound(node: Compare) -> int | None:
    """The number that something is compared with."""
    match node:
        case Compare((op,), (_, Literal(int(bound)))) if op in _NEXT:
            return bound
    return None


def _with_bound(value: Expr, number: int, bound: Expr, factor: int = 1, op: str = "") -> Expr:
    """The value with another bound in one of its comparisons."""
    target = _comparisons(value)[number]

    def step(node: Expr) -> Expr:
        if node is not target:
            return node
        left = builder.mul(factor, target.operands[0])
        return replace(target, ops=(op or target.ops[0],), operands=(left, bound))  # type: ignore[arg-type]

    return rewrite(value, step)
