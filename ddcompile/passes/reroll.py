"""Write families of units as one clause over a box, with operands that move with the coordinates.

Before (unit order does not matter)::

    unit[u < 20] = sum(i < 20: W[u, i] * cell[i]) >= 2       # two neighbouring cells each
    y[i < 20] = sum(u < 20: V[i, u] * unit[u]) >= 1

After::

    unit[i < 20] = sum(j < 2: cell[(i + j) % 20]) >= 2
    y[i < 20] = unit[i] >= 1

Families come from `ddcompile.analysis.families`. Hidden units get coordinates, and their readers' tables are
permuted accordingly, layer by layer; the kernel of a family is a constant over offsets (see `slice-weights`), units
in no family stay rows of a table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from ddcompile.analysis.cost import cost
from ddcompile.analysis.families import Family, UnitClass, fit_fixed, fit_free, unit_classes
from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.rows import Row
from ddcompile.analysis.slices import decompose
from ddcompile.ir import builder
from ddcompile.ir.nodes import Binder, Constant, Expr, Index, Literal, Read, Rule, Statement
from ddcompile.ir.types import infer
from ddcompile.passes.layers import Layer, Names, clause, domain_of, is_layer, layers_of, names_of
from ddcompile.passes.moving import centred, family_clause
from ddcompile.passes.options import Pass, option
from ddcompile.passes.orient import has_zero, oriented, signed
from ddcompile.passes.rewrite import Rewrite, Witness, read_names, unchanged, with_statements

__all__ = ["Reroll"]


@dataclass(frozen=True, slots=True)
class Reroll(Pass):
    """Write families of units as one clause over a box, with operands that move with the coordinates."""

    name: ClassVar[str] = "reroll"
    weights: int = option(16, "how many different weights a unit may have whose weights no other unit shares")

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        types = infer(rule)
        atoms = Atoms.of_rule(rule, types)
        layers = layers_of(rule, types, atoms, _is_candidate)
        if all(layer.rows is None for layer in layers):
            return unchanged(rule)
        restless = {d.name for d in rule.inputs if not has_zero(domain_of(types.tensor[d.name]))}
        state = _State(rule, atoms, self.weights, restless)
        for layer in layers:
            state.add(layer)
        return state.finish()


def _is_candidate(rule: Rule, target: str) -> bool:
    return is_layer(rule, target)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an old element went: `old = offset + sign * new`, `new` an element of a new tensor."""

    tensor: str
    element: int
    sign: int
    offset: int


@dataclass(frozen=True, slots=True, eq=False)
class _Written:
    """A family of hidden units, by their numbers in the layer, and its clause."""

    units: list[int]
    family: Family
    constants: list[Constant]
    binders: tuple[Binder, ...]
    value: Expr

    @property
    def price(self) -> int:
        """The cost of the clause."""
        return _total_cost(self.constants, [Statement("x", self.binders, self.value)])


class _State:
    """The new program as it grows, tensor by tensor."""

    def __init__(self, rule: Rule, atoms: Atoms, few: int, restless: set[str]) -> None:
        self.rule = rule
        self.restless = restless
        self.few = few
        self.old = atoms
        self.names = names_of(rule)
        self.shapes: dict[str, tuple[int, ...]] = {d.name: atoms.shape[d.name] for d in rule.inputs}
        self.places: dict[int, _Place] = {}
        self.moved: set[str] = set()
        self.statements: list[Statement] = []
        self.constants: list[Constant] = []
        self.witness: list[Statement] = []
        self.tables: list[Constant] = []
        self.changed = False

    def add(self, layer: Layer) -> None:
        """Write one tensor of the old program."""
        clauses = [s for s in self.rule.statements if s.target == layer.name]
        self.shapes[layer.name] = layer.shape
        is_settled = layer.is_pinned and not layer.is_result and not read_names(clauses) & self.moved
        if layer.rows is None or is_settled:
            self.statements += clauses
            return
        atoms = Atoms(dict(self.shapes))
        rows = [self.renumber(r, atoms) for r in layer.rows]
        operands_moved = bool(read_names(clauses) & self.moved)
        if layer.is_pinned or len(layer.shape) != 1:
            self.add_pinned(layer, rows, atoms, clauses, operands_moved)
        else:
            self.add_hidden(layer, rows, atoms, clauses, operands_moved)

    def renumber(self, row: Row, atoms: Atoms) -> Row:
        """The row over elements of the new program."""
        total: dict[int, int] = {}
        bias = row.bias
        numbers = self.old.tensor_of(row.atoms).tolist()
        for atom, number, weight in zip(row.atoms.tolist(), numbers, row.weights.tolist(), strict=True):
            name = self.old.names[number]
            place = self.places.get(atom) or _Place(name, atom - self.old.offset[name], 1, 0)
            new = atoms.offset[place.tensor] + place.element
            bias += weight * place.offset
            total[new] = total.get(new, 0) + weight * place.sign
        kept = sorted(total)
        weights = np.array([total[a] for a in kept], dtype=object)
        if max((abs(int(w)) for w in weights), default=0) < 2**62:
            weights = weights.astype(np.int64)
        return replace(row, atoms=np.array(kept, dtype=np.int64), weights=weights, bias=bias)

    def add_pinned(
        self, layer: Layer, rows: list[Row], atoms: Atoms, clauses: list[Statement], operands_moved: bool
    ) -> None:
        """A tensor whose elements stay where they are: boxes of its positions, or a table if that is shorter."""
        coordinates = np.array(list(np.ndindex(*layer.shape)), dtype=np.int64).reshape(len(rows), len(layer.shape))
        extents = [atoms.shape[n] for n in atoms.names]
        familiar = _familiar(rows, self.few)
        families = [
            (members, family)
            for members, classes in _signatures(rows, familiar, atoms)
            for family in fit_fixed(classes, extents, coordinates[members])
        ]
        if operands_moved:
            table = clause(layer.name, clauses[0].binders, rows, atoms, self.names, layer.name)
            constants, statements = table[0], [table[1]]
        else:
            read = read_names(clauses)
            constants, statements = [c for c in self.rule.constants if c.name in read], list(clauses)
        written: list[Statement] = []
        kernels: list[Constant] = []
        for members, family in sorted(families, key=lambda f: f[1].lower):
            binders = self.binders(family)
            row = rows[members[family.units[0]]]
            new, value = family_clause(row, family, binders, _classes(row, atoms), atoms, self.names, layer.name)
            kernels += new
            written.append(Statement(layer.name, _result_positions(binders), value))
        complete = layer.shape and len(familiar) == len(rows)
        if complete and _total_cost(kernels, written) < _total_cost(constants, statements):
            constants, statements = kernels, written
        if statements != clauses:
            self.changed = True
            self.constants += constants
        self.statements += statements

    def add_hidden(
        self, layer: Layer, rows: list[Row], atoms: Atoms, clauses: list[Statement], operands_moved: bool
    ) -> None:
        """A tensor whose elements may be renamed, renumbered and negated: families, and a table of the rest."""
        ways = [self.oriented(r, atoms) for r in rows]
        oriented, signs = [r for r, _ in ways], [sign for _, sign in ways]
        groups = _signatures(oriented, _familiar(rows, self.few), atoms)
        extents = [atoms.shape[n] for n in atoms.names]
        found: list[_Written] = []
        for members, classes in groups:
            for family in fit_free(classes, extents):
                row = oriented[members[family.units[0]]]
                if len(family.units) == 1 and not _is_short(row, atoms):
                    continue
                family = centred(family, row, _classes(row, atoms), atoms)
                units = [members[u] for u in family.units]
                row = oriented[units[0]]
                binders = self.binders(family)
                new, value = family_clause(row, family, binders, _classes(row, atoms), atoms, self.names, layer.name)
                found.append(_Written(units, family, new, binders, value))
        order = sorted(range(len(rows)), key=lambda k: _row_key(oriented[k]))
        rest = set(order)
        chosen: list[_Written] = []
        while found and rest:
            # What is left in the table gets dearer row by row as rows leave it.
            left = [oriented[k] for k in order if k in rest]
            binders = (Binder("u", Literal(0), Literal(len(left))),)
            constants, statement = clause(layer.name, binders, left, atoms, Names(set()), "w")
            table = _total_cost(constants, [statement])
            cheap = [w for w in found if w.price * len(left) <= table * len(w.units) or len(w.units) == len(left)]
            if not cheap:
                break
            chosen += cheap
            found = [w for w in found if w not in cheap]
            rest -= {u for w in cheap for u in w.units}
        if not chosen and not operands_moved and -1 not in signs and order == sorted(order):
            self.statements += clauses
            return
        self.changed = True
        del self.shapes[layer.name]
        for part in chosen:
            name = self.names(layer.name)
            self.constants += part.constants
            self.statements.append(Statement(name, part.binders, part.value))
            shape = tuple(b - a for a, b in zip(part.family.lower, part.family.upper, strict=True))
            self._place(layer, name, shape, part.units, signs, rows[0].kind, part.binders)
        if rest:
            self._write_rest(layer, [k for k in order if k in rest], oriented, signs, atoms)
        self.moved.add(layer.name)

    def oriented(self, row: Row, atoms: Atoms) -> tuple[Row, int]:
        """A row of a hidden unit the right way round, and the sign of the unit."""
        tensors = {atoms.names[t] for t in np.unique(atoms.tensor_of(row.atoms)).tolist()}
        return oriented(
            row, lambda r: [(c.weight, c.shape) for c in _classes(r, atoms)], may_rest=tensors.isdisjoint(self.restless)
        )

    def _write_rest(
        self, layer: Layer, units: list[int], rows: list[Row], signs: Sequence[int], atoms: Atoms
    ) -> None:
        name = self.names(layer.name)
        binders = (Binder("u", Literal(0), Literal(len(units))),)
        constants, statement = clause(name, binders, [rows[u] for u in units], atoms, self.names, layer.name)
        self.constants += constants
        self.statements.append(statement)
        self._place(layer, name, (len(units),), units, signs, rows[0].kind, binders)

    def _place(
        self,
        layer: Layer,
        name: str,
        shape: tuple[int, ...],
        units: list[int],
        all_signs: Sequence[int],
        kind: str,
        binders: tuple[Binder, ...],
    ) -> None:
        """Record where units went, and say it in the witness."""
        self.shapes[name] = shape
        start = self.old.offset[layer.name]
        signs = [all_signs[u] for u in units]
        for element, (unit, sign) in enumerate(zip(units, signs, strict=True)):
            offset = 1 if kind == "positive" and sign < 0 else 0
            self.places[start + unit] = _Place(name, element, sign, offset)
        own = tuple(Index(b.name) for b in binders)
        table = Constant.of(self.names(f"unit_of_{name}"), np.array(units).reshape(shape))
        self.tables.append(table)
        source = Read(layer.name, (Read(table.name, own),))
        value, tables = signed(source, signs, kind, shape, own, lambda: self.names(f"sign_of_{name}"))
        self.tables += tables
        self.witness.append(Statement(name, binders, value))

    def binders(self, family: Family) -> tuple[Binder, ...]:
        """Binders over the box of a family."""
        names = self.names.indices(len(family.lower))
        bounds = zip(names, family.lower, family.upper, strict=True)
        return tuple(Binder(n, Literal(a), Literal(b)) for n, a, b in bounds)

    def finish(self) -> Rewrite:
        """The rewrite, or the old rule if nothing was found."""
        if not self.changed:
            return unchanged(self.rule)
        rule = with_statements(self.rule, self.statements, self.constants)
        return Rewrite(rule, Witness(tuple(self.witness), tuple(self.tables)))


def _result_positions(binders: tuple[Binder, ...]) -> tuple[Binder | Expr, ...]:
    """The positions of a box of results; a range of one is written as a constant."""
    return tuple(b.lower if b.upper == builder.add(b.lower, 1) else b for b in binders)


def _classes(row: Row, atoms: Atoms) -> list[UnitClass]:
    """The classes of a unit, smallest first; the order depends on weights and shapes only."""
    found: list[UnitClass] = []
    numbers = atoms.tensor_of(row.atoms)
    for number in np.unique(numbers).tolist():
        mine = numbers == number
        extents = atoms.shape[atoms.names[number]]
        local = row.atoms[mine] - atoms.offset[atoms.names[number]]
        if extents:
            positions = np.stack(np.unravel_index(local, extents), axis=1).astype(np.int64)
        else:
            positions = np.zeros((len(local), 0), dtype=np.int64)
        found += unit_classes(positions, row.weights[mine], number, extents)
    return sorted(found, key=lambda c: (c.count, c.tensor, c.weight, c.shape))


def _signature(row: Row, classes: list[UnitClass]) -> tuple[object, ...]:
    shapes = tuple((c.tensor, c.weight, c.shape, tuple(a is None for a in c.anchors)) for c in classes)
    return (row.kind, row.low, row.high, row.bias, row.exponent, shapes)


def _signatures(rows: list[Row], numbers: list[int], atoms: Atoms) -> list[tuple[list[int], list[list[UnitClass]]]]:
    """The numbered units grouped by signature, in an order that does not depend on theirs."""
    groups: dict[tuple[object, ...], tuple[list[int], list[list[UnitClass]]]] = {}
    for k in numbers:
        row = rows[k]
        classes = _classes(row, atoms)
        members, members_classes = groups.setdefault(_signature(row, classes), ([], []))
        members.append(k)
        members_classes.append(classes)
    return [groups[key] for key in sorted(groups, key=repr)]


def _familiar(rows: list[Row], few: int) -> list[int]:
    """Rows that may have a family: their weights, up to sign, are those of another row, or few."""
    keys = [(row.kind, len(row.weights), np.sort(np.abs(row.weights)).tolist()) for row in rows]
    seen = Counter(map(repr, keys))
    return [k for k, key in enumerate(keys) if seen[repr(key)] > 1 or len(set(key[2])) <= few]


def _is_short(row: Row, atoms: Atoms) -> bool:
    """Whether a unit on its own is worth a statement: its weights are few slices."""
    room = 3
    numbers = atoms.tensor_of(row.atoms)
    for number in np.unique(numbers).tolist():
        name = atoms.names[number]
        kernel = np.zeros(atoms.shape[name], dtype=row.weights.dtype)
        mine = numbers == number
        kernel.flat[row.atoms[mine] - atoms.offset[name]] = row.weights[mine]
        pieces = decompose(kernel, room)
        if pieces is None:
            return False
        room -= len(pieces)
    return True


def _total_cost(constants: Sequence[Constant], statements: Sequence[Statement]) -> int:
    return sum(map(cost, constants)) + sum(map(cost, statements))


def _row_key(row: Row) -> tuple[object, ...]:
    return (row.bias, row.atoms.tolist(), row.weights.tolist())
