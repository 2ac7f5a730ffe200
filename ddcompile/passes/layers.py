"""Layers: tensors whose clause reads its weights from constant tables, and how they are written back.

The passes that clean a network (`forward`, `exact-thresholds`, `reroll`) see such a tensor as a list of rows, change
the rows, and write them back as one clause over new tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod

import numpy as np

from ddcompile.analysis.linear import Atoms, box_bounds, is_integral
from ddcompile.analysis.rows import Row, activated
from ddcompile.analysis.thresholds import Domain
from ddcompile.analysis.units import unit_rows
from ddcompile.ir import builder
from ddcompile.ir.nodes import Binary, Binder, Constant, Expr, Index, Literal, Read, Reduce, Rule, Softmax, Statement
from ddcompile.ir.traverse import postorder
from ddcompile.ir.types import Types, ValueType
from ddcompile.passes.literals import sum_of_literals
from ddcompile.passes.rewrite import fresh_name, read_names, used_names

__all__ = [
    "Layer",
    "Names",
    "Table",
    "clause",
    "domain_of",
    "double_parts",
    "exact_expression",
    "heads_of",
    "is_layer",
    "is_layer_or_scalar",
    "layers_of",
    "names_of",
]


@dataclass(frozen=True, slots=True)
class Layer:
    """One tensor of a rule: its rows when they are known, else None for a tensor that is left alone."""

    name: str
    shape: tuple[int, ...]
    rows: list[Row] | None
    is_result: bool
    is_pinned: bool
    """Whether some statement that is left alone reads it, so that its elements must stay where they are."""
    is_sound: bool = True
    """Whether rows that tell signs add up integers, so that their text may compare with the next integer."""


class Names:
    """Fresh names for one pass over one rule."""

    def __init__(self, taken: set[str], tensors: Iterable[str] = ()) -> None:
        self.taken = taken
        self._counts: dict[str, int] = {}
        self.tensors = frozenset(tensors)

    def copy(self) -> Names:
        """The same names free, to try something."""
        other = Names(set(self.taken), self.tensors)
        other._counts = dict(self._counts)
        return other

    def __call__(self, stem: str) -> str:
        """A name that begins with `stem`."""
        return fresh_name(stem, self.taken, self._counts)

    def indices(self, count: int, avoid: Iterable[str] = ()) -> list[str]:
        """Names for indices: not those of tensors, nor of indices in scope."""
        barred = {*avoid, *self.tensors}
        stems = (f"{stem}{turn or ''}" for turn in range(1000) for stem in _INDEX_NAMES)
        return [n for n, _ in zip((s for s in stems if s not in barred), range(count), strict=False)]


def names_of(rule: Rule) -> Names:
    """Names that are free in `rule`."""
    tensors = {*(d.name for d in rule.inputs), *(s.target for s in rule.statements), *(c.name for c in rule.constants)}
    return Names(used_names(rule), {*tensors, *rule.sizes})


def is_layer(rule: Rule, target: str) -> bool:
    """Whether `target` is one clause that reads a constant table, as imported layers do."""
    clauses = [s for s in rule.statements if s.target == target]
    if len(clauses) != 1 or len(clauses[0].positions) != len(clauses[0].binders):
        return False
    tables = {c.name for c in rule.constants}
    return any(isinstance(n, Read) and n.tensor in tables for n in postorder(clauses[0].value))


def is_layer_or_scalar(rule: Rule, target: str) -> bool:
    """Whether `target` is a layer, or one clause without positions."""
    clauses = [s for s in rule.statements if s.target == target]
    return is_layer(rule, target) or (len(clauses) == 1 and not clauses[0].positions)


def heads_of(rule: Rule, layer: Layer) -> frozenset[str]:
    """What is done with all elements of a tensor at once, "argmax" or "softmax"; empty if it is read in other ways."""
    heads = set()
    for statement in rule.statements:
        if layer.name not in read_names([statement]):
            continue
        match statement.value:
            case Reduce("argmax", (binder,), body):
                heads.add("argmax")
            case Softmax(binder, body, place) if layer.name not in read_names([place]):
                heads.add("softmax")
            case _:
                return frozenset()
        is_whole = box_bounds(binder) == (0, *layer.shape)
        if not is_whole or body != Read(layer.name, (Index(binder.name),)):
            return frozenset()
    return frozenset(heads)


def layers_of(
    rule: Rule,
    types: Types,
    atoms: Atoms,
    choose: Callable[[Rule, str], bool] = is_layer,
    *,
    composes: bool = False,
    takes_rationals: bool = False,
) -> list[Layer]:
    """The rule's tensors in evaluation order; rows only for those that `choose` accepts and that are linear units.

    Rows that say whether a sum is positive have integers for operands, or, if the caller `composes` them, affine layers
    over integers; any exact numbers if the caller takes them.
    """
    results = {d.name for d in rule.outputs}
    order = [rule.statements[k].target for group in types.order for k in group]
    recurrent = {rule.statements[k].target for group in types.order if len(group) > 1 for k in group}
    recurrent |= {s.target for s in rule.statements if s.target in read_names([s])}
    rows: dict[str, list[Row] | None] = {}
    unsound: set[str] = set()
    for name in dict.fromkeys(order):
        usable = name not in recurrent and choose(rule, name)
        rows[name] = found = (usable and unit_rows(rule, types, atoms, name)) or None
        if found and not _is_sound(found, types, atoms, rows if composes else {}):
            unsound.add(name)
            rows[name] = found if takes_rationals else None
    pinned = read_names(s for s in rule.statements if rows[s.target] is None)
    return [
        Layer(n, atoms.shape[n], own, n in results, n in pinned or n in results, n not in unsound)
        for n, own in rows.items()
    ]


def _is_sound(rows: list[Row], types: Types, atoms: Atoms, known: Mapping[str, list[Row] | None]) -> bool:
    """Whether positive rows decide over integers, as they are or once affine operands are written out."""
    for row in rows:
        if row.kind != "positive":
            continue
        if row.is_inclusive:
            return False
        for name in _operands(row, atoms):
            inner = known.get(name)
            is_affine = bool(inner) and inner is not None and inner[0].kind == "affine"
            if not is_integral(types, name) and not (
                is_affine and all(is_integral(types, n) for r in inner or () for n in _operands(r, atoms))
            ):
                return False
    return True


def _operands(row: Row, atoms: Atoms) -> list[str]:
    return [atoms.names[t] for t in atoms.tensors_of(row.atoms)]


def domain_of(value: ValueType) -> Domain | None:
    """The value set of a tensor's elements as an arithmetic progression; None if unbounded or not integral."""
    if not value.is_integral or value.low is None or value.high is None:
        return None
    return Domain(value.low, value.high, 2 if value.kind == "spin" and value.low == -1 and value.high == 1 else 1)


def clause(
    name: str, binders: Sequence[Binder], rows: Sequence[Row], atoms: Atoms, names: Names, stem: str
) -> tuple[list[Constant], Statement]:
    """One clause over constant tables for rows of one kind; `binders` range over the elements in row-major order."""
    table = Table.of(binders, rows, atoms, names, stem)
    constants: list[Constant] = []
    terms: list[Expr] = []
    for tensor in table.tensors():
        new, term = table.dense(tensor)
        constants += new
        terms.append(term)
    return table.clause(name, constants, terms)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of one kind on their way to one clause: what its terms and its offset are made of."""

    binders: tuple[Binder, ...]
    shape: tuple[int, ...]
    own: tuple[Expr, ...]
    """The position of an element in tables."""
    rows: Sequence[Row]
    atoms: Atoms
    names: Names
    stem: str
    exponent: int
    are_doubles: bool

    @classmethod
    def of(cls, binders: Sequence[Binder], rows: Sequence[Row], atoms: Atoms, names: Names, stem: str) -> Table:
        """The rows of the elements of a box, in row-major order."""
        shape = tuple(b.upper.value - b.lower.value for b in binders)  # type: ignore[attr-defined]
        starts = [b.lower.value for b in binders]  # type: ignore[attr-defined]
        own: tuple[Expr, ...] = tuple(_shift(b.name, s) for b, s in zip(binders, starts, strict=True))
        exponent = max(r.exponent for r in rows)
        are_doubles = exponent > 0 and all(map(_are_doubles, rows))
        return cls(tuple(binders), shape, own, rows, atoms, names, stem, exponent, are_doubles)

    def tensors(self) -> list[str]:
        """The tensors that the rows read."""
        numbers = {t for r in self.rows for t in self.atoms.tensors_of(r.atoms)}
        return [self.atoms.names[number] for number in sorted(numbers)]

    def operands(self, tensor: str) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """By row, the row-major places that are read in a tensor, ascending, and their weights as they are written."""
        span = self.atoms.slice(tensor)
        places, weights = [], []
        for row in self.rows:
            first, last = np.searchsorted(row.atoms, (span.start, span.stop)).tolist()
            places.append(row.atoms[first:last] - span.start)
            own = row.weights[first:last]
            if self.are_doubles:
                own = np.ldexp(own.astype(np.float64), -row.exponent)
            elif self.exponent:
                own = np.array([Fraction(int(w), 2**row.exponent) for w in own], dtype=object)
            weights.append(own)
        return places, weights

    def weight_type(self) -> type:
        """The NumPy type of a table of weights."""
        wide = any(r.weights.dtype == object for r in self.rows)
        return np.float64 if self.are_doubles else object if wide or self.exponent else np.int64

    def free(self, count: int) -> list[str]:
        """Names for indices of a sum."""
        return self.names.indices(count, avoid=[b.name for b in self.binders])

    def dense(self, tensor: str) -> tuple[list[Constant], Expr]:
        """The constants and the text of a weighted sum over all of a tensor."""
        extents = self.atoms.shape[tensor]
        table: np.ndarray = np.zeros((len(self.rows), prod(extents)), dtype=self.weight_type())
        for k, (places, weights) in enumerate(zip(*self.operands(tensor), strict=True)):
            table[k, places] = weights
        inner = [Binder(n, Literal(0), Literal(e)) for n, e in zip(self.free(len(extents)), extents, strict=True)]
        places_read = tuple(Index(b.name) for b in inner)
        constants = []
        total: Expr = Literal(0)
        for part in double_parts(table):
            constants.append(Constant.of(self.names(f"weight_{self.stem}"), part.reshape(self.shape + extents)))
            term = Binary("*", Read(constants[-1].name, self.own + places_read), Read(tensor, places_read))
            total = builder.add(total, builder.reduction("sum", inner, term))
        return constants, total

    def clause(self, name: str, constants: list[Constant], terms: Sequence[Expr]) -> tuple[list[Constant], Statement]:
        """The clause whose sum has these terms, and its constants, those of the offset included."""
        # Positive rows are written `total >= bound`, the others `total + bias`.
        is_positive = self.rows[0].kind == "positive"
        offsets = [1 - r.bias if is_positive else Fraction(r.bias, 2**r.exponent) for r in self.rows]
        if len(set(offsets)) == 1:
            offset = exact_expression(offsets[0])
        else:
            offset = Literal(0)
            values = np.empty(len(self.rows), dtype=object)
            values[:] = offsets
            for part in double_parts(values):
                title = self.names(f"{'bound' if is_positive else 'bias'}_{self.stem}")
                constants = [*constants, Constant.of(title, part.reshape(self.shape))]
                offset = builder.add(offset, Read(title, self.own))
        value = activated(self.rows[0], builder.add_all(terms), offset)
        return constants, Statement(name, self.binders, value)


def _are_doubles(row: Row) -> bool:
    """Whether all weights, divided by the scale of the row, are visibly doubles."""
    least, most = (-(2**53), 2**53) if row.exponent <= 1000 else (0, 0)
    return row.weights.dtype != object and bool(((least <= row.weights) & (row.weights <= most)).all())


_INDEX_NAMES = ("i", "j", "k", "l", "m", "n", "p", "q", "r", "s")


def _shift(name: str, start: int) -> Expr:
    return Index(name) if start == 0 else Binary("-", Index(name), Literal(start))


def double_parts(table: np.ndarray) -> list[np.ndarray]:
    """Split exact numbers into arrays of integers or doubles that sum to them."""
    if table.dtype != object or set(map(type, table.flat)) <= {int}:
        return [table]
    sums = [sum_of_literals(v) for v in table.flat]
    parts = []
    for k in range(max(map(len, sums), default=1)):
        flat = np.empty(table.size, dtype=object)
        flat[:] = [terms[k] if k < len(terms) else 0 for terms in sums]
        parts.append(flat.reshape(table.shape))
    return parts


def exact_expression(value: int | Fraction) -> Expr:
    """A literal, or a sum of literals when the value is no integer and no double."""
    return builder.add_all(map(Literal, sum_of_literals(value)))
