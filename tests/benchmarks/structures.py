"""Distill networks of known structure, and compare with the rules that a person would write::

    python tests/benchmarks/structures.py [--only PATTERN] [--shuffles K] [--drawn N] [--seconds S] [--json FILE]
        [--text] [--markdown] [--readme]

Prints a line for every structure of `ddcompile.testing.structures`: the parameters of the network, the cost of the
rule beside the builder, the cost found (the worst of all shuffles) and its ratio, how many different texts the shuffles
gave, how many were proved, and the longest time. Then structures that are drawn by a seed: two in one network, and one
with 3 % of its units replaced at random. With --markdown, the table once more for a page; --readme puts it into
README.md. A shuffle that takes longer than the limit, or fails, ends its
structure.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from structures_page import README, page, with_page

import ddcompile as dd
from ddcompile.frontends.network import Network
from ddcompile.testing.structures import DRAWN, STRUCTURES, Structure

WITHIN = 1.3
BYTES = 4 * 2**30
"""Address space of the process that distills."""


@dataclass(frozen=True, slots=True)
class Found:
    """What one shuffle was distilled to; `failure` says why it was not."""

    seed: int | None
    text: str = ""
    cost: int = 0
    verdict: str = ""
    left_out: int = 0
    seconds: float = 0
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A structure and what became of its shuffles."""

    section: str
    name: str
    parameters: int
    written: int
    rule: str
    found: list[Found]

    @property
    def failure(self) -> str:
        """Why a shuffle was not distilled, if one was not."""
        return next((f.failure for f in self.found if f.failure), "")

    @property
    def worst(self) -> int:
        """The cost of the longest rule found."""
        return max((f.cost for f in self.found if not f.failure), default=0)

    @property
    def proved(self) -> str:
        """How many shuffles were proved, of how many."""
        return f"{sum(f.verdict == 'proved' for f in self.found if not f.failure)}/{len(self.found)}"

    @property
    def is_within(self) -> bool:
        """Whether every shuffle gave a proved rule that is hardly longer than the written one."""
        proved = all(f.verdict == "proved" for f in self.found)
        return not self.failure and proved and self.worst <= WITHIN * self.written

    def __str__(self) -> str:
        """A row of the table."""
        done = [f for f in self.found if not f.failure]
        texts = len({f.text for f in done})
        seconds = max(f.seconds for f in self.found)
        ratio = f"{self.worst / self.written:8.2f}" if done else f"{'-':>8}"
        row = f"{self.name:22}{self.parameters:9}{self.written:9}{self.worst or '-':>8}{ratio}"
        row += f"{texts:>7}{self.proved:>8}{seconds:>8.1f}"
        return f"{row}  {'ok' if self.is_within else self.failure or '.'}"


def distilled(structure: Structure, network: Network, seed: int | None) -> Found:
    """Distill one shuffle of a structure."""
    start = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        program = dd.distill(network, structure.inputs, structure.outputs, structure.head, structure.rule.name)
    seconds = time.perf_counter() - start
    assert program.verdict is not None
    return Found(seed, str(program), program.cost, program.verdict.status, len(caught), seconds)


def structure_of(name: str) -> Structure:
    """A structure by its name, `rows`, or by its section and seed, `composed:3`."""
    section, _, seed = name.partition(":")
    return DRAWN[section](int(seed)) if seed else STRUCTURES[name].build()


def serve(requests: Connection) -> None:
    """Distill what is asked for, until nothing more is; say when the network is made and time begins to count."""
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    while True:
        name, seed = requests.recv()
        structure = structure_of(name)
        network = structure.network(seed)
        requests.send("made")
        try:
            requests.send(distilled(structure, network, seed))
        except Exception as error:
            requests.send(Found(seed, failure=f"{type(error).__name__}: {error}".splitlines()[0]))


class Worker:
    """A process that distills; one that takes too long is ended, and another is started for what comes next.

    Making a network is not limited: builders take seconds.
    """

    def __init__(self, seconds: float) -> None:
        """Start none yet."""
        self.seconds = seconds
        self.context = get_context("spawn")
        self.process = None

    def ask(self, name: str, seed: int | None) -> Found:
        """Distill one shuffle."""
        if self.process is None:
            self.requests, theirs = self.context.Pipe()
            self.process = self.context.Process(target=serve, args=(theirs,), daemon=True)
            self.process.start()
            theirs.close()
        self.requests.send((name, seed))
        try:
            self.requests.recv()
            if self.requests.poll(self.seconds):
                return self.requests.recv()
            failure = f"> {self.seconds:.0f} s"
        except EOFError:
            failure = "the process ended"
        self.end()
        return Found(seed, seconds=self.seconds, failure=failure)

    def end(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.requests.close()
            self.process = None


def measured(pattern: str, shuffles: int, drawn: int, worker: Worker) -> Iterator[Line]:
    """A line for every structure whose name or section matches."""
    sections = {name: case.section for name, case in STRUCTURES.items()}
    sections |= {f"{section}:{seed}": section for section in DRAWN for seed in range(drawn)}
    for name, section in sections.items():
        if not (fnmatch(name, pattern) or fnmatch(section, pattern)):
            continue
        structure = structure_of(name)
        found: list[Found] = []
        for seed in range(shuffles) if shuffles else [None]:
            found.append(worker.ask(name, seed))
            if found[-1].failure:
                break
        rule = str(structure.rule).rstrip()
        yield Line(section, name, structure.plain.parameters, structure.written, rule, found)


def main() -> int:
    """Print the table; 0 if every structure is within the bound."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="*", metavar="PATTERN", help="structures or sections, such as 'rule*'")
    shuffles = "disguises of every network (default 3); 0 takes it as it was made"
    parser.add_argument("--shuffles", type=int, default=3, help=shuffles)
    parser.add_argument("--drawn", type=int, default=10, help="structures drawn by a seed, of each kind (default 10)")
    parser.add_argument("--seconds", type=float, default=60, help="limit for one of them (default 60)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was found")
    parser.add_argument("--markdown", action="store_true", help="print the table for a page, too")
    parser.add_argument("--readme", action="store_true", help="write it to README.md; for all structures")
    parser.add_argument("--text", action="store_true", help="show what was written and what was found")
    options = parser.parse_args()
    if options.readme and options.only != "*":
        parser.error("README.md shows all structures: --readme goes without --only")
    worker = Worker(options.seconds)
    lines: list[Line] = []
    for line in measured(options.only, options.shuffles, options.drawn, worker):
        if not lines or line.section != lines[-1].section:
            print(f"\n{line.section:22}{'weights':>9}{'written':>9}{'found':>8}{'ratio':>8}", end="")
            print(f"{'texts':>7}{'proved':>8}{'s':>8}")
        print(line, flush=True)
        if options.text and not line.is_within:
            for text in dict.fromkeys((line.rule, *(f.text for f in line.found))):
                print("\n".join(f"    {row[:150]}" for row in text.splitlines()), flush=True)
        lines.append(line)
    worker.end()
    if not lines:
        print(f"no structure or section matches {options.only}", file=sys.stderr)
        return 2
    print()
    for section in dict.fromkeys(line.section for line in lines):
        of_section = [line for line in lines if line.section == section]
        ratios = sorted(line.worst / line.written for line in of_section if not line.failure)
        spread = ", ".join(f"{ratios[int(q * (len(ratios) - 1))]:.2f}" for q in (0, 0.5, 0.9, 1)) if ratios else "-"
        within = sum(line.is_within for line in of_section)
        print(f"{section:22}{within:4} of {len(of_section)} within {WITHIN}x; least, median, 90 %, most: {spread}")
    print(f"{'all':22}{sum(line.is_within for line in lines):4} of {len(lines)} within {WITHIN}x")
    if options.markdown:
        print(f"\n{page(lines)}")
    if options.readme:
        README.write_text(with_page(README.read_text(encoding="utf-8"), lines), encoding="utf-8")
    if options.json:
        options.json.write_text(json.dumps([asdict(line) for line in lines], indent=1) + "\n")
    return 0 if all(line.is_within for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
