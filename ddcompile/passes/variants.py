"""Pipelines that are others in some of their passes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

from ddcompile.passes.collapse_tables import CollapseTables
from ddcompile.passes.combine import Combine
from ddcompile.passes.exact_thresholds import ExactThresholds, Recode
from ddcompile.passes.forward import Forward
from ddcompile.passes.options import Pass, Turns

__all__ = ["Pipeline", "in_ratio", "over_time", "without"]

Pipeline: TypeAlias = Sequence[Pass | Turns]

_MOST_ODD = 64
"""How many sums of units may be no bits where two are, if weights keep their ratio: nearly all."""


def without(passes: Pipeline, *kinds: type[Pass]) -> Pipeline:
    """The passes but those of some kinds."""
    return _changed(passes, lambda each: [] if isinstance(each, kinds) else [each])


def in_ratio(passes: Pipeline) -> Pipeline:
    """The passes, of which those that make weights small keep their ratio, and turn units after any were combined.

    Units that read what is a bit in most places, but not where they are, look like the others then: those beside a unit
    that was the other way round, too.
    """

    def kept(each: Pass) -> list[Pass]:
        if isinstance(each, ExactThresholds | Recode):
            return [replace(each, ratio=1)]
        return [replace(each, odd=_MOST_ODD), Recode(ratio=1)] if isinstance(each, Combine) else [each]

    return _changed(passes, kept)


def over_time(passes: Pipeline) -> Pipeline:
    """The passes, of which none writes results from tables, or drops units beside others that results need.

    What a few results depend on is a cone: its layers, each larger than the next, are steps over time when they are
    whole.
    """

    def kept(each: Pass) -> list[Pass]:
        return [replace(each, unread=1)] if isinstance(each, Forward) else [each]

    return _changed(without(passes, CollapseTables), kept)


def _changed(passes: Pipeline, change: Callable[[Pass], list[Pass]]) -> Pipeline:
    found: list[Pass | Turns] = []
    for each in passes:
        inner = [new for p in (each.passes if isinstance(each, Turns) else [each]) for new in change(p)]
        found += [Turns(tuple(inner))] if isinstance(each, Turns) else inner
    return found
