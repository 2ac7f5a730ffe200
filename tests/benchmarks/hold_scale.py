"""Sizes that must work, the time that imports take, and `ddcompile opt` as a filter."""

from __future__ import annotations

import math
import resource
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import pairwise
from multiprocessing import get_context
from typing import Any

import numpy as np
from lines import Line, count

import ddcompile as dd
from ddcompile.analysis.cost import cost
from ddcompile.engines import ENGINES, compiled
from ddcompile.frontends.dense import lower
from ddcompile.frontends.network import Layer, Network
from ddcompile.ir.nodes import Rule
from ddcompile.ir.parser import parse
from ddcompile.ir.verifier import check
from ddcompile.testing import large
from ddcompile.testing.builders import EXAMPLES
from ddcompile.testing.choose import RandomChoose
from ddcompile.testing.filtering import stages
from ddcompile.testing.generate import rule_from_seed
from ddcompile.testing.imports import import_ratio, loaded_modules
from ddcompile.testing.inputs import random_inputs
from ddcompile.testing.operands import Limits

__all__ = ["distilling", "filters", "imports", "in_own_process", "peak", "processor", "scale"]

STATEMENTS = 20_000
UNITS = 100_000
DEPTH = 100_000
SECONDS = 30.0
MEBIBYTES = 1024
SAMPLES = 5
ENGINE_SECONDS = 300.0
DISTILL_SECONDS = 15.0
DISTILL_MEBIBYTES = 3072
RULES = 40
RATIO = 1.3
HEAVY = {"lark", "jinja2", "llvmlite", "click", "rich", "torch", "sklearn", "scipy"}

TEXTS: dict[str, Callable[[], str]] = {
    "20,000 units written out": lambda: large.many_units(STATEMENTS),
    "20,000 clauses of one tensor": lambda: large.many_clauses(STATEMENTS),
    "20,000 clauses of one recurrence": lambda: large.one_recurrence(STATEMENTS),
    "100,000 units in a table": lambda: large.table(UNITS),
    "100,000 units in a sparse table": lambda: large.sparse_table(UNITS),
} | {f"100,000 deep: {form}": lambda form=form: large.deep(form, DEPTH) for form in large.DEEP}


def processor() -> float:
    """Seconds of processor time of this process and those it has waited for."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def peak() -> float:
    """The most memory that this process or one that it has waited for has taken, in MiB."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return max(own.ru_maxrss, children.ru_maxrss) / 1024


def read_and_print(title: str) -> tuple[float, float, bool]:
    """Parse, verify and print a large text: seconds, peak MiB, and whether it reads back as it was printed."""
    text = TEXTS[title]()
    start = time.perf_counter()
    rule = parse(text)
    check(rule)
    printed = str(rule)
    seconds, mebibytes = time.perf_counter() - start, peak()
    again = parse(printed)
    return seconds, mebibytes, again == rule and hash(again) == hash(rule) and str(again) == printed and cost(rule) > 0


def run_engine(title: str, engine: str) -> tuple[float, float, list[Any]]:
    """Compile and run a large rule: processor seconds, peak MiB and the results."""
    rule = parse(TEXTS[title]())
    arrays = random_inputs(rule, RandomChoose(0), SAMPLES)
    start = processor()
    results = compiled(rule, engine)(arrays)
    return processor() - start, peak(), [np.asarray(results)]


def in_own_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function gives in a new process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def scale() -> Iterator[Line]:
    """Large texts are read, checked and printed in bounded time and memory, and every engine runs them."""
    for title in TEXTS:
        seconds, most, same = in_own_process(read_and_print, title)
        fine = same and seconds < SECONDS and most < MEBIBYTES
        found = f"{seconds:.1f} s, {most:.0f} MiB{'' if same else ', not read back'}"
        yield Line("scale", f"{title}: parse, verify, print", found, f"< {SECONDS:.0f} s, < {MEBIBYTES} MiB", fine)
    for title in TEXTS:
        expected: list[Any] = []
        for engine in sorted(ENGINES, key=lambda e: e != "interpreter"):
            seconds, most, results = in_own_process(run_engine, title, engine)
            expected = expected or results
            same = all(np.array_equal(a, b) for a, b in zip(expected, results, strict=True))
            found = f"{seconds:.1f} s, {most:.0f} MiB{'' if same else ', other results'}"
            wanted = f"equal, < {ENGINE_SECONDS:.0f} s of processor time"
            yield Line("scale", f"{title}: {engine}", found, wanted, same and seconds < ENGINE_SECONDS)


def _network(kind: str, units: int) -> tuple[Network, str, str | None]:
    """A random network with its inputs and its head; `units` squared weights, for "mlp" 10^6."""
    rng = np.random.default_rng(0)
    zeros = np.zeros(units)
    match kind:
        case "doubles":
            return Network((Layer(rng.normal(size=(units, units)), zeros, "sign"),)), f"x: bit[{units}]", None
        case "floats":
            weight = rng.normal(size=(units, units)).astype(np.float32)
            return Network((Layer(weight, zeros, "sign"),)), f"x: bit[{units}]", None
        case "-1 and 1":
            return Network((Layer(rng.choice([-1, 1], (units, units)), zeros, "sign"),)), f"x: spin[{units}]", None
        case "-3 to 3":
            return Network((Layer(rng.integers(-3, 4, (units, units)), zeros, "sign"),)), f"x: bit[{units}]", None
        case "4 of each row":
            weight = np.zeros((units, units))
            for row in weight:
                row[rng.permutation(units)[:4]] = [1, 1, -1, -1]
            return Network((Layer(weight, zeros, "sign"),)), f"x: bit[{units}]", None
    sizes = (784, 1000, 200, 10)
    layers = [
        Layer(rng.normal(size=(n, m)).astype(np.float32), rng.normal(size=n).astype(np.float32), "sign")
        for m, n in pairwise(sizes)
    ]
    return Network((*layers[:-1], replace(layers[-1], activation="identity"))), "x: bit[28, 28]", "argmax"


def distill_network(kind: str, units: int) -> tuple[float, float, str]:
    """Distill a network: processor seconds, peak MiB and the verdict."""
    network, inputs, head = _network(kind, units)
    start = processor()
    program = dd.distill(network, inputs, head=head)
    return processor() - start, peak(), str(program.verdict and program.verdict.status)


def distilling() -> Iterator[Line]:
    """Random weights, 10^4 to 10^6, become a proved rule in time that grows no faster than n log n."""
    for kind in ("floats", "doubles", "-1 and 1", "-3 to 3", "4 of each row", "mlp"):
        first = 0.0
        for units in (1000,) if kind == "mlp" else (100, 316, 1000):
            seconds, most, status = in_own_process(distill_network, kind, units)
            count_ = units * units
            grows = bool(first) and seconds / first > count_ * math.log(count_) / (10**4 * math.log(10**4))
            first = first or seconds
            fine = status == "proved" and not grows and seconds < DISTILL_SECONDS and most < DISTILL_MEBIBYTES
            title = "784-1000-200-10, floats" if kind == "mlp" else f"{count(count_)} weights, {kind}"
            found = f"{status}, {seconds:.1f} s, {most:.0f} MiB"
            wanted = f"proved, < {DISTILL_SECONDS:.0f} s of processor time, < {DISTILL_MEBIBYTES} MiB, <= n log n"
            yield Line("distilling", title, found, wanted, fine)


def imports() -> Iterator[Line]:
    """What `import ddcompile` takes, against numpy, and what it loads."""
    ratio, own, reference = import_ratio("ddcompile", "numpy")
    found = f"{ratio:.2f} ({own * 1000:.0f} ms against {reference * 1000:.0f} ms)"
    yield Line("imports", "ddcompile against numpy", found, f"<= {RATIO}", ratio <= RATIO)
    loaded = sorted(loaded_modules("import ddcompile") & HEAVY)
    yield Line("imports", "heavy modules loaded", ", ".join(loaded) or "none", "none", not loaded)


def _stages(what: str, rules: Iterator[Rule]) -> Line:
    found = [stage for rule in rules for stage in stages(rule)]
    faults = [stage for stage in found if stage.fault]
    for stage in faults:
        print(f"before {stage.name}: {stage.fault}\n{stage.text}", file=sys.stderr)
    return Line("filter", what, f"{count(len(found) - len(faults))} of {count(len(found))}", "all", not faults)


def filters() -> Iterator[Line]:
    """At every stage of the default pipeline the text reads back as the program, and goes on to the same text."""
    for name, example in EXAMPLES.items():
        dense = lower(example.build(0), example.inputs, example.outputs, example.head, name)
        yield _stages(f"{name}: texts that go on to the same", iter([dense]))
    limits = Limits(tensors=3, sizes=0.0)
    rules = (rule_from_seed(seed, limits) for seed in range(RULES))
    yield _stages(f"{RULES} random rules: texts that go on to the same", rules)
