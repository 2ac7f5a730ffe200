"""Distill networks of known structure, and compare with the rules that a person would write::

    python tests/benchmarks/structures.py [--only PATTERN] [--part K/N] [--shuffles K] [--drawn N] [--seconds S]
        [--processes P] [--record FILE] [--merge FILE...] [--text] [--markdown] [--readme]

Prints a line for every structure of `ddcompile.testing.structures`: the parameters of the network, the cost of the
rule beside the builder, the cost found (the worst of all shuffles) and its ratio, how many different texts the shuffles
gave, how many were proved, and the longest time. Then structures that are drawn by a seed: two in one network, and one
with 3 % of its units replaced at random. With --markdown, the table once more for a page; --readme puts it into
README.md. A shuffle that takes longer than the limit, or fails, or ends its process, ends its structure alone.

The list may be measured in parts, side by side or one after the other, and put together::

    python tests/benchmarks/structures.py --shuffles 20 --part 1/2 --record one.jsonl
    python tests/benchmarks/structures.py --shuffles 20 --part 2/2 --record two.jsonl
    python tests/benchmarks/structures.py --merge one.jsonl two.jsonl --readme

Every line is in the file as soon as it is known. Structures that the file has already are not measured again, so that
a command that was broken off goes on where it was.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Collection, Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path

from structures_lines import WITHIN, Found, Line, merged, read, record
from structures_page import README, page, with_page

import ddcompile as dd
from ddcompile.testing.attack import Limits, Lost, outcomes
from ddcompile.testing.structures import DRAWN, STRUCTURES, Structure

BYTES = 4 * 2**30
"""Address space of a process that distills."""
PATIENCE = 20
"""How much longer than its processor time a shuffle may take by the clock."""

Job = tuple[str, int | None]
"""A structure and the seed of its disguise; None takes it as it was made."""


def structure_of(name: str) -> Structure:
    """A structure by its name, `rows`, or by its section and seed, `composed:3`."""
    section, _, seed = name.partition(":")
    return DRAWN[section](int(seed)) if seed else STRUCTURES[name].build()


def distilled(job: Job) -> Found:
    """Distill one shuffle of a structure."""
    name, seed = job
    structure = structure_of(name)
    network = structure.network(seed)
    start = time.process_time()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        program = dd.distill(network, structure.inputs, structure.outputs, structure.head, structure.rule.name)
    seconds = time.process_time() - start
    assert program.verdict is not None
    return Found(seed, str(program), program.cost, program.verdict.status, len(caught), seconds)


def section_of(name: str) -> str:
    """The section of a structure."""
    return STRUCTURES[name].section if name in STRUCTURES else name.partition(":")[0]


def names_of(pattern: str, drawn: int) -> list[str]:
    """The structures whose name or section matches, in the order of the table."""
    names = [*STRUCTURES, *(f"{section}:{seed}" for section in DRAWN for seed in range(drawn))]
    return [name for name in names if fnmatch(name, pattern) or fnmatch(section_of(name), pattern)]


def measured(names: Sequence[str], shuffles: int, processes: int, limits: Limits) -> Iterator[Line]:
    """A line for every structure, as soon as it is known."""
    found: dict[str, list[Found]] = {name: [] for name in names}
    seeds: list[int | None] = [*range(shuffles)] or [None]
    jobs: list[Job] = []

    def asked() -> Iterator[Job]:
        for name in names:
            for seed in seeds:
                if not any(f.failure for f in found[name]):
                    jobs.append((name, seed))
                    yield jobs[-1]

    told = 0
    for number, outcome in outcomes(distilled, asked(), processes, limits):
        name, seed = jobs[number]
        if isinstance(outcome, Lost):
            outcome = Found(seed, failure=outcome.reason.splitlines()[0])
        found[name].append(outcome)
        while told < len(names) and is_known(found[names[told]], seeds, jobs, names[told]):
            yield line_of(names[told], found[names[told]])
            told += 1


def is_known(found: Sequence[Found], seeds: Sequence[int | None], jobs: Collection[Job], name: str) -> bool:
    """Whether nothing more will become known of a structure."""
    if any(f.failure for f in found):
        return len(found) == sum(of == name for of, _ in jobs)
    return len(found) == len(seeds)


def line_of(name: str, found: Sequence[Found]) -> Line:
    """The line of a structure, its shuffles in order."""
    structure = structure_of(name)
    shuffles = tuple(sorted(found, key=lambda f: -1 if f.seed is None else f.seed))
    rule = str(structure.rule).rstrip()
    return Line(section_of(name), name, structure.plain.parameters, structure.written, rule, shuffles)


def show(lines: Iterator[Line], *, with_text: bool) -> Iterator[Line]:
    """Print lines as they come, a heading before each section."""
    section = ""
    for line in lines:
        if line.section != section:
            section = line.section
            print(f"\n{section:22}{'weights':>9}{'written':>9}{'found':>8}{'ratio':>8}", end="")
            print(f"{'texts':>7}{'proved':>8}{'s':>8}")
        print(line, flush=True)
        if with_text and not line.is_within:
            for text in dict.fromkeys((line.rule, *(f.text for f in line.found))):
                print("\n".join(f"    {row[:150]}" for row in text.splitlines()), flush=True)
        yield line


def summary(lines: Sequence[Line]) -> Iterator[str]:
    """How many structures of every section are within the bound."""
    for section in dict.fromkeys(line.section for line in lines):
        of_section = [line for line in lines if line.section == section]
        ratios = sorted(line.worst / line.written for line in of_section if not line.failure)
        spread = ", ".join(f"{ratios[int(q * (len(ratios) - 1))]:.2f}" for q in (0, 0.5, 0.9, 1)) if ratios else "-"
        within = sum(line.is_within for line in of_section)
        yield f"{section:22}{within:4} of {len(of_section)} within {WITHIN}x; least, median, 90 %, most: {spread}"
    yield f"{'all':22}{sum(line.is_within for line in lines):4} of {len(lines)} within {WITHIN}x"
    many = [line.name for line in lines if line.texts > 1]
    if many:
        yield f"different texts for different shuffles: {', '.join(many)}"


def part_of(text: str) -> tuple[int, int]:
    """A part and how many there are, from `1/2`."""
    part, _, parts = text.partition("/")
    if not 1 <= int(part) <= int(parts):
        raise ValueError(text)
    return int(part), int(parts)


def arguments() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="*", metavar="PATTERN", help="structures or sections, such as 'rule*'")
    whole = "every N-th structure, beginning with the K-th"
    parser.add_argument("--part", type=part_of, default=(1, 1), metavar="K/N", help=whole)
    shuffles = "disguises of every network (default 3); 0 takes it as it was made"
    parser.add_argument("--shuffles", type=int, default=3, help=shuffles)
    parser.add_argument("--drawn", type=int, default=10, help="structures drawn by a seed, of each kind (default 10)")
    seconds = "processor time of one shuffle, the making of its network included (default 120)"
    parser.add_argument("--seconds", type=int, default=120, help=seconds)
    parser.add_argument("--processes", type=int, default=1, help="how many shuffles at a time (default 1)")
    kept = "add every line to a file; what it has is not measured"
    parser.add_argument("--record", type=Path, metavar="FILE", help=kept)
    merge = "put the lines of such files together, and measure nothing"
    parser.add_argument("--merge", type=Path, nargs="+", metavar="FILE", help=merge)
    parser.add_argument("--markdown", action="store_true", help="print the table for a page, too")
    parser.add_argument("--readme", action="store_true", help="write it to README.md; for all structures")
    parser.add_argument("--text", action="store_true", help="show what was written and what was found")
    options = parser.parse_args()
    if options.record and options.merge:
        parser.error("--merge measures nothing that --record could add")
    return options


def main() -> int:
    """Print the table; 0 if every structure is within the bound."""
    options = arguments()
    part, parts = options.part
    names = names_of(options.only, options.drawn)[part - 1 :: parts]
    if options.merge:
        known = merged((line for path in options.merge for line in read(path)), names)
        new: Iterator[Line] = iter(())
    else:
        known = merged(read(options.record) if options.record and options.record.exists() else (), names)
        limits = Limits(options.seconds, PATIENCE * options.seconds, BYTES)
        left = [name for name in names if name not in {line.name for line in known}]
        new = measured(left, options.shuffles, options.processes, limits)
    lines = list(show(iter(known), with_text=options.text))
    for line in show(new, with_text=options.text):
        lines.append(line)
        if options.record:
            record(line, options.record)
    lines = merged(lines, names)
    if not lines:
        print(f"no structure or section matches {options.only}", file=sys.stderr)
        return 2
    print("", *summary(lines), sep="\n")
    if options.markdown:
        print(f"\n{page(lines)}")
    if options.readme:
        missing = set(names_of("*", options.drawn)).difference(line.name for line in lines)
        if missing:
            print(f"README.md shows all structures; not measured: {', '.join(sorted(missing))}", file=sys.stderr)
            return 2
        README.write_text(with_page(README.read_text(encoding="utf-8"), lines), encoding="utf-8")
    return 0 if all(line.is_within for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
