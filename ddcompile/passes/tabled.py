"""Write tabulated units as clauses: a statement for every sum of inputs that an expression takes, and the expression.

Sums are affine units over tables of weights, one for every element of the tensor, so that later passes find their
slices and the families among them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ddcompile.analysis.comparisons import integer_terms
from ddcompile.analysis.cones import Table
from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.rows import Row
from ddcompile.ir import builder
from ddcompile.ir.nodes import Constant, Expr, Index, Literal, Read, Statement
from ddcompile.ir.traverse import children, with_children
from ddcompile.passes.layers import Layer, Names, clause

__all__ = ["Template", "clauses", "element_at", "elements", "placeholders"]

_FEW = 2
"""Elements up to so many stay in the expression; the sum of more gets a statement."""


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """An expression over the sums of a table, and the constant tables that it looks up."""

    value: Expr
    inputs: Sequence[Expr]
    """The texts of the sums."""
    lookups: Mapping[str, np.ndarray]


def placeholders(table: Table) -> list[Expr]:
    """A name for every sum of a table."""
    return [Read(f"${k}") for k in range(len(table.classes))]


def elements(table: Table, atoms: Atoms) -> list[Expr]:
    """For every sum of a table the element that it is, or a name."""
    names = placeholders(table)
    return [
        element_at(members[0][0], atoms) if len(members) == 1 else name
        for members, name in zip(table.classes, names, strict=True)
    ]


def element_at(atom: int, atoms: Atoms) -> Read:
    """The text of an element by its number."""
    name = atoms.names[int(atoms.tensor_of(np.array([atom]))[0])]
    place = np.unravel_index(atom - atoms.offset[name], atoms.shape[name]) if atoms.shape[name] else ()
    return Read(name, tuple(Literal(int(p)) for p in place))


def clauses(
    layer: Layer, template: Template, tables: Sequence[Table], atoms: Atoms, names: Names
) -> tuple[list[Statement], list[Constant]]:
    """The clause of a tensor whose elements have one expression, after those of its sums.

    Parameters
    ----------
    layer
        The tensor.
    template
        The expression of its elements.
    tables
        Of each element, the sums that the expression is over.
    """
    binders = tuple(
        builder.binder(n, extent) for n, extent in zip(names.indices(len(layer.shape)), layer.shape, strict=True)
    )
    places = tuple(Index(b.name) for b in binders)
    constants = [Constant.of(name, table, "bit") for name, table in template.lookups.items()]
    statements: list[Statement] = []
    number = {text: k for k, text in enumerate(template.inputs)}
    sums: dict[object, Read] = {}

    def written(node: Expr) -> Expr | None:
        form = integer_terms(node)
        if form is None or not form[0] or not form[0].keys() <= number.keys():
            return None
        terms, constant = form
        own = tuple(sorted((number[x], c) for x, c in terms.items()))
        if not binders and sum(len(tables[0].classes[k]) for k, _ in own) <= _FEW:
            return _sum(own, tables[0], constant, atoms)
        if own not in sums:
            target = names(f"sum_of_{layer.name}")
            sums[own] = Read(target, places)
            new, statement = clause(target, binders, [_row(own, t) for t in tables], atoms, names, target)
            constants.extend(new)
            statements.append(statement)
        return builder.add(sums[own], constant)

    value = _outermost(template.value, written)
    return [*statements, Statement(layer.name, binders, value)], constants


def _sum(terms: Sequence[tuple[int, int]], table: Table, constant: int, atoms: Atoms) -> Expr:
    """Multiples of a table's sums, element by element; positive ones first."""
    parts = sorted(((c * sign, atom) for k, c in terms for atom, sign in table.classes[k]), key=lambda p: p[0] < 0)
    return builder.add(builder.add_all(builder.mul(c, element_at(atom, atoms)) for c, atom in parts), constant)


def _row(terms: Sequence[tuple[int, int]], table: Table) -> Row:
    """The affine unit that is a sum of multiples of a table's sums."""
    weights = {atom: c * sign for k, c in terms for atom, sign in table.classes[k]}
    atoms = np.array(sorted(weights), dtype=np.int64)
    return Row("affine", atoms, np.array([weights[a] for a in atoms.tolist()], dtype=np.int64), 0)


def _outermost(expr: Expr, step: Callable[[Expr], Expr | None]) -> Expr:
    """Replace the outermost nodes for which `step` gives another."""
    results: list[Expr] = []
    stack = [(expr, False)]
    while stack:
        node, done = stack.pop()
        if done:
            count = len(children(node))
            kids = tuple(results[len(results) - count :])
            del results[len(results) - count :]
            results.append(with_children(node, kids))
            continue
        found = step(node)
        if found is not None:
            results.append(found)
        elif children(node):
            stack.append((node, True))
            stack += [(kid, False) for kid in reversed(children(node))]
        else:
            results.append(node)
    return results[0]
