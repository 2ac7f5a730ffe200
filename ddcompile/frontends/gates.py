"""Layers of logic gates: what they compute, and how they are written.

A gate gives the entry of its table at the number that the bits it reads make, the first one the highest digit. Of two
bits, the entries for 00, 01, 10 and 11 are the digits of the gate's number, the first one the highest: 1 is `and`, 6 is
`xor`, 7 is `or`.

    layer2[u < 310] = layer1[first2[u]] and layer1[second2[u]]
    layer2[310 <= u < 640] = layer1[first2[u]] xor layer1[second2[u]]

Gates of a hidden layer that gates alone read are put in the order of their numbers, so that there is one clause for
each number; the numbers of other gates are kept in a table.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ddcompile.diagnostics import fail
from ddcompile.ir.builder import add, mul
from ddcompile.ir.findings import counted
from ddcompile.ir.nodes import Binary, Binder, Expr, Index, Literal, Read, Statement, Unary

if TYPE_CHECKING:
    from ddcompile.frontends.forms import Tensor
    from ddcompile.frontends.network import Layer
    from ddcompile.frontends.writer import Writer

__all__ = ["Gates", "gate_clauses", "gate_value", "in_order"]

_MOST = 6
"""Bits that a gate may read."""
_FEW = 64
"""Gates in a layer up to which they are written one by one."""
_NAMES = ("first", "second", "third", "fourth", "fifth", "sixth")


@dataclass(frozen=True, slots=True, eq=False)
class Gates:
    """Gates that read a few bits each.

    Parameters
    ----------
    kinds : array of int of shape (units,)
        Of every unit, the row of its table.
    columns : array of int of shape (units, bits)
        What it reads, 1 to 6 bits.
    inputs : int
        How many bits the layer reads.
    tables : array of 0 and 1 of shape (kinds, 2**bits), optional
        By default, those of the 16 gates that read two bits.

    Raises
    ------
    CompileError
        N107 if a column is not there, N113 if kinds, columns and tables do not belong together.
    """

    kinds: np.ndarray
    columns: np.ndarray
    inputs: int
    tables: np.ndarray = field(default_factory=lambda: np.arange(16)[:, None] >> np.arange(3, -1, -1) & 1)

    def __post_init__(self) -> None:
        kinds, columns, tables = (np.asarray(a) for a in (self.kinds, self.columns, self.tables))
        if any(a.dtype.kind not in "bui" for a in (kinds, columns, tables)):
            raise fail("N113", "gates are whole numbers: which table, and what is read")
        kinds, columns, tables = (a.astype(np.int64) for a in (kinds, columns, tables))
        if kinds.ndim != 1 or columns.ndim != 2 or len(columns) != len(kinds) or not len(kinds):
            shapes = f"{kinds.shape} and {columns.shape}"
            raise fail("N113", f"gates and what they read have shapes {shapes}; they must be (n,) and (n, bits)")
        bits = columns.shape[1]
        if not 1 <= bits <= _MOST or tables.ndim != 2 or tables.shape[1] != 1 << bits:
            raise fail("N113", f"gates that read {bits} bits have tables of shape {tables.shape}")
        if ((tables < 0) | (tables > 1)).any():
            raise fail("N113", "the table of a gate has an entry that is neither 0 nor 1")
        for bad in kinds[(kinds < 0) | (kinds >= len(tables))][:1]:
            raise fail("N113", f"gate number {bad}, but there are numbers from 0 to {len(tables) - 1}")
        for bad in columns[(columns < 0) | (columns >= self.inputs)][:1]:
            raise fail("N107", f"column {bad} is read, but the layer has {counted(self.inputs, 'input')}")
        for name, array in (("kinds", kinds), ("columns", columns), ("tables", tables)):
            object.__setattr__(self, name, array)

    @property
    def shape(self) -> tuple[int, int]:
        """How many units there are, and how many inputs."""
        return len(self.kinds), self.inputs

    @property
    def bits(self) -> int:
        """How many bits a gate reads."""
        return int(self.columns.shape[1])

    def numbers(self) -> np.ndarray | None:
        """The numbers of gates that read two bits."""
        if self.bits != 2:
            return None
        found: np.ndarray = (self.tables @ [8, 4, 2, 1])[self.kinds]
        return found

    def taken(self, bits: np.ndarray) -> np.ndarray:
        """The units (samples, units) from bits (samples, inputs), of any type."""
        place = np.zeros((len(bits), len(self.kinds)), dtype=np.int64)
        for column in self.columns.T:
            place = 2 * place + (bits[:, column] != 0)
        found: np.ndarray = self.tables[self.kinds, place]
        return found

    def are_exact(self, exact: np.ndarray) -> np.ndarray:
        """Which units read nothing but what is exact, from whether each input of each sample is."""
        found = exact[:, self.columns[:, 0]]
        for column in self.columns.T[1:]:
            found = found & exact[:, column]
        return found


def in_order(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """The same results from layers in which gates that gates alone read are in the order of their numbers."""
    made = list(layers)
    readers: dict[int, list[int]] = defaultdict(list)
    for n, layer in enumerate(layers):
        for k in set(layer.reads):
            readers[k].append(n)
    for k, layer in enumerate(layers[:-1]):
        numbers = layer.weight.numbers() if isinstance(layer.weight, Gates) else None
        if numbers is None or any(
            not isinstance(layers[n].weight, Gates) or len(layers[n].reads) > 1 for n in readers[k]
        ):
            continue
        order = np.argsort(numbers, kind="stable")
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        own = made[k].weight
        assert isinstance(own, Gates)
        made[k] = replace(made[k], weight=Gates(own.kinds[order], own.columns[order], own.inputs, own.tables))
        for n in readers[k]:
            other = made[n].weight
            assert isinstance(other, Gates)
            made[n] = replace(made[n], weight=Gates(other.kinds, place[other.columns], other.inputs, other.tables))
    return tuple(made)


def gate_clauses(writer: Writer, suffix: str, gates: Gates, source: Tensor, target: Tensor) -> bool:
    """Write gates that read two bits and are in the order of their numbers, a clause a number.

    Parameters
    ----------
    writer
        Where statements and constants go.
    suffix
        Tells the names of constants.
    gates
        The layer.
    source
        The bits that it reads.
    target
        What it makes, if it is flat or one bit.

    Returns
    -------
    bool
        Whether they are such gates; else nothing is written.
    """
    numbers = gates.numbers()
    if numbers is None or len(target.shape) > 1:
        return False
    if len(numbers) <= _FEW:
        for unit, number in enumerate(numbers.tolist()):
            reads = _reads(writer, suffix, gates.columns[unit : unit + 1], source, [Literal(0)], (1,))
            place = (Literal(unit),) if target.shape else ()
            writer.statements.append(Statement(target.name, place, _of_two(number, *reads)))
        return True
    if bool((np.diff(numbers) < 0).any()):
        return False
    (u,) = writer.indices(target.shape)
    reads = _reads(writer, suffix, gates.columns, source, [Index(u)], target.shape)
    cuts = (np.flatnonzero(np.diff(numbers)) + 1).tolist()
    for start, end in pairwise([0, *cuts, len(numbers)]):
        value = _of_two(int(numbers[start]), *reads)
        writer.statements.append(Statement(target.name, (Binder(u, Literal(start), Literal(end)),), value))
    return True


def gate_value(
    writer: Writer, suffix: str, gates: Gates, rows: slice, source: Tensor, at: Sequence[str], shape: tuple[int, ...]
) -> Expr:
    """The gates of some rows at the position `at` of a tensor of a shape, as entries of a table.

    Other parameters are those of `gate_clauses`.
    """
    positions = [Index(i) for i in at]
    reads = _reads(writer, suffix, gates.columns[rows], source, positions, shape)
    place: Expr = reads[0]
    for read in reads[1:]:
        place = add(mul(2, place), read)
    used, kinds = np.unique(gates.kinds[rows], return_inverse=True)
    kind = writer.entry(f"kind{suffix}", kinds.reshape(shape), positions)
    return writer.table(f"table{suffix}", gates.tables[used], [kind, place])


def _reads(
    writer: Writer, suffix: str, columns: np.ndarray, source: Tensor, at: Sequence[Expr], shape: tuple[int, ...]
) -> list[Expr]:
    """What a gate reads, one expression a bit."""
    found: list[Expr] = []
    for name, column in zip(_NAMES, columns.T, strict=False):
        places = np.unravel_index(column, source.shape) if source.shape else ()
        ends = [""] if len(places) == 1 else [f"_{axis}" for axis in range(len(places))]
        positions = [
            writer.entry(f"{name}{suffix}{end}", place.reshape(shape), at)
            for end, place in zip(ends, places, strict=True)
        ]
        found.append(Read(source.name, tuple(positions)))
    return found


def _of_two(number: int, a: Expr, b: Expr) -> Expr:
    """A gate that reads two bits, by its number."""
    if number >= 8 and number not in (11, 13):
        return Literal(1) if number == 15 else Unary("not", _of_two(15 - number, a, b))
    match number:
        case 0:
            return Literal(0)
        case 1:
            return Binary("and", a, b)
        case 2:
            return Binary("and", a, Unary("not", b))
        case 3:
            return a
        case 4:
            return Binary("and", Unary("not", a), b)
        case 5:
            return b
        case 6:
            return Binary("xor", a, b)
        case 7:
            return Binary("or", a, b)
        case 11:
            return Binary("or", a, Unary("not", b))
    return Binary("or", Unary("not", a), b)
