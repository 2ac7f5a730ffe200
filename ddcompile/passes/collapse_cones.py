"""Replace an element that depends on a few bits by the cheapest expression with the same truth table.

Before::

    left[i < 20] = cell[(i - 1) % 20] - cell[i] - cell[(i + 1) % 20] >= 1
    right[i < 20] = cell[i] + cell[(i + 1) % 20] - 2 * cell[(i - 1) % 20] >= 1
    next[i < 20] = left[i] + right[i] >= 1

After::

    next[i < 20] = cell[(i - 1) % 20] xor (cell[i] or cell[(i + 1) % 20])

The cone of a clause is its value with the clauses it reads written in, one level after another, and short sums
written out. When a cone reads at most four different elements, all bits or integers of small range such as counts, its
table is taken over all their values (reads that may coincide are treated as independent, which proves more than is
needed). The clause is replaced when the text gets shorter, counting the clauses that nothing reads any more.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import product
from typing import ClassVar

from ddcompile.analysis.cost import cost
from ddcompile.analysis.linear import box_bounds
from ddcompile.analysis.scopes import subexpressions
from ddcompile.ir import builder
from ddcompile.ir.affine import simplify
from ddcompile.ir.nodes import (
    Binary,
    Binder,
    Compare,
    Constant,
    Expr,
    If,
    Literal,
    Read,
    Reduce,
    Rule,
    Statement,
    Unary,
)
from ddcompile.ir.traverse import chain_operands, postorder, reads, rewrite, substitute
from ddcompile.ir.types import Types, infer
from ddcompile.passes.dce import dce
from ddcompile.passes.fold import folded, with_places
from ddcompile.passes.least import ANY, least, least_alone
from ddcompile.passes.options import Pass, option
from ddcompile.passes.rewrite import Rewrite, read_names, unchanged, with_statements
from ddcompile.passes.switched import (
    at_place,
    condition_of,
    exceptional_places,
    usual,
    with_sums_as_reads,
)
from ddcompile.passes.taking_in import Writer

__all__ = ["CollapseCones", "unrolled"]


@dataclass(frozen=True, slots=True)
class CollapseCones(Pass):
    """Replace an element that depends on a few bits by the cheapest expression with the same truth table."""

    name: ClassVar[str] = "collapse-cones"
    inputs: int = option(4, "how many different bits a cone may read", high=4)
    depth: int = option(6, "how many levels of clauses a cone may take in", high=64)
    terms: int = option(16, "how many terms a sum may have that is written out", high=1024)
    size: int = option(600, "the largest cost of a cone", high=100_000)

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        types = infer(rule)
        program = _Program.of(rule, types, self)
        statements = list(rule.statements)
        # What is read comes first, so that its least cost is known.
        for number in sorted(range(len(statements)), key=lambda k: program.writer.levels[statements[k].target]):
            old = statements[number]
            value = old.value
            for clause in (*_summands(old), None):
                clause = clause or Statement(old.target, old.positions, value)
                short = _collapsed(clause, program)
                if short is not clause.value:
                    value = rewrite(value, lambda n, c=clause, s=short: s if n == c.value else n)  # type: ignore[misc]
            statements[number] = Statement(old.target, old.positions, value, location=old.location)
            program.prices[old.target] += cost(value) - cost(old.value)
        if all(a.value is b.value for a, b in zip(statements, rule.statements, strict=True)):
            return unchanged(rule)
        while wider := _wider(with_statements(rule, statements), types):
            kept = [b if b.target in wider else a for a, b in zip(statements, rule.statements, strict=True)]
            if kept == statements:
                return unchanged(rule)
            statements = kept
        new = with_statements(rule, statements)
        if _live_cost(new) >= _live_cost(rule):
            new = _one_by_one(rule, statements, types)
            if new is rule:
                return unchanged(rule)
        # Where less is now known to be possible, more may be found.
        return Rewrite(new if infer(new).tensor == types.tensor else self(new).rule)


@dataclass(frozen=True, slots=True)
class _Program:
    """What clauses are looked at with."""

    writer: Writer
    prices: dict[str, int]
    """What the clauses of each tensor cost, those that were looked at as they are now."""
    readers: Counter[str]
    options: CollapseCones

    @classmethod
    def of(cls, rule: Rule, types: Types, options: CollapseCones) -> _Program:
        """What is known of a rule before any of its clauses is looked at."""
        clauses: dict[str, list[Statement]] = {}
        for statement in rule.statements:
            clauses.setdefault(statement.target, []).append(statement)
        prices = {name: sum(map(cost, found)) for name, found in clauses.items()}
        readers = Counter(name for s in rule.statements for name in read_names([s]))
        writer = Writer(clauses, _levels(rule, types), {c.name: c for c in rule.constants}, types)
        return cls(writer, prices, readers, options)


def _summands(statement: Statement) -> list[Statement]:
    """Conditions that reductions in a clause are over, as clauses of their own."""
    return [
        Statement(statement.target, (*scope, *node.binders), node.body)
        for node, scope in subexpressions(statement)
        if isinstance(node, Reduce) and isinstance(node.body, Compare | Binary | Unary)
    ]


def _wider(new: Rule, types: Types) -> set[str]:
    """Tensors that are seen to hold more values than before, so that readers may not take them any more."""
    return {name for name, value in infer(new).tensor.items() if not value.is_within(types.tensor[name])}


def _one_by_one(rule: Rule, statements: list[Statement], types: Types) -> Rule:
    """The rule with those of other values for single elements that make it shorter by themselves.

    Tensors are left alone: layers that are alike stay so.
    """
    price = _live_cost(rule)
    for number, other in enumerate(statements):
        if not other.binders and other.value is not rule.statements[number].value:
            new = with_statements(rule, [*rule.statements[:number], other, *rule.statements[number + 1 :]])
            if _live_cost(new) < price and not _wider(new, types):
                rule, price = new, _live_cost(new)
    return rule


def _live_cost(rule: Rule) -> int:
    return cost(dce(rule).rule)


def _collapsed(statement: Statement, program: _Program) -> Expr:
    """The cheapest value found over cones of growing depth; the old value if none is cheaper."""
    writer, options = program.writer, program.options
    tables, types = writer.tables, writer.types
    if writer.reals(statement.value) or cost(statement.value) > options.size:
        return statement.value
    best, price = statement.value, float(cost(statement.value))
    cone, saved = folded(statement, unrolled(statement.value, options.terms), tables, types), 0.0
    plain = statement.value
    gone: set[str] = set()
    # A tensor reads itself, or others that read it, some steps before: not at a place that is a number.
    is_recurrent = any(
        writer.levels.get(name, 0) >= writer.levels[statement.target] for name in read_names([statement])
    )
    for _ in range(options.depth):
        whole = writer.closed(statement, cone)
        narrow = None if whole is cone else _written_out(statement, whole, tables, types, options)
        for found in (
            None if narrow is None else least(narrow, types, int(price + saved) + 1, options.inputs, nested=not gone),
            # A clause of its own says more than a summand: clauses that are taken in do not become one.
            least(cone, types, int(price + saved) + 1, options.inputs, nested=not gone),
            None
            if is_recurrent and exceptional_places(plain, statement.binders)
            else _switched(statement, plain, tables, types, int(price + saved) + 1, options),
        ):
            if found is not None and cost(found) - saved < price:
                found = folded(statement, found, tables, types)
                best, price = found, cost(found) - saved
        if statement.target in read_names([statement]):
            break
        deeper, written = writer.expanded(cone)
        if not written or cost(deeper) > 2 * options.size:
            break
        cone = _written_out(statement, deeper, tables, types, options)
        if cost(cone) > options.size:
            break
        plain, _ = writer.expanded(plain)
        for name in written - gone:
            saved += program.prices[name] / program.readers[name]
        gone |= written
    return best


def _switched(
    statement: Statement,
    value: Expr,
    tables: dict[str, Constant],
    types: Types,
    limit: int,
    options: CollapseCones,
) -> Expr | None:
    """The cheapest value with sums as operands, and as it is at a few places where conditions on indices hold."""
    places = exceptional_places(value, statement.binders)
    is_switched = any(isinstance(node, If) for node in postorder(value))
    if is_switched and not places:
        return None
    operands, known, sums = with_sums_as_reads(usual(value), types)
    found = least(operands, known, limit, options.inputs) if sums else None
    if found is not None:
        found = rewrite(found, lambda node: sums.get(node.tensor, node) if isinstance(node, Read) else node)
    if places:
        cone = _written_out(statement, usual(value), tables, types, options)
        other = least(cone, types, limit if found is None else cost(found), options.inputs)
        found = other or found
    if found is None:
        return None
    for place in reversed(places):
        there = folded(statement, at_place(value, place), tables, types)
        otherwise = folded(statement, at_place(found, place), tables, types)
        if _bits(statement, there, tables, types, options) == _bits(statement, otherwise, tables, types, options):
            continue
        there = _alone(statement, there, tables, types, options)
        found = builder.conditional(condition_of(place, statement.binders), there, found)
    return found


def _bits(statement: Statement, value: Expr, tables: dict[str, Constant], types: Types, options: CollapseCones) -> Expr:
    """What all expressions over few bits with one table have in common; the value itself if it reads more."""
    cone = _written_out(statement, value, tables, types, options)
    return least(cone, types, ANY, options.inputs) or value


def _alone(
    statement: Statement, value: Expr, tables: dict[str, Constant], types: Types, options: CollapseCones
) -> Expr:
    """A shorter text of one element: whole, or what reads the same few elements in a chain of `or`, `and`, `xor`."""
    for whole in (value, unrolled(value, options.terms)):
        found = least_alone(with_places(statement, whole, tables, types), types, cost(value))
        if found is not None:
            value = min(value, folded(statement, found, tables, types), key=cost)
    if not isinstance(value, Binary) or value.op not in ("or", "and", "xor"):
        return value
    groups: list[tuple[set[Read], list[Expr]]] = []
    for operand in chain_operands(value.op, value):
        atoms = set(reads(_written_out(statement, operand, tables, types, options)))
        for have, members in groups:
            if len(have | atoms) <= options.inputs:
                have |= atoms
                members.append(operand)
                break
        else:
            groups.append((atoms, [operand]))
    parts: list[Expr] = []
    for _, members in groups:
        part = members[0]
        for operand in members[1:]:
            part = Binary(value.op, part, operand)
        cone = _written_out(statement, part, tables, types, options)
        parts.append(least(cone, types, cost(part), options.inputs) or part)
    result = parts[0]
    for part in parts[1:]:
        result = Binary(value.op, result, part)
    return min(value, result, key=cost)


def _levels(rule: Rule, types: Types) -> dict[str, int]:
    """How many statements stand one upon another below each tensor."""
    levels: dict[str, int] = {}
    for group in types.order:
        statements = [rule.statements[k] for k in group]
        level = 1 + max((levels.get(name, 0) for name in read_names(statements)), default=0)
        levels |= {s.target: max(level, levels.get(s.target, 0)) for s in statements}
    return levels


def _written_out(
    statement: Statement, value: Expr, tables: dict[str, Constant], types: Types, options: CollapseCones
) -> Expr:
    """A value in the place of a statement's with short sums written out, and places in their normal form."""
    return with_places(statement, unrolled(with_places(statement, value, tables, types), options.terms), tables, types)


def unrolled(value: Expr, limit: int) -> Expr:
    """Write sums over at most so many terms out."""

    def step(node: Expr) -> Expr:
        match node:
            case Reduce("sum" | "any" | "all" as op, binders, body):
                bounds = [box_bounds(Binder(b.name, simplify(b.lower), simplify(b.upper))) for b in binders]
                if any(b is None for b in bounds):
                    return node
                ranges = [range(*b) for b in bounds if b is not None]
                count = 1
                for r in ranges:
                    count *= len(r)
                if count > limit:
                    return node
                names = [b.name for b in binders]
                terms = [
                    substitute(body, {n: Literal(v) for n, v in zip(names, values, strict=True)})
                    for values in product(*ranges)
                ]
                match op:
                    case "sum":
                        return builder.add_all(terms)
                    case "any":
                        return builder.disj(*terms)
                return builder.conj(*terms)
        return node

    return rewrite(value, step)
