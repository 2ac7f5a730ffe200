"""The checks of the verifier on elements: which are defined, by one clause only, and which are read."""

from __future__ import annotations

from itertools import combinations
from math import prod

import numpy as np

from ddcompile.ir.affine import Affine, affine_of
from ddcompile.ir.findings import Findings
from ddcompile.ir.nodes import Binder, Expr, Literal, Node, Read, Softmax, Statement
from ddcompile.ir.points import ONE_POINT, Points, expand, literal_box, static_value
from ddcompile.ir.printer import describe
from ddcompile.ir.ranges import ValueType
from ddcompile.ir.schedule import constant_tables
from ddcompile.ir.scopes import Scope, binders_of, needed_binders, own_position
from ddcompile.ir.traverse import free_indices
from ddcompile.ir.types import Types, extents

__all__ = ["ElementChecker", "check_sizes"]

_POINTS = 1 << 22
_ELEMENTS = 1 << 40
"""Elements of a tensor at most; engines that keep tensors take fewer (see `ddcompile.analysis.memory`)."""
_PAINTED = 1 << 25
"""Elements of a tensor at most whose clauses are not a few boxes without a gap."""
_BOXES = 64


def check_sizes(types: Types, findings: Findings) -> bool:
    """Report tensors that are empty or too large to handle; whether there are none."""
    nodes: dict[str, Node] = {d.name: d for d in types.rule.inputs}
    for statement in types.rule.statements:
        nodes.setdefault(statement.target, statement)
    is_fine = True
    for name, node in nodes.items():
        count = prod(types.shape[name])
        if count == 0:
            findings.add("T025", f"`{name}` has no elements from position 0 on", node)
            is_fine = False
        if count > _ELEMENTS:
            findings.add("T023", f"`{name}` has {count} elements; at most {_ELEMENTS} are possible", node)
            is_fine = False
    return is_fine


class ElementChecker:
    """Reports overlapping clauses, results of the wrong shape or with gaps, and reads of what is not there."""

    def __init__(self, types: Types, findings: Findings) -> None:
        self.types = types
        self.findings = findings
        self.tables = constant_tables(types.rule)
        self.clauses: dict[str, list[Statement]] = {}
        for statement in types.rule.statements:
            self.clauses.setdefault(statement.target, []).append(statement)
        self.defined: dict[str, np.ndarray] = {}
        """For tensors with gaps: which elements are defined, flat."""
        self.faulty: set[str] = set()

    def define(self) -> None:
        """Mark the elements of every clause."""
        for target, clauses in self.clauses.items():
            if len(clauses) == 1 and self._is_whole(clauses[0]):
                continue
            shape = self.types.shape[target]
            if self._fills(clauses, shape):
                continue
            if prod(shape) > _PAINTED:
                message = f"`{target}` has {prod(shape)} elements in several clauses or with gaps"
                self.findings.add("T023", message, clauses[0], f"at most {_PAINTED} are possible")
                self.faulty.add(target)
                continue
            owner = np.full(shape, -1, dtype=np.int32)
            for number, clause in enumerate(clauses):
                self._paint(owner, number, clause, clauses)
            is_defined = owner.reshape(-1) >= 0
            if not is_defined.all():
                self.defined[target] = is_defined

    def _is_whole(self, clause: Statement) -> bool:
        """Whether a clause defines a box that starts at 0 on every axis."""
        box = literal_box(clause.binders)
        return box is not None and len(box) == len(clause.positions) and all(0 == low < high for low, high in box)

    def _fills(self, clauses: list[Statement], shape: tuple[int, ...]) -> bool:
        """Whether clauses are a few boxes that are disjoint and together have every element."""
        if len(clauses) > _BOXES:
            return False
        boxes: list[list[tuple[int, int]]] = []
        for clause in clauses:
            box = literal_box(clause.binders)
            if box is None:
                return False
            ranges = iter(box)
            fixed = [None if isinstance(p, Binder) else static_value(p, ONE_POINT, {}) for p in clause.positions]
            boxes.append([next(ranges) if value is None else (int(value), int(value) + 1) for value in fixed])
        if any(low < 0 or high <= low for box in boxes for low, high in box):
            return False
        pairs = combinations(boxes, 2)
        if any(all(a < d and c < b for (a, b), (c, d) in zip(one, other, strict=True)) for one, other in pairs):
            return False
        return sum(prod(high - low for low, high in box) for box in boxes) == prod(shape)

    def _paint(self, owner: np.ndarray, number: int, clause: Statement, clauses: list[Statement]) -> None:
        region = self._region(clause)
        if region is None:
            self.faulty.add(clause.target)
            return
        taken = owner[region]
        if bool((taken >= 0).any()):
            self.faulty.add(clause.target)
            other = int(taken.max())
            mask = np.zeros(owner.shape, dtype=bool)
            mask[region] = True
            element = _element(int(np.argmax(mask & (owner == other))), owner.shape)
            at = f" of line {found.line}" if (found := clauses[other].location) is not None else ""
            self.findings.add(
                "T014",
                f"`{clause.target}{element}` is defined here and by the clause{at} `{_head(clauses[other])}`",
                clause,
                "the domains of clauses must not overlap",
            )
        owner[region] = number

    def _region(self, clause: Statement) -> tuple[slice | np.ndarray, ...] | None:
        """What a clause defines, as an index into its tensor; None if it starts below 0 or cannot be enumerated."""
        box = literal_box(clause.binders)
        fixed = [None if isinstance(p, Binder) else static_value(p, ONE_POINT, {}) for p in clause.positions]
        if box is not None:
            ranges = iter(box)
            region = [next(ranges) if value is None else (int(value), int(value) + 1) for value in fixed]
            if any(low < 0 for low, high in region):
                self._negative(clause, min(low for low, _ in region))
                return None
            return tuple(slice(low, max(low, high)) for low, high in region)
        found = expand(ONE_POINT, clause.binders, self.tables, _PAINTED)
        if found is None:
            self.findings.add("T023", f"`{_head(clause)}` has more than {_PAINTED} elements", clause)
            return None
        points = found[0]
        columns = []
        for position in clause.positions:
            value = static_value(own_position(position), points, self.tables)
            assert value is not None, "positions are affine"
            columns.append(np.broadcast_to(value, points.count).astype(np.int64))
        lowest = min((int(column.min()) for column in columns if column.size), default=0)
        if lowest < 0:
            self._negative(clause, lowest)
            return None
        return tuple(columns)

    def _negative(self, clause: Statement, lowest: int) -> None:
        self.findings.add("T015", f"`{_head(clause)}` defines the position {lowest}", clause, "positions start from 0")

    def results(self) -> None:
        """Check that results have their declared shape and no gaps."""
        for declaration in self.types.rule.outputs:
            name = declaration.name
            if name not in self.clauses or name in self.faulty:
                continue
            declared = extents(declaration.type)
            shape = self.types.shape[name]
            if shape != declared:
                self.findings.add(
                    "T017",
                    f"`{name}` is declared with shape {_shape(declared)}, but its clauses make {_shape(shape)}",
                    self.clauses[name][0],
                )
            elif name in self.defined:
                gap = _element(int(np.argmin(self.defined[name])), shape)
                self.findings.add("T016", f"no clause defines `{name}{gap}`", self.clauses[name][0])

    def read(self, node: Read, statement: Statement, scope: Scope | None) -> None:
        """Check that all elements that a read can reach are there and defined."""
        shape = self.types.shape[node.tensor]
        has_gaps = node.tensor in self.defined
        if node.tensor in self.faulty or (not has_gaps and self._is_inside(node, shape)):
            return
        if not all(self.types.of(position).is_integral for position in node.positions):
            return  # reported as such
        names: set[str] = set().union(*(free_indices(p) for p in node.positions))
        found = expand(ONE_POINT, needed_binders(names, binders_of(scope)), self.tables, _POINTS)
        columns = None if found is None else self._columns(node, found[0])
        if found is None or columns is None:
            self._inexact(node, statement, scope, shape)
            return
        points = found[0]
        where = np.zeros(points.count, dtype=np.int64)
        inside = np.ones(points.count, dtype=bool)
        for axis, (column, extent) in enumerate(zip(columns, shape, strict=True)):
            outside = (column < 0) | (column >= extent)
            if node.pad is None and bool(outside.any()):
                self._outside(node, statement, points, axis, column, outside, extent)
                return
            inside &= ~outside
            where = where * extent + np.where(outside, 0, column).astype(np.int64)
        if has_gaps:
            bad = inside & ~self.defined[node.tensor][where]
            if bool(bad.any()):
                first = int(np.argmax(bad))
                element = _element(int(where[first]), shape)
                message = f"`{describe(node, 40)}` reads `{node.tensor}{element}`, which no clause defines"
                self.findings.add("T013", message + _at(points, first), node, within=statement)

    def softmax(self, node: Softmax, statement: Statement, scope: Scope | None) -> None:
        """Check that a softmax is read where its index runs."""
        ends = node.position, node.binder.lower, node.binder.upper
        position, lower, upper = (self.types.of(expr) for expr in ends)
        if not position.is_integral or (_is_below(lower, position, 0) and _is_below(position, upper, 1)):
            return  # not an integer: reported as such
        text = f"`{describe(node, 40)}` may read outside of the range of `{node.binder.name}`"
        names = set().union(*(free_indices(expr) for expr in ends))
        found = expand(ONE_POINT, needed_binders(names, binders_of(scope)), self.tables, _POINTS)
        if found is not None:
            points = found[0]
            columns = [static_value(expr, points, self.tables) for expr in ends]
            known = [np.broadcast_to(column, points.count) for column in columns if column is not None]
            if len(known) == len(columns):
                where, first, end = known
                outside = (first < end) & ((where < first) | (where >= end))
                if not bool(outside.any()):
                    return
                at = int(np.argmax(outside))
                text = f"`{describe(node, 40)}` reads position {where[at]}, but `{node.binder.name}` runs over "
                text += f"{first[at]}..{int(end[at]) - 1}{_at(points, at)}"
        self.findings.add("T012", text, node.position, "read it where its index runs", within=statement)

    def _is_inside(self, node: Read, shape: tuple[int, ...]) -> bool:
        if node.pad is not None:
            return True
        for position, extent in zip(node.positions, shape, strict=True):
            found = self.types.of(position)
            if found.low is None or found.low < 0 or found.high is None or found.high >= extent:
                return False
        return True

    def _columns(self, node: Read, points: Points) -> list[np.ndarray] | None:
        columns = []
        for position in node.positions:
            value = static_value(position, points, self.tables)
            if value is None:
                return None
            columns.append(np.broadcast_to(value, points.count))
        return columns

    def _outside(
        self,
        node: Read,
        statement: Statement,
        points: Points,
        axis: int,
        column: np.ndarray,
        outside: np.ndarray,
        extent: int,
    ) -> None:
        first = int(np.argmax(outside))
        self.findings.add(
            "T012",
            f"`{describe(node, 40)}` reads position {column[first]} on axis {axis}, which has extent {extent}"
            + _at(points, first),
            node,
            _hint(node),
            within=statement,
        )

    def _inexact(self, node: Read, statement: Statement, scope: Scope | None, shape: tuple[int, ...]) -> None:
        """The read cannot be enumerated: judge it by ranges alone."""
        if node.tensor in self.defined:
            message = f"`{node.tensor}` has gaps, and `{describe(node, 40)}` cannot be shown to avoid them"
            self.findings.add("T013", message, node, "define all of its elements", within=statement)
            return
        binders = binders_of(scope)
        for axis, (position, extent) in enumerate(zip(node.positions, shape, strict=True)):
            found = self.types.of(position)
            low, high = _affine_range(position, binders) or (found.low, found.high)
            if low is None or low < 0 or high is None or high >= extent:
                text = "any position" if low is None or high is None else f"positions {low}..{high}"
                self.findings.add(
                    "T012",
                    f"`{describe(node, 40)}` may read {text} on axis {axis}, which has extent {extent}",
                    node,
                    _hint(node),
                    within=statement,
                )
                return


def _is_below(a: ValueType, b: ValueType, by: int) -> bool:
    """Whether every value of an integer is below every value of another, by at least so much."""
    return a.high is not None and b.low is not None and a.high + by <= b.low


def _hint(node: Read) -> str:
    return f"wrap the position by `%`, or continue the tensor: `pad({node.tensor}, 0)[...]`"


def _affine_range(position: Expr, binders: tuple[Binder, ...]) -> tuple[int, int] | None:
    """Bounds of an affine position, by eliminating indices from the innermost: each is at one of its bounds."""
    form = affine_of(position)
    if form is None:
        return None
    least = most = form
    for binder in reversed(binders):
        lower, upper = affine_of(binder.lower), affine_of(binder.upper)
        if lower is None or upper is None:
            return None
        ends = lower, upper - 1
        least = _eliminated(least, binder.name, ends)
        most = -_eliminated(-most, binder.name, ends)
    if not (least.is_constant and most.is_constant):
        return None
    return int(least.constant), int(most.constant)


def _eliminated(form: Affine, name: str, ends: tuple[Affine, Affine]) -> Affine:
    """A lower bound of the form without one index."""
    return form.substitute({name: ends[0] if form.coefficient(name) > 0 else ends[1]})


def _head(clause: Statement) -> str:
    """The left side of a clause."""
    return describe(Statement(clause.target, clause.positions, Literal(0))).removesuffix(" = 0")


def _element(number: int, shape: tuple[int, ...]) -> str:
    if not shape:
        return ""
    return _shape(tuple(int(k) for k in np.unravel_index(number, shape)))


def _shape(shape: tuple[int, ...]) -> str:
    return "[" + ", ".join(map(str, shape)) + "]"


def _at(points: Points, number: int) -> str:
    at = ", ".join(f"{name} = {int(column[number])}" for name, column in points.index.items())
    return f" (at {at})" if at else ""
