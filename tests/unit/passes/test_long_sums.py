"""Long sums are joined as a whole, not level by level."""

from __future__ import annotations

import pytest

from ddcompile.analysis.comparisons import integer_terms
from ddcompile.ir.nodes import Expr
from ddcompile.ir.parser import parse
from ddcompile.passes import fold
from ddcompile.passes.pipeline import PASSES
from ddcompile.prove.checker import check_step

_TERMS = 2000


@pytest.mark.parametrize("form", ["{0} + {1}", "{1} + ({0})"])
def test_a_long_sum_is_joined_a_few_times(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However it is nested, and however many terms it has."""
    calls = 0

    def counted(expr: Expr) -> tuple[dict[Expr, int], int] | None:
        nonlocal calls
        calls += 1
        return integer_terms(expr)

    monkeypatch.setattr(fold, "integer_terms", counted)
    text = "x[0]"
    for k in range(1, _TERMS):
        text = form.format(text, f"x[{k % 4}]")
    rule = parse(f"rule r(x: bit[4]) -> (y: int) {{\n  y = {text}\n}}\n")
    rewrite = PASSES["fold"]()(rule)
    share = _TERMS // 4
    order = (0, 1, 2, 3) if form.startswith("{0}") else (3, 2, 1, 0)
    expected = " + ".join(f"{share} * x[{k}]" for k in order)
    assert f"y = {expected}\n" in str(rewrite.rule)
    assert calls < _TERMS // 2
    assert check_step(rule, rewrite.rule, rewrite.witness)
