"""What the sums of a family's units are compared with, or have added, as one expression of their coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from ddcompile.analysis.bounds import fit_bounds
from ddcompile.analysis.cost import cost
from ddcompile.analysis.rows import Row
from ddcompile.ir.affine import Affine
from ddcompile.ir.nodes import Binder, Constant, Expr
from ddcompile.passes.layers import Names, exact_expression
from ddcompile.passes.selection import places_of, selected

__all__ = ["Offset", "number_of", "offset_of"]


@dataclass(frozen=True, slots=True)
class Offset:
    """What `factor` times the sum is compared with, or has added, and the tables that this reads."""

    factor: int
    value: Expr
    constants: list[Constant] = field(default_factory=list)

    @property
    def price(self) -> int:
        """What it costs."""
        return sum(map(cost, self.constants)) + cost(self.value) + 2 * (self.factor > 1)


def number_of(row: Row) -> int | Fraction:
    """What the sum of one unit is compared with, or has added."""
    return 1 - row.bias if row.kind == "positive" else Fraction(row.bias, 2**row.exponent)


def offset_of(rows: Sequence[Row | None], binders: Sequence[Binder], names: Names, stem: str) -> Offset | None:
    """The cheapest offset of units of one kind, row-major over the box of the binders; None where there is no unit.

    It is a number, an affine function, a number chosen by conditions, or a table; None if no number can be written.
    """
    numbers = [None if r is None else number_of(r) for r in rows]
    present = [n for n in numbers if n is not None]
    if len(set(present)) == 1:
        return Offset(1, exact_expression(present[0]))
    ways = []
    affine = _affine(rows, binders)
    if affine is not None:
        ways.append(affine)
    kind = next(r.kind for r in rows if r is not None)
    chosen = selected(numbers, binders, names, f"{'bound' if kind == 'positive' else 'bias'}_{stem}")
    if chosen is not None:
        ways.append(Offset(1, chosen[1], chosen[0]))
    return min(ways, key=lambda way: way.price, default=None)


def _affine(rows: Sequence[Row | None], binders: Sequence[Binder]) -> Offset | None:
    """The offsets as an affine function of the coordinates."""
    known = [r for r in rows if r is not None]
    if any(r.exponent for r in known):
        return None
    places = np.array([p for p, r in zip(places_of(binders), rows, strict=True) if r is not None], dtype=np.int64)
    is_positive = known[0].kind == "positive"
    values = [1 - r.bias if is_positive else r.bias for r in known]
    found = fit_bounds(values, places, *(() if is_positive else (1,)))
    if found is None:
        return None
    factor, constant, slopes = found
    form = Affine.of(constant, dict(zip([b.name for b in binders], slopes, strict=True)))
    return Offset(factor, form.to_expr())
