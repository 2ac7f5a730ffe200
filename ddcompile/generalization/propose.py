"""From rules of fixed sizes to one rule with sizes.

Rules that look alike are made one template, whose holes become functions of the sizes. What looks different, as rules
of very small sizes do, is not used: the rule is proposed from the others, and has to be equal to it at its size.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

from ddcompile.diagnostics import CompileError, Diagnostic, fail
from ddcompile.generalization.evidence import Assumption, Evidence, Generalization, listed
from ddcompile.generalization.fill import filled
from ddcompile.generalization.fit import Point
from ddcompile.generalization.holes import Template
from ddcompile.generalization.origins import from_zero
from ddcompile.generalization.refusals import ALIKE, Refused, illegal, is_fraction, no_function, same_size, unlike
from ddcompile.generalization.signatures import Signatures
from ddcompile.generalization.sizes import Sizes, candidates, divided, find_sizes, shapes_of, with_times
from ddcompile.generalization.solve import Rounds, Solution, Times, fractional, fractions, solve
from ddcompile.generalization.template import differences, interfaces, template
from ddcompile.generalization.times import times_of
from ddcompile.ir.nodes import Literal, Rule
from ddcompile.ir.specialize import free_sizes, solve_sizes, specialize
from ddcompile.ir.traverse import postorder
from ddcompile.ir.verifier import check

if TYPE_CHECKING:
    from ddcompile.prove.verdict import Verdict

__all__ = ["Compare", "Generalized", "generalize"]

Compare = Callable[[Rule, Rule], "Verdict"]
"""Says whether two rules without sizes are equal."""

_FEWEST = 3
"""Of so many rules that look alike, one may be left to the proofs."""
_FURTHER = 3
"""How many times the largest given number of steps a program that is held out may have."""


@dataclass(frozen=True, slots=True)
class Generalized:
    """A rule with sizes, and what is known of it."""

    rule: Rule
    known: Generalization


def generalize(
    rules: Sequence[Rule], held_out: Sequence[Rule], compare: Compare, name: str | None = None
) -> Generalized:
    """Make one rule with sizes of rules of fixed sizes.

    Parameters
    ----------
    rules : sequence of Rule
        One or more, verified, without sizes, alike but for their sizes.
    held_out : sequence of Rule
        Others of the family, which are only predicted.
    compare : callable
        What proves that two rules are equal.
    name : str, optional
        Of the new rule; by default that of the first one.

    Raises
    ------
    CompileError
        G### with one diagnostic for everything that does not fit.
    """
    _checked([*rules, *held_out])
    rules = list(dict.fromkeys(rules))
    signatures = Signatures()
    ways: tuple[Rounds, ...] = ("exactly", "loosely") if all(map(_is_integral, rules)) else ("never",)
    refused: list[Diagnostic] = []
    moved = [from_zero(rule) for rule in rules]
    forms = [rules] if moved == rules else [rules, moved]
    groups = _groups(rules, signatures)
    for form, group, rounds in product(forms, [*groups, *_without_one(groups[0], rules)], ways[::-1]):
        try:
            made = _of_group(rules, [form[k] for k in group], group, signatures, compare, rounds, group not in groups)
        except Refused as why:
            if rounds == ways[0]:
                refused = refused or why.diagnostics
            continue
        made = replace(made, rule=replace_name(made.rule, name or rules[0].name))
        return _predicted(made, held_out, compare)
    raise CompileError(refused)


def replace_name(rule: Rule, name: str) -> Rule:
    """The rule under another name."""
    return Rule(name, rule.inputs, rule.outputs, rule.statements, rule.constants, rule.sizes)


def _checked(rules: Sequence[Rule]) -> None:
    for rule in rules:
        if rule.sizes:
            hint = "give it sizes first: `program.at(N=8)`"
            raise fail("G001", f"`{rule.name}` has sizes already", place=rule.name, hint=hint)
        fault = interfaces(rules[0], rule)
        if fault:
            hint = "programs of one family differ in the extents of inputs and results alone"
            raise fail(
                "G002", f"the programs do not take and give the same things: {fault}", place=rule.name, hint=hint
            )


def _groups(rules: Sequence[Rule], signatures: Signatures) -> list[list[int]]:
    """Rules that look alike, by their numbers: first what is of most different sizes, then what is of large ones."""
    found: dict[object, list[int]] = {}
    for number, rule in enumerate(rules):
        found.setdefault(signatures.of_rule(rule), []).append(number)
    shapes = [tuple(shapes_of(rule).values()) for rule in rules]

    def rank(group: list[int]) -> tuple[int, int, int]:
        return -len({shapes[k] for k in group}), -sum(sum(shapes[k]) for k in group) // len(group), group[0]

    return sorted(found.values(), key=rank)


def _without_one(group: list[int], rules: Sequence[Rule]) -> list[list[int]]:
    """A group without one of its rules, the smallest first: one may be written with other numbers."""
    if len(group) < _FEWEST:
        return []
    ordered = sorted(group, key=lambda k: sum(shapes_of(rules[k]).values()))
    return [[k for k in group if k != left] for left in ordered]


def _of_group(
    rules: Sequence[Rule],
    own: list[Rule],
    group: list[int],
    signatures: Signatures,
    compare: Compare,
    rounds: Rounds,
    is_strict: bool,
) -> Generalized:
    """The rule that the programs of one group propose, in one form, if it is proved equal to all.

    A group that is strict must determine the rule on its own.
    """
    taken = {s.target for rule in rules for s in rule.statements}.union(
        *({d.name for d in (*rule.inputs, *rule.outputs)} | {c.name for c in rule.constants} for rule in rules)
    )
    sizes = find_sizes(rules, taken)
    common = template(own, signatures)
    if not isinstance(common, Template):
        raise Refused([unlike(d, own, [sizes.points[k] for k in group]) for d in common])
    sizes, solution = _solved(common, sizes, group, taken, rounds, own[0])
    if not sizes.names:
        raise Refused([same_size(rules[0])])
    rule = filled(common, solution.polynomials, sizes.names, is_integral=rounds != "never")
    points = [sizes.points[k] for k in group]
    if is_strict and any(f is None or f.coefficients >= len(group) for f in solution.fits):
        raise Refused([])
    if isinstance(rule, list):
        raise Refused([is_fraction(common, f.number, points, own[0]) for f in rule])
    try:
        check(rule)
    except CompileError as error:
        raise Refused(illegal(error, "with sizes, the rule is not legal", rule.name)) from None
    given = _proved(rule, rules, sizes, group, signatures, compare)
    _goes_on(rule, given)
    known = Generalization(len(rule.statements), given, (), _assumed(common, solution, given, points, own), sizes.notes)
    return Generalized(rule, known)


def _solved(
    common: Template, sizes: Sizes, group: list[int], taken: Collection[str], rounds: Rounds, base: Rule
) -> tuple[Sizes, Solution]:
    """A function for every hole, and the sizes in which extents, bounds and positions have integer coefficients."""
    points = [sizes.points[k] for k in group]
    solution = solve(common, points, rounds=rounds)
    factors = fractions(common, solution)
    found = divided(sizes, factors) if factors else None
    if found is not None:
        sizes, points = found, [found.points[k] for k in group]
        solution = solve(common, points, rounds=rounds)
    holes = {*solution.unsolved, *fractional(common, solution)}
    times = times_of(common, holes)
    if times is not None:
        sizes = with_times(sizes, group, times, taken)
        solution = solve(common, points, rounds=rounds, times=Times(sizes.names[-1], times, frozenset(holes)))
    if solution.unsolved:
        raise Refused([no_function(common, number, points, base) for number in solution.unsolved])
    return sizes, solution


def _is_integral(rule: Rule) -> bool:
    """Whether all inputs and numbers are integers."""
    kinds = {d.type.kind for d in rule.inputs} | {c.type.kind for c in rule.constants}
    numbers = (e for s in rule.statements for e in postorder(s.value) if isinstance(e, Literal))
    return not kinds & {"rat", "real"} and all(isinstance(e.value, int) for e in numbers)


def _proved(
    rule: Rule, rules: Sequence[Rule], sizes: Sizes, group: list[int], signatures: Signatures, compare: Compare
) -> tuple[Evidence, ...]:
    """The proofs that the rule at the given sizes is what was given."""
    found: list[Evidence] = []
    refused: list[Diagnostic] = []
    for number, given in enumerate(rules):
        reasons: list[Diagnostic] = []
        for point in candidates(sizes, number):
            try:
                verdict = compare(specialize(rule, point), given)
            except CompileError as error:
                reasons += illegal(error, f"at {listed([point])}, the rule is not legal", rule.name)
                continue
            if verdict:
                found.append(Evidence(point, given, verdict))
                break
            headline = str(verdict).split("\n", 1)[0]
            what = f"the rule of the other programs is not proved equal to that at {listed([point])}: {headline}"
            reasons.append(Diagnostic("G014", what, place=given.name, hint=ALIKE))
        else:
            pair = [group[0], number]
            shown = [rules[k] for k in pair]
            unlikes = differences(shown, signatures) if number not in group else []
            refused += [unlike(d, shown, [sizes.points[k] for k in pair]) for d in unlikes]
            refused += reasons[:1]
    if refused:
        raise Refused(refused)
    return tuple(found)


def _goes_on(rule: Rule, given: Sequence[Evidence]) -> None:
    """Refuse a rule that ends with the sizes that were given: one of them serves the smaller ones as its tables do."""
    larger = {name: 1 + max(e.sizes[name] for e in given) for name in rule.sizes}
    try:
        check(specialize(rule, larger))
    except CompileError as error:
        raise Refused(illegal(error, f"at {listed([larger])}, the rule is not legal", rule.name)) from None


def _assumed(
    common: Template, solution: Solution, given: Sequence[Evidence], points: Sequence[Point], own: list[Rule]
) -> tuple[Assumption, ...]:
    """The functions for which too few sizes are given: as many as numbers were fitted, or others fit as well."""
    checked = len({tuple(e.sizes.values()) for e in given})
    others = checked - len({tuple(p.values()) for p in points})
    found = []
    for hole, places, fitted in zip(common.holes, common.places, solution.fits, strict=True):
        assert fitted is not None, "every hole has a function"
        is_known = fitted.coefficients < checked and (fitted.is_unique or others > 0)
        if is_known or not fitted.polynomial.names:
            continue
        values = tuple(str(v) for v in hole.values)
        for place in places:
            target = own[0].statements[place].target if place >= 0 else ""
            found.append(Assumption(place, target, str(fitted.polynomial), values))
    return tuple(found)


def _predicted(made: Generalized, held_out: Sequence[Rule], compare: Compare) -> Generalized:
    """Compare with programs that were not used."""
    found = []
    for rule in held_out:
        for point in _points(made, rule):
            verdict = compare(specialize(made.rule, point), rule)
            if verdict or verdict.status == "tested":
                found.append(Evidence(point, rule, verdict))
                break
        else:
            headline = str(verdict).split("\n", 1)[0]
            message = f"what is predicted for {listed([point])} is another program: {headline}"
            raise fail("G020", message, place=rule.name, hint="give this program, too, instead of holding it out")
    return replace(made, known=replace(made.known, predicted=tuple(found)))


def _points(made: Generalized, rule: Rule) -> list[Point]:
    """The sizes of a program that was held out: one point, or one for every likely number of steps."""
    shapes = [tuple(_shape(rule, d.name)) for d in rule.inputs]
    free = free_sizes(made.rule)
    if not free:
        return [solve_sizes(made.rule, shapes)]
    most = max(e.sizes[name] for e in made.known.given for name in free)
    points: list[Point] = []
    for times in range(1, _FURTHER * most + 1):
        steps = dict.fromkeys(free, times)
        solved = solve_sizes(specialize(made.rule, steps, partly=True), shapes)
        points.append({name: {**solved, **steps}[name] for name in made.rule.sizes})
    return points


def _shape(rule: Rule, name: str) -> list[int]:
    return [extent for (owner, _), extent in shapes_of(rule).items() if owner == name]
