"""Sums with few different weights, for lanes: the elements of each weight are added up, and multiplied once.

Before, for bits and weights of +1 and -1:           After:

    for j: i32 = 0 to 64 {                             sum = sum + rest[i] + base[i] * all[0]
      sum = sum + W[64 * i + j] * (2 * i8(x[j]) - 1)   for k: i64 = starts[i] to starts[i + 1] {
    }                                                    part = part + i8(x[places[k]])
                                                       }
                                                       sum = sum + factors[i] * part

A processor adds bytes far faster than it multiplies them, and a loop that is the same for all lanes may go through a
list. A term is A x + B, where A and B are known for every entry of the table of weights. The commonest A of a row may
be taken for all of its elements, of which the sum is found once for all rows; then the others differ from it. Sums are
formed as machine integers are, without what does not fit: the last one does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from ddcompile.kernel.accumulations import evaluated, flattened, linear, row_of
from ddcompile.kernel.grid.arithmetic import number, plus, times
from ddcompile.kernel.grid.code import Code
from ddcompile.kernel.nodes import (
    I64,
    Arith,
    Assign,
    BitType,
    Branch,
    Buffer,
    Const,
    Convert,
    Declare,
    Expr,
    IntType,
    Kernel,
    Load,
    Loop,
    Negate,
    Stmt,
    Store,
    Var,
    int_type,
)
from ddcompile.kernel.traverse import loads, stores, subexpressions, variables, walk

__all__ = ["selected"]

_TERM = 3
"""Additions that take as long as a product of two elements and what belongs to it, about."""
_LIST = 12
"""Additions that take as long as to begin a list and to multiply its sum."""
_BASE = 6
"""Additions that take as long as a multiple of a sum that is there."""
_SHARED = 4
"""Rows from which the sum of all elements is worth while."""
_LISTS = 4
"""Lists that a row may have."""
_ENTRIES = 1 << 17
"""Entries of a table of weights up to which it is looked at."""


@dataclass(frozen=True, slots=True)
class _Sum:
    """A loop that adds up terms of elements and entries of a table.

    Attributes
    ----------
    loop, total
        The loop and the variable that it adds to.
    element
        How an element is read.
    place, offsets
        Where a row of elements begins, and how far from there the element of each term lies.
    whole
        Which row of as many elements this is, if it lies side by side.
    row
        Which row of the table it is multiplied by.
    factors, rests
        A and B of every term, by row.
    """

    loop: Loop
    total: Var
    element: Load
    place: Expr
    offsets: np.ndarray
    whole: Expr | None
    row: Expr
    factors: np.ndarray
    rests: np.ndarray


@dataclass(frozen=True, slots=True)
class _Lists:
    """What is added up for every row.

    Attributes
    ----------
    base
        The factor of all elements.
    factors
        The factors of the lists, as many for every row.
    members
        The numbers of the terms in each of these lists.
    cost
        About how many additions all rows take.
    """

    base: np.ndarray
    factors: np.ndarray
    members: tuple[np.ndarray, ...]
    cost: int


def selected(kernel: Kernel) -> Kernel:
    """The kernel with the sums of its sample function that are faster so as sums of lists of elements.

    Parameters
    ----------
    kernel
        A kernel without sizes.
    """
    return _Selecting(kernel).run()


class _Selecting:
    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        names = {b.name for b in kernel.buffers} | {f.name for f in kernel.functions}
        for _, stmt in walk(kernel.sample.body):
            if isinstance(stmt, Declare):
                names.add(stmt.variable.name)
            elif isinstance(stmt, Loop):
                names.add(stmt.index.name)
        self.code = Code(names)
        self.buffers: dict[str, Buffer] = {}
        self.wholes: dict[tuple[str, int, IntType], str] = {}
        """For every buffer, length of its rows and type, the buffer of the sums of its rows."""

    def run(self) -> Kernel:
        body = self.kernel.sample.body
        ready = {store.buffer: position for position, stmt in enumerate(body) for store in stores([stmt])}
        parts = [self._rewritten(stmt, position, ready) for position, stmt in enumerate(body)]
        if not self.buffers:
            return self.kernel
        after: dict[int, list[Stmt]] = {}
        for name, length, type_ in self.wholes:
            after.setdefault(ready.get(name, -1), []).extend(self._added(name, length, type_))
        made: list[Stmt] = list(after.get(-1, []))
        for position, part in enumerate(parts):
            made += [*part, *after.get(position, [])]
        sample = replace(self.kernel.sample, body=tuple(made))
        functions = tuple(sample if f is self.kernel.sample else f for f in self.kernel.functions)
        read = {load.buffer for load in loads(made)}
        buffers = (*self.kernel.buffers, *self.buffers.values())
        kept = tuple(b for b in buffers if b.role in ("input", "output") or b.name in read)
        return replace(self.kernel, buffers=kept, functions=functions)

    def _rewritten(self, stmt: Stmt, position: int, ready: Mapping[str, int]) -> list[Stmt]:
        match stmt:
            case Loop(_, _, _, body):
                found = self._sum(stmt)
                lists = None if found is None else self._lists(found, position, ready)
                if found is not None and lists is not None:
                    return self._adding(found, lists)
                return [replace(stmt, body=tuple(s for inner in body for s in self._rewritten(inner, position, ready)))]
            case Branch(condition, then, otherwise):
                arms = [
                    tuple(s for inner in arm for s in self._rewritten(inner, position, ready))
                    for arm in (then, otherwise)
                ]
                return [Branch(condition, *arms)]
        return [stmt]

    # --- sums --------------------------------------------------------------------------------------------------------

    def _sum(self, loop: Loop) -> _Sum | None:
        """What a loop adds up, if it is a sum of this kind."""
        flat = flattened(loop)
        if flat is None:
            return None
        indices, lengths, stmt = flat
        match stmt:
            case Assign(total, Arith("+" | "-" as op, Var(name), term, IntType(is_wide=False) as word)) if (
                name == total.name
            ):
                pass
            case _:
                return None
        reads = list(dict.fromkeys(n for n in subexpressions(term) if isinstance(n, Load)))
        tables = [n for n in reads if self.kernel.buffer[n.buffer].role == "table"]
        elements = [n for n in reads if n not in tables]
        inside = {name for load in reads for name in variables(load.index)}
        if len(elements) != 1 or len(tables) != 1 or set(variables(term)) - inside:
            return None
        if any(load.guard is not None or not _is_short(load) for load in reads) or not _is_affine(term, elements[0]):
            return None
        row = row_of(tables[0].index, indices, lengths)
        form = linear(elements[0].index)
        values = self.kernel.buffer[tables[0].buffer].values
        length = prod(lengths)
        if row is None or form is None or len(values) > _ENTRIES or len(values) % length:
            return None
        entries = np.array(values, dtype=np.int64).reshape(-1, length)
        distinct, numbers = np.unique(entries, return_inverse=True)
        if len(distinct) > _LISTS + 1:
            return None
        assert isinstance(total.type, IntType)
        sign = 1 if op == "+" else -1
        factors, rests = [], []
        for entry in distinct.tolist():
            at = [evaluated(term, {tables[0]: entry, elements[0]: value}) for value in (0, 1)]
            if at[0] is None or at[1] is None:
                return None
            factors.append(_wrapped(sign * (at[1] - at[0]), word))
            rests.append(_wrapped(sign * at[0], word))
        place, offsets = _offsets(form, indices, lengths)
        numbers = numbers.reshape(entries.shape)
        buffer = self.kernel.buffer[elements[0].buffer]
        whole = row_of(elements[0].index, indices, lengths) if buffer.size % length == 0 else None
        return _Sum(
            loop, total, elements[0], place, offsets, whole, row, np.array(factors)[numbers], np.array(rests)[numbers]
        )

    def _lists(self, found: _Sum, position: int, ready: Mapping[str, int]) -> _Lists | None:
        """The lists that make a sum fastest, if they make it faster."""
        rows, length = found.factors.shape
        size = self.kernel.buffer[found.element.buffer].size
        has_base = (
            found.whole is not None
            and ready.get(found.element.buffer, -1) < position
            and rows * length >= _SHARED * size
        )
        distinct = np.unique(found.factors)
        counts = np.stack([(found.factors == value).sum(axis=1) for value in distinct], axis=1)
        least: np.ndarray | None = None
        base = np.zeros(rows, dtype=np.int64)
        for candidate in dict.fromkeys([0, *(distinct.tolist() if has_base else ())]):
            others = counts[:, distinct != candidate]
            cost = others.sum(axis=1) + _LIST * (others > 0).sum(axis=1) + (_BASE if candidate else 0)
            if least is None:
                least = cost
                continue
            base[cost < least] = candidate
            least = np.minimum(cost, least)
        assert least is not None
        cost = int(least.sum())
        if 5 * cost > 4 * _TERM * rows * length:
            return None
        each = int(((counts > 0) & (distinct != base[:, None])).sum(axis=1).max(initial=0))
        factors = np.zeros((rows, each), dtype=np.int64)
        members: list[np.ndarray] = []
        nothing = np.zeros(0, dtype=np.int64)
        for k in range(rows):
            own = [value for value in distinct[counts[k] > 0].tolist() if value != base[k]]
            factors[k, : len(own)] = np.array(own, dtype=np.int64) - base[k]
            members += (np.flatnonzero(found.factors[k] == value) for value in own)
            members += [nothing] * (each - len(own))
        return _Lists(base, factors, tuple(members), cost)

    # --- statements --------------------------------------------------------------------------------------------------

    def _table(self, wanted: str, values: Sequence[int], type_: IntType | None = None) -> str:
        """A table of numbers, of the narrowest type if none is given."""
        name = self.code.name(wanted)
        found = int_type(min(values, default=0), max(values, default=0)) if type_ is None else type_
        self.buffers[name] = Buffer(name, "table", found, (len(values),), 0, tuple(values))
        return name

    def _number(self, table: str, index: Expr) -> Expr:
        """An entry of a table as a 64-bit integer."""
        found = Load(table, index, self.buffers[table].type)
        return found if found.type == I64 else Convert(found, I64)

    def _adding(self, found: _Sum, lists: _Lists) -> list[Stmt]:
        """The loops over lists, in the place of one over all terms."""
        code, total, name = self.code.apart(), found.total, found.element.buffer
        type_ = total.type
        assert isinstance(type_, IntType)

        def add(to: Var, term: Expr) -> None:
            code.assign(to, Arith("+", to, term, type_))

        def multiple(factors: Sequence[int], wanted: str, index: Expr, value: Expr) -> Expr:
            """A value times a number that belongs to an index."""
            table = self._table(f"{name}_{wanted}", [_wrapped(n, type_) for n in factors], type_)
            return Arith("*", Load(table, index, type_), value, type_)

        row, place = code.named("row", found.row), code.named("place", found.place)
        rests = [_wrapped(n, type_) for n in found.rests.sum(axis=1).tolist()]
        if any(rests):
            add(total, Load(self._table(f"{name}_rests", rests, type_), row, type_))
        if lists.base.any():
            assert found.whole is not None
            sums = self._whole(name, found.offsets.size, type_)
            add(total, multiple(lists.base.tolist(), "bases", row, Load(sums, found.whole, type_)))
        each = lists.factors.shape[1]
        if not each:
            return list(code.body)
        bounds = np.cumsum([0, *(len(member) for member in lists.members)]).tolist()
        starts = self._table(f"{name}_starts", bounds)
        places = self._table(f"{name}_places", found.offsets[np.concatenate(lists.members)].tolist())
        with code.loop("list", number(0), number(each)) as which:
            at = code.named("at", plus(times(row, each), which))
            part = code.declared("part", Const(0, type_), mutable=True)
            with code.loop("k", self._number(starts, at), self._number(starts, plus(at, 1))) as k:
                element = replace(found.element, index=plus(place, self._number(places, k)))
                add(part, _as(element, type_))
            add(total, multiple(lists.factors.reshape(-1).tolist(), "factors", at, part))
        return list(code.body)

    def _whole(self, name: str, length: int, type_: IntType) -> str:
        """The buffer of the sums of the rows of a buffer."""
        key = name, length, type_
        if key not in self.wholes:
            self.wholes[key] = self.code.name(f"{name}_all")
            rows = self.kernel.buffer[name].size // length
            self.buffers[self.wholes[key]] = Buffer(self.wholes[key], "scratch", type_, (rows,))
        return self.wholes[key]

    def _added(self, name: str, length: int, type_: IntType) -> Iterator[Stmt]:
        """Add up the rows of a buffer."""
        code, buffer = self.code.apart(), self.kernel.buffer[name]
        with code.loop("row", number(0), number(buffer.size // length)) as row:
            total = code.declared("sum", Const(0, type_), mutable=True)
            with code.loop("k", number(0), number(length)) as k:
                element = Load(name, plus(times(row, length), k), buffer.type)
                code.assign(total, Arith("+", total, _as(element, type_), type_))
            code.emit(Store(self.wholes[name, length, type_], row, total))
        yield from code.body


def _is_short(load: Load) -> bool:
    return isinstance(load.type, BitType) or (isinstance(load.type, IntType) and not load.type.is_wide)


def _as(element: Expr, type_: IntType) -> Expr:
    return element if element.type == type_ else Convert(element, type_)


def _wrapped(value: int, type_: IntType) -> int:
    """What a machine integer holds of a number."""
    return (value - type_.low) % (1 << type_.width) + type_.low


def _is_affine(root: Expr, element: Load) -> bool:
    """Whether a term is a multiple of an element and a constant, both of them known where an entry of a table is."""

    def degree(expr: Expr) -> int:
        match expr:
            case Load():
                return int(expr == element)
            case Const():
                return 0
            case Convert(operand, IntType()) | Negate(operand, IntType()):
                return degree(operand)
            case Arith("+" | "-", left, right, IntType()):
                return max(degree(left), degree(right))
            case Arith("*", left, right, IntType()):
                return degree(left) + degree(right)
        return 2

    return degree(root) <= 1


def _offsets(
    form: tuple[dict[Var, int], int], indices: Sequence[str], lengths: Sequence[int]
) -> tuple[Expr, np.ndarray]:
    """Where the row of elements begins that loops go through, and how far the element of each pass is from there."""
    terms, constant = form
    offsets = np.zeros(1, dtype=np.int64)
    place: Expr = number(constant)
    for name, length in zip(indices, lengths, strict=True):
        factor = next((factor for variable, factor in terms.items() if variable.name == name), 0)
        offsets = (offsets[:, None] + factor * np.arange(length)).reshape(-1)
    for variable, factor in terms.items():
        if variable.name not in indices:
            place = plus(place, times(variable if variable.type == I64 else Convert(variable, I64), factor))
    return place, offsets
