"""Take common powers of two out of relus and absolute values, into what reads them.

Before::

    h[u < 2] = relu(sum(i < 2: W[u, i] * x[i]))      # W = [0.5, -0.5], [2, -2]
    y = sum(u < 2: V[u] * h[u]) > 1.5                # V = 2, 0.5

After::

    h[u < 2] = relu(sum(i < 2: weight[u, i] * x[i])) # weight = [1, -1], [1, -1]
    y = sum(u < 2: weight2[u] * h[u]) >= 2           # weight2 = 1, 1

`relu(c * s)` is `c * relu(s)` where c is above 0. Units over integers whose weights are small integers then have
integer values, so that units that do the same look the same, and sums of them are compared as integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import ClassVar

import numpy as np

from ddcompile.analysis.linear import Atoms, is_integral
from ddcompile.analysis.rows import Row
from ddcompile.ir import builder
from ddcompile.ir.nodes import Constant, Index, Read, Rule, Statement
from ddcompile.ir.types import infer
from ddcompile.ir.verifier import verify
from ddcompile.passes.aliases import Alias, combined, reduced
from ddcompile.passes.layers import Layer, clause, is_layer_or_scalar, layers_of, names_of
from ddcompile.passes.options import Pass
from ddcompile.passes.rewrite import Rewrite, Witness, read_names, unchanged, with_statements

__all__ = ["Rescale"]

_MOST_WEIGHT = 1 << 10
"""Weights that are larger once they are integers are real numbers that were trained."""


@dataclass(frozen=True, slots=True)
class Rescale(Pass):
    """Take common powers of two out of relus and absolute values, into what reads them."""

    name: ClassVar[str] = "rescale"

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        types = infer(rule)
        atoms = Atoms.of_rule(rule, types)
        layers = layers_of(rule, types, atoms, is_layer_or_scalar, takes_rationals=True)
        whole = {name for name in atoms.names if is_integral(types, name)}
        aliases: dict[int, Alias] = {}
        new: dict[str, list[Row]] = {}
        scales: dict[str, list[Fraction]] = {}
        for layer in layers:
            if layer.rows is None:
                continue
            reads_any = any(_reads(row, aliases) for row in layer.rows)
            rows = [_over_integers(row, aliases) for row in layer.rows] if reads_any else layer.rows
            operands = {atoms.names[t] for r in rows for t in atoms.tensors_of(r.atoms)}
            small = _small(rows, layer) if operands <= whole and not _is_read_elsewhere(rule, layer, layers) else None
            if small is not None:
                rows, scales[layer.name] = small
                start = atoms.offset[layer.name]
                aliases |= {start + k: Alias(Fraction(0), c, start + k) for k, c in enumerate(scales[layer.name])}
                whole.add(layer.name)
            if any(a is not b for a, b in zip(rows, layer.rows, strict=True)):
                if not operands <= whole and rows[0].kind == "positive":
                    return unchanged(rule)
                new[layer.name] = rows
        return _written(rule, new, scales, atoms) if scales else unchanged(rule)


def _reads(row: Row, aliases: dict[int, Alias]) -> bool:
    return not aliases.keys().isdisjoint(row.atoms.tolist())


def _over_integers(row: Row, aliases: dict[int, Alias]) -> Row:
    """A row over operands some of which are multiples of integers now."""
    if row.kind != "positive":
        return combined(row, aliases)
    exact = combined(replace(row, kind="sign", is_inclusive=False), aliases)
    return reduced(replace(exact, kind="positive", bias=exact.bias + row.is_inclusive))


def _small(rows: Sequence[Row], layer: Layer) -> tuple[list[Row], list[Fraction]] | None:
    """The units over small integers, and by what each is to be multiplied; None if there is nothing to do."""
    if layer.is_pinned or len(layer.shape) != 1 or not all(map(_is_homogeneous, rows)):
        return None
    found, scales = [], []
    for row in map(reduced, rows):
        together = int(np.bitwise_or.reduce(row.weights)) | row.bias
        shift = (together & -together).bit_length() - 1 if together else 0
        found.append(replace(row, weights=row.weights >> shift, bias=row.bias >> shift, exponent=0))
        scales.append(Fraction(1 << shift, 1 << row.exponent))
    is_small = all(len(row.weights) and abs(row.weights).max() <= _MOST_WEIGHT for row in found)
    return (found, scales) if is_small and any(c != 1 for c in scales) else None


def _is_homogeneous(row: Row) -> bool:
    return row.kind == "abs" or (row.kind == "clamp" and (row.low, row.high) == (0, None))


def _is_read_elsewhere(rule: Rule, layer: Layer, layers: Sequence[Layer]) -> bool:
    """Whether what is no layer reads a layer."""
    known = {other.name for other in layers if other.rows is not None}
    return any(layer.name in read_names([s]) for s in rule.statements if s.target not in known)


def _written(rule: Rule, rows: dict[str, list[Row]], scales: dict[str, list[Fraction]], atoms: Atoms) -> Rewrite:
    names = names_of(rule)
    constants: list[Constant] = []
    statements: list[Statement] = []
    witness: list[Statement] = []
    tables: list[Constant] = []
    for old in rule.statements:
        if old.target not in rows:
            statements.append(old)
            continue
        new, statement = clause(old.target, old.binders, rows[old.target], atoms, names, old.target)
        constants += new
        statements.append(statement)
        if old.target in scales:
            values = np.empty(len(scales[old.target]), dtype=object)
            values[:] = [1 / c for c in scales[old.target]]
            tables.append(Constant.of(names(f"scale_of_{old.target}"), values))
            own = tuple(Index(b.name) for b in old.binders)
            value = builder.mul(Read(tables[-1].name, own), Read(old.target, own))
            witness.append(Statement(old.target, old.binders, value))
    written = with_statements(rule, statements, constants)
    return unchanged(rule) if verify(written) else Rewrite(written, Witness(tuple(witness), tuple(tables)))
