"""Send copies, negations, constants and duplicates of units to their readers, and drop units that nothing reads.

Before::

    unit[u < 4] = sum(i < 3: W[u, i] * x[i]) >= bound[u]    # unit 2 repeats unit 0, unit 3 is never read
    y = unit[0] + unit[1] + unit[2] >= 2

After::

    unit[u < 2] = sum(i < 3: weight[u, i] * x[i]) >= bound[u]
    y = 2 * unit[0] + unit[1] >= 2

Works across layers: every element is written as `offset + sign * representative`, and rows are compared after their
operands were replaced by representatives.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from math import gcd
from typing import ClassVar

import numpy as np

from ddcompile.analysis.cost import cost
from ddcompile.analysis.linear import Atoms, Row
from ddcompile.analysis.thresholds import Domain
from ddcompile.ir.nodes import Binder, Constant, Index, Literal, Read, Rule, Statement
from ddcompile.ir.types import infer
from ddcompile.passes.layers import Layer, clause, domain_of, layers_of, names_of
from ddcompile.passes.options import Pass
from ddcompile.passes.rewrite import Rewrite, Witness, read_names, unchanged, with_statements

__all__ = ["Forward"]


@dataclass(frozen=True, slots=True)
class _Alias:
    """The value `offset + sign * atom`; a constant when `sign` is 0."""

    offset: int
    sign: int
    atom: int


@dataclass(frozen=True, slots=True)
class Forward(Pass):
    """Send copies, negations, constants and duplicates of units to their readers, and drop units that nothing reads."""

    name: ClassVar[str] = "forward"

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        types = infer(rule)
        atoms = Atoms.of_rule(rule, types)
        layers = layers_of(rule, types, atoms)
        domains = {n: domain_of(types.tensor[n]) for n in atoms.names}
        aliases: dict[int, _Alias] = {}
        seen: dict[tuple[object, ...], int] = {}
        rows: dict[str, list[Row]] = {}
        for layer in layers:
            if layer.rows is None:
                continue
            start = atoms.offset[layer.name]
            rows[layer.name] = [_resolve(r, aliases) for r in layer.rows]
            for k, row in enumerate(rows[layer.name]):
                alias = _alias(row, atoms, domains) or _repeat(row, start + k, seen)
                if alias is not None and not layer.is_pinned:
                    aliases[start + k] = alias
        kept = _live(layers, rows, atoms)
        if all(len(kept[n]) == len(r) for n, r in rows.items()) and not aliases:
            return unchanged(rule)
        return _write(rule, layers, atoms, rows, kept)


def _resolve(row: Row, aliases: dict[int, _Alias]) -> Row:
    """Replace operands by their representatives."""
    if not any(a in aliases for a in row.atoms.tolist()):
        return _reduced(row)
    total: dict[int, int] = {}
    bias = row.bias
    for atom, weight in zip(row.atoms.tolist(), row.weights.tolist(), strict=True):
        alias = aliases.get(atom, _Alias(0, 1, atom))
        bias += weight * alias.offset
        if alias.sign:
            total[alias.atom] = total.get(alias.atom, 0) + weight * alias.sign
    kept = sorted(a for a, w in total.items() if w)
    weights = [total[a] for a in kept]
    big = max(map(abs, weights), default=0) >= 2**62
    array = np.array(weights, dtype=object if big else np.int64)
    return _reduced(replace(row, atoms=np.array(kept, dtype=np.int64), weights=array, bias=bias))


def _reduced(row: Row) -> Row:
    """Divide a threshold row by its common factor."""
    if row.kind == "affine" or not len(row.weights):
        return row
    divisor = reduce(gcd, row.weights.tolist(), 0)
    if row.kind == "sign":
        divisor = gcd(divisor, row.bias)
    if divisor <= 1:
        return row
    # w . x + bias > 0 over integers is w/g . x > floor(-bias / g).
    bias = row.bias // divisor if row.kind == "sign" else -(-row.bias // divisor)
    return replace(row, weights=row.weights // divisor, bias=bias)


def _alias(row: Row, atoms: Atoms, domains: dict[str, Domain | None]) -> _Alias | None:
    """The row as a constant, or as a copy or negation of its only operand."""
    operands = []
    for number in atoms.tensor_of(row.atoms).tolist():
        domain = domains[atoms.names[number]]
        if domain is None:
            return None
        operands.append(domain)
    pairs = list(zip(row.weights.tolist(), operands, strict=True))
    low = row.bias + sum(min(w * d.low, w * d.high) for w, d in pairs)
    high = row.bias + sum(max(w * d.low, w * d.high) for w, d in pairs)
    if row.exponent == 0 and _value(row.kind, low) == _value(row.kind, high):
        return _Alias(_value(row.kind, low), 0, -1)
    if len(pairs) != 1 or row.exponent:
        return None
    weight, domain = pairs[0]
    if domain.bits > 64:
        return None
    points = range(domain.low, domain.high + 1, domain.step)
    values = [_value(row.kind, weight * x + row.bias) for x in points]
    for sign in (1, -1):
        offsets = {v - sign * x for v, x in zip(values, points, strict=True)}
        if len(offsets) == 1:
            return _Alias(offsets.pop(), sign, int(row.atoms[0]))
    return None


def _value(kind: str, total: int) -> int:
    if kind == "affine":
        return total
    return (total > 0) - (total < 0) if kind == "sign" else int(total > 0)


def _repeat(row: Row, atom: int, seen: dict[tuple[object, ...], int]) -> _Alias | None:
    """The row as a duplicate or negation of an earlier element; otherwise remember it."""
    weights = tuple(row.weights.tolist())
    where = row.atoms.tobytes()
    opposite = tuple(-w for w in weights)
    key = (row.kind, row.exponent, where, weights, row.bias)
    if key in seen:
        return _Alias(0, 1, seen[key])
    offset = int(row.kind == "positive")
    negated = (row.kind, row.exponent, where, opposite, offset - row.bias)
    if negated in seen:
        return _Alias(offset, -1, seen[negated])
    seen[key] = atom
    return None


def _live(layers: list[Layer], rows: dict[str, list[Row]], atoms: Atoms) -> dict[str, np.ndarray]:
    """The elements that results depend on, per tensor; whole tensors where positions matter."""
    live = np.zeros(atoms.count, dtype=bool)
    for layer in reversed(layers):
        span = atoms.slice(layer.name)
        if layer.is_pinned or layer.rows is None or (len(layer.shape) != 1 and live[span].any()):
            live[span] = True
        if layer.name in rows:
            for k in np.flatnonzero(live[span]).tolist():
                live[rows[layer.name][k].atoms] = True
    return {n: np.flatnonzero(live[atoms.slice(n)]) for n in atoms.names}


def _write(
    rule: Rule, layers: list[Layer], atoms: Atoms, rows: dict[str, list[Row]], kept: dict[str, np.ndarray]
) -> Rewrite:
    names = names_of(rule)
    shapes, moved = {}, np.zeros(atoms.count, dtype=np.int64)
    for name in atoms.names:
        partial = name in rows and len(kept[name]) < len(rows[name])
        if not (partial and not len(kept[name])):
            shapes[name] = (len(kept[name]),) if partial else atoms.shape[name]
    target = Atoms(shapes)
    for name in shapes:
        span = atoms.slice(name)
        chosen = kept[name] if name in rows else np.arange(span.stop - span.start)
        moved[span.start + chosen] = np.arange(len(chosen)) + target.offset[name]
    statements: list[Statement] = []
    constants: list[Constant] = []
    witness: list[Statement] = []
    tables: list[Constant] = []
    originals = {layer.name: layer.rows for layer in layers}
    for old in rule.statements:
        name = old.target
        if name not in rows:
            statements.append(old)
            continue
        if name not in shapes:
            continue
        old_rows = originals[name]
        assert old_rows is not None
        whole = len(kept[name]) == len(old_rows)
        operands = read_names([old]) & atoms.shape.keys()
        same_operands = all(n in shapes and shapes[n] == atoms.shape[n] for n in operands)
        same_rows = all(a is b for a, b in zip(rows[name], old_rows, strict=True))
        if whole and same_operands and same_rows:
            statements.append(old)
            continue
        mine = [replace(rows[name][k], atoms=moved[rows[name][k].atoms]) for k in kept[name].tolist()]
        binders = old.binders
        if not whole:
            binders = (Binder(old.binders[0].name, Literal(0), Literal(len(mine))),)
            tables.append(Constant.of(names(f"unit_of_{name}"), kept[name]))
            index = Read(tables[-1].name, (Index(binders[0].name),))
            witness.append(Statement(name, binders, Read(name, (index,))))
        new_constants, statement = clause(name, binders, mine, target, names, name)
        constants += new_constants
        statements.append(statement)
    new = with_statements(rule, statements, constants)
    return unchanged(rule) if cost(new) > cost(rule) else Rewrite(new, Witness(tuple(witness), tuple(tables)))
