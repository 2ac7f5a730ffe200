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
(`ddcompile.passes.numbered`).
Layers that the new text does not read are gone; the program is kept if that does not make it shorter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from ddcompile.analysis.cones import Cones, Table
from ddcompile.analysis.cost import cost
from ddcompile.analysis.decompositions import Search
from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.symmetries import merged
from ddcompile.analysis.thresholds import Domain
from ddcompile.ir import builder
from ddcompile.ir.nodes import Constant, Rule, Statement
from ddcompile.ir.types import Types, infer
from ddcompile.passes.borders import is_same, over_clipped_sums
from ddcompile.passes.dce import dce
from ddcompile.passes.layers import Layer, Names, domain_of, layers_of, names_of
from ddcompile.passes.numbered import numbered
from ddcompile.passes.options import Pass, option
from ddcompile.passes.rewrite import Rewrite, unchanged, with_statements
from ddcompile.passes.runs_of_tables import in_runs
from ddcompile.passes.tabled import Template, clauses, elements, placeholders

__all__ = ["CollapseTables"]

_MOST_UNITS = 1 << 10
"""Tensors of more elements are not looked at for elements that lack some of the inputs of others."""


@dataclass(frozen=True, slots=True)
class CollapseTables(Pass):
    """Write units whose cones reach few inputs, or few classes of interchangeable inputs, from their tables."""

    name: ClassVar[str] = "collapse-tables"
    inputs: int = option(64, "how many inputs a cone may reach", high=1024)
    rows: int = option(1 << 16, "how many rows a table may have", high=1 << 16)
    borders: int = option(1, "whether elements may lack inputs of others: 0 or 1", low=0, high=1)

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        types = infer(rule)
        atoms = Atoms.of_rule(rule, types)
        layers = layers_of(rule, types, atoms)
        cones = _cones(layers, types, atoms, self)
        best, names = rule, names_of(rule)
        for layer in reversed(layers):
            if layer.rows is None or not layer.is_result:
                continue
            for write in (numbered, partial(_written, has_borders=bool(self.borders)), in_runs):
                written = write(layer, cones, atoms, names, cost(best))
                new = best if written is None else _replaced(best, layer.name, *written)
                if cost(new) < cost(best):
                    best = new
                    break
        return unchanged(rule) if best is rule else Rewrite(best)


def _cones(layers: Sequence[Layer], types: Types, atoms: Atoms, options: CollapseTables) -> Cones:
    """The cones of all layers; elements of other tensors are inputs."""
    units = {layer.name: layer.rows for layer in layers if layer.rows is not None}
    rows = {atoms.offset[name] + k: row for name, own in units.items() for k, row in enumerate(own)}
    domains: dict[int, Domain] = {}
    for name in atoms.names:
        domain = None if name in units else domain_of(types.tensor[name])
        if domain is not None:
            span = atoms.slice(name)
            domains |= dict.fromkeys(range(span.start, span.stop), domain)
    return Cones(rows, domains, options.inputs, options.rows)


def _replaced(rule: Rule, name: str, statements: Sequence[Statement], constants: Sequence[Constant]) -> Rule:
    """The rule with other statements in the place of those of a tensor, without what nothing reads then."""
    place = next(k for k, s in enumerate(rule.statements) if s.target == name)
    others = [s for s in rule.statements if s.target != name]
    return dce(with_statements(rule, [*others[:place], *statements, *others[place:]], constants)).rule


def _written(
    layer: Layer, cones: Cones, atoms: Atoms, names: Names, limit: int, *, has_borders: bool
) -> tuple[list[Statement], list[Constant]] | None:
    """The clauses of a tensor over sums of inputs; None if some element has no short expression."""
    assert layer.rows is not None
    start = atoms.offset[layer.name]
    units = range(start, start + len(layer.rows))
    if any(row.kind != "positive" for row in layer.rows) or not all(map(cones.depth, units)):
        return None
    if all(cones.depth(u) == 1 for u in units):
        return None
    tables: list[Table] = []
    for unit in units:
        table = cones.table(unit)
        if table is None:
            return None
        tables.append(merged(table) if layer.shape else table)
        if not (has_borders and len(units) <= _MOST_UNITS) and not is_same(tables[-1], tables[0]):
            return None
    if not all(is_same(table, tables[0]) for table in tables):
        clipped = over_clipped_sums(layer, tables, atoms, cones.domains)
        if clipped is None:
            return None
        tables = clipped
    inputs = placeholders(tables[0]) if layer.shape else elements(tables[0], atoms)
    search = Search(names("hit"))
    found = search.least(tables[0].ranges, tables[0].values, inputs, limit)
    if found is None:
        return None
    letters = names.indices(len(layer.shape))
    binders = tuple(builder.binder(n, extent) for n, extent in zip(letters, layer.shape, strict=True))
    return clauses(layer.name, binders, Template(found, inputs, search.used(found)), tables, atoms, names)
