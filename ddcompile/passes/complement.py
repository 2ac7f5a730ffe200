"""Write hidden bits the other way round where statements become alike, for `roll`.

Before::

    a[i < 8] = x[i] or x[(i + 1) % 8]
    b[i < 8] = a[i] and a[(i + 1) % 8]
    y[i < 8] = not (b[i] or b[(i + 1) % 8])

After::

    a[i < 8] = not (x[i] or x[(i + 1) % 8])
    b[i < 8] = not (a[i] or a[(i + 1) % 8])
    y[i < 8] = not (b[i] or b[(i + 1) % 8])

Which way round a hidden bit is written is free: the readers read its negation. From the results on, what a statement
reads is turned round if the statement then has the shape of that of the result; the program is changed when it can be
rolled shorter then. Statements are written anew at their least cost, so they read few bits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from ddcompile.analysis.cost import cost
from ddcompile.ir import builder
from ddcompile.ir.nodes import Binary, Binder, Expr, Index, Literal, Read, Rule, Statement
from ddcompile.ir.traverse import reads, rewrite
from ddcompile.ir.types import Types, infer
from ddcompile.passes.align import Align
from ddcompile.passes.collapse_cones import unrolled
from ddcompile.passes.least import ANY, least
from ddcompile.passes.options import Pass, option
from ddcompile.passes.rewrite import Rewrite, Witness, read_names, unchanged, with_statements
from ddcompile.passes.roll import Roll
from ddcompile.passes.templates import shape_of

__all__ = ["Complement"]

_Turned: TypeAlias = frozenset[str]


@dataclass(frozen=True, slots=True)
class Complement(Pass):
    """Write hidden bits the other way round where statements become alike, for `roll`."""

    name: ClassVar[str] = "complement"
    size: int = option(200, "how many nodes a statement may have", high=100_000)
    inputs: int = option(4, "how many different bits a statement may read", high=4)

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        types = infer(rule)
        free = _free(rule, types)
        if len(free) < 2:
            return unchanged(rule)
        variants = _Variants(rule, types, self)
        price = None
        for turned in dict.fromkeys(_proposals(rule, types, free, variants)):
            new = variants.rule(turned)
            if not turned or new is None:
                continue
            price = _rolled(rule) if price is None else price
            if _rolled(new) < price:
                return Rewrite(new, Witness(tuple(_witness(rule, types, turned))))
        return unchanged(rule)


def _rolled(rule: Rule) -> int:
    """The cost of a program once it is rolled."""
    return cost(Roll()(Align()(rule).rule).rule)


def _free(rule: Rule, types: Types) -> set[str]:
    """Hidden bits that may be written either way: one clause over whole axes, never read beyond them, not constant."""
    results = {d.name for d in rule.outputs}
    clauses: dict[str, list[Statement]] = {}
    for statement in rule.statements:
        clauses.setdefault(statement.target, []).append(statement)
    padded = {n.tensor for s in rule.statements for n in reads(s.value) if n.pad is not None}
    return {
        name
        for name, (first, *others) in clauses.items()
        if not others
        and name not in results
        and name not in padded
        and types.tensor[name].kind == "bit"
        and (types.tensor[name].low, types.tensor[name].high) == (0, 1)
        and all(isinstance(p, Binder) for p in first.positions)
        and name not in read_names([first])
    }


class _Variants:
    """Statements with some of what they read, and perhaps their own bit, turned round."""

    def __init__(self, rule: Rule, types: Types, options: Complement) -> None:
        self._rule, self._types, self._options = rule, types, options
        self._known: dict[tuple[Expr, _Turned, bool], Expr | None] = {}

    def value(self, statement: Statement, turned: _Turned) -> Expr | None:
        """The value of a statement at its least cost; None if it reads too much."""
        read = turned & read_names([statement.value])
        is_own = statement.target in turned
        if not read and not is_own:
            return statement.value
        key = statement.value, read, is_own
        if key not in self._known:
            value = unrolled(statement.value, 2 * self._options.inputs)
            value = rewrite(value, lambda n: builder.negate(n) if isinstance(n, Read) and n.tensor in read else n)
            value = builder.negate(value) if is_own else value
            self._known[key] = least(value, self._types, ANY, self._options.inputs)
        return self._known[key]

    def shape(self, statement: Statement, turned: _Turned) -> object:
        """What statements that are alike have in common; None if the statement cannot be turned so."""
        value = self.value(statement, turned)
        if value is None:
            return None
        if value is statement.value:
            plain = unrolled(value, 2 * self._options.inputs)
            value = least(plain, self._types, ANY, self._options.inputs) or value
        # Where tensors on rings begin is free, too: see `align`.
        value = rewrite(value, lambda n: n.left if isinstance(n, Binary) and n.op == "%" else n)
        shape = shape_of(Statement(statement.target, statement.positions, value), self._options.size)
        return None if shape is None else shape.key

    def rule(self, turned: _Turned) -> Rule | None:
        """The whole program with some hidden bits turned round."""
        statements = []
        for statement in self._rule.statements:
            value = self.value(statement, turned)
            if value is None:
                return None
            statements.append(Statement(statement.target, statement.positions, value, location=statement.location))
        return with_statements(self._rule, statements)


def _proposals(rule: Rule, types: Types, free: set[str], variants: _Variants) -> Iterator[_Turned]:
    """For every result, what to turn round so that statements before it are like its own, one way and the other."""
    order = [rule.statements[k] for group in types.order for k in group]
    results = {d.name for d in rule.outputs}
    for last in (s for s in order if s.target in results):
        reached = free & read_names([last.value])
        for start in (frozenset[str](), frozenset(reached)):
            wanted = variants.shape(last, start)
            if not reached or wanted is None:
                continue
            yield _turned_like(wanted, start, reached, order, free, variants)


def _turned_like(
    wanted: object,
    turned: _Turned,
    decided: set[str],
    order: list[Statement],
    free: set[str],
    variants: _Variants,
) -> _Turned:
    decided = set(decided)
    for statement in reversed(order):
        if statement.target not in decided:
            continue
        rest = (free & read_names([statement.value])) - decided
        if rest and variants.shape(statement, turned) != wanted and variants.shape(statement, turned | rest) == wanted:
            turned |= rest
        decided |= rest
    return turned


def _witness(rule: Rule, types: Types, turned: _Turned) -> Iterator[Statement]:
    """Every turned bit as the negation of the old one."""
    clauses: Mapping[str, Statement] = {s.target: s for s in rule.statements}
    for name in sorted(turned):
        own = tuple(
            Binder(b.name, Literal(0), Literal(extent))
            for b, extent in zip(clauses[name].binders, types.shape[name], strict=True)
        )
        yield Statement(name, own, builder.negate(Read(name, tuple(Index(b.name) for b in own))))
