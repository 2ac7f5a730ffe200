"""Give hidden units that are one function of what is about them the places of a grid, and those at its borders as well.

Before, where `left` and `right` are hidden units that later layers read in the place of the ends of `inner`::

    inner[u < 7] = sum(i < 9: W[u, i] * x[i]) - 2 * sum(v < 7: V[u, v] * both[v]) >= 1
    left = x[0] + x[1] >= 1
    right = x[7] - x[8] >= 1

After::

    state[i < 9] = pad(x, 0)[i - 1] xor (x[i] or pad(x, 0)[i + 1])

All that later layers read of the layers up to one is looked at together. A unit with most inputs is the pattern; units
with the same table, of inputs that are moved, are at other places of the grid, and the others are looked for at its
borders (`ddcompile.passes.borders`). A few may be something else (`ddcompile.passes.strangers`). Layers above read the
grid in turn, as long as results are not one function of it. Networks in which no unit is at a border are left to
`reroll`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import ClassVar

import numpy as np

from ddcompile.analysis.cones import Cones, Member, Table
from ddcompile.analysis.cost import cost
from ddcompile.analysis.decompositions import Search
from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.symmetries import merged
from ddcompile.analysis.thresholds import Domain
from ddcompile.ir import builder
from ddcompile.ir.nodes import Constant, Expr, Literal, Rule, Statement
from ddcompile.ir.types import Types, infer
from ddcompile.ir.verifier import verify
from ddcompile.passes.arranged import meaning, over_grids, with_odd
from ddcompile.passes.borders import are_equal, moved, over_clipped_sums
from ddcompile.passes.dce import dce
from ddcompile.passes.grids import Found, Grid, Place, Stranger, Unit, unit_of, ways
from ddcompile.passes.layers import Layer, clause, domain_of, layers_of, names_of
from ddcompile.passes.odd import few, is_reordered
from ddcompile.passes.options import Pass, option
from ddcompile.passes.rewrite import Rewrite, Witness, unchanged, with_statements
from ddcompile.passes.strangers import seat, value_of
from ddcompile.passes.tabled import Template, clauses, element_at, placeholders

__all__ = ["Arrange"]

_BIT = Domain(0, 1)
_PADS = (0, 1, -1)
_MOST_GRIDS = 3
"""Functions that the units of a layer may be, and patterns that are tried."""
_AHEAD = 2
"""Layers that are looked at for fewer grids."""
_AROUND = 4
"""Places that are tried, or that a grid has, for every unit that there may be."""


@dataclass(frozen=True, slots=True)
class Arrange(Pass):
    """Give hidden units that are one function of what is about them the places of a grid, those at borders as well."""

    name: ClassVar[str] = "arrange"
    units: int = option(256, "how many units a layer may have", high=1 << 14)
    inputs: int = option(16, "how many inputs a unit may have", high=64)
    rows: int = option(1 << 10, "how many rows a table may have", high=1 << 16)

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        types = infer(rule)
        atoms = Atoms.of_rule(rule, types)
        layers = layers_of(rule, types, atoms)
        state = _State(rule, types, atoms, layers, self)
        while state.arrange():
            pass
        return state.finish()


class _State:
    """The grids that were found, and what else a program has."""

    def __init__(self, rule: Rule, types: Types, atoms: Atoms, layers: Sequence[Layer], options: Arrange) -> None:
        self.rule, self.old, self.layers, self.options = rule, atoms, layers, options
        self.names = names_of(rule)
        self.hidden = [x for x in layers if x.rows is not None and not x.is_pinned and not x.is_result]
        self.rows = {atoms.offset[x.name] + k: row for x in self.hidden for k, row in enumerate(x.rows or ())}
        self.new = Atoms({d.name: atoms.shape[d.name] for d in rule.inputs})
        self.domains: dict[int, Domain] = {}
        self.where: dict[int, Member] = {}
        """The elements of grids, by the elements of the old program that they or their negations are."""
        for d in rule.inputs:
            domain = domain_of(types.tensor[d.name])
            if domain is not None:
                start = atoms.offset[d.name]
                for k, element in enumerate(range(*self.new.slice(d.name).indices(self.new.count))):
                    self.domains[element] = domain
                    self.where[start + k] = element, 1
        self.fixed: dict[int, int] = {}
        """The values of elements of grids that have only one."""
        self.grids: dict[str, Grid] = {}
        self.values: dict[str, dict[int, Expr | None]] = {}
        """What odd elements of grids are; None if it is not known."""
        self.statements: list[Statement] = []
        self.constants: list[Constant] = []
        self.level = np.full(atoms.count, len(layers))
        """By element of the old program the number of its hidden layer, -1 for inputs, and a great one for others."""
        self.reader = np.full(atoms.count, -1)
        """The greatest number of a layer that reads it."""
        numbers = {x.name: k for k, x in enumerate(self.hidden)}
        for layer in sorted(layers, key=lambda x: numbers.get(x.name, len(layers))):
            number = numbers.get(layer.name, len(layers))
            self.level[atoms.slice(layer.name)] = number
            for row in layer.rows or ():
                self.reader[row.atoms] = number
        self.level[list(self.where)] = -1
        self.arranged = 0
        """How many hidden layers are written as grids."""

    def arrange(self) -> bool:
        """Arrange what is read of the hidden layers up to one, such that layers above read as few grids as can be."""
        best: tuple[int, int, list[Grid]] | None = None
        for number in range(self.arranged, len(self.hidden)):
            grids, are_enough = self._arranged(number)
            read = len(grids) + (not are_enough)
            if grids and (best is None or read < best[0]):
                best = read, number, grids
            if best is not None and (best[0] == 1 or number >= best[1] + _AHEAD):
                break
        if best is None:
            return False
        if best[0] > 1 and self.arranged and all(self._is_one_function(x) for x in self.layers if x.is_result):
            return False
        for grid in best[2]:
            self._enter(grid)
        self.arranged = best[1] + 1
        return True

    def _is_one_function(self, result: Layer) -> bool:
        """Whether the elements of a result, but a few, are one function of grids, as `collapse-tables` writes them."""
        start, rows = self.old.offset[result.name], result.rows or []
        if not 1 < len(rows) <= self.options.units or any(row.kind != "positive" for row in rows):
            return False
        above = {a: row for a, row in self.rows.items() if self.level[a] >= self.arranged}
        domains = {a: self.domains[new] for a, (new, _) in self.where.items()}
        units = {start + k: row for k, row in enumerate(rows)}
        cones = Cones(above | units, domains, self.options.inputs, self.options.rows)
        found = [cones.table(unit) for unit in units]
        tables = [None if table is None else self._over_grids(table) for table in found]
        return over_clipped_sums(result, tables, self.new, self.domains, few(len(rows))) is not None

    def _arranged(self, number: int) -> tuple[list[Grid], bool]:
        """What is read of the hidden layers up to one as grids, and whether nothing else is; no grids if it is none."""
        units, wide = self._units(number) or ([], [])
        rest = {u.atom: u for u in units}
        found: list[Found] = []
        while any(a not in self.where for a in rest) and len(found) < _MOST_GRIDS:
            pattern = self._grid(list(rest.values()))
            if pattern is None:
                break
            found.append(pattern)
            for unit in pattern.units.values():
                del rest[unit.atom]
        boxed = [self._boxed(each) for each in found]
        if found and (wide or None in boxed or any(a not in self.where for a in rest)):
            if not self._seat(found, rest, wide, number):
                return [], False
            boxed = [self._boxed(each, few(prod(each.extents()))) for each in found]
        if wide or any(a not in self.where for a in rest) or None in boxed:
            return [], False
        return [grid for grid in boxed if grid is not None], not rest

    def _seat(self, grids: Sequence[Found], rest: dict[int, Unit], wide: list[int], number: int) -> bool:
        """Give places in grids to what is left, those that have one already at last; whether there were enough."""
        total = sum(len(found.units) for found in grids)
        hidden = [u for a, u in rest.items() if a not in self.where]
        if len(hidden) + len(wide) > few(total):
            return False
        if any(is_reordered(f.inner.table, v.table) for f in grids for u in hidden for v in ways(u)):
            return False
        others = [Stranger(u.atom, u.table, u.is_negated) for u in hidden] + [Stranger(a, None, False) for a in wide]
        copies = [Stranger(u.atom, u.table, u.is_negated) for a, u in rest.items() if a in self.where]
        later = [x.rows for x in self.layers if x.rows and self.level[self.old.offset[x.name]] > number]
        readers = [
            dict(zip(r.atoms.tolist(), r.weights.tolist(), strict=True))
            for rows in later
            for r in rows
            if (self.level[r.atoms] <= number).any()
        ]
        for own in (others, copies):
            own.sort(key=lambda s: (s.table is None, str(s.table and (s.table.classes, s.table.values.tolist()))))
            left = {s.atom for s in seat(grids, own, readers, self._is_hole, self._expected)}
            for other in own:
                if other.atom in left and other.atom not in self.where:
                    return False
                if other.atom not in left:
                    rest.pop(other.atom, None)
        wide.clear()
        return True

    def _is_hole(self, found: Found, place: Place) -> bool:
        table = self._at(found, place)
        return not any(are_equal(table, Table((), (), np.array(v)), self.domains) for v in (0, 1))

    def _expected(self, found: Found, place: Place) -> frozenset[int]:
        return frozenset(a for own in self._at(found, place).classes for a, _ in own)

    def _units(self, number: int) -> tuple[list[Unit], list[int]] | None:
        """What is read of the hidden layers up to one by others, and units of too many inputs.

        None if that is too much, or no grid.
        """
        cut = np.flatnonzero((self.reader > number) & (self.level <= number)).tolist()
        if len(cut) > self.options.units or all(a in self.where for a in cut):
            return None
        below = np.flatnonzero((self.level >= self.arranged) & (self.level <= number)).tolist()
        rows = {a: self.rows[a] for a in below}
        domains = {a: self.domains[new] for a, (new, _) in self.where.items()}
        cones = Cones(rows, domains, self.options.inputs, self.options.rows)
        units = []
        wide: list[int] = []
        for atom in cut:
            if atom in self.where:
                if domains[atom] != _BIT:
                    continue
                table: Table | None = Table((((atom, 1),),), (range(2),), np.arange(2))
            else:
                table = cones.table(atom) if atom in rows else None
            unit = None if table is None else unit_of(atom, self._over_grids(table), self.new)
            if unit is not None:
                units.append(unit)
            elif table is None and atom in rows and rows[atom].kind == "positive" and len(wide) < few(len(cut)):
                wide.append(atom)
            else:
                return None
        return units, wide

    def _over_grids(self, table: Table) -> Table:
        """A table of elements of the old program as one of elements of grids."""
        classes, ranges = [], []
        for members, values in zip(table.classes, table.ranges, strict=True):
            own = [(*self.where[a], s) for a, s in members]
            shift = sum(s for _, sign, s in own if sign < 0)
            classes.append(tuple(sorted((new, sign * s) for new, sign, s in own)))
            ranges.append(range(values.start - shift, values.stop - shift, values.step))
        return merged(Table(tuple(classes), tuple(ranges), table.values))

    def _grid(self, units: Sequence[Unit]) -> Found | None:
        """The pattern of most units, and these by their places; None if there is no pattern."""
        kinds: dict[object, list[Unit]] = {}
        for unit in units:
            kinds.setdefault(unit.kind, []).append(unit)
        ways = [own for own in kinds.values() if len(own) > 1 and any(u.atom not in self.where for u in own)]
        best: Found | None = None
        for inner in sorted(ways, key=lambda own: (-own[0].table.inputs, -len(own)))[:_MOST_GRIDS]:
            for pad in _PADS:
                found = Found(inner[0], pad, {unit.anchor: unit for unit in inner})
                self._find_at_borders(found, [u for u in units if u not in inner])
                if best is None or len(found.units) > len(best.units):
                    best = found
            if best is not None and len(best.units) == len(units):
                break
        return best

    def _find_at_borders(self, found: Found, others: Sequence[Unit]) -> None:
        """Add the units that are the function of a pattern at places where not all that it reads is there.

        Elements that have a place already, such as inputs, are copies there; they do not make a grid greater than what
        it reads.
        """
        read = [self.new.place_of(element) for own in found.inner.table.classes for element, _ in own]
        extents = self.new.shape[read[0][0]]
        reach = np.max([np.subtract(place, found.inner.anchor) for _, place in read], axis=0).tolist()
        places = list(product(*(range(-r, n) for r, n in zip(reach, extents, strict=True))))
        if len(places) > self.options.units * _AROUND:
            return
        for are_copies in (False, True):
            rest = [u for u in others if (u.atom in self.where) == are_copies]
            for place in sorted(places, key=lambda p: (found.distance(p), p)) if rest else ():
                if place in found.units:
                    continue
                table = self._at(found, place)
                if table.inputs == found.inner.table.inputs:
                    continue
                if are_copies and any(n > e for n, e in zip(found.extents(place), extents, strict=True)):
                    continue
                known = {a for own in table.classes for a, _ in own}
                near = (v for u in rest if u.inputs <= known for v in ways(u))
                unit = next((v for v in near if are_equal(table, v.table, self.domains)), None)
                if unit is not None:
                    found.units[place] = unit
                    rest = [u for u in rest if u.atom != unit.atom]

    def _at(self, found: Found, place: Place) -> Table:
        step = np.subtract(place, found.inner.anchor)
        return moved(found.inner.table, dict.fromkeys(self.new.names, step), self.new, found.pad, self.fixed)

    def _boxed(self, found: Found, most: int = 0) -> Grid | None:
        """The grid of a pattern; None if more places than so many are neither units of it nor always the same."""
        low, shape = found.low(), found.extents()
        if prod(shape) > self.options.units * _AROUND:
            return None
        tables = [self._at(found, tuple(np.add(low, place).tolist())) for place in np.ndindex(*shape)]
        cells: list[Unit | Stranger | int] = []
        odd = []
        for k, (place, table) in enumerate(zip(np.ndindex(*shape), tables, strict=True)):
            unit = found.units.get(tuple(np.add(low, place).tolist()))
            always = (v for v in (0, 1) if are_equal(table, Table((), (), np.array(v)), self.domains))
            cell = next(always, None) if unit is None else unit
            if cell is None or isinstance(cell, Stranger):
                odd.append(k)
            cells.append(0 if cell is None else cell)  # nothing reads what is not there
        return None if len(odd) > most else Grid(shape, tables, cells, tuple(odd))

    def _enter(self, grid: Grid) -> None:
        """Let the elements of a grid be what layers above read."""
        name = self.names("state")
        own = {k: grid.cells[k] for k in grid.odd}
        self.values[name] = {k: self._value(u) if isinstance(u, Stranger) else Literal(0) for k, u in own.items()}
        self.new = Atoms({**self.new.shape, name: grid.shape})
        self.grids[name] = grid
        for element, cell in enumerate(grid.cells, self.new.offset[name]):
            self.domains[element] = _BIT
            if isinstance(cell, int):
                self.fixed[element] = cell
            else:
                self.where[cell.atom] = element, -1 if cell.is_negated else 1

    def _value(self, other: Stranger) -> Expr | None:
        """What a unit that is another function is, with statements for what it needs; None if that is too much."""
        found = value_of(other, self.rows, self._read, self.domains, self.new, self.names)
        if found is None:
            return None
        self.statements += found[1]
        self.constants += found[2]
        return found[0]

    def _read(self, atom: int) -> Expr | None:
        """The text of an element of the old program that grids or inputs have."""
        if atom not in self.where:
            return None
        element, sign = self.where[atom]
        value = element_at(element, self.new)
        return value if sign > 0 else builder.sub(1, value)

    def finish(self) -> Rewrite:
        """The program with grids in the place of layers; the old one if there are none, or that has as many weights."""
        if all(len({t.inputs for t in grid.tables}) == 1 for grid in self.grids.values()):
            return unchanged(self.rule)  # other passes find families without borders
        if any(None in values.values() for values in self.values.values()):
            return unchanged(self.rule)
        gone = {x.name for x in self.hidden[: self.arranged]}
        kept = [x for x in self.layers if x.rows is not None and x.name not in gone]
        atoms = Atoms({**self.new.shape, **{x.name: x.shape for x in self.layers if x.name not in gone}})
        statements: list[Statement] = list(self.statements)
        constants: list[Constant] = list(self.constants)
        witness: list[Statement] = []
        for name, grid in self.grids.items():
            search = Search(self.names("hit"))
            table = grid.tables[0]
            inputs = placeholders(table)
            value = search.least(table.ranges, table.values, inputs, cost(self.rule))
            if value is None:
                return unchanged(self.rule)
            letters = self.names.indices(len(grid.shape))
            binders = tuple(builder.binder(n, extent) for n, extent in zip(letters, grid.shape, strict=True))
            template = Template(value, inputs, search.used(value))
            made, new = clauses(name, binders, template, grid.tables, atoms, self.names)
            statements += [*made[:-1], with_odd(made[-1], grid, self.values[name])]
            constants += new
            witness += meaning(name, grid, self.old)
        for layer in kept:
            rows = [over_grids(row, self.where, self.old, atoms) for row in layer.rows or ()]
            (old,) = (s for s in self.rule.statements if s.target == layer.name)
            new, statement = clause(layer.name, old.binders, rows, atoms, self.names, layer.name)
            statements.append(statement)
            constants += new
        known = gone | {x.name for x in kept}
        statements += [s for s in self.rule.statements if s.target not in known]
        found = dce(with_statements(self.rule, statements, constants)).rule
        # Dense tables of few weights are for later passes to write as families.
        if (cost(found) >= cost(self.rule) and _weights(found) >= _weights(self.rule)) or verify(found):
            return unchanged(self.rule)
        left = {s.target for s in found.statements}
        return Rewrite(found, Witness(tuple(s for s in witness if s.target in left)))


def _weights(rule: Rule) -> int:
    return sum(int(np.count_nonzero(c.values)) for c in rule.constants)
