"""The text of pipelines: what it means, what it is printed as, and every mistake with its place and hint."""

from __future__ import annotations

from typing import Any

import pytest

from ddcompile.diagnostics import CompileError
from ddcompile.ir.parser import parse
from ddcompile.passes.collapse_cones import CollapseCones
from ddcompile.passes.cse import Cse
from ddcompile.passes.fold import Fold
from ddcompile.passes.inline import Inline
from ddcompile.passes.options import Turns
from ddcompile.passes.pipeline import DEFAULT, PASSES, run
from ddcompile.passes.slice_weights import SliceWeights
from ddcompile.passes.spec import parse_pipeline

WRONG = [
    "unroll",
    "cse, foldd",
    "constant-propagation",
    "fold; cse",
    "fold cse",
    "fold,",
    ",fold",
    "fold,,cse",
    "inline{",
    "inline{size",
    "inline{size}",
    "inline{size=",
    "inline{size=}",
    "inline{size=3,}",
    "inline{size=3}}",
    "inline{sise=3}",
    "fold{size=3}",
    "collapse-cones{bits=3}",
    "inline{size=3, size=3}",
    "inline{size=wide}",
    "inline{size=2.5}",
    "inline{size=true}",
    "inline{size=99999999999999999999}",
    "inline{size=0}",
    "fold,\n  collapse-cones{depth=2,\n    inputs=5}",
    "größe",
    "(fold, cse",
    "(fold, cse)",
    "fold, ()*",
    "(fold, (cse)*)*",
]


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("", ()),
        (" fold ", (Fold(),)),
        ("fold,cse", (Fold(), Cse())),
        ("fold{}, cse{ }", (Fold(), Cse())),
        ("(fold, cse)*, fold", (Turns((Fold(), Cse())), Fold())),
        ("inline{size=30}", (Inline(size=30),)),
        ("fold,\n  collapse-cones { inputs = 3 , depth=+2 }", (Fold(), CollapseCones(inputs=3, depth=2))),
    ],
)
def test_meaning(text: str, passes: tuple[Any, ...]) -> None:
    assert parse_pipeline(text, PASSES) == passes


@pytest.mark.parametrize(
    "text",
    [DEFAULT, "(fold)*,(cse,inline{size=30})*", "cse,inline{size=30},collapse-cones{inputs=3, size=50},fold"],
)
def test_printed_as_read(text: str) -> None:
    assert ",".join(map(str, parse_pipeline(text, PASSES))) == text


def test_mistakes(golden: Any) -> None:
    transcript = ""
    for text in WRONG:
        with pytest.raises(CompileError) as caught:
            parse_pipeline(text, PASSES)
        (found,) = caught.value.diagnostics
        assert found.location is not None
        assert found.source == text.split("\n")[found.location.line - 1]
        transcript += f"{found}\n\n"
    golden("passes/pipeline_mistakes.txt", transcript)


def test_options_are_checked_in_python_too() -> None:
    with pytest.raises(CompileError, match=r"P006.*`inputs` of `collapse-cones` is 5, which is not in 1\.\.4"):
        CollapseCones(inputs=5)


def test_every_option_says_what_it_is() -> None:
    for each in PASSES.values():
        assert each.about().endswith(".")
        for option in each.options():
            assert option.low <= option.default <= option.high
            assert option.about


CONES = """rule f(x: bit[8]) -> (y: bit[8]) {
  a[i < 8] = x[i] + x[(i + 1) % 8] >= 1
  b[i < 8] = a[i] + a[(i + 1) % 8] >= 1
  y[i < 8] = b[i] + b[(i + 1) % 8] >= 1
}"""
CROSS = """rule f(x: bit[3, 3]) -> (y: trit) {
  const W: int[3, 3] = [[0, 1, 0], [-1, 0, -1], [0, 1, 0]]
  y = sign(sum(i < 3, j < 3: W[i, j] * x[i, j]))
}"""


@pytest.mark.parametrize(
    ("text", "fits", "too_small"),
    [
        (CONES, CollapseCones(), CollapseCones(inputs=1)),
        (CONES, CollapseCones(inputs=2), CollapseCones(inputs=2, size=3)),
        (CROSS, SliceWeights(slices=2), SliceWeights(slices=1)),
    ],
    ids=str,
)
def test_options_bound_what_a_pass_does(text: str, fits: Any, too_small: Any) -> None:
    rule = parse(text)
    assert fits(rule).rule != rule
    assert too_small(rule).rule == rule


def test_options_reach_the_passes() -> None:
    steps = run(parse(CONES), "collapse-cones{inputs=2}, dce")
    assert str(steps[-1].new) != str(run(parse(CONES), "collapse-cones, dce")[-1].new)
