"""Write relus of a sum and of its negation as absolute values, or as the sum.

Before::

    h[u < 2] = relu(sum(i < 2: W[u, i] * x[i]))    # W = [1, -1], [-1, 1]
    y = h[0] + h[1] > 2
    z = h[0] - h[1] > 1

After::

    size[u < 1] = abs(sum(i < 2: weight[u, i] * x[i]))     # weight = [1, -1]
    plain[u < 1] = sum(i < 2: weight2[u, i] * x[i])        # weight2 = [1, -1]
    y = size[0] > 2
    z = plain[0] > 1

`relu(s) + relu(-s)` is `abs(s)`, and `relu(s) - relu(-s)` is `s`. All readers of both units take them in one of these
two ways; the second unit may be a multiple by a power of two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import gcd
from typing import ClassVar, TypeAlias

import numpy as np

from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.rows import Row, RowKind
from ddcompile.ir import builder
from ddcompile.ir.nodes import Binder, Constant, Expr, Index, Literal, Read, Rule, Statement
from ddcompile.ir.types import infer
from ddcompile.ir.verifier import verify
from ddcompile.passes.layers import Layer, Names, clause, is_layer_or_scalar, layers_of, names_of
from ddcompile.passes.options import Pass
from ddcompile.passes.rewrite import Rewrite, Witness, unchanged, with_statements

__all__ = ["Opposites"]

_Weights: TypeAlias = dict[int, dict[tuple[str, int], int]]
"""By atom, the rows that read it, each by its tensor and its place there, and their weights for it."""


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two atoms: `relu(s)` and `relu(-ratio * s)`; and how they are read."""

    first: int
    second: int
    ratio: Fraction
    kinds: frozenset[RowKind]
    """What the readers take them for: "abs" those that add them up, "affine" those that take their difference."""


@dataclass(frozen=True, slots=True)
class Opposites(Pass):
    """Write relus of a sum and of its negation as absolute values, or as the sum."""

    name: ClassVar[str] = "opposites"

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        types = infer(rule)
        atoms = Atoms.of_rule(rule, types)
        layers = layers_of(rule, types, atoms, is_layer_or_scalar)
        candidates = {layer.name: list(_opposite(layer, atoms)) for layer in layers if _are_relus(layer)}
        weights = _weights({a for found in candidates.values() for a, b, _ in found for a in (a, b)}, layers)
        pairs = {
            name: chosen
            for name, found in candidates.items()
            if (chosen := [pair for each in found if (pair := _as_read(*each, weights)) is not None])
        }
        return _written(rule, layers, atoms, pairs) if pairs else unchanged(rule)


def _are_relus(layer: Layer) -> bool:
    """Whether a layer is one list of relus that only layers read."""
    if layer.rows is None or layer.is_pinned or len(layer.shape) != 1:
        return False
    return all(row.kind == "clamp" and (row.low, row.high) == (0, None) for row in layer.rows)


def _opposite(layer: Layer, atoms: Atoms) -> Iterator[tuple[int, int, Fraction]]:
    """The pairs of opposite units of a layer, each with the ratio of the second one's sum to the first one's."""
    start = atoms.offset[layer.name]
    seen: dict[tuple[object, ...], list[tuple[int, Fraction]]] = {}
    for number, row in enumerate(layer.rows or (), start):
        weights = row.weights.tolist()
        content = gcd(row.bias, *weights)
        if not weights:
            continue
        factor = Fraction(content, 1 << row.exponent)
        key = row.atoms.tobytes(), *(w // content for w in weights), row.bias // content
        opposite = key[0], *(-w // content for w in weights), -row.bias // content
        found = next((k for k, other in enumerate(seen.get(opposite, ())) if _is_power(factor / other[1])), None)
        if found is None:
            seen.setdefault(key, []).append((number, factor))
            continue
        other, own = seen[opposite].pop(found)
        # The sum is written with its first weight above 0.
        yield (number, other, own / factor) if weights[0] > 0 else (other, number, factor / own)


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


def _as_read(first: int, second: int, ratio: Fraction, weights: _Weights) -> _Pair | None:
    """The pair with what its readers take it for; None if one of them takes it for anything else."""
    if weights[first].keys() != weights[second].keys():
        return None
    parts = {weight / (ratio * weights[second][row]) for row, weight in weights[first].items()}
    if not parts or not parts <= {1, -1}:
        return None
    kinds: dict[int, RowKind] = {1: "abs", -1: "affine"}
    return _Pair(first, second, ratio, frozenset(kinds[int(part)] for part in parts))


def _written(rule: Rule, layers: Sequence[Layer], atoms: Atoms, pairs: Mapping[str, list[_Pair]]) -> Rewrite:
    """The rule with a tensor of absolute values and one of sums for each layer that has such pairs."""
    names = names_of(rule)
    parts = {name: _parts(name, found, atoms, names) for name, found in pairs.items()}
    shapes: dict[str, tuple[int, ...]] = {}
    for name in atoms.names:
        shapes |= (
            {part.name: (len(part.atoms),) for part in parts[name]} if name in parts else {name: atoms.shape[name]}
        )
    moved = _Moved.of(atoms, Atoms(shapes), pairs, parts)
    known = {layer.name: layer.rows for layer in layers if layer.rows is not None}
    constants: list[Constant] = []
    statements: list[Statement] = []
    witness: list[Statement] = []
    tables: list[Constant] = []
    for old in rule.statements:
        rows = known.get(old.target)
        if rows is None or (old.target not in parts and not any(_reads(row, atoms, pairs) for row in rows)):
            statements.append(old)
            continue
        start = atoms.offset[old.target]
        for part in parts.get(old.target, ()):
            mine = [part.unit(moved.over(rows[a - start])) for a in part.atoms]
            binders = (Binder(old.binders[0].name, Literal(0), Literal(len(mine))),)
            added, statement = clause(part.name, binders, mine, moved.target, names, part.name)
            constants += added
            statements.append(statement)
            added, statement = part.witness(old.target, binders, start, names)
            tables += added
            witness.append(statement)
        if old.target not in parts:
            mine = [moved.over(row) for row in rows]
            added, statement = clause(old.target, old.binders, mine, moved.target, names, old.target)
            constants += added
            statements.append(statement)
    written = with_statements(rule, statements, constants)
    return unchanged(rule) if verify(written) else Rewrite(written, Witness(tuple(witness), tuple(tables)))


@dataclass(frozen=True, slots=True)
class _Moved:
    """Where units are in the new program."""

    target: Atoms
    atoms: Mapping[int, int]
    """The new atoms of units that stay."""
    seconds: Mapping[int, int]
    """The first unit of a pair by its second one."""
    taken: Mapping[RowKind, Mapping[int, int]]
    """The absolute values and the sums that pairs become, by their first units."""

    @classmethod
    def of(
        cls, old: Atoms, target: Atoms, pairs: Mapping[str, list[_Pair]], parts: Mapping[str, list[_Part]]
    ) -> _Moved:
        stay: dict[int, int] = {}
        taken: dict[RowKind, dict[int, int]] = {"abs": {}, "affine": {}}
        for name in old.names:
            if name not in parts:
                stay |= enumerate(range(target.slice(name).start, target.slice(name).stop), old.offset[name])
            for part in parts.get(name, ()):
                places = taken.get(part.kind, stay)
                places |= {atom: place for place, atom in enumerate(part.atoms, target.offset[part.name])}
        seconds = {pair.second: pair.first for found in pairs.values() for pair in found}
        return cls(target, stay, seconds, taken)

    def over(self, row: Row) -> Row:
        """A row over the new units."""
        weights = dict(zip(row.atoms.tolist(), row.weights.tolist(), strict=True))
        new: dict[int, int] = {}
        for atom, weight in weights.items():
            first = self.seconds.get(atom)
            if first is not None:
                kind: RowKind = "abs" if (weights[first] > 0) == (weight > 0) else "affine"
                new[self.taken[kind][first]] = weights[first]
            elif atom in self.atoms:
                new[self.atoms[atom]] = weight
        return row.over(new, row.bias)


def _reads(row: Row, atoms: Atoms, pairs: Mapping[str, list[_Pair]]) -> bool:
    return any(atoms.names[t] in pairs for t in atoms.tensors_of(row.atoms))


@dataclass(frozen=True, slots=True)
class _Part:
    """Units of one kind that a layer becomes: relus that stay, absolute values or sums."""

    name: str
    kind: RowKind
    atoms: Sequence[int]
    """The unit that each one was, or the first one of its pair."""
    pairs: Sequence[_Pair]

    def unit(self, relu: Row) -> Row:
        """What a relu becomes."""
        return relu if self.kind == "clamp" else replace(relu, kind=self.kind, low=None, high=None)

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
        if self.kind != "clamp":
            second: Expr = Read(old, (table("second_of", [pair.second - start for pair in self.pairs]),))
            if any(pair.ratio != 1 for pair in self.pairs):
                second = builder.mul(table("scale_of", [1 / pair.ratio for pair in self.pairs]), second)
            value = builder.add(value, second) if self.kind == "abs" else builder.sub(value, second)
        return tables, Statement(self.name, binders, value)


def _parts(name: str, pairs: Sequence[_Pair], atoms: Atoms, names: Names) -> list[_Part]:
    span = atoms.slice(name)
    gone = {a for pair in pairs for a in (pair.first, pair.second)}
    stay = [a for a in range(span.start, span.stop) if a not in gone]
    found = [_Part(name, "clamp", stay, ())] if stay else []
    stems: dict[RowKind, str] = {"abs": f"size_{name}", "affine": f"plain_{name}"}
    for kind, stem in stems.items():
        chosen = sorted((pair for pair in pairs if kind in pair.kinds), key=lambda pair: pair.first)
        if chosen:
            found.append(_Part(names(stem), kind, [pair.first for pair in chosen], chosen))
    return found
