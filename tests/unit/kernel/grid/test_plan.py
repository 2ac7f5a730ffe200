"""Which rules are grids of bits, and what is said of the others."""

from __future__ import annotations

import pytest

import ddcompile as dd
from ddcompile.ir.verifier import check
from ddcompile.kernel.grid.plan import Refused, plan
from ddcompile.kernel.grid.streams import Plan
from ddcompile.kernel.grid.tiles import tiling

LIFE = """rule life<H, W>(cell: bit[H, W]) -> (next: bit[H, W]) {
  next[i < H, j < W] = 5 <= 2 * sum(di in -1..1, dj in -1..1: cell[(i + di) % H, (j + dj) % W]) - cell[i, j] <= 7
}
"""


def planned(text: str, **sizes: int) -> Plan:
    """The plan of a rule."""
    program = dd.parse(text)
    rule = program.at(**sizes).rule if sizes else program.rule
    return plan(rule, check(rule))


def refusal(text: str) -> str:
    """Why a rule is no grid."""
    with pytest.raises(Refused) as caught:
        planned(text)
    return str(caught.value)


def test_rows_share_what_they_add_up() -> None:
    found = planned(LIFE, H=64, W=64)
    assert len(found.planes["cell"]) == 2
    assert found.operations <= 52
    assert found.wraps == (True, True)


def test_steps_over_time_are_one_pass_between_the_input_and_the_result() -> None:
    rule = dd.iterate(dd.parse(LIFE), 16).at(H=64, W=128).rule
    found = plan(rule, check(rule))
    (only,) = found.passes
    assert only.steps == 16
    assert only.carried == (("state", "state_before"),)
    assert found.inputs == (("cell", 0, "state_before"),)
    assert found.results == (("next", 0, "state"),)


def test_a_first_and_a_last_statement_are_passes_of_their_own() -> None:
    found = planned("""rule r(x: bit[8, 64]) -> (y: bit[8, 64]) {
  s[0, i < 8, j < 64] = x[i, j] xor x[i, (j + 1) % 64]
  s[1 <= t < 5, i < 8, j < 64] = s[t - 1, (i + 1) % 8, j] and s[t - 1, i, (j - 1) % 64]
  y[i < 8, j < 64] = s[4, i, j] or s[4, i, (j + 3) % 64]
}
""")
    assert [part.steps for part in found.passes] == [1, 4, 1]


def test_leading_positions_are_grids_of_their_own() -> None:
    found = planned("""rule r(x: bit[2, 8, 64]) -> (y: bit[8, 64]) {
  h[c < 3, i < 8, j < 64] = x[0, i, j] + x[1, i, (j + 1) % 64] > 1
  y[i < 8, j < 64] = sum(c < 3: (c + 1) * h[c, i, j]) >= 2
}
""")
    assert {place for buffer, place, _ in found.inputs if buffer == "x"} == {0, 1}
    assert found.extents == (8, 64)


def test_numbers_between_bits_are_written_out() -> None:
    found = planned("""rule r(x: bit[8, 64]) -> (y: bit[8, 64]) {
  n[i < 8, j < 64] = sum(d in -1..1: pad(x, 0)[i, j + d])
  y[i < 8, j < 64] = n[i, j] == 2
}
""")
    assert [stage.stream for part in found.passes for stage in part.stages] == ["y"]
    assert found.streams["x"].fill == 0


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("y[i < 8, j < 64] = x[i, 63 - j]", "a position is no index plus a number"),
        ("y[i < 8, j < 64] = x[i, 0]", "a read of `x` is not at a fixed offset along every axis"),
        ("y[i < 8, j < 64] = x[i, (j + 1) % 32]", "a position wraps around elsewhere than at the end of its axis"),
        ("y[i < 8, j < 64] = j + x[i, j] > 3", "an index of the grid is used as a number"),
        ("y[i < 8, j < 64] = pad(x, 0)[i, j - 1] and pad(x, 1)[i, j + 1]", "`x` is continued in more than one way"),
        ("y[i < 8, j < 64] = pad(x, 0)[i, j - 1] and x[i, (j + 1) % 64]", "an axis both wraps around and ends"),
        (
            "y[i < 8, j < 64] = x[i, j] xor pad(y, 0)[i - 1, j]",
            "`y` is no recurrence over time alone",
        ),
    ],
)
def test_other_rules_are_refused(body: str, reason: str) -> None:
    assert refusal(f"rule r(x: bit[8, 64]) -> (y: bit[8, 64]) {{\n  {body}\n}}\n") == reason


_STEPS = """  s[0, i < 64] = x[i]
  s[1 <= t < 5, i < 64] = s[t - 1, (i + 1) % 64] xor STEP
"""


@pytest.mark.parametrize(
    ("step", "result", "reason"),
    [
        (
            "x[i]",
            "bit[64]) {\n  y[i < 64] = s[4, i]",
            "`x`, which does not change with time, is read in the recurrence",
        ),
        (
            "1 > 0",
            "bit[64]) {\n  y[i < 64] = s[4, i] and x[i]",
            "`x`, which does not change with time, is read after the recurrence",
        ),
        ("1 > 0", "bit[64]) {\n  y[i < 64] = s[4, i] and s[2, i]", "a state of `s` before the last is read"),
    ],
)
def test_recurrences_that_are_more_than_steps_are_refused(step: str, result: str, reason: str) -> None:
    assert refusal(f"rule r(x: bit[64]) -> (y: {result}\n{_STEPS.replace('STEP', step)}}}\n") == reason


def test_states_that_are_all_results_are_refused() -> None:
    text = _STEPS.replace("s[", "y[").replace("STEP", "y[t - 1, i]")
    assert refusal(f"rule r(x: bit[64]) -> (y: bit[5, 64]) {{\n{text}}}\n") == "every state of `y` is a result"


def test_inputs_that_are_no_bits_are_refused() -> None:
    text = "rule r(x: int[0..3][64]) -> (y: bit[64]) {\n  y[j < 64] = x[j] > 1\n}\n"
    assert refusal(text) == "`x` is no tensor of bits"


def test_tiles_hold_the_rows_that_are_needed_and_no_more_than_caches_do() -> None:
    rule = dd.iterate(dd.parse(LIFE), 16).at(H=4096, W=4096).rule
    found = plan(rule, check(rule))
    tiles = tiling(found, found.passes[0])
    assert tiles.delay["state"] == tiles.lag == 1
    assert tiles.rings["state"].slots == 4
    assert tiles.steps > 1
    assert tiles.reach == ((-1, 1), (-1, 1))


def test_positions_far_from_the_ends_are_refused() -> None:
    rule = "rule r(x: bit[600]) -> (y: bit[600]) {{\n  {}\n}}\n"
    assert refusal(rule.format("y[i < 600] = x[i] and i < 300")) == (
        "a position is compared with 300, far from both ends of an axis"
    )
    assert refusal(rule.format("y[0] = x[599]\n  y[1 <= i < 600] = x[i]")) == (
        "position 599 is read at position 0, far from it"
    )


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("y[i < 99, j < 99] = i > j", "an index of the grid is used as a number"),
        ("y[0, j < 99] = x[1, j]\n  y[1 <= i < 99, j < 99] = x[(i + 1) % 99, j]", "an axis both wraps around and ends"),
    ],
)
def test_diagonals_and_edges_of_a_ring_are_refused(body: str, reason: str) -> None:
    assert refusal(f"rule r(x: bit[99, 99]) -> (y: bit[99, 99]) {{\n  {body}\n}}\n") == reason


def test_edges_are_constants_that_are_shifted() -> None:
    found = planned(
        "rule r(x: bit[8, 64]) -> (y: bit[8, 64]) {\n"
        "  y[0, j < 64] = x[0, j]\n"
        "  y[1 <= i < 8, j < 64] = x[i - 1, j]\n"
        "}\n"
    )
    (part,) = found.passes
    within, y = part.stages
    assert found.circuit.gates[within.gate] == 1
    assert {leaf.offset for leaf in found.circuit.leaves([y.gate]) if leaf.stream == within.stream} == {(-1, 0)}
