"""Tensors that read their own earlier elements are named for what they are, their first index for what it counts."""

from __future__ import annotations

import pytest

from ddcompile.ir.parser import parse
from ddcompile.passes.name import Name
from ddcompile.passes.roll import Roll
from ddcompile.prove.steps import check_step

CASES = {
    "a state over time": (
        """rule f(cell: bit[8]) -> (next: bit[8]) {
  h[0, i < 8] = cell[i]
  h[1 <= i < 5, j < 8] = h[i - 1, j] xor h[i - 1, (j + 1) % 8]
  next[i < 8] = h[4, i]
}""",
        """rule f(cell: bit[8]) -> (next: bit[8]) {
  state[0, i < 8] = cell[i]
  state[1 <= t < 5, i < 8] = state[t - 1, i] xor state[t - 1, (i + 1) % 8]
  next[i < 8] = state[4, i]
}""",
    ),
    "a state of which an element is another one at a time": (
        """rule f(cell: bit[8]) -> (next: bit[8]) {
  h[0, i < 8] = cell[i]
  h[1 <= j < 5, i < 8] = if j == 3 and i == 2 then h[j - 1, 7] else h[j - 1, i] xor h[j - 1, (i + 1) % 8]
  next[i < 8] = h[4, i]
}""",
        """rule f(cell: bit[8]) -> (next: bit[8]) {
  state[0, i < 8] = cell[i]
  state[1 <= t < 5, i < 8] = if t == 3 and i == 2 then state[t - 1, 7] else \
state[t - 1, i] xor state[t - 1, (i + 1) % 8]
  next[i < 8] = state[4, i]
}""",
    ),
    "two that take turns": (
        """rule f(x: bit[8]) -> (y: bit[8]) {
  a[0, i < 8] = x[i]
  b[1 <= t < 4, i < 8] = a[t - 1, i] or a[t - 1, (i + 1) % 8]
  a[1 <= t < 4, i < 8] = b[t, i] and b[t, (i + 3) % 8]
  y[i < 8] = a[3, i]
}""",
        """rule f(x: bit[8]) -> (y: bit[8]) {
  state[0, i < 8] = x[i]
  state2[1 <= t < 4, i < 8] = state[t - 1, i] or state[t - 1, (i + 1) % 8]
  state[1 <= t < 4, i < 8] = state2[t, i] and state2[t, (i + 3) % 8]
  y[i < 8] = state[3, i]
}""",
    ),
    "an input that is called t": (
        """rule f(t: bit[8]) -> (y: bit[8]) {
  h[0, i < 8] = t[i]
  h[1 <= k < 5, i < 8] = h[k - 1, i] and h[k - 1, (i + 1) % 8]
  y[i < 8] = h[4, i]
}""",
        """rule f(t: bit[8]) -> (y: bit[8]) {
  state[0, i < 8] = t[i]
  state[1 <= j < 5, i < 8] = state[j - 1, i] and state[j - 1, (i + 1) % 8]
  y[i < 8] = state[4, i]
}""",
    ),
    "a carry along an input": (
        """rule f(x: bit[2, 4]) -> (y: bit) {
  h[t < 4] = x[0, t] + x[1, t] + pad(h, 0)[t - 1] >= 2
  y = h[3]
}""",
        """rule f(x: bit[2, 4]) -> (y: bit) {
  carry[j < 4] = x[0, j] + x[1, j] + pad(carry, 0)[j - 1] >= 2
  y = carry[3]
}""",
    ),
    "a comparison along two inputs": (
        """rule f(a: bit[4], b: bit[4]) -> (y: bit) {
  h[t < 4] = a[t] + pad(h, 0)[t - 1] > b[t]
  y = h[3]
}""",
        """rule f(a: bit[4], b: bit[4]) -> (y: bit) {
  larger[i < 4] = a[i] + pad(larger, 0)[i - 1] > b[i]
  y = larger[3]
}""",
    ),
    "a parity, and the largest so far": (
        """rule f(x: bit[4], z: int[0..9][4]) -> (y: bit, m: int) {
  h[t < 4] = x[t] xor pad(h, 0)[t - 1]
  g[0] = z[0]
  g[1 <= t < 4] = max(z[t], g[t - 1])
  y = h[3]
  m = g[3]
}""",
        """rule f(x: bit[4], z: int[0..9][4]) -> (y: bit, m: int) {
  parity[i < 4] = x[i] xor pad(parity, 0)[i - 1]
  y = parity[3]
  largest[0] = z[0]
  largest[1 <= i < 4] = max(z[i], largest[i - 1])
  m = largest[3]
}""",
    ),
}


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES)
def test_names(text: str, expected: str) -> None:
    named = Name()(parse(text)).rule
    assert str(named).rstrip() == expected
    assert Name()(named).rule == named


@pytest.mark.parametrize(("units", "layers"), [(4, 5), (4, 8), (5, 6)])
def test_names_of_tensors_that_are_gone_come_again(units: int, layers: int) -> None:
    """Units are rolled into layers and layers into time, over and over: the witness speaks of those that are left."""
    lines = [f"y[i < {units}] = x[{layers}] + {' + '.join(f'h{layers - 1}_{v}' for v in range(units))} > i"]
    for k in range(layers):
        below = " + ".join(f"h{k - 1}_{v}" for v in range(units)) if k else f"x[{layers + 1}]"
        lines += [f"h{k}_{u} = x[{k}] + {below} >= {u + 1}" for u in range(units)]
    old = parse(f"rule f(x: bit[{layers + 2}]) -> (y: bit[{units}]) {{\n{chr(10).join(lines)}\n}}")
    rewrite = Roll()(old)
    assert len({s.target for s in rewrite.rule.statements}) < layers + 1
    verdict = check_step(old, rewrite.rule, rewrite.witness)
    assert verdict, str(verdict)


def test_layers_are_one_over_time_whatever_order_their_families_were_found_in() -> None:
    """What is added and what is taken away has an order that does not depend on names."""
    layers = []
    for k, (more, less) in enumerate([("ab", "cd"), ("ba", "dc"), ("ba", "cd")]):
        under = "x" if k == 0 else f"s{k - 1}"
        families = {
            "a": f"{under}[i] > {under}[(i + 1) % 9]",
            "b": f"{under}[i] + {under}[(i + 3) % 9] >= 2",
            "c": f"{under}[(i + 2) % 9] > {under}[(i + 4) % 9]",
            "d": f"{under}[(i + 5) % 9] > {under}[i]",
        }
        layers += [f"{name}{k}[i < 9] = {families[name]}" for name in more + less]
        sums = f"{more[0]}{k}[i] - {less[0]}{k}[i] + {more[1]}{k}[i] - {less[1]}{k}[i]"
        layers.append(f"s{k}[i < 9] = {sums} >= 1" if k < 2 else f"y[i < 9] = {sums} >= 1")
    old = parse(f"rule f(x: bit[9]) -> (y: bit[9]) {{\n{chr(10).join(layers)}\n}}")
    rewrite = Roll()(old)
    assert len(rewrite.rule.statements) == 7
    assert check_step(old, rewrite.rule, rewrite.witness)
