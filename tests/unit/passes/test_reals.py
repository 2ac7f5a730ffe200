"""Passes on programs with reals: what rounds is left as it is, what is exact inside of it is not."""

from __future__ import annotations

import numpy as np
import pytest

from ddcompile.interpreter import interpret
from ddcompile.ir.parser import parse
from ddcompile.passes.fold import Fold
from ddcompile.passes.inline import Inline
from ddcompile.passes.pipeline import PASSES, run
from ddcompile.prove.checker import check_step

HEADER = "rule f(x: real[4], b: bit[4], n: int[-9..9]) -> (y: real) {\n"
# what each would become if reals were rationals
LEFT_ALONE = {
    "additions": ["y = x[0] + 0", "y = x[0] + 1 + 2", "y = x[0] - x[0]", "y = 2 - (1 - x[0])"],
    "products": ["y = 0 * x[0]", "y = 2 * (3 * x[0])", "y = -(x[0] - x[1])", "y = -1 * x[0]", "y = x[0] * 1"],
    "extremes": ["y = max(0, x[0])", "y = min(1, x[0], 2)", "y = min(i < 1: x[i])"],
    "sums": [
        "y = sum(i < 1: x[i])",
        "y = sum(i < 4: 2 * x[i])",
        "y = sum(i < 4: -x[i])",
        "y = sum(i < 2: sum(j < 2: x[2 * i + j]))",
        "y = sum(i < 4: x[(i + 1) % 4])",
    ],
    "comparisons": ["y = x[0] - x[1] > 0", "y = not x[0] > 1", "y = 2 * x[0] >= 2"],
    "constants": [
        "const w: real[4] = [0.5, 0.25, 0.5, 3]\ny = w[0] * n",
        "const w: real[4] = [0.5, 0.5, 0.5, 0.5]\ny = sum(i < 4: w[i] * b[i])",
        "const w: rat[4] = [0.5, 0.5, 0.5, 0.5]\ny = sum(i < 4: w[i] * x[i])",
    ],
    "functions": ["y = exp(n) * exp(-n)", "y = real(1) + 1", "y = if exp(n) > 0 then n else 0"],
    "units": [
        "const w: rat[2, 4] = [[0.1, 0.2, 0, 0], [0.1, 0.2, 0, 0]]\n"
        "h[u < 2] = sum(i < 4: w[u, i] * x[i]) > 0\ny = h[0] + h[1]",
        "const w: real[2, 4] = [[0.1, 0.2, 0, 0], [0.1, 0.2, 0, 0]]\n"
        "h[u < 2] = sign(sum(i < 4: w[u, i] * b[i]))\ny = h[0] + h[1]",
    ],
    "softmax": ["p[u < 4] = softmax(i < 4: x[i])[u]\ny = sum(u < 4: p[u] * n)"],
}
INPUTS = [
    np.array([[0.1, 0.2, 0.3, -0.7], [-0.0, 0.0, -0.0, 1.0], [1e308, -1e308, 1e308, 5e-324], [0.3, 0.1, 0.2, 0.6]]),
    np.array([[1, 0, 1, 1], [0, 0, 0, 0], [1, 1, 1, 1], [0, 1, 0, 1]]),
    np.array([3, 0, -9, 9]),
]


def same(text: str, other: str) -> bool:
    (first,), (second,) = interpret(parse(text), INPUTS), interpret(parse(other), INPUTS)
    return bool(np.array_equal(first.view(np.int64), second.view(np.int64)) or str(first) == str(second))


@pytest.mark.parametrize("compared", ["0 * x[0] >= 0", "n + 0 * x[0] >= 9", "n + x[0] - x[0] >= 9"])
def test_zero_times_a_real_is_not_left_out_of_what_is_compared(compared: str) -> None:
    """It is no number where the real is infinite."""
    rule = parse(f"{HEADER}y = ({compared}) > (1 * x[1] >= 0.3)\n}}")
    assert compared in str(Fold()(rule).rule)


@pytest.mark.parametrize("name", PASSES)
@pytest.mark.parametrize("family", LEFT_ALONE)
def test_every_pass_keeps_every_bit(family: str, name: str) -> None:
    for body in LEFT_ALONE[family]:
        text = f"{HEADER}{body}\n}}"
        rewrite = PASSES[name]()(parse(text))
        assert same(text, str(rewrite.rule)), (text, str(rewrite.rule))
        step = check_step(parse(text), rewrite.rule, rewrite.witness)
        assert step, (text, str(rewrite.rule), str(step))


@pytest.mark.parametrize(
    ("name", "body", "result"),
    [
        ("fold", "y = exp(n + 0) + x[1 + 2] * (2 * 3)", "  y = exp(n) + x[3] * 6"),
        ("fold", "y = softmax(i < 4: n * 1 + i)[1 + 1]", "  y = softmax(i < 4: n + i)[2]"),
        (
            "cse",
            "y = tanh(x[0] * x[1] + n) - x[2] * tanh(x[0] * x[1] + n)",
            "  shared = tanh(x[0] * x[1] + n)\n  y = shared - x[2] * shared",
        ),
        (
            "inline",
            "t[i < 2, j < 2] = exp(x[2 * i + j])\ny = sum(i < 2, j < 2: t[i, j])",
            "  y = sum(i < 2, j < 2: exp(x[2 * i + j]))",
        ),
        (
            "name",
            "q[u < 4] = softmax(v < 4: sum(w < 4: x[w]) + v)[u]\ny = q[0]",
            "  score[j < 4] = softmax(k < 4: sum(i < 4: x[i]) + k)[j]\n  y = score[0]",
        ),
    ],
)
def test_exact_parts_and_whole_values_are_rewritten(name: str, body: str, result: str) -> None:
    old = parse(f"{HEADER}{body}\n}}")
    rewrite = PASSES[name]()(old)
    assert str(rewrite.rule) == f"{HEADER}{result}\n}}"
    assert check_step(old, rewrite.rule, rewrite.witness)


def test_sums_of_reals_are_fused_in_the_order_of_the_reader() -> None:
    fuse = Inline(size=1, body=1)
    text = f"{HEADER}t[i < 2, j < 2] = 0.1 * x[2 * i + j]\ny = sum(j < 2, i < 2: t[i, j])\n}}"
    for old in (text, text.replace("* x[", "* b["), text.replace("j < 2, i < 2:", "i < 2, j < 2:")):
        rewrite = fuse(parse(old))
        assert rewrite.rule != parse(old)
        assert check_step(parse(old), rewrite.rule, rewrite.witness).status == "proved"
    assert "sum(k < 2, l < 2: 0.1 * x[k + 2 * l])" in str(fuse(parse(text)).rule)


def test_the_default_pipeline_proves_its_steps() -> None:
    for body in (body for bodies in LEFT_ALONE.values() for body in bodies):
        text = f"{HEADER}{body}\n}}"
        last = parse(text)
        for step in run(last):
            assert check_step(step.old, step.new, step.witness)
            last = step.new
        assert same(text, str(last))
