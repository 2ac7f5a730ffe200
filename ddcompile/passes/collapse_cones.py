"""Replace an element that depends on a few bits by the cheapest expression with the same truth table.

Before::

    left[i < 20] = cell[(i - 1) % 20] - cell[i] - cell[(i + 1) % 20] >= 1
    right[i < 20] = cell[i] + cell[(i + 1) % 20] - 2 * cell[(i - 1) % 20] >= 1
    next[i < 20] = left[i] + right[i] >= 1

After::

    next[i < 20] = cell[(i - 1) % 20] xor (cell[i] or cell[(i + 1) % 20])

The cone of a clause is its value with the clauses it reads written in, one level after another, and short sums
written out. When a cone reads at most four different elements, all bits, its table is taken over all their values
(reads that may coincide are treated as independent, which proves more than is needed). The clause is replaced when
the text gets shorter, counting the clauses that nothing reads any more.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import product
from typing import ClassVar

from ddcompile.analysis.boolean import least_expression
from ddcompile.analysis.cost import cost
from ddcompile.analysis.linear import box_bounds
from ddcompile.analysis.reals import Reals
from ddcompile.ir import builder
from ddcompile.ir.affine import affine_of
from ddcompile.ir.nodes import (
    Binary,
    Binder,
    Binding,
    Call,
    Compare,
    Constant,
    Expr,
    If,
    Index,
    Literal,
    Number,
    Read,
    Reduce,
    Rule,
    Statement,
    Unary,
)
from ddcompile.ir.printer import print_expression
from ddcompile.ir.traverse import children, postorder, reads, rename_indices, rewrite, substitute
from ddcompile.ir.types import Types, infer
from ddcompile.passes.dce import dce
from ddcompile.passes.fold import folded
from ddcompile.passes.options import Pass, option
from ddcompile.passes.rewrite import Rewrite, read_names, unchanged, with_statements

__all__ = ["CollapseCones"]


@dataclass(frozen=True, slots=True)
class CollapseCones(Pass):
    """Replace an element that depends on a few bits by the cheapest expression with the same truth table."""

    name: ClassVar[str] = "collapse-cones"
    inputs: int = option(4, "how many different bits a cone may read", high=4)
    depth: int = option(4, "how many levels of clauses a cone may take in", high=64)
    terms: int = option(16, "how many terms a sum may have that is written out", high=1024)
    size: int = option(600, "the largest cost of a cone", high=100_000)

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        types = infer(rule)
        reals = Reals(types)
        tables = {c.name: c for c in rule.constants}
        clauses: dict[str, list[Statement]] = {}
        for statement in rule.statements:
            clauses.setdefault(statement.target, []).append(statement)
        readers = Counter(name for s in rule.statements for name in read_names([s]))
        statements = []
        for statement in rule.statements:
            value = _collapsed(statement, clauses, readers, tables, types, reals, self)
            statements.append(Statement(statement.target, statement.positions, value, location=statement.location))
        if all(a.value is b.value for a, b in zip(statements, rule.statements, strict=True)):
            return unchanged(rule)
        new = with_statements(rule, statements)
        return Rewrite(new) if _live_cost(new) < _live_cost(rule) else unchanged(rule)


def _live_cost(rule: Rule) -> int:
    return cost(dce(rule).rule)


def _collapsed(
    statement: Statement,
    clauses: dict[str, list[Statement]],
    readers: Counter[str],
    tables: dict[str, Constant],
    types: Types,
    reals: Reals,
    options: CollapseCones,
) -> Expr:
    """The cheapest value found over cones of growing depth; the old value if none is cheaper."""
    if reals(statement.value) or statement.target in read_names([statement]) or cost(statement.value) > options.size:
        return statement.value
    best, price = statement.value, float(cost(statement.value))
    cone, saved = folded(statement, _unrolled(statement.value, options.terms), tables, types), 0.0
    gone: set[str] = set()
    for _ in range(options.depth):
        found = _least(cone, types, int(price + saved) + 1, options.inputs)
        if found is not None and cost(found) - saved < price:
            found = folded(statement, found, tables, types)
            best, price = found, cost(found) - saved
        deeper, written = _expanded(cone, clauses, reals)
        if not written:
            break
        cone = folded(statement, _unrolled(deeper, options.terms), tables, types)
        if cost(cone) > options.size:
            break
        for name in written - gone:
            saved += sum(map(cost, clauses[name])) / readers[name]
        gone |= written
    return best


def _expanded(value: Expr, clauses: dict[str, list[Statement]], reals: Reals) -> tuple[Expr, set[str]]:
    """The value with the single-clause tensors it reads written in, and their names."""
    written: set[str] = set()
    taken = {n.name for n in postorder(value) if isinstance(n, Index)}
    taken |= {b.name for n in postorder(value) if isinstance(n, Binding) for b in n.binders}

    def step(node: Expr) -> Expr:
        if not isinstance(node, Read) or node.pad is not None:
            return node
        sources = clauses.get(node.tensor, [])
        if len(sources) != 1 or not all(isinstance(p, Binder) for p in sources[0].positions):
            return node
        source = sources[0]
        if source.target in read_names([source]) or reals(source.value):
            return node
        inner = [b.name for n in postorder(source.value) if isinstance(n, Binding) for b in n.binders]
        names = {n: _other(n, taken) for n in dict.fromkeys([*(b.name for b in source.binders), *inner])}
        body = rename_indices(source.value, names)
        written.add(node.tensor)
        own = [names[b.name] for b in source.binders]
        return substitute(body, dict(zip(own, node.positions, strict=True)))

    return rewrite(value, step), written


def _other(name: str, taken: set[str]) -> str:
    fresh, count = f"{name}_", 1
    while fresh in taken:
        count += 1
        fresh = f"{name}_{count}"
    taken.add(fresh)
    return fresh


def _unrolled(value: Expr, limit: int) -> Expr:
    """Write sums over at most so many terms out."""

    def step(node: Expr) -> Expr:
        match node:
            case Reduce("sum" | "any" | "all" as op, binders, body):
                bounds = [box_bounds(b) for b in binders]
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


def _least(value: Expr, types: Types, limit: int, inputs: int) -> Expr | None:
    """The cheapest expression with the table of `value`, if it reads few bits."""
    atoms = list(dict.fromkeys(reads(value)))
    if not 0 < len(atoms) <= inputs:
        return None
    atoms.sort(key=lambda atom: _place(atom, types))
    for atom in atoms:
        kind = types.tensor.get(atom.tensor)
        pad = atom.pad is None or atom.pad in (Literal(0), Literal(1))
        if kind is None or kind.kind != "bit" or not pad or any(True for p in atom.positions for _ in reads(p)):
            return None
    if any(isinstance(n, Index) for n in _outside(value)) or any(isinstance(n, Binding) for n in postorder(value)):
        return None
    table = 0
    for number in range(1 << len(atoms)):
        result = _evaluate(value, {a: number >> j & 1 for j, a in enumerate(atoms)})
        if result not in (0, 1):
            return None
        table |= int(result) << number
    # Inputs that do not matter go.
    needed = [j for j in range(len(atoms)) if _depends(table, j, len(atoms))]
    small = 0
    for number in range(1 << len(needed)):
        spread = sum((number >> k & 1) << j for k, j in enumerate(needed))
        small |= (table >> spread & 1) << number
    chosen = [atoms[j] for j in needed]
    return least_expression(small, chosen, [cost(a) for a in chosen], limit)


def _place(atom: Read, types: Types) -> tuple[int, list[tuple[Number, str]]]:
    """The order of operands: by tensors as they are declared, then by offsets, so that shuffles give one text."""
    places: list[tuple[Number, str]] = []
    for position in atom.positions:
        form = affine_of(position.left if isinstance(position, Binary) and position.op == "%" else position)
        places.append((0 if form is None else form.constant, print_expression(position)))
    return list(types.tensor).index(atom.tensor), places


def _outside(value: Expr) -> list[Expr]:
    """Nodes of an expression that are not inside positions of reads."""
    found, work = [], [value]
    while work:
        node = work.pop()
        found.append(node)
        if not isinstance(node, Read):
            work += children(node)
    return found


def _depends(table: int, j: int, count: int) -> bool:
    return any((table >> a & 1) != (table >> (a ^ (1 << j)) & 1) for a in range(1 << count))


def _evaluate(value: Expr, atoms: dict[Read, int]) -> int:
    """The value of an expression without reductions where its reads have given values; -1 if it is not an integer's."""
    stack: list[tuple[Expr, bool]] = [(value, False)]
    results: list[int] = []
    while stack:
        node, ready = stack.pop()
        if isinstance(node, Read):
            results.append(atoms[node])
            continue
        kids = children(node)
        if kids and not ready:
            stack.append((node, True))
            stack += [(kid, False) for kid in reversed(kids)]
            continue
        own = results[len(results) - len(kids) :]
        del results[len(results) - len(kids) :]
        results.append(_applied(node, own))
    return results[0]


_COMPARISONS = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}


def _applied(node: Expr, own: list[int]) -> int:
    match node:
        case Literal(value):
            return value  # type: ignore[return-value]
        case Unary(op, _):
            x = own[0]
            return {"-": -x, "not": 1 - x, "sign": (x > 0) - (x < 0), "abs": abs(x), "relu": max(x, 0)}.get(op, -1)
        case Binary(op, _, _):
            a, b = own
            match op:
                case "+":
                    return a + b
                case "-":
                    return a - b
                case "*":
                    return a * b
                case "%":
                    return a % b if b > 0 else -1
                case "and":
                    return a & b
                case "or":
                    return a | b
                case "xor":
                    return a ^ b
        case Compare(ops, _):
            return int(all(_COMPARISONS[op](a, b) for op, a, b in zip(ops, own, own[1:], strict=False)))
        case If():
            return own[1] if own[0] else own[2]
        case Call(function, _):
            return min(own) if function == "min" else max(own)
    raise TypeError(f"not evaluated: {type(node).__name__}")
