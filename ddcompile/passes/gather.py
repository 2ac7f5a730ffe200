"""Write chains that are read once into the chain that reads them, where all operands together are a short reduction.

Before::

    a = x[0] xor x[1] xor x[2]
    b = a xor x[3] xor x[4]
    y = b xor x[5] xor z

After::

    y = z xor sum(i < 6: x[i]) % 2

For sums, `xor`, `and`, `or`, `max` and `min`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from ddcompile.analysis.cost import cost
from ddcompile.analysis.reals import Reals
from ddcompile.ir import builder
from ddcompile.ir.nodes import Binary, Binder, Binding, Expr, Number, Read, Rule, Statement
from ddcompile.ir.traverse import postorder, substitute
from ddcompile.ir.types import infer
from ddcompile.passes.collect import collected, operands_under, operator_of
from ddcompile.passes.inline import reads_apart, renamed_for
from ddcompile.passes.layers import Names, names_of
from ddcompile.passes.options import Pass, option
from ddcompile.passes.rewrite import Rewrite, read_names, unchanged, with_statements
from ddcompile.passes.templates import shape_of

__all__ = ["Gather"]


@dataclass(frozen=True, slots=True)
class Gather(Pass):
    """Write chains into the only chain that reads them, where all together are a short reduction."""

    name: ClassVar[str] = "gather"
    size: int = option(100, "how many nodes an operand may have", high=100_000)
    operands: int = option(4096, "how many operands a chain may have", high=100_000)

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        types = infer(rule)
        reals = Reals(types)
        names = names_of(rule)
        readers = Counter(name for s in rule.statements for name in read_names([s]))
        clauses = Counter(s.target for s in rule.statements)
        results = {d.name for d in rule.outputs}
        once = {
            s.target: s
            for s in rule.statements
            if readers[s.target] == clauses[s.target] == 1
            and s.target not in results
            and s.target not in read_names([s])
            and all(isinstance(p, Binder) for p in s.positions)
        }
        absorbed = {name for s in rule.statements for name in _inner(s, once)}
        gone: set[str] = set()
        new: dict[int, Statement] = {}
        for number, statement in enumerate(rule.statements):
            op = operator_of(statement.value)
            if not op or statement.target in absorbed or reals(statement.value):
                continue
            operands, written = _flat(op, statement, once, self.operands, names)
            if not written:
                continue
            used = {b.name for b in statement.binders}
            used |= {b.name for o in operands for n in postorder(o) if isinstance(n, Binding) for b in n.binders}
            operands = _in_order(operands, self.size)
            value = _joined(op, collected(op, operands, names, used, types, self.size))
            changed = Statement(statement.target, statement.positions, value, location=statement.location)
            if written & read_names([changed]):
                continue
            if cost(changed) < cost(statement) + sum(cost(once[name]) for name in written):
                new[number] = changed
                gone |= written
        if not new:
            return unchanged(rule)
        statements = [new.get(k, s) for k, s in enumerate(rule.statements) if s.target not in gone]
        return Rewrite(with_statements(rule, statements))


def _inner(statement: Statement, once: Mapping[str, Statement]) -> Iterator[str]:
    """The tensors that are operands of the chain that a statement is, and such chains themselves."""
    op = operator_of(statement.value)
    for operand in operands_under(op, statement.value) if op else ():
        if _is_link(operand, op, once):
            assert isinstance(operand, Read)
            yield operand.tensor


def _is_link(operand: Expr, op: str, once: Mapping[str, Statement]) -> bool:
    return (
        isinstance(operand, Read)
        and operand.pad is None
        and operand.tensor in once
        and operator_of(once[operand.tensor].value) == op
    )


def _flat(
    op: str, statement: Statement, once: Mapping[str, Statement], most: int, names: Names
) -> tuple[list[Expr], set[str]]:
    """The operands of a chain with those of the chains that it reads, and what these were called."""
    operands: list[Expr] = []
    written: set[str] = set()
    work = [statement.value]
    while work:
        node = work.pop()
        if _is_link(node, op, once) and len(operands) + len(work) < most:
            assert isinstance(node, Read)
            if reads_apart(node, statement.binders):
                written.add(node.tensor)
                own, value = renamed_for(once[node.tensor], statement, statement.binders, names)
                node = substitute(value, dict(zip(own, node.positions, strict=True)))
        parts = operands_under(op, node)
        if len(parts) > 1:
            work += reversed(parts)
        else:
            operands.append(node)
    return operands, written


def _in_order(operands: Sequence[Expr], size: int) -> list[Expr]:
    """Operands of one shape next to one another, with ascending constants."""
    groups: dict[object, list[tuple[tuple[Number, ...], int]]] = {}
    for number, operand in enumerate(operands):
        shape = shape_of(Statement("", (), operand), size)
        key = number if shape is None else (shape.key, shape.tensors)
        groups.setdefault(key, []).append((() if shape is None else shape.numbers, number))
    return [operands[number] for group in groups.values() for _, number in sorted(group)]


def _joined(op: str, terms: Sequence[Expr]) -> Expr:
    if op in ("max", "min"):
        return builder.call(op, terms)  # type: ignore[arg-type]
    result = terms[0]
    for term in terms[1:]:
        result = Binary(op, result, term)  # type: ignore[arg-type]
    return result
