"""Tensors of a rule as numbered elements: shapes, which clause defines which element, and tables of meanings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

import numpy as np

from ddcompile.ir.nodes import Binder, Constant, Expr, Literal, Number, Rule, Statement
from ddcompile.ir.scaled import doubles
from ddcompile.ir.traverse import postorder, reads
from ddcompile.prove.forms import Decline, Form
from ddcompile.prove.intervals import Interval
from ddcompile.prove.kinds import Flags, tensor_flags
from ddcompile.prove.static import Static, evaluate, scalar, scaled

__all__ = ["ELEMENT_LIMIT", "ConstantTable", "Model", "Rows", "Table", "name_of", "static_shape"]

ELEMENT_LIMIT = 1 << 24
"""Most elements of one tensor."""
TERM_LIMIT = 16
"""Most terms of a form, on average, for tables to be kept as arrays as well."""
ROW_LIMIT = 1 << 40
"""Numbers in these arrays are smaller."""


@dataclass(slots=True)
class ConstantTable:
    """A constant tensor: exact numbers by flat position, and scaled integers for whole-array work."""

    shape: tuple[int, ...]
    static: Static
    _values: list[int] | None = None

    @classmethod
    def of(cls, constant: Constant) -> ConstantTable:
        """Read a constant of the IR."""
        static = scaled(doubles(constant.values) if constant.type.kind == "real" else constant.values)
        return cls(tuple(constant.values.shape), static)

    def value(self, flat: int) -> Number:
        """An entry by its row-major position."""
        if self._values is None:
            self._values = self.static.array.ravel().tolist()
        return Static(scalar(self._values[flat]), self.static.exp).number()


@dataclass(frozen=True, slots=True)
class Rows:
    """All forms of a table as arrays of int64, times `2**exp`: terms one form after another, and what bounds forms."""

    start: np.ndarray
    """Where the terms of each form begin, and where the last ones end."""
    variable: np.ndarray
    factor: np.ndarray
    const: np.ndarray
    low: np.ndarray
    high: np.ndarray
    has_low: np.ndarray
    has_high: np.ndarray
    exp: int
    most: int
    """The greatest magnitude of all these numbers."""
    are_terms: bool
    """Whether every form has one term."""

    @classmethod
    def of(cls, forms: Sequence[Form]) -> Rows | None:
        """The forms as arrays; None if their numbers are too large for that."""
        exp = max((f.exp for f in forms), default=0)
        counts = [len(f.terms) for f in forms]
        shifts = [exp - f.exp for f in forms]
        spans = [_word_span(f) for f in forms]
        has_low, has_high = ([span[side] is not None for span in spans] for side in (0, 1))
        columns = (
            [c << shift for f, shift in zip(forms, shifts, strict=True) for c in f.terms.values()],
            [f.const << shift for f, shift in zip(forms, shifts, strict=True)],
            [(low or 0) << shift for (low, _), shift in zip(spans, shifts, strict=True)],
            [(high or 0) << shift for (_, high), shift in zip(spans, shifts, strict=True)],
        )
        most = max(max(max(column, default=0), -min(column, default=0)) for column in columns)
        if most >= ROW_LIMIT:
            return None
        factor, const, low, high = (np.array(column, dtype=np.int64) for column in columns)
        start = np.concatenate(([0], np.cumsum(counts, dtype=np.int64)))
        variable = np.array([v for f in forms for v in f.terms], dtype=np.int64)
        spanned = low, high, np.array(has_low), np.array(has_high)
        return cls(start, variable, factor, const, *spanned, exp, most, are_terms=all(n == 1 for n in counts))


def _word_span(form: Form) -> Interval:
    """What is known of the range of a form; nothing where that is one variable of a wide range, which says as much."""
    is_wide = any(end is not None and abs(end) >= ROW_LIMIT for end in form.span)
    return (None, None) if is_wide and len(form.terms) == 1 else form.span


@dataclass(slots=True)
class Table:
    """What the elements of a tensor mean; None where no clause defines one, or not yet."""

    name: str
    shape: tuple[int, ...]
    forms: list[Form | None]
    pending: bool = False
    """Whether elements are still to come: reading one raises `Pending` rather than failing."""
    _rows: Rows | None = None
    _complete: bool = False
    _checked: bool = False

    def complete(self) -> bool:
        """Whether every element is defined."""
        self._check()
        return self._complete

    def rows(self) -> Rows | None:
        """The arrays of a finished table without gaps and of few terms a form."""
        self._check()
        return self._rows

    def _check(self) -> None:
        if self._checked or self.pending:
            return
        self._checked = True
        defined = [f for f in self.forms if f is not None]
        self._complete = len(defined) == len(self.forms)
        if self._complete and sum(len(f.terms) for f in defined) <= TERM_LIMIT * len(defined):
            self._rows = Rows.of(defined)


@dataclass(slots=True)
class Model:
    """A rule, or a witness over the tensors of a rule, taken apart into elements."""

    statements: tuple[Statement, ...]
    constants: dict[str, ConstantTable]
    flags: dict[str, Flags]
    shape: dict[str, tuple[int, ...]]
    owner: dict[str, np.ndarray] = field(default_factory=dict)
    """By tensor: the number of the statement that defines each element, -1 where none does."""

    @classmethod
    def of(cls, rule: Rule) -> Model:
        """Take a rule without sizes apart."""
        if rule.sizes:
            raise Decline("a rule with sizes; specialise it first")
        flags = tensor_flags(rule.inputs, rule.outputs, rule.constants, rule.statements)
        inputs = {d.name: static_shape(d.type.shape) for d in rule.inputs}
        model = cls(rule.statements, {c.name: ConstantTable.of(c) for c in rule.constants}, flags, inputs)
        model._place()
        for d in rule.outputs:
            if model.shape.get(d.name) != static_shape(d.type.shape):
                raise Decline(f"the result {d.name} is not defined with its declared shape")
            if (model.owner[d.name] < 0).any():
                raise Decline(f"the result {d.name} has undefined elements")
        return model

    @classmethod
    def of_witness(cls, statements: Sequence[Statement], constants: Iterable[Constant], outer: Model) -> Model:
        """Take the clauses of a witness apart; they may read the tensors and constants of `outer`.

        A constant of the witness hides a name of `outer`; a clause reads the old tensor even of the name it defines.
        """
        own = tuple(constants)
        flags = dict(outer.flags)
        flags.update(tensor_flags((), (), own, ()))
        tables = {**outer.constants, **{c.name: ConstantTable.of(c) for c in own}}
        model = cls(tuple(statements), tables, flags, dict(outer.shape))
        model._place()
        return model

    def is_real(self, name: str) -> bool:
        """Whether the elements of a tensor are rounded; meanings that a witness gives are not."""
        return name in self.flags and self.flags[name].real

    def _place(self) -> None:
        """Enumerate the domains of all clauses."""
        targets: dict[str, list[int]] = {}
        for k, statement in enumerate(self.statements):
            targets.setdefault(statement.target, []).append(k)
        for name, numbers in targets.items():
            domains = [_domain(self.statements[k], self.constants) for k in numbers]
            rank = domains[0].shape[1]
            if any(d.shape[1] != rank for d in domains):
                raise Decline(f"clauses of {name} differ in rank")
            extent = np.zeros(rank, dtype=np.int64)
            for d in domains:
                if len(d):
                    extent = np.maximum(extent, d.max(axis=0) + 1)
                    if (d < 0).any():
                        raise Decline(f"{name} has a negative position")
            shape = tuple(int(n) for n in extent)
            if prod(shape) > ELEMENT_LIMIT:
                raise Decline(f"{name} has {prod(shape)} elements")
            owner = np.full(shape, -1, dtype=np.int64)
            for k, d in zip(numbers, domains, strict=True):
                where = tuple(d.T)
                if (owner[where] >= 0).any():
                    raise Decline(f"two clauses define one element of {name}")
                owner[where] = k
                if int((owner == k).sum()) != len(d):
                    raise Decline(f"a clause of {name} defines an element twice")
            self.shape[name] = shape
            self.owner[name] = owner

    def reads(self, name: str) -> set[str]:
        """Names of tensors and constants that the clauses of a tensor read, bounds included."""
        return {r.tensor for s in self.statements if s.target == name for e in _expressions(s) for r in reads(e)}


def _expressions(statement: Statement) -> Iterable[Expr]:
    yield statement.value
    for p in statement.positions:
        if isinstance(p, Binder):
            yield p.lower
            yield p.upper
        else:
            yield p


def _domain(statement: Statement, constants: Mapping[str, ConstantTable]) -> np.ndarray:
    """The positions that a clause defines, one a row."""
    tables = {name: (t.shape, t.static) for name, t in constants.items()}
    rows = 1
    columns: list[np.ndarray] = []
    names: dict[str, Static] = {}
    for p in statement.positions:
        if not isinstance(p, Binder):
            column = _integers(evaluate(list(postorder(p)), names, tables), rows)
        else:
            lower = _integers(evaluate(list(postorder(p.lower)), names, tables), rows)
            upper = _integers(evaluate(list(postorder(p.upper)), names, tables), rows)
            counts = np.maximum(upper - lower, 0)
            rows = int(counts.sum())
            if rows > ELEMENT_LIMIT:
                raise Decline(f"{statement.target} has too many elements")
            columns = [np.repeat(c, counts) for c in columns]
            starts = np.cumsum(counts) - counts
            column = np.repeat(lower - starts, counts) + np.arange(rows)
        columns.append(column)
        names = {
            b.name: Static(c, 0) for b, c in zip(statement.positions, columns, strict=False) if isinstance(b, Binder)
        }
    return np.stack(columns, axis=1) if columns else np.zeros((1, 0), dtype=np.int64)


def _integers(value: Static, rows: int) -> np.ndarray:
    if value.exp or value.array.dtype == object:
        raise Decline("a position or bound that is no small integer")
    return np.broadcast_to(value.array, (rows,)).astype(np.int64)


def static_shape(shape: Sequence[Expr]) -> tuple[int, ...]:
    """Extents that are literals, or expressions of literals."""
    extents: list[int] = []
    for e in shape:
        value = e.value if isinstance(e, Literal) else evaluate(list(postorder(e)), {}, {}).number()
        if not isinstance(value, int):
            raise Decline("an extent that is no integer")
        extents.append(value)
    return tuple(extents)


def name_of(tensor: str, shape: Sequence[int], flat: int) -> str:
    """`tensor[i, j]` for messages."""
    if not shape:
        return tensor
    position = np.unravel_index(flat, tuple(shape))
    return f"{tensor}[{', '.join(str(int(p)) for p in position)}]"
