"""From tokens to nodes, while the parser reduces: the actions of `rule.lark`.

Names are still `Read` nodes here; `ddcompile.ir.resolve` tells indices and sizes from tensors afterwards.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from ddcompile.diagnostics import Location
from ddcompile.ir.nodes import (
    Binary,
    Binder,
    Call,
    Compare,
    Declaration,
    Expr,
    If,
    Literal,
    Node,
    Read,
    Reduce,
    Rule,
    Softmax,
    Statement,
    Type,
    Unary,
)
from ddcompile.ir.printer import describe
from ddcompile.ir.syntax import CALLS, REDUCTIONS, number

__all__ = ["FILE", "Body", "Fault", "ParsedRule", "PendingConstant", "RuleActions"]

FILE: ContextVar[str] = ContextVar("FILE", default="")
"""The file that locations name. One set of actions serves all threads."""


class Token(Protocol):
    """What the actions need of a token of the parser; tokens are strings besides."""

    value: str
    line: int
    column: int
    end_line: int
    end_column: int


class Fault(Exception):
    """A mistake that the grammar allows and the language does not."""

    def __init__(self, code: str, message: str, location: Location | None, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.location = location
        self.hint = hint


@dataclass(frozen=True, slots=True)
class PendingConstant:
    """A constant whose data are still text: an array, a number, or `sha256:` and a hash."""

    name: str
    type: Type
    text: str
    location: Location
    data_location: Location


class Body(NamedTuple):
    """What stands between the braces of a rule."""

    constants: list[PendingConstant]
    statements: list[Statement]


class ParsedRule(NamedTuple):
    """A rule whose constants are pending; `rule` has none."""

    rule: Rule
    constants: list[PendingConstant]


def _span(first: Token | Node, last: Token | Node) -> Location:
    """The place from the beginning of one token or node to the end of another."""
    start, end = _place(first), _place(last)
    return Location(FILE.get(), start.line, start.column, end.end_line, end.end_column)


def _place(item: Token | Node) -> Token | Location:
    if not isinstance(item, Node):
        return item
    assert item.location is not None, "the parser gives every node a place"
    return item.location


def _nodes(children: list[Any]) -> list[Any]:
    """What remains of a bracketed list without its punctuation."""
    return [child for child in children if not isinstance(child, str)]


class RuleActions:
    """One method per production; each takes the tokens and values of its right side."""

    def rule(self, children: list[Any]) -> ParsedRule:
        """A whole rule."""
        keyword, name, sizes, _, inputs, _, _, _, outputs, _, _, constants, statements, closing = children
        rule = Rule(name.value, inputs, outputs, tuple(statements), (), sizes, location=_span(keyword, closing))
        return ParsedRule(rule, constants)

    def body(self, children: list[Any]) -> Body:
        """The inside of a rule on its own."""
        return Body(*children)

    def declaration_list(self, children: list[Any]) -> Any:
        """Declarations on their own."""
        return children[0]

    def expression(self, children: list[Any]) -> Any:
        """An expression on its own."""
        return children[0]

    def nothing(self, children: list[Any]) -> tuple[()]:
        """No sizes, no inputs."""
        return ()

    def sizes(self, children: list[Any]) -> tuple[str, ...]:
        """`<H, W>`."""
        return tuple(child.value for child in children if child.type == "NAME")

    def declarations(self, children: list[Any]) -> tuple[Declaration, ...]:
        """`cell: bit[H, W], y: bit`."""
        return tuple(_nodes(children))

    def declaration(self, children: list[Any]) -> Declaration:
        """`cell: bit[H, W]`."""
        name, _, type = children
        return Declaration(name.value, type, location=_span(name, type))

    def type(self, children: list[Any]) -> Type:
        """`int[0..9][H, W]`."""
        kind, low, high, shape, last = children[0], None, None, (), children[0]
        for part in children[1:]:
            last = part[-1]
            if len(part) == 3:
                low, high = part[:2]
            else:
                shape = part[0]
        return Type(kind.value, shape, low, high, location=_span(kind, last))

    def range(self, children: list[Any]) -> tuple[int, int, Token]:
        """`[0..9]`: both ends and the closing bracket."""
        bounds = children[1], children[3]
        for bound in bounds:
            if not isinstance(bound, Literal) or not isinstance(bound.value, int):
                raise Fault("S008", "the range of a type is two integers", bound.location, "write int[0..9]")
        return bounds[0].value, bounds[1].value, children[-1]

    def shape(self, children: list[Any]) -> tuple[tuple[Expr, ...], Token]:
        """`[H, W]`: the extents and the closing bracket."""
        return tuple(_nodes(children)), children[-1]

    def constants(self, children: list[Any]) -> list[Any]:
        """All constants of a rule."""
        return children

    def constant(self, children: list[Any]) -> PendingConstant:
        """`const W: int[2] = [1, 2]`."""
        keyword, name, _, type, _, *data = children
        text = "".join(token.value for token in data)
        return PendingConstant(name.value, type, text, _span(keyword, data[-1]), _span(data[0], data[-1]))

    def statements(self, children: list[Any]) -> list[Any]:
        """All statements of a rule."""
        return children

    def statement(self, children: list[Any]) -> Statement:
        """`next[i < H] = cell[i]`."""
        name, value = children[0], children[-1]
        positions = children[2] if len(children) > 3 else []
        clause = tuple(_binder(p) if isinstance(p, Compare) else p for p in positions)
        return Statement(name.value, clause, value, location=_span(name, value))

    def conditional(self, children: list[Any]) -> If:
        """`if a then b else c`."""
        keyword, condition, _, then, _, otherwise = children
        return If(condition, then, otherwise, location=_span(keyword, otherwise))

    def binary(self, children: list[Any]) -> Binary:
        """`a + b`, and any other operator between two operands that is not a comparison."""
        left, op, right = children
        return Binary(op.value, left, right, location=_span(left, right))

    def prefix(self, children: list[Any]) -> Unary:
        """`not a` and `-a`."""
        op, operand = children
        return Unary(op.value, operand, location=_span(op, operand))

    def compare(self, children: list[Any]) -> Compare:
        """`a < b` and `a <= b < c`; ranges of indices look the same."""
        ops = tuple(op.value for op in children[1::2])
        return Compare(ops, tuple(children[::2]), location=_span(children[0], children[-1]))

    def number(self, children: list[Any]) -> Literal:
        """`2`, `0.5` and `-2`."""
        location = _span(children[0], children[-1])
        try:
            value = number(children[-1].value)
        except OverflowError:
            hint = "the largest double is about 1.8e308; an integer without point and exponent may be of any size"
            raise Fault("S011", "the number is too large for a double", location, hint) from None
        return Literal(-value if len(children) == 2 else value, location=location)

    def name(self, children: list[Any]) -> Read:
        """`x`: an index, a size or a scalar."""
        (name,) = children
        return Read(name.value, location=_span(name, name))

    def element(self, children: list[Any]) -> Read:
        """`x[i, j]`."""
        name, _, positions, closing = children
        return Read(name.value, _expressions(positions, "a position"), location=_span(name, closing))

    def padded(self, children: list[Any]) -> Read:
        """`pad(x, 0)[i - 1]`."""
        keyword, _, name, _, pad, _, _, positions, closing = children
        return Read(name.value, _expressions(positions, "a position"), pad, location=_span(keyword, closing))

    def arguments(self, children: list[Any]) -> list[Any]:
        """What stands in brackets between commas."""
        return _nodes(children)

    def span(self, children: list[Any]) -> Binder:
        """`i in -1..1`; the upper end becomes exclusive."""
        name, _, lower, _, upper = children
        location = _span(name, upper)
        if isinstance(upper, Literal):
            return Binder(name.value, lower, Literal(upper.value + 1, location=upper.location), location=location)
        end = Binary("+", upper, Literal(1, location=upper.location), location=upper.location)
        return Binder(name.value, lower, end, location=location)

    def call(self, children: list[Any]) -> Expr:
        """`sign(x)` and `min(a, b)`."""
        function, _, arguments, closing = children
        name, location = function.value, _span(function, closing)
        if name in REDUCTIONS and (name not in CALLS or len(arguments) == 1):
            missing = _span(closing, closing)
            hint = f"write {name}(i < 3: x[i])"
            if name in CALLS:
                hint += f", or {name}(a, b) of two or more values"
            raise Fault("S006", f"`{name}` needs `:` and an expression after its indices", missing, hint)
        values = _expressions(arguments, "an argument")
        if name in CALLS:
            return Call(name, values, location=location)
        if len(values) != 1:
            raise Fault("S014", f"`{name}` takes one argument, not {len(values)}", location)
        return Unary(name, values[0], location=location)

    def reduction(self, children: list[Any]) -> Reduce:
        """`sum(i < 3: x[i])`."""
        function, _, arguments, _, body, closing = children
        name, location = function.value, _span(function, closing)
        if name not in REDUCTIONS:
            raise Fault("S014", f"`{name}` takes one argument and binds no index", location, f"write {name}(x)")
        binders = tuple(_binder(argument) for argument in arguments)
        return Reduce(name, binders, body, location=location)

    def place(self, children: list[Any]) -> tuple[Expr, Token]:
        """`[u]`: the position and the closing bracket."""
        return children[1], children[-1]

    def softmax(self, children: list[Any]) -> Softmax:
        """`softmax(v < 10: score[v])[u]`."""
        function, _, arguments, _, body, closing, *rest = children
        if len(arguments) != 1:
            message = f"`softmax` binds one index, not {len(arguments)}"
            raise Fault("S014", message, _span(function, closing), "number the candidates by one index")
        binder = _binder(arguments[0])
        if not rest:
            hint = f"write softmax({binder.name} < 3: ...)[0]"
            raise Fault("S019", "`softmax` needs the place that is read", _span(function, closing), hint)
        ((position, end),) = rest
        return Softmax(binder, body, position, location=_span(function, end))

    def bracketed(self, children: list[Any]) -> Expr:
        """`(a)`."""
        opening, inner, closing = children
        # The node was made just now and nobody else holds it; its place includes its brackets.
        object.__setattr__(inner, "location", _span(opening, closing))
        expr: Expr = inner
        return expr


def _expressions(arguments: list[Any], what: str) -> tuple[Expr, ...]:
    for argument in arguments:
        if isinstance(argument, Binder):
            message = f"{what} is an expression, not a range of indices"
            hint = "ranges stand on the left of `=` and before the `:` of sum, any, all, min, max, argmax"
            raise Fault("S017", message, argument.location, hint)
    return tuple(arguments)


def _binder(argument: Any) -> Binder:
    """The range of an index that a position or an argument writes."""
    match argument:
        case Binder():
            return argument
        case Compare(("<",), (Read(name, (), None), upper)):
            lower = Literal(0, location=argument.location)
            return Binder(name, lower, upper, location=argument.location)
        case Compare(("<=", "<"), (lower, Read(name, (), None), upper)):
            return Binder(name, lower, upper, location=argument.location)
        case Compare(("<=",), (Read(name, (), None), upper)):
            last = describe(upper, 30)
            hint = f"write `{name} in 0..{last}`, which includes {last}, or `{name} < {last}`, which does not"
            message = "a range without a lower end excludes its upper end"
        case Compare(("<=", "<="), (_, Read(name, (), None), _)):
            hint = f"write `a <= {name} < b`, which excludes b, or `{name} in a..b`, which includes it"
            message = "a range excludes its upper end"
        case Compare(("<", "<" | "<="), (_, Read(name, (), None), _)):
            hint = f"write `a <= {name} < b`, or `{name} in a..b`, which includes both ends"
            message = "a range includes its lower end"
        case _:
            hint = "write `i < 3`, `1 <= i < 3` or `i in -1..1`"
            message = "expected an index and its range"
    raise Fault("S008", message, argument.location, hint)
