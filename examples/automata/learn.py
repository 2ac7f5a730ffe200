"""Learn elementary cellular automata from random transitions of a ring, whole states in, whole states out.

`python learn.py [--rules 30 110 ...] [--seeds 10] [--width 20] [--cells 10000000] [--jobs 2]`
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed

import ddcompile as dd

COUNTS = {"shared": (2, 4, 6, 8, 12), "alone": (50, 100, 150, 200, 250)}
OPTIONS = {"shared": {"shared": "auto"}, "alone": {"relevance": "exact"}}
WIDTHS = (9, 10, 11, 13)
WRITTEN = dict(line.split(maxsplit=1) for line in (Path(__file__).parent / "written.txt").read_text().splitlines())
"""The automata as a person would write them (see `written.py`)."""


@dataclass
class Row:
    """What was found out about one automaton."""

    rule: int
    needed: dict[str, list[int | None]]
    cost: int
    written: int
    proved: bool
    general: str
    agrees: bool
    seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rules", type=int, nargs="*", default=range(256), help="0 to 255 (all)")
    parser.add_argument("--seeds", type=int, default=10, help="draws of transitions (10)")
    parser.add_argument("--width", type=int, default=20, help="cells of the ring (20)")
    parser.add_argument("--cells", type=int, default=10**7, help="cells that the rule for every width is run on (10^7)")
    parser.add_argument("--jobs", type=int, default=2, help="automata that are looked at at once (2)")
    given = parser.parse_args()
    rows = []
    print("      transitions needed (median, worst of those that do)")
    print("rule  shared  alone     missed  cost  written  proved  agrees  rule for every width")
    todo = (delayed(examine)(rule, given.seeds, given.width, given.cells) for rule in given.rules)
    for row in Parallel(given.jobs, return_as="generator")(todo):
        rows.append(row)
        print(line(row), flush=True)
    for way in COUNTS:
        counts = [count for row in rows for count in row.needed[way]]
        known = [count for count in counts if count is not None]
        exact = sum(all(count is not None for count in row.needed[way]) for row in rows)
        print(f"{way}: {exact} of {len(rows)} exact on all of {given.seeds} seeds; median, worst: {summary(known)}")
    print(
        f"proved: {sum(row.proved for row in rows)}; the rule for every width agrees: {sum(row.agrees for row in rows)}"
    )
    print(f"longest against what is written: {max(row.cost / row.written for row in rows):.2f}")
    print(f"{sum(row.seconds for row in rows):.0f} s of processor time")


def after(rule: int, cells: np.ndarray) -> np.ndarray:
    """The state after a step: the closed form that nothing else here is told."""
    return (rule >> (4 * np.roll(cells, 1, -1) + 2 * cells + np.roll(cells, -1, -1))) & 1


def draw(rule: int, seed: int, count: int, width: int) -> np.ndarray:
    return np.random.default_rng((rule, seed, width)).integers(0, 2, (count, width))


def learned(rule: int, seed: int, count: int, width: int, way: str) -> dd.learn.ENNClassifier:
    cells = draw(rule, seed, max(COUNTS[way]), width)[:count]
    return dd.learn.ENNClassifier(**OPTIONS[way], random_state=0).fit(cells, after(rule, cells))


def needed(rule: int, seed: int, width: int, way: str) -> int | None:
    """The least of the counts from which the function that is learned is the automaton."""
    # Every pattern of three neighbours occurs at every place.
    unseen = np.random.default_rng(0).integers(0, 2, (500, width))
    for count in COUNTS[way]:
        if np.array_equal(learned(rule, seed, count, width, way).predict(unseen), after(rule, unseen)):
            return count
    return None


def examine(rule: int, seeds: int, width: int, cells: int) -> Row:
    start = time.process_time()
    counts = {way: [needed(rule, seed, width, way) for seed in range(seeds)] for way in COUNTS}
    program = distilled(rule, width)
    general = dd.generalize([distilled(rule, n) for n in WIDTHS], hold_out=[program])
    large = np.random.default_rng(0).integers(0, 2, cells, dtype=np.uint8)
    agrees = bool(np.array_equal(general.jit()(large), after(rule, large)))
    text = str(general).splitlines()
    is_proved, seconds = program.verdict.status == "proved", time.process_time() - start
    return Row(rule, counts, program.cost, written(rule, width).cost, is_proved, "; ".join(text[1:-1]), agrees, seconds)


def distilled(rule: int, width: int) -> dd.Program:
    classifier = learned(rule, 0, max(COUNTS["shared"]), width, "shared")
    return dd.distill(classifier, inputs=f"cell: bit[{width}]", outputs=f"next: bit[{width}]", name="automaton")


def written(rule: int, width: int) -> dd.Program:
    cells = {"p": f"cell[(i - 1) % {width}]", "q": "cell[i]", "r": f"cell[(i + 1) % {width}]"}
    tokens = WRITTEN[str(rule)].replace("(", "( ").replace(")", " )").split()
    value = " ".join(cells.get(token, token) for token in tokens)
    return dd.parse(f"rule automaton(cell: bit[{width}]) -> (next: bit[{width}]) {{ next[i < {width}] = {value} }}")


def summary(counts: list[int]) -> str:
    return f"{statistics.median_low(counts)}, {max(counts)}" if counts else "none"


def line(row: Row) -> str:
    shared, alone = (summary([count for count in row.needed[way] if count is not None]) for way in COUNTS)
    missed = sum(count is None for counts in row.needed.values() for count in counts)
    proved, agrees = ("yes" if is_so else "no" for is_so in (row.proved, row.agrees))
    return (
        f"{row.rule:4}  {shared:6}  {alone:8}  {missed:6}  {row.cost:4}  {row.written:7}  {proved:6}  {agrees:6}  "
        f"{row.general.strip()}"
    )


if __name__ == "__main__":
    main()
