"""The default pipeline, and running passes in order, each verified."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from ddcompile.analysis.boolean import MOST_INPUTS
from ddcompile.analysis.cost import cost
from ddcompile.diagnostics import CompileError, Diagnostic, fail
from ddcompile.ir.nodes import Rule
from ddcompile.ir.types import infer
from ddcompile.ir.verifier import check
from ddcompile.passes.arrange import Arrange
from ddcompile.passes.collapse_tables import CollapseTables
from ddcompile.passes.combine import Combine
from ddcompile.passes.exact_thresholds import Recode
from ddcompile.passes.extend import Extend
from ddcompile.passes.fold import Fold
from ddcompile.passes.following import Observer, PartOfRun, Run, Step
from ddcompile.passes.forward import Forward
from ddcompile.passes.literals import NoLiteral
from ddcompile.passes.name import Name
from ddcompile.passes.narrow import Narrow
from ddcompile.passes.options import Pass, Turns
from ddcompile.passes.parts import Parts
from ddcompile.passes.rebase import Rebase
from ddcompile.passes.registry import PASSES
from ddcompile.passes.repeats import Repeats
from ddcompile.passes.roll import Roll
from ddcompile.passes.slice_weights import SliceWeights
from ddcompile.passes.spec import parse_pipeline
from ddcompile.passes.unary import Unary
from ddcompile.passes.variants import Pipeline, in_ratio, over_time, without

__all__ = ["APART", "DEFAULT", "PASSES", "Observer", "Step", "run"]

DEFAULT = (
    "isolate,forward,rescale,forward,collapse-tables{borders=0},exact-thresholds,forward,pairs,forward,exact-thresholds,forward,exact-thresholds,dce,recode,"
    "exact-thresholds,forward,scores,collapse-tables{borders=0},(combine,narrow,exact-thresholds,forward)*,arrange,collapse-tables,(unary)*,exact-thresholds,forward,"
    "repeats,reroll,slice-weights,fold,pads,reuse,inline,extremes,(larger)*,promote,widen{recurrences=0},extend,align,trim,collapse-cones,fold,dce,(ladder)*,"
    "collapse-cones,dce,gather,complement,align,(links)*,(ladder)*,roll,widen,prefixes,stack,collect,grade,branches,instances,unfold,hoist,cse,inline,fold,rebase,absorb,logic,collect,rebase,fold,dce,trim,name"
)
"""The passes of `distill`: first what makes weights small and units few, then structure, then reading.

Origins are aligned before cones are collapsed, too: the least expression of a table depends on the offsets that it is
read at; what only one statement reads then is written into that before statements are rolled, but after ladders.
"""
APART = "isolate,forward,exact-thresholds,forward,exact-thresholds,dce,apart"
"""The passes that show what shares no hidden units."""
_PLAIN = "fold,slice-weights,fold,inline,fold,dce,name"
"""The passes for a program that the others cannot shorten."""

_MAX_ROUNDS = 4
_MOST_LAYERS = 64
"""Turns that add a layer each, of which the program only gets shorter when families of its units are found."""
_SHORT = 80
"""A program that costs less is not distilled in another way as well."""
_LONG = 1 << 13
"""Nor is one that costs more at first."""
_STEPS = 3
"""Layers of one size that may be steps over time when they are whole: fewer are as short one by one."""
_DENSE = 1 << 19
"""Exact weights that cost more have little structure: they are distilled once, in one way, all results together."""
_WIDE = 1 << 16
"""Elements of a result are distilled by themselves as well where a program costs less."""


def run(
    rule: Rule,
    spec: str | None = None,
    observe: Observer | None = None,
    accept: Callable[[Step], bool] | None = None,
    begin: Callable[[str], None] | None = None,
    refuse: Callable[[str, Exception], None] | None = None,
) -> list[Step]:
    """Run passes on a program; the verifier runs after each.

    Parameters
    ----------
    rule
        A program without sizes.
    spec
        Passes with commas and options in braces, `cse, collapse-cones{inputs=3}`; None for the default pipeline,
        repeated while the text gets shorter.
    observe
        Called after every pass.
    accept
        Decides on every step before it is taken, such as by the checker; a step that is not accepted is dropped and
        the program stays as it was.
    begin
        Called with the name of a pass before it runs.
    refuse
        Called with the name of a pass that failed, or made a program that is not valid, and the error, which is raised
        if None; the program stays as it was.

    Returns
    -------
    The steps that changed the program, in order; none if nothing changed.

    Raises
    ------
    CompileError
        P001, P003 to P006 if the pipeline is at fault (see `ddcompile.passes.spec`); P002 if the program has sizes.
    """
    if rule.sizes:
        raise fail("P002", "passes need a program without sizes", hint="sizes follow from the input shapes")
    if spec is not None:
        return _once(rule, parse_pipeline(spec, PASSES), Run(observe, accept, begin, refuse))
    state = Run(observe, accept, begin, refuse)
    return _distilled(rule, state) or _plainly(rule, state)


def _distilled(rule: Rule, state: Run) -> list[Step]:
    """The steps of the default pipeline, over and over while the text gets shorter.

    Results that share no hidden units are distilled one by one first. So are such elements of one result, where that
    ends shorter.
    """
    if len(rule.outputs) > 1:
        steps = _by_parts(rule, APART, state)
        rule = steps[-1].new if steps else rule
        return steps if steps and cost(rule) >= _LONG else steps + _in_rounds(rule, state)
    found = _in_rounds(rule, state)
    if found and cost(found[-1].new) > _SHORT and cost(rule) < _WIDE:
        steps = _by_parts(rule, f"{APART}{{elements=1}}", state)
        if steps:
            steps += _in_rounds(steps[-1].new, state)
        if steps and cost(steps[-1].new) < cost(found[-1].new):
            return steps
    return found


def _in_rounds(rule: Rule, state: Run) -> list[Step]:
    """The steps of the default pipeline on a whole program, over and over while the text gets shorter."""
    passes = parse_pipeline(DEFAULT, PASSES)
    steps: list[Step] = []
    price = cost(rule)
    for _ in range(_MAX_ROUNDS):
        found = _proved_last(rule, passes, state) if price >= _DENSE else _shorter(rule, passes, state)
        if not found or cost(found[-1].new) >= price:
            break
        steps += found
        rule = found[-1].new
        price = cost(rule)
        if price >= _DENSE:
            break
    return steps


def _proved_last(rule: Rule, passes: Pipeline, state: Run) -> list[Step]:
    """The steps of a dense program, whose proofs take long: asked for once it is known that all together shorten it."""
    guess = replace(state, accept=None, known={})
    found = _shorter(rule, passes, guess)
    if not found or cost(found[-1].new) >= cost(rule):
        return []
    if state.accept is not None and not all(map(state.accept, found)):
        return _shorter(rule, passes, state)
    state.known.update({key: None for key, step in guess.known.items() if step is None})
    return found


def _by_parts(rule: Rule, spec: str, state: Run) -> list[Step]:
    """What shares no hidden units, each part distilled as if it were alone; no steps if there is but one part."""
    steps = _once(rule, parse_pipeline(spec, PASSES), state)
    small = steps[-1].new if steps else rule
    parts = Parts.of(small) if cost(small) < _DENSE else None
    if parts is None:
        return []
    for number, part in enumerate(parts.rules):
        own = PartOfRun(parts, number, state)
        alone = Run(own.observe, own.accept, state.begin, state.refuse)
        found = _distilled(part, alone) or _plainly(part, alone)
        steps += map(own.of_whole, found)
        parts.rules[number] = found[-1].new if found else part
    whole = parts.whole()
    return steps + _once(whole, [Name()], state) if cost(whole) < cost(rule) else []


def _shorter(rule: Rule, passes: Pipeline, state: Run) -> list[Step]:
    """All passes, and without those that may have hidden a structure where they had something to do; the shortest.

    Which are these: recoding and combining that made the program longer, grids, longer tensors, units written into
    others, results that read hidden units, and units written from their tables where the program is still long. Where
    it is long though units were combined, families of units are rolled first as well; where it is longer than that,
    weights keep their ratio. Where results depend on a part of several layers, these are kept whole as well.
    At last, units come from their tables first: of few inputs each, or with real weights.
    """
    whole = found = _once(rule, passes, state)
    if found and cost(found[-1].new) >= _DENSE:
        return found

    def also(other: Pipeline) -> list[Step]:
        return _shortest(found, _once(rule, other, state))

    if any(step.name == Recode.name and cost(step.new) > cost(step.old) for step in whole):
        found = also(without(passes, Recode))
    combined = _first(Combine, whole)
    if combined is not None and cost(combined.old) < _LONG and cost(found[-1].new) > 2 * _SHORT:
        found = also(without(passes, Combine, Narrow))
    arranged = _first(Arrange, whole)
    if arranged is not None and (cost(arranged.old) < _LONG >> 2 or cost(found[-1].new) > 2 * _SHORT):
        found = also(without(passes, Arrange))
    if _first(Extend, whole) is not None and cost(found[-1].new) > _SHORT:
        found = also(without(passes, Extend))
    unary = _first(Unary, whole)
    if unary is not None and cost(unary.old) < _LONG:
        found = also(without(passes, Unary))
    if _first(Repeats, whole) is not None:
        found = also(without(passes, Repeats))
    tabled = _first(CollapseTables, whole)
    if tabled is not None and cost(tabled.old) < _LONG and cost(found[-1].new) > _SHORT:
        found = also(without(passes, CollapseTables))
    if combined is not None and cost(found[-1].new) > 2 * _SHORT:
        found = _rolled_first(found, passes, state)
    if combined is not None and cost(found[-1].new) > 4 * _SHORT:
        ratio = in_ratio(passes)
        found = _shortest(found, _rolled_first(_once(rule, ratio, state, _MOST_LAYERS), ratio, state))
    if found and cost(found[-1].new) > 2 * _SHORT and _is_cone(_first(Forward, whole)):
        found = _shortest(found, _shorter(rule, over_time(passes), state))
    if any(c.type.kind == "rat" for step in found[-1:] for c in step.new.constants):
        found = _tabled_first(found, rule, passes, CollapseTables(sliced=1), state)
    return _tabled_first(found, rule, passes, CollapseTables(alone=MOST_INPUTS), state)


def _first(kind: type[Pass], steps: Sequence[Step]) -> Step | None:
    """The first step of a pass; None if it made none."""
    return next((step for step in steps if step.name == kind.name), None)


def _is_cone(step: Step | None) -> bool:
    """Whether results depend on but a part of several layers of one size, by what is left when copies are gone.

    Never where the step kept layers whole itself.
    """
    if step is None or cost(step.new) >= _LONG:
        return False
    wide, narrow = (infer(rule).shape for rule in (Forward(unread=1)(step.old).rule, step.new))
    names = wide.keys() & {s.target for s in step.new.statements}
    sizes = Counter(wide[name] for name in names if wide[name] != narrow[name])
    return max(sizes.values(), default=0) >= _STEPS


def _shortest(found: list[Step], other: list[Step]) -> list[Step]:
    """The steps that end shorter, the first ones of equals."""
    return other if other and cost(other[-1].new) < cost(found[-1].new) else found


def _rolled_first(found: list[Step], passes: Pipeline, state: Run) -> list[Step]:
    """The steps with families rolled before other passes shorten each in its own way, if that ends shorter."""
    first = next((k for k, step in enumerate(found) if step.name == SliceWeights.name), None)
    if first is None:
        return found
    kept = found[: first + 1]
    place = next(k for k, each in enumerate(passes) if isinstance(each, SliceWeights))
    return _shortest(found, kept + _once(kept[-1].new, [Fold(), Rebase(), Roll(), *passes[place + 1 :]], state))


def _tabled_first(found: list[Step], rule: Rule, passes: Pipeline, tabled: Pass, state: Run) -> list[Step]:
    """The steps after units are written from their tables, if the others end long and these shorter."""
    if not found or cost(found[-1].new) <= _SHORT:
        return found
    first = _once(rule, [tabled], state)
    return _shortest(found, first + _once(first[-1].new, passes, state) if first else [])


def _plainly(rule: Rule, state: Run) -> list[Step]:
    """What all passes together do not shorten stays what it is; a few make it plainer, or at least name it."""
    found = _once(rule, parse_pipeline(_PLAIN, PASSES), state)
    if found and cost(found[-1].new) < cost(rule):
        return found
    return _once(rule, [Name()], state)


def _once(rule: Rule, passes: Pipeline, state: Run, most_idle: int = 2) -> list[Step]:
    steps: list[Step] = []
    for chosen in passes:
        if isinstance(chosen, Turns):
            steps += _in_turns(rule, chosen, state, most_idle)
            rule = steps[-1].new if steps else rule
        else:
            steps += _alone(rule, chosen, state)
            rule = steps[-1].new if steps else rule
            state.known[chosen, rule] = None  # passes that take no turns are idempotent
    return steps


def _in_turns(rule: Rule, turns: Turns, state: Run, most_idle: int) -> list[Step]:
    """The steps of passes over and over, until a turn changes nothing, or comes back to where an earlier one began.

    Weights may have ever other forms that are no shorter. So several passes also end after some turns in a row in which
    only one of them, the same one, had something to do, and shortened nothing.
    """
    steps: list[Step] = []
    begun: list[Rule] = []
    alone, idle = "", 0
    while rule not in begun:
        begun.append(rule)
        turn: list[Step] = []
        for chosen in turns.passes:
            turn += _alone(rule, chosen, state)
            rule = turn[-1].new if turn else rule
        steps += turn
        names = {step.name for step in turn}
        is_idle = len(turns.passes) > 1 and len(names) == 1 and cost(turn[0].old) <= cost(rule)
        idle = is_idle + (idle if is_idle and alone in names else 0)
        alone = turn[0].name if is_idle else ""
        if idle >= most_idle:
            break
    return steps


def _alone(rule: Rule, chosen: Pass, state: Run) -> list[Step]:
    """The step of a pass, if it makes one; it is not asked again about a program, nor is who decides on the step."""
    start = time.perf_counter()
    if state.begin is not None:
        state.begin(chosen.name)
    if (chosen, rule) not in state.known:
        found = _step(chosen, rule, state)
        accepted = found is not None and (state.accept is None or state.accept(found))
        state.known[chosen, rule] = found if accepted else None
    step = state.known[chosen, rule]
    if state.observe is not None:
        state.observe(chosen.name, rule if step is None else step.new, time.perf_counter() - start)
    return [] if step is None else [step]


def _is_unseen(finding: Diagnostic) -> bool:
    """Whether the verifier cannot see that values of a result fit its type, or that a computed place is in a tensor."""
    return finding.code == "T034" or (finding.code == "T012" and "` may read " in finding.message)


def _step(chosen: Pass, rule: Rule, state: Run) -> Step | None:
    """What a pass makes of a program, verified; None if it declines, or values cannot be seen to fit any more."""
    start = time.perf_counter()
    try:
        rewrite = chosen(rule)
        if rewrite.rule == rule:
            return None
        seconds = time.perf_counter() - start
        check(rewrite.rule)
    except NoLiteral:
        return None
    except Exception as error:
        if not (isinstance(error, CompileError) and all(map(_is_unseen, error.diagnostics))):
            if state.refuse is None:
                raise
            state.refuse(chosen.name, error)
        return None
    return Step(chosen.name, rule, rewrite.rule, rewrite.witness, seconds)
