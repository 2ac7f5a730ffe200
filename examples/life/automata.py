"""Automata of the family of Life: what a cell becomes depends on it and on how many around it are alive."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np


@dataclass(frozen=True)
class Automaton:
    """One automaton on a torus. Cells are 0 (dead), 1 (alive), and of three states 2 (dying).

    Attributes
    ----------
    name : str
    born, stays : tuple of int
        With how many live cells around it a dead cell comes alive, and a live one stays alive.
    states : int
        With three states, a live cell that does not stay alive is dying for one step.
    """

    name: str
    born: tuple[int, ...]
    stays: tuple[int, ...]
    states: int = 2

    @property
    def kind(self) -> str:
        """The type of a cell."""
        return "bit" if self.states == 2 else f"int[0..{self.states - 1}]"

    def after(self, cells: np.ndarray) -> np.ndarray:
        """The states after a step, for states of shape (..., rows, columns)."""
        alive = (cells == 1).astype(np.uint8)
        near = [(i, j) for i, j in product((-1, 0, 1), repeat=2) if (i, j) != (0, 0)]
        around = sum(np.roll(alive, shift, axis=(-2, -1)) for shift in near)
        of_live = np.where(np.isin(around, self.stays), 1, self.states - 1 if self.states > 2 else 0)
        of_dead = np.isin(around, self.born)
        return np.where(cells == 0, of_dead, np.where(alive, of_live, 0)).astype(np.uint8)

    def draw(self, count: int, shape: tuple[int, int], density: float, seed: int) -> np.ndarray:
        """Random states of shape (count, rows, columns): a part is alive, of three states a third of the rest dying."""
        drawn = np.random.default_rng((seed, *shape)).random((count, *shape))
        dying = drawn > 1 - (1 - density) / 3
        return np.where(drawn < density, 1, np.where(dying & (self.states > 2), 2, 0)).astype(np.uint8)

    def neighbourhoods(self, shape: tuple[int, int]) -> np.ndarray:
        """States in which every cell has every neighbourhood in turn: all of 3 x 3 cells, repeated over a torus.

        Of three states, every tenth.
        """
        patterns = np.array(list(product(range(self.states), repeat=9)), dtype=np.uint8).reshape(-1, 3, 3)
        patterns = patterns[:: 1 if self.states == 2 else 10]
        return np.tile(patterns, (1, shape[0] // 3, shape[1] // 3))


AUTOMATA = [
    Automaton("life", (3,), (2, 3)),
    Automaton("highlife", (3, 6), (2, 3)),
    Automaton("day_and_night", (3, 6, 7, 8), (3, 4, 6, 7, 8)),
    Automaton("seeds", (2,), ()),
    Automaton("brians_brain", (2,), (), states=3),
]
