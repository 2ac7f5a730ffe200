"""The least cost of every function of four bits, by a search of its own: nothing of it is shared with the distiller.

    python tests/benchmarks/least_of_four.py          # compare what the distiller finds with the golden file
    python tests/benchmarks/least_of_four.py --write  # make the golden file again (about a minute)

Expressions are enumerated by rising cost (tokens, inputs being one each): inputs and digits; `*` and `% digit`; sums
and differences; comparisons of two of these, and chains between digits or inputs; `not`, `and`, `xor`, `or`, `if`;
brackets around bits wherever they are needed. Of expressions with the same values and the same place in the grammar the
first is kept. Numbers are enumerated up to a cost of NUMBERS, comparisons up to one of COMPARISONS, all else without
bound.

The golden file has a line for every function up to the order of its inputs: the least number among the tables of the
class (bit 8 a + 4 b + 2 c + d of it is the value at a, b, c, d), in hexadecimal, and the least cost.
"""

from __future__ import annotations

import argparse
import sys
import time
from itertools import permutations
from pathlib import Path

import numpy as np

GOLDEN = Path(__file__).parent.parent / "golden" / "least_of_four.txt"
NUMBERS = 9
COMPARISONS = 13
LARGEST = 15
ROWS = np.arange(16)
INPUTS = [(ROWS >> (3 - k) & 1).astype(np.int8) for k in range(4)]
DIGITS = range(6)
FULL = 0xFFFF
BITS = ("comparison", "not", "and", "xor", "or", "if")


def table(vectors: np.ndarray) -> np.ndarray:
    """The numbers of tables from rows of 16 truth values."""
    return np.packbits(vectors.astype(bool), axis=-1, bitorder="little").view(np.uint16).ravel()


def vectors(tables: np.ndarray) -> np.ndarray:
    """Rows of 16 values 0 and 1."""
    return (tables[:, None] >> ROWS & 1).astype(np.int8)


class Numbers:
    """Numbers of one place in the grammar, by cost; each at the least of its costs."""

    def __init__(self) -> None:
        self.levels: list[np.ndarray] = []
        self.seen = np.zeros(0, dtype="V16")

    def add(self, parts: list[np.ndarray]) -> None:
        found = np.concatenate([np.zeros((0, 16), dtype=np.int8), *parts])
        found = found[(np.abs(found) <= LARGEST).all(axis=1)]
        keys = np.unique(np.ascontiguousarray(found).view("V16").ravel())
        keys = keys[~np.isin(keys, self.seen)] if len(self.seen) else keys
        self.seen = np.concatenate([self.seen, keys])
        self.levels.append(keys.view(np.int8).reshape(-1, 16))


def pairs(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return left[:, None].astype(np.int16), right[None, :].astype(np.int16)


def joined(op: str, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    a, b = pairs(left, right)
    values = (a + b if op == "+" else a - b if op == "-" else a * b).reshape(-1, 16)
    return values[(np.abs(values) <= LARGEST).all(axis=1)].astype(np.int8)


def search() -> np.ndarray:
    """The least cost of all functions."""
    factor, product, total = Numbers(), Numbers(), Numbers()
    unknown = np.int16(999)
    price = {place: np.full(1 << 16, unknown) for place in BITS}
    # What is a bit by its type, and so may be an operand of `and`: products of bits, parities, `1 - bit`.
    products = np.full(1 << 16, unknown)
    digits = np.array([[d] * 16 for d in DIGITS], dtype=np.int8)
    best = np.full(1 << 16, unknown)
    cost = 0
    for numbers in (factor, product, total):
        numbers.add([])
    levels: dict[str, list[np.ndarray]] = {op: [np.zeros(0, dtype=np.int64)] for op in (*BITS, "bit")}
    start = time.time()
    while (best[1:-1] == unknown).any():
        cost += 1
        fresh: dict[str, np.ndarray] = {place: np.zeros(1 << 16, dtype=bool) for place in BITS}
        bits = np.zeros(1 << 16, dtype=bool)
        if cost == 1:
            bits[table(np.array(INPUTS))] = True
        if cost <= NUMBERS:
            parts = [np.array(INPUTS), digits] if cost == 1 else []
            if cost > 3:
                # Brackets around bits.
                known = np.flatnonzero(best == cost - 2)
                parts += [vectors(known)]
            factor.add(parts)
            parts = [factor.levels[cost]]
            for k in range(1, cost - 1):
                parts.append(joined("*", product.levels[k], factor.levels[cost - 1 - k]))
            if cost > 2:
                for m in range(2, 6):
                    parts.append(np.mod(product.levels[cost - 2], m).astype(np.int8))
            product.add(parts)
            parts = [product.levels[cost]]
            for k in range(1, cost - 1):
                parts.append(joined("+", total.levels[k], product.levels[cost - 1 - k]))
                parts.append(joined("-", total.levels[k], product.levels[cost - 1 - k]))
            total.add(parts)
            new = product.levels[cost]
            bits[table(new[((new == 0) | (new == 1)).all(axis=1)])] = True
        if cost > 2 and cost - 2 <= NUMBERS:
            bits[FULL ^ np.flatnonzero(products == cost - 2)] = True  # 1 - bit
        bits &= products == unknown
        products[bits] = cost
        compare(cost, total, digits, fresh["comparison"])
        fresh["comparison"] |= products == cost
        logic(cost, levels, fresh)
        lower = np.full(1 << 16, unknown)
        for place in BITS:
            lower = np.minimum(lower, price[place])
            new = fresh[place]
            new[[0, FULL]] = False
            new &= lower == unknown
            price[place][new] = cost
            lower[new] = cost
            levels[place].append(np.flatnonzero(new))
        best = np.minimum(best, lower)
        levels["bit"].append(np.flatnonzero(best == cost))
        sizes = [len(n.levels[-1]) for n in (factor, product, total)]
        done = int((best[1:-1] < unknown).sum())
        print(f"{cost:2} {done:5} functions, numbers {sizes}, {time.time() - start:.1f} s", file=sys.stderr, flush=True)
    return best


def compare(cost: int, total: Numbers, digits: np.ndarray, found: np.ndarray) -> None:
    """Mark comparisons of one cost."""
    if cost > COMPARISONS:
        return
    for first in range(1, min(NUMBERS, cost - 2) + 1):
        second = cost - 1 - first
        if not 1 <= second <= first:
            continue
        left, right = total.levels[first], total.levels[second]
        if not len(left):
            continue
        step = max(1, (1 << 22) // max(1, len(left)))
        for begin in range(0, len(right), step):
            some = right[begin : begin + step]
            for one in some:
                for own in (left < one, left <= one, left == one):
                    numbers = table(own)
                    found[numbers] = True
                    found[FULL ^ numbers] = True
    middle = cost - 4
    if 1 <= middle <= NUMBERS:
        ends = np.concatenate([digits, np.array(INPUTS)])
        values = total.levels[middle]
        for low in ends:
            for high in ends:
                found[table((low <= values) & (values <= high))] = True
                found[table((low < values) & (values <= high))] = True
                found[table((low <= values) & (values < high))] = True
                found[table((low < values) & (values < high))] = True


def operand(op: str, levels: dict[str, list[np.ndarray]], cost: int) -> np.ndarray:
    """Functions that are operands of an operator at one cost, brackets included."""
    free = {
        "not": ("comparison", "not"),
        "and": ("comparison", "not", "and"),
        "xor": ("comparison", "not", "xor"),
        "or": ("comparison", "not", "and", "or"),
        "if": BITS,
    }[op]
    parts = [levels[place][cost] for place in free]
    if cost > 2:
        parts.append(levels["bit"][cost - 2])
    return np.unique(np.concatenate(parts))


def logic(cost: int, levels: dict[str, list[np.ndarray]], fresh: dict[str, np.ndarray]) -> None:
    """Mark logic of one cost."""
    if cost > 1:
        fresh["not"][FULL ^ operand("not", levels, cost - 1)] = True
    for op, join in (("and", np.bitwise_and), ("xor", np.bitwise_xor), ("or", np.bitwise_or)):
        for first in range(1, cost - 1):
            second = cost - 1 - first
            if not 1 <= first <= second:
                continue
            left, right = operand(op, levels, first), operand(op, levels, second)
            for one in left:
                fresh[op][join(one, right)] = True
    for first in range(1, cost - 4):
        for condition in levels["bit"][first]:
            rest = cost - 3 - first
            for second in range(1, rest):
                yes = np.unique(levels["bit"][second] & condition)
                no = np.unique(levels["bit"][rest - second] & ~condition & FULL)
                if len(yes) and len(no):
                    fresh["if"][(yes[:, None] | no[None, :]).ravel()] = True


def classes() -> np.ndarray:
    """Of every table the least table of its class."""
    numbers = np.arange(1 << 16)
    least = numbers.copy()
    for order in permutations(range(4)):
        moved = np.zeros_like(numbers)
        for row in range(16):
            there = sum((row >> k & 1) << order[k] for k in range(4))
            moved |= (numbers >> row & 1) << there
        least = np.minimum(least, moved)
    return least


def golden() -> dict[int, int]:
    """The least costs, by the least tables of the classes; constants are left out."""
    lines = (line.split() for line in GOLDEN.read_text().splitlines())
    return {int(number, 16): int(cost) for number, cost in lines}


def ours(number: int) -> int:
    """The cost of what the distiller finds for a table."""
    from ddcompile.analysis.boolean import least_expression
    from ddcompile.analysis.cost import cost
    from ddcompile.ir import builder

    # Its tables have the first input as the lowest bit of a row.
    inputs = [builder.read(name) for name in "dcba"]
    found = least_expression(number, inputs, [1, 1, 1, 1], 100)
    assert found is not None
    return cost(found)


def main() -> int:
    """Write the golden file, or compare with it; 0 if nothing that the distiller finds is longer."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", action="store_true", help="make the golden file")
    if parser.parse_args().write:
        best, least = search(), classes()
        GOLDEN.write_text("".join(f"{n:04x} {best[n]}\n" for n in np.unique(least).tolist() if 0 < n < FULL))
        return 0
    known = golden()
    differences = {number: ours(number) - cost for number, cost in known.items()}
    for more in sorted(set(differences.values())):
        numbers = [number for number, own in differences.items() if own == more]
        shown = ", ".join(f"{number:04x}" for number in numbers[:8]) if more else ""
        print(f"{len(numbers):5} of {len(known)} classes are found at {more} tokens more than the least  {shown}")
    return int(any(differences.values()))


if __name__ == "__main__":
    sys.exit(main())
