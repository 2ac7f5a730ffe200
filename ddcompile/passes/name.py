"""Name tensors for what they compute, indices by their place, and order statements by use.

Before::

    partial2 = sum(b < 9, a < 9: x[b, a])
    partial[a < 9] = sum(b < 9: x[b, a])
    layer1_2[q < 9] = 9 * partial[q] > partial2

After::

    column[i < 9] = sum(j < 9: x[j, i])
    total = sum(i < 9, j < 9: x[i, j])
    active[i < 9] = 9 * column[i] > total

A sum over all but one axis of a matrix is a `row` or a `column`; a sum over everything is a `total`; a count of rows
that meet a condition is `rows`; otherwise the name says what kind of unit it is. Inputs and results keep their names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from ddcompile.ir.affine import affine_of
from ddcompile.ir.nodes import (
    Binary,
    Binder,
    Binding,
    Compare,
    Expr,
    Index,
    Literal,
    Read,
    Reduce,
    Rule,
    Softmax,
    Statement,
    Unary,
)
from ddcompile.ir.traverse import children, postorder, reads, rename_indices, rewrite, with_children
from ddcompile.ir.types import Types, infer
from ddcompile.passes.options import Pass
from ddcompile.passes.recurrences import Recurrence, recurrences
from ddcompile.passes.rewrite import Rewrite, Witness, fresh_name, read_names, unchanged, with_statements

__all__ = ["Name"]

_LETTERS = "ijklmnpqrsabcefgh"
_TIME = "t"


@dataclass(frozen=True, slots=True)
class Name(Pass):
    """Name tensors for what they compute, indices by their place, and order statements by use."""

    name: ClassVar[str] = "name"

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        types = infer(rule)
        ordered = _ordered(rule)
        known = recurrences(rule, types)
        names = _tensor_names(rule, ordered, types, known)
        tensors = {*names.values(), *(d.name for d in rule.inputs), *(c.name for c in rule.constants), *rule.sizes}
        statements = []
        for statement in ordered:
            value = rewrite(statement.value, lambda n: _renamed_read(n, names))
            renamed = Statement(names[statement.target], statement.positions, value, location=statement.location)
            is_timed = statement.target in known and known[statement.target].is_over_time
            statements.append(_with_indices(renamed, tensors, is_timed=is_timed))
        new = with_statements(rule, statements)
        if new == rule:
            return unchanged(rule)
        return Rewrite(new, Witness(tuple(_witness(names, types))))


def _witness(names: dict[str, str], types: Types) -> Iterator[Statement]:
    for old, new in names.items():
        if old != new:
            letters = [f"i{k}" for k in range(len(types.shape[old]))]
            while set(letters) & {*names, *names.values()}:
                letters = [f"{n}_" for n in letters]
            extents = zip(letters, types.shape[old], strict=True)
            binders = tuple(Binder(n, Literal(0), Literal(extent)) for n, extent in extents)
            yield Statement(new, binders, Read(old, tuple(Index(n) for n in letters)))


def _renamed_read(node: Expr, names: dict[str, str]) -> Expr:
    if isinstance(node, Read) and node.tensor in names:
        return Read(names[node.tensor], node.positions, node.pad, location=node.location)
    return node


def _ordered(rule: Rule) -> list[Statement]:
    """Statements in an order in which what is read stands before its reader; clauses of one name stay together."""
    clauses: dict[str, list[Statement]] = {}
    for statement in rule.statements:
        clauses.setdefault(statement.target, []).append(statement)
    done: list[Statement] = []
    state: dict[str, int] = {}
    stack = [(d.name, False) for d in reversed(rule.outputs)]
    while stack:
        target, ready = stack.pop()
        if ready:
            done += clauses[target]
            continue
        if target not in clauses or target in state:
            continue
        state[target] = 1
        stack.append((target, True))
        used = [n for s in clauses[target] for n in dict.fromkeys(r.tensor for r in reads(s.value))]
        extra = sorted(read_names(clauses[target]) - set(used))
        stack += [(n, False) for n in reversed([*used, *extra]) if n != target]
    rest = [s for s in rule.statements if s.target not in state]
    recurrent = _is_cyclic(done)
    return list(rule.statements) if recurrent else [*rest, *done]


def _is_cyclic(statements: list[Statement]) -> bool:
    """Whether tensors read one another in a cycle; the order of the text then matters and is kept."""
    last = {s.target: k for k, s in enumerate(statements)}
    return any(last.get(n, -1) > k and n != s.target for k, s in enumerate(statements) for n in read_names([s]))


def _tensor_names(rule: Rule, ordered: list[Statement], types: Types, known: dict[str, Recurrence]) -> dict[str, str]:
    kept = {d.name for d in (*rule.inputs, *rule.outputs)}
    taken = {*kept, *rule.sizes, *(c.name for c in rule.constants), *_LETTERS}
    names = {s.target: s.target for s in ordered if s.target in kept}
    clauses = Counter(s.target for s in ordered)
    single = set(clauses)
    counts: dict[str, int] = {}
    for statement in ordered:
        if statement.target not in names:
            is_only = clauses[statement.target] == 1
            recurrence = known.get(statement.target)
            stem = recurrence.stem if recurrence is not None else _stem(statement, types, names) if is_only else ""
            stem = stem or _kind_stem(statement, types)
            names[statement.target] = fresh_name(stem, taken, counts)
    return {old: new for old, new in names.items() if old in single}


def _stem(statement: Statement, types: Types, names: dict[str, str]) -> str:
    """What a statement computes, in a word or two."""
    value = statement.value
    match value:
        case Reduce("sum", binders, Read(tensor, positions, None)) if _is_whole(binders, tensor, types):
            if not statement.positions:
                return "total"
            kept = _kept_axis(statement, positions)
            if kept is not None and len(positions) == 2:
                return ("row", "column")[kept]
            return "count"
        case Reduce("sum", (binder,), Compare() as body):
            axis = _common_axis(body, binder.name)
            return ("rows", "columns")[axis] if axis is not None else "count"
        case Unary("sign", Binary("-", Read(left, _), Read(right, _))):
            return f"{names.get(left, left)}_against_{names.get(right, right)}"
        case Compare((op,), (Read(left, _), Read(right, _))) if op in (">", "<"):
            return f"{names.get(left, left)}_{'above' if op == '>' else 'below'}_{names.get(right, right)}"
    return _kind_stem(statement, types)


def _kind_stem(statement: Statement, types: Types) -> str:
    match types.tensor[statement.target].kind:
        case "bit":
            return "active"
        case "spin" | "trit":
            return "balance"
    return "score"


def _is_whole(binders: tuple[Binder, ...], tensor: str, types: Types) -> bool:
    extents = types.shape.get(tensor, ())
    return len(extents) > 0 and all(b.lower == Literal(0) for b in binders)


def _kept_axis(statement: Statement, positions: tuple[Expr, ...]) -> int | None:
    own = {b.name for b in statement.binders}
    axes = [k for k, p in enumerate(positions) if isinstance(p, Index) and p.name in own]
    return axes[0] if len(axes) == 1 and len(own) == 1 else None


def _common_axis(body: Expr, index: str) -> int | None:
    """The axis of matrices on which `index` stands, if it is always the same."""
    axes: set[int | None] = set()
    for node in reads(body):
        for axis, position in enumerate(node.positions):
            form = affine_of(position)
            if form is not None and index in form.names:
                axes.add(axis if len(node.positions) == 2 else None)
    return axes.pop() if len(axes) == 1 else None


def _with_indices(statement: Statement, tensors: set[str], *, is_timed: bool = False) -> Statement:
    """Rename indices by depth: the statement's own first, then those of reductions; offsets are called `di`."""
    letters = [n for n in (*_LETTERS, *(f"{c}{k}" for k in range(1, 60) for c in _LETTERS)) if n not in tensors]
    if is_timed and isinstance(statement.positions[0], Binder) and _TIME not in tensors:
        letters.insert(0, _TIME)
    own = {b.name: letters[k] for k, b in enumerate(statement.binders)}
    # Two steps keep old and new names apart.
    first: dict[str, str] = {old: f"?{new}" for old, new in own.items()}
    value = _depth_names(rename_indices(statement.value, first), len(own), letters, tensors)
    final = {f"?{n}": n for n in own.values()}
    positions = tuple(_position(p, own) for p in statement.positions)
    return Statement(statement.target, positions, rename_indices(value, final), location=statement.location)


def _position(position: Binder | Expr, names: dict[str, str]) -> Binder | Expr:
    if isinstance(position, Binder):
        bounds = (rename_indices(e, names) for e in (position.lower, position.upper))
        return Binder(names[position.name], *bounds, location=position.location)
    return position


def _depth_names(value: Expr, depth: int, letters: list[str], tensors: set[str]) -> Expr:
    """Name reduction indices by their depth, so that reductions side by side share names."""
    results: list[Expr] = []
    stack: list[tuple[Expr, int, dict[str, str], bool]] = [(value, depth, {}, False)]
    while stack:
        node, level, names, done = stack.pop()
        kids = children(node)
        if done or not kids:
            count = len(kids)
            built = results[len(results) - count :]
            del results[len(results) - count :]
            results.append(_rebuilt(node, built, names))
            continue
        if isinstance(node, Binding):
            names = dict(names)
            for binder in node.binders:
                chosen = _index_name(binder, node.body, level, letters, names, tensors)
                names[binder.name] = chosen
                level += chosen in letters
        stack.append((node, level, names, True))
        stack += [(kid, level, names, False) for kid in reversed(kids)]
    return results[0]


def _rebuilt(node: Expr, kids: list[Expr], names: dict[str, str]) -> Expr:
    match node:
        case Index(old):
            return Index(names.get(old, old), location=node.location)
        case Reduce(op, binders, _):
            new = tuple(Binder(names[b.name], kids[2 * k], kids[2 * k + 1]) for k, b in enumerate(binders))
            return Reduce(op, new, kids[-1], location=node.location)
        case Softmax(binder, _, _):
            return Softmax(Binder(names[binder.name], kids[0], kids[1]), kids[2], kids[3], location=node.location)
    return with_children(node, tuple(kids))


def _index_name(
    binder: Binder, body: Expr, level: int, letters: list[str], scope: dict[str, str], tensors: set[str]
) -> str:
    """`di` for an offset that is added to `i`, else the letter of this depth."""
    if isinstance(binder.lower, Literal) and binder.lower.value < 0:
        for node in postorder(body):
            form = affine_of(node) if isinstance(node, Binary) else None
            if form is not None and binder.name in form.names and len(form.names) == 2:
                (other,) = form.names - {binder.name}
                wanted = f"d{scope.get(other, other.removeprefix('?'))}"
                if wanted not in tensors and wanted not in scope.values():
                    return wanted
    return letters[level]
