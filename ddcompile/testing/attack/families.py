"""The classes of networks that the distiller is attacked with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from ddcompile.passes.pipeline import PASSES
from ddcompile.testing.attack import crafted, graphs, known, learned, numbers
from ddcompile.testing.attack.target import Target

__all__ = ["FAMILIES"]

_PLAIN: Mapping[str, Callable[[np.random.Generator], Target]] = {
    "random": crafted.anything,
    "ties": crafted.ties,
    "near ties": crafted.near_ties,
    "copies": crafted.copies,
    "ramps": crafted.ramps,
    "scales": crafted.scales,
    "unreachable": crafted.unreachable,
    "heads": crafted.heads,
    "several results": crafted.several_results,
    "tables": known.tables,
    "families": known.families,
    "layers in time": known.repeated,
    "scans": known.scans,
    "side by side": known.side_by_side,
    "structures": known.structures,
    "rules": known.rules,
    "graphs": graphs.graphs,
    "sparse": graphs.sparse,
    "learned": learned.learned,
    "over reals": numbers.over_reals,
    "over rationals": numbers.over_rationals,
}


def _alone(rng: np.random.Generator) -> Target:
    """A network of any class, and one pass."""
    return replace(_any(rng), family="passes alone", passes=str(rng.choice(list(PASSES))))


def _in_any_order(rng: np.random.Generator) -> Target:
    """A network of any class, and passes in any order, some of them often."""
    passes = rng.choice(list(PASSES), int(rng.integers(2, 2 * len(PASSES))))
    return replace(_any(rng), family="passes in any order", passes=",".join(passes.tolist()))


def _any(rng: np.random.Generator) -> Target:
    return _PLAIN[str(rng.choice(list(_PLAIN)))](rng)


FAMILIES: Mapping[str, Callable[[np.random.Generator], Target]] = {
    **_PLAIN,
    "passes alone": _alone,
    "passes in any order": _in_any_order,
}
"""Generators by name."""
