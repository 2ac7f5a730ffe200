"""Loops that step down trees are left as they are; those that read tables once may become vectors."""

from __future__ import annotations

import numpy as np

import ddcompile as dd
from ddcompile.backends.llvm.chains import has_chains
from ddcompile.kernel.lower import lower
from ddcompile.kernel.nodes import Loop, Stmt
from ddcompile.kernel.traverse import walk

STEPS = """rule steps(x: real[3]) -> (y: int) {
  const root: int[4] = [0, 1, 2, 3]
  const feature: int[4] = [0, 1, 2, 0]
  const child: int[4, 2] = [[0, 1], [2, 3], [3, 0], [1, 1]]
  node[0, t < 4] = root[t]
  node[1 <= d < 5, t < 4] = child[node[d - 1, t], x[feature[node[d - 1, t]]] > 0.5]
  y = sum(t < 4: node[4, t])
}
"""
TABLE = """rule table(x: int[0..9][8]) -> (y: int[8]) {
  const place: int[8] = [3, 1, 4, 1, 5, 2, 6, 0]
  y[u < 8] = x[place[u]] + 1
}
"""


def innermost(text: str) -> list[tuple[Stmt, ...]]:
    kernel = lower(dd.parse(text).rule)
    found = [stmt.body for event, stmt in walk(kernel.sample.body) if event == "enter" and isinstance(stmt, Loop)]
    return [body for body in found if not any(isinstance(stmt, Loop) for _, stmt in walk(body))]


def test_steps_over_tables_are_chains() -> None:
    assert [has_chains(body) for body in innermost(STEPS)] == [False, True, False]
    code = dd.parse(STEPS).emit("llvm")[0].text
    assert code.count("!llvm.loop") == 1


def test_one_read_of_a_table_is_none() -> None:
    assert not any(has_chains(body) for body in innermost(TABLE))
    assert "!llvm.loop" not in dd.parse(TABLE).emit("llvm")[0].text


def test_one_row_is_what_many_are() -> None:
    program = dd.parse(STEPS)
    function, X = program.jit(), np.random.default_rng(0).normal(size=(100, 3))
    np.testing.assert_array_equal([function(row) for row in X], np.asarray(program(X)))
