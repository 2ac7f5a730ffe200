"""Inputs of rules: all of them, or random ones with the edges of ranges."""

from __future__ import annotations

import numpy as np

from ddcompile.ir.parser import parse
from ddcompile.runtime.arrays import prepare
from ddcompile.testing.choose import RandomChoose
from ddcompile.testing.inputs import all_inputs, input_values, random_inputs


def test_all_inputs_are_the_product_of_the_values() -> None:
    rule = parse("rule f(x: bit[2], y: trit, z: int[3..5][1]) -> (s: int) { s = x[0] + y + z[0] }")
    arrays = all_inputs(rule)
    assert arrays is not None
    assert [a.shape for a in arrays] == [(36, 2), (36,), (36, 1)]
    rows = {(*x.tolist(), int(y), *z.tolist()) for x, y, z in zip(*arrays, strict=True)}
    assert len(rows) == 36
    assert all(np.array_equal(a, b) for a, b in zip(arrays, prepare(rule, arrays).arrays, strict=True))


def test_too_many_or_unbounded_inputs_are_none() -> None:
    assert all_inputs(parse("rule f(x: bit[13]) -> (y: bit) { y = x[0] }")) is None
    assert input_values(parse("rule f(x: int) -> (y: int) { y = x }")) is None
    assert input_values(parse("rule f(x: rat) -> (y: rat) { y = x }")) is None


def test_random_inputs_reach_the_edges() -> None:
    rule = parse("rule f<N>(x: int[-7..18446744073709551615][N], y: rat) -> (z: bit) { z = x[0] > y }")
    x, y = random_inputs(rule, RandomChoose(0), 50)
    assert x.dtype == y.dtype == object
    assert {-7, -6, 0, 2**64 - 2, 2**64 - 1} <= set(x.ravel())
    assert 1 <= x.shape[1] <= 6
    prepare(rule, (x, y))
