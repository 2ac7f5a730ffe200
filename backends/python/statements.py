"""Python statements for the statements of a rule.

A tensor with one clause over a full box is a list comprehension. Any other is allocated first and filled by loops;
one that is read while it is computed is filled in the order of its recurrence.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import pairwise

from ddcompile.backends.python.expressions import Printer
from ddcompile.backends.python.extents import is_at_most, tensor_extents
from ddcompile.backends.python.hoist import repeated_softmaxes
from ddcompile.backends.python.layout import assign, comment, comprehension
from ddcompile.backends.python.notation import Sort, span
from ddcompile.backends.python.split import split
from ddcompile.backends.shared.writer import Writer
from ddcompile.ir.affine import Affine, affine_of
from ddcompile.ir.nodes import Binder, Expr, Literal, Rule, Softmax, Statement
from ddcompile.ir.schedule import Recurrence, evaluation_order, recurrence
from ddcompile.ir.traverse import free_indices
from ddcompile.ir.types import Types

__all__ = ["StatementPrinter"]


@dataclass(frozen=True, slots=True)
class _Clause:
    """A statement whose first positions are fixed by loops around it."""

    statement: Statement
    indices: dict[str, str] = field(default_factory=dict)
    """The variables of those loops, or a number where there is but one pass, by index."""
    places: tuple[str, ...] = ()
    """The text of those positions."""


class StatementPrinter:
    """Prints the statements of one rule."""

    def __init__(
        self,
        rule: Rule,
        types: Types | None,
        printer: Printer,
        writer: Writer,
        remark: Callable[[Statement], str] | None,
    ) -> None:
        self.rule = rule
        self.types = types
        self.printer = printer
        self.writer = writer
        self.remark = remark
        self._allocated = False

    def print(self) -> None:
        """Write all statements, each after those it reads."""
        if self.types is not None:
            for position, group in enumerate(self.types.order):
                self._group(group, self.types.recurrences.get(position))
        else:
            for group in evaluation_order(self.rule):
                self._group(group, recurrence(self.rule, group))

    def _group(self, group: tuple[int, ...], steps: Recurrence | None) -> None:
        statements = [self.rule.statements[number] for number in group]
        if len(group) == 1 and steps is None and self._whole(statements[0]):
            return
        clauses = [_Clause(statement) for statement in statements]
        self._gap()
        for name in dict.fromkeys(statement.target for statement in statements):
            self._allocate(name)
        self._allocated = True
        if steps is None:
            for clause in clauses:
                self._fill(clause)
            return
        depth = steps.depth
        if steps.faults and len({statement.target for statement in statements}) == 1:
            # Undecided, since the sizes are unknown: the order in which every legal recurrence can be computed.
            depth = len(statements[0].positions)
        self._in_order(clauses, 0, depth)

    def _comment(self, statement: Statement) -> None:
        if self.remark is not None:
            self._gap()
            comment(self.writer, self.remark(statement))

    def _gap(self) -> None:
        """Set what follows apart if there are comments; the list that it fills stays with it."""
        if self.remark is not None and not self._allocated:
            self.writer.gap()
        self._allocated = False

    def _text(self, expr: Expr, indices: dict[str, str]) -> str:
        """Print an expression outside of all brackets."""
        return str(self.printer.print(expr, split(expr), self.writer, indices))

    def _whole(self, statement: Statement) -> bool:
        """Write a statement as one assignment, if it defines all elements of a box in one piece."""
        how = split(statement.value)
        for position in statement.positions:
            if not isinstance(position, Binder) or position.lower != Literal(0) or free_indices(position.upper):
                return False
        repeated = repeated_softmaxes(statement)
        if (statement.positions and not how.is_trivial) or any(level for level, _ in repeated):
            return False
        self._comment(statement)
        for _, node in repeated:
            self._list(node, {})
        names = self.printer.names.of
        loops = [(names[b.name], span("0", self._text(b.upper, {}))) for b in statement.binders]
        value = self.printer.print(statement.value, how, self.writer, {})
        name = names[statement.target]
        shown = str(value.stored(self.printer.sort(statement.target)))
        if loops:
            comprehension(self.writer, name, shown, loops)
        else:
            assign(self.writer, name, shown)
        return True

    def _allocate(self, name: str) -> None:
        """Write a list of zeros for a tensor."""
        zero = {Sort.FRACTION: "Fraction(0)", Sort.REAL: "0.0"}.get(self.printer.sort(name), "0")
        extents = self._extents(name)
        if not extents:
            return
        value = f"[{zero}] * ({extents[-1]})" if " " in extents[-1] else f"[{zero}] * {extents[-1]}"
        for extent in reversed(extents[:-1]):
            value = f"[{value} for _ in range({extent})]"
        assign(self.writer, self.printer.names.of[name], value)

    def _extents(self, name: str) -> list[str]:
        """The extents of a tensor."""
        shown = []
        for candidates in tensor_extents(self.rule, self.types, name):
            texts = [self._text(candidate, {}) for candidate in candidates]
            shown.append(f"max({', '.join(texts)})" if len(texts) > 1 else texts[0])
        return shown

    def _fill(self, clause: _Clause) -> None:
        """Write the loops of a clause that are left, and the assignment of an element."""
        statement = clause.statement
        self._comment(statement)
        indices, places = clause.indices, list(clause.places)
        waiting = repeated_softmaxes(statement)
        with ExitStack() as loops:
            for position in statement.positions[len(places) :]:
                waiting = self._list_up_to(len(places), waiting, indices)
                if isinstance(position, Binder):
                    name = self.printer.index(position.name, indices)
                    values = span(self._text(position.lower, indices), self._text(position.upper, indices))
                    loops.enter_context(self.printer.block(self.writer, f"for {name} in {values}:"))
                    places.append(name)
                else:
                    places.append(self._text(position, indices))
            self._list_up_to(len(places), waiting, indices)
            value = self.printer.print(statement.value, split(statement.value), self.writer, indices)
            target = self.printer.names.of[statement.target] + "".join(f"[{place}]" for place in places)
            assign(self.writer, target, str(value.stored(self.printer.sort(statement.target))))

    def _list_up_to(
        self, level: int, waiting: list[tuple[int, Softmax]], indices: dict[str, str]
    ) -> list[tuple[int, Softmax]]:
        """List the values of those softmaxes that depend on so many positions; the others."""
        for _, node in (item for item in waiting if item[0] <= level):
            self._list(node, indices)
        return [item for item in waiting if item[0] > level]

    def _list(self, node: Softmax, indices: dict[str, str]) -> None:
        """Give all values of a softmax a name."""
        table = self.printer.table(node, self.writer, indices)
        name = self.printer.names.fresh.numbered("_softmax")
        assign(self.writer, name, table)
        self.printer.tables[id(node)] = name

    def _in_order(self, clauses: list[_Clause], level: int, depth: int) -> None:
        """Write clauses so that their positions from `level` up to `depth` advance in lexicographic order.

        The ranges of the clauses are cut at one another's ends; a piece is one loop over all clauses it belongs to.
        """
        if len(clauses) == 1 or level == depth:
            for clause in clauses:
                self._fill(clause)
            return
        spans = [_span(clause, level) for clause in clauses]
        ends = _ascending([end for pair in spans if pair is not None for end in pair])
        if None in spans or ends is None:
            self._guarded(clauses, level, depth)
            return
        rank = {end: k for k, end in enumerate(ends)}
        ranges = [(rank[pair[0]], rank[pair[1]]) for pair in spans if pair is not None]
        between: list[list[_Clause]] = [[] for _ in ends]
        for clause, (a, b) in zip(clauses, ranges, strict=True):
            for k in range(a, b):
                between[k].append(clause)
        whole = set(ranges)
        for k, (low, high) in enumerate(pairwise(ends)):
            active = between[k]
            if len(active) == 1 and (k, k + 1) in whole:
                self._fill(active[0])
            elif active:
                self._piece(active, level, depth, low, high)

    def _piece(self, clauses: list[_Clause], level: int, depth: int, low: Affine, high: Affine) -> None:
        """Write what clauses define where the position at `level` is from `low` to before `high`."""
        names = {
            position.name if isinstance(position, Binder) else None
            for position in (clause.statement.positions[level] for clause in clauses)
        }
        variables = {name: name for clause in clauses for name in clause.indices.values()}
        start = self._text(low.to_expr(), variables)
        if names == {None} or (low.is_constant and high == low + 1):
            self._in_order([_advanced(clause, level, start) for clause in clauses], level + 1, depth)
            return
        name = names.pop()
        is_shared = name is not None and not names
        variable = self.printer.names.of[str(name)] if is_shared else self.printer.names.fresh.numbered("_k")
        values = span(start, self._text(high.to_expr(), variables))
        self._gap()
        with self.printer.block(self.writer, f"for {variable} in {values}:"):
            self._in_order([_advanced(clause, level, variable) for clause in clauses], level + 1, depth)

    def _guarded(self, clauses: list[_Clause], level: int, depth: int) -> None:
        """Write loops over the box of the positions from `level` to `depth`, each clause behind a test."""
        extents = [self._extents(name) for name in dict.fromkeys(c.statement.target for c in clauses)]
        variables = []
        with ExitStack() as loops:
            for axis in range(level, depth):
                bounds = list(dict.fromkeys(extent[axis] for extent in extents))
                upper = f"max({', '.join(bounds)})" if len(bounds) > 1 else bounds[0]
                variables.append(self.printer.names.fresh.numbered("_k"))
                header = f"for {variables[-1]} in {span('0', upper)}:"
                loops.enter_context(self.printer.block(self.writer, header))
            for clause in clauses:
                tests = []
                for axis, variable in enumerate(variables, level):
                    tests.append(self._test(clause, axis, variable))
                    clause = _advanced(clause, axis, variable)
                with self.printer.block(self.writer, f"if {' and '.join(tests)}:"):
                    self._fill(clause)

    def _test(self, clause: _Clause, axis: int, variable: str) -> str:
        """Whether a variable is in the range of a clause's position."""
        position = clause.statement.positions[axis]
        if not isinstance(position, Binder):
            return f"{variable} == {self._text(position, clause.indices)}"
        low, high = (self._text(bound, clause.indices) for bound in (position.lower, position.upper))
        return f"{low} <= {variable} < {high}"


def _advanced(clause: _Clause, level: int, variable: str) -> _Clause:
    """A clause whose position at `level` is given by a variable, or by a number."""
    position = clause.statement.positions[level]
    indices = {**clause.indices, position.name: variable} if isinstance(position, Binder) else clause.indices
    return _Clause(clause.statement, indices, (*clause.places, variable))


def _span(clause: _Clause, level: int) -> tuple[Affine, Affine] | None:
    """The half-open range of a clause's position, in the variables of the loops around; None if it is not affine."""
    position = clause.statement.positions[level]
    outer = {
        index: Affine(int(variable)) if variable.isdigit() else Affine(0, ((variable, 1),))
        for index, variable in clause.indices.items()
    }
    low = affine_of(position.lower if isinstance(position, Binder) else position)
    high = affine_of(position.upper) if isinstance(position, Binder) else None if low is None else low + 1
    if low is None or high is None:
        return None
    return low.substitute(outer), high.substitute(outer)


def _ascending(forms: list[Affine]) -> list[Affine] | None:
    """The distinct forms in ascending order; None if two cannot be compared."""
    ordered: list[Affine] = []
    if all(form.is_constant for form in forms):
        return sorted(dict.fromkeys(forms), key=lambda form: form.constant)
    for form in dict.fromkeys(forms):
        place = sum(is_at_most(other, form) for other in ordered)
        if not all(is_at_most(form, other) for other in ordered[place:]):
            return None
        ordered.insert(place, form)
    return ordered
