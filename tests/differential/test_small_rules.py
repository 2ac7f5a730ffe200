"""Rules with few inputs in all engines on all of them, so on either side of every threshold."""

from __future__ import annotations

import pytest

from ddcompile.ir.parser import parse
from ddcompile.testing import assert_engines_agree

RULES = {
    "add": """rule add(x: bit[2, 5]) -> (y: bit[6]) {
      carry[i < 5] = x[0, i] + x[1, i] + pad(carry, 0)[i - 1] >= 2
      y[i < 5] = x[0, i] xor x[1, i] xor pad(carry, 0)[i - 1]
      y[5] = carry[4]
    }""",
    "life": """rule life(cell: bit[3, 4]) -> (next: bit[3, 4]) {
      next[i < 3, j < 4] =
        5 <= 2 * sum(di in -1..1, dj in -1..1: cell[(i + di) % 3, (j + dj) % 4]) - cell[i, j] <= 7
    }""",
    "steps": """rule steps(cell: bit[8]) -> (next: bit[8]) {
      state[0, i < 8] = cell[i]
      state[1 <= t < 5, i < 8] = state[t - 1, i] xor (state[t - 1, (i - 1) % 8] or state[t - 1, (i + 1) % 8])
      next[i < 8] = state[4, i]
    }""",
    "ties": "rule ties(x: trit[6]) -> (y: trit[3]) { y[i < 3] = sign(x[i] - 2 * x[i + 1] + x[i + 2] * x[i + 3]) }",
    "words": """rule words(x: bit[10]) -> (y: int) {
      y = sum(i < 10: (if i < 5 then 9223372036854775807 else -18446744073709551616) * x[i]) * (x[0] - 3)
    }""",
    "residues": "rule residues(x: int[-2000..2000]) -> (y: int, z: bit) { y = (x - 7) % 12  z = -3 <= x % 1000 < 500 }",
    "thirds": "rule thirds(x: bit[9]) -> (y: rat, z: bit) { y = 0.1 * sum(i < 9: 0.3333 * x[i]) - 0.25  z = y > 0 }",
    "winner": "rule winner(x: trit[7]) -> (y: int[0..6]) { y = argmax(i < 7: x[i] - x[(i + 1) % 7]) }",
}


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("engine", ["python", "c", "jit"])
def test_engine_agrees_on_all_inputs(engine: str, name: str) -> None:
    assert_engines_agree(parse(RULES[name]), engines=[engine])
