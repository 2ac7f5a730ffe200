"""The template of several rules: statements are paired by what they look like, then made common part by part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ddcompile.generalization.holes import Holes, Template, Unlike
from ddcompile.generalization.signatures import Signatures
from ddcompile.generalization.unify import STRUCTURE, VALUE, Scopes, Unifier
from ddcompile.ir.nodes import Binder, Constant, Declaration, Expr, Rule, Statement, Type
from ddcompile.ir.printer import describe

__all__ = ["Difference", "differences", "interfaces", "template"]

_ALONE = "no statement of another program is like it"


@dataclass(frozen=True, slots=True)
class Difference:
    """Where rules are not alike.

    Attributes
    ----------
    number : int
        Of the rule.
    node : Statement or Constant
        What is concerned there.
    reason : str
        What the rules have there.
    """

    number: int
    node: Statement | Constant
    reason: str


def template(rules: Sequence[Rule], signatures: Signatures) -> Template | list[Difference]:
    """What rules have in common, in the words of the first one; or where they are not alike, statement by statement."""
    plain = _template(rules, signatures, is_loose=False)
    return plain if isinstance(plain, Template) else _template(rules, signatures, is_loose=True)


def differences(rules: Sequence[Rule], signatures: Signatures) -> list[Difference]:
    """Where rules are not alike; empty if they have a template."""
    found = template(rules, signatures)
    return found if isinstance(found, list) else []


def interfaces(base: Rule, rule: Rule) -> str:
    """In what the inputs and results of two rules differ, apart from their extents; "" if in nothing."""
    for own, others in ((base.inputs, rule.inputs), (base.outputs, rule.outputs)):
        if [_interface(d) for d in own] != [_interface(d) for d in others]:
            return " against ".join("`" + ", ".join(describe(d) for d in ds) + "`" for ds in (own, others))
    return ""


def _interface(declaration: Declaration) -> tuple[object, ...]:
    t = declaration.type
    return declaration.name, t.kind, t.low, t.high, len(t.shape)


def _template(rules: Sequence[Rule], signatures: Signatures, is_loose: bool) -> Template | list[Difference]:
    base = rules[0]
    colors = [signatures.colors(rule) for rule in rules]
    paired = _paired(rules, colors, signatures, is_loose)
    if isinstance(paired, list):
        return paired
    rows, renames = paired
    unifier = Unifier(signatures, colors, renames, Holes(len(rules) == 1), is_loose)
    found: list[Difference] = []
    inputs = tuple(_declaration(column, unifier) for column in zip(*(r.inputs for r in rules), strict=True))
    outputs = tuple(_declaration(column, unifier) for column in zip(*(r.outputs for r in rules), strict=True))
    statements = []
    for place, row in enumerate(rows):
        unifier.place = place
        try:
            statements.append(_statement(row, unifier))
        except Unlike as unlike:
            found.append(Difference(0, row[0], unlike.reason))
    found += _constants(rules, renames)
    if found:
        return found
    return Template.of(Rule(base.name, inputs, outputs, tuple(statements), base.constants), unifier.holes)


_Row = tuple[Statement, ...]


def _paired(
    rules: Sequence[Rule], colors: list[dict[str, int]], signatures: Signatures, is_loose: bool
) -> tuple[list[_Row], list[dict[str, str]]] | list[Difference]:
    """The statements that belong together, in the order of the first rule, and what tensors are called there."""
    base = rules[0]
    lists = [list(base.statements)]
    found: list[Difference] = []
    marks = [[signatures.of_statement(s, known) for s in r.statements] for r, known in zip(rules, colors, strict=True)]
    for number, (rule, own) in enumerate(zip(rules[1:], marks[1:], strict=True), 1):
        if not is_loose and len(own) == len(marks[0]):
            lists.append(list(rule.statements))
            continue
        places: dict[int, list[Statement]] = {}
        for mark, statement in reversed(list(zip(own, rule.statements, strict=True))):
            places.setdefault(mark, []).append(statement)
        matched = [places[mark].pop() if places.get(mark) else None for mark in marks[0]]
        found += [Difference(0, s, _ALONE) for s, other in zip(base.statements, matched, strict=True) if other is None]
        found += [Difference(number, s, _ALONE) for left in places.values() for s in left]
        lists.append([s for s in matched if s is not None])
    if found:
        return list(dict.fromkeys(found))
    rows = list(zip(*lists, strict=True))
    renames = []
    for number, rule in enumerate(rules):
        names = {d.name: b.name for d, b in zip(rule.inputs, base.inputs, strict=True)}
        names |= {c.name: b.name for c, b in zip(rule.constants, base.constants, strict=False)}
        for row in rows:
            if names.setdefault(row[number].target, row[0].target) != row[0].target:
                return [Difference(0, row[0], "another program defines two tensors where this one has one")]
        if len(set(names.values())) < len(names):
            return [Difference(0, rows[0][0], "one tensor of this program is two in another")]
        renames.append(names)
    return rows, renames


def _constants(rules: Sequence[Rule], renames: list[dict[str, str]]) -> list[Difference]:
    """Tables must be the same in all programs."""
    tables = [
        {names.get(c.name, c.name): (c.type.kind, c.values.tolist()) for c in rule.constants}
        for rule, names in zip(rules, renames, strict=True)
    ]
    return [
        Difference(0, constant, "its entries are others in other programs")
        for constant in rules[0].constants
        if any(table.get(constant.name) != tables[0][constant.name] for table in tables)
    ] + [
        Difference(number, constant, "other programs have no such table")
        for number, (rule, names) in enumerate(zip(rules, renames, strict=True))
        for constant in rule.constants
        if names.get(constant.name, constant.name) not in tables[0]
    ]


def _declaration(column: tuple[Declaration, ...], unifier: Unifier) -> Declaration:
    base = column[0]
    scopes: Scopes = tuple({} for _ in column)
    shapes = zip(*(d.type.shape for d in column), strict=True)
    shape = tuple(unifier.expression(extent, scopes, STRUCTURE) for extent in shapes)
    return Declaration(base.name, Type(base.type.kind, shape, base.type.low, base.type.high))


def _statement(row: _Row, unifier: Unifier) -> Statement:
    scopes: Scopes = tuple({} for _ in row)
    if len({len(s.positions) for s in row}) > 1:
        raise Unlike("a tensor of other rank")
    positions: list[Binder | Expr] = []
    for column in zip(*(s.positions for s in row), strict=True):
        binders = tuple(p for p in column if isinstance(p, Binder))
        if len(binders) == len(column):
            binder, scopes = unifier.binders(binders, scopes)
            positions.append(binder)
        elif binders:
            raise Unlike("a range of positions against one position")
        else:
            positions.append(unifier.expression(tuple(p for p in column if isinstance(p, Expr)), scopes, STRUCTURE))
    value = unifier.expression(tuple(s.value for s in row), scopes, VALUE)
    return Statement(row[0].target, tuple(positions), value)
