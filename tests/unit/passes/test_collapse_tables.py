"""Units are written from their tables, whatever they were made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import product

import numpy as np
import pytest

import ddcompile as dd
from ddcompile.analysis.cost import cost
from ddcompile.frontends.network import Layer, Network
from ddcompile.ir.nodes import Rule
from ddcompile.ir.parser import parse
from ddcompile.passes.collapse_tables import CollapseTables
from ddcompile.prove.checker import check_step
from ddcompile.testing.networks import network_of
from ddcompile.testing.structures import STRUCTURES
from ddcompile.testing.structures.cones import table
from ddcompile.testing.structures.layers import steps


def dense(network: Network, inputs: str, outputs: str | None = None) -> Rule:
    return dd.distill(network, inputs, outputs, passes="exact-thresholds", name="f").rule


@pytest.mark.parametrize(
    ("inputs", "count", "function", "text"),
    [
        (
            "x: bit[5]",
            5,
            lambda *x: sum(x) >= 3,
            """rule f(x: bit[5]) -> (y: bit) {
  const weight_sum_of_y: int[5] = [1, 1, 1, 1, 1]
  sum_of_y = sum(i < 5: weight_sum_of_y[i] * x[i])
  y = sum_of_y >= 3
}""",
        ),
        (
            "s: bit[2], x: bit[4]",
            6,
            lambda a, b, *x: x[2 * a + b],
            """rule f(s: bit[2], x: bit[4]) -> (y: bit) {
  y = x[2 * s[0] + s[1]]
}""",
        ),
        (
            "x: bit[6], a: bit",
            7,
            lambda *x: sum(x[:6]) in (1, 4, 5) and not x[6],
            """rule f(x: bit[6], a: bit) -> (y: bit) {
  const weight_sum_of_y: int[6] = [1, 1, 1, 1, 1, 1]
  sum_of_y = sum(i < 6: weight_sum_of_y[i] * x[i])
  y = (sum_of_y == 1 or 4 <= sum_of_y <= 5) > a
}""",
        ),
    ],
)
def test_applies(inputs: str, count: int, function: Callable[..., bool], text: str) -> None:
    rule = dense(table(count, lambda row: bool(function(*row))), inputs, "y: bit")
    rewrite = CollapseTables()(rule)
    assert str(rewrite.rule) == text
    assert check_step(rule, rewrite.rule, rewrite.witness).status == "proved"
    assert CollapseTables()(rewrite.rule).rule == rewrite.rule, "not idempotent"


def test_every_element_of_a_tensor_is_one_function_of_sums_of_its_own() -> None:
    structure = STRUCTURES["life_tables"].build(4)
    rule = dense(structure.plain, structure.inputs, structure.outputs)
    rewrite = CollapseTables()(rule)
    assert "next[i < 4, j < 4] = 5 <= sum_of_next[i, j] <= 7" in str(rewrite.rule)
    assert cost(rewrite.rule) < cost(rule) / 100
    assert check_step(rule, rewrite.rule, rewrite.witness).status == "proved"


def _units(functions: Sequence[Callable[..., bool]], count: int) -> Network:
    """Units by their functions, each an `or` of rows of the table of all inputs."""
    rows = list(product((0, 1), repeat=count))
    first = steps(2 * np.array(rows) - 1, [sum(row) for row in rows])
    return Network((first, steps(np.array([[int(f(*row)) for row in rows] for f in functions]), 1)))


def _number(*bits: int) -> int:
    return sum(bit << k for k, bit in enumerate(reversed(bits)))


@pytest.mark.parametrize(
    ("size", "function", "text"),
    [
        (16, lambda u, *s: _number(*s) == u, "8 * s[0] + 4 * s[1] + 2 * s[2] + s[3] == i"),
        (8, lambda u, *s: _number(*s) == u + 3, "8 * s[0] + 4 * s[1] + 2 * s[2] + s[3] == i + 3"),
        (8, lambda u, *s: not s[2] and _number(s[0], s[1], s[3]) == 7 - u,
         "not s[2] and 4 * s[0] + 2 * s[1] + s[3] == 7 - i"),
        (8, lambda u, *s: _number(*s) > u + 3, "8 * s[0] + 4 * s[1] + 2 * s[2] + s[3] >= i + 4"),
        (15, lambda u, *s: _number(*s) <= u, "8 * s[0] + 4 * s[1] + 2 * s[2] + s[3] <= i"),
        (16, lambda u, *s: abs(_number(*s) - u) <= 1, "i - 1 <= 8 * s[0] + 4 * s[1] + 2 * s[2] + s[3] <= i + 1"),
        (5, lambda u, *s: sum(s) == u, "s[0] + s[1] + s[2] + s[3] == i"),
    ],
)  # fmt: skip
def test_units_compare_a_number_with_their_place(size: int, function: Callable[..., bool], text: str) -> None:
    rule = dense(_units([partial(function, u) for u in range(size)], 4), "s: bit[4]")
    rewrite = CollapseTables()(rule)
    assert str(rewrite.rule) == f"rule f(s: bit[4]) -> (y: bit[{size}]) {{\n  y[i < {size}] = {text}\n}}"
    assert check_step(rule, rewrite.rule, rewrite.witness).status == "proved"
    assert CollapseTables()(rewrite.rule).rule == rewrite.rule, "not idempotent"


@pytest.mark.parametrize(
    ("size", "function", "lines"),
    [
        (16, lambda u, *s: _number(*s) == u and u != 7,
         ["y[i < 16] = if i == 7 then 0 else 8 * s[0] + 4 * s[1] + 2 * s[2] + s[3] == i"]),
        (16, lambda u, *s: abs(_number(*s) - u) <= 1 + (u == 6),
         ["odd_y = not -2 <= sum_of_odd_y <= 2",
          "y[i < 16] = if i == 6 then odd_y else i - 1 <= 8 * s[0] + 4 * s[1] + 2 * s[2] + s[3] <= i + 1"]),
        (16, lambda u, *s: s[0] and s[2] if u in (3, 15) else _number(*s) == u,
         ["y[i < 15] = if i == 3 then s[0] + s[2] >= 2 else 8 * s[0] + 4 * s[1] + 2 * s[2] + s[3] == i",
          "y[15] = s[0] + s[2] >= 2"]),
        (8, lambda u, *s: s[3] if u == 0 else _number(*s) > u + 3,
         ["y[1 <= i < 8] = 8 * s[0] + 4 * s[1] + 2 * s[2] + s[3] >= i + 4", "y[0] = s[3]"]),
    ],
)  # fmt: skip
def test_a_few_units_are_others(size: int, function: Callable[..., bool], lines: list[str]) -> None:
    rule = dense(_units([partial(function, u) for u in range(size)], 4), "s: bit[4]")
    rewrite = CollapseTables()(rule)
    text = str(rewrite.rule).splitlines()[1:-1]
    assert [line.strip() for line in text if "sum(" not in line and "const" not in line] == lines
    assert check_step(rule, rewrite.rule, rewrite.witness).status == "proved"
    assert CollapseTables()(rewrite.rule).rule == rewrite.rule, "not idempotent"
    before = CollapseTables(borders=0)(rule).rule
    assert "==" not in str(before)
    assert "<=" not in str(before)


@pytest.mark.parametrize(
    "function",
    [
        lambda u, *s: _number(*s) == (5 * u + 3) % 16,  # no affine order
        lambda u, *s: _number(*s) == u and u % 4,  # as many as four are others
    ],
)
def test_units_that_are_no_numbers(function: Callable[..., bool]) -> None:
    rule = dense(_units([partial(function, u) for u in range(16)], 4), "s: bit[4]")
    assert "==" not in str(CollapseTables()(rule).rule)
    assert "<=" not in str(CollapseTables()(rule).rule)


@pytest.mark.parametrize(
    ("functions", "text"),
    [
        (
            [lambda *x, u=u: bool(x[u + 3]) and sum(x[: u + 3]) >= 3 for u in range(3)],
            """rule f(x: bit[7]) -> (y: bit[3]) {
  const weight_sum_of_y: int[3, 7] = [[1, 1, 1, 0, 0, 0, 0], [1, 1, 1, 1, 0, 0, 0], [1, 1, 1, 1, 1, 0, 0]]
  sum_of_y[i < 3] = sum(j < 7: weight_sum_of_y[i, j] * x[j])
  y[i < 3] = sum_of_y[i] >= 3 and x[i + 3]
}""",
        ),
        (
            [lambda *x, u=u: 2 * sum(x[: u + 4]) > u + 4 for u in range(3)],
            """rule f(x: bit[7]) -> (y: bit[3]) {
  const weight_y2: int[3, 7] = [[1, 1, 1, 1, 0, 0, 0], [1, 1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 1, 0]]
  const bound_y: int[3] = [3, 3, 4]
  y[i < 3] = sum(j < 7: weight_y2[i, j] * x[j]) >= bound_y[i]
}""",
        ),
        (
            [lambda *x, u=u: sum(x[: u + 4]) == 2 * u + 1 for u in range(3)],
            """rule f(x: bit[7]) -> (y: bit[3]) {
  const weight_sum_of_y: int[3, 7] = [[1, 1, 1, 1, 0, 0, 0], [1, 1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 1, 0]]
  sum_of_y[i < 3] = sum(j < 7: weight_sum_of_y[i, j] * x[j])
  y[i < 3] = sum_of_y[i] == 2 * i + 1
}""",
        ),
        (
            [lambda *x, u=u: bool(x[2 * u + (u == 1)]) != (x[5] + x[6] > 0) for u in range(3)],
            """rule f(x: bit[7]) -> (y: bit[3]) {
  const weight_sum_of_y: int[3, 7] = [[0, 0, 0, 0, 0, 1, 1], [0, 0, 0, 0, 0, 1, 1], [0, 0, 0, 0, 0, 1, 1]]
  const weight_bit_of_y: int[3, 7] = [[1, 0, 0, 0, 0, 0, 0], [0, 0, 0, 1, 0, 0, 0], [0, 0, 0, 0, 1, 0, 0]]
  sum_of_y[i < 3] = sum(j < 7: weight_sum_of_y[i, j] * x[j])
  bit_of_y[i < 3] = sum(j < 7: weight_bit_of_y[i, j] * x[j]) >= 1
  y[i < 3] = sum_of_y[i] >= 1 xor bit_of_y[i]
}""",
        ),
    ],
)
def test_elements_are_one_function_of_sums_of_any_length(functions: Sequence[Callable[..., bool]], text: str) -> None:
    rule = dense(_units(functions, 7), "x: bit[7]")
    rewrite = CollapseTables()(rule)
    assert str(rewrite.rule) == text
    assert check_step(rule, rewrite.rule, rewrite.witness).status == "proved"
    assert CollapseTables()(rewrite.rule).rule == rewrite.rule, "not idempotent"


def test_an_element_that_lacks_an_input_is_a_run_of_its_own_where_borders_are_not_looked_for() -> None:
    functions = [lambda *x, u=u: bool(x[u + 3]) and sum(x[: u + 3]) >= 3 for u in range(4)]
    rewrite = CollapseTables(borders=0)(dense(_units(functions, 7), "x: bit[7]"))
    assert str(rewrite.rule) == """rule f(x: bit[7]) -> (y: bit[4]) {
  const weight_sum_of_y: int[7] = [1, 1, 1, 1, 0, 0, 0]
  const weight_sum_of_y2: int[3, 7] = [[1, 1, 1, 1, 0, 0, 0], [1, 1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 1, 0]]
  sum_of_y = sum(i < 7: weight_sum_of_y[i] * x[i])
  y[0] = sum_of_y >= 4
  sum_of_y2[i < 3] = sum(j < 7: weight_sum_of_y2[i, j] * x[j])
  y[1 <= i < 4] = sum_of_y2[i - 1] >= 3 and x[i + 3]
}"""


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (lambda total, here: total == 3 or (here and total == 4), "5 <= sum_of_y[i] <= 7"),  # of 2 * total - here
        (lambda total, here: total % 2 == 1, "sum_of_y[i] % 2"),
    ],
)
@pytest.mark.parametrize("pad", [0, 1])
def test_elements_at_borders_are_the_function_of_those_inside(
    function: Callable[[int, int], bool], text: str, pad: int
) -> None:
    def unit(k: int, *x: int) -> bool:
        near = (x[p] if 0 <= p < 9 else pad for p in range(k - 2, k + 3))
        return bool(function(sum(near), x[k]))

    rule = dense(_units([partial(unit, k) for k in range(9)], 9), "x: bit[9]")
    rewrite = CollapseTables()(rule)
    assert f"  y[i < 9] = {text}\n" in str(rewrite.rule)
    assert ("bias" in str(rewrite.rule)) == bool(pad)
    assert check_step(rule, rewrite.rule, rewrite.witness).status == "proved"


@pytest.mark.parametrize("is_ring", [False, True])
def test_elements_that_are_others_among_some_of_one_function(is_ring: bool) -> None:
    """A border with a function of its own, and an element inside that reads far ones."""

    def unit(k: int, *x: int) -> bool:
        near = sum(x[p % 8] for p in range(k - 1, k + 2) if is_ring or 0 <= p < 8)
        if k == 4:
            return x[0] + x[2] + x[7] >= 2
        return near == 1 if k else near == 2

    rule = dense(_units([partial(unit, k) for k in range(8)], 8), "x: bit[8]")
    rewrite = CollapseTables()(rule)
    text = str(rewrite.rule)
    assert "  y[1 <= i < 8] = if i == 4 then odd_y2 else sum_of_y[i] == 1\n" in text
    assert "  y[0] = " in text
    assert "layer1" not in text
    assert check_step(rule, rewrite.rule, rewrite.witness).status == "proved"
    assert CollapseTables()(rewrite.rule).rule == rewrite.rule, "not idempotent"
    assert "y[1 <= i < 8] =" not in str(CollapseTables(borders=0)(rule).rule)


def test_odd_elements_that_are_signs() -> None:
    """Long weights, so that it is shorter to write all elements as one family and one that is odd."""
    big = 2**1000
    rule = parse(f"""rule f(x: spin[3]) -> (y: trit[4]) {{
      const w: int[4] = [{big}, {-big}, {-big}, {-big}]
      const b: int[4] = [-1, 1, -33, -33]
      near = relu(-x[0] - x[2] - 1.5)
      y[u < 4] = sign(w[u] * near + b[u])
    }}""")
    rewrite = CollapseTables()(rule)
    assert "if i == 1 then sign(x[0] + x[2] + 1) else" in str(rewrite.rule)
    assert check_step(rule, rewrite.rule, rewrite.witness).status == "proved"


def test_an_odd_element_that_has_no_expression_stays_what_it_was() -> None:
    rng = np.random.default_rng(5)
    pairs = np.eye(10, dtype=int) + np.eye(10, k=1, dtype=int)
    pairs[9, 0] = 1
    first = steps(np.array([*pairs, *pairs, *rng.integers(-3, 4, (8, 10))]), [1] * 10 + [2] * 10 + [1] * 8)
    second = np.concatenate([np.eye(10, dtype=int), -np.eye(10, dtype=int), np.zeros((10, 8), dtype=int)], axis=1)
    second[4] = [*[0] * 20, *rng.integers(-3, 4, 8)]
    rule = dense(Network((first, steps(second, [1] * 10))), "x: bit[10]", None)
    rewrite = CollapseTables()(rule)
    text = str(rewrite.rule)
    assert "odd_y = sum(i < 28: weight_odd_y[i] * layer1[i]) >= 1" in text
    assert "y[i < 10] = if i == 4 then odd_y else sum_of_y[i] == 1" in text
    assert check_step(rule, rewrite.rule, rewrite.witness).status == "proved"


def test_many_elements_that_are_others_are_no_exceptions() -> None:
    def unit(k: int, *x: int) -> bool:
        near = sum(x[p] for p in range(k - 1, k + 2) if 0 <= p < 9)
        return x[(5 * k + 2) % 9] + x[(k + 4) % 9] + x[(2 * k + 7) % 9] >= 2 if k % 3 == 1 else near == 1

    rewrite = CollapseTables()(dense(_units([partial(unit, k) for k in range(9)], 9), "x: bit[9]"))
    assert "sum_of_y[i] == 1" not in str(rewrite.rule)


@pytest.mark.parametrize(
    "functions",
    [
        [lambda *x, u=u: sum(x[: u + 4]) in ((1,), (0, 2), (4,), (0, 3))[u] for u in range(4)],  # four runs
        [lambda *x, u=u: x[0] & x[1] ^ x[2] & x[3] ^ x[4] & x[5] ^ x[6] & (u > 1) for u in range(4)],  # many sums
    ],
)
def test_elements_that_have_no_expression_in_common(functions: Sequence[Callable[..., bool]]) -> None:
    rule = dense(_units(functions, 7), "x: bit[7]")
    assert CollapseTables()(rule).rule == rule


def test_counts_of_many_inputs_are_never_written_out() -> None:
    ones = np.kron(np.eye(2, dtype=np.int64), np.ones((1, 40), dtype=np.int64))
    # The first count is 7, 8, 9 or more, unless the second is below 20.
    first = steps(np.concatenate([ones[:1], ones[:1], ones[1:]]), [7, 10, 20])
    network = Network((first, steps(np.array([[1, -1, 1]]), 2)))
    rule = dense(network, "x: bit[40], z: bit[40]", "y: bit")
    rewrite = CollapseTables(inputs=80)(rule)
    assert "y = sum_of_y >= 20 and 7 <= sum_of_y2 <= 9" in str(rewrite.rule)
    assert check_step(rule, rewrite.rule, rewrite.witness).status == "proved"
    assert CollapseTables(inputs=79)(rule).rule == rule


def random_table(seed: int, count: int) -> Network:
    rng = np.random.default_rng(seed)
    values = dict(zip(product((0, 1), repeat=count), rng.integers(0, 2, 2**count).tolist(), strict=True))
    return table(count, lambda row: bool(values[row]))


WIDE = steps(np.array([[1, 2, 4, 8, 16, 32, 64, 31, 7, 3]]), 60)
TIED = Layer(np.array([[1, -1], [1, 1]]), np.zeros(2), "sign")
COPIES = steps(np.eye(3, dtype=np.int64), 1)


WIDE = steps(np.array([[1, 2, 4, 8, 16, 32, 64, 31, 7, 3]]), 60)
TIED = Layer(np.array([[1, -1], [1, 1]]), np.zeros(2), "sign")
COPIES = steps(np.eye(3, dtype=np.int64), 1)


@pytest.mark.parametrize(
    ("network", "inputs"),
    [
        # No short expression, and a table of all rows is longer than few units.
        (Network((WIDE, steps(np.array([[1]]), 1))), "x: bit[10]"),
        # Signs may be 0, which is no bit.
        (Network((TIED, Layer(np.array([[1, 1]]), np.zeros(1), "sign"))), "x: bit[2]"),
        # More values than a table could have rows.
        (Network((steps(np.array([[1, 1]]), 1), steps(np.array([[1]]), 1))), "x: int[2]"),
        # Two functions.
        (Network((COPIES, steps(np.array([[1, 1, 1], [1, 1, -1]]), [2, 1]))), "x: bit[3]"),
    ],
)
def test_declines(network: Network, inputs: str) -> None:
    rule = dense(network, inputs)
    assert CollapseTables()(rule).rule == rule


def test_long_tables_are_not_looked_up_by_many_elements() -> None:
    rule = parse(
        """rule f(x: bit[6, 6]) -> (y: bit[6, 6]) {
  h[i < 6, j < 6] = x[i, j] xor x[i, (j + 1) % 6]
  y[i < 6, j < 6] = sum(a in -1..1, b in -1..1: h[(i + a) % 6, (j + b) % 6]) >= 5
}"""
    )
    program = dd.distill(network_of(rule), "x: bit[6, 6]", "y: bit[6, 6]", passes="forward,combine,narrow")
    assert cost(program.rule) > 5000
    assert CollapseTables()(program.rule).rule == program.rule


def test_a_table_is_looked_up_where_that_is_shortest() -> None:
    rule = dense(random_table(1, 7), "x: bit[7]", "y: bit")
    rewrite = CollapseTables()(rule)
    assert cost(rewrite.rule) < cost(rule) / 2
    assert check_step(rule, rewrite.rule, rewrite.witness).status == "proved"


@pytest.mark.parametrize("low", [2**31, 2**53 + 1, -(2**62) - 1, 2**80])
def test_inputs_of_large_values(low: int) -> None:
    """Doubles do not tell neighbours apart: what is written is right all the same."""
    first = Layer(np.array([[1, -1, 0], [1, -2, 1], [2, -1, -1]]), np.zeros(3), "step")
    second = Layer(np.array([[1, 1, 1], [1, -1, 0], [1, 1, -1]]), np.array([-1, 0, -1]), "step")
    program = dd.distill(Network((first, second)), f"x: int[{low}..{low + 2}][3]")
    assert program.verdict
    for x in product(range(3), repeat=3):
        hidden = first.dense_weight() @ np.array(x) > 0  # the least values cancel
        expected = second.dense_weight() @ hidden + second.bias > 0
        assert program(np.array([low + v for v in x], dtype=object)).tolist() == expected.astype(int).tolist()
