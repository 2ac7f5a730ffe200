"""Tests of the function by which threads compute the phases of a sample."""

from __future__ import annotations

import numpy as np
import pytest

import ddcompile as dd
from ddcompile.backends.llvm.jit import _Program
from ddcompile.backends.llvm.team import STATE_WORDS
from ddcompile.ir.parser import parse

_RULE = """rule r(x: bit[40, 70]) -> (y: bit[40, 70]) {
  s[0, i < 40, j < 70] = x[i, j]
  s[1 <= t < 20, i < 40, j < 70] = s[t - 1, (i + 1) % 40, j] xor s[t - 1, i, (j - 1) % 70]
  m[i < 40, j < 70] = sum(a in -9..9: s[19, (i + a) % 40, j]) >= 9
  y[i < 40, j < 70] = sum(a in -9..9: m[(i + a) % 40, j]) >= 9
}
"""


class _Team:
    """A compiled rule, memory for one sample, and the state of a team of three."""

    def __init__(self) -> None:
        program = dd.Program(parse(_RULE))
        self.compiled = program.jit(n_jobs=3, schedule="grid")
        found = self.compiled._plainest
        assert isinstance(found, _Program)
        self.program, self.phases, self.units = found, found.made.phases, found.made.units
        assert self.phases > 1
        self.x = np.random.default_rng(0).integers(0, 2, size=(40, 70), dtype=np.uint8)
        self.y, self.expected = np.empty_like(self.x), program(self.x)
        self.state = np.zeros(4 * STATE_WORDS, dtype=np.uint64)
        strays = [np.zeros(found.made.strays, dtype=np.uint64)] if found.made.strays else []
        scratch = [np.zeros((found.made.scratch_bytes or 0) // 8 + 1, dtype=np.uint64)]
        self.memory = [self.x, self.y, *strays, *scratch]

    def run(self, own: int, start: int = 0) -> int:
        pointers = [array.ctypes.data for array in (self.state, *self.memory)]
        return int(self.program.team(own, 3, self.phases, self.units, start, *pointers))


def test_one_thread_does_what_others_do_not() -> None:
    team = _Team()
    assert team.run(1) == team.phases
    assert np.array_equal(team.y, team.expected)
    done = team.state[3 * STATE_WORDS]
    assert done == 3 * team.phases
    team.y[...] = 7
    assert team.run(0) == team.run(2) == team.phases, "who comes late has nothing to do"
    assert (team.y == 7).all()


def test_who_waits_for_long_comes_back() -> None:
    team = _Team()
    team.state[0] = 1  # somebody has begun the first part
    assert team.run(1) == 0
    assert team.run(1) == 0
    assert team.state[3 * STATE_WORDS] == 2
    team.state[0] = 0
    assert team.run(2) == team.phases
    assert np.array_equal(team.y, team.expected)


@pytest.mark.parametrize("jobs", [2, 3, 40])
def test_teams_give_the_same(jobs: int) -> None:
    team = _Team()
    run = dd.Program(parse(_RULE)).jit(n_jobs=jobs, schedule="grid")
    for _ in range(20):
        assert np.array_equal(run(team.x), team.expected)
