"""The registry of passes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ddcompile.passes.absorb import Absorb
from ddcompile.passes.align import Align
from ddcompile.passes.apart import Apart
from ddcompile.passes.arrange import Arrange
from ddcompile.passes.branches import Branches
from ddcompile.passes.collapse_cones import CollapseCones
from ddcompile.passes.collapse_tables import CollapseTables
from ddcompile.passes.collect import Collect
from ddcompile.passes.combine import Combine
from ddcompile.passes.complement import Complement
from ddcompile.passes.cse import Cse
from ddcompile.passes.dce import Dce
from ddcompile.passes.exact_thresholds import ExactThresholds, Recode
from ddcompile.passes.extend import Extend
from ddcompile.passes.extremes import Extremes
from ddcompile.passes.fold import Fold
from ddcompile.passes.forward import Forward
from ddcompile.passes.gather import Gather
from ddcompile.passes.grade import Grade
from ddcompile.passes.hoist import Hoist
from ddcompile.passes.inline import Inline
from ddcompile.passes.instances import Instances
from ddcompile.passes.isolate import Isolate
from ddcompile.passes.ladder import Ladder
from ddcompile.passes.larger import Larger
from ddcompile.passes.links import Links
from ddcompile.passes.logic import Logic
from ddcompile.passes.name import Name
from ddcompile.passes.narrow import Narrow
from ddcompile.passes.options import Pass
from ddcompile.passes.pads import Pads
from ddcompile.passes.pairs import Pairs
from ddcompile.passes.prefixes import Prefixes
from ddcompile.passes.promote import Promote
from ddcompile.passes.rebase import Rebase
from ddcompile.passes.repeats import Repeats
from ddcompile.passes.reroll import Reroll
from ddcompile.passes.rescale import Rescale
from ddcompile.passes.reuse import Reuse
from ddcompile.passes.roll import Roll
from ddcompile.passes.scores import Scores
from ddcompile.passes.slice_weights import SliceWeights
from ddcompile.passes.stack import Stack
from ddcompile.passes.trim import Trim
from ddcompile.passes.unary import Unary
from ddcompile.passes.unfold import Unfold
from ddcompile.passes.widen import Widen

__all__ = ["PASSES"]

_ALL: tuple[type[Pass], ...] = (
    Isolate,
    Forward,
    ExactThresholds,
    Apart,
    Recode,
    Scores,
    CollapseTables,
    Combine,
    Narrow,
    Unary,
    Arrange,
    Repeats,
    Reroll,
    SliceWeights,
    Pads,
    Rescale,
    Pairs,
    Reuse,
    Extremes,
    Larger,
    Promote,
    Extend,
    Trim,
    CollapseCones,
    Gather,
    Complement,
    Align,
    Links,
    Ladder,
    Roll,
    Widen,
    Prefixes,
    Stack,
    Logic,
    Collect,
    Grade,
    Branches,
    Instances,
    Unfold,
    Hoist,
    Cse,
    Inline,
    Rebase,
    Absorb,
    Fold,
    Dce,
    Name,
)

PASSES: Mapping[str, type[Pass]] = MappingProxyType({each.name: each for each in _ALL})
"""Every pass by its name."""
