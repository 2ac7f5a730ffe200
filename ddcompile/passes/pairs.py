"""Write two units of one sum that are read together as one unit.

Before::

    h[u < 4] = relu(sum(i < 2: W[u, i] * x[i]) + b[u])    # W = [1, -1], [-1, 1], [1, 1], [1, 1], b = 0, 0, 0, -3
    y = h[0] + h[1] + h[2] - h[3] > 2
    z = h[0] - h[1] > 1

After::

    size[u < 1] = abs(sum(i < 2: weight[u, i] * x[i]))                     # weight = [1, -1]
    plain[u < 1] = sum(i < 2: weight2[u, i] * x[i])                        # weight2 = [1, -1]
    limited[u < 1] = max(min(sum(i < 2: weight3[u, i] * x[i]), 3), 0)      # weight3 = [1, 1]
    y = size[0] + limited[0] > 2
    z = plain[0] > 1

`relu(s) + relu(-s)` is `abs(s)`, `relu(s) - relu(-s)` is `s`, `relu(s) - relu(s - 3)` is `s` limited to 0..3, and
`s > 0` less `s < 0` is `sign(s)`, where `s` reads nothing of two values; so is what says the opposite, up to 1. All
readers of both units take them in one of these ways; the second relu may be a multiple by a power of two.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import permutations, product
from math import gcd
from typing import ClassVar, TypeAlias

import numpy as np

from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.rows import Row, RowKind
from ddcompile.ir import builder
from ddcompile.ir.nodes import Binder, Constant, Expr, Index, Literal, Number, Read, Rule, Statement
from ddcompile.ir.types import infer
from ddcompile.ir.verifier import verify
from ddcompile.passes.aliases import reduced
from ddcompile.passes.layers import Layer, Names, clause, is_layer_or_scalar, layers_of, names_of
from ddcompile.passes.options import Pass
from ddcompile.passes.rewrite import Rewrite, Witness, unchanged, with_statements

__all__ = ["Pairs"]

_Weights: TypeAlias = dict[int, dict[tuple[str, int], int]]
"""By atom, the rows that read it, each by its tensor and its place there, and their weights for it."""

_Unit: TypeAlias = tuple[RowKind, Number | None]
"""What two units together are; if a clamp, at most that much, and at least 0."""

_MOST_ALIKE = 16
"""Relus of one sum that are looked at."""


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two atoms, and what they may be taken for: the first one plus, or less, the second one divided by a ratio."""

    first: int
    second: int
    ratio: Fraction
    total: Row
    """The sum that they are of."""
    plus: _Unit | None
    less: _Unit | None
    more: int = 0
    """By how much the first one plus the second one is more than the unit."""

    def taken(self, weights: Mapping[tuple[str, int], int], others: Mapping[tuple[str, int], int]) -> set[_Unit] | None:
        """What the readers take the two for, by their weights; None if one of them takes them for anything else."""
        if not weights or weights.keys() != others.keys():
            return None
        units = {1: self.plus, -1: self.less}
        found = {units.get(weight / (self.ratio * others[row])) for row, weight in weights.items()}  # type: ignore[call-overload]
        return None if None in found else {unit for unit in found if unit is not None}


@dataclass(frozen=True, slots=True)
class Pairs(Pass):
    """Write two units of one sum that are read together as one unit."""

    name: ClassVar[str] = "pairs"

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        types = infer(rule)
        atoms = Atoms.of_rule(rule, types)
        layers = layers_of(rule, types, atoms, is_layer_or_scalar)
        two_values = {name for name in atoms.names if types.tensor[name].kind in ("bit", "spin")}
        candidates = {
            layer.name: list(_candidates(layer.rows, atoms, layer.name, two_values))
            for layer in layers
            if layer.rows and not layer.is_pinned and len(layer.shape) == 1
        }
        weights = _weights({a for found in candidates.values() for p in found for a in (p.first, p.second)}, layers)
        pairs = {name: _chosen(found, weights) for name, found in candidates.items()}
        pairs = {name: found for name, found in pairs.items() if found}
        return _written(rule, layers, atoms, pairs) if pairs else unchanged(rule)


def _candidates(rows: Sequence[Row], atoms: Atoms, name: str, two_values: Container[str]) -> Iterator[_Pair]:
    """The pairs of units of one layer, opposite ones first; bits stay bits over tensors of two values."""
    start = atoms.offset[name]
    if all(row.kind == "positive" and not _reads(row, atoms, two_values) for row in rows):
        yield from _signs(rows, start)
    elif all(row.kind == "clamp" and (row.low, row.high) == (0, None) for row in rows):
        yield from _of_relus(rows, start)


def _signs(rows: Sequence[Row], start: int) -> Iterator[_Pair]:
    """Units that say whether a sum is above 0, and whether it is below 0, or the opposite of that."""
    sign: _Unit = "sign", None
    seen: dict[tuple[object, ...], int] = {}
    kept: dict[int, Row] = {}
    for number, row in enumerate(map(reduced, rows), start):
        weights = row.weights.tolist()
        if not weights:
            continue
        kept[number] = row
        same, opposite = (row.atoms.tobytes(), *weights), (row.atoms.tobytes(), *(-w for w in weights))
        above = seen.get((*same, row.bias + 1))
        below = seen.get((*same, row.bias - 1))
        if above is not None:
            yield _Pair(number, above, Fraction(1), row, sign, None, 1)
        elif below is not None:
            yield _Pair(number, below, Fraction(1), replace(row, bias=row.bias - 1), sign, None, 1)
        for total in (row.bias, row.bias - 1):
            other = seen.get((*opposite, row.bias - 2 * total))
            if other is None:
                continue
            if weights[0] > 0:
                yield _Pair(number, other, Fraction(1), replace(row, bias=total), None, sign)
            else:
                yield _Pair(other, number, Fraction(1), replace(kept[other], bias=-total), None, sign)
        seen[*same, row.bias] = number


def _of_relus(rows: Sequence[Row], start: int) -> Iterator[_Pair]:
    """Relus of a sum and of its negation; then those of sums that differ in what is added."""
    alike: dict[tuple[object, ...], list[tuple[int, Fraction, Fraction]]] = {}
    for number, row in enumerate(rows, start):
        weights = row.weights.tolist()
        if weights:
            content = gcd(*weights)
            key = row.atoms.tobytes(), *(w // content for w in weights)
            alike.setdefault(key, []).append(
                (number, Fraction(content, 1 << row.exponent), Fraction(row.bias, content))
            )
    for (places, *weights), own in alike.items():
        opposite = alike.get((places, *(-w for w in weights)), ()) if weights[0] > 0 else ()  # type: ignore[operator]
        for (number, factor, bias), (other, factor2, bias2) in product(own[:_MOST_ALIKE], opposite[:_MOST_ALIKE]):
            if bias == -bias2 and _is_power(factor2 / factor):
                yield _Pair(number, other, factor2 / factor, rows[number - start], ("abs", None), ("affine", None))
    for own in alike.values():
        for (number, factor, bias), (other, factor2, bias2) in permutations(own[:_MOST_ALIKE], 2):
            most = factor * (bias - bias2)
            if bias > bias2 and builder.has_literal(most) and _is_power(factor2 / factor):
                yield _Pair(number, other, factor2 / factor, rows[number - start], None, ("clamp", most))


def _is_power(ratio: Fraction) -> bool:
    """Whether a positive number is a power of two, or one divided by it."""
    return all(n & (n - 1) == 0 for n in (ratio.numerator, ratio.denominator))


def _weights(wanted: set[int], layers: Sequence[Layer]) -> _Weights:
    found: _Weights = {atom: {} for atom in wanted}
    for layer in layers if wanted else ():
        for number, row in enumerate(layer.rows or ()):
            for atom, weight in zip(row.atoms.tolist(), row.weights.tolist(), strict=True):
                if atom in wanted:
                    found[atom][layer.name, number] = weight
    return found


def _chosen(pairs: Iterable[_Pair], weights: _Weights) -> dict[_Pair, set[_Unit]]:
    """The first pairs that readers take for something, no unit twice, and what they take them for."""
    chosen: dict[_Pair, set[_Unit]] = {}
    gone: set[int] = set()
    for pair in pairs:
        if gone.isdisjoint((pair.first, pair.second)):
            taken = pair.taken(weights[pair.first], weights[pair.second])
            if taken is not None:
                chosen[pair] = taken
                gone |= {pair.first, pair.second}
    return chosen


def _written(
    rule: Rule, layers: Sequence[Layer], atoms: Atoms, pairs: Mapping[str, Mapping[_Pair, set[_Unit]]]
) -> Rewrite:
    """The rule with a tensor for every kind of unit that pairs of a layer are."""
    names = names_of(rule)
    known = {layer.name: layer.rows for layer in layers if layer.rows is not None}
    parts = {name: _parts(name, known[name], found, atoms.offset[name], names) for name, found in pairs.items()}
    shapes: dict[str, tuple[int, ...]] = {}
    for name in atoms.names:
        own: dict[str, tuple[int, ...]] = {part.name: (len(part.rows),) for part in parts.get(name, ())}
        shapes |= own or {name: atoms.shape[name]}
    moved = _Moved.of(atoms, Atoms(shapes), pairs, parts)
    constants: list[Constant] = []
    statements: list[Statement] = []
    witness: list[Statement] = []
    tables: list[Constant] = []
    for old in rule.statements:
        rows = known.get(old.target)
        if rows is None or (old.target not in parts and not any(_reads(row, atoms, pairs) for row in rows)):
            statements.append(old)
            continue
        for part in parts.get(old.target, ()):
            mine = [moved.over(row) for row in part.rows]
            binders = (Binder(old.binders[0].name, Literal(0), Literal(len(mine))),)
            added, statement = clause(part.name, binders, mine, moved.target, names, part.name)
            constants += added
            statements.append(statement)
            added, statement = part.witness(old.target, binders, atoms.offset[old.target], names)
            tables += added
            witness.append(statement)
        if old.target not in parts:
            mine = [moved.over(row) for row in rows]
            added, statement = clause(old.target, old.binders, mine, moved.target, names, old.target)
            constants += added
            statements.append(statement)
    written = with_statements(rule, statements, constants)
    return unchanged(rule) if verify(written) else Rewrite(written, Witness(tuple(witness), tuple(tables)))


def _reads(row: Row, atoms: Atoms, names: Container[str]) -> bool:
    return any(atoms.names[t] in names for t in atoms.tensors_of(row.atoms))


@dataclass(frozen=True, slots=True)
class _Part:
    """Units of one kind that a layer becomes: those that stay, or what pairs are."""

    name: str
    unit: _Unit | None
    rows: Sequence[Row]
    atoms: Sequence[int]
    """The unit that each one was, or the first one of its pair."""
    pairs: Sequence[_Pair]

    def witness(
        self, old: str, binders: tuple[Binder, ...], start: int, names: Names
    ) -> tuple[list[Constant], Statement]:
        """The units as an expression over the layer, and the constants there."""
        tables: list[Constant] = []

        def table(stem: str, values: Sequence[object]) -> Read:
            found = np.empty(len(values), dtype=object)
            found[:] = values
            tables.append(Constant.of(names(f"{stem}_{self.name}"), found))
            return Read(tables[-1].name, (Index(binders[0].name),))

        value: Expr = Read(old, (table("unit_of", [a - start for a in self.atoms]),))
        if self.pairs:
            sums = [self.unit == pair.plus for pair in self.pairs]
            factors = [(1 if is_sum else -1) / pair.ratio for is_sum, pair in zip(sums, self.pairs, strict=True)]
            more = [pair.more if is_sum else 0 for is_sum, pair in zip(sums, self.pairs, strict=True)]
            second = Read(old, (table("second_of", [pair.second - start for pair in self.pairs]),))
            value = builder.add(value, builder.mul(table("factor_of", factors), second))
            value = builder.sub(value, table("more_of", more)) if any(more) else value
        return tables, Statement(self.name, binders, value)


def _parts(name: str, rows: Sequence[Row], pairs: Mapping[_Pair, set[_Unit]], start: int, names: Names) -> list[_Part]:
    gone = {a for pair in pairs for a in (pair.first, pair.second)}
    stay = [a for a in range(start, start + len(rows)) if a not in gone]
    found = [_Part(name, None, [rows[a - start] for a in stay], stay, ())] if stay else []
    for unit in sorted({unit for taken in pairs.values() for unit in taken}, key=str):
        chosen = sorted((pair for pair, taken in pairs.items() if unit in taken), key=lambda pair: pair.first)
        kind, most = unit
        low = 0 if kind == "clamp" else None
        own = [replace(pair.total, kind=kind, low=low, high=most) for pair in chosen]
        found.append(_Part(names(f"{kind}_{name}"), unit, own, [pair.first for pair in chosen], chosen))
    return found


@dataclass(frozen=True, slots=True)
class _Moved:
    """Where units are in the new program."""

    target: Atoms
    atoms: Mapping[int, int]
    """The new atoms of units that stay."""
    seconds: Mapping[int, _Pair]
    """The pairs by their second units."""
    taken: Mapping[tuple[int, _Unit], int]
    """The new atoms of pairs, by their first units and what they are taken for."""

    @classmethod
    def of(
        cls, old: Atoms, target: Atoms, pairs: Mapping[str, Iterable[_Pair]], parts: Mapping[str, Sequence[_Part]]
    ) -> _Moved:
        stay: dict[int, int] = {}
        taken: dict[tuple[int, _Unit], int] = {}
        for name in old.names:
            if name not in parts:
                stay |= enumerate(range(target.slice(name).start, target.slice(name).stop), old.offset[name])
            for part in parts.get(name, ()):
                for place, atom in enumerate(part.atoms, target.offset[part.name]):
                    if part.unit is None:
                        stay[atom] = place
                    else:
                        taken[atom, part.unit] = place
        seconds = {pair.second: pair for found in pairs.values() for pair in found}
        return cls(target, stay, seconds, taken)

    def over(self, row: Row) -> Row:
        """A row over the new units."""
        weights = dict(zip(row.atoms.tolist(), row.weights.tolist(), strict=True))
        new: dict[int, int] = {}
        bias = row.bias
        for atom, weight in weights.items():
            pair = self.seconds.get(atom)
            if pair is not None:
                first = weights[pair.first]
                is_sum = (first > 0) == (weight > 0)
                unit = pair.plus if is_sum else pair.less
                assert unit is not None
                new[self.taken[pair.first, unit]] = first
                bias += first * pair.more if is_sum else 0
            elif atom in self.atoms:
                new[self.atoms[atom]] = weight
        return row.over(new, bias)
