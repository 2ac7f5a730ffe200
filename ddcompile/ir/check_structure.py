"""The checks of the verifier that need no types: names, arity, and the forms of bounds, positions and literals."""

from __future__ import annotations

from difflib import get_close_matches
from fractions import Fraction

import numpy as np

from ddcompile.ir.affine import Affine, affine_of
from ddcompile.ir.findings import Findings, counted
from ddcompile.ir.nodes import (
    Binary,
    Binder,
    Binding,
    Call,
    Compare,
    Constant,
    Declaration,
    Expr,
    Index,
    Literal,
    Node,
    Number,
    Read,
    Reduce,
    Rule,
    Size,
    Softmax,
    Statement,
    Type,
    Unary,
)
from ddcompile.ir.printer import describe
from ddcompile.ir.scaled import scaled_integers
from ddcompile.ir.specialize import free_sizes, undetermined_sizes
from ddcompile.ir.syntax import is_name
from ddcompile.ir.traverse import children, postorder

__all__ = ["check_structure"]


def check_structure(rule: Rule, findings: Findings) -> None:
    """Report every fault that does not depend on types, shapes or the values of sizes."""
    _Structure(rule, findings).run()


class _Structure:
    def __init__(self, rule: Rule, findings: Findings) -> None:
        self.rule = rule
        self.findings = findings
        self.tables = {constant.name for constant in rule.constants if constant.type.kind not in ("rat", "real")}
        """Constants that bounds may read."""
        self.ranks: dict[str, int] = {}
        tensors: list[Declaration | Constant] = [*rule.inputs, *rule.constants]
        for item in tensors:
            self.ranks.setdefault(item.name, len(item.type.shape))
        for statement in rule.statements:
            self.ranks.setdefault(statement.target, len(statement.positions))

    def run(self) -> None:
        self._names()
        self._sizes()
        for item in (*self.rule.inputs, *self.rule.outputs):
            self._type(item.type, item)
        for constant in self.rule.constants:
            self._type(constant.type, constant)
            self._constant(constant)
        for statement in self.rule.statements:
            self._statement(statement)

    def _names(self) -> None:
        """Names are words of the language, each defined once."""
        rule = self.rule
        owners: dict[str, str] = {}
        named: list[tuple[str, str, Node]] = [(name, "a size", rule) for name in rule.sizes]
        named += [(item.name, "an input", item) for item in rule.inputs]
        named += [(item.name, "a constant", item) for item in rule.constants]
        outputs: set[str] = set()
        self._name(rule.name, rule)
        for name, what, node in named:
            self._name(name, node)
            if name in owners:
                self.findings.add("T002", f"`{name}` is {owners[name]} already", node, "give it another name")
            owners.setdefault(name, what)
        if not rule.outputs:
            message = f"`{rule.name}` has no results"
            self.findings.add("T007", message, rule, "declare what it computes: `-> (y: bit)`")
        for item in rule.outputs:
            self._name(item.name, item)
            if item.name in owners or item.name in outputs:
                what = owners.get(item.name, "a result")
                self.findings.add("T002", f"`{item.name}` is {what} already", item, "give it another name")
            outputs.add(item.name)
        for statement in rule.statements:
            self._name(statement.target, statement)
            if statement.target in owners:
                message = f"`{statement.target}` is {owners[statement.target]}; statements cannot define it"
                self.findings.add("T002", message, statement, "give it another name")
            rank = self.ranks[statement.target]
            if statement.target not in owners and len(statement.positions) != rank:
                self.findings.add(
                    "T011",
                    f"`{statement.target}` has {_positions(rank)} in its first clause "
                    f"and {len(statement.positions)} here",
                    statement,
                )
        for item in rule.outputs:
            if item.name not in self.ranks:
                self.findings.add("T016", f"no statement defines the result `{item.name}`", item)

    def _name(self, name: str, node: Node, within: Statement | None = None) -> None:
        if not is_name(name):
            message = f"`{name}` is a reserved word" if name.isidentifier() else f"`{name}` is no name"
            hint = "names are letters, digits and _, not starting with a digit, and no words of the language"
            self.findings.add("T004", message, node, hint, within=within)

    def _sizes(self) -> None:
        rule = self.rule
        if not rule.sizes:
            return
        free = free_sizes(rule)
        for name in undetermined_sizes(rule):
            if name in free:
                continue
            self.findings.add(
                "T006",
                f"the shapes of the inputs do not determine the size `{name}`",
                rule,
                f"use `{name}` in the shape of an input",
            )

    def _type(self, declared: Type, item: Declaration | Constant) -> None:
        for extent in declared.shape:
            self._closed_affine(extent, "T018", f"an extent of `{item.name}`", item)
            form = _integral_form(extent)
            if form is not None and form.is_constant and form.constant < 1:
                self.findings.add("T018", f"`{item.name}` has the extent {form.constant}; it must be positive", item)
        if declared.low is None and declared.high is None:
            return
        if declared.kind != "int":
            self.findings.add("T039", f"`{item.name}` is {declared.kind}, which takes no range", item)
        elif declared.low is None or declared.high is None:
            self.findings.add("T039", f"the range of `{item.name}` lacks an end", item, "write both: `int[0..9]`")
        elif declared.low > declared.high:
            message = f"the range {declared.low}..{declared.high} of `{item.name}` is empty"
            self.findings.add("T039", message, item, "write the lower end first: `int[0..9]`")

    def _closed_affine(self, expr: Expr, code: str, what: str, node: Node, within: Statement | None = None) -> None:
        """An integer expression affine in sizes, without indices."""
        for part in postorder(expr):
            if isinstance(part, Size):
                self._size(part, node, within)
        form = _integral_form(expr)
        if form is None or form.names != form.sizes:
            hint = "integers, sizes, `+`, `-` and multiples of sizes"
            self.findings.add(code, f"{what} is `{describe(expr, 40)}`, which is not affine in sizes", node, hint)

    def _constant(self, constant: Constant) -> None:
        declared, values = constant.type, constant.values
        forms = [_integral_form(extent) for extent in declared.shape]
        if [None if form is None else form.constant for form in forms] != list(values.shape):
            listed = ", ".join(map(str, values.shape))
            self.findings.add("T036", f"`{constant.name}` has values of shape [{listed}], not as declared", constant)
        if values.dtype == object and not set(map(type, values.flat)) <= {int}:
            for value in values.flat:
                if not _is_literal(value):
                    message = f"`{constant.name}` has the value {value}, which is neither an integer nor a double"
                    self.findings.add("T037", message, constant)
                    return
        if declared.kind in ("rat", "real") or values.size == 0:
            return
        integers, exponent = scaled_integers(values)
        low, high = int(integers.min()), int(integers.max())
        bounds = {"bit": (0, 1), "spin": (-1, 1), "trit": (-1, 1)}.get(declared.kind, (declared.low, declared.high))
        is_outside = (bounds[0] is not None and low < bounds[0]) or (bounds[1] is not None and high > bounds[1])
        if exponent or is_outside or (declared.kind == "spin" and not bool(np.all(integers != 0))):
            message = f"`{constant.name}` has values that are not {_scalar(declared)}"
            self.findings.add("T035", message, constant)

    def _statement(self, statement: Statement) -> None:
        scope: dict[str, Binder] = {}
        for position in statement.positions:
            if isinstance(position, Binder):
                for bound in (position.lower, position.upper):
                    self._expression(bound, statement, scope)
                    if _integral_form(bound) is None:
                        message = f"the bound `{describe(bound, 40)}` of `{position.name}` is not affine"
                        hint = "use integers, earlier indices, sizes, `+`, `-` and multiples"
                        self.findings.add("T019", message, bound, hint, within=statement)
                self._bind(position, scope, statement)
            else:
                what = f"a position of `{statement.target}`"
                self._closed_affine(position, "T019", what, position, statement)
        self._expression(statement.value, statement, scope)

    def _bind(self, binder: Binder, scope: dict[str, Binder], statement: Statement) -> None:
        self._name(binder.name, binder, statement)
        if binder.name in scope:
            message = f"the index `{binder.name}` is bound around this already"
            self.findings.add("T003", message, binder, "give the inner index another name", within=statement)
        elif binder.name in self.ranks or binder.name in self.rule.sizes:
            message = f"the index `{binder.name}` has the name of a {'tensor' if binder.name in self.ranks else 'size'}"
            self.findings.add("T003", message, binder, "give the index another name", within=statement)
        scope[binder.name] = binder

    def _expression(self, root: Expr, statement: Statement, scope: dict[str, Binder]) -> None:
        """Check all nodes below; `scope` holds the indices in scope, and does so again afterwards."""
        stack: list[tuple[Expr | Binder, dict[str, Binder] | None]] = [(root, None)]
        while stack:
            node, before = stack.pop()
            if isinstance(node, Binder):
                if before is None:
                    # Its bounds have been checked: the index is in scope from here on.
                    self._bind(node, scope, statement)
                elif node.name in before:
                    scope[node.name] = before[node.name]
                else:
                    scope.pop(node.name, None)
                continue
            self._node(node, statement, scope)
            if isinstance(node, Binding):
                outer = {b.name: scope[b.name] for b in node.binders if b.name in scope}
                stack += [(kid, None) for kid in children(node)[: 2 * len(node.binders) : -1]]
                stack.extend((binder, outer) for binder in node.binders)
                stack.append((node.body, None))
                for binder in reversed(node.binders):
                    stack += [(binder, None), (binder.upper, None), (binder.lower, None)]
            else:
                kids = children(node)
                if kids:
                    stack += [(kid, None) for kid in kids[::-1]]

    def _node(self, node: Expr, statement: Statement, scope: dict[str, Binder]) -> None:
        match node:
            case Literal(value) if not _is_literal(value):
                self._add("T037", f"the literal {value} is neither an integer nor a double", node, statement)
            case Index(name) if name not in scope:
                self._add("T001", f"no index `{name}` is in scope here", node, statement, self._similar(name, scope))
            case Size():
                self._size(node, node, statement)
            case Read():
                self._read(node, statement, scope)
            case Binary("%", _, modulus):
                self._modulus(node, modulus, statement)
            case Compare(ops, operands):
                is_chain = len(ops) == 2 and set(ops) <= {"<", "<="}
                if len(operands) != len(ops) + 1 or not (len(ops) == 1 or is_chain):
                    hint = "compare two values, or three by two of `<` and `<=`; join other comparisons by `and`"
                    self._add("T033", f"comparisons by {' '.join(ops)} do not chain", node, statement, hint)
            case Call(function, arguments) if len(arguments) < 2:
                hint = f"to reduce over an index write `{function}(i < 3: x[i])`"
                self._add("T042", f"`{function}` takes two or more arguments", node, statement, hint)
            case Reduce():
                if not node.binders:
                    self._add("T041", f"`{node.op}` binds no index", node, statement)
                elif node.op == "argmax" and len(node.binders) > 1:
                    hint = "number the candidates by one index"
                    self._add("T041", f"`argmax` binds one index, not {len(node.binders)}", node, statement, hint)
                self._bounds(node, statement)
            case Softmax():
                self._bounds(node, statement)

    def _bounds(self, node: Binding, statement: Statement) -> None:
        for binder in node.binders:
            for bound in (binder.lower, binder.upper):
                self._static(bound, binder, statement)

    def _static(self, bound: Expr, binder: Binder, statement: Statement) -> None:
        """A bound of a reduction is known before the program runs."""
        for part in postorder(bound):
            match part:
                case Read(tensor, _, _) if tensor in self.ranks and tensor not in self.tables:
                    message = f"a bound of `{binder.name}` reads `{tensor}`, which is no constant of integers"
                case Index() | Size() | Literal(int()) | Unary("-") | Binary("+" | "-" | "*" | "%") | Read(_, _, None):
                    continue
                case _:
                    message = f"the bound `{describe(bound, 40)}` of `{binder.name}` is not static"
            hint = "use integers, indices, sizes, elements of integer constants, `+`, `-`, `*` and `%`"
            self._add("T020", message, bound, statement, hint)
            return

    def _read(self, node: Read, statement: Statement, scope: dict[str, Binder]) -> None:
        rank = self.ranks.get(node.tensor)
        if rank is None:
            hint = self._similar(node.tensor, scope)
            self._add("T001", f"nothing is named `{node.tensor}`", node, statement, hint)
            return
        if len(node.positions) != rank:
            message = f"`{node.tensor}` has {_positions(rank)}, not {len(node.positions)}"
            self._add("T010", message, node, statement)
        if node.pad is not None:
            if rank == 0:
                self._add("T024", f"`{node.tensor}` is a scalar; there is nothing to pad", node, statement)
            if not _is_closed(node.pad):
                message = f"`pad` continues `{node.tensor}` by `{describe(node.pad, 40)}`, which is no constant"
                self._add("T024", message, node.pad, statement, "pad with a number or a size")

    def _modulus(self, node: Expr, modulus: Expr, statement: Statement) -> None:
        is_positive = not isinstance(modulus, Literal) or (isinstance(modulus.value, int) and modulus.value > 0)
        if not is_positive or not _is_closed(modulus):
            message = f"the right side of `%` is `{describe(modulus, 40)}`"
            self._add("T031", message, node, statement, "it must be a positive integer or a size")

    def _size(self, size: Size, node: Node, within: Statement | None) -> None:
        if size.name not in self.rule.sizes:
            hint = f"declare it: `{self.rule.name}<{', '.join((*self.rule.sizes, size.name))}>`"
            self.findings.add("T001", f"no size is named `{size.name}`", node, hint, within=within)

    def _similar(self, name: str, scope: dict[str, Binder]) -> str:
        close = get_close_matches(name, [*scope, *self.ranks, *self.rule.sizes][:1000], 1)
        return f"did you mean `{close[0]}`?" if close else ""

    def _add(self, code: str, message: str, node: Expr, statement: Statement, hint: str = "") -> None:
        self.findings.add(code, message, node, hint, within=statement)


def _scalar(declared: Type) -> str:
    return describe(Type(declared.kind, (), declared.low, declared.high))


def _positions(count: int) -> str:
    return counted(count, "position") if count else "no positions"


def _integral_form(expr: Expr) -> Affine | None:
    """The affine form of an expression of integers; None for any other."""
    if any(isinstance(part, Literal) and not isinstance(part.value, int) for part in postorder(expr)):
        return None
    return affine_of(expr)


def _is_closed(expr: Expr) -> bool:
    """Whether an expression is arithmetic on literals and sizes."""
    return all(
        isinstance(part, Literal | Size) or (isinstance(part, Unary | Binary) and part.op in ("+", "-", "*"))
        for part in postorder(expr)
    )


def _is_literal(value: Number) -> bool:
    if isinstance(value, int):
        return True
    try:
        return Fraction(float(value)) == value
    except OverflowError:
        return False
