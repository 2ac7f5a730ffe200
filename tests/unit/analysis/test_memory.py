"""Tensors that are too large to be kept are refused by the engines that would keep them, and by no other."""

from __future__ import annotations

import numpy as np
import pytest

import ddcompile as dd

_STEPS = """rule r(x: bit[70000]) -> (y: bit[70000]) {
  s[0, i < 70000] = x[i]
  s[1 <= t < 5001, i < 70000] = s[t - 1, (i + 1) % 70000]
  y[i < 70000] = s[5000, i]
}
"""


def test_the_grid_keeps_no_steps() -> None:
    program = dd.parse(_STEPS)
    x = np.random.default_rng(0).integers(0, 2, size=70000, dtype=np.uint8)
    assert np.array_equal(program.jit()(x), np.roll(x, -5000))


def test_other_engines_refuse() -> None:
    program = dd.parse(_STEPS)
    message = "error[E014]: `s` has 350070000 elements; at most 268435456 are kept"
    for use in (
        lambda: program(np.zeros(70000, dtype=np.uint8)),
        lambda: program.emit("c"),
        lambda: program.emit("python"),
        lambda: program.jit(schedule="scalar"),
    ):
        with pytest.raises(dd.CompileError) as caught:
            use()
        assert message in str(caught.value)
