"""Write sums that weigh slices of one tensor as one sum over one table.

Before::

    const a: int[4] = [1, -2, 0, 1]
    const b: int[4] = [0, 2, 1, 1]
    first = sum(i < 4: a[i] * x[0, i])
    second = sum(i < 4: b[i] * x[1, i])
    y = first - second >= 2

After::

    const a: int[2, 4] = [[1, -2, 0, 1], [0, -2, -1, -1]]
    both = sum(k < 2, i < 4: a[k, i] * x[k, i])
    y = both >= 2

Sums are alike when they differ in their tables and in constants only, which are affine functions of the place in the
new table; where these are not, sums over fewer places have zeros for the others. Sums with a name are taken if nothing
else reads them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from ddcompile.analysis.cost import cost
from ddcompile.analysis.linear import box_bounds
from ddcompile.analysis.reals import Reals
from ddcompile.ir.affine import Affine, simplify
from ddcompile.ir.nodes import Binder, Constant, Expr, Index, Literal, Read, Reduce, Rule, Statement
from ddcompile.ir.traverse import reads, rewrite
from ddcompile.ir.types import infer
from ddcompile.ir.verifier import verify
from ddcompile.passes.layers import Names, names_of
from ddcompile.passes.options import Pass, option
from ddcompile.passes.rebase import shifted, shifts
from ddcompile.passes.rewrite import Rewrite, unchanged, with_statements
from ddcompile.passes.sums import Sum, sums_of
from ddcompile.passes.templates import Shape, filled, lines_of, shape_of

__all__ = ["Stack"]

_TABLE = "?"
_NODES = 1 << 20
"""More than a sum has that may be one of several."""


@dataclass(frozen=True, slots=True)
class Stack(Pass):
    """Write sums that weigh slices of one tensor as one sum over one table."""

    name: ClassVar[str] = "stack"
    size: int = option(100, "how many nodes a sum may have", high=100_000)

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        if len(rule.constants) < 2:
            return unchanged(rule)
        new: Rule | None = rule
        while new is not None:
            rule = new
            new = next((r for r in _stacked(rule, self.size) if cost(r) < cost(rule) and not verify(r)), None)
        return Rewrite(rule)


@dataclass(frozen=True, slots=True)
class _Member:
    """A sum over a table: the term that it is, its factor, the sum without the name of its table, and the table."""

    term: Expr
    factor: int
    sum: Reduce
    table: Constant
    shape: Shape


def _stacked(rule: Rule, size: int) -> Iterator[Rule]:
    """Programs in which sums of one statement have become one."""
    uses = Counter(node.tensor for s in rule.statements for node in reads(s.value))
    results = {d.name for d in rule.outputs}
    scalars = {s.target: s for s in rule.statements if not s.positions and s.target not in results}
    tables = {c.name: c for c in rule.constants if uses[c.name] == 1}
    reals = Reals(infer(rule))
    for statement in rule.statements:
        if reals(statement.value):
            continue
        for total in sums_of(statement.value):
            found = [_member(term, factor, scalars, uses, tables, size) for term, factor in total.terms.items()]
            members = [member for member in found if member is not None]
            for group in (*_groups(members), *map(_of_one_extent, _groups(map(_from_start, members)))):
                is_one_table = len({m.table.values.shape for m in group}) == 1
                new = _joined(rule, statement, total, group) if is_one_table else None
                if new is not None:
                    yield new


def _groups(members: Iterable[_Member]) -> list[list[_Member]]:
    """Sums that are alike up to the constants in them."""
    groups: dict[object, list[_Member]] = {}
    for member in members:
        groups.setdefault((member.shape.key, member.shape.tensors), []).append(member)
    return [group for group in groups.values() if len(group) > 1]


def _from_start(member: _Member) -> _Member:
    """The same sum over indices that are the places where it reads, from 0 on."""
    for k, binder in enumerate(member.sum.binders):
        ways = [shift for shift in shifts(member.sum, binder.name) if shift > 0]
        moved = shifted(member.sum, k, ways[0]) if len(ways) == 1 else None
        if moved is not None:
            pad = [(ways[0] if axis == k else 0, 0) for axis in range(len(member.sum.binders))]
            moved = replace(moved, body=simplify(moved.body))
            member = _over(member, moved, np.pad(member.table.values, pad))
    return member


def _of_one_extent(group: Sequence[_Member]) -> list[_Member]:
    """The same sums over tables of one shape."""
    most = [max(extents) for extents in zip(*(m.table.values.shape for m in group), strict=True)]
    wide = []
    for member in group:
        pad = [(0, extent - own) for extent, own in zip(most, member.table.values.shape, strict=True)]
        wide.append(_over(member, member.sum, np.pad(member.table.values, pad)))
    return wide


def _over(member: _Member, total: Reduce, values: np.ndarray) -> _Member:
    """A member over another table: its indices begin at 0."""
    own = tuple(Index(b.name) for b in total.binders)
    binders = tuple(Binder(b.name, Literal(0), Literal(e)) for b, e in zip(total.binders, values.shape, strict=True))
    body = rewrite(total.body, lambda n: Read(_TABLE, own) if isinstance(n, Read) and n.tensor == _TABLE else n)
    new = Reduce("sum", binders, body)
    shape = shape_of(Statement("", (), new), _NODES)
    assert shape is not None
    return replace(member, sum=new, table=Constant.of(member.table.name, values), shape=shape)


def _member(
    term: Expr,
    factor: int,
    scalars: Mapping[str, Statement],
    uses: Counter[str],
    tables: Mapping[str, Constant],
    size: int,
) -> _Member | None:
    """A term, or a scalar that is read there only, as a sum over a table of its own; None if it is none."""
    value = term
    if isinstance(term, Read) and term.tensor in scalars and uses[term.tensor] == 1:
        value = scalars[term.tensor].value
    if not isinstance(value, Reduce) or value.op != "sum" or factor not in (1, -1):
        return None
    own = tuple(Index(b.name) for b in value.binders)
    found = [node for node in reads(value) if node.tensor in tables]
    if len(found) != 1 or found[0].positions != own or tables[found[0].tensor].values.shape != _extents(value):
        return None
    plain = rewrite(value, lambda node: Read(_TABLE, own) if node == found[0] else node)
    shape = shape_of(Statement("", (), plain), size)
    assert isinstance(plain, Reduce)
    return None if shape is None else _Member(term, factor, plain, tables[found[0].tensor], shape)


def _extents(total: Reduce) -> tuple[int, ...] | None:
    """How many values the indices of a sum have, all from 0 on; None if they do not begin there."""
    bounds = [box_bounds(b) for b in total.binders]
    return None if any(b is None or b[0] for b in bounds) else tuple(b[1] for b in bounds if b is not None)


def _joined(rule: Rule, statement: Statement, total: Sum, group: Sequence[_Member]) -> Rule | None:
    """The program with one sum for a group; None if constants are not affine functions of a place."""
    columns = zip(*(m.shape.numbers for m in group), strict=True)
    moving = [k for k, numbers in enumerate(columns) if len(set(numbers)) > 1]
    group = sorted(group, key=lambda m: [m.shape.numbers[k] for k in moving])
    lines = lines_of([m.shape for m in group])
    if not moving or lines is None:
        return None
    names = names_of(rule)
    first = group[0]
    (index,) = names.indices(1, avoid={b.name for b in first.sum.binders})
    values = np.stack([m.factor * m.table.values for m in group])
    table = Constant.of(names(first.table.name), values)

    def number(place: int, form: Affine) -> Affine:
        slope, start = lines[place]
        return form if slope == 0 else form - form.constant + Affine.of(start, {index: slope})

    def read(_: int, node: Read) -> Read:
        return Read(table.name, (Index(index), *node.positions)) if node.tensor == _TABLE else node

    body = filled(Statement("", (), first.sum), number, read).value
    assert isinstance(body, Reduce)
    whole = Reduce("sum", (Binder(index, Literal(0), Literal(len(group))), *body.binders), body.body)
    return _with_sum(rule, statement, total, group, whole, table, names)


def _with_sum(
    rule: Rule,
    statement: Statement,
    total: Sum,
    group: Sequence[_Member],
    whole: Reduce,
    table: Constant,
    names: Names,
) -> Rule:
    """The program with a sum in the place of a group's."""
    named = [m.term.tensor for m in group if isinstance(m.term, Read)]
    name = names(named[0]) if named else ""
    kept = {t: c for t, c in total.terms.items() if all(t != m.term for m in group)}
    new = total.rebuilt({Read(name) if named else whole: 1, **kept})
    statements = []
    for s in rule.statements:
        if s.target in named[1:]:
            continue
        if s is statement:
            s = Statement(s.target, s.positions, rewrite(s.value, lambda n: new if n == total.node else n))
        elif named and s.target == named[0]:
            s = Statement(name, (), whole)
        statements.append(s)
    return with_statements(rule, statements, [table])
