"""Cones get their least expressions where all of them are worth it, or those that are."""

from __future__ import annotations

import ddcompile as dd
from ddcompile.ir.nodes import Literal, Statement
from ddcompile.ir.types import infer
from ddcompile.passes.collapse_cones import CollapseCones, _one_by_one
from ddcompile.prove.checker import check_step

_TWO_READERS = """rule f(x: bit[2, 4]) -> (y: bit[4], w: bit) {
  a = sum(i < 2: x[i, 0]) >= 2
  b = a + sum(i < 2: x[i, 1]) >= 2
  c = a + sum(i < 2: x[i, 1]) > 2 * b
  d = b + sum(i < 2: x[i, 2]) >= 2
  e = b + sum(i < 2: x[i, 2]) > 2 * d
  y[0] = d
  y[1] = c
  y[2] = e
  y[3] = x[0, 3] xor x[1, 3] xor d
  w = 4 * c + 2 * e > x[0, 3] + 2 * x[1, 3] + 2 * d
}"""


def test_what_others_read_as_well_is_not_written_again_when_others_are_shorter() -> None:
    rule = dd.parse(_TWO_READERS).rule
    rewrite = CollapseCones()(rule)
    lines = [line.strip() for line in str(rewrite.rule).split("\n")]
    assert "c = x[0, 1] xor x[1, 1] xor a" in lines
    assert "e = x[0, 2] xor x[1, 2] xor b" in lines
    assert "y[1] = c" in lines, "in the sum for w, c is read as well"
    assert check_step(rule, rewrite.rule, rewrite.witness).status == "proved"


def test_declines_where_none_is_shorter() -> None:
    text = "rule f(x: bit[3]) -> (y: bit) {\n  y = sum(i < 3: x[i]) >= 2\n}"
    rule = dd.parse(text).rule
    assert CollapseCones()(rule).rule == rule


def test_declines_to_write_some_layers_alone() -> None:
    layers = "\n".join(
        f"  a{k}[i < 6] = {f'a{k - 1}' if k else 'x'}[i] + {f'a{k - 1}' if k else 'x'}[(i + 1) % 6] >= 2"
        for k in range(3)
    )
    rule = dd.parse(f"rule f(x: bit[6]) -> (y: bit) {{\n{layers}\n  y = sum(i < 6: a2[i]) >= 3\n}}").rule
    others = [Statement(s.target, s.positions, Literal(0)) if s.binders else s for s in rule.statements]
    assert _one_by_one(rule, others, infer(rule)) is rule


def test_values_that_would_be_seen_as_more_than_bits_are_not_written_where_bits_are_read() -> None:
    rule = dd.parse(
        """rule r(x: bit[4], z: bit) -> (y: bit[2], c: bit[4], d: bit[3]) {
  const w: int[3, 4] = [[1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
  s[i < 4] = x[i] + x[(i + 1) % 4] + x[(i + 2) % 4]
  h[i < 4] = s[i] == 3 or s[i] == 0
  g[i < 3] = sum(k < 4: w[i, k] * h[k])
  y[i < 2] = g[i] + z >= 2
  c[i < 4] = s[i] >= 2
  d[i < 3] = g[i]
}"""
    )
    found = str(dd.optimize(rule, passes="collapse-cones"))
    assert "g[i < 3] = sum(k < 4: w[i, k] * h[k])" in found  # not of `s`: whether that is 1 at most is not seen
    assert "y[i < 2] = z and g[i]" in found
