"""The registry of passes, and pipelines: passes in order, each verified."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ddcompile.diagnostics import fail
from ddcompile.ir.nodes import Rule
from ddcompile.ir.verifier import check
from ddcompile.passes.collapse_cones import collapse_cones
from ddcompile.passes.cse import cse
from ddcompile.passes.dce import dce
from ddcompile.passes.exact_thresholds import exact_thresholds
from ddcompile.passes.fold import fold
from ddcompile.passes.forward import forward
from ddcompile.passes.hoist import hoist
from ddcompile.passes.inline import inline
from ddcompile.passes.name import name
from ddcompile.passes.reroll import reroll
from ddcompile.passes.rewrite import Pass, Witness
from ddcompile.passes.slice_weights import slice_weights

__all__ = ["DEFAULT", "PASSES", "Step", "run"]

PASSES: Mapping[str, Pass] = MappingProxyType(
    {
        "forward": forward,
        "exact-thresholds": exact_thresholds,
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
    "exact-thresholds,dce,forward,exact-thresholds,forward,reroll,slice-weights,fold,inline,collapse-cones,fold,dce,"
    "hoist,cse,inline,fold,dce,name"
)
"""The passes of `distill`: first what makes weights small and units few, then structure, then reading."""


@dataclass(frozen=True, slots=True)
class Step:
    """One pass that changed the program: `new` is claimed equal to `old` by `witness`."""

    name: str
    old: Rule
    new: Rule
    witness: Witness
    seconds: float


def run(rule: Rule, spec: str | None = None, observe: Callable[[str, Rule, float], None] | None = None) -> list[Step]:
    """Run passes on a program; the verifier runs after each.

    Parameters
    ----------
    rule
        A program without sizes.
    spec
        Names of passes, separated by commas; None for the default pipeline.
    observe
        Called after every pass with its name, the program, and the seconds it took.

    Returns
    -------
    The steps that changed the program, in order; none if nothing changed.

    Raises
    ------
    CompileError
        P001 for a pass that does not exist; P002 if the program has sizes.
    """
    names = _parse(DEFAULT if spec is None else spec)
    if rule.sizes:
        raise fail("P002", "passes need a program without sizes", hint="give the sizes first: they follow from the input shapes")
    steps = []
    for pass_name in names:
        start = time.perf_counter()
        rewrite = PASSES[pass_name](rule)
        seconds = time.perf_counter() - start
        if rewrite.rule != rule:
            check(rewrite.rule)
            steps.append(Step(pass_name, rule, rewrite.rule, rewrite.witness, seconds))
            rule = rewrite.rule
        if observe is not None:
            observe(pass_name, rule, seconds)
    return steps


def _parse(spec: str) -> list[str]:
    names = [n for n in re.split(r"[,\s]+", spec.strip()) if n]
    for pass_name in names:
        if pass_name not in PASSES:
            known = ", ".join(sorted(PASSES))
            raise fail("P001", f"there is no pass `{pass_name}`", place="pipeline", hint=f"passes: {known}")
    return names
