"""Kernels of grids are sound, whatever the shape is, and compute what the interpreter does at every edge."""

from __future__ import annotations

import numpy as np
import pytest

import ddcompile as dd
from ddcompile.backends.llvm.jit import compile_jit
from ddcompile.ir.verifier import check
from ddcompile.kernel.grid.build import build
from ddcompile.kernel.grid.plan import plan
from ddcompile.kernel.verify import verify

_STENCILS = {
    "ring": """rule r<H, W>(x: bit[H, W]) -> (y: bit[H, W]) {
  y[i < H, j < W] = sum(a in -1..1, b in -2..2: (a + 2) * x[(i + a) % H, (j + b) % W]) >= 9
}
""",
    "zeros": """rule r<H, W>(x: bit[H, W]) -> (y: bit[H, W]) {
  y[i < H, j < W] = sum(a in -1..1, b in -2..2: (a + 2) * pad(x, 0)[i + a, j + b]) >= 9
}
""",
    "ones": """rule r<H, W>(x: bit[H, W]) -> (y: bit[H, W]) {
  y[i < H, j < W] = sum(a in -1..1, b in -2..2: (a + 2) * pad(x, 1)[i + a, j + b]) >= 9
}
""",
    "mixed": """rule r<H, W>(x: bit[H, W]) -> (y: bit[H, W]) {
  y[i < H, j < W] = sum(a in -1..1, b in -2..2: (a + 2) * pad(x, 1)[(i + a) % H, j + b]) >= 9
}
""",
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("stencil", _STENCILS)
@pytest.mark.parametrize("width", [1, 5, 63, 64, 65, 128, 200])
def test_kernels_are_sound(stencil: str, width: int, packed: bool) -> None:
    rule = dd.iterate(dd.parse(_STENCILS[stencil]), 5).at(H=3, W=width).rule
    types = check(rule)
    kernel = build(rule, types, plan(rule, types), is_packed=packed, workers=2).kernel
    assert verify(kernel) == []


@pytest.mark.parametrize("stencil", _STENCILS)
@pytest.mark.parametrize(("height", "width"), [(1, 64), (2, 3), (9, 65), (30, 127)])
def test_edges(stencil: str, height: int, width: int) -> None:
    program = dd.iterate(dd.parse(_STENCILS[stencil]), 9).at(H=height, W=width)
    x = np.random.default_rng(height * width).integers(0, 2, size=(2, height, width), dtype=np.uint8)
    assert np.array_equal(compile_jit(program.rule, schedule="grid")(x), program(x))


def test_long_rings_are_computed_in_strips_with_many_steps_at_once() -> None:
    text = "rule r<N>(x: bit[N]) -> (y: bit[N]) {\n  y[i < N] = x[(i - 1) % N] xor (x[i] or x[(i + 1) % N])\n}\n"
    program = dd.iterate(dd.parse(text), 70).at(N=100_003)
    x = np.random.default_rng(0).integers(0, 2, size=100_003, dtype=np.uint8)
    expected = x.copy()
    for _ in range(70):
        expected = np.roll(expected, 1) ^ (expected | np.roll(expected, -1))
    for jobs in (1, 3):
        assert np.array_equal(compile_jit(program.rule, n_jobs=jobs, schedule="grid")(x), expected)


def test_several_results_and_channels() -> None:
    program = dd.parse("""rule r(x: bit[2, 6, 70], m: bit[6, 70]) -> (y: bit[6, 70], z: bit[6, 70]) {
  h[c < 2, i < 6, j < 70] = x[c, i, j] xor m[i, (j + 1) % 70]
  y[i < 6, j < 70] = h[0, (i + 1) % 6, j] and h[1, i, j]
  z[i < 6, j < 70] = y[i, (j - 1) % 70] or m[i, j]
}
""")
    rng = np.random.default_rng(3)
    x, m = rng.integers(0, 2, size=(4, 2, 6, 70)), rng.integers(0, 2, size=(4, 6, 70))
    expected = program(x, m)
    for found in (compile_jit(program.rule, schedule="grid")(x, m), compile_jit(program.rule, 9, "grid")(x, m)):
        assert np.array_equal(found.y, expected.y)
        assert np.array_equal(found.z, expected.z)


def test_crops_are_smaller_than_what_they_read() -> None:
    program = dd.parse("""rule r(x: bit[7, 70]) -> (y: bit[5, 68]) {
  y[i < 5, j < 68] = sum(a < 3, b < 3: x[i + a, j + b]) > 4
}
""")
    x = np.random.default_rng(1).integers(0, 2, size=(3, 7, 70))
    assert np.array_equal(compile_jit(program.rule, schedule="grid")(x), program(x))


def test_code_does_not_grow_with_the_steps() -> None:
    program = dd.iterate(dd.parse(_STENCILS["ring"]), 10**6).at(H=3, W=64)
    types = check(program.rule)
    kernel = build(program.rule, types, plan(program.rule, types), is_packed=False, workers=1).kernel
    assert verify(kernel) == []
    assert len(kernel.sample.body) == 1


@pytest.mark.parametrize(
    "middle",
    ["x[(i + 3) % 5, (j + 3) % 100]", "not x[(i - 2) % 5, (j - 70) % 100]", "x[i, j] + x[i, (j + 1) % 100] >= 0"],
)
def test_what_is_made_may_reach_farther_than_what_is_loaded(middle: str) -> None:
    program = dd.parse(f"""rule r(x: bit[5, 100]) -> (y: bit[5, 100]) {{
  m[i < 5, j < 100] = {middle}
  y[i < 5, j < 100] = m[(i - 3) % 5, (j - 3) % 100] and m[(i + 2) % 5, (j + 70) % 100]
}}
""")
    x = np.random.default_rng(1).integers(0, 2, size=(9, 5, 100))
    for jobs in (1, 3):
        assert np.array_equal(compile_jit(program.rule, jobs, "grid")(x), program(x))


@pytest.mark.parametrize("fill", [0, 1])
def test_constants_end_where_the_grid_does(fill: int) -> None:
    program = dd.parse(f"""rule r(x: bit[4, 5, 70]) -> (y: bit[4, 5, 70]) {{
  m[i < 4, j < 5, k < 70] = x[i, j, k] < 2
  y[i < 4, j < 5, k < 70] = pad(m, {fill})[i + 2, j, k - 4] xor pad(m, {fill})[i, j - 3, k + 2] xor x[i, j, k]
}}
""")
    x = np.random.default_rng(1).integers(0, 2, size=(9, 4, 5, 70))
    assert np.array_equal(compile_jit(program.rule, schedule="grid")(x), program(x))
