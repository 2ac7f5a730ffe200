"""Functions of counts, joined at random, are found from networks in disguise and from the rows of their tables.

The rule that a network is made from is the measure: what is found costs little more, if more at all.
"""

from __future__ import annotations

import numpy as np
import pytest

import ddcompile as dd
from ddcompile.analysis.cost import cost
from ddcompile.frontends.network import Network
from ddcompile.interpreter import interpret
from ddcompile.ir.nodes import Rule
from ddcompile.ir.parser import parse
from ddcompile.ir.printer import print_type
from ddcompile.testing.inputs import all_inputs, input_values
from ddcompile.testing.networks import network_of
from ddcompile.testing.structures.layers import steps
from ddcompile.testing.transforms import disguise

WITHIN = 1.3
MOST_ROWS = 1 << 9


def condition(rng: np.random.Generator, name: str, count: int, low: int) -> str:
    """A condition on the sum of some inputs, each of which is at least `low`."""
    total = f"sum(i < {count}: {name}[i])"
    first = int(rng.integers(count * low + 1, count))
    last = int(rng.integers(first, count))
    match int(rng.integers(0, 6)):
        case 0:
            return f"{total} >= {first}"
        case 1:
            return f"{total} == {first}"
        case 2:
            return f"{first} <= {total} <= {last}"
        case 3:
            return f"{total} % {int(rng.integers(2, 4))} == 1"
        case 4:
            return f"not {first} <= {total} <= {last}"
    return f"{total} >= {first} and {total} != {last}"


def random_rule(seed: int) -> Rule:
    """One result from two or three conditions on groups of inputs, or bits; one input may not matter."""
    rng = np.random.default_rng(seed)
    declared, parts = [], []
    for name in "xz"[: int(rng.integers(1, 3))]:
        kind = str(rng.choice(["bit", "bit", "spin", "trit"]))
        count = int(rng.integers(3, 5))
        declared.append(f"{name}: {kind}[{count}]")
        parts.append(f"({condition(rng, name, count, 0 if kind == 'bit' else -1)})")
    declared += ["a: bit", "b: bit"]
    parts.append(str(rng.choice(["a", "(a xor b)", "(a and not b)"])))
    first, second = parts[0], parts[-1]
    match int(rng.integers(0, 3)):
        case 0:
            value = f" {rng.choice(['and', 'or'])} ".join(parts)
        case 1:
            value = " xor ".join(parts)
        case _:
            value = f"if {second} then {first} else {parts[-2] if len(parts) > 2 else 'b'}"
    return parse(f"rule f({', '.join(declared)}) -> (y: bit) {{ y = {value} }}")


def declarations(rule: Rule) -> tuple[str, str]:
    inputs, outputs = (
        ", ".join(f"{d.name}: {print_type(d.type)}" for d in declared) for declared in (rule.inputs, rule.outputs)
    )
    return inputs, outputs


def disguised(rule: Rule, seed: int) -> Network:
    values = input_values(rule)
    assert values is not None
    return disguise(network_of(rule), np.random.default_rng(seed), values)


def of_table(rule: Rule) -> Network | None:
    """A unit for every row of the table that is 1; None if inputs are no bits, or there are many rows."""
    every = all_inputs(rule, MOST_ROWS)
    if every is None or any(d.type.kind != "bit" for d in rule.inputs):
        return None
    flat = np.concatenate([array.reshape(len(array), -1) for array in every], axis=1).astype(np.int64)
    ones = flat[interpret(rule, every)[0].astype(bool)]
    return Network((steps(2 * ones - 1, ones.sum(axis=1)), steps(np.ones((1, len(ones)), dtype=np.int64), 1)))


def check(rule: Rule, network: Network) -> None:
    program = dd.distill(network, *declarations(rule), name="f")
    assert program.verdict is not None
    assert program.verdict.status == "proved"
    assert program.cost <= WITHIN * cost(rule), f"{program}\nof\n{rule}"
    assert dd.verify(program, dd.Program(rule)).status == "proved"


@pytest.mark.parametrize("seed", range(16))
def test_random_conditions(seed: int) -> None:
    rule = random_rule(seed)
    check(rule, disguised(rule, seed))
    table = of_table(rule)
    if table is not None:
        check(rule, table)


KNOWN = (
    "(x: bit[5], z: bit[4]) -> (y: bit) { y = sum(i < 5: x[i]) >= 3 xor sum(i < 4: z[i]) == 2 }",
    "(x: bit[8]) -> (y: bit) { y = sum(i < 8: x[i]) % 3 == 1 }",
    "(x: bit[9]) -> (y: bit) { y = sum(i < 9: x[i]) % 4 >= 2 }",
    "(x: bit[10]) -> (y: bit) { y = sum(i < 10: x[i]) % 5 == 2 }",
    "(x: bit[9]) -> (y: bit) { y = 2 <= sum(i < 9: x[i]) <= 7 and sum(i < 9: x[i]) != 4 }",
    "(x: bit[4], z: bit[4], a: bit) -> (y: bit) "
    "{ y = if a then sum(i < 4: x[i]) > sum(i < 4: z[i]) else sum(i < 4: z[i]) >= 2 }",
    "(x: spin[7]) -> (y: bit) { y = -1 <= sum(i < 7: x[i]) <= 3 }",
    "(x: trit[4]) -> (y: bit) { y = sum(i < 4: x[i]) >= 2 }",
    "(x: bit[6], a: bit, b: bit, c: bit) -> (y: bit) { y = (sum(i < 6: x[i]) >= 4 or a) and b != c }",
    "(x: bit[3, 3], a: bit) -> (y: bit) { y = 5 <= 2 * sum(i < 3, j < 3: x[i, j]) - x[1, 1] <= 7 xor a }",
    "(x: bit[8]) -> (y: bit, z: bit) { y = sum(i < 8: x[i]) >= 3  z = sum(i < 8: x[i]) % 2 }",
)


@pytest.mark.parametrize("text", KNOWN)
def test_known_compositions(text: str) -> None:
    rule = parse(f"rule f{text}")
    check(rule, disguised(rule, 1))


@pytest.mark.parametrize("bits", [1, 2, 3])
def test_selected_elements_from_their_tables(bits: int) -> None:
    count = 2**bits
    place = " + ".join(f"{2 ** (bits - 1 - k)} * s[{k}]" for k in range(bits))
    rule = parse(f"rule f(s: bit[{bits}], x: bit[{count}]) -> (y: bit) {{ y = x[{place}] }}")
    every = all_inputs(rule, 1 << 11)
    assert every is not None
    flat = np.concatenate(every, axis=1).astype(np.int64)
    ones = flat[interpret(rule, every)[0].astype(bool)]
    if len(ones) > MOST_ROWS:
        # One unit for every element: the bits that select it, and the element.
        numbers = np.array([[k >> (bits - 1 - j) & 1 for j in range(bits)] for k in range(count)])
        first = steps(np.concatenate([2 * numbers - 1, np.eye(count, dtype=np.int64)], axis=1), numbers.sum(axis=1) + 1)
        network = Network((first, steps(np.ones((1, count), dtype=np.int64), 1)))
    else:
        network = Network((steps(2 * ones - 1, ones.sum(axis=1)), steps(np.ones((1, len(ones)), dtype=np.int64), 1)))
    check(rule, network)
