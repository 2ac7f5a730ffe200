"""Name tensors for what they compute, indices by their place, and order statements by use.

Before::

    partial2 = sum(b < 9, a < 9: x[b, a])
    partial[a < 9] = sum(b < 9: x[b, a])
    layer1_2[q < 9] = sum(a < 9: x[q, a]) >= 5
    y[q < 9] = layer1_2[q] and 9 * partial[q] > partial2

After::

    dense_row[i < 9] = sum(j < 9: x[i, j]) >= 5
    column[j < 9] = sum(i < 9: x[i, j])
    total = sum(i < 9, j < 9: x[i, j])
    y[i < 9] = dense_row[i] and 9 * column[i] > total

`ddcompile.passes.stems` finds the words, `ddcompile.passes.letters` the letters; constants are named for what they are
to the tensor that reads them, such as `weight_score`. Inputs and results keep their names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from ddcompile.ir.nodes import Binder, Index, Literal, Read, Rule, Statement
from ddcompile.ir.traverse import reads
from ddcompile.ir.types import Types, infer
from ddcompile.passes.letters import LETTERS, with_letters
from ddcompile.passes.options import Pass
from ddcompile.passes.recurrences import Recurrence, recurrences
from ddcompile.passes.rewrite import Rewrite, Witness, fresh_name, read_names, renamed, unchanged, with_statements
from ddcompile.passes.roles import constant_roles
from ddcompile.passes.stems import kind_stem, stem

__all__ = ["Name"]


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
        tables = _constant_names(rule, ordered, names)
        tensors = {*names.values(), *(d.name for d in rule.inputs), *tables.values(), *rule.sizes}
        statements = []
        for statement in ordered:
            statements.append(renamed(statement, names | tables))
        timed = {names[target] for target, recurrence in known.items() if recurrence.is_over_time}
        by_name = {constant.name: constant for constant in rule.constants}
        constants = tuple(replace(by_name[old], name=name) for old, name in tables.items())
        new = with_statements(replace(rule, constants=constants), with_letters(rule, statements, tensors, timed))
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


def _constant_names(rule: Rule, ordered: list[Statement], names: dict[str, str]) -> dict[str, str]:
    """Names of constants, in the order in which they are used: what they are for, and for which tensor."""
    taken = {*names.values(), *(d.name for d in rule.inputs), *rule.sizes, *LETTERS}
    counts: dict[str, int] = {}
    return {
        name: fresh_name(f"{role}_{names[target]}", taken, counts)
        for name, (role, target) in constant_roles(rule.constants, ordered).items()
    }


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
    taken = {*kept, *rule.sizes, *LETTERS}
    names = {s.target: s.target for s in ordered if s.target in kept}
    clauses = Counter(s.target for s in ordered)
    single = set(clauses)
    counts: dict[str, int] = {}
    for statement in ordered:
        if statement.target not in names:
            is_only = clauses[statement.target] == 1
            recurrence = known.get(statement.target)
            word = recurrence.stem if recurrence is not None else stem(statement, types, names) if is_only else ""
            names[statement.target] = fresh_name(word or kind_stem(statement, types), taken, counts)
    return {old: new for old, new in names.items() if old in single}
