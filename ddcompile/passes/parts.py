"""Parts of a program that share no hidden tensors, and steps of one part as steps of the whole.

A part is a program with the results of the part alone; the other results are inputs that it does not read, so that
passes leave their names free. What passes call a new tensor may be the name of one in another part: in the whole it has
another name then, always the same one for the same name.

A result may be put together of tensors of several parts, by clauses that do nothing but read them. These tensors are
the results of the parts, then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ddcompile.ir.nodes import Constant, Declaration, Literal, Read, Rule, Statement
from ddcompile.ir.types import infer
from ddcompile.passes.rewrite import Witness, fresh_name, needed, reads_of, renamed, used_names, with_statements

__all__ = ["Parts"]


class Parts:
    """The parts of a program, each in names of its own."""

    def __init__(self, rule: Rule, rules: Sequence[Rule], copies: Sequence[Statement]) -> None:
        self.rules = list(rules)
        self._rule = rule
        self._copies = tuple(copies)
        self._taken = used_names(rule)
        self._names: list[dict[str, str]] = []
        seen = {d.name for d in (*rule.inputs, *rule.outputs)}
        for part in rules:
            own = {name for name in _own_names(part) if name not in seen}
            self._names.append({name: name for name in (*own, *_declared(part))})
            seen |= own

    @classmethod
    def of(cls, rule: Rule) -> Parts | None:
        """The parts in the order of their first results; None if there is but one, or a result has no statement."""
        copied = _copied(rule)
        group = _groups(rule, copied)
        while alone := [name for name, read in copied.items() if len({group.get(n) for n in read}) < 2]:
            copied = {name: read for name, read in copied.items() if name not in alone}
            group = _groups(rule, copied)
        order = list(dict.fromkeys(group.values()))
        if len(order) < 2 or {*group, *copied} != {
            *(s.target for s in rule.statements),
            *(d.name for d in rule.outputs),
        }:
            return None
        shapes = infer(rule).shape
        declared: list[Declaration] = []
        for result in rule.outputs:
            for name in copied.get(result.name, [result.name]):
                shape = tuple(map(Literal, shapes[name]))
                declared.append(Declaration(name, replace(result.type, shape=shape)))
        rules = []
        for number in order:
            others = tuple(d for d in declared if group[d.name] != number)
            results = tuple(d for d in declared if group[d.name] == number)
            part = replace(rule, inputs=(*rule.inputs, *others), outputs=results)
            rules.append(with_statements(part, [s for s in rule.statements if group.get(s.target) == number]))
        return cls(rule, rules, [s for s in rule.statements if s.target in copied])

    def whole(self, number: int | None = None, rule: Rule | None = None) -> Rule:
        """The whole program, with one part replaced if a number and a rule are given."""
        statements: list[Statement] = []
        constants: list[Constant] = []
        for k, part in enumerate(self.rules):
            own = part if k != number or rule is None else rule
            names = self._names_for(k, own)
            statements += [renamed(s, names) for s in own.statements]
            constants += [replace(c, name=names[c.name]) for c in own.constants]
        return replace(self._rule, statements=(*statements, *self._copies), constants=tuple(constants))

    def lifted(self, number: int, old: Rule, new: Rule, witness: Witness) -> tuple[Rule, Rule, Witness]:
        """A step of a part as a step of the whole."""
        before, after = self.whole(number, old), self.whole(number, new)
        taken = set(self._taken)
        tables = {c.name: fresh_name(c.name, taken) for c in witness.constants}
        names = self._names[number] | tables
        statements = tuple(renamed(s, names) for s in witness.statements)
        return before, after, Witness(statements, tuple(replace(c, name=tables[c.name]) for c in witness.constants))

    def _names_for(self, number: int, rule: Rule) -> dict[str, str]:
        """What the names of a part are in the whole."""
        names = self._names[number]
        for name in sorted(_own_names(rule) - names.keys()):
            names[name] = fresh_name(name, self._taken)
        return names


def _copied(rule: Rule) -> dict[str, list[str]]:
    """Results of which all clauses are elements of hidden tensors, and these."""
    hidden = {s.target for s in rule.statements} - {d.name for d in rule.outputs}
    copied: dict[str, list[str]] = {}
    for result in rule.outputs:
        values = [s.value for s in rule.statements if s.target == result.name]
        read = [v.tensor for v in values if isinstance(v, Read) and v.pad is None and v.tensor in hidden]
        if values and len(read) == len(values):
            copied[result.name] = list(dict.fromkeys(read))
    return copied


def _groups(rule: Rule, copied: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """The tensors that results need, those that belong together with one number; in the order of results."""
    reads = reads_of(s for s in rule.statements if s.target not in copied)
    group: dict[str, int] = {}
    ends = [name for d in rule.outputs for name in copied.get(d.name, [d.name])]
    for number, end in enumerate(ends):
        reached = dict.fromkeys(needed([end], reads) & reads.keys(), number)
        met = {group[name] for name in reached if name in group}
        group = {name: number if own in met else own for name, own in group.items()} | reached
    return group


def _declared(rule: Rule) -> list[str]:
    return [d.name for d in (*rule.inputs, *rule.outputs)]


def _own_names(rule: Rule) -> set[str]:
    """The tensors and the constants of a rule."""
    return {*(s.target for s in rule.statements), *(c.name for c in rule.constants)}
