"""The cheapest way to write the units of a hidden layer as families.

Every way is tried on its own, then families of all ways together. What no family takes stays a table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import lru_cache
from math import prod

import numpy as np

from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.rows import Row
from ddcompile.ir.nodes import Binder, Expr, Literal, Read
from ddcompile.ir.printer import print_expression
from ddcompile.ir.traverse import rewrite
from ddcompile.passes.found import Hidden, Readers
from ddcompile.passes.gathers import table_clauses
from ddcompile.passes.layers import Names, clause
from ddcompile.passes.signatures import familiar, total_cost
from ddcompile.passes.ways import TERM, WAYS, Written, around, exact

__all__ = ["cheapest"]

_ROUNDS = 3
"""How often families are looked for among what others have left."""

_HANDICAP = 1.25

_SMALL = 1 << 15
"""The families of layers with no more weights are remembered: programs that share layers are asked about in turn."""

_LETTERS = 32
"""More than the indices of any clause."""


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
    bare = Names(set(), names.tensors)
    if sum(len(r.atoms) for r in rows) > _SMALL:
        chosen = _cheapest(layer, bare)
    else:
        found = readers()
        key = (_key(layer, found), tuple(bare.indices(_LETTERS)))
        chosen = _remembered(_Question(key, replace(layer, readers=lambda: found), bare))
    own = names.copy()
    return [_adopted(part, own) for part in chosen], own


def _key(layer: Hidden, readers: Sequence[Mapping[int, int]]) -> tuple[object, ...]:
    """All that families depend on: tensors that no unit reads are none of it."""
    atoms = layer.atoms
    numbers = sorted({t for r in layer.rows for t in atoms.tensors_of(r.atoms)})
    shapes = [(atoms.names[t], atoms.shape[atoms.names[t]]) for t in numbers]
    own = Atoms(dict(shapes))
    shifts = np.zeros(len(atoms.names), dtype=np.int64)
    for name, _ in shapes:
        shifts[atoms.names.index(name)] = atoms.offset[name] - own.offset[name]
    rows = tuple(
        (
            (r.atoms - shifts[atoms.tensor_of(r.atoms)]).tobytes(),
            *(r.kind, tuple(r.weights.tolist()), r.bias, r.exponent, r.low, r.high, r.is_inclusive),
        )
        for r in layer.rows
    )
    bits = frozenset(name for name, _ in shapes if name in layer.bits)
    read = tuple(tuple(sorted(weights.items())) for weights in readers)
    return layer.stem, layer.familiar, tuple(shapes), rows, bits, read


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked about a layer; the key says it all."""

    key: tuple[object, ...]
    layer: Hidden = field(compare=False)
    names: Names = field(compare=False)


@lru_cache(maxsize=64)
def _remembered(question: _Question) -> list[Written]:
    found = _cheapest(question.layer, question.names)
    question.layer.classes.clear()
    question.layer.written.clear()
    return found


def _cheapest(layer: Hidden, names: Names) -> list[Written]:
    rows, atoms, stem = layer.rows, layer.atoms, layer.stem
    best: tuple[int, list[Written]] | None = None
    pool: list[Written] = []
    is_whole = False
    for way in (*WAYS, None):
        if is_whole and way is not around:
            continue
        own = names.copy()
        if way is None:
            found = _mixed(layer, pool, own)
        else:
            found = list(way(layer, list(range(len(rows))), own))
            pool += found
            if not found and way is not exact:
                continue
            taken = {u for w in found for u in w.members}
            found += exact(layer, [k for k in range(len(rows)) if k not in taken], own) if way is not exact else []
        chosen = _worthwhile(found, rows, atoms, stem)
        left = [k for k in range(len(rows)) if all(k not in w.units for w in chosen)]
        price = sum(w.price + TERM for w in chosen) + (_table_cost(left, rows, atoms, stem) + TERM if left else 0)
        if best is None or price < best[0]:
            best = price, chosen
        is_whole |= way is exact and not left and len(chosen) == 1
    assert best is not None
    return best[1]


def _mixed(layer: Hidden, pool: Sequence[Written], names: Names) -> list[Written]:
    """Families of all ways, those that are cheapest for each of their units first, until no units are left."""
    chosen: list[Written] = []
    left = set(range(len(layer.rows)))
    for _ in range(_ROUNDS):
        before = len(left)
        for part in sorted(pool, key=lambda w: ((w.price + TERM) / len(w.members), print_expression(w.value))):
            if len(part.members) > 1 and left.issuperset(part.members):
                chosen.append(_adopted(part, names))
                left.difference_update(part.members)
        if not left or len(left) == before:
            break
        pool = [w for way in WAYS for w in way(layer, sorted(left), names.copy())]
    return [*chosen, *exact(layer, sorted(left), names)]


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
        taken = set(map(id, cheap))
        found = [w for w in found if id(w) not in taken]
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
