"""The short version of `examples/automata`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import ddcompile as dd

pytest.importorskip("sklearn")
pytest.importorskip("pysat")


@pytest.fixture(scope="module")
def learn(example: Any) -> Any:
    return example("automata", "learn")


@pytest.fixture(scope="module")
def harder(example: Any) -> Any:
    return example("automata", "harder")


def oracle(table: tuple[int, ...], cells: np.ndarray) -> np.ndarray:
    """Another implementation: cell by cell, the number that the neighbours spell."""
    radius, width = (len(table).bit_length() - 2) // 2, len(cells)
    found = []
    for i in range(width):
        text = "".join(str(cells[(i + k) % width]) for k in range(-radius, radius + 1))
        found.append(table[int(text, 2)])
    return np.array(found)


def test_what_is_learned_from_is_right(learn: Any, harder: Any) -> None:
    cells = np.random.default_rng(0).integers(0, 2, 23)
    for rule in (30, 110, 184):
        assert learn.after(rule, cells).tolist() == oracle(harder.elementary(rule).table, cells).tolist()
    for automaton in (harder.elementary(30), harder.totalistic(20), harder.of_any_kind(0)):
        assert automaton.after(cells).tolist() == oracle(automaton.table, cells).tolist()
    assert harder.totalistic(20).after(np.ones(9, dtype=int)).tolist() == [0] * 9


def test_what_is_written_is_the_automaton(learn: Any, example: Any) -> None:
    assert example("automata", "written").shortest() == [learn.WRITTEN[str(rule)] for rule in range(256)]
    cells = (np.arange(32)[:, None] >> np.arange(5)) & 1
    for rule in range(256):
        assert np.array_equal(learn.written(rule, 5)(cells), learn.after(rule, cells))


def test_an_automaton_is_one_rule_for_every_width(learn: Any) -> None:
    row = learn.examine(110, seeds=2, width=20, cells=10_000)
    assert (row.proved, row.agrees) == (True, True)
    assert max(row.needed["shared"]) <= 12
    assert max(row.needed["alone"]) <= 250


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_wrong_bits_are_no_obstacle(harder: Any, noise: float) -> None:
    setting = harder.Setting(noise=noise)
    cells, after = setting.draw(harder.elementary(30), 32, 20, 0)
    wrong = (after != harder.elementary(30).after(cells)).mean()
    assert abs(wrong - noise) < 0.03
    assert harder.needed(harder.elementary(30), setting, "shared", 20, 0) <= 32


def test_totalistic_rules_count_their_neighbours(harder: Any) -> None:
    automaton = harder.totalistic(20)
    cells, after = harder.Setting().draw(automaton, 16, 20, 0)
    network = harder.learned(cells, after, "shared")
    assert [len(part) for part in network.shared_.relevance.tallies] == [5]
    program = dd.distill(network, inputs="cell: bit[20]", outputs="next: bit[20]")
    assert program.verdict.status == "proved"
    unseen = np.random.default_rng(1).integers(0, 2, (200, 20))
    assert np.array_equal(program(unseen), automaton.after(unseen))
