"""Sums of weighted bits are compared exactly."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from random import Random

import pytest

from ddcompile.kernel.grid.circuits import Circuit, Leaf, TooLarge
from ddcompile.kernel.grid.sums import Form, added, digits, holds, scaled_form

_RELATIONS = {
    "<": lambda v: v < 0, "<=": lambda v: v <= 0, ">": lambda v: v > 0, ">=": lambda v: v >= 0,
    "==": lambda v: v == 0, "!=": lambda v: v != 0,
}  # fmt: skip


def _value(circuit: Circuit, gate: int, bits: tuple[int, ...]) -> int:
    found: dict[int, int] = {}
    for n in circuit.needed([gate]):
        kind = circuit.gates[n]
        if isinstance(kind, Leaf):
            found[n] = bits[kind.offset[0]]
        elif isinstance(kind, int):
            found[n] = kind
        else:
            values = [found[k] for k in kind[1:] if isinstance(k, int)]
            found[n] = {"not": lambda a: 1 - a, "and": int.__and__, "or": int.__or__, "xor": int.__xor__}[kind[0]](
                *values
            )
    return found[gate]


@pytest.mark.parametrize("seed", range(60))
def test_comparisons_of_random_sums(seed: int) -> None:
    random = Random(seed)
    circuit = Circuit()
    count = random.randint(1, 7)
    pool = [-9, -3, -2, -1, 1, 1, 1, 2, 3, 4, 7, 12] if seed % 3 else [Fraction(1, 2), 1, Fraction(-3, 4), 2]
    weights = [random.choice(pool) for _ in range(count)]
    leaves = [circuit.leaf(Leaf("x", 0, (k,))) for k in range(count)]
    form = Form(0, tuple(zip(leaves, weights, strict=True)))
    tests = []
    for _ in range(random.randint(1, 3)):
        constant = random.randint(-12, 12) + random.choice((0, 0, Fraction(1, 2)))
        sign = random.choice((1, -1))
        tests.append(
            (added([scaled_form(form, sign), Form(constant)]), sign, constant, random.choice([*_RELATIONS]))
        )
    gate = holds(circuit, [(f, relation) for f, _, _, relation in tests])
    for bits in product((0, 1), repeat=count):
        total = sum(w * b for w, b in zip(weights, bits, strict=True))
        expected = all(_RELATIONS[relation](sign * total + constant) for _, sign, constant, relation in tests)
        assert _value(circuit, gate, bits) == expected


def test_digits_add_up() -> None:
    circuit = Circuit()
    weights = [1, 1, 2, 3, -2, 5, 1]
    leaves = [circuit.leaf(Leaf("x", 0, (k,))) for k in range(len(weights))]
    planes, low, high = digits(circuit, list(zip(leaves, weights, strict=True)))
    assert (low, high) == (-2, 13)
    for bits in product((0, 1), repeat=len(weights)):
        total = sum(_value(circuit, plane, bits) << k for k, plane in enumerate(planes))
        assert low + total == sum(w * b for w, b in zip(weights, bits, strict=True))


def test_the_sum_of_nine_takes_few_gates() -> None:
    circuit = Circuit()
    leaves = [circuit.leaf(Leaf("x", 0, (k, 0))) for k in range(9)]
    gate = holds(circuit, [(Form(-3, tuple((g, 1) for g in leaves)), "==")])
    assert circuit.weight([gate]) - 9 <= 42


def test_a_sum_of_astronomic_weights_is_refused() -> None:
    circuit = Circuit()
    leaves = [circuit.leaf(Leaf("x", 0, (k,))) for k in range(2)]
    with pytest.raises(TooLarge):
        holds(circuit, [(Form(-1, ((leaves[0], 1 << 80), (leaves[1], 1))), ">")])
