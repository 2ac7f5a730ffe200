"""The classes of networks that the distiller is attacked with."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ddcompile.testing.attack import crafted, known
from ddcompile.testing.attack.target import Target

__all__ = ["FAMILIES"]

FAMILIES: Mapping[str, Callable[[np.random.Generator], Target]] = {
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
}
"""Generators by name."""
