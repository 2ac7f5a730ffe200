"""Subexpressions with the binders in whose scope they stand."""

from __future__ import annotations

import pytest

from ddcompile.analysis.scopes import alpha_key, index_ranges, ordered_free, subexpressions
from ddcompile.ir.parser import parse, parse_expression
from ddcompile.ir.printer import print_expression
from ddcompile.ir.traverse import free_indices
from ddcompile.passes.pipeline import PASSES

SCOPES = {
    "sum(j < 3, k < j + 1: x[i] * k)": {"j + 1": "ij", "x[i] * k": "ijk", "k": "ijk", "x[i]": "ijk"},
    "softmax(j < i + 2: x[j])[i + 1]": {"i + 2": "i", "x[j]": "ij", "i + 1": "i"},
    "if x[i] then sum(j < 2: j * i) else i - 1": {"j * i": "ij", "i - 1": "i", "x[i]": "i"},
}


@pytest.mark.parametrize("text", SCOPES)
def test_bounds_stand_in_the_scope_of_earlier_binders(text: str) -> None:
    (statement,) = parse(f"rule f(x: bit[9]) -> (y: real[2]) {{ y[i < 2] = {text} }}").statements
    found = {print_expression(e): "".join(b.name for b in scope) for e, scope in subexpressions(statement)}
    assert found.items() >= SCOPES[text].items()
    for expr, scope in subexpressions(statement):
        assert free_indices(expr) <= {b.name for b in scope}


def test_softmaxes_bind_their_index() -> None:
    first, second = (
        parse(f"rule f(x: bit[9]) -> (y: real[2]) {{ y[{i} < 2] = softmax({j} < 3: x[{j} + {i}])[{i}] }}").statements[0]
        for i, j in ("ij", "ut")
    )
    assert ordered_free(first.value) == ["i"]
    assert alpha_key(first.value, ["i"]) == alpha_key(second.value, ["u"])
    assert index_ranges(first) == {"i": (0, 1), "j": (0, 2)}
    assert free_indices(parse_expression("softmax(j < 3: 0)[0]")) == set()


def test_common_bounds_that_depend_on_an_index_stay() -> None:
    text = "rule f(x: bit[4]) -> (y: int, z: int) {{ y = {0} z = {0} + 1 }}".format(
        "sum(i < 3, j < i + 1: x[j] * x[i])"
    )
    assert str(PASSES["cse"]()(parse(text)).rule).count("j < i + 1") == 1
