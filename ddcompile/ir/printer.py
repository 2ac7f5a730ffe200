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

__all__ = [
    "Item",
    "describe",
    "in_brackets",
    "items_of",
    "print_constant",
    "print_expression",
    "print_head",
    "print_rule",
    "print_statement",
    "print_type",
]

# Levels of the grammar, from the loosest to the tightest.
_IF, _OR, _XOR, _AND, _NOT, _COMPARE, _SUM, _PRODUCT, _SIGN, _ATOM = range(10)
_BINARY = {"or": _OR, "xor": _XOR, "and": _AND, "+": _SUM, "-": _SUM, "*": _PRODUCT, "%": _PRODUCT}
_MIXED = frozenset({("or", "xor"), ("xor", "and")})
"""Operator and operand whose brackets the grammar does not need, but the reader does."""

Item = str | tuple[Expr, int]
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
    lines = [print_head(rule)]
    lines.extend("  " + print_constant(c, external.get(c.name)) for c in rule.constants)
    lines.extend("  " + print_statement(s) for s in rule.statements)
    lines.append("}")
    return "\n".join(lines)


def print_head(rule: Rule) -> str:
    """Print the first line of a rule: `rule life<H, W>(cell: bit[H, W]) -> (next: bit[H, W]) {`."""
    sizes = f"<{', '.join(rule.sizes)}>" if rule.sizes else ""
    return f"rule {rule.name}{sizes}({_declarations(rule.inputs)}) -> ({_declarations(rule.outputs)}) {{"


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


def _any(node: Node) -> list[Item]:
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


def _type(type: Type) -> list[Item]:
    bounds = "" if type.low is None or type.high is None else f"[{number_text(type.low)}..{number_text(type.high)}]"
    items: list[Item] = [type.kind + bounds]
    if type.shape:
        items += ["[", *_separated([[(extent, _SUM)] for extent in type.shape]), "]"]
    return items


def _statement(statement: Statement) -> list[Item]:
    items: list[Item] = [statement.target]
    if statement.positions:
        positions = [_binder(p) if isinstance(p, Binder) else [_free(p)] for p in statement.positions]
        items += ["[", *_separated(positions), "]"]
    return [*items, " = ", (statement.value, _IF)]


def _free(expr: Expr) -> Item:
    return (expr, _IF)


def _binder(binder: Binder) -> list[Item]:
    name, lower, upper = binder.name, binder.lower, binder.upper
    match lower, upper:
        case Literal(0), _:
            return [f"{name} < ", (upper, _SUM)]
        case Literal(int(low)), Literal(int(high)) if low < 0:
            return [f"{name} in {number_text(low)}..{number_text(high - 1)}"]
        case _:
            return [(lower, _SUM), f" <= {name} < ", (upper, _SUM)]


def _separated(groups: list[list[Item]]) -> list[Item]:
    """The groups with a comma between any two."""
    items: list[Item] = []
    for group in groups:
        if items:
            items.append(", ")
        items.extend(group)
    return items


def _pieces(items: list[Item], exact: bool = True) -> Iterator[str]:
    """The text of items, piece by piece. Inexact: a number that has no literal is shown as a fraction."""
    stack = items[::-1]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            yield item
            continue
        expr, level = item
        if in_brackets(expr, level):
            yield "("
            stack.append(")")
        stack.extend(reversed(_parts(expr, exact)))


def items_of(node: Statement | Expr) -> list[Item]:
    """What the text of a node is made of, one item after the other."""
    return _statement(node) if isinstance(node, Statement) else _parts(node)


def in_brackets(expr: Expr, level: int) -> bool:
    """Whether an expression stands in brackets where an item says at which level it is."""
    match expr:
        case Binary(op, _, _):
            return _BINARY[op] < level
        case Unary("-", _):
            return level > _SIGN
        case Unary("not", _):
            return level > _NOT
        case Compare():
            return level > _COMPARE
        case If():
            return level > _IF
        case _:
            return False


def _parts(expr: Expr, exact: bool = True) -> list[Item]:
    match expr:
        case Index(name) | Size(name) | Read(name, (), None):
            return [name]
        case Literal(value):
            return [number_text(value) if exact or isinstance(value, int) else f"{value}"]
        case Binary(op, left, right):
            level = _BINARY[op]
            return [_operand(op, left, level), f" {op} ", _operand(op, right, level + 1)]
        case Read(tensor, positions, None):
            return [f"{tensor}[", *_separated([[_free(p)] for p in positions]), "]"]
        case Read(tensor, positions, Expr() as pad):
            opening: list[Item] = [f"pad({tensor}, ", _free(pad), ")["]
            return [*opening, *_separated([[_free(p)] for p in positions]), "]"]
        case Unary("-", Literal(value)) if value >= 0:
            return ["-(", _free(expr.operand), ")"]
        case Unary("-", operand):
            return ["-", (operand, _SIGN)]
        case Unary("not", operand):
            return ["not ", (operand, _NOT)]
        case Unary(op, operand):
            return [f"{op}(", _free(operand), ")"]
        case Compare(ops, operands):
            items: list[Item] = [(operands[0], _SUM)]
            for compare, operand in zip(ops, operands[1:], strict=True):
                items += [f" {compare} ", (operand, _SUM)]
            return items
        case If(condition, then, otherwise):
            return ["if ", _free(condition), " then ", _free(then), " else ", _free(otherwise)]
        case Call(function, arguments):
            return [f"{function}(", *_separated([[_free(a)] for a in arguments]), ")"]
        case Reduce(reduction, binders, body):
            ranges = _separated([_binder(b) for b in binders])
            return [f"{reduction}(", *ranges, ": ", _free(body), ")"]
        case Softmax(binder, body, position):
            return ["softmax(", *_binder(binder), ": ", _free(body), ")[", _free(position), "]"]
        case _:
            raise TypeError(f"not an expression: {type(expr).__name__}")


def _operand(op: str, operand: Expr, level: int) -> Item:
    if isinstance(operand, Binary) and (op, operand.op) in _MIXED:
        return (operand, _ATOM)
    return (operand, level)
