"""Networks of known structure, each with the rule that a person would write for it, to measure the distiller by.

`STRUCTURES` lists the builders by name. A builder makes its network from arrays, or unrolls the rule; that both compute
the same is tested. `Structure.network(seed)` hides the structure: no two seeds give the same units in the same order.
"""

from collections.abc import Callable

from ddcompile.testing.structures.arithmetic import ARITHMETIC
from ddcompile.testing.structures.automata import AUTOMATA
from ddcompile.testing.structures.borders import BORDERS
from ddcompile.testing.structures.composed import composed
from ddcompile.testing.structures.cones import CONES
from ddcompile.testing.structures.corrupted import corrupted
from ddcompile.testing.structures.depth import DEPTH
from ddcompile.testing.structures.families import FAMILIES
from ddcompile.testing.structures.grids import GRIDS
from ddcompile.testing.structures.heads import HEADS
from ddcompile.testing.structures.irregular import IRREGULAR
from ddcompile.testing.structures.shapes import SHAPES
from ddcompile.testing.structures.stencils import STENCILS
from ddcompile.testing.structures.structure import Case, Structure
from ddcompile.testing.structures.sums import SUMS
from ddcompile.testing.structures.weights import WEIGHTS
from ddcompile.testing.structures.yardsticks import YARDSTICKS

__all__ = ["CASES", "DRAWN", "STRUCTURES", "Case", "Structure"]

CASES = (
    *SUMS,
    *SHAPES,
    *STENCILS,
    *GRIDS,
    *BORDERS,
    *FAMILIES,
    *DEPTH,
    *AUTOMATA,
    *ARITHMETIC,
    *CONES,
    *WEIGHTS,
    *IRREGULAR,
    *HEADS,
    *YARDSTICKS,
)
"""Every builder, section by section."""

STRUCTURES: dict[str, Case] = {case.name: case for case in CASES}
"""Every builder by its name."""

DRAWN: dict[str, Callable[[int], Structure]] = {"composed": composed, "corrupted": corrupted}
"""Sections without end: a structure for every seed."""
