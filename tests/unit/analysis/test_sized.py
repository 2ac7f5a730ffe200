"""Rules with sizes: what is proved for all sizes holds at every one, and what is asked of sizes is not too much."""

from __future__ import annotations

from itertools import product

import pytest

from ddcompile.analysis.sized import Sized, analyse
from ddcompile.diagnostics import CompileError
from ddcompile.ir.parser import parse
from ddcompile.ir.printer import print_expression
from ddcompile.ir.specialize import specialize
from ddcompile.ir.types import infer
from ddcompile.ir.verifier import check, verify
from ddcompile.testing.generate import Limits, rule_from_seed

RULES = {
    "life": """rule life<H, W>(cell: bit[H, W]) -> (next: bit[H, W]) {
      next[i < H, j < W] = 5 <= 2 * sum(di in -1..1, dj in -1..1: cell[(i + di) % H, (j + dj) % W]) - cell[i, j] <= 7
    }""",
    "orientation": """rule orientation<N>(image: bit[N, N]) -> (class: bit) {
      column[j < N] = sum(i < N: image[i, j])
      row[i < N] = sum(j < N: image[i, j])
      longer[i < N, j < N] = sign(column[i] - row[j])
      total = sum(i < N, j < N: longer[i, j])
      vertical = sum(i < N: N * sum(j < N: longer[i, j]) - (N - 1) * total > N * N - N)
      horizontal = sum(j < N: (N - 1) * total - N * sum(i < N: longer[i, j]) > N * N - N)
      class = horizontal > vertical
    }""",
    "add": """rule add<N>(x: bit[2, N]) -> (y: bit[N + 1]) {
      carry[i < N] = x[0, i] + x[1, i] + pad(carry, 0)[i - 1] >= 2
      y[i < N] = x[0, i] xor x[1, i] xor pad(carry, 0)[i - 1]
      y[N] = carry[N - 1]
    }""",
    "steps": """rule steps<T, N>(cell: bit[N], time: bit[T]) -> (next: bit[N]) {
      state[0, i < N] = cell[i]
      state[1 <= t < T, i < N] = state[t - 1, i] xor (state[t - 1, (i - 1) % N] or state[t - 1, (i + 1) % N])
      next[i < N] = state[T - 1, i] and time[T - 1]
    }""",
    "rank": """rule rank<N>(x: int[0..255][N]) -> (sorted: int[N], where: int[N]) {
      rank[i < N] = sum(j < N: x[j] < x[i]) + sum(j < i: x[j] == x[i])
      sorted[r < N] = sum(i < N: if rank[i] == r then x[i] else 0)
      where[r < N] = argmax(i < N: rank[i] == r)
    }""",
    "strides": """rule strides<N, M>(x: bit[2 * N + 1, M]) -> (y: int[M], z: bit[N, M]) {
      run[0, j < M] = x[0, j]
      run[1 <= i < 2 * N + 1, j < M] = run[i - 1, j] + pad(x, 1)[i - 1, j - 1]
      y[j < M] = run[2 * N, j]
      z[i < N, j < M] = x[2 * i + 1, j] xor x[2 * i, (j + N) % M]
    }""",
    "gather": """rule gather<M, N>(score: int[0..99][M, N], x: bit[N]) -> (y: bit[M], best: int) {
      where[i < M] = argmax(j < N: score[i, j])
      y[i < M] = x[where[i]] xor x[min(i, N - 1)]
      best = max(i < M, j < N: score[i, j])
    }""",
    "tables": """rule tables<N>(x: int[0..4][N]) -> (y: int[N]) {
      const first: int[3] = [0, 1, 0]
      const W: int[5] = [3, -1, 4, -1, 5]
      y[i < N] = W[x[i]] + sum(first[i % 3] <= k < 3: W[k])
    }""",
    "triangle": """rule triangle<N>(x: bit[N]) -> (y: int[N], z: int[N]) {
      a[i < N, j < i + 1] = x[i] + x[j]
      a[i < N, i + 1 <= j < N] = x[i] - x[j]
      b[i < N, j < i + 1] = x[i]
      y[i < N] = sum(j < i: a[i, j]) + sum(i <= j < N: a[j, i])
      z[i < N] = sum(j < i + 1: b[i, j])
    }""",
    "prefix": """rule prefix<N>(x: bit[N]) -> (y: bit[N], z: int[N]) {
      y[i < N] = x[i] xor any(j < i: y[j])
      count[i < N] = min(pad(count, 0)[i - 1] + 2 * x[i], 1000)
      z[i < N] = count[i]
    }""",
    "cycle": """rule cycle<N>(x: bit[N]) -> (y: bit[N]) {
      a[0] = 0
      b[0] = 1
      a[1 <= t < N] = b[t - 1] xor x[t]
      b[1 <= t < N] = a[t] or a[t - 1]
      y[t < N] = a[t] xor b[t]
    }""",
    "tail": """rule tail<N>(x: bit[N]) -> (y: bit[N - 3], z: bit) {
      y[i < N - 3] = x[i + 3] xor x[i]
      z = x[5]
    }""",
    "clauses": """rule clauses<V, C>(value: bit[V], var: int[0..99][C, 3], neg: bit[C, 3]) -> (good: int) {
      clause[c < C] = any(k < 3: value[var[c, k]] xor neg[c, k])
      good = sum(c < C: clause[c])
    }""",
}
CONDITIONS = {"tail": ["N - 6"], "clauses": ["V - 100"]}


def sizes_of(rule_sizes: tuple[str, ...], most: int) -> list[dict[str, int]]:
    return [dict(zip(rule_sizes, v, strict=True)) for v in product(range(1, most), repeat=len(rule_sizes))]


def is_allowed(sized: Sized, sizes: dict[str, int]) -> bool:
    return all(any(form.evaluate(sizes) >= 0 for form in condition) for condition in sized.conditions)


def assert_holds_at(sized: Sized, sizes: dict[str, int]) -> None:
    special = specialize(sized.types.rule, sizes)
    assert verify(special) == [], sizes
    types = infer(special)
    for name, shape in types.shape.items():
        found = tuple(form.evaluate(sizes) for form in sized.shape[name])
        assert found == shape or all(a >= b for a, b in zip(found, shape, strict=True)), (name, sizes)
        assert types.tensor[name].is_within(sized.types.tensor[name]) or not sized.types.tensor[name].is_bounded


@pytest.mark.parametrize("name", RULES)
def test_rule_is_legal_for_all_sizes_that_are_allowed(name: str) -> None:
    rule = parse(RULES[name])
    check(rule)
    sized = analyse(rule)
    shown = [print_expression(form.to_expr()) for condition in sized.conditions for form in condition]
    assert shown == CONDITIONS.get(name, [])
    tried = [*sizes_of(rule.sizes, 8), {"V": 99, "C": 2}, {"V": 100, "C": 1}]
    for sizes in tried:
        if set(sizes) == set(rule.sizes):
            if is_allowed(sized, sizes):
                assert_holds_at(sized, sizes)
            else:
                assert verify(specialize(rule, sizes)) != [], sizes


@pytest.mark.parametrize("seed", range(400))
def test_random_rule_is_legal_for_all_sizes_that_are_allowed(seed: int) -> None:
    rule = rule_from_seed(seed, Limits(sizes=1.0))
    assert rule.sizes
    try:
        sized = analyse(rule)
    except CompileError as error:
        codes = [d.code for d in error.diagnostics]
        if not set(codes) <= {"E034"}:
            pytest.fail(str(error))
        return
    allowed = [sizes for sizes in sizes_of(rule.sizes, 7) if is_allowed(sized, sizes)]
    for sizes in allowed:
        assert_holds_at(sized, sizes)
