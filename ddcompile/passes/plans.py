"""Ways to write the units of a hidden layer as families, and the cheapest of them.

A way is a list of families without common units: those that fit exactly come first, then boxes with a few holes, both
also with bounds that depend on the coordinates, then signs together with their negations, then clipped kernels, with
one bound or with several. What no family takes stays a table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from math import prod

import numpy as np

from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.rows import Row
from ddcompile.analysis.runs import affine_runs
from ddcompile.analysis.slices import decompose
from ddcompile.ir.nodes import Binder, Constant, Expr, Literal, Read, Statement
from ddcompile.ir.printer import print_expression
from ddcompile.ir.traverse import rewrite
from ddcompile.passes.completion import Place, Seat, anywhere, seats
from ddcompile.passes.exceptions import with_exceptions
from ddcompile.passes.found import Found, Hidden, Readers, clipped_families, exact_families
from ddcompile.passes.gathers import table_clauses
from ddcompile.passes.layers import Names, clause
from ddcompile.passes.orient import has_opposite, negated
from ddcompile.passes.signatures import familiar, later_cost, total_cost
from ddcompile.passes.stretching import pointed_families, stretched_families

__all__ = ["Written", "cheapest"]

_OPERANDS = 12
"""How many operands a unit has at most that is written out on its own."""

_ROUNDS = 3
"""How often families are looked for among what others have left."""

_TERM = 10
"""About what a term costs in a reader: one for every family, one for every hole."""

_HANDICAP = 1.25


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """A family of hidden units, row-major, by their numbers in the layer, and its clause; None is a hole."""

    units: tuple[int | None, ...]
    constants: list[Constant]
    binders: tuple[Binder, ...]
    value: Expr
    silent: tuple[int, ...] = ()
    """Holes, by their numbers in the box, whose unit is always 0."""
    mirrors: Mapping[int, int] = field(default_factory=dict)
    """Where in the box the negations of units are, by the units; these count as holes."""
    flipped: tuple[int, ...] = ()
    """Units of which the clause has the negation."""
    votes: int = 0
    """How many readers look like others because of units in holes."""

    @property
    def members(self) -> list[int]:
        """The units without the holes."""
        return [u for u in self.units if u is not None]

    @property
    def price(self) -> int:
        """About the cost of the clause, and of leaving out the holes; kernels that are few slices are written so."""
        return later_cost(self.constants, [Statement("x", self.binders, self.value)]) + _TERM * (self.gaps - self.votes)

    @property
    def gaps(self) -> int:
        """How many terms leave out the holes."""
        holes = sum(u is None for u in self.units) - len(self.mirrors) - len(self.silent)
        if holes > 2 and len(self.binders) > 1:
            present = np.array([u is not None for u in self.units], dtype=np.int64)
            shape = [b.upper.value - b.lower.value for b in self.binders]  # type: ignore[attr-defined]
            if affine_runs(present.reshape(shape)) is not None:
                return 2
        return holes


def cheapest(
    rows: Sequence[Row],
    few: int,
    atoms: Atoms,
    names: Names,
    stem: str,
    readers: Readers = list,
    bits: Set[str] = frozenset(),
) -> tuple[list[Written], Names]:
    """The families of the cheapest way, and the names that are taken then.

    Parameters
    ----------
    rows
        The units, oriented.
    few
        See `familiar`.
    readers
        Gives the weights of every unit that reads some of these, by unit.
    bits
        Tensors that are known to hold bits only.
    """
    layer = Hidden(rows, frozenset(familiar(rows, few)), atoms, stem, readers=readers, bits=bits)
    best: tuple[int, list[Written], Names] | None = None
    pool: list[Written] = []
    is_whole = False
    for way in (*_WAYS, None):
        if is_whole and way is not _around:
            continue
        own = names.copy()
        if way is None:
            found = _mixed(layer, pool, own)
        else:
            found = list(way(layer, list(range(len(rows))), own))
            pool += found
            if not found and way is not _exact:
                continue
            taken = {u for w in found for u in w.members}
            found += _exact(layer, [k for k in range(len(rows)) if k not in taken], own) if way is not _exact else []
        chosen = _worthwhile(found, rows, atoms, stem)
        left = [k for k in range(len(rows)) if all(k not in w.units for w in chosen)]
        price = sum(w.price + _TERM for w in chosen) + (_table_cost(left, rows, atoms, stem) + _TERM if left else 0)
        if best is None or price < best[0]:
            best = price, chosen, own
        is_whole |= way is _exact and not left and len(chosen) == 1
    assert best is not None
    return best[1], best[2]


def _mixed(layer: Hidden, pool: Sequence[Written], names: Names) -> list[Written]:
    """Families of all ways, those that are cheapest for each of their units first, until no units are left."""
    chosen: list[Written] = []
    left = set(range(len(layer.rows)))
    for _ in range(_ROUNDS):
        before = len(left)
        for part in sorted(pool, key=lambda w: ((w.price + _TERM) / len(w.members), print_expression(w.value))):
            if len(part.members) > 1 and left.issuperset(part.members):
                chosen.append(_adopted(part, names))
                left.difference_update(part.members)
        if not left or len(left) == before:
            break
        pool = [w for way in _WAYS for w in way(layer, sorted(left), names.copy())]
    return [*chosen, *_exact(layer, sorted(left), names)]


def _adopted(part: Written, names: Names) -> Written:
    """The family with names for its tables that are free."""
    new = {c.name: names(c.name.rstrip("0123456789").rstrip("_")) for c in part.constants}

    def step(node: Expr) -> Expr:
        if isinstance(node, Read) and node.tensor in new:
            return Read(new[node.tensor], node.positions, node.pad)
        return node

    constants = [replace(c, name=new[c.name]) for c in part.constants]
    return replace(part, constants=constants, value=rewrite(part.value, step) if new else part.value)


def _worthwhile(found: list[Written], table: Sequence[Row], atoms: Atoms, stem: str) -> list[Written]:
    """The families that are cheaper than their rows in the table."""
    rest = set(range(len(table)))
    chosen: list[Written] = []
    while found and rest:
        # What is left in the table gets dearer row by row as rows leave it.
        price = _table_cost(sorted(rest), table, atoms, stem)
        cheap = [w for w in found if w.price * len(rest) <= price * len(w.members) or len(w.members) == len(rest)]
        if not cheap:
            break
        chosen += cheap
        found = [w for w in found if w not in cheap]
        rest -= {u for w in cheap for u in w.members}
    return chosen


def _table_cost(units: Sequence[int], table: Sequence[Row], atoms: Atoms, stem: str) -> int:
    """About the cost of units as a table, next to families that later passes shorten, which they do not do to it."""
    binders = (Binder("u", Literal(0), Literal(len(units))),)
    rows = [table[k] for k in units]
    found = _HANDICAP * total_cost(*table_clauses(stem, binders, rows, atoms, Names(set()), "w"))
    numbers = {t for r in rows for t in atoms.tensors_of(r.atoms)}
    if len(rows) * sum(prod(atoms.shape[atoms.names[t]]) for t in numbers) > found:
        return int(found)
    constants, statement = clause(stem, binders, rows, atoms, Names(set()), "w")
    return min(int(found), total_cost(constants, [statement]))


def _exact(
    layer: Hidden, units: list[int], names: Names, *, holes: bool = False, biased: bool = True, rings: bool = False
) -> Iterator[Written]:
    """Families of equal signature, up to the bias or with it."""
    for found in exact_families(layer, units, names, holes=holes, biased=biased, rings=rings):
        if len(found.units) == 1 and not _is_worth_it(found.row, layer.atoms):
            continue
        if holes and None not in found.units:
            continue
        if not biased and len({layer.rows[u].bias for u in found.units if u is not None}) == 1:
            continue
        part = _written(found, layer, names)
        if part is not None and part.gaps <= max(2, len(part.members) // 4):
            yield part


def _written(found: Found, layer: Hidden, names: Names, odd: Mapping[int, Seat] | None = None) -> Written | None:
    """The clause of a family, with other units in some of its holes; None if a number cannot be written."""
    placed, rows, flipped = list(found.units), [], []
    number = {int(np.ravel_multi_index(seat.place[1], found.shape)): u for u, seat in (odd or {}).items()}
    for k, unit in enumerate(placed):
        row = None if unit is None else layer.rows[unit]
        if k in number:
            placed[k] = number[k]
            row = layer.rows[number[k]]
            if odd is not None and odd[number[k]].sign < 0:
                if not has_opposite(row):
                    return None
                row = negated(row)
                flipped.append(number[k])
        rows.append(row)
    made = with_exceptions(
        rows, sorted(number), found.binders, found.build, found.moved, layer.atoms, names, layer.stem
    )
    if made is None:
        return None
    votes = sum(seat.votes for seat in (odd or {}).values())
    silent = tuple(k for k in found.silent() if placed[k] is None)
    return Written(tuple(placed), made[0], found.binders, made[1], silent, flipped=tuple(flipped), votes=votes)


def _with_holes(layer: Hidden, units: list[int], names: Names) -> Iterator[Written]:
    """Families of equal signature over boxes with a few holes."""
    return _exact(layer, units, names, holes=True)


def _around(layer: Hidden, units: list[int], names: Names) -> Iterator[Written]:
    """Families that run around all of an axis, where readers take a few units each and need not leave out holes."""
    readers: Sequence[Mapping[int, int]] | None = None
    for part in _exact(layer, units, names, holes=True, rings=True):
        readers = layer.readers() if readers is None else readers
        members = set(part.members)
        if all(2 * len(members.intersection(reader)) <= len(members) for reader in readers):
            yield replace(part, votes=part.gaps + 1)


def _varied(layer: Hidden, units: list[int], names: Names) -> Iterator[Written]:
    """Families of equal signature up to the bias, which depends on the coordinates."""
    return _exact(layer, units, names, biased=False)


def _varied_with_holes(layer: Hidden, units: list[int], names: Names) -> Iterator[Written]:
    """Families of equal signature up to the bias over boxes with a few holes."""
    return _exact(layer, units, names, holes=True, biased=False)


def _mirrored(layer: Hidden, units: list[int], names: Names) -> Iterator[Written]:
    """Signs of differences, each of which is the negation of the unit at mirrored coordinates."""
    count = len(layer.rows)
    odd = [u for u in units if u in layer.familiar and layer.rows[u].kind == "sign" and not layer.rows[u].bias]
    rows = [*layer.rows, *(replace(layer.rows[u], weights=-layer.rows[u].weights) for u in odd)]
    both = Hidden(rows, frozenset([*odd, *range(count, len(rows))]), layer.atoms, layer.stem)
    for part in _exact(both, sorted(both.familiar), names, holes=True):
        place = {u: k for k, u in enumerate(part.units) if u is not None}
        own = [k for k, u in enumerate(odd) if u in place]
        if len(place) != 2 * len(own) or not all(count + k in place for k in own):
            continue
        kept = tuple(u if u is not None and u < count else None for u in part.units)
        yield replace(part, units=kept, mirrors={odd[k]: place[count + k] for k in own})


def _clipped(layer: Hidden, units: list[int], names: Names, *, biased: bool = True) -> Iterator[Written]:
    """Clipped kernels of one bias."""
    for found in clipped_families(layer, units, names, biased=biased):
        part = _written(found, layer, names)
        if part is not None:
            yield part


def _sloped(layer: Hidden, units: list[int], names: Names) -> Iterator[Written]:
    """Clipped kernels with bounds that depend on the coordinates."""
    return _clipped(layer, units, names, biased=False)


def _stretched(layer: Hidden, units: list[int], names: Names) -> Iterator[Written]:
    """Boxes of which both ends move, and a few operands that move each in its own way."""
    for found in (*stretched_families(layer, units, names), *pointed_families(layer, units, names)):
        part = _written(found, layer, names)
        if part is not None:
            yield part


def _completed(
    layer: Hidden, units: list[int], names: Names, *, biased: bool = True, rings: bool = True
) -> Iterator[Written]:
    """Families with other units in their holes, where the readers of the layer say that they belong there."""
    families: list[Found] = []
    taken: set[int] = set()
    every = [
        *exact_families(layer, units, names, holes=True, biased=biased, rings=rings),
        *clipped_families(layer, units, names, biased=biased),
    ]
    for found in sorted(every, key=lambda f: sum(u is None for u in f.units) - len(f.units)):
        own = {u for u in found.units if u is not None}
        if len(own) > 2 and len(found.units) - len(own) <= max(2, len(own) // 4) and taken.isdisjoint(own):
            families.append(found)
            taken |= own
    rest = [u for u in units if u not in taken]
    chosen = _seated(layer, families, rest) if rest else {}
    if not chosen:
        return
    for f, found in enumerate(families):
        part = _written(found, layer, names, {u: seat for u, seat in chosen.items() if seat.place[0] == f})
        if part is not None:
            yield part


def _seated(layer: Hidden, families: Sequence[Found], rest: list[int]) -> dict[int, Seat]:
    """Places for units in the holes of families: where readers expect them, or anywhere if that is the same to them."""
    places: dict[int, Place] = {}
    holes: list[Place] = []
    for f, found in enumerate(families):
        for k, unit in enumerate(found.units):
            place = f, tuple(int(p) for p in np.unravel_index(k, found.shape))
            if unit is None:
                holes.append(place)
            else:
                places[unit] = place
    if not holes:
        return {}
    rest.sort(key=lambda u: (layer.rows[u].bias, layer.rows[u].atoms.tolist(), layer.rows[u].weights.tolist()))
    readers = layer.readers()
    chosen = seats(readers, places, holes, [found.shape for found in families], rest)
    taken = {seat.place for seat in chosen.values()}
    free, left = [p for p in holes if p not in taken], [u for u in rest if u not in chosen]
    return chosen | anywhere(
        readers, places, free, left, lambda u, place: _distance(layer.rows[u], families[place[0]], place[1])
    )


def _distance(row: Row, found: Found, place: Sequence[int]) -> int:
    """In how many operands a unit differs from what a family computes at a place."""
    expected = found.moved(place)
    own = dict(zip(row.atoms.tolist(), row.weights.tolist(), strict=True))
    return sum(own.get(a, 0) != expected.get(a, 0) for a in {*own, *expected})


def _completed_varied(layer: Hidden, units: list[int], names: Names) -> Iterator[Written]:
    """The same with bounds that depend on the coordinates."""
    return _completed(layer, units, names, biased=False)


def _completed_boxes(layer: Hidden, units: list[int], names: Names) -> Iterator[Written]:
    """The same with coordinates that do not run around all of an axis if they need not."""
    return _completed(layer, units, names, rings=False)


_WAYS: tuple[Callable[[Hidden, list[int], Names], Iterator[Written]], ...] = (
    _exact,
    _with_holes,
    _around,
    _varied,
    _varied_with_holes,
    _mirrored,
    _clipped,
    _sloped,
    _stretched,
    _completed,
    _completed_boxes,
    _completed_varied,
)


def _is_worth_it(row: Row, atoms: Atoms) -> bool:
    """Whether a unit on its own is worth a statement: it has few operands, or its weights are few slices."""
    if len(row.atoms) <= _OPERANDS:
        return True
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
