"""Write units whose cones reach few inputs, or few classes of interchangeable inputs, from their tables.

Before, with a hidden unit for every row of the table that is 1::

    row[u < 16] = sum(i < 5: W[u, i] * x[i]) >= bound[u]
    y = sum(u < 16: row[u]) >= 1

After::

    y = sum(i < 5: weight[i] * x[i]) >= 3

A table has an axis for every sum of inputs that enter all units of a cone with equal weights, up to 2**16 rows in all
(`ddcompile.analysis.cones`); on the table, more inputs are found to be interchangeable
(`ddcompile.analysis.symmetries`), and an expression over their sums is looked for
(`ddcompile.analysis.decompositions`). Sums are written over tables of weights, as layers are, so that later passes
find their slices. A tensor of many elements is rewritten when all elements have one expression over sums of their own
(`ddcompile.passes.borders` for those that lack some of the inputs), or compare one number with their places
(`ddcompile.passes.numbered`). With `borders`, a few elements may be others (`ddcompile.passes.odd`). A few of the
hidden units of a single element may be others, too (`ddcompile.passes.nearly`). Each element of what is made of
limited sums, of any numbers, is written from its own table, and so is the class of the largest score
(`ddcompile.passes.singly`). With `sliced`, clauses count as layers whatever their weights are written as, such as
kernels of convolutions.
Layers that the new text does not read are gone; the program is kept if that does not make it shorter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from ddcompile.analysis.cones import Cones, Table
from ddcompile.analysis.cost import cost
from ddcompile.analysis.decompositions import Search
from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.numbers import least_number
from ddcompile.analysis.rows import Row
from ddcompile.analysis.symmetries import merged
from ddcompile.analysis.thresholds import Domain
from ddcompile.ir import builder
from ddcompile.ir.nodes import Constant, Rule, Statement
from ddcompile.ir.types import Types, infer
from ddcompile.passes.borders import AROUND, PADS, over_clipped_sums, over_moved_sums
from ddcompile.passes.dce import dce
from ddcompile.passes.layers import Layer, Names, domain_of, is_layer_or_scalar, layers_of, names_of
from ddcompile.passes.nearly import nearly
from ddcompile.passes.numbered import numbered
from ddcompile.passes.odd import Clauses, despite, few, is_reordered
from ddcompile.passes.options import Pass, option
from ddcompile.passes.rewrite import Rewrite, unchanged, with_statements
from ddcompile.passes.runs_of_tables import in_runs
from ddcompile.passes.singly import heads, of_head, singly
from ddcompile.passes.tabled import Template, clauses, elements, placeholders

__all__ = ["CollapseTables"]

_MOST_UNITS = 1 << 10
"""Tensors of more elements are not looked at for elements that lack some of the inputs of others."""
_MOST_LOOKED_UP = 1 << 15
"""Most entries of tables times elements that are looked up there: every element is proved for every entry."""
_STRANGERS = 2
"""So many of the first elements may be odd; later, no more than of all."""


@dataclass(frozen=True, slots=True)
class CollapseTables(Pass):
    """Write units whose cones reach few inputs, or few classes of interchangeable inputs, from their tables."""

    name: ClassVar[str] = "collapse-tables"
    inputs: int = option(64, "how many inputs a cone may reach", high=1024)
    rows: int = option(1 << 16, "how many rows a table may have", high=1 << 16)
    borders: int = option(1, "whether elements may lack inputs of others, or be odd: 0 or 1", low=0, high=1)
    alone: int = option(0, "how many inputs units reach that are written one by one; 0: any way", low=0, high=16)
    sliced: int = option(0, "whether weights of sums are not counted, as others slice them: 0 or 1", low=0, high=1)

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        types = infer(rule)
        atoms = Atoms.of_rule(rule, types)
        choose = (lambda *_: True) if self.sliced else is_layer_or_scalar
        layers = layers_of(rule, types, atoms, choose, takes_rationals=True)
        is_sound = all(layer.is_sound for layer in layers)
        tops, comparisons = heads(rule, layers, atoms)
        cones = _cones(layers, comparisons, types, atoms, self)
        best, names = rule, names_of(rule)
        for layer in reversed(layers):
            if layer.name in tops:
                head = of_head(layer.name, tops[layer.name], cones, atoms, names, cost(best))
                new = best if head is None else _replaced(best, layer.name, *head)
                best = min(best, new, key=cost)
            if layer.rows is None or not layer.is_result:
                continue
            for most, write in self._ways(layer):
                written = write(layer, cones, atoms, names, cost(best), most)
                if written is None:
                    continue
                new = _replaced(best, layer.name, *written)
                if cost(new) - (_entries(new) if self.sliced else 0) < cost(best):
                    best = new
                    break
            rare = nearly(layer, cones, atoms, names, cost(best)) if is_sound and not self.alone else None
            new = best if rare is None else _replaced(best, layer.name, *rare)
            best = min(best, new, key=cost)
        return unchanged(rule) if best is rule else Rewrite(best)

    def _ways(self, layer: Layer) -> Iterator[tuple[int, Callable[..., Clauses | None]]]:
        """How many elements may be odd, and a way to write the others."""
        if self.alone:
            yield 0, partial(singly, reach=self.alone)
            return
        count = len(layer.rows or ())
        turns = tuple(dict.fromkeys((0, few(count) if self.borders and layer.is_sound else 0)))
        for most in turns:
            yield most, numbered
            yield most, partial(_written, has_borders=bool(self.borders))
        for most in turns:
            yield most, in_runs
        if self.borders:
            yield 0, singly


def _cones(
    layers: Sequence[Layer], others: Mapping[int, Row], types: Types, atoms: Atoms, options: CollapseTables
) -> Cones:
    """The cones of all layers and of other units; elements of other tensors are inputs."""
    units = {layer.name: layer.rows for layer in layers if layer.rows is not None}
    rows = {atoms.offset[name] + k: row for name, own in units.items() for k, row in enumerate(own)}
    rows |= others
    domains: dict[int, Domain] = {}
    for name in atoms.names:
        domain = None if name in units else domain_of(types.tensor[name])
        if domain is not None:
            span = atoms.slice(name)
            domains |= dict.fromkeys(range(span.start, span.stop), domain)
    return Cones(rows, domains, options.inputs, options.rows)


def _entries(rule: Rule) -> int:
    """How many weights tables of integers have."""
    return sum(c.values.size for c in rule.constants if c.type.kind == "int")


def _replaced(rule: Rule, name: str, statements: Sequence[Statement], constants: Sequence[Constant]) -> Rule:
    """The rule with other statements in the place of those of a tensor, without what nothing reads then."""
    place = next(k for k, s in enumerate(rule.statements) if s.target == name)
    others = [s for s in rule.statements if s.target != name]
    return dce(with_statements(rule, [*others[:place], *statements, *others[place:]], constants)).rule


def _written(
    layer: Layer, cones: Cones, atoms: Atoms, names: Names, limit: int, most: int, *, has_borders: bool
) -> Clauses | None:
    """The clauses of a tensor over sums of inputs; None if elements have no short expression, but at most so many."""
    assert layer.rows is not None
    start = atoms.offset[layer.name]
    units = range(start, start + len(layer.rows))
    kinds = {row.kind for row in layer.rows}
    is_free = not layer.is_sound or (kinds == {"sign"} and all(cones.is_limited(unit) for unit in units))
    if (kinds != {"positive"} and not is_free) or max(map(cones.depth, units)) < 2:
        return None
    tables: list[Table | None] = []
    groups: dict[object, list[int]] = {None: []}
    for number, unit in enumerate(units):
        table = cones.table(unit) if cones.depth(unit) else None
        tables.append(merged(table) if table is not None and layer.shape else table)
        groups.setdefault(_key(tables[-1]), []).append(number)
        others = number + 1 - max(map(len, groups.values()))
        may_be_clipped = has_borders and len(units) <= _MOST_UNITS
        strangers = _STRANGERS + few(number)
        most_others = strangers if is_free else min(most, strangers)
        if len(groups[None]) > most or (not may_be_clipped and others > most_others):
            return None
    alike = max((own for key, own in groups.items() if key is not None), key=len, default=[])
    odd = sorted({*range(len(units))}.difference(alike))
    pads = PADS if has_borders else (AROUND,) if is_free else ()
    clipped = over_clipped_sums(layer, tables, atoms, cones.domains, most, pads) if odd and pads else None
    if clipped is not None and len(clipped[1]) < len(odd):
        found_tables, odd = clipped
    elif len(odd) <= most:
        found_tables = over_moved_sums(layer, tables, alike, atoms)
    else:
        return None
    if any(table is not None and is_reordered(table, found_tables[0]) for table in (tables[k] for k in odd)):
        return None  # the same function of sums in another order is nothing odd
    inputs = placeholders(found_tables[0]) if layer.shape else elements(found_tables[0], atoms)
    search = Search(names("hit"))
    found = least_number(search, found_tables[0].ranges, found_tables[0].values, inputs, limit)
    if found is None or (search.used(found) and not has_borders):
        return None  # what is looked up in a table may be a function of sums but in few places: see `nearly`
    if sum(table.size for table in search.used(found).values()) * len(units) > _MOST_LOOKED_UP:
        return None
    letters = names.indices(len(layer.shape))
    binders = tuple(builder.binder(n, extent) for n, extent in zip(letters, layer.shape, strict=True))
    template = Template(found, inputs, search.used(found))
    statements, constants = clauses(layer.name, binders, template, found_tables, atoms, names)
    return despite(statements, constants, layer, odd, cones, atoms, names)


def _key(table: Table | None) -> object:
    """Tells functions of sums from one another."""
    return None if table is None else (table.ranges, table.values.tobytes())
