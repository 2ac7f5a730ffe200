"""Units are written one way round, whatever way a network has them."""

from __future__ import annotations

import numpy as np
import pytest

import ddcompile as dd
from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.rows import Row
from ddcompile.analysis.thresholds import Domain
from ddcompile.analysis.units import unit_rows
from ddcompile.ir.nodes import Rule
from ddcompile.ir.parser import parse
from ddcompile.ir.types import infer
from ddcompile.passes.orient import has_zero, negated, oriented, rank
from ddcompile.passes.pipeline import PASSES
from ddcompile.prove.checker import check_step
from ddcompile.testing import assert_equivalent
from ddcompile.testing.structures import STRUCTURES


def row(weights: list[int], bias: int, kind: str = "positive") -> Row:
    return Row(kind, np.arange(len(weights)), np.array(weights), bias)  # type: ignore[arg-type]


def units(rule: Rule) -> tuple[object, ...]:
    """All units by their weights, whatever the names of tables."""
    types = infer(rule)
    atoms = Atoms.of_rule(rule, types)
    rows = [r for name in "ghy" for r in unit_rows(rule, types, atoms, name) or ()]
    return tuple((r.kind, r.bias, tuple(r.atoms.tolist()), tuple(r.weights.tolist())) for r in rows)


@pytest.mark.parametrize("kind", ["positive", "sign"])
@pytest.mark.parametrize("may_rest", [True, False])
def test_a_unit_and_its_negation_agree(kind: str, may_rest: bool) -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        unit = row(rng.integers(-3, 4, 5).tolist(), int(rng.integers(-4, 5)), kind)
        first, sign = oriented(unit, lambda r: r.weights.tolist(), may_rest=may_rest)
        second, other = oriented(negated(unit), lambda r: r.weights.tolist(), may_rest=may_rest)
        assert (first.weights.tolist(), first.bias) == (second.weights.tolist(), second.bias)
        if unit.weights.any() or unit.bias or kind == "positive":
            assert sign == -other


def test_operands_that_are_never_0_leave_the_choice_to_the_weights() -> None:
    assert not has_zero(Domain(-1, 1, 2))
    assert has_zero(Domain(-1, 1))
    assert not has_zero(Domain(1, 5))
    silent, rarely = row([-1, -1, -1], 0), row([1, 1, 1], 1)
    assert rank(silent.weights, silent.bias, may_rest=True) > rank(rarely.weights, rarely.bias, may_rest=True)
    assert rank(silent.weights, silent.bias, may_rest=False) < rank(rarely.weights, rarely.bias, may_rest=False)


def test_every_mixture_of_ways_round_becomes_one_program() -> None:
    """Steps complemented or not, signs that tie negated or not."""
    found = set()
    for flips in np.ndindex(2, 2, 2, 2):
        signs = 1 - 2 * np.array(flips)
        w = np.array([[2, 1, 1], [1, 1, -1], [3, -1, 1], [1, 1, -2]]) * signs[:, None]
        v = np.array([[1, 2, 1, 3], [2, -1, 1, 1]]) * signs
        steps = [v[k, :2] @ (signs[:2] < 0) for k in range(2)]
        bounds = [-b if s < 0 else b + 1 for b, s in zip((2, 0), signs[:2], strict=True)]
        rule = parse(
            f"""rule f(x: bit[3]) -> (y: bit[2]) {{
  const A: int[2, 3] = {w[:2].tolist()}
  const b: int[2] = {bounds}
  const B: int[2, 3] = {w[2:].tolist()}
  const C: int[2, 2] = {v[:, :2].tolist()}
  const D: int[2, 2] = {v[:, 2:].tolist()}
  const d: int[2] = {[2 + int(s) for s in steps]}
  g[u < 2] = sum(i < 3: A[u, i] * x[i]) >= b[u]
  h[u < 2] = sign(sum(i < 3: B[u, i] * x[i]))
  y[k < 2] = sum(u < 2: C[k, u] * g[u]) + sum(u < 2: D[k, u] * h[u]) >= d[k]
}}"""
        )
        rewrite = PASSES["recode"]()(rule)
        assert check_step(rule, rewrite.rule, rewrite.witness).status == "proved"
        assert_equivalent(rule, rewrite.rule)
        found.add(units(rewrite.rule))
    assert len(found) == 1


DISGUISED = ("spin_rows", "spin_ring", "negated", "exceptions", "comparator", "alternating", "rank")


@pytest.mark.parametrize("name", DISGUISED)
def test_disguises_have_one_text(name: str) -> None:
    case = STRUCTURES[name]
    structure = case.build(*case.small)
    programs = [
        dd.distill(structure.network(seed), structure.inputs, structure.outputs, structure.head, "f")
        for seed in range(6)
    ]
    assert len({str(p) for p in programs}) == 1
