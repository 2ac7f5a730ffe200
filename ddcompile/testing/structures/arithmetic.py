"""Arithmetic unrolled into layers: what is not yet used, and results that are ready, are copied through."""

from __future__ import annotations

from ddcompile.testing.structures.circuits import levelled, rectified
from ddcompile.testing.structures.layers import Unit
from ddcompile.testing.structures.structure import Case, Structure, rule_text, unrolled

__all__ = ["ARITHMETIC"]


def _named(letter: str, n: int) -> list[str]:
    return [f"{letter}{i}" for i in range(n)]


def _add(gates: dict[str, Unit], a: list[str], b: list[str], carry: str | None, name: str) -> list[str]:
    """Gates for the digits of a sum, lowest first, and the last carry."""
    digits = []
    for i, pair in enumerate(zip(a, b, strict=True)):
        sums = {**dict.fromkeys(pair, 1), **({carry: 1} if carry else {})}
        gates[f"{name}c{i}"] = sums, 2
        gates[f"{name}{i}"] = {**sums, f"{name}c{i}": -2}, 1
        digits.append(f"{name}{i}")
        carry = f"{name}c{i}"
    return [*digits, str(carry)]


def carry_in(n: int = 7) -> Structure:
    """Addition of two numbers, lowest bit first, and a carry."""
    a, b = _named("a", n), _named("b", n)
    gates: dict[str, Unit] = {}
    results = _add(gates, a, b, "c", "y")
    text = rule_text(
        f"carry_in(a: bit[{n}], b: bit[{n}], c: bit) -> (y: bit[{n + 1}])",
        "carry[0] = c",
        f"carry[1 <= i < {n + 1}] = a[i - 1] + b[i - 1] + carry[i - 1] >= 2",
        f"y[i < {n}] = a[i] xor b[i] xor carry[i]",
        f"y[{n}] = carry[{n}]",
    )
    return Structure(text, levelled([*a, *b, "c"], gates, results))


def three_numbers(n: int = 5) -> Structure:
    """Addition of three numbers, lowest bit first: two of them, then the third."""
    a, b, d = _named("a", n), _named("b", n), _named("d", n)
    gates: dict[str, Unit] = {}
    first = _add(gates, a, b, None, "s")
    results = _add(gates, first[:n], d, None, "y")
    gates["z"] = {first[n]: 1, results[n]: 1}, 1
    gates["both"] = {first[n]: 1, results[n]: 1}, 2
    gates["high"] = {"z": 1, "both": -1}, 1
    text = rule_text(
        f"three_numbers(x: bit[3, {n}]) -> (y: bit[{n + 2}])",
        f"carry[i < {n}] = x[0, i] + x[1, i] + pad(carry, 0)[i - 1] >= 2",
        f"digit[i < {n}] = x[0, i] xor x[1, i] xor pad(carry, 0)[i - 1]",
        f"carry2[i < {n}] = digit[i] + x[2, i] + pad(carry2, 0)[i - 1] >= 2",
        f"y[i < {n}] = digit[i] xor x[2, i] xor pad(carry2, 0)[i - 1]",
        f"y[{n}] = carry[{n - 1}] xor carry2[{n - 1}]",
        f"y[{n + 1}] = carry[{n - 1}] and carry2[{n - 1}]",
    )
    return Structure(text, levelled([*a, *b, *d], gates, [*results[:n], "high", "both"]))


def subtractor(n: int = 7) -> Structure:
    """The difference of two numbers, lowest bit first, and whether it is negative."""
    gates: dict[str, Unit] = {}
    for i in range(n):
        borrowed = {f"c{i - 1}": 1} if i else {}
        gates[f"c{i}"] = {f"b{i}": 1, f"a{i}": -1, **borrowed}, 1
        gates[f"y{i}"] = {f"a{i}": 1, f"b{i}": -1, **{name: -1 for name in borrowed}, f"c{i}": 2}, 1
    text = rule_text(
        f"subtractor(a: bit[{n}], b: bit[{n}]) -> (y: bit[{n + 1}])",
        f"borrow[i < {n}] = b[i] + pad(borrow, 0)[i - 1] > a[i]",
        f"y[i < {n}] = a[i] xor b[i] xor pad(borrow, 0)[i - 1]",
        f"y[{n}] = borrow[{n - 1}]",
    )
    network = levelled([*_named("a", n), *_named("b", n)], gates, [*_named("y", n), f"c{n - 1}"])
    return Structure(text, network)


def incrementer(n: int = 9) -> Structure:
    """A number, lowest bit first, and one more: the carry goes on as long as bits are 1."""
    gates: dict[str, Unit] = {"y0": ({"x0": -1}, 0)}
    carry = "x0"
    for i in range(1, n):
        gates[f"c{i}"] = {f"x{i}": 1, carry: 1}, 2
        gates[f"y{i}"] = {f"x{i}": 1, carry: 1, f"c{i}": -2}, 1
        carry = f"c{i}"
    text = rule_text(
        f"incrementer(x: bit[{n}]) -> (y: bit[{n + 1}])",
        f"y[i < {n}] = x[i] xor all(j < i: x[j])",
        f"y[{n}] = all(j < {n}: x[j])",
    )
    return Structure(text, levelled(_named("x", n), gates, [*_named("y", n), carry]))


def prefix_parity(n: int = 9) -> Structure:
    """The parity of every beginning: a reflected code made a number."""
    gates: dict[str, Unit] = {"y0": ({"x0": 1}, 1)}
    for i in range(1, n):
        before = f"y{i - 1}"
        gates[f"b{i}"] = {before: 1, f"x{i}": 1}, 2
        gates[f"y{i}"] = {before: 1, f"x{i}": 1, f"b{i}": -2}, 1
    text = rule_text(f"prefix_parity(x: bit[{n}]) -> (y: bit[{n}])", f"y[i < {n}] = x[i] xor pad(y, 0)[i - 1]")
    return Structure(text, levelled(_named("x", n), gates, _named("y", n)))


def prefix_or(n: int = 10) -> Structure:
    """Whether any bit so far is 1, one bit a layer."""
    gates: dict[str, Unit] = {"y0": ({"x0": 1}, 1)}
    for i in range(1, n):
        gates[f"y{i}"] = {f"y{i - 1}": 1, f"x{i}": 1}, 1
    text = rule_text(f"prefix_or(x: bit[{n}]) -> (y: bit[{n}])", f"y[i < {n}] = any(j < i + 1: x[j])")
    return Structure(text, levelled(_named("x", n), gates, _named("y", n)))


def prefix_and(n: int = 8) -> Structure:
    """Whether all bits so far are 1, one bit a layer."""
    gates: dict[str, Unit] = {"y0": ({"x0": 1}, 1)}
    for i in range(1, n):
        gates[f"y{i}"] = {f"y{i - 1}": 1, f"x{i}": 1}, 2
    text = rule_text(f"prefix_and(x: bit[{n}]) -> (y: bit[{n}])", f"y[i < {n}] = all(j < i + 1: x[j])")
    return Structure(text, levelled(_named("x", n), gates, _named("y", n)))


def saturating_counter(n: int = 9, most: int = 3) -> Structure:
    """How many bits are 1, up to a most: thresholds of the count so far and the next bit, the rest copied through."""
    gates: dict[str, Unit] = {}
    before = ["x0"]
    for i in range(1, n):
        sums = dict.fromkeys([*before, f"x{i}"], 1)
        before = [f"t{i}_{k}" for k in range(min(i + 1, most))]
        gates |= {name: (sums, k + 1) for k, name in enumerate(before)}
    text = rule_text(f"saturating_counter(x: bit[{n}]) -> (y: bit[{most}])", f"y[i < {most}] = sum(j < {n}: x[j]) > i")
    return Structure(text, levelled(_named("x", n), gates, before))


def resetting_counter(n: int = 8, most: int = 3) -> Structure:
    """How long the run of ones at the end is, up to a most, place after place."""
    gates: dict[str, Unit] = {}
    before = ["x0"]
    for i in range(1, n):
        sums = {**dict.fromkeys(before, 1), f"x{i}": most + 1}
        before = [f"t{i}_{k}" for k in range(min(i + 1, most))]
        gates |= {name: (sums, most + 1 + k) for k, name in enumerate(before)}
    text = rule_text(
        f"resetting_counter(x: bit[{n}]) -> (y: bit[{most}])",
        f"y[i < {most}] = all(j < i + 1: x[{n - 1} - j])",
    )
    return Structure(text, levelled(_named("x", n), gates, before))


def _longer(gates: dict[str, Unit], name: str, a: dict[str, int], b: dict[str, int]) -> dict[str, int]:
    """The larger of two sums: the second, and what the first has more."""
    difference = {**a}
    for operand, value in b.items():
        difference[operand] = difference.get(operand, 0) - value
    gates[name] = difference, 0
    return {name: 1, **b}


def maximum_chain(n: int = 7) -> Structure:
    """The largest of a list, one number after the other."""
    gates: dict[str, Unit] = {}
    best = {"x0": 1}
    for i in range(1, n):
        best = _longer(gates, f"d{i}", {f"x{i}": 1}, best)
        gates[f"m{i}"] = best, 0
        best = {f"m{i}": 1}
    text = rule_text(f"maximum_chain(x: int[0..9][{n}]) -> (y: int)", f"y = max(i < {n}: x[i])")
    return Structure(text, rectified(_named("x", n), gates, {"y": best}))


def maximum_tree(n: int = 8) -> Structure:
    """The largest of a list, in rounds of pairs."""
    gates: dict[str, Unit] = {}
    values = [{name: 1} for name in _named("x", n)]
    while len(values) > 1:
        count = len(gates)
        pairs = zip(values[::2], values[1::2], strict=True)
        values = [_longer(gates, f"d{count + k}", a, b) for k, (a, b) in enumerate(pairs)]
    text = rule_text(f"maximum_tree(x: int[0..9][{n}]) -> (y: int)", f"y = max(i < {n}: x[i])")
    return Structure(text, rectified(_named("x", n), gates, {"y": values[0]}))


def minimum_chain(n: int = 6) -> Structure:
    """The smallest of a list, one number after the other."""
    gates: dict[str, Unit] = {}
    best = "x0"
    for i in range(1, n):
        gates[f"d{i}"] = {best: 1, f"x{i}": -1}, 0
        gates[f"m{i}"] = {best: 1, f"d{i}": -1}, 0
        best = f"m{i}"
    text = rule_text(f"minimum_chain(x: int[0..9][{n}]) -> (y: int)", f"y = min(i < {n}: x[i])")
    return Structure(text, rectified(_named("x", n), gates, {"y": {best: 1}}))


def column_maxima(rows: int = 4, n: int = 6) -> Structure:
    """The largest number in every column of a matrix, one row after the other."""
    gates: dict[str, Unit] = {}
    results = {}
    for j in range(n):
        best = {f"x0_{j}": 1}
        for i in range(1, rows):
            best = _longer(gates, f"d{i}_{j}", {f"x{i}_{j}": 1}, best)
            gates[f"m{i}_{j}"] = best, 0
            best = {f"m{i}_{j}": 1}
        results[f"y{j}"] = best
    text = rule_text(
        f"column_maxima(x: int[0..9][{rows}, {n}]) -> (y: int[{n}])", f"y[j < {n}] = max(i < {rows}: x[i, j])"
    )
    inputs = [f"x{i}_{j}" for i in range(rows) for j in range(n)]
    return Structure(text, rectified(inputs, gates, results))


def running_majority(n: int = 8) -> Structure:
    """Bits that follow the input only where it agrees with one of two memories: a chain of majorities."""
    gates: dict[str, Unit] = {"y0": ({"x0": 1}, 1)}
    for i in range(1, n):
        before = {f"y{i - 2}": 1} if i > 1 else {}
        gates[f"y{i}"] = {f"x{i}": 1, f"y{i - 1}": 1, **before}, 2
    text = rule_text(
        f"running_majority(x: bit[{n}]) -> (y: bit[{n}])",
        "y[0] = x[0]",
        f"y[1 <= i < {n}] = x[i] + y[i - 1] + pad(y, 0)[i - 2] >= 2",
    )
    return Structure(text, levelled(_named("x", n), gates, _named("y", n)))


def unrolled_adder(n: int = 5) -> Structure:
    """Two numbers added, digits as carries less carries: the lowest digits have units of their own."""
    return unrolled(
        f"unrolled_adder(a: bit[{n}], b: bit[{n}]) -> (y: bit[{n + 1}])",
        f"carry[i < {n}] = a[i] + b[i] + pad(carry, 0)[i - 1] >= 2",
        f"y[i < {n}] = a[i] xor b[i] xor pad(carry, 0)[i - 1]",
        f"y[{n}] = carry[{n - 1}]",
    )


def adders(count: int = 3, n: int = 4) -> Structure:
    """Several pairs of numbers added side by side."""
    return unrolled(
        f"adders(a: bit[{count}, {n}], b: bit[{count}, {n}]) -> (y: bit[{count}, {n + 1}])",
        f"carry[i < {n}, k < {count}] = a[k, i] + b[k, i] + pad(carry, 0)[i - 1, k] >= 2",
        f"y[k < {count}, i < {n}] = a[k, i] xor b[k, i] xor pad(carry, 0)[i - 1, k]",
        f"y[k < {count}, {n}] = carry[{n - 1}, k]",
    )


def less_than(n: int = 6) -> Structure:
    """Which of two numbers is less, from the lowest digit up."""
    return unrolled(
        f"less_than(a: bit[{n}], b: bit[{n}]) -> (y: bit)",
        f"less[i < {n}] = b[i] + pad(less, 0)[i - 1] > a[i]",
        f"y = less[{n - 1}]",
    )


ARITHMETIC = tuple(
    Case("arithmetic", build, small)
    for build, small in (
        (carry_in, (3,)),
        (three_numbers, (2,)),
        (subtractor, (3,)),
        (incrementer, (4,)),
        (prefix_parity, (4,)),
        (prefix_or, (4,)),
        (prefix_and, (4,)),
        (saturating_counter, (5, 2)),
        (resetting_counter, (5, 2)),
        (maximum_chain, (3,)),
        (maximum_tree, (4,)),
        (minimum_chain, (3,)),
        (column_maxima, (3, 2)),
        (running_majority, (5,)),
        (unrolled_adder, (3,)),
        (adders, (2, 3)),
        (less_than, (3,)),
    )
)
