"""The checks of the verifier that need inferred types: operands, empty reductions, recurrences, declared results."""

from __future__ import annotations

from ddcompile.ir.findings import Findings
from ddcompile.ir.nodes import Binary, Binding, Declaration, Expr, If, Read, Reduce, Softmax, Statement, Type, Unary
from ddcompile.ir.points import ONE_POINT, expand
from ddcompile.ir.printer import describe
from ddcompile.ir.ranges import ValueType
from ddcompile.ir.schedule import constant_tables
from ddcompile.ir.scopes import Scope, binders_of, needed_binders
from ddcompile.ir.traverse import free_indices
from ddcompile.ir.types import Types, declared_type

__all__ = ["TypeChecker", "check_recurrences"]

_POINTS = 1 << 22
_REDUCED = 1 << 28
"""Points of one reduction at most."""


def check_recurrences(types: Types, findings: Findings) -> bool:
    """Report reads that no order of evaluation serves, and fraction bits that grow with every step.

    Returns whether there are none; else types and ranges mean nothing.
    """
    statements = types.rule.statements
    is_fine = True
    for position, group in enumerate(types.order):
        steps = types.recurrences.get(position)
        if steps is None:
            continue
        targets = {statements[number].target for number in group}
        for fault in steps.faults:
            statement = statements[fault.statement]
            code = "T050" if len(targets) == 1 else "T051" if fault.read is None else "T052"
            findings.add(code, fault.reason, fault.read or statement, fault.hint, within=statement)
        if steps.faults:
            is_fine = False
            continue
        last = {statements[number].target: statements[number] for number in group}
        for target in sorted(targets & types.unsettled):
            is_fine = False
            message = f"every step of `{target}` needs more fraction bits"
            findings.add("T053", message, last[target], "scale the recurrence to integers")
    return is_fine


class TypeChecker:
    """Reports operands of the wrong type, reductions over nothing, and results that do not fit their declarations."""

    def __init__(self, types: Types, findings: Findings) -> None:
        self.types = types
        self.findings = findings
        self.tables = constant_tables(types.rule)

    def node(self, node: Expr, statement: Statement, scope: Scope | None) -> None:
        """Check the operands of one node."""
        match node:
            case Binary("and" | "or" | "xor" as op, left, right):
                self._bit(f"`{op}` takes bits", left, statement)
                self._bit(f"`{op}` takes bits", right, statement)
            case Unary("not", operand):
                self._bit("`not` takes a bit", operand, statement)
            case If(condition, _, _):
                self._bit("`if` decides on a bit", condition, statement)
            case Reduce("any" | "all" as op, _, body):
                self._count(node, statement)
                self._bit(f"`{op}` takes bits", body, statement)
            case Reduce("min" | "max" | "argmax", _, _):
                self._count(node, statement)
                self._not_empty(node, statement, scope)
            case Reduce():
                self._count(node, statement)
            case Softmax(_, _, position):
                self._count(node, statement)
                self._not_empty(node, statement, scope)
                self._position("`softmax`", position, statement)
            case Binary("%", left, right):
                self._modulo(node, left, right, statement)
            case Read(tensor, positions, _):
                for position in positions:
                    self._position(f"`{tensor}`", position, statement)

    def results(self) -> None:
        """Check that the values of every result are of its declared type."""
        for declaration in self.types.rule.outputs:
            self._result(declaration)

    def _result(self, declaration: Declaration) -> None:
        inferred = self.types.inferred.get(declaration.name)
        if inferred is None:
            return
        declared = declared_type(declaration.type)
        if inferred.is_within(declared):
            return
        clauses = [s for s in self.types.rule.statements if s.target == declaration.name]
        to_blame = next((s for s in clauses if not self.types.of(s.value).is_within(declared)), clauses[0])
        wanted = describe(Type(declaration.type.kind, (), declaration.type.low, declaration.type.high))
        hint = f"declare it {_kind(inferred)}, or bring the values into range" if inferred.is_bounded else ""
        if inferred.kind == "real":
            hint = "declare it real, or compare the values"
        message = f"`{declaration.name}` is declared {wanted}, but its values are {_values(inferred)}"
        self.findings.add("T034", message, to_blame, hint)

    def _bit(self, what: str, operand: Expr, statement: Statement) -> None:
        found = self.types.of(operand)
        if not found.is_bit:
            message = f"{what}, and `{describe(operand, 40)}` is {_kind(found)}"
            self.findings.add("T030", message, operand, "compare it, for example by `> 0`", within=statement)

    def _position(self, what: str, position: Expr, statement: Statement) -> None:
        if not self.types.of(position).is_integral:
            message = f"{what} is read at `{describe(position, 40)}`, which is no integer"
            self.findings.add("T021", message, position, within=statement)

    def _modulo(self, node: Expr, left: Expr, right: Expr, statement: Statement) -> None:
        modulus = self.types.of(right).constant
        if not isinstance(modulus, int) or modulus < 1:
            message = f"the right side of `%` is {modulus}"
            self.findings.add("T031", message, node, "it must be a positive integer or a size", within=statement)
        if not self.types.of(left).is_integral:
            message = f"`%` takes integers, and `{describe(left, 40)}` is {_kind(self.types.of(left))}"
            self.findings.add("T032", message, left, within=statement)

    def _count(self, node: Binding, statement: Statement) -> None:
        """No reduction has more points than an engine can run through."""
        points = 1
        for binder in node.binders:
            low, high = self.types.of(binder.lower).low, self.types.of(binder.upper).high
            points *= _REDUCED + 1 if low is None or high is None else max(0, high - low)
        if points > _REDUCED:
            message = f"`{_word(node)}` runs over up to {points} points; at most {_REDUCED} are possible"
            self.findings.add("T023", message, node, within=statement)

    def _not_empty(self, node: Binding, statement: Statement, scope: Scope | None) -> None:
        """Every point outside has at least one point inside."""
        fewest = 1
        for binder in node.binders:
            lower, upper = self.types.of(binder.lower), self.types.of(binder.upper)
            if lower.high is None or upper.low is None or upper.low <= lower.high:
                fewest = 0
        if fewest:
            return
        names = set().union(*(free_indices(e) for b in node.binders for e in (b.lower, b.upper)))
        outer = expand(ONE_POINT, needed_binders(names, binders_of(scope)), self.tables, _POINTS)
        inner = None if outer is None else expand(outer[0], node.binders, self.tables, _POINTS)
        if outer is None or inner is None:
            reason = "cannot be shown not to be empty"
        elif len(set(inner[1].tolist())) < outer[0].count:
            reason = "is empty"
            missing = min(set(range(outer[0].count)) - set(inner[1].tolist()))
            at = ", ".join(f"{name} = {column[missing]}" for name, column in outer[0].index.items())
            reason += f" at {at}" if at else ""
        else:
            return
        hint = "there is no least or greatest of nothing; keep the upper bound above the lower"
        self.findings.add("T040", f"the range of `{_word(node)}` {reason}", node, hint, within=statement)


def _word(node: Binding) -> str:
    return node.op if isinstance(node, Reduce) else "softmax"


def _kind(found: ValueType) -> str:
    return str(found) if found.is_integral else found.kind


def _values(found: ValueType) -> str:
    if found.constant is not None:
        return f"always {found.constant}"
    return str(found) if found.is_bounded or found.kind in ("rat", "real") else "unbounded integers"
