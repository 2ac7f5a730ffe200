"""The short version of `examples/life`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import ddcompile as dd

pytest.importorskip("sklearn")
pytest.importorskip("pysat")


@pytest.fixture(scope="module")
def learn(example: Any) -> Any:
    return example("life", "learn")


def oracle(cells: np.ndarray, born: tuple[int, ...], stays: tuple[int, ...], states: int) -> np.ndarray:
    """Another implementation: windows over the torus continued at its edges, and a table."""
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(cells, 1, mode="wrap") == 1, (3, 3))
    counts = windows.sum(axis=(2, 3))
    table = np.zeros((states, 10), dtype=np.uint8)
    table[0, list(born)] = 1
    table[1] = states - 1 if states == 3 else 0
    table[1, [n + 1 for n in stays]] = 1
    return table[cells, counts]


def test_what_is_learned_from_is_right(learn: Any) -> None:
    for automaton in learn.AUTOMATA:
        cells = np.random.default_rng(1).integers(0, automaton.states, (20, 31), dtype=np.uint8)
        wanted = oracle(cells, automaton.born, automaton.stays, automaton.states)
        assert np.array_equal(automaton.after(cells), wanted)
        assert np.array_equal(dd.load(learn.WRITTEN / f"{automaton.name}.rule")(cells), wanted)


def test_neighbourhoods_occurs_at_every_cell(learn: Any) -> None:
    states = learn.AUTOMATA[0].neighbourhoods((6, 9))
    for i, j in ((0, 0), (5, 8), (3, 4)):
        windows = np.roll(states, (1 - i, 1 - j), (1, 2))[:, :3, :3].reshape(len(states), -1)
        assert len(np.unique(windows, axis=0)) == 512


@pytest.mark.parametrize(("name", "count"), [("life", 6), ("highlife", 8), ("seeds", 6), ("brians_brain", 16)])
def test_few_transitions_are_enough(learn: Any, name: str, count: int) -> None:
    (automaton,) = [automaton for automaton in learn.AUTOMATA if automaton.name == name]
    network = learn.learned(automaton, automaton.draw(count, learn.SHAPE, learn.DENSITY, 0))
    assert learn.is_exact(network, automaton)


def test_highlife_is_one_rule_for_every_torus(learn: Any) -> None:
    highlife = learn.AUTOMATA[1]
    programs = [learn.distilled(highlife, shape) for shape in learn.SMALLER]
    assert all(program.verdict.status == "proved" for program in programs)
    general = dd.generalize(programs)
    written = dd.load(learn.WRITTEN / "highlife.rule")
    assert general.cost <= 1.5 * written.cost
    assert dd.verify(general.at(H=3, W=3), written.at(H=3, W=3)).status == "proved"
    cells = np.random.default_rng(0).integers(0, 2, (130, 257), dtype=np.uint8)
    assert np.array_equal(general.jit()(cells), oracle(cells, (3, 6), (2, 3), 2))
