"""Sizes: solved from shapes, and replaced."""

from __future__ import annotations

import pytest

from ddcompile.diagnostics import CompileError
from ddcompile.ir.nodes import Size
from ddcompile.ir.parser import parse
from ddcompile.ir.specialize import free_sizes, solve_sizes, specialize, undetermined_sizes
from ddcompile.ir.traverse import postorder
from ddcompile.ir.verifier import check


def header(sizes: str, inputs: str) -> str:
    return f"rule f<{sizes}>({inputs}) -> (y: bit) {{ y = 0 }}"


SOLVED = [
    ("N", "x: bit[N]", [(4,)], {"N": 4}),
    ("H, W", "x: bit[W, H]", [(2, 3)], {"H": 3, "W": 2}),
    ("N", "x: bit[2 * N - 1]", [(5,)], {"N": 3}),
    ("N", "x: bit[N, N], z: int[0..9][N + 1]", [(2, 2), (3,)], {"N": 2}),
    ("H, W", "x: bit[H + W], z: bit[H - W]", [(7,), (1,)], {"H": 4, "W": 3}),
    ("H, W", "x: bit[H + W, 3], z: bit[2 * H + 2 * W], v: bit[W]", [(7, 3), (14,), (2,)], {"H": 5, "W": 2}),
    ("A, B, C", "x: bit[A + B, B + C, A + C]", [(3, 5, 4)], {"A": 1, "B": 2, "C": 3}),
]


@pytest.mark.parametrize(("sizes", "inputs", "shapes", "expected"), SOLVED)
def test_sizes_are_solved(sizes: str, inputs: str, shapes: list[tuple[int, ...]], expected: dict[str, int]) -> None:
    rule = parse(header(sizes, inputs))
    assert undetermined_sizes(rule) == ()
    assert solve_sizes(rule, shapes) == expected


UNSOLVED = [
    ("N", "x: bit[N]", [], "A010", "`f` takes 1 input, not 0"),
    ("N", "x: bit[N]", [(3, 4)], "A010", "`x` has 1 axis, not 2: (3, 4)"),
    ("N", "x: bit[N, 3]", [(3, 4)], "A011", "axis 1 of `x` has 4 elements, not 3"),
    ("N", "x: bit[N], z: bit[N + 1]", [(3,), (3,)], "A011", "axis 0 of `z` has 3 elements where N + 1 = 4 for N = 3"),
    (
        "N",
        "x: bit[2 * N]",
        [(3,)],
        "A011",
        "the shapes of the inputs give size N = 3/2, which is no positive integer",
    ),
    ("N", "x: bit[N + 3]", [(3,)], "A011", "the shapes of the inputs give size N = 0, which is no positive integer"),
]


@pytest.mark.parametrize(("sizes", "inputs", "shapes", "code", "message"), UNSOLVED)
def test_shapes_that_fit_no_sizes(
    sizes: str, inputs: str, shapes: list[tuple[int, ...]], code: str, message: str
) -> None:
    with pytest.raises(CompileError) as caught:
        solve_sizes(parse(header(sizes, inputs)), shapes)
    (found,) = caught.value.diagnostics
    assert (found.code, found.message) == (code, message)


def test_undetermined_sizes_are_named() -> None:
    assert undetermined_sizes(parse(header("H, W, N", "x: bit[H + W, N]"))) == ("H", "W")


def test_no_size_is_left_and_arithmetic_on_sizes_is_done() -> None:
    rule = parse(
        "rule f<H, W>(x: bit[H, W]) -> (y: int[H - 1]) {\n"
        "  y[i < H - 1] = sum(0 - W <= j < 2 * W: pad(x, 0)[(i + 1) % H, j]) + H * W - i * 3 * 4\n}"
    )
    special = specialize(rule, {"H": 4, "W": 3})
    assert not special.sizes
    assert not any(isinstance(node, Size) for s in special.statements for node in postorder(s.value))
    assert str(special) == (
        "rule f(x: bit[4, 3]) -> (y: int[3]) {\n"
        "  y[i < 3] = sum(j in -3..5: pad(x, 0)[(i + 1) % 4, j]) + 12 - i * 3 * 4\n}"
    )


def test_a_rule_without_sizes_stays_the_same() -> None:
    rule = parse("rule f(x: bit) -> (y: bit) { y = x }")
    assert specialize(rule, {}) is rule


@pytest.mark.parametrize("sizes", [{}, {"N": 0}, {"N": -2}])
def test_sizes_are_positive(sizes: dict[str, int]) -> None:
    with pytest.raises(CompileError, match="A013"):
        specialize(parse(header("N", "x: bit[N]")), sizes)


STEPS = (
    "rule steps<N, T>(x: bit[N]) -> (y: bit[N]) {\n  s[0, i < N] = x[i]\n"
    "  s[1 <= t < T + 1, i < N] = s[t - 1, i] xor s[t - 1, (i + 1) % N]\n  y[i < N] = s[T, i]\n}"
)


def test_a_size_that_only_statements_use_is_free() -> None:
    rule = parse(STEPS)
    check(rule)
    assert free_sizes(rule) == ("T",)
    assert free_sizes(parse(header("N", "x: bit[N]"))) == ()
    with pytest.raises(CompileError, match=r"A015.*do not tell `steps` its size `T`"):
        solve_sizes(rule, [(4,)])


def test_some_sizes_are_given() -> None:
    special = specialize(parse(STEPS), {"T": 3}, partly=True)
    assert special.sizes == ("N",)
    assert str(special).splitlines()[2] == "  s[1 <= t < 4, i < N] = s[t - 1, i] xor s[t - 1, (i + 1) % N]"
    assert solve_sizes(special, [(4,)]) == {"N": 4}
    assert specialize(special, {"N": 4}, partly=True).sizes == ()
    assert specialize(special, {}, partly=True) is special
