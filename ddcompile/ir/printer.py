"""The canonical text of rules: the exact inverse of `ddcompile.ir.parser`.

Brackets stand where the grammar needs them, and around `and`, `or`, `xor` where xor meets one of the others.
Everything is printed with an explicit stack, in time linear in the text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

from ddcompile.ir.constants import array_text
from ddcompile.ir.nodes import (
    Binary,
    Binder,
    Call,
    Compare,
    Constant,
    Declaration,
    Expr,
    If,
    Index,
    Literal,
    Node,
    Read,
    Reduce,
    Rule,
    Size,
    Softmax,
    Statement,
    Type,
    Unary,
)
from ddcompile.ir.syntax import number_text

__all__ = ["describe", "print_constant", "print_expression", "print_rule", "print_statement", "print_type"]

# Levels of the grammar, from the loosest to the tightest.
_IF, _OR, _XOR, _AND, _NOT, _COMPARE, _SUM, _PRODUCT, _SIGN, _ATOM = range(10)
_BINARY = {"or": _OR, "xor": _XOR, "and": _AND, "+": _SUM, "-": _SUM, "*": _PRODUCT, "%": _PRODUCT}
_MIXED = frozenset({("or", "xor"), ("xor", "and")})
"""Operator and operand whose brackets the grammar does not need, but the reader does."""

_Item = str | tuple[Expr, int]
"""Text, or an expression with the level below which it needs brackets."""


def print_rule(rule: Rule, external: Mapping[str, str] | None = None) -> str:
    """Print a rule, one statement a line, without a newline at the end.

    Parameters
    ----------
    rule
        What to print. Every literal must be an integer or a double.
    external
        Constants whose data live elsewhere: the name and the hash that the text gives instead.

    Returns
    -------
    str
        The canonical text; `parse` gives an equal rule.
    """
    external = external or {}
    sizes = f"<{', '.join(rule.sizes)}>" if rule.sizes else ""
    lines = [f"rule {rule.name}{sizes}({_declarations(rule.inputs)}) -> ({_declarations(rule.outputs)}) {{"]
    lines.extend("  " + print_constant(c, external.get(c.name)) for c in rule.constants)
    lines.extend("  " + print_statement(s) for s in rule.statements)
    lines.append("}")
    return "\n".join(lines)


def print_constant(constant: Constant, sha256: str | None = None) -> str:
    """Print a constant with its data, or with the hash that stands for them."""
    value = array_text(constant.values) if sha256 is None else f"sha256:{sha256}"
    return f"const {constant.name}: {print_type(constant.type)} = {value}"


def print_statement(statement: Statement) -> str:
    """Print a clause: `next[i < H] = cell[i]`."""
    return "".join(_pieces(_statement(statement)))


def print_type(type: Type) -> str:
    """Print a type: `int[0..9][28, 28]`."""
    return "".join(_pieces(_type(type)))


def print_expression(expr: Expr) -> str:
    """Print an expression without brackets around it."""
    return "".join(_pieces([(expr, _IF)]))


def describe(node: Node, limit: int = 80) -> str:
    """Print the beginning of any node, for messages and `repr`; never fails on a well-typed node."""
    match node:
        case Rule():
            text = f"{node.name}({_declarations(node.inputs)}) -> ({_declarations(node.outputs)})"
        case Constant():
            text = f"{node.name}: {print_type(node.type)}"
        case _:
            text = "".join(islice(_pieces(_any(node), exact=False), limit))
    return text if len(text) <= limit else text[: limit - 3] + "..."


def _any(node: Node) -> list[_Item]:
    match node:
        case Expr():
            return [(node, _IF)]
        case Binder():
            return _binder(node)
        case Type():
            return _type(node)
        case Declaration():
            return [f"{node.name}: ", *_type(node.type)]
        case Statement():
            return _statement(node)
        case _:
            raise TypeError(f"not a node of the rule IR: {type(node).__name__}")


def _declarations(declarations: tuple[Declaration, ...]) -> str:
    return ", ".join(f"{d.name}: {print_type(d.type)}" for d in declarations)


def _type(type: Type) -> list[_Item]:
    bounds = "" if type.low is None or type.high is None else f"[{number_text(type.low)}..{number_text(type.high)}]"
    items: list[_Item] = [type.kind + bounds]
    if type.shape:
        items += ["[", *_separated([[(extent, _SUM)] for extent in type.shape]), "]"]
    return items


def _statement(statement: Statement) -> list[_Item]:
    items: list[_Item] = [statement.target]
    if statement.positions:
        positions = [_binder(p) if isinstance(p, Binder) else [_free(p)] for p in statement.positions]
        items += ["[", *_separated(positions), "]"]
    return [*items, " = ", (statement.value, _IF)]


def _free(expr: Expr) -> _Item:
    return (expr, _IF)


def _binder(binder: Binder) -> list[_Item]:
    name, lower, upper = binder.name, binder.lower, binder.upper
    match lower, upper:
        case Literal(0), _:
            return [f"{name} < ", (upper, _SUM)]
        case Literal(int(low)), Literal(int(high)) if low < 0:
            return [f"{name} in {number_text(low)}..{number_text(high - 1)}"]
        case _:
            return [(lower, _SUM), f" <= {name} < ", (upper, _SUM)]


def _separated(groups: list[list[_Item]]) -> list[_Item]:
    """The groups with a comma between any two."""
    items: list[_Item] = []
    for group in groups:
        if items:
            items.append(", ")
        items.extend(group)
    return items


def _pieces(items: list[_Item], exact: bool = True) -> Iterator[str]:
    """The text of items, piece by piece. Inexact: a number that has no literal is shown as a fraction."""
    stack = items[::-1]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            yield item
            continue
        expr, level = item
        match expr:
            case Index(name) | Size(name) | Read(name, (), None):
                yield name
            case Literal(value):
                yield number_text(value) if exact or isinstance(value, int) else f"{value}"
            case _:
                own, parts = _parts(expr)
                if own < level:
                    yield "("
                    stack.append(")")
                stack.extend(reversed(parts))


def _parts(expr: Expr) -> tuple[int, list[_Item]]:
    """The level of a compound expression and the items that it is made of."""
    match expr:
        case Binary(op, left, right):
            level = _BINARY[op]
            return level, [_operand(op, left, level), f" {op} ", _operand(op, right, level + 1)]
        case Read(tensor, positions, None):
            return _ATOM, [f"{tensor}[", *_separated([[_free(p)] for p in positions]), "]"]
        case Read(tensor, positions, Expr() as pad):
            opening: list[_Item] = [f"pad({tensor}, ", _free(pad), ")["]
            return _ATOM, [*opening, *_separated([[_free(p)] for p in positions]), "]"]
        case Unary("-", Literal(value)) if value >= 0:
            return _SIGN, ["-(", _free(expr.operand), ")"]
        case Unary("-", operand):
            return _SIGN, ["-", (operand, _SIGN)]
        case Unary("not", operand):
            return _NOT, ["not ", (operand, _NOT)]
        case Unary(op, operand):
            return _ATOM, [f"{op}(", _free(operand), ")"]
        case Compare(ops, operands):
            items: list[_Item] = [(operands[0], _SUM)]
            for compare, operand in zip(ops, operands[1:], strict=True):
                items += [f" {compare} ", (operand, _SUM)]
            return _COMPARE, items
        case If(condition, then, otherwise):
            return _IF, ["if ", _free(condition), " then ", _free(then), " else ", _free(otherwise)]
        case Call(function, arguments):
            return _ATOM, [f"{function}(", *_separated([[_free(a)] for a in arguments]), ")"]
        case Reduce(reduction, binders, body):
            ranges = _separated([_binder(b) for b in binders])
            return _ATOM, [f"{reduction}(", *ranges, ": ", _free(body), ")"]
        case Softmax(binder, body, position):
            return _ATOM, ["softmax(", *_binder(binder), ": ", _free(body), ")[", _free(position), "]"]
        case _:
            raise TypeError(f"not an expression: {type(expr).__name__}")


def _operand(op: str, operand: Expr, level: int) -> _Item:
    if isinstance(operand, Binary) and (op, operand.op) in _MIXED:
        return (operand, _ATOM)
    return (operand, level)
