"""One rule for every size: from networks whose units are shuffled differently at every size, against oracles."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from lines import Line, count

import ddcompile as dd
from ddcompile.analysis.cost import cost
from ddcompile.testing.sized import SIZED, SizedFamily

__all__ = ["sizes"]

SAMPLES = 1000
LARGE_SAMPLES = 2
RATIO = 1.15
SECONDS = 5.0


def distilled(family: SizedFamily) -> list[dd.Program]:
    """The programs of the given sizes, each from a network in its own disguise."""
    found = []
    for seed, sizes in enumerate(family.given):
        built = family.build(*sizes)
        network = built.network(seed)
        found.append(dd.distill(network, built.inputs, built.outputs, built.head, family.name))
    return found


def at(program: dd.Program, family: SizedFamily, sizes: tuple[int, ...]) -> dd.Program:
    """The program, and with it the number of steps if it takes one."""
    return program.at(**{program.rule.sizes[-1]: sizes[-1]}) if family.is_timed else program


def differing(program: dd.Program, family: SizedFamily, sizes: tuple[int, ...], samples: int) -> tuple[int, int, float]:
    """Samples on which machine code and the oracle differ, elements of all results, seconds of the machine code."""
    drawn = family.draw(np.random.default_rng(7), samples, *sizes)
    run = at(program, family, sizes).jit()
    start = time.perf_counter()
    found = np.asarray(run(*drawn))
    seconds = time.perf_counter() - start
    expected = family.oracle(*drawn, *(sizes[1:] if family.is_timed else ()))
    assert found.shape == expected.shape
    return int((found != expected).reshape(samples, -1).any(axis=1).sum()), found.size, seconds


def engines(program: dd.Program, family: SizedFamily) -> int:
    """On how many samples at the first given sizes the interpreter, Python or C differ from the oracle."""
    from ddcompile.engines import compiled

    sizes = tuple(n + 1 for n in family.given[0])
    drawn = family.draw(np.random.default_rng(8), 20, *sizes)
    expected = family.oracle(*drawn, *(sizes[1:] if family.is_timed else ()))
    wrong = 0
    for engine in ("interpreter", "python", "c"):
        found = np.asarray(compiled(at(program, family, sizes).rule, engine)(drawn))
        wrong += int((found.reshape(expected.shape) != expected).reshape(20, -1).any(axis=1).sum())
    return wrong


def sizes() -> Iterator[Line]:
    """Every family: what is made of the given sizes, how fast, and whether it is right at others."""
    for family in SIZED.values():
        line: Callable[..., Line] = partial(Line, f"sizes: {family.name}")
        given = distilled(family)
        start = time.process_time()
        try:
            program = dd.generalize(given)
        except dd.CompileError as error:
            print(error, file=sys.stderr)
            yield line("one rule", "refused", "one rule", False)
            continue
        seconds = time.process_time() - start
        assert program.generalization is not None
        yield line("one rule", str(program.generalization), "proved", len(program.generalization.given) == len(given))
        yield line("seconds of processor time", f"{seconds:.2f}", f"< {SECONDS:.0f}", seconds < SECONDS)
        own = cost(program.rule) - 2 * len(program.rule.sizes) - 1
        ratio = own / max(p.cost for p in given)
        yield line("cost against the fixed sizes", f"{ratio:.2f}", f"<= {RATIO}", ratio <= RATIO)
        assumed = len(program.generalization.assumed)
        yield line("assumed", str(assumed), "0", assumed == 0)
        wrong, _, _ = differing(program, family, family.held_out, SAMPLES)
        yield line(f"wrong at {family.held_out}", f"{wrong} of {count(SAMPLES)}", "0", wrong == 0)
        wrong, elements, seconds = differing(program, family, family.large, LARGE_SAMPLES)
        found = f"{wrong} of {LARGE_SAMPLES}, {count(elements)} elements, {seconds:.1f} s"
        yield line(f"wrong at {family.large}", found, "0", wrong == 0)
        wrong = engines(program, family)
        yield line("wrong by interpreter, Python, C", str(wrong), "0", wrong == 0)
