"""Rules with sizes, for all sizes at once: types, extents, and a proof that nothing goes wrong.

The verifier tries a rule with sizes at a few of them. Code that is compiled once for all sizes must not rely on that:
here every read is proved to be of an element that is there, and so on, by exact reasoning on affine forms. What holds
for some sizes only, as `N >= 4`, is a condition that compiled code tests when it is called.

| code | what cannot be shown for all sizes |
|---|---|
| E030 | a read is of an element that a clause defines |
| E031 | clauses do not overlap, and define all of a result; extents are affine |
| E032 | a tensor, or the range of a `min`, `max` or `argmax`, is not empty |
| E033 | an element reads only earlier elements of its recurrence |
| E034 | operands are bits, a modulus is positive, results are of their declared types |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, combinations, product

from ddcompile.analysis.accesses import Accesses, Modulus, Sides, Tensor
from ddcompile.analysis.cases import Cases, System
from ddcompile.analysis.conditions import Condition, Conditions
from ddcompile.analysis.elements import known_elements
from ddcompile.analysis.order import ordered
from ddcompile.analysis.polyhedra import implies
from ddcompile.analysis.regions import Region, extents_of, form_of, outside, overlap, region_of
from ddcompile.diagnostics import CompileError
from ddcompile.ir.affine import Affine
from ddcompile.ir.check_types import TypeChecker
from ddcompile.ir.findings import Findings
from ddcompile.ir.nodes import Constant, Declaration, Node, Read, Rule, Statement
from ddcompile.ir.printer import describe
from ddcompile.ir.schedule import Group, Recurrence, schedule
from ddcompile.ir.scopes import scoped
from ddcompile.ir.types import Types, ValueType, infer

__all__ = ["HINT", "Sized", "analyse"]

HINT = "give the sizes as numbers: `--size N=8`, or `program.at(N=8)`"


@dataclass(frozen=True, slots=True)
class Sized:
    """What is known of a rule with sizes, for all sizes at once.

    Attributes
    ----------
    types : Types
        With ranges that hold for all sizes.
    shape : dict of str to tuple of Affine
        The extents of every tensor: forms of the sizes, at least 1.
    conditions : tuple of Condition
        What the sizes, which are positive, must satisfy beyond that.
    sides : dict of int to tuple of Sides
        By the id of every padded read: where it may leave its tensor.
    moduli : dict of int to Modulus
        By the id of every `%`: how far the operand may be out of range.
    """

    types: Types
    shape: dict[str, tuple[Affine, ...]]
    conditions: tuple[Condition, ...]
    sides: dict[int, tuple[Sides, ...]]
    moduli: dict[int, Modulus]

    def is_at_most(self, left: Affine, right: Affine) -> bool:
        """Whether it is proved that left <= right for all sizes that satisfy the conditions."""
        positive = [Affine.of(-1, {name: 1}, (name,)) for name in self.types.rule.sizes]
        single = [condition[0] for condition in self.conditions if len(condition) == 1]
        return implies([*positive, *single], right - left)


def analyse(rule: Rule, rationals: Mapping[str, ValueType] | None = None) -> Sized:
    """Prove a verified rule with sizes legal for all sizes that satisfy some conditions.

    Parameters
    ----------
    rule
        The rule.
    rationals
        What is known of inputs of kind rat (see `ddcompile.ir.types.infer`).

    Raises
    ------
    CompileError
        E030 to E034 for all that cannot be shown.
    """
    return _Analysis(rule, rationals or {}).run()


class _Analysis:
    def __init__(self, rule: Rule, rationals: Mapping[str, ValueType]) -> None:
        self.rule = rule
        self.rationals = rationals
        self.conditions = Conditions(rule.sizes)
        self.findings = Findings()
        self.tensors: dict[str, Tensor] = {}
        self._within: Statement | None = None
        """Where faults are, if their nodes have no place of their own."""
        self.clauses: dict[str, list[Statement]] = {}
        for statement in rule.statements:
            self.clauses.setdefault(statement.target, []).append(statement)

    def run(self) -> Sized:
        rule = self.rule
        types = self._ordered()
        items: tuple[Declaration | Constant, ...] = (*rule.inputs, *rule.constants)
        for item in items:
            self._declared(item)
        outputs = {declaration.name: declaration for declaration in rule.outputs}
        for name, clauses in self.clauses.items():
            if name in outputs:
                self._declared(outputs[name])
            self._define(name, clauses)
        self._stop()
        cases = Cases(types, known_elements(types, self.conditions))
        accesses = Accesses(cases, self.conditions, self.tensors, self._fault)
        checked = Findings()
        operands = TypeChecker(types, checked)
        operands.results()
        for statement in rule.statements:
            for node, scope in scoped(statement):
                self._within = statement
                accesses.check(node, scope)
                operands.node(node, statement, scope)
        for diagnostic in checked.diagnostics:
            if diagnostic.code in ("T021", "T030", "T032", "T034"):
                message = f"for all sizes: {diagnostic.message}"
                self.findings.diagnostics.append(replace(diagnostic, code="E034", message=message, hint=HINT))
        self._stop()
        shape = {name: tensor.extents for name, tensor in self.tensors.items()}
        return Sized(types, shape, self.conditions.found, accesses.sides, accesses.moduli)

    def _stop(self) -> None:
        if self.findings.diagnostics:
            raise CompileError(self.findings.diagnostics)

    def _fault(self, code: str, node: Node, what: str) -> None:
        self.findings.add(code, f"it cannot be shown for all sizes that {what}", node, HINT, within=self._within)

    def _ordered(self) -> Types:
        """The types, with recurrences that are decided for all sizes."""
        groups = schedule(self.rule)
        if not any(group.recurrence is not None and group.recurrence.faults for group in groups):
            return infer(self.rule, self.rationals, groups)
        # The more positions advance one at a time, the further values may get.
        rank = max(len(statement.positions) for statement in self.rule.statements)
        slow = [g if g.recurrence is None else Group(g.statements, Recurrence(rank)) for g in groups]
        cases = Cases(infer(self.rule, self.rationals, slow), {})
        found = []
        for group in groups:
            if group.recurrence is not None and group.recurrence.faults:
                group = ordered(self.rule, group, cases, self.conditions, self._not_earlier)
            found.append(group)
        self._stop()
        return infer(self.rule, self.rationals, found)

    def _not_earlier(self, read: Read, statement: Statement) -> None:
        self._within = statement
        self._fault("E033", read, f"`{describe(read, 40)}` is of an earlier element")

    def _declared(self, item: Declaration | Constant) -> None:
        """The extents of an input, a constant or a result."""
        extents = tuple(form_of(extent) for extent in item.type.shape)
        self.tensors[item.name] = Tensor(extents)
        self._not_empty(item.name, extents, item)

    def _not_empty(self, name: str, extents: tuple[Affine, ...], node: Node) -> None:
        self._within = self.clauses[name][0] if name in self.clauses else None
        if not self.conditions.exclude(*((-extent,) for extent in extents)):
            self._fault("E032", node, f"`{name}` has elements")

    def _define(self, name: str, clauses: list[Statement]) -> None:
        """The extents of a statement's tensor; its clauses lie in them and do not overlap."""
        regions = tuple(map(region_of, clauses))
        self._within = clauses[0]
        known = self.tensors.get(name)
        extents = extents_of(regions, self.conditions) if known is None else known.extents
        if extents is None:
            self._fault("E031", clauses[0], f"the extents of `{name}` are affine in the sizes")
            return
        self._not_empty(name, extents, clauses[0])
        for region in regions:
            self._within = region.clause
            wrong: list[System] = [(*region.domain, -position - 1) for position in region.positions]
            if known is not None:
                pairs = zip(region.positions, extents, strict=True)
                wrong += [(*region.domain, position - extent) for position, extent in pairs]
            if not self.conditions.exclude(*wrong):
                self._fault("E031", region.clause, f"`{_head(region.clause)}` stays inside `{name}`")
        self._disjoint(regions)
        places = [Affine(0, ((f"${axis}.", 1),)) for axis in range(len(extents))]
        box = [form for place, extent in zip(places, extents, strict=True) for form in (place, extent - place - 1)]
        gaps = list(outside(regions, places, tuple(box), self.conditions))
        self._within = clauses[0]
        if known is None:
            self.tensors[name] = Tensor(extents, regions if gaps else ())
        elif not self.conditions.exclude(*gaps):
            self._fault("E031", clauses[0], f"clauses define all of `{name}`")

    def _disjoint(self, regions: Sequence[Region]) -> None:
        """Clauses do not overlap."""
        points = {region.positions: region for region in regions if all(p.is_constant for p in region.positions)}
        others = [region for region in regions if points.get(region.positions) is not region]
        pairs = chain(combinations(others, 2), product(others, points.values()))
        for first, second in pairs:
            self._within = second.clause
            common = overlap(first, second)
            if common is not None and not self.conditions.exclude(common):
                both = f"`{_head(first.clause)}` and `{_head(second.clause)}`"
                self._fault("E031", second.clause, f"{both} do not overlap")


def _head(clause: Statement) -> str:
    """The left side of a clause."""
    return describe(clause, 400).split(" = ")[0]
