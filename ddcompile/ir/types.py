"""Type inference: shapes, kinds, exact ranges, and the order of evaluation of a rule.

Ranges are inclusive strided intervals over scaled integers (see `ddcompile.ir.ranges`). A sum whose body is a constant
tensor times something is bounded row by row: the extremes of every entry are added, not the extremes of all entries.
Recurrences are iterated once per step. Long ones are bounded by how far a step can go (see `ddcompile.ir.growth`), or
else counted as unbounded.

A size is an integer in 1..2**31 - 1: the types of a rule with sizes hold for all of them at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ddcompile.ir.affine import affine_of
from ddcompile.ir.growth import growth
from ddcompile.ir.infer import TypeWalker, affine_range
from ddcompile.ir.nodes import Binder, Declaration, Expr, Literal, Rule, Statement, Type
from ddcompile.ir.points import ONE_POINT, expand, literal_box, static_value
from ddcompile.ir.ranges import BIT, INT, INT64, RAT, REAL, SPIN, TRIT, ValueType, add, join, make, meet, repeat
from ddcompile.ir.scaled import doubles, scaled_integers
from ddcompile.ir.schedule import Group, Recurrence, constant_tables, schedule

__all__ = ["Types", "ValueType", "declared_type", "extents", "infer"]

_POINTS = 1 << 22
_WORK = 200_000
"""Statements re-typed at most while a recurrence is iterated."""
_PASSES = 16
"""The same in a rule with sizes, where the number of steps is not known."""
_NARROWED = 2
"""How often a bound of a long recurrence is narrowed to what it gives."""
_WIDEST = 4096
"""Bits and fraction bits beyond which the range of a recurrence counts as unbounded."""


@dataclass(frozen=True, slots=True)
class Types:
    """What `infer` found about a rule.

    Attributes
    ----------
    rule
        The rule; the nodes that `of` knows are those of this very object.
    shape
        The extents of every input, constant and statement tensor: of the latter, the least box from 0 over its clauses.
        In a rule with sizes, bounds of the extents.
    tensor
        The type of every input, constant and statement tensor. Inputs and results have their declared kind.
    inferred
        The type of every statement tensor before its declaration, if it is a result, is taken into account.
    order
        Groups of numbers of statements, every group after those it reads.
    recurrences
        How the groups that read themselves are evaluated, by position in `order`.
    unsettled
        Tensors of recurrences whose fraction bits grow with every step, so that no exponent is right.
    scaled
        The scaled integers of every exact constant, with the exponent that `tensor` has.
    reals
        The doubles of every constant that is declared real.
    """

    rule: Rule
    shape: dict[str, tuple[int, ...]]
    tensor: dict[str, ValueType]
    inferred: dict[str, ValueType]
    order: tuple[tuple[int, ...], ...]
    recurrences: dict[int, Recurrence]
    unsettled: frozenset[str]
    scaled: dict[str, np.ndarray]
    reals: dict[str, np.ndarray]
    _of: dict[int, ValueType] = field(repr=False)

    def of(self, expr: Expr) -> ValueType:
        """The type of an expression of the rule, joined over its occurrences.

        Raises
        ------
        KeyError
            If the node is no part of `rule`.
        """
        return self._of[id(expr)]

    def knows(self, expr: Expr) -> bool:
        """Whether an expression is part of the rule."""
        return id(expr) in self._of


def extents(declared: Type) -> tuple[int, ...]:
    """The shape of a declared type without sizes.

    Raises
    ------
    ValueError
        If an extent is no constant.
    """
    found = []
    for extent in declared.shape:
        if isinstance(extent, Literal) and isinstance(extent.value, int):
            found.append(extent.value)
            continue
        value = static_value(extent, ONE_POINT, {})
        if value is None:
            raise ValueError("an extent depends on a size; specialize the rule first")
        found.append(int(value))
    return tuple(found)


def declared_type(declared: Type, *, is_input: bool = False) -> ValueType:
    """The values of a declared type; an `int` input without a range is a 64-bit integer."""
    match declared.kind:
        case "bit":
            return BIT
        case "spin":
            return SPIN
        case "trit":
            return TRIT
        case "int" if declared.low is None and declared.high is None:
            return INT64 if is_input else INT
        case "int":
            return ValueType("int", declared.low, declared.high)
        case "rat":
            return RAT
        case "real":
            return REAL


def infer(rule: Rule, rationals: Mapping[str, ValueType] | None = None, groups: Sequence[Group] | None = None) -> Types:
    """Infer all types of a rule.

    Parameters
    ----------
    rule
        A rule that has passed the structural checks of the verifier.
    rationals
        What is known of inputs of kind rat: their fraction bits and range; those not mentioned may be any rationals.
    groups
        What `schedule` gives, or better: it does not compare positions in a rule with sizes.
    """
    if rationals or groups is not None:
        return _Inference(rule, rationals or {}).run(schedule(rule) if groups is None else groups)
    known = next((types for types in tuple(_RECENT) if types.rule is rule), None)
    if known is None:
        known = _Inference(rule, {}).run(schedule(rule))
        _RECENT.append(known)
    return known


_RECENT: deque[Types] = deque(maxlen=2)
"""The types of the rules asked for last: passes and the verifier ask for those of one rule again and again."""


class _Inference:
    def __init__(self, rule: Rule, rationals: Mapping[str, ValueType]) -> None:
        self.rule = rule
        self.tables = constant_tables(rule)
        self.shape: dict[str, tuple[int, ...]] = {}
        self.tensor: dict[str, ValueType] = {}
        self.inferred: dict[str, ValueType] = {}
        self.scaled: dict[str, np.ndarray] = {}
        self.reals: dict[str, np.ndarray] = {}
        self.results = {declaration.name: declaration for declaration in rule.outputs}
        self.unsettled: set[str] = set()
        for constant in rule.constants:
            self.shape[constant.name] = constant.values.shape
            if constant.type.kind == "real":
                self.reals[constant.name] = doubles(constant.values)
                self.tensor[constant.name] = REAL
                continue
            integers, exponent = scaled_integers(constant.values)
            self.scaled[constant.name] = integers
            self.tensor[constant.name] = _constant_type(integers, exponent, constant.type)
        for declaration in rule.inputs:
            self.shape[declaration.name] = _greatest(declaration.type) if rule.sizes else extents(declaration.type)
            declared = declared_type(declaration.type, is_input=True)
            if declared.kind == "rat":
                declared = rationals.get(declaration.name, declared)
            self.tensor[declaration.name] = declared
        self.walker = TypeWalker(self.tensor, self.scaled, self.tables)

    def run(self, groups: Sequence[Group]) -> Types:
        recurrences: dict[int, Recurrence] = {}
        for position, (group, steps) in enumerate((g.statements, g.recurrence) for g in groups):
            for number in group:
                self._grow(self.rule.statements[number])
            if steps is not None:
                recurrences[position] = steps
                self._iterate(group, steps)
            for target, value in self._pass(group, record=True, at_once=False).items():
                if steps is None or target not in self.tensor:
                    self._define(target, value)
                elif value is not None and value.exponent > self.tensor[target].exponent:
                    self.unsettled.add(target)
        return Types(
            self.rule,
            self.shape,
            self.tensor,
            self.inferred,
            tuple(group.statements for group in groups),
            recurrences,
            frozenset(self.unsettled),
            self.scaled,
            self.reals,
            self.walker.types,
        )

    def _grow(self, statement: Statement) -> None:
        box = _least_box(statement, self.tables, self.walker)
        old = self.shape.get(statement.target)
        if old is not None and len(old) == len(box):
            box = tuple(max(a, b) for a, b in zip(old, box, strict=True))
        self.shape[statement.target] = box

    def _define(self, target: str, value: ValueType | None) -> None:
        if value is None:
            # Illegal: it needs itself before there is anything.
            value = INT
        self.inferred[target] = value
        self.tensor[target] = _clamped(value, self.results.get(target))

    def _pass(self, group: tuple[int, ...], *, record: bool, at_once: bool) -> dict[str, ValueType | None]:
        """Type every clause once; with `at_once`, later clauses already see what earlier ones give."""
        found: dict[str, ValueType | None] = {}
        for number in group:
            statement = self.rule.statements[number]
            value = self.walker.statement(statement, record=record)
            known = found.get(statement.target)
            found[statement.target] = value if known is None else known if value is None else join(known, value)
            if at_once and value is not None:
                self._define(statement.target, _join_known(self.inferred.get(statement.target), value))
        return found

    def _iterate(self, group: tuple[int, ...], steps: Recurrence) -> None:
        """Iterate as often as there are steps, or until nothing grows; then widen what still does."""
        targets = {self.rule.statements[number].target for number in group}
        count = max(int(np.prod(self.shape[target][: steps.depth], dtype=object)) for target in targets)
        budget = max(8, (_PASSES if self.rule.sizes else _WORK // len(group)))
        for _ in range(min(count, budget)):
            if not self._advance(group, targets, at_once=len(targets) > 1):
                return
            if any(_is_huge(self.inferred[target]) for target in targets if target in self.inferred):
                break
        else:
            if count <= budget:
                return
        if not self._bound(group, targets, count):
            for _ in range(2 * len(targets) + 2):
                before = {target: self.inferred.get(target) for target in targets}
                if not self._advance(group, targets, at_once=False):
                    return
                for target in targets:
                    self._widen(target, before[target])
        for _ in range(_NARROWED):
            # All elements come from elements in range, so their values are what the range gives.
            for target, value in self._pass(group, record=False, at_once=False).items():
                if value is not None and target not in self.unsettled:
                    self._define(target, meet(self.inferred[target], value))

    def _bound(self, group: tuple[int, ...], targets: set[str], count: int) -> bool:
        """Bound a recurrence of at most `count` steps by how far each goes; whether that is possible."""
        known = [self.inferred.get(target) for target in targets]
        if any(found is None or not found.is_bounded for found in known):
            return False
        self._pass(group, record=True, at_once=False)
        values = [self.rule.statements[number].value for number in group]
        found = growth(values, targets, lambda expr: self.walker.types[id(expr)])
        if found is None:
            return False
        start, step = found
        total = add(start, repeat(step, 0, count * len(targets) - 1))
        if any(other is not None and other.exponent < total.exponent for other in known):
            return False
        for target in targets:
            self._define(target, total)
        return True

    def _advance(self, group: tuple[int, ...], targets: set[str], *, at_once: bool) -> bool:
        """One more step; whether anything grew."""
        before = {target: self.inferred.get(target) for target in targets}
        for target, value in self._pass(group, record=False, at_once=at_once).items():
            if value is not None:
                self._define(target, _join_known(self.inferred.get(target), value))
        return any(self.inferred.get(target) != before[target] for target in targets)

    def _widen(self, target: str, before: ValueType | None) -> None:
        now = self.inferred.get(target)
        if now is None or before is None or now == before or now.kind == "real":
            return
        exponent = now.exponent
        if now.exponent > before.exponent:
            self.unsettled.add(target)
            exponent = before.exponent
        low = now.low if now.low == before.low else None
        high = now.high if now.high == before.high else None
        if exponent != now.exponent:
            low = high = None
        self._define(target, make(low, high, 1, exponent, rational=not now.is_integral, is_dense=now.is_dense))


def _join_known(a: ValueType | None, b: ValueType) -> ValueType:
    return b if a is None else join(a, b)


def _is_huge(value: ValueType) -> bool:
    return value.exponent > _WIDEST or (value.is_bounded and value.bits > _WIDEST)


def _constant_type(integers: np.ndarray, exponent: int, declared: Type) -> ValueType:
    if integers.size == 0:
        return declared_type(declared)
    low, high = int(integers.min()), int(integers.max())
    step = 1
    if integers.dtype == np.int64 and low < high and high - low < 2**63:
        step = int(np.gcd.reduce(integers.ravel() - low))
    return make(low, high, step, exponent, rational=declared.kind == "rat")


def _clamped(value: ValueType, declaration: Declaration | None) -> ValueType:
    """The inferred type within the declared one, with the declared kind; as declared where they contradict."""
    if declaration is None:
        return value
    declared = declared_type(declaration.type)
    if declared.kind == "rat":
        return replace(value, kind="rat")
    if declared.kind == "real" or not value.is_integral:
        return declared
    low, high = value.low, value.high
    if declared.low is not None and (low is None or low < declared.low):
        low = declared.low
    if declared.high is not None and (high is None or high > declared.high):
        high = declared.high
    if low is not None and high is not None and low > high:
        return declared
    step = value.step if (low, high) == (value.low, value.high) else 1
    return ValueType(declared.kind, low, high, 0, step)


def _least_box(statement: Statement, tables: dict[str, np.ndarray], walker: TypeWalker) -> tuple[int, ...]:
    """The least box from 0 that holds every element of a clause; an upper bound for huge dependent domains."""
    binders = statement.binders
    box = literal_box(binders)
    uppers: dict[str, int] = {}
    if box is not None:
        uppers = {b.name: upper for b, (_, upper) in zip(binders, box, strict=True)}
        if any(lower >= upper for lower, upper in box):
            return (0,) * len(statement.positions)
    else:
        enumerated = expand(ONE_POINT, binders, tables, _POINTS)
        if enumerated is None:
            indices = walker.index_types(binders)
            uppers = {name: 0 if index.high is None else index.high + 1 for name, index in indices.items()}
        elif enumerated[0].count == 0:
            return (0,) * len(statement.positions)
        else:
            uppers = {name: int(values.max()) + 1 for name, values in enumerated[0].index.items()}
    found: list[int] = []
    for position in statement.positions:
        match position:
            case Binder(name):
                found.append(uppers[name])
            case Literal(int() as value):
                found.append(value + 1)
            case _:
                value_at = static_value(position, ONE_POINT, tables)
                found.append(_greatest_value(position) + 1 if value_at is None else int(value_at) + 1)
    return tuple(max(0, extent) for extent in found)


def _greatest(declared: Type) -> tuple[int, ...]:
    """Bounds of the extents of a declared type with sizes."""
    return tuple(_greatest_value(extent) for extent in declared.shape)


def _greatest_value(expr: Expr) -> int:
    """A bound of an expression that is affine in sizes."""
    form = affine_of(expr)
    found = None if form is None else affine_range(form, {})
    return -1 if found is None else found[1]
