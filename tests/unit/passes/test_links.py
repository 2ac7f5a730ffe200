"""Chains inside one value, and networks in which a recurrence is computed as a tree."""

from __future__ import annotations

import pytest

import ddcompile as dd
from ddcompile.passes.links import _turned
from ddcompile.testing.structures.circuits import levelled
from ddcompile.testing.structures.layers import Unit


def _tree(n: int) -> dd.Network:
    """Whether a number is larger than another: pairs of `larger` and `not smaller`, joined two by two."""
    gates: dict[str, Unit] = {}
    nodes = []
    for i in range(n):
        gates[f"g{i}"] = {f"a{i}": 1, f"b{i}": -1}, 1
        gates[f"p{i}"] = {f"a{i}": 1, f"b{i}": -1}, 0
        nodes.append((f"g{i}", f"p{i}"))
    while len(nodes) > 1:
        joined = []
        for low, high in zip(nodes[::2], nodes[1::2], strict=False):
            name = f"{low[0]}{high[0]}"
            gates[name] = {high[0]: 2, high[1]: 1, low[0]: 1}, 2
            gates[f"p{name}"] = {high[1]: 1, low[1]: 1}, 2
            joined.append((name, f"p{name}"))
        nodes = joined + (nodes[-1:] if len(nodes) % 2 else [])
    return levelled([f"a{i}" for i in range(n)] + [f"b{i}" for i in range(n)], gates, [nodes[0][0]])


@pytest.mark.parametrize("n", [4, 5, 7, 8])
def test_a_comparison_by_a_tree_is_one_recurrence(n: int) -> None:
    program = dd.distill(_tree(n), f"a: bit[{n}], b: bit[{n}]", "y: bit", name="larger")
    assert str(program) == (
        f"rule larger(a: bit[{n}], b: bit[{n}]) -> (y: bit) {{\n"
        f"  larger[i < {n}] = a[i] + pad(larger, 0)[i - 1] > b[i]\n"
        f"  y = larger[{n - 1}]\n"
        "}"
    )


def test_chains_of_several_kinds() -> None:
    rule = dd.parse(
        """rule r(a: bit[8], b: bit[8], c: bit[8, 8], d: bit[8]) -> (y: bit[3]) {
  y[0] = d[0] xor ((((((a[0] > b[0]) + a[1] > b[1]) + a[2] > b[2]) + a[3] > b[3]) + a[4] > b[4]) + a[5] > b[5])
  y[1] = if c[0, 1] then if c[1, 1] then if c[2, 1] then if c[3, 1] then if c[4, 1] then d[0] else d[4] else d[3] else \
d[2] else d[1] else d[5]
  y[2] = (((((d[1] and c[0, 2]) or c[1, 2]) and c[2, 2] or c[3, 2]) and c[4, 2] or c[5, 2]) and c[6, 2]) or c[7, 2]
}"""
    )
    found = dd.optimize(rule)
    assert found.verdict
    assert [line.strip() for line in str(found).splitlines()[1:-1]] == [
        "larger[i < 6] = pad(larger, 0)[i - 1] + a[i] > b[i]",
        "y[0] = d[0] xor larger[5]",
        "active[0] = d[0]",
        "active[1 <= i < 5] = if c[5 - i, 1] then active[i - 1] else d[5 - i]",
        "y[1] = if c[0, 1] then active[4] else d[5]",
        "every[0] = d[1] and c[0, 2]",
        "every[1 <= i < 4] = some[i - 1] and c[2 * i, 2]",
        "some[i < 3] = every[i] or c[2 * i + 1, 2]",
        "y[2] = every[3] or c[7, 2]",
    ]


@pytest.mark.parametrize("count", [2, 3, 4])
def test_whatever_way_round_links_are_the_last_value_is_the_same(count: int) -> None:
    clauses = ["link0 = a[0] > b[0]", *(f"link{k} = link{k - 1} + a[{k}] > b[{k}]" for k in range(1, count))]
    text = "\n  ".join(clauses).replace(f"link{count - 1} =", "y =")
    rule = dd.parse(f"rule r(a: bit[4], b: bit[4]) -> (y: bit) {{\n  {text}\n}}").rule
    ways = list(_turned(rule, rule.statements))
    assert len(set(ways)) == min(4, 2 ** (count - 1))
    assert all(dd.verify(dd.parse(str(way)), dd.parse(str(rule))).status == "proved" for way in ways)
