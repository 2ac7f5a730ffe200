"""Every number that must hold, from a clean checkout: `python tests/benchmarks/must_hold.py [--only NAME]`.

Prints a table with one line a fact, and exits with 1 if one of them does not hold. Facts come on stderr as they are
found, and what went wrong. Every section has a process of its own, of which it may measure the memory. The section
`attack` takes the longest, about three quarters of an hour on two cores; with `--networks 1000 --seed 7` it is shorter,
and another one. The section `scale` takes about half an hour.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

from hold_attack import NETWORKS, attack
from hold_digits import digits
from hold_elementary import elementary_functions
from hold_forests import forests
from hold_frontends import frontends
from hold_learn import learning
from hold_networks import agreement, disguised, networks
from hold_onnx import onnx_models
from hold_programs import c_is_clean, meaning, programs, python_is_standalone
from hold_proofs import mutations
from hold_runtime import runtime
from hold_scale import distilling, filters, imports, scale
from hold_sizes import sizes
from hold_usage import bad_input, properties
from hold_windows import windows
from lines import Line
from rich.console import Console
from rich.table import Table

SECTIONS: dict[str, Callable[[], Iterator[Line]]] = {
    "networks": networks,
    "frontends": frontends,
    "forests": forests,
    "onnx": onnx_models,
    "windows": windows,
    "engines": agreement,
    "digits": digits,
    "disguised": disguised,
    "meaning": meaning,
    "programs": programs,
    "elementary": elementary_functions,
    "proofs": mutations,
    "c": c_is_clean,
    "python": python_is_standalone,
    "sizes": sizes,
    "learn": learning,
    "scale": scale,
    "distilling": distilling,
    "runtime": runtime,
    "imports": imports,
    "filter": filters,
    "bad-input": bad_input,
    "properties": properties,
    "attack": attack,
}


def found_in(name: str, section: Callable[[], Iterator[Line]]) -> list[Line]:
    """The lines of a section, told as they are found."""
    start = time.perf_counter()
    lines = []
    for line in section():
        lines.append(line)
        print(f"{line.section}: {line.what}: {line.found}{'' if line.passed else ' FAIL'}", file=sys.stderr, flush=True)
    print(f"{name}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    return lines


def main() -> int:
    """Run the sections asked for; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", choices=SECTIONS, action="append", help="a section; may be given again")
    parser.add_argument("--networks", type=int, default=NETWORKS, help="how many networks to attack with")
    parser.add_argument("--seed", type=int, default=0, help="which networks these are")
    parser.add_argument("--jobs", type=int, default=2, help="processes of the attack")
    options = parser.parse_args()
    os.environ["DDCOMPILE_CACHE"] = "off"
    sections = {**SECTIONS, "attack": partial(attack, options.networks, options.seed, options.jobs)}
    console = Console(width=None if sys.stdout.isatty() else 140)
    table = Table("section", "what", "found", "must be", "", title="What must hold")
    passed = True
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as process:
        for name in options.only or list(SECTIONS):
            for line in process.submit(found_in, name, sections[name]).result():
                passed = passed and line.passed
                mark = "[green]pass[/]" if line.passed else "[bold red]FAIL[/]"
                table.add_row(line.section, line.what, line.found, line.wanted, mark)
    console.print(table)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
