"""The demonstration: an example network distilled, proved, run four ways and compared with itself."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from ddcompile import driver
from ddcompile.analysis.cost import cost
from ddcompile.diagnostics import CompileError
from ddcompile.driver import Observer
from ddcompile.engines import ENGINES, compiled
from ddcompile.frontends.evaluate import evaluate
from ddcompile.frontends.network import Network
from ddcompile.ir.nodes import Rule
from ddcompile.ir.types import extents
from ddcompile.program import Program
from ddcompile.testing.builders import Example

NO_COMPILER = "E102"
_FIRST = 64
"""Samples of the call that makes an engine ready: as many as are computed side by side."""

__all__ = ["Race", "dense_cost", "distilled", "race", "samples"]


@dataclass(frozen=True, slots=True)
class Race:
    """How an engine did: seconds to get ready and to run, and whether all results are those of the network.

    If a tool that the engine needs is not on this machine, `missing` says so, and it did not run.
    """

    engine: str
    ready: float = 0.0
    seconds: float = 0.0
    agrees: bool = False
    missing: str = ""


def distilled(example: Example, network: Network, observe: Observer | None = None) -> Program:
    """The rule of an example network."""
    return driver.distill(network, example.inputs, example.outputs, example.head, example.name, observe=observe)


def dense_cost(program: Program) -> int:
    """The cost of the dense program that distilling began with."""
    steps = program.certificate.steps if program.certificate is not None else ()
    return cost(steps[0].old) if steps else program.cost


def samples(example: Example, network: Network, count: int, seed: int = 0) -> np.ndarray:
    """Flat inputs: half like those that the network was made for, half noise at all densities."""
    rng = np.random.default_rng(seed)
    density = rng.uniform(0.01, 0.99, (count - count // 2, 1))
    noise = (rng.random((len(density), network.inputs)) < density).astype(np.uint8)
    return np.concatenate([example.structured(rng, count // 2), noise])


def race(rule: Rule, network: Network, head: str | None, flat: np.ndarray) -> list[Race]:
    """Run a rule with one input and one result on every engine, against exact evaluation of the network."""
    expected = evaluate(network, flat, head)
    arrays = [flat.reshape(-1, *extents(rule.inputs[0].type))]
    runs = []
    for engine in ENGINES:
        start = time.perf_counter()
        try:
            function = compiled(rule, engine)
        except CompileError as error:
            if error.diagnostics[0].code != NO_COMPILER:
                raise
            runs.append(Race(engine, missing="no C compiler"))
            continue
        function([arrays[0][:_FIRST]])
        middle = time.perf_counter()
        result = np.asarray(function(arrays))
        end = time.perf_counter()
        runs.append(Race(engine, middle - start, end - middle, np.array_equal(result.ravel(), expected.ravel())))
    return runs
