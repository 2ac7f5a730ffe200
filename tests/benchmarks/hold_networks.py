"""The example networks: cost, time, memory, proof, one rule for all shuffles; and four engines on many inputs."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from lines import Line, count

import ddcompile as dd
from ddcompile.analysis.cost import cost
from ddcompile.engines import ENGINES, compiled
from ddcompile.frontends.evaluate import evaluate
from ddcompile.ir.nodes import Rule
from ddcompile.ir.types import extents
from ddcompile.testing.builders import EXAMPLES
from ddcompile.testing.choose import RandomChoose
from ddcompile.testing.disguised import disguised_network
from ddcompile.testing.inputs import all_inputs, random_inputs
from ddcompile.testing.samples import boundary, noise

__all__ = ["agreement", "disguised", "networks"]

LARGEST_COST = {"orientation": 220, "orientation9": 220, "rule30": 75, "two_of_three": 45, "random_ties": None}
SHUFFLED = ("orientation", "orientation9", "rule30")
SHUFFLES = 10
SECONDS = 20.0
MEBIBYTES = 2048
INPUTS = 10_000
DISGUISED = 60
LARGEST_DISGUISED = 4000
"""Parameters of a random network; larger ones are passed over."""


@dataclass(frozen=True, slots=True)
class Distilled:
    """What one process found that did nothing but distill one network and check its certificate."""

    text: str
    cost: int
    seconds: float
    processor: float
    checking: float
    mebibytes: float
    verdict: str
    checked: str


def distilled(name: str, seed: int | None) -> Distilled:
    """Distill an example, save its certificate and check the file."""
    import resource

    example = EXAMPLES[name]
    network = example.build(seed)
    start, busy = time.perf_counter(), time.process_time()
    program = dd.distill(network, example.inputs, example.outputs, example.head, example.name)
    middle, busy = time.perf_counter(), time.process_time() - busy
    assert program.certificate is not None
    assert program.verdict is not None
    with TemporaryDirectory() as folder:
        path = Path(folder, "certificate.json")
        program.certificate.save(path)
        checked = dd.check(path)
    end = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    verdicts = (program.verdict.status, checked.status)
    return Distilled(str(program), program.cost, middle - start, busy, end - middle, peak, *verdicts)


@cache
def in_own_process(name: str, seed: int | None) -> Distilled:
    """The same in a fresh process, so that time and memory are those of one network."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(distilled, name, seed).result()


def networks() -> Iterator[Line]:
    """Cost, proof, time and memory of every example; one rule for all shuffles."""
    for name, limit in LARGEST_COST.items():
        seeds = [None, *range(SHUFFLES)] if name in SHUFFLED else [None]
        runs = [in_own_process(name, seed) for seed in seeds]
        most = max(run.cost for run in runs)
        yield Line(name, "cost", str(most), "any" if limit is None else f"<= {limit}", limit is None or most <= limit)
        proved = sum(run.verdict == "proved" for run in runs)
        checked = sum(run.checked == "proved" for run in runs)
        yield Line(name, "proved when distilled", f"{proved} of {len(runs)}", "all", proved == len(runs))
        yield Line(name, "certificate file accepted", f"{checked} of {len(runs)}", "all", checked == len(runs))
        if name.startswith("orientation"):
            seconds, peak = max(run.seconds for run in runs), max(run.mebibytes for run in runs)
            checking = max(run.checking for run in runs)
            texts = len({run.text for run in runs})
            yield Line(
                name, "slowest, to distill and prove", f"{seconds:.1f} s", f"< {SECONDS:.0f} s", seconds < SECONDS
            )
            yield Line(name, "slowest, to check the file", f"{checking:.1f} s", "any", True)
            yield Line(name, "peak memory", f"{peak:.0f} MiB", f"< {MEBIBYTES} MiB", peak < MEBIBYTES)
            yield Line(name, f"rules of {len(runs)} orders of the units", str(texts), "1", texts == 1)


def agreement() -> Iterator[Line]:
    """All engines against exact evaluation of the network: structured inputs, noise, either side of decisions."""
    for name in EXAMPLES:
        rule = dd.parse(in_own_process(name, None).text).rule
        flat = inputs(name)
        expected = evaluate(EXAMPLES[name].build(None), flat, EXAMPLES[name].head)
        for engine in ENGINES:
            seconds, same = run(rule, engine, flat, expected)
            rate = f"{same} of {len(flat)} in {seconds:.3f} s"
            yield Line(name, f"{engine} = network", rate, f"all of >= {count(INPUTS)}", same == len(flat) >= INPUTS)


def disguised() -> Iterator[Line]:
    """Random rules unrolled into networks, disguised, and distilled again."""
    proved = same = tried = seed = shorter = 0
    while tried < DISGUISED:
        seed += 1
        found = disguised_network(RandomChoose(seed))
        if found is None or found.network.parameters > LARGEST_DISGUISED:
            continue
        tried += 1
        dense = found.dense()
        program = dd.optimize(dd.Program(dense, found.network.sha256, dd.Certificate()))
        arrays = all_inputs(dense) or random_inputs(dense, RandomChoose(seed), 200)
        flat = np.concatenate([array.reshape(len(array), -1) for array in arrays], axis=1)
        equal = (np.asarray(program(*arrays)) == evaluate(found.network, flat)).all()
        if not equal or not program.verdict:
            print(f"seed {seed}: {program.verdict}\n{dense}\n{program}", file=sys.stderr)
        proved += bool(program.verdict)
        same += bool(equal)
        shorter += program.cost < cost(dense)
    yield Line("disguised", "random networks distilled and proved", f"{proved} of {tried}", "all", proved == tried)
    yield Line("disguised", "equal to the network", f"{same} of {tried}", "all", same == tried)
    yield Line("disguised", "shorter than the dense program", f"{shorter} of {tried}", "any", True)


def inputs(name: str) -> np.ndarray:
    """Half of the inputs structured; of the rest half noise of all densities, half neighbours across a decision."""
    example, rng = EXAMPLES[name], np.random.default_rng(1)
    network = example.build(None)
    structured = example.structured(rng, INPUTS // 2)
    random = noise(rng, INPUTS // 2 - INPUTS // 4, shape=network.inputs)
    ends = (example.structured(rng, INPUTS // 8), noise(rng, INPUTS // 8, shape=network.inputs))
    near = boundary(lambda x: evaluate(network, x, example.head), *ends, rng)
    return np.concatenate([structured, random, near])


def run(rule: Rule, engine: str, flat: np.ndarray, expected: np.ndarray) -> tuple[float, int]:
    """The seconds that an engine takes, and on how many samples all results are those expected."""
    function = compiled(rule, engine)
    start = time.perf_counter()
    found = np.asarray(function([flat.reshape(-1, *extents(rule.inputs[0].type))]))
    seconds = time.perf_counter() - start
    same = (found.reshape(len(flat), -1) == expected.reshape(len(flat), -1)).all(axis=1)
    return seconds, int(same.sum()) if found.dtype == expected.dtype else 0
