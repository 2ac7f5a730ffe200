"""Decide units by fewer of the bits that imply one another, or by the sum that these bits count.

Before::

    many[k < 3] = sum(i < 8: x[i]) >= k + 1
    y[k < 3] = z + many[0] + many[1] + many[2] >= k + 1
    w = 3 * z + many[0] + many[1] + many[2] >= 4

After::

    y[k < 3] = sum(i < 8: x[i]) + z >= k + 1
    w = z and many[0]

Works on layers over tables of weights. Bits of which one implies the next are a number in unary code
(`ddcompile.analysis.staircases`); a counter up to a most, layer after layer, is the sum of all that it has seen. The
program is kept if this does not make it shorter once families of units are written as one.

One call does one layer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from ddcompile.analysis.cost import cost
from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.rows import Row
from ddcompile.analysis.staircases import Staircases
from ddcompile.ir.nodes import Rule
from ddcompile.ir.types import infer
from ddcompile.ir.verifier import verify
from ddcompile.passes.fold import Fold
from ddcompile.passes.forward import Forward
from ddcompile.passes.groups import Domains
from ddcompile.passes.layers import Layer, clause, layers_of, names_of
from ddcompile.passes.options import Pass
from ddcompile.passes.reroll import Reroll
from ddcompile.passes.rewrite import Rewrite, read_names, unchanged, with_statements
from ddcompile.passes.slice_weights import SliceWeights

__all__ = ["Unary"]


@dataclass(frozen=True, slots=True)
class Unary(Pass):
    """Decide units by fewer of the bits that imply one another, or by the sum that these bits count."""

    name: ClassVar[str] = "unary"

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        types = infer(rule)
        atoms = Atoms.of_rule(rule, types)
        layers = layers_of(rule, types, atoms)
        domain = Domains(types, atoms, (), 0)
        units = {
            atoms.offset[layer.name] + k: row
            for layer in layers
            for k, row in enumerate(layer.rows or ())
            if row.kind == "positive"
        }
        staircases = Staircases(units, domain)
        reads = {layer.name: _reads(layer.rows or (), atoms.count) for layer in layers}
        total = sum(reads.values())
        fixed = {n for layer in layers if layer.is_pinned for n in range(*_span(atoms.slice(layer.name)))}
        price = None
        for layer in layers:
            if layer.rows is None or layer.rows[0].kind != "positive":
                continue
            own = reads[layer.name]
            kept = fixed.union(np.flatnonzero((own > 0) & (own < total)).tolist())
            for change in (lambda row, kept: staircases.fewer(staircases.counted(row, kept), kept), staircases.fewer):
                if not _drops(layer.rows, change, kept):
                    continue
                rows = [change(row, frozenset()) for row in layer.rows]
                if not _most_change(layer.rows, rows, units):
                    continue
                new = _written(rule, layer, rows, atoms)
                price = cost(Forward()(rule).rule) if price is None else price
                if verify(new) or cost(Forward()(new).rule) >= price:
                    continue
                if read_names(new.statements) < read_names(rule.statements) or _price(new) < _price(rule):
                    return Rewrite(new)
        return unchanged(rule)


def _most_change(old: Sequence[Row], new: Sequence[Row], units: Mapping[int, Row]) -> bool:
    """Whether at least half of the rows that read units are others: a few in a layer are no structure."""
    same = [a is b for a, b in zip(old, new, strict=True) if not units.keys().isdisjoint(a.atoms.tolist())]
    return 2 * sum(same) <= len(same)


@lru_cache(maxsize=2)
def _price(rule: Rule) -> int:
    """What units that are read cost, families of them written as one: those in which some differ may cost more.

    What a program was changed to is asked about next.
    """
    for each in (Forward(), Reroll(), SliceWeights(), Fold()):
        rule = each(rule).rule
    return cost(rule)


def _span(where: slice) -> tuple[int, int]:
    return where.start, where.stop


def _reads(rows: Sequence[Row], count: int) -> np.ndarray:
    """How many of the rows read each of so many elements."""
    found = [row.atoms for row in rows]
    return np.bincount(np.concatenate(found), minlength=count) if found else np.zeros(count, dtype=np.int64)


def _drops(rows: Sequence[Row], change: Callable[[Row, Set[int]], Row], kept: Set[int]) -> bool:
    """Whether changed rows all drop an element that is not kept for others.

    What some row reads is worth nothing when others drop it.
    """
    before = {a for row in rows for a in row.atoms.tolist()}
    kept = set(kept)
    for row in rows:
        if before <= kept:
            return False
        kept.update(change(row, kept).atoms.tolist())
    return not before <= kept


def _written(rule: Rule, layer: Layer, rows: Sequence[Row], atoms: Atoms) -> Rule:
    """The rule with other rows of a layer."""
    (old,) = (s for s in rule.statements if s.target == layer.name)
    constants, new = clause(layer.name, old.binders, rows, atoms, names_of(rule), layer.name)
    return with_statements(rule, [new if s is old else s for s in rule.statements], constants)
