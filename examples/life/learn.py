"""Learn automata of the family of Life from random transitions of a torus, whole states in, whole states out.

`python learn.py [--automata life seeds ...] [--draws 10] [--cells 4096]`
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from automata import AUTOMATA, Automaton

import ddcompile as dd

WRITTEN = Path(__file__).parent / "written"
SHAPE = (12, 12)
SMALLER = ((7, 9), (8, 7), (9, 8), (10, 11))
"""The shapes of tori whose rules are generalised."""
COUNTS = (4, 8, 16, 32)
DENSITY = 0.4
DENSITIES = (0.1, 0.3, 0.5, 0.7, 0.9)


@dataclass
class Row:
    """What was found out about one automaton."""

    needed: list[int | None]
    cost: int
    written: int
    is_proved: bool
    is_written: bool
    is_right: bool
    general: dd.Program


def main() -> None:
    names = [automaton.name for automaton in AUTOMATA]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--automata", nargs="*", default=names, choices=names, help="all")
    parser.add_argument("--draws", type=int, default=10, help="of transitions (10)")
    parser.add_argument("--cells", type=int, default=4096, help="rows and columns that the rules are run on (4096)")
    given = parser.parse_args()
    start = time.process_time()
    chosen = [automaton for automaton in AUTOMATA if automaton.name in given.automata]
    print("automaton      transitions  draws  cost  written  ratio  proved  same  right")
    rows = []
    for automaton in chosen:
        rows.append(examine(automaton, given.draws, given.cells))
        print(line(automaton, rows[-1]), flush=True)
    print("\ndensity        " + "".join(f"{density:>5}" for density in DENSITIES))
    for automaton in chosen:
        print(f"{automaton.name:13}  ", end="")
        for density in DENSITIES:
            print(f"{needed(automaton, density, 0) or '-':>5}", end="", flush=True)
        print()
    for row in rows:
        print(f"\n{row.general}\n{row.general.generalization}")
    print(f"\n{time.process_time() - start:.0f} s of processor time")


def learned(automaton: Automaton, states: np.ndarray) -> dd.learn.ENNClassifier:
    count, *shape = states.shape
    network = dd.learn.ENNClassifier(shared="auto", grid=shape, random_state=0)
    return network.fit(states.reshape(count, -1), automaton.after(states).reshape(count, -1))


def is_exact(network: dd.learn.ENNClassifier, automaton: Automaton) -> bool:
    """Whether the network is right about all neighbourhoods, of very many some, at every cell."""
    for states in (automaton.draw(4, SHAPE, DENSITY, 1234), automaton.neighbourhoods(SHAPE)):
        found = network.predict(states.reshape(len(states), -1)).reshape(states.shape)
        if not np.array_equal(found, automaton.after(states)):
            return False
    return True


def needed(automaton: Automaton, density: float, seed: int) -> int | None:
    """The least count of transitions from which, as from all larger ones, the automaton is learned."""
    least = None
    for count in reversed(COUNTS):
        if not is_exact(learned(automaton, automaton.draw(count, SHAPE, density, seed)), automaton):
            break
        least = count
    return least


def examine(automaton: Automaton, draws: int, cells: int) -> Row:
    counts = [needed(automaton, DENSITY, seed) for seed in range(draws)]
    program = distilled(automaton, SHAPE)
    general = dd.generalize([distilled(automaton, shape) for shape in SMALLER], hold_out=[program])
    written = dd.load(WRITTEN / f"{automaton.name}.rule")
    # On a torus of 3 x 3, a cell has every neighbourhood in turn.
    verdict = dd.verify(general.at(H=3, W=3), written.at(H=3, W=3))
    large = automaton.draw(1, (cells, cells), DENSITY, 0)[0]
    is_right = np.array_equal(general.jit()(large), automaton.after(large))
    is_proved = program.verdict.status == "proved"
    return Row(counts, general.cost, written.cost, is_proved, verdict.status == "proved", is_right, general)


def distilled(automaton: Automaton, shape: tuple[int, int]) -> dd.Program:
    """The rule for tori of one shape, learned from as many cells as the largest of the counts has at 12 x 12."""
    count = -(-max(COUNTS) * SHAPE[0] * SHAPE[1] // (shape[0] * shape[1]))
    network = learned(automaton, automaton.draw(count, shape, DENSITY, 0))
    extents = f"{automaton.kind}[{shape[0]}, {shape[1]}]"
    return dd.distill(network, inputs=f"cell: {extents}", outputs=f"next: {extents}", name=automaton.name)


def line(automaton: Automaton, row: Row) -> str:
    known = [count for count in row.needed if count is not None]
    summary = f"{statistics.median_low(known)}, {max(known)}" if known else "none"
    flags = ["yes" if flag else "no" for flag in (row.is_proved, row.is_written, row.is_right)]
    return (
        f"{automaton.name:13}  {summary:11}  {f'{len(known)}/{len(row.needed)}':5}  {row.cost:4}  {row.written:7}  "
        f"{row.cost / row.written:5.2f}  {flags[0]:6}  {flags[1]:4}  {flags[2]}"
    )


if __name__ == "__main__":
    main()
