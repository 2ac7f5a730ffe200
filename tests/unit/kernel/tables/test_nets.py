"""Gates under construction compute what they say, fold what is known, and their memory is used again."""

from __future__ import annotations

import tracemalloc
from itertools import product

import numpy as np
import pytest

import ddcompile as dd
from ddcompile.ir.verifier import check
from ddcompile.kernel.tables.build import build
from ddcompile.kernel.tables.nets import Net, TooLarge
from ddcompile.kernel.tables.order import ordered
from ddcompile.kernel.tables.translate import TooMany, translate


def _values(net: Net, literals: np.ndarray) -> np.ndarray:
    """The values of literals for every assignment of the inputs."""
    rows = np.arange(1 << net.inputs)
    table = np.zeros((net.count, len(rows)), dtype=bool)
    for k in range(net.inputs):
        table[k + 1] = rows >> k & 1
    for batch in net.batches:
        a, b, *rest = (table[operand >> 1] ^ (operand & 1 == 1)[:, None] for operand in batch.operands)
        found = {"and": a & b, "xor": a ^ b}.get(batch.op)
        own = slice(batch.first, batch.first + batch.count)
        if found is None:
            c = rest[0]
            table[batch.first + batch.count : batch.first + 2 * batch.count] = (a & b) | (a & c) | (b & c)
            found = a ^ b ^ c
        table[own] = found
    return table[literals >> 1] ^ (literals & 1 == 1)[:, None]


def test_every_pair_and_triple_of_literals() -> None:
    net = Net(3)
    pairs = np.array(list(product(range(8), repeat=2)), dtype=np.int64)
    a, b = pairs.T
    x, y = _values(net, a), _values(net, b)
    made = net.conjunction(a, b), net.disjunction(a, b), net.difference(a, b)
    for literals, expected in zip(made, (x & y, x | y, x ^ y), strict=True):
        assert np.array_equal(_values(net, literals), expected)
    a, b, c = np.array(list(product(range(8), repeat=3)), dtype=np.int64).T
    x, y, z = (_values(net, literals) for literals in (a, b, c))
    total, carry = net.full(a, b, c)
    assert np.array_equal(_values(net, total), x ^ y ^ z)
    assert np.array_equal(_values(net, carry), (x & y) | (x & z) | (y & z))
    assert np.array_equal(_values(net, net.choice(a, b, c)), np.where(x, y, z))


def test_what_is_known_is_no_gate_and_equal_gates_are_one() -> None:
    net = Net(2)
    x, y = np.array([2, 2, 2, 2, 2]), np.array([0, 1, 2, 3, 4])
    assert net.conjunction(x, y).tolist()[:4] == [0, 2, 2, 0]
    assert net.difference(x, y).tolist()[:4] == [2, 3, 0, 1]
    assert net.size == 2
    assert len(set(net.conjunction(np.array([2, 4, 3, 5]), np.array([4, 2, 5, 3])).tolist())) == 2
    assert net.size == 4


def test_memory_is_used_again() -> None:
    layers, width = 60, 50
    clauses = [f"  g{k}[i < {width}] = g{k - 1}[A[i]] xor g{k - 1}[i]\n" for k in range(1, layers)]
    text = (
        f"rule r(x: bit[{width}]) -> (y: bit[{width}]) {{\n"
        f"  const A: int[{width}] = {[(k + 7) % width for k in range(width)]}\n"
        f"  g0[i < {width}] = x[A[i]] and x[i]\n{''.join(clauses)}  y[i < {width}] = not g{layers - 1}[i]\n}}\n"
    )
    rule = dd.parse(text).rule
    types = check(rule)
    made = build(rule, types, translate(types), "plain")
    assert made.gates == (layers + 1) * width
    assert made.slots < 64 + 64 + 3 * width
    assert made.runs <= 2 * layers


def test_no_more_gates_are_made_than_are_allowed() -> None:
    net = Net(3, most=2)
    net.conjunction(np.array([2, 4]), np.array([4, 6]))
    with pytest.raises(TooLarge):
        net.difference(np.array([2]), np.array([4]))


def test_results_are_copied_though_no_more_gates_are_allowed() -> None:
    net = Net(2, most=1)
    both = net.conjunction(np.array([2]), np.array([4]))
    order = ordered(net, np.array([0, 1]), 2, np.concatenate([both, both ^ 1, [0, 1, 2]]), np.arange(2, 7))
    assert order.gates == 6


def test_long_sums_are_refused_before_their_terms_are_listed() -> None:
    program = dd.parse(
        "rule r(x: bit[1500]) -> (y: bit[1500]) {\n  y[u < 1500] = sum(k < 1500: x[(u * k) % 1500]) > 3\n}\n"
    )
    types = check(program.rule)
    tracemalloc.start()
    with pytest.raises(TooMany):
        translate(types, 20_000)
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()
