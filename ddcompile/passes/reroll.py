"""Write families of units as one clause over a box, with operands that move with the coordinates.

Before (unit order does not matter)::

    unit[u < 20] = sum(i < 20: W[u, i] * cell[i]) >= 2       # two neighbouring cells each
    y[i < 20] = sum(u < 20: V[i, u] * unit[u]) >= 1

After::

    unit[i < 20] = sum(j < 2: cell[(i + j) % 20]) >= 2
    y[i < 20] = unit[i] >= 1

Families come from `ddcompile.analysis.families` and, where kernels are cut off at borders, from
`ddcompile.analysis.clipped`. Hidden units get coordinates, and their readers' tables are permuted accordingly, layer by
layer; the kernel of a family is a constant over offsets (see `slice-weights`), units in no family stay rows of a table,
or of a few (`ddcompile.passes.kinds`). Where a family has a hole its clause computes a unit that nobody reads: the
reader's weight is 0 there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import ClassVar

import numpy as np

from ddcompile.analysis.cost import cost
from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.rows import Row
from ddcompile.ir.nodes import Binder, Constant, Index, Literal, Read, Rule, Statement
from ddcompile.ir.traverse import free_indices, reads
from ddcompile.ir.types import infer
from ddcompile.passes.boxes import box_clauses
from ddcompile.passes.gathers import table_clauses
from ddcompile.passes.kinds import by_kind
from ddcompile.passes.layers import Layer, Names, domain_of, heads_of, is_layer, layers_of, names_of
from ddcompile.passes.options import Pass, option
from ddcompile.passes.orient import has_zero, oriented, signed
from ddcompile.passes.plans import cheapest
from ddcompile.passes.remains import with_rest
from ddcompile.passes.rewrite import Rewrite, Witness, read_names, unchanged, with_statements
from ddcompile.passes.signatures import classes_of, total_cost
from ddcompile.passes.silent import filled, paired
from ddcompile.passes.ways import TERM, Written

__all__ = ["Reroll"]

_DENSE = 1 << 19
"""Units of programs that cost more are not put in order alone."""


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
        bits = {name for name, value in types.tensor.items() if value.kind == "bit"}
        state = _State(rule, atoms, self.weights, restless, bits, layers)
        for layer in layers:
            state.add(layer)
        rewrite = state.finish()
        return unchanged(rule) if cost(rewrite.rule) >= cost(rule) >= _DENSE else rewrite


def _is_candidate(rule: Rule, target: str) -> bool:
    return is_layer(rule, target)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an old element went: `old = offset + sign * new`, `new` an element of a new tensor."""

    tensor: str
    element: int
    sign: int
    offset: int
    mirror: int | None = None
    """Another element of the new tensor, which is `-new`."""


class _State:
    """The new program as it grows, tensor by tensor."""

    def __init__(
        self, rule: Rule, atoms: Atoms, few: int, restless: set[str], bits: set[str], layers: Sequence[Layer]
    ) -> None:
        self.rule = rule
        self.bits = bits
        self.restless = restless
        self.layers = layers
        self.few = few
        self.old = atoms
        self.names = names_of(rule)
        self.shapes: dict[str, tuple[int, ...]] = {d.name: atoms.shape[d.name] for d in rule.inputs}
        self.places: dict[int, _Place] = {}
        self.silent: dict[str, tuple[int, ...]] = {}
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
        is_settled = is_settled and not (layer.rows and _has_own_weights(layer.rows, clauses[0], self.rule))
        if layer.rows is None or (is_settled and not heads_of(self.rule, layer)):
            self.statements += clauses
            return
        atoms = Atoms(dict(self.shapes))
        rows = [self.renumber(r, atoms) for r in layer.rows]
        rows = paired(rows, atoms, self.silent) if self.silent else rows
        operands_moved = bool(read_names(clauses) & self.moved)
        if layer.is_pinned or len(layer.shape) != 1:
            self.add_pinned(layer, rows, atoms, clauses, operands_moved)
        else:
            self.add_hidden(layer, rows, atoms, clauses, operands_moved)

    def renumber(self, row: Row, atoms: Atoms) -> Row:
        """The row over elements of the new program."""
        numbers = self.old.tensor_of(row.atoms)
        names = [self.old.names[t] for t in np.unique(numbers).tolist()]
        if self.moved.isdisjoint(names) and not self.silent:
            shifts = np.zeros(len(self.old.names), dtype=np.int64)
            for name in names:
                shifts[self.old.names.index(name)] = atoms.offset[name] - self.old.offset[name]
            moved = row.atoms + shifts[numbers]
            if (np.diff(moved) > 0).all():
                return replace(row, atoms=moved)
        total: dict[int, int] = {}
        bias = row.bias
        for atom, number, weight in zip(row.atoms.tolist(), numbers.tolist(), row.weights.tolist(), strict=True):
            name = self.old.names[number]
            place = self.places.get(atom) or _Place(name, atom - self.old.offset[name], 1, 0)
            start, weight_here = atoms.offset[place.tensor], weight * place.sign
            new = start + place.element
            if weight_here < 0 and place.mirror is not None:
                new, weight_here = start + place.mirror, -weight_here
            bias += weight * place.offset
            total[new] = total.get(new, 0) + weight_here
        for name, elements in self.silent.items():
            if name in atoms.shape:
                total |= filled(total, atoms, name, elements)
        kept = sorted(total)
        weights = np.array([total[a] for a in kept], dtype=object)
        if max((abs(int(w)) for w in weights), default=0) < 2**62:
            weights = weights.astype(np.int64)
        return replace(row, atoms=np.array(kept, dtype=np.int64), weights=weights, bias=bias)

    def add_pinned(
        self, layer: Layer, rows: list[Row], atoms: Atoms, clauses: list[Statement], operands_moved: bool
    ) -> None:
        """A tensor whose elements stay where they are: boxes of its positions, or a table if that is shorter."""
        own = self.names.copy()
        table = table_clauses(layer.name, clauses[0].binders, rows, atoms, own, layer.name, self.bits)
        read = read_names(clauses)
        old = [c for c in self.rule.constants if c.name in read], list(clauses)
        # A table of one unit is a kernel, which other passes shorten.
        is_better = operands_moved or (len(rows) > 1 and total_cost(*table) < total_cost(*old))
        best = (*(table if is_better else old), own)
        boxes = box_clauses(layer.name, rows, layer.shape, self.few, atoms, self.names)
        if boxes is not None:
            best = with_rest(layer.name, boxes, best, rows, layer.shape, atoms, self.bits)
        constants, statements, self.names = best
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
        order = sorted(range(len(rows)), key=lambda k: _row_key(oriented[k]))
        readers = partial(self.readers, layer, tuple(signs))
        chosen, self.names = cheapest(oriented, self.few, atoms, self.names, layer.name, readers, self.bits)
        for unit in (u for w in chosen for u in w.flipped):
            signs[unit] = -signs[unit]
        left = set(order).difference(*(w.members for w in chosen))
        rest = by_kind([k for k in order if k in left], oriented, partial(self._price, layer, oriented, atoms))
        for (unit,) in [group for group in rest if len(group) == 1 < len(rest)]:
            alone, self.names = self._alone(layer, oriented[unit], atoms)
            chosen += [replace(part, units=(unit,)) for part in alone]
            rest = [group for group in rest if not alone or group != [unit]]
        if not chosen and len(rest) == 1 and not operands_moved and -1 not in signs and order == sorted(order):
            self.statements += clauses
            return
        self.changed = True
        del self.shapes[layer.name]
        for part in chosen:
            name = self.names(layer.name)
            self.constants += part.constants
            self.statements.append(Statement(name, part.binders, part.value))
            if part.silent:
                self.silent[name] = part.silent
            self._place(layer, name, part.units, signs, rows[0].kind, part.binders, part.mirrors)
        for group in filter(None, rest):
            self._write_rest(layer, group, oriented, signs, atoms)
        self.moved.add(layer.name)

    def readers(self, layer: Layer, signs: Sequence[int]) -> list[dict[int, int]]:
        """The weights of every unit that reads some of a layer, by unit, the units being oriented."""
        span = self.old.slice(layer.name)
        found = []
        for row in (r for other in self.layers for r in other.rows or ()):
            mine = (row.atoms >= span.start) & (row.atoms < span.stop)
            units = (row.atoms[mine] - span.start).tolist()
            if units:
                found.append({u: w * signs[u] for u, w in zip(units, row.weights[mine].tolist(), strict=True)})
        return found

    def oriented(self, row: Row, atoms: Atoms) -> tuple[Row, int]:
        """A row of a hidden unit the right way round, and the sign of the unit."""
        tensors = {atoms.names[t] for t in atoms.tensors_of(row.atoms)}
        may_rest = tensors.isdisjoint(self.restless)
        return oriented(row, lambda r: _shapes(r, atoms), may_rest=may_rest)

    def _alone(self, layer: Layer, row: Row, atoms: Atoms) -> tuple[list[Written], Names]:
        """A unit by itself as a family, if it is worth that."""
        return cheapest([row], self.few, atoms, self.names, layer.name, bits=self.bits)

    def _price(self, layer: Layer, rows: Sequence[Row], atoms: Atoms, units: Sequence[int]) -> int:
        """What units cost in a table, or one by itself, with the term that reads it."""
        if len(units) == 1:
            alone, _ = self._alone(layer, rows[units[0]], atoms)
            if alone:
                return TERM + alone[0].price
        binders = (Binder("u", Literal(0), Literal(len(units))),) if len(units) > 1 else ()
        own = [rows[u] for u in units]
        return TERM + total_cost(*table_clauses("rest", binders, own, atoms, self.names.copy(), "rest", self.bits))

    def _write_rest(self, layer: Layer, units: list[int], rows: list[Row], signs: Sequence[int], atoms: Atoms) -> None:
        name = self.names(layer.name)
        binders = (Binder("u", Literal(0), Literal(len(units))),) if len(units) > 1 else ()
        constants, statements = table_clauses(
            name, binders, [rows[u] for u in units], atoms, self.names, layer.name, self.bits
        )
        self.constants += constants
        self.statements += statements
        self._place(layer, name, units, signs, rows[0].kind, binders)

    def _place(
        self,
        layer: Layer,
        name: str,
        units: Sequence[int | None],
        all_signs: Sequence[int],
        kind: str,
        binders: tuple[Binder, ...],
        mirrors: Mapping[int, int] = MappingProxyType({}),
    ) -> None:
        """Record where units went, and say it in the witness; a tensor with holes means what its own clause says."""
        shape = tuple(b.upper.value for b in binders)  # type: ignore[attr-defined]
        self.shapes[name] = shape
        if kind == "positive":
            self.bits.add(name)
        start = self.old.offset[layer.name]
        for element, unit in enumerate(units):
            if unit is not None:
                sign = all_signs[unit]
                offset = 1 if kind == "positive" and sign < 0 else 0
                self.places[start + unit] = _Place(name, element, sign, offset, mirrors.get(unit))
        members = [u for u in units if u is not None]
        if len(members) < len(units):
            return
        signs = [all_signs[u] for u in members]
        own = tuple(Index(b.name) for b in binders)
        table = Constant.of(self.names(f"unit_of_{name}"), np.array(members).reshape(shape))
        self.tables.append(table)
        source = Read(layer.name, (Read(table.name, own),))
        value, tables = signed(source, signs, kind, shape, own, lambda: self.names(f"sign_of_{name}"))
        self.tables += tables
        self.witness.append(Statement(name, binders, value))

    def finish(self) -> Rewrite:
        """The rewrite, or the old rule if nothing was found."""
        if not self.changed:
            return unchanged(self.rule)
        rule = with_statements(self.rule, self.statements, self.constants)
        return Rewrite(rule, Witness(tuple(self.witness), tuple(self.tables)))


def _has_own_weights(rows: Sequence[Row], statement: Statement, rule: Rule) -> bool:
    """Whether the elements of a tensor are sums of integers, each over weights of its own."""
    own, tables = {b.name for b in statement.binders}, {c.name for c in rule.constants}
    are_integral = rows[0].kind == "affine" and not any(r.exponent for r in rows)
    return (
        are_integral
        and bool(own)
        and any(r.tensor in tables and own <= free_indices(r) for r in reads(statement.value))
    )


def _shapes(row: Row, atoms: Atoms) -> object:
    """What tells a row from its negation where neither reads better: at last, which operands come first."""
    return [(c.weight, c.shape) for c in classes_of(row, atoms)], row.weights.tolist()


def _row_key(row: Row) -> tuple[object, ...]:
    return (row.bias, row.atoms.tolist(), row.weights.tolist())
