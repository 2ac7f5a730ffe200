"""The interpreter against plain recursion, construct by construct, and on random rules."""

from __future__ import annotations

import random
import tracemalloc
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from ddcompile.diagnostics import CompileError
from ddcompile.interpreter import interpret
from ddcompile.ir.nodes import Binary, Binder, Constant, Declaration, Expr, Literal, Read, Reduce, Rule, Statement, Type
from ddcompile.ir.parser import parse
from ddcompile.ir.specialize import solve_sizes
from ddcompile.ir.types import declared_type, extents, infer
from ddcompile.ir.verifier import verify
from ddcompile.testing.generate import Limits, rule_from_seed

SAMPLES = 4


def random_values(rng: np.random.Generator, declared: Type, shape: tuple[int, ...]) -> np.ndarray:
    """Legal values of a type, objects; the ends of its range among them."""
    found = declared_type(declared, is_input=True)
    low, high = (-40, 40) if found.low is None or found.high is None else (found.low, found.high)
    pick = random.Random(int(rng.integers(2**32)))
    count = int(np.prod(shape))
    values: list[Any] = [pick.choice([low, high, *(pick.randint(low, high) for _ in "ab")]) for _ in range(count)]
    if declared.kind == "spin":
        values = [pick.choice([-1, 1]) for _ in values]
    if declared.kind == "rat":
        values = [Fraction(v, 8) for v in values]
    array = np.empty(count, dtype=object)
    array[:] = values
    return array.reshape(shape)


def agree(rule: Rule, brute_force: Any, shapes: list[tuple[int, ...]] | None = None, seed: int = 0) -> None:
    """Compare all results on random samples, and all tensors with their inferred ranges."""
    rng = np.random.default_rng(seed)
    shapes = [extents(d.type) for d in rule.inputs] if shapes is None else shapes
    sizes = solve_sizes(rule, shapes)
    inputs = [random_values(rng, d.type, (SAMPLES, *shape)) for d, shape in zip(rule.inputs, shapes, strict=True)]
    found = interpret(rule, inputs)
    for sample in range(SAMPLES if inputs else 1):
        oracle = brute_force(rule, [np.array(array[sample], dtype=object) for array in inputs], sizes)
        for array, expected in zip(found, oracle.results(), strict=True):
            actual = array[sample] if inputs else array
            assert np.array_equal(np.array(actual, dtype=object), expected), str(rule)
        if not rule.sizes and all(d.type.kind != "rat" for d in rule.inputs):
            types = infer(rule)
            for (name, _), value in oracle.known.items():
                kind = types.inferred[name]
                scaled = value * 2**kind.exponent
                assert scaled.denominator == 1
                assert kind.values is None or int(scaled) in kind.values


HEADER = "x: bit[4], s: spin[5], u: trit[2, 3], n: int[-3..5], v: int[-9..9][3], r: rat[3], w: int, h: int[0..2][4]"
EXPRESSIONS = [
    "7",
    "-0.375",
    "123456789012345678901234567890",
    "n",
    "v[1] + v[2] - n",
    "-v[0] * v[1] * n",
    "v[0] % 4 - n % 7",
    "x[0] and x[1] or not x[2] xor x[3]",
    "v[0] < n",
    "v[0] <= v[1] < v[2]",
    "v[0] == v[1] or n != 3 and n >= v[2]",
    "r[0] < 0.3 <= r[1]",
    "sign(v[0]) + sign(r[1])",
    "abs(n) - abs(r[2])",
    "relu(v[0]) + relu(-r[0])",
    "min(v[0], n, 2)",
    "max(r[0], n, 0.5)",
    "if x[0] then v[0] else if n > 0 then r[0] else 0.25",
    "0.1 * v[0] + 1e-20 * v[1] - 3e10 * r[0]",
    "w + w",
    "w * w * w - w",
    "if w > 0 then w * w else -w",
    "abs(w) % 1000",
    "w * 0.5 < r[0]",
    "x[h[0]] + v[h[1]]",
    "v[(n + 3) % 3]",
    "u[h[0] % 2, h[1]]",
    "pad(v, -7)[n] + pad(v, 0.5)[h[0] + 1]",
    "pad(u, 3)[h[0], h[1] - h[2]]",
    "sum(i < 3: v[i])",
    "sum(i < 3: 0.25 * v[i])",
    "sum(i < 3, j < 2: v[i] * u[j, i])",
    "sum(i < 3, j < i + 1: v[j] * (i - 2 * j))",
    "sum(i < 3: sum(j < i: v[j]))",
    "sum(2 <= i < 2: v[i]) - 1",
    "sum(i < 3: w * v[i])",
    "any(i < 4: x[i])",
    "all(i < 4: x[i])",
    "any(i < 0: x[i]) or all(i < 0: x[i])",
    "sum(i < 3: any(j < i: x[j]))",
    "sum(i < 3: 2 * all(j < i: x[j]))",
    "min(i < 3: v[i])",
    "max(i < 3, j in -1..1: v[i] * j)",
    "min(i < 3: max(j < i + 1: v[j]))",
    "max(i < 3: w * v[i])",
    "argmax(i < 3: v[i])",
    "argmax(i < 5: s[i])",
    "argmax(1 <= i < 3: w * v[i])",
    "sum(i < 3: argmax(j < i + 1: v[j]))",
    "argmax(j < 3: r[j])",
    "sum(di in -1..1, dj in -1..1: u[(0 + di) % 2, (1 + dj) % 3])",
]


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_expressions(text: str, brute_force: Any) -> None:
    agree(parse(f"rule f({HEADER}) -> (y: rat) {{ y = {text} }}"), brute_force)


STATEMENTS = [
    "y[i < 3, j < 3] = v[i] - v[j]",
    "y[i < 3] = sum(j < 3: v[j]) + i",
    "y[i < 3] = if x[0] then i else v[i]",
    "y[i < 2] = 5  y[2] = v[0]  y[3 <= i < 6] = i * n",
    "y[i < 3, i <= j < 3] = v[i]  y[i < 3, j < i] = -y[j, i]  y[3, j < 3] = 0",
    "y[i < 3] = d[i] + d[2 - i]  d[i < 3] = e[i] * 2  e[i < 3] = v[i] + 1",
    "y[i < 3] = v[i] + pad(y, 0)[i - 1]",
    "y[i < 3, j < 3] = v[j] + pad(y, 1)[i - 1, j] - pad(y, 0)[i, j - 1]",
    "y[t < 5, i < 4] = a[t, i]  a[0, i < 4] = x[i]  a[1 <= t < 5, i < 4] = a[t - 1, i] xor a[t - 1, (i + 1) % 4]",
    "y[0, i < 3] = v[i]  y[1 <= t < 4, i < 3] = sum(j < 3: W[i, j] * y[t - 1, j])  const W: int[3, 3] = "
    "[[1, -2, 0], [3, 0, 1], [0, 0, -1]]",
    "y[0] = n  y[1 <= i < 6] = sum(k < i: y[k])",
    "y[t < 4] = a[t] + b[t]  a[0] = n  a[1 <= t < 4] = b[t - 1] + 1  b[t < 4] = a[t] * 2",
    "y[t < 4] = a[t]  a[t < 4] = 1 - pad(b, 0)[t - 2]  b[t < 4] = a[t] + pad(b, 0)[t - 1]",
    "y[0] = 1  y[1 <= i < 70] = 2 * y[i - 1]",
    "y[0] = 1  y[1 <= i < 60] = y[i - 1] + 0.5 * n",
    "y[i < 3] = sum(k < 3: W[i, k] * v[k])  const W: rat[3, 3] = [[0.1, 1e-9, -3], [1e9, 0, 0.5], [0, 0, 0]]",
    "y[i < 3] = sum(k < 4: x[k] * W[k, i])  const W: int[4, 3] = "
    "[[9223372036854775807, 1, 0], [9223372036854775807, 0, 1], [-9223372036854775808, 3, 1], [1, 1, 1]]",
    "y[i < 2] = sum(k < 3: W[where[i], k] * v[k])  const W: int[3, 3] = [[1, 2, 3], [4, 5, 6], [7, 8, 9]] "
    "const where: int[2] = [2, 0]",
    "y[i < 3] = sum(k < count[i]: W[first[i] + k] * v[k])  const count: int[3] = [2, 0, 3] "
    "const first: int[3] = [0, 2, 2]  const W: int[5] = [1, -2, 3, 5, -7]",
    "y[i < 3] = sum(j < 2: sum(k < 3: W[j, k] * v[k]) * u[j, i])  const W: int[2, 3] = [[1, 2, 3], [4, 5, 6]]",
    "y = c * n + z  const c: rat = 0.75  const z: int = 5",
    "y[0] = n  y[1 <= t < 1] = y[t - 1]",
]


@pytest.mark.parametrize("text", STATEMENTS)
def test_statements(text: str, brute_force: Any) -> None:
    constants = " ".join(part for part in _split(text) if part.startswith("const"))
    body = " ".join(part for part in _split(text) if not part.startswith("const"))
    source = f"rule f({HEADER}) -> (y: rat{{shape}}) {{{{ {constants} {body} }}}}"
    shape = infer(parse(source.format(shape=""))).shape["y"]
    rule = parse(source.format(shape=str(list(shape)) if shape else ""))
    assert verify(rule) == []
    agree(rule, brute_force)


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.replace("const ", "  const ").split("  ") if part.strip()]


@pytest.mark.parametrize("shape", [(3, 3), (3, 5), (4, 7)])
def test_sizes(shape: tuple[int, int], brute_force: Any) -> None:
    rule = parse(
        "rule life<H, W>(cell: bit[H, W]) -> (next: bit[H, W], most: int) {\n"
        "  near[i < H, j < W] = sum(di in -1..1, dj in -1..1: cell[(i + di) % H, (j + dj) % W])\n"
        "  next[i < H, j < W] = 5 <= 2 * near[i, j] - cell[i, j] <= 7\n"
        "  most = max(i < H, j < W: near[i, j] * (W - 1))\n}"
    )
    agree(rule, brute_force, [shape])


@pytest.mark.parametrize("seed", range(150))
def test_random_rules(seed: int, brute_force: Any) -> None:
    rule = rule_from_seed(seed, Limits(reals=0.0))
    shapes = [tuple(int(_extent(e, 1 + seed % 4)) for e in d.type.shape) for d in rule.inputs]
    agree(rule, brute_force, shapes, seed)


def _extent(expr: Expr, size: int) -> int:
    from ddcompile.ir.affine import affine_of

    form = affine_of(expr)
    assert form is not None
    return int(form.evaluate(dict.fromkeys(form.names, size)))


ADD = parse("rule f(x: bit[3]) -> (y: int[0..3], z: bit[3]) { y = sum(i < 3: x[i]) z[i < 3] = not x[i] }")


@pytest.mark.parametrize("batch", [(), (0,), (1,), (7,), (2, 3), (2, 0, 3)])
def test_any_batch_shape(batch: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).integers(0, 2, (*batch, 3))
    y, z = interpret(ADD, [x])
    assert y.dtype == np.int64
    assert z.dtype == np.uint8
    assert (y == x.sum(-1)).all()
    assert (z == 1 - x).all()
    assert y.shape == batch
    assert z.shape == (*batch, 3)


def test_inputs_are_validated() -> None:
    with pytest.raises(CompileError, match=r"A005.*`x\[2\]` of sample 1 is 2"):
        interpret(ADD, [[[0, 0, 0], [0, 1, 2]]])


def test_a_rule_without_inputs_has_no_batch() -> None:
    (y,) = interpret(parse("rule f() -> (y: int[3]) { y[i < 3] = i * i }"), [])
    assert y.tolist() == [0, 1, 4]


def test_inputs_are_left_alone() -> None:
    x = np.array([0, 1, 1], dtype=np.uint8)
    x.flags.writeable = False
    interpret(ADD, [x])
    assert x.tolist() == [0, 1, 1]


def test_the_exponent_of_rat_inputs_is_that_of_the_samples() -> None:
    rule = parse("rule f(x: rat[2]) -> (y: rat, z: bit) { y = x[0] * x[1] + 1 z = x[0] > x[1] }")
    y, z = interpret(rule, [[[0.5, 3], [Fraction(1, 2**80), Fraction(1, 2**81)], [2**70, -1]]])
    assert y.tolist() == [Fraction(5, 2), 1 + Fraction(1, 2**161), 1 - 2**70]
    assert z.tolist() == [0, 1, 1]


@pytest.mark.parametrize("kind", ["bit", "spin", "int[-99999999999..99999999999]"])
@pytest.mark.parametrize("weights", ["int", "rat", "wide"])
def test_dense_layers_are_exact(kind: str, weights: str) -> None:
    rng = np.random.default_rng(3)
    matrix: np.ndarray = rng.integers(-9, 10, (40, 30))
    if weights == "rat":
        matrix = rng.normal(size=(40, 30))
    elif weights == "wide":
        matrix = matrix.astype(object) * 10**25 + rng.integers(0, 2**60, (40, 30))
    rule = parse(f"rule f(x: {kind}[30]) -> (y: rat[40]) {{ y[u < 40] = sum(k < 30: W[u, k] * x[k]) }}")
    rule = Rule(rule.name, rule.inputs, rule.outputs, rule.statements, (Constant.of("W", matrix),))
    x = random_values(rng, rule.inputs[0].type, (6, 30))
    exact = np.array([[Fraction(v) if weights == "rat" else int(v) for v in row] for row in matrix.tolist()])
    (y,) = interpret(rule, [x])
    assert (y == x @ exact.T).all()


def test_large_batches_take_bounded_memory() -> None:
    rule = parse(
        "rule f(x: bit[100]) -> (y: bit[100]) {\n"
        "  d[i < 100, j < 100] = x[i] - x[j]\n"
        "  y[i < 100] = sum(j < 100: d[i, j]) > 0\n}"
    )
    x = np.random.default_rng(0).integers(0, 2, (3000, 100), dtype=np.uint8)
    tracemalloc.start()
    (y,) = interpret(rule, [x])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (y == (100 * x.astype(int) - x.sum(1, keepdims=True) > 0)).all()
    assert peak < 256 * 2**20


def test_large_reductions_are_cut_into_blocks() -> None:
    rule = parse("rule f(x: bit[9, 9]) -> (y: int[40]) { y[i < 40] = sum(j < 9, k < 9, l < 40: x[j, k] * (i - l)) }")
    x = np.random.default_rng(0).integers(0, 2, (300, 9, 9))
    (y,) = interpret(rule, [x])
    expected = x.sum((1, 2))[:, None] * (40 * np.arange(40) - 780)
    assert (y == expected).all()


def _deep(kind: str) -> Expr:
    expr: Expr = Read("x")
    for k in range(4000):
        match kind:
            case "left":
                expr = Binary("-", expr, Literal(k % 2))
            case "right":
                expr = Binary("-", Literal(k % 2), expr)
            case _:
                expr = Reduce("sum", (Binder(f"i{k}", Literal(0), Literal(1)),), expr)
    return expr


@pytest.mark.parametrize(("kind", "expected"), [("left", [-2000, -1999]), ("right", [2000, 2001]), ("nested", [0, 1])])
def test_depth_meets_no_limit(kind: str, expected: list[int]) -> None:
    inputs = (Declaration("x", Type("bit")),)
    rule = Rule("f", inputs, (Declaration("y", Type("int")),), (Statement("y", (), _deep(kind)),))
    assert interpret(rule, [[0, 1]])[0].tolist() == expected


def test_a_sum_that_does_not_depend_on_an_index_around_it_takes_bounded_memory() -> None:
    rule = parse(
        "rule f(x: bit[200]) -> (y: bit[200]) {\n"
        "  d[i < 200, u < 200] = sum(k < 200: W[u, k] * x[k]) > i - 100\n"
        "  y[u < 200] = all(i < 50: d[i, u])\n}"
    )
    weights = np.random.default_rng(0).integers(-9, 10, (200, 200))
    rule = Rule(rule.name, rule.inputs, rule.outputs, rule.statements, (Constant.of("W", weights),))
    x = np.random.default_rng(1).integers(0, 2, (20, 200))
    tracemalloc.start()
    (y,) = interpret(rule, [x])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (y == (x @ weights.T > -51)).all()
    assert peak < 256 * 2**20
