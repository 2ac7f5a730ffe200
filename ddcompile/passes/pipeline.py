"""The registry of passes, and pipelines: passes in order, each verified."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from ddcompile.analysis.cost import cost
from ddcompile.diagnostics import fail
from ddcompile.ir.nodes import Rule
from ddcompile.ir.verifier import check
from ddcompile.passes.collapse_cones import collapse_cones
from ddcompile.passes.cse import cse
from ddcompile.passes.dce import dce
from ddcompile.passes.exact_thresholds import exact_thresholds, recode
from ddcompile.passes.fold import fold
from ddcompile.passes.forward import forward
from ddcompile.passes.hoist import hoist
from ddcompile.passes.inline import inline
from ddcompile.passes.name import name
from ddcompile.passes.reroll import reroll
from ddcompile.passes.rewrite import Pass, Witness
from ddcompile.passes.slice_weights import slice_weights

__all__ = ["DEFAULT", "PASSES", "Observer", "Step", "run"]

PASSES: Mapping[str, Pass] = MappingProxyType(
    {
        "forward": forward,
        "exact-thresholds": exact_thresholds,
        "recode": recode,
        "reroll": reroll,
        "slice-weights": slice_weights,
        "collapse-cones": collapse_cones,
        "hoist": hoist,
        "cse": cse,
        "inline": inline,
        "fold": fold,
        "dce": dce,
        "name": name,
    }
)
"""Every pass by its name."""

DEFAULT = (
    "exact-thresholds,dce,recode,exact-thresholds,forward,reroll,slice-weights,fold,inline,collapse-cones,fold,dce,"
    "hoist,cse,inline,fold,dce,name"
)
"""The passes of `distill`: first what makes weights small and units few, then structure, then reading."""


_MAX_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Step:
    """One pass that changed the program: `new` is claimed equal to `old` by `witness`."""

    name: str
    old: Rule
    new: Rule
    witness: Witness
    seconds: float


Observer: TypeAlias = Callable[[str, Rule, float], None]
"""Told of every pass: its name, the program after it, and the seconds it took."""


def run(
    rule: Rule,
    spec: str | None = None,
    observe: Observer | None = None,
    accept: Callable[[Step], bool] | None = None,
) -> list[Step]:
    """Run passes on a program; the verifier runs after each.

    Parameters
    ----------
    rule
        A program without sizes.
    spec
        Names of passes, separated by commas; None for the default pipeline, repeated while the text gets shorter.
    observe
        Called after every pass.
    accept
        Decides on every step before it is taken, such as by the checker; a step that is not accepted is dropped and
        the program stays as it was.

    Returns
    -------
    The steps that changed the program, in order; none if nothing changed.

    Raises
    ------
    CompileError
        P001 for a pass that does not exist; P002 if the program has sizes.
    """
    if rule.sizes:
        raise fail("P002", "passes need a program without sizes", hint="sizes follow from the input shapes")
    if spec is not None:
        return _once(rule, _parse(spec), observe, accept)
    steps: list[Step] = []
    price = cost(rule)
    for _ in range(_MAX_ROUNDS):
        found = _once(rule, _parse(DEFAULT), observe, accept)
        if not found or cost(found[-1].new) >= price:
            break
        steps += found
        rule = found[-1].new
        price = cost(rule)
    return steps


def _once(rule: Rule, names: list[str], observe: Observer | None, accept: Callable[[Step], bool] | None) -> list[Step]:
    steps = []
    for chosen in names:
        start = time.perf_counter()
        rewrite = PASSES[chosen](rule)
        seconds = time.perf_counter() - start
        if rewrite.rule != rule:
            check(rewrite.rule)
            step = Step(chosen, rule, rewrite.rule, rewrite.witness, seconds)
            if accept is None or accept(step):
                steps.append(step)
                rule = rewrite.rule
        if observe is not None:
            observe(chosen, rule, seconds)
    return steps


def _parse(spec: str) -> list[str]:
    names = [n for n in re.split(r"[,\s]+", spec.strip()) if n]
    for wanted in names:
        if wanted not in PASSES:
            known = ", ".join(sorted(PASSES))
            raise fail("P001", f"there is no pass `{wanted}`", place="pipeline", hint=f"passes: {known}")
    return names
