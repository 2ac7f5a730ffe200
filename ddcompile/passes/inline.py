"""Write a tensor that is read once where it is read, and fuse a tensor into the only reduction over it.

Before::

    wide[i < 9] = 2 * sum(j < 9: x[i, j]) > 9
    tall[j < 9] = 2 * sum(i < 9: x[i, j]) > 9
    y = sum(i < 9: wide[i]) > sum(j < 9: tall[j])

After::

    wide = sum(i < 9: 2 * sum(j < 9: x[i, j]) > 9)
    tall = sum(j < 9: 2 * sum(i < 9: x[i, j]) > 9)
    y = wide > tall

Only where no element is computed more often than before: the read's positions are distinct indices (plus constants, or
wrapped) and use every index in scope. Statements do not grow beyond a size that can be read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ddcompile.analysis.cost import cost
from ddcompile.analysis.linear import box_bounds
from ddcompile.analysis.reals import Reals
from ddcompile.analysis.scopes import subexpressions
from ddcompile.ir.affine import affine_of
from ddcompile.ir.nodes import Binary, Binder, Binding, Expr, Index, Literal, Read, Reduce, Rule, Statement
from ddcompile.ir.traverse import postorder, reads, rename_indices, rewrite, substitute
from ddcompile.ir.types import infer
from ddcompile.passes.layers import Names, names_of
from ddcompile.passes.options import Pass, option
from ddcompile.passes.rewrite import Rewrite, Witness, read_names, unchanged, with_statements

__all__ = ["Inline"]


@dataclass(frozen=True, slots=True)
class Inline(Pass):
    """Write a tensor that is read once where it is read, and fuse a tensor into the only reduction over it."""

    name: ClassVar[str] = "inline"
    size: int = option(24, "the largest cost of a statement after something was written into it")

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        names = names_of(rule)
        changed = False
        while True:
            new = _inlined_once(rule, names, self.size)
            if new is None:
                return Rewrite(rule, Witness()) if changed else unchanged(rule)
            rule, changed = new, True


def _inlined_once(rule: Rule, names: Names, size: int) -> Rule | None:
    results = {d.name for d in rule.outputs}
    uses: dict[str, list[int]] = {}
    for number, statement in enumerate(rule.statements):
        for node in reads(statement.value):
            uses.setdefault(node.tensor, []).append(number)
    clauses: dict[str, list[int]] = {}
    for number, statement in enumerate(rule.statements):
        clauses.setdefault(statement.target, []).append(number)
    for name, numbers in clauses.items():
        places = uses.get(name, [])
        if name in results or len(numbers) != 1 or not places or numbers[0] in places:
            continue
        source = rule.statements[numbers[0]]
        if not all(isinstance(p, Binder) for p in source.positions):
            continue
        if len(places) > 1 and not _is_copy(source):
            continue
        if any(rule.statements[p].target in read_names([rule.statements[p]]) for p in places):
            continue
        new = _fused(rule, source, places, names) or _written(rule, source, places, size, names)
        if new is not None and cost(new) <= cost(rule):
            return new
    return None


def _is_copy(source: Statement) -> bool:
    """Whether a tensor is another's element or a literal, which may be written anywhere."""
    return isinstance(source.value, Literal | Read) and getattr(source.value, "pad", None) is None


def _written(rule: Rule, source: Statement, places: list[int], size: int, names: Names) -> Rule | None:
    """The rule with `source` written into its readers and gone; None if one of the readers forbids it."""
    statements = list(rule.statements)
    for place in dict.fromkeys(places):
        reader = statements[place]
        for node, scope in subexpressions(reader):
            if not isinstance(node, Read) or node.tensor != source.target:
                continue
            if node.pad is not None or not (_is_copy(source) or _once(node, scope)):
                return None
            value = _renamed(source, reader, scope, names)
            moved = substitute(value[1], dict(zip(value[0], node.positions, strict=True)))
            new = rewrite(reader.value, lambda n, r=node, m=moved: m if n == r else n)  # type: ignore[misc]
            reader = Statement(reader.target, reader.positions, new, location=reader.location)
            if not _is_copy(source) and cost(reader) > max(size, cost(statements[place])):
                return None
            break
        statements[place] = reader
    kept = [s for s in statements if s.target != source.target]
    return with_statements(rule, kept) if not any(source.target in read_names([s]) for s in kept) else None


def _once(node: Read, scope: tuple[Binder, ...]) -> bool:
    """Whether different values of the indices in scope read different elements."""
    used = []
    for position in node.positions:
        inner, extent = position, None
        if isinstance(position, Binary) and position.op == "%" and isinstance(position.right, Literal):
            inner, extent = position.left, position.right.value
        form = affine_of(inner)
        if form is None or len(form.names) != 1:
            if form is None or form.names:
                return False
            continue
        (name,) = form.names
        bounds = next((box_bounds(b) for b in scope if b.name == name), None)
        if (
            bounds is None
            or abs(form.coefficient(name)) != 1
            or (extent is not None and bounds[1] - bounds[0] > extent)
        ):
            return False
        used.append(name)
    return len(set(used)) == len(used) and set(used) == {b.name for b in scope}


def _renamed(source: Statement, reader: Statement, scope: tuple[Binder, ...], names: Names) -> tuple[list[str], Expr]:
    """The indices and value of `source` with names that do not meet those of the reader."""
    taken = {b.name for b in scope} | {b.name for b in reader.binders}
    for node in postorder(reader.value):
        if isinstance(node, Binding):
            taken |= {b.name for b in node.binders}
    own = [b.name for b in source.binders]
    inner = [b.name for n in postorder(source.value) if isinstance(n, Binding) for b in n.binders]
    wanted = list(dict.fromkeys([*own, *inner]))
    free = iter(names.indices(len(wanted), avoid=taken | set(wanted)))
    new = {n: (next(free) if n in taken else n) for n in wanted}
    return [new[n] for n in own], rename_indices(source.value, new)


def _fused(rule: Rule, source: Statement, places: list[int], names: Names) -> Rule | None:
    """Turn `t[i] = e` whose only use is `reduce(i: t[i])` into a scalar `t = reduce(i: e)`."""
    if len(places) != 1 or not source.binders:
        return None
    reader = rule.statements[places[0]]
    for node, _ in subexpressions(reader):
        if not isinstance(node, Reduce) or not isinstance(node.body, Read) or node.body.tensor != source.target:
            continue
        if node.op not in ("sum", "any", "all", "min", "max") or node.body.pad is not None:
            return None
        own = [(b.name, box_bounds(b)) for b in source.binders]
        positions = [p.name if isinstance(p, Index) else "" for p in node.body.positions]
        inner = {b.name: box_bounds(b) for b in node.binders}
        if sorted(positions) != sorted(inner) or any(
            b is None or inner[p] != b for p, (_, b) in zip(positions, own, strict=True)
        ):
            return None
        if positions != [b.name for b in node.binders] and Reals(infer(rule))(node):
            return None  # reals are added, and compared, in the order of the indices
        name = names(source.target)
        scalar = Statement(name, (), Reduce(node.op, source.binders, source.value))
        scalar_read = Read(name)
        value = rewrite(reader.value, lambda n, t=node, r=scalar_read: r if n == t else n)  # type: ignore[misc]
        new = []
        for statement in rule.statements:
            if statement is source:
                new.append(scalar)
            elif statement is reader:
                new.append(Statement(reader.target, reader.positions, value, location=reader.location))
            else:
                new.append(statement)
        return with_statements(rule, new)
    return None
