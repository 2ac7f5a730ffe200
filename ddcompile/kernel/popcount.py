"""The schedule `popcount`: sums of bits with constant weights are counted in words.

Before, with weights of +1 and -1:             After:

    for j: i32 = 0 to 784 {                        for w: i64 = 0 to 13 {
      sum = sum + W[784 * i + j] * i8(x[j])          count = count + ones(W_plus[13 * i + w] and x_bits[w])
    }                                              }
                                                   sum = sum + (W_rest[i] + 2 * count - x_ones[0])

A term that takes one number where the bit is 0 and another where it is 1 is the first plus, where the bit is 1, their
difference; the differences of a row of the table have few values, and the bits at each are counted. All values that are
summed up are integers; nothing is rounded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

from ddcompile.ir.types import Types
from ddcompile.kernel.accumulations import evaluated, flattened, row_of
from ddcompile.kernel.dce import eliminate_dead_code
from ddcompile.kernel.grid.arithmetic import number, plus, times
from ddcompile.kernel.grid.code import Code
from ddcompile.kernel.nodes import (
    BIT,
    I64,
    WORD,
    Arith,
    Assign,
    Branch,
    Buffer,
    Compare,
    Const,
    Convert,
    Count,
    Declare,
    Expr,
    IntType,
    Kernel,
    Load,
    Logic,
    Loop,
    Pack,
    Stmt,
    Store,
    Var,
)
from ddcompile.kernel.traverse import loads, stores, subexpressions, variables, walk

__all__ = ["Counted", "counted"]

_SHORTEST = 48
"""Terms of a sum from which counting them in words is worth while."""
_MASKS = 3
"""Differences other than 0 that the terms of a table may have."""


@dataclass(frozen=True, slots=True)
class Counted:
    """A kernel that counts bits.

    Attributes
    ----------
    kernel
        The kernel.
    terms
        How many terms of sums are counted now, for one sample.
    operations
        About how many operations that takes.
    """

    kernel: Kernel
    terms: int
    operations: int


@dataclass(frozen=True, slots=True)
class _Sum:
    """A loop that adds up terms, each of a bit and an entry of a table.

    Attributes
    ----------
    loop, total
        The loop and the variable that it adds to.
    length
        How many terms there are.
    bits
        The buffer of the bits, and which of its rows is summed up.
    row
        Which row of the table, and of the constants.
    rest
        For every row, the sum where all bits are 0.
    masks
        Differences that bits make, and the words that say where they do so: the first word of every row, then the
        second of every row, and so on, so that rows that are summed up one after the other lie side by side.
    every
        The difference that every bit makes besides.
    """

    loop: Loop
    total: Var
    length: int
    bits: str
    place: Expr
    row: Expr
    rest: tuple[int, ...]
    masks: tuple[tuple[int, tuple[int, ...]], ...]
    every: int


def counted(kernel: Kernel, types: Types) -> Counted | None:
    """The kernel with its long sums of bits counted in words; None if it has none.

    Parameters
    ----------
    kernel
        A kernel without sizes.
    types
        What `infer` found about its rule: tensors of two values count as bits.
    """
    return _Counting(kernel, types).run()


class _Counting:
    def __init__(self, kernel: Kernel, types: Types) -> None:
        self.kernel = kernel
        self.values = dict(_two_valued(kernel, types))
        names = {b.name for b in kernel.buffers} | {f.name for f in kernel.functions}
        for _, stmt in walk(kernel.sample.body):
            if isinstance(stmt, Declare):
                names.add(stmt.variable.name)
            elif isinstance(stmt, Loop):
                names.add(stmt.index.name)
        self.code = Code(names)
        self.buffers: list[Buffer] = []
        self.packed: dict[str, tuple[str, str]] = {}
        """For every packed buffer, its words and how many bits of each row are 1."""
        self.terms = self.operations = 0
        self.bytes = ""
        """A buffer for the bits of a word, a byte each, once it is needed."""
        self.found: dict[int, _Sum] = {}
        """The sums, by the identities of their loops."""

    def run(self) -> Counted | None:
        body = self.kernel.sample.body
        ready = {store.buffer: position for position, stmt in enumerate(body) for store in stores([stmt])}
        for position, stmt in enumerate(body):
            self._search(stmt, 1, position, ready)
        if not self.found:
            return None
        lengths: dict[str, set[int]] = {}
        for made in self.found.values():
            lengths.setdefault(made.bits, set()).add(made.length)
        for name, found in lengths.items():
            buffer = self.kernel.buffer[name]
            self.operations += len(found) * -(-buffer.size // 64) * (4 if buffer.type == BIT else 16)
        after: dict[int, list[str]] = {}
        for name in sorted(lengths):
            after.setdefault(ready.get(name, -1), []).append(name)
        made_: list[Stmt] = []
        for position in range(-1, len(body)):
            made_ += [] if position < 0 else self._rewritten(body[position])
            for name in after.get(position, []):
                made_ += self._pack(name, sorted(lengths[name]))
        new = eliminate_dead_code(made_, frozenset(b.name for b in self.kernel.of_role("output")))
        sample = replace(self.kernel.sample, body=new)
        functions = tuple(sample if f is self.kernel.sample else f for f in self.kernel.functions)
        read = {load.buffer for load in loads(new)}
        buffers = tuple(
            b for b in (*self.kernel.buffers, *self.buffers) if b.role in ("input", "output") or b.name in read
        )
        kernel = replace(self.kernel, buffers=buffers, functions=functions)
        return Counted(kernel, self.terms, self.operations)

    def _search(self, stmt: Stmt, runs: int, position: int, ready: Mapping[str, int]) -> None:
        """Look for sums in a statement that runs so often, of buffers that are finished where it is."""
        match stmt:
            case Loop(_, lower, upper, body):
                made = self._sum(stmt)
                if made is not None and ready.get(made.bits, -1) < position:
                    self.found[id(stmt)] = made
                    self.terms += runs * made.length
                    self.operations += runs * (3 * -(-made.length // 64) * len(made.masks) + 8)
                    return
                if isinstance(lower, Const) and isinstance(upper, Const):
                    runs *= max(0, upper.value - lower.value)
                for inner in body:
                    self._search(inner, runs, position, ready)
            case Branch(_, then, otherwise):
                for inner in (*then, *otherwise):
                    self._search(inner, runs, position, ready)

    # --- sums --------------------------------------------------------------------------------------------------------

    def _sum(self, loop: Loop) -> _Sum | None:
        """What a loop adds up, if it can be counted."""
        flat = flattened(loop)
        if flat is None:
            return None
        indices, lengths, stmt = flat
        length = prod(lengths)
        match stmt:
            case Assign(total, Arith("+" | "-" as op, Var(name), term, IntType())) if name == total.name:
                pass
            case _:
                return None
        if length < _SHORTEST or not isinstance(total.type, IntType):
            return None
        reads = list(dict.fromkeys(n for n in subexpressions(term) if isinstance(n, Load)))
        bits = [n for n in reads if n.buffer in self.values]
        tables = [n for n in reads if self.kernel.buffer[n.buffer].role == "table"]
        inside = {name for load in reads for name in variables(load.index)}
        if len(bits) != 1 or len(bits) + len(tables) != len(reads) or len(tables) > 1:
            return None
        if any(load.guard is not None for load in reads) or set(variables(term)) - inside:
            return None
        place = row_of(bits[0].index, indices, lengths)
        row = row_of(tables[0].index, indices, lengths) if tables else number(0)
        buffer = self.kernel.buffer[bits[0].buffer]
        if place is None or row is None or buffer.size % length:
            return None
        entries = self.kernel.buffer[tables[0].buffer].values if tables else (0,) * length
        if len(entries) % length:
            return None
        sign = 1 if op == "+" else -1
        zero, one = self.values[bits[0].buffer]
        pairs: dict[int, tuple[int, int]] = {}
        differences: set[int] = set()
        for entry in set(entries):
            known = {tables[0]: entry} if tables else {}
            at = [evaluated(term, {**known, bits[0]: value}) for value in (zero, one)]
            if at[0] is None or at[1] is None:
                return None
            pairs[entry] = sign * at[0], sign * (at[1] - at[0])
            differences.add(pairs[entry][1])
            if len(differences) > _MASKS + 1:
                return None
        return self._counts(loop, total, length, buffer.name, place, row, entries, pairs)

    def _counts(
        self, loop: Loop, total: Var, length: int, bits: str, place: Expr, row: Expr,
        entries: Sequence[int], pairs: Mapping[int, tuple[int, int]],
    ) -> _Sum:  # fmt: skip
        differences = Counter(pairs[entry][1] for entry in entries)
        every = 0 if 0 in differences else differences.most_common(1)[0][0]
        wanted = sorted(d for d in differences if d not in (0, every))
        rows = range(0, len(entries), length)
        masks = []
        for difference in wanted:
            flags = [pairs[entry][1] == difference for entry in entries]
            words = tuple(
                sum(flag << k for k, flag in enumerate(flags[start + w : start + min(w + 64, length)]))
                for w in range(0, length, 64)
                for start in rows
            )
            masks.append((difference - every, words))
        rest = tuple(sum(pairs[entry][0] for entry in entries[start : start + length]) for start in rows)
        return _Sum(loop, total, length, bits, place, row, rest, tuple(masks), every)

    # --- statements --------------------------------------------------------------------------------------------------

    def _rewritten(self, stmt: Stmt) -> list[Stmt]:
        if id(stmt) in self.found:
            return self._counting(self.found[id(stmt)])
        match stmt:
            case Loop(_, _, _, body):
                return [replace(stmt, body=tuple(s for inner in body for s in self._rewritten(inner)))]
            case Branch(condition, then, otherwise):
                arms = [tuple(s for inner in arm for s in self._rewritten(inner)) for arm in (then, otherwise)]
                return [Branch(condition, *arms)]
        return [stmt]

    def _table(self, wanted: str, type_: IntType | None, values: Sequence[int]) -> str:
        name = self.code.name(wanted)
        self.buffers.append(Buffer(name, "table", WORD if type_ is None else type_, (len(values),), 0, tuple(values)))
        return name

    def _counting(self, made: _Sum) -> list[Stmt]:
        """The loops that count, in the place of one that adds."""
        code = self.code.apart()
        words, rows = _words(made.length), len(made.rest)
        bits, ones = self._packed(made.bits, made.length)
        row, place = code.named("row", made.row), code.named("place", made.place)
        result: Expr = Load(self._table(f"{made.bits}_rest", I64, made.rest), row, I64)
        for factor, masks in made.masks:
            table = self._table(f"{made.bits}_mask", None, masks)
            count = code.declared("count", number(0), mutable=True)
            with code.loop("w", number(0), number(words)) as w:
                mask = Load(table, plus(times(w, rows), row), WORD)
                both = Logic("and", mask, Load(bits, plus(times(place, words), w), WORD))
                code.assign(count, plus(count, Count(both)))
            result = plus(result, times(count, factor))
        if made.every:
            result = plus(result, times(Load(ones, place, I64), made.every))
        assert isinstance(made.total.type, IntType)
        term = result if made.total.type == I64 else Convert(result, made.total.type)
        code.assign(made.total, Arith("+", made.total, term, made.total.type))
        return list(code.body)

    def _packed(self, name: str, length: int) -> tuple[str, str]:
        """The words of a buffer in rows of some length, and how many bits of each are 1."""
        key = f"{name} {length}"
        if key not in self.packed:
            rows = self.kernel.buffer[name].size // length
            made = self.code.name(f"{name}_bits"), self.code.name(f"{name}_ones")
            self.buffers.append(Buffer(made[0], "scratch", WORD, (rows * _words(length),)))
            self.buffers.append(Buffer(made[1], "scratch", I64, (rows,)))
            self.packed[key] = made
        return self.packed[key]

    def _pack(self, name: str, lengths: Sequence[int]) -> list[Stmt]:
        """Pack a buffer in rows of some lengths."""
        code = self.code.apart()
        buffer = self.kernel.buffer[name]
        _, one = self.values[name]
        for length in lengths:
            bits, ones = self._packed(name, length)
            words, (full, rest) = _words(length), divmod(length, 64)
            with code.loop("row", number(0), number(buffer.size // length)) as row:
                count = code.declared("count", number(0), mutable=True)
                for lower, upper, width in ((0, full, 64), (full, words, rest)):
                    with code.loop("w", number(lower), number(upper)) as w:
                        start = code.named("start", plus(times(row, length), times(w, 64)))
                        found = code.named("found", self._word(code, buffer, one, start, width))
                        code.assign(count, plus(count, Count(found)))
                        code.emit(Store(bits, plus(times(row, words), w), found))
                code.emit(Store(ones, row, count))
        return list(code.body)

    def _word(self, code: Code, buffer: Buffer, one: int, start: Expr, width: int) -> Expr:
        """So many elements of a buffer, at most 64, as a word."""
        if width == 64 and buffer.type == BIT:
            return Pack(buffer.name, start)
        if not self.bytes:
            self.bytes = self.code.name("bits")
            self.buffers.append(Buffer(self.bytes, "scratch", BIT, (64,)))
        with code.loop("k", number(0), number(width), is_parallel=True) as k:
            element = Load(buffer.name, plus(start, k), buffer.type)
            bit = element if buffer.type == BIT else Compare("==", element, Const(one, buffer.type))
            code.emit(Store(self.bytes, k, bit))
        with code.loop("k", number(width), number(64), is_parallel=True) as k:
            code.emit(Store(self.bytes, k, Const(0, BIT)))
        return Pack(self.bytes, number(0))


def _words(length: int) -> int:
    """Words of a row of so many bits."""
    return -(-length // 64)


def _two_valued(kernel: Kernel, types: Types) -> Iterator[tuple[str, tuple[int, int]]]:
    """The buffers whose elements have two values, and these."""
    for buffer in kernel.buffers:
        if buffer.role == "table" or buffer.exponent:
            continue
        found = types.tensor[buffer.name]
        if buffer.type == BIT:
            yield buffer.name, (0, 1)
        elif (
            isinstance(buffer.type, IntType)
            and isinstance(found.low, int)
            and isinstance(found.high, int)
            and found.high - found.low == found.step > 0
        ):
            yield buffer.name, (found.low, found.high)
