"""Lines of `speed.py` about threads, sizes and long numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

import ddcompile as dd

if TYPE_CHECKING:
    from speed import Bench, Line

__all__ = ["adders", "sizes", "threads"]

LIFE = """rule life<H, W>(cell: bit[H, W]) -> (next: bit[H, W]) {
  next[i < H, j < W] = 5 <= 2 * sum(di in -1..1, dj in -1..1: cell[(i + di) % H, (j + dj) % W]) - cell[i, j] <= 7
}
"""
RULE30 = """rule rule30<N>(cell: bit[N]) -> (next: bit[N]) {
  next[i < N] = cell[(i - 1) % N] xor (cell[i] or cell[(i + 1) % N])
}
"""
SQUARES = """rule squares(x: int[0..9][64]) -> (y: int) {
  y = sum(i < 64, j < 8: x[i] * x[(i + j) % 64])
}
"""
ADDER = """rule adder(a: bit, b: bit, carry: bit) -> (digit: bit, carry_out: bit) {
  digit = a xor b xor carry
  carry_out = a + b + carry >= 2
}
"""


def _cases(bench: Bench) -> Iterator[tuple[str, dd.Program, Any]]:
    life = dd.parse(LIFE)
    cells = bench.bits(4096, 4096)
    yield "Life 4096 x 4096, 64 generations, packed", dd.iterate(life, 64).at(H=4096, W=4096), dd.pack(cells)
    yield "Life 4096 x 4096, 16 generations, bytes", dd.iterate(life, 16).at(H=4096, W=4096), cells
    yield "Life 4096 x 4096, 1 generation, bytes", life.at(H=4096, W=4096), cells
    long = dd.pack(bench.bits(10**8 // 64 * 64))
    yield "rule 30, 1e8 cells, 64 generations, packed", dd.iterate(dd.parse(RULE30), 64).at(N=10**8 // 64 * 64), long
    yield "sums of products of 64 numbers, 1e5 samples", dd.parse(SQUARES), bench.random.integers(0, 10, (100_000, 64))


def threads(bench: Bench) -> Iterator[Line]:
    """Two threads against one; by the clock, so nothing else should run on the machine."""
    for work, program, given in _cases(bench):
        one, two = program.jit(n_jobs=1), program.jit(n_jobs=2)
        before, after = one(given), two(given)
        assert np.array_equal(*(np.asarray(getattr(a, "words", a)) for a in (before, after)))
        if isinstance(given, np.ndarray) and len(given) > 10_000:
            assert np.array_equal(program(given[:50]), before[:50])
        bytes_ = sum(getattr(a, "words", a).nbytes for a in (given, after))
        line = bench.line(
            f"{work}, 2 threads", "", 1.7, program, partial(two, given), partial(one, given), bytes_, n_jobs=2
        )
        (logic, copied), (double, together) = bench.limits(1), bench.limits(2)
        # What is read and written takes the time of copying it, the rest goes as logic in registers does.
        alone = line.ratio * line.seconds
        moving = min(alone, bytes_ / copied)
        most = alone / (moving * copied / together + (alone - moving) * logic / double)
        yield replace(line, peer=f"the same with 1 thread; the machine allows {most:.2f}", floor=min(1.7, most))


def sizes(bench: Bench) -> Iterator[Line]:
    """The same rule on 10^3 to 10^9 cells, of which the last take 125 MB, packed; in C as well."""
    one = dd.parse(RULE30)
    for digits in range(3, 10):
        cells = 10**digits // 64 * 64
        program = dd.iterate(one, 64).at(N=cells)
        own = bench.random.integers(0, 2**64, size=cells // 64, dtype=np.uint64)
        packed, other = dd.Packed(own.copy(), (cells,)), np.empty_like(own)
        run = program.jit(n_jobs=bench.jobs)
        c = partial(bench.call, "automata", "rule30_packed", own, other, len(own), 64)
        c()
        after = run(packed)
        assert np.array_equal(after.words, own)
        if digits == 3:
            assert np.array_equal(program(dd.unpack(packed)), dd.unpack(after))
        rounds = bench.rounds if digits < 8 else 2
        work = f"rule 30, 1e{digits} cells, 64 generations, packed"
        yield bench.line(work, "C, 64 cells a word", 0, program, partial(run, packed), c, 2 * own.nbytes, rounds)


def adders(bench: Bench) -> Iterator[Line]:
    """Long numbers are added bit by bit."""
    bits, pairs = 4096, 10_000
    program = dd.scan(dd.parse(ADDER), state="carry").at(N=bits)
    arrays = [bench.bits(pairs, bits) for _ in range(2)]
    run = program.jit(n_jobs=bench.jobs)
    found = run(*arrays)
    numbers = [[int.from_bytes(row.tobytes(), "little") for row in np.packbits(a, -1, "little")] for a in arrays]
    sums = [x + y for x, y in zip(*numbers, strict=True)]
    digits = np.packbits(found.digit, -1, "little")
    wanted = [(s & ((1 << bits) - 1)).to_bytes(bits // 8, "little") for s in sums]
    assert [row.tobytes() for row in digits] == wanted
    assert found.carry_out.ravel().tolist() == [s >> bits for s in sums]
    some = [array[:3] for array in arrays]
    assert all(np.array_equal(a[:3], b) for a, b in zip(found, program(*some), strict=True))

    def add() -> list[int]:
        return [x + y for x, y in zip(*numbers, strict=True)]

    bytes_ = 3 * pairs * bits
    work = f"adder of {bits} bits, {pairs:.0e} pairs, bytes".replace("e+0", "e")
    yield bench.line(work, "Python integers", 0, program, partial(run, *arrays), add, bytes_)
