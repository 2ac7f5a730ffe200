"""The just-in-time compiler: memory that is given back, and how soon compiled rules are ready."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hold_scale import in_own_process
from lines import Line, count

import ddcompile as dd
from ddcompile.backends.llvm.jit import compile_jit
from ddcompile.frontends.dense import lower
from ddcompile.frontends.network import Layer, Network
from ddcompile.ir.nodes import Constant, Rule
from ddcompile.ir.parser import parse
from ddcompile.ir.types import extents
from ddcompile.testing import builders
from ddcompile.testing.leaks import kept_bytes

__all__ = ["runtime"]

ROUNDS = 10_000
KEPT = 8192
WEIGHTS = 10**6
STARTS = 10.0
COLD = 300.0
WARM = 10.0
EXAMPLES = Path(__file__).parents[2] / "examples"


def _weights(kind: str, *shape: int) -> np.ndarray:
    random = np.random.default_rng(0)
    found: np.ndarray = random.choice([-1, 1], shape) if kind == "+-1" else random.normal(size=shape).astype(np.float32)
    return found


def _sparse(units: int, each: int) -> Rule:
    """Units that read some inputs each, named by a table."""
    rule = parse(
        f"""rule network(x: bit[{units}]) -> (y: trit[{units}]) {{
          const W: rat[1] = [0.5]
          const at: int[1] = [0]
          y[u < {units}] = sign(sum(k < {each}: W[u, k] * x[at[u, k]]) - 0.5)
        }}"""
    )
    at = np.random.default_rng(0).integers(0, units, (units, each))
    return replace(rule, constants=(Constant.of("W", _weights("floats", units, each)), Constant.of("at", at)))


def _rule(kind: str, depth: int) -> Rule:
    """About a million random weights."""
    if kind == "sparse":
        return _sparse(10_000, WEIGHTS // 10_000)
    width = round((WEIGHTS / depth) ** 0.5)
    layers = (Layer(_weights(kind, width, width), np.full(width, 0.5), "sign") for _ in range(depth))
    return lower(Network(tuple(layers)), None, None, None, "network")


def first_result(kind: str, depth: int) -> tuple[float, float]:
    """Seconds of processor time until the rule of a network has given its first result, and a first batch."""
    rule = _rule(kind, depth)
    x = np.random.default_rng(1).integers(0, 2, (100, *extents(rule.inputs[0].type)))
    start = time.process_time()
    function = compile_jit(rule)
    function(x[0])
    first = time.process_time() - start
    function(x)
    return first, time.process_time() - start


def ready() -> Iterator[tuple[str, float, float]]:
    """Milliseconds of processor time to compile distilled examples, and to find their code on disk again."""
    programs = {str(p.relative_to(EXAMPLES)): dd.load(p) for p in sorted(EXAMPLES.glob("*/*.rule"))}
    network = builders.orientation(28)
    programs["orientation"] = dd.distill(network, "image: bit[28, 28]", head="argmax", name="orientation")
    with TemporaryDirectory() as folder:
        os.environ["DDCOMPILE_CACHE"] = folder
        for name, program in programs.items():
            times = []
            for _ in range(2):
                start = time.process_time()
                program.jit()
                times.append(1000 * (time.process_time() - start))
            yield name, times[0], times[1]
        os.environ["DDCOMPILE_CACHE"] = "off"


def runtime() -> Iterator[Line]:
    """What must hold of the just-in-time compiler."""
    for name, cold, warm in ready():
        found, wanted = f"{cold:.0f} ms, {warm:.1f} ms", f"< {COLD:.0f} ms, < {WARM:.0f} ms"
        yield Line("runtime", f"{name}: compiled, and found again", found, wanted, cold < COLD and warm < WARM)
    for kind, depth in (("floats", 1), ("+-1", 1), ("sparse", 1), ("floats", 100), ("+-1", 100), ("+-1", 2500)):
        first, batch = in_own_process(first_result, kind, depth)
        title = f"{count(WEIGHTS)} weights, {kind}, {depth} layers: first result, first batch"
        yield Line("runtime", title, f"{first:.1f} s, {batch:.1f} s", f"< {STARTS:.0f} s", batch < STARTS)
    kept = in_own_process(kept_bytes, ROUNDS)
    found = f"{kept:.0f} bytes a round"
    yield Line("runtime", f"memory kept after {count(ROUNDS)} rules", found, f"at most {KEPT}", kept <= KEPT)
