"""Random sums with few different weights on many samples at once: the schedule batch against the interpreter."""

from __future__ import annotations

import numpy as np
import pytest

import ddcompile as dd
from ddcompile.kernel.lower import lower
from ddcompile.kernel.selections import selected

_KINDS = {
    "bit": (0, 2), "int[-3..4]": (-3, 5), "int[-100..100]": (-100, 101), "trit": (-1, 2), "int[0..70000]": (0, 70001),
}  # fmt: skip
_CHOICES = ([-1, 1], [-1, 0, 1], [0, 1], [0, 0, 0, 5], [-7, 7], [3], [-2, -1, 0, 1, 2], [127, -128])
_TERMS = ("W[i, j] * {x}", "-W[i, j] * {x}", "W[i, j] * (2 * {x} - 1)", "{x} * 3 - W[i, j]", "(W[i, j] + 1) * {x} + 2")


def _rule(rng: np.random.Generator, kind: str) -> tuple[str, tuple[int, ...]]:
    """Two sums, the second over the first, over rows, windows, or rows of several."""
    units, wide = int(rng.integers(1, 12)), int(rng.integers(8, 70))
    form = int(rng.integers(3))
    term = str(rng.choice(_TERMS))
    tables = [rng.choice(_CHOICES[rng.integers(len(_CHOICES))], size) for size in ((units, wide), (5, units))]
    heads = f"  const W: int[{units}, {wide}] = {tables[0].tolist()}\n"
    heads += f"  const V: int[5, {units}] = {tables[1].tolist()}\n"
    if form == 0:
        shape: tuple[int, ...] = (wide,)
        first = f"h[i < {units}] = sum(j < {wide}: {term.format(x='x[j]')})"
        last = f"y[i < 5] = sum(j < {units}: V[i, j] * h[j])"
    elif form == 1:
        shape = (wide + 3,)
        first = f"h[i < {units}, k < 4] = sum(j < {wide}: {term.format(x='x[j + k]')})"
        last = f"y[i < 5] = sum(j < {units}: V[i, j] * h[j, i % 4])"
    else:
        shape = (3, wide)
        first = f"h[k < 3, i < {units}] = sum(j < {wide}: {term.format(x='x[k, j]')})"
        last = f"y[i < 5] = sum(j < {units}: V[i, j] * (h[2, j] - h[0, j]))"
    extents = ", ".join(map(str, shape))
    return f"rule r(x: {kind}[{extents}]) -> (y: int[5]) {{\n{heads}  {first}\n  {last}\n}}\n", shape


@pytest.mark.parametrize("kind", _KINDS)
def test_random_sums(kind: str) -> None:
    rng = np.random.default_rng(len(kind))
    taken = 0
    for _ in range(6):
        text, shape = _rule(rng, kind)
        program = dd.parse(text)
        kernel = lower(program.rule)
        taken += selected(kernel) is not kernel
        x = rng.integers(*_KINDS[kind], size=(int(rng.choice([64, 65, 130])), *shape))
        assert np.array_equal(program.jit(schedule="batch")(x), program(x)), text
    assert taken >= 2
