"""Whole kernels, rule by rule: `tests/golden/kernel/NAME.rule` lowers to `NAME.kernel`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ddcompile.ir.parser import parse
from ddcompile.ir.verifier import check
from ddcompile.kernel.dump import dump
from ddcompile.kernel.lower import lower, machine_types
from ddcompile.kernel.verify import verify

RULES = sorted((Path(__file__).parents[2] / "golden" / "kernel").glob("*.rule"))


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_rule_lowers_to_golden_kernel(path: Path, golden: Callable[[str, str], None]) -> None:
    rule = parse(path.read_text(encoding="utf-8"), path.name)
    kernel = lower(rule, machine_types(rule, check(rule)))
    assert verify(kernel) == []
    golden(f"kernel/{path.stem}.kernel", dump(kernel))
