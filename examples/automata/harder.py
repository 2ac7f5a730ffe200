"""Learn cellular automata from transitions with errors, from states of few ones or few zeros, and with five neighbours.

`python harder.py [--draws 3] [--width 20]`
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

import ddcompile as dd

COUNTS = {"shared": (2, 4, 8, 16, 32, 64, 128), "alone": (50, 100, 200, 400)}
OPTIONS = {"shared": {"shared": "auto"}, "alone": {"relevance": "exact"}}
NOISE = (0.0, 0.02, 0.05, 0.1, 0.15, 0.3)
DENSITIES = (0.02, 0.1, 0.3, 0.7, 0.9, 0.98)
RULES = (30, 110)


@dataclass(frozen=True)
class Automaton:
    """A rule for the cells of a ring: an entry of a table for each pattern of the neighbours, the leftmost counts most.

    Attributes
    ----------
    name : str
    table : tuple of int
        0 or 1 for all patterns of 2 * radius + 1 cells.
    """

    name: str
    table: tuple[int, ...]

    @property
    def radius(self) -> int:
        return (len(self.table).bit_length() - 2) // 2

    def after(self, cells: np.ndarray) -> np.ndarray:
        """The states after a step."""
        shifts = range(-self.radius, self.radius + 1)
        pattern = sum(np.roll(cells, shift, axis=-1) << (self.radius + shift) for shift in shifts)
        return np.array(self.table)[pattern]


@dataclass(frozen=True)
class Setting:
    """How transitions come about: the part of ones in states, and the part of bits after the step that are wrong."""

    density: float = 0.5
    noise: float = 0.0

    def draw(self, automaton: Automaton, count: int, width: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """States and the states after them, each of shape (count, width)."""
        random = np.random.default_rng((seed, width))
        drawn, flipped = random.random((2, max(max(counts) for counts in COUNTS.values()), width))[:, :count]
        cells = (drawn < self.density).astype(np.int64)
        return cells, automaton.after(cells) ^ (flipped < self.noise)


def elementary(rule: int) -> Automaton:
    """With three neighbours, by its number."""
    return Automaton(f"rule {rule}", tuple(rule >> k & 1 for k in range(8)))


def totalistic(code: int) -> Automaton:
    """With five neighbours of which only the number of ones counts: bit n of the code."""
    return Automaton(f"code {code}", tuple(code >> k.bit_count() & 1 for k in range(32)))


def of_any_kind(seed: int) -> Automaton:
    """With five neighbours, a random table."""
    return Automaton(f"random {seed}", tuple(np.random.default_rng(seed).integers(0, 2, 32).tolist()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=3, help="of transitions (3)")
    parser.add_argument("--width", type=int, default=20, help="cells of the ring (20)")
    given = parser.parse_args()
    start = time.process_time()

    def show(title: str, automata: Iterable[Automaton], columns: dict[str, Setting]) -> None:
        print(f"\n{title:20}" + "".join(f"{column:>10}" for column in columns))
        for automaton in automata:
            for way in COUNTS:
                print(f"{automaton.name:12}{way:8}", end="")
                for setting in columns.values():
                    counts = [needed(automaton, setting, way, given.width, seed) for seed in range(given.draws)]
                    print(f"{summary(counts):>10}", end="", flush=True)
                print()

    few = [elementary(rule) for rule in RULES]
    show("wrong bits", few, {f"{noise:.0%}": Setting(noise=noise) for noise in NOISE})
    show("ones in states", few, {f"{density:.0%}": Setting(density) for density in DENSITIES})
    wider = [*map(totalistic, (20, 52)), *map(of_any_kind, range(2))]
    show("five neighbours", wider, {f"{noise:.0%} wrong": Setting(noise=noise) for noise in (0.0, 0.05)})
    print("\none rule for every width")
    for automaton in wider:
        print(general(automaton))
    print(f"\n{time.process_time() - start:.0f} s of processor time")


def learned(cells: np.ndarray, after: np.ndarray, way: str) -> dd.learn.ENNClassifier:
    return dd.learn.ENNClassifier(**OPTIONS[way], random_state=0).fit(cells, after)


def needed(automaton: Automaton, setting: Setting, way: str, width: int, seed: int) -> int | None:
    """The least of the counts from which the function that is learned is the automaton, on 500 other states."""
    unseen = np.random.default_rng(0).integers(0, 2, (500, width))
    for count in COUNTS[way]:
        cells, after = setting.draw(automaton, count, width, seed)
        if np.array_equal(learned(cells, after, way).predict(unseen), automaton.after(unseen)):
            return count
    return None


def general(automaton: Automaton) -> str:
    """The rule for every width, from rings of four: whether it is right on 10^6 cells, its cost, the text if short."""
    program = dd.generalize([distilled(automaton, width) for width in (11, 12, 13, 15)])
    large = np.random.default_rng(0).integers(0, 2, 10**6, dtype=np.uint8)
    is_right = np.array_equal(program.jit()(large), automaton.after(large.astype(np.int64)))
    text = "; ".join(part.strip() for part in str(program).splitlines()[1:-1]) if program.cost <= 100 else ""
    return f"{automaton.name:12}{'right' if is_right else 'wrong':7}{program.cost:4}  {text}".rstrip()


def distilled(automaton: Automaton, width: int) -> dd.Program:
    network = learned(*Setting().draw(automaton, 128, width, 0), "shared")
    return dd.distill(network, inputs=f"cell: bit[{width}]", outputs=f"next: bit[{width}]", name="automaton")


def summary(counts: list[int | None]) -> str:
    """Median and worst; a minus where the largest of the counts was not enough."""
    largest = max(max(counts) for counts in COUNTS.values())
    ordered = sorted(count or 2 * largest for count in counts)
    middle, worst = ("-" if count > largest else str(count) for count in (statistics.median_low(ordered), ordered[-1]))
    return f"{middle}, {worst}"


if __name__ == "__main__":
    main()
