"""Which rules go on computing with numbers that were rounded.

An exact number that is rounded once, as a result or by a function, is as near to the number meant as the language says.
What is computed from rounded numbers, and decided by them, is as the language defines it, but it is no longer what
exact arithmetic gives: between a network and such a rule the operations are equal, not the numbers.
"""

from __future__ import annotations

from ddcompile.ir.nodes import Binary, Call, Compare, Expr, If, Literal, Read, Reduce, Rule, Softmax, Unary
from ddcompile.ir.traverse import children, postorder
from ddcompile.ir.types import Types, infer

__all__ = ["goes_on_from_rounded"]

_FUNCTIONS = frozenset({"exp", "log", "tanh", "sigmoid"})


def goes_on_from_rounded(rule: Rule) -> bool:
    """Whether an operation of a rule without sizes adds, multiplies or decides on reals other than given ones.

    Comparing one given real with another or with a double decides exactly, and a function of an exact or a given number
    is rounded once; neither counts. Sums and products of reals do.
    """
    types = infer(rule)
    rounded = {name for name, found in types.inferred.items() if types.tensor[name].kind == "real" != found.kind}
    while True:
        before = len(rounded)
        for statement in rule.statements:
            is_rounded = _is_rounded(statement.value, types, rounded)
            if is_rounded is None:
                return True
            if is_rounded:
                rounded.add(statement.target)
        if len(rounded) == before:
            return False


def _is_rounded(root: Expr, types: Types, rounded: set[str]) -> bool | None:
    """Whether a value has been rounded; None if an operation goes on from one that has."""
    found: list[bool] = []
    for node in postorder(root):
        count = len(children(node))
        below = found[len(found) - count :]
        del found[len(found) - count :]
        is_real = types.of(node).kind == "real"
        match node:
            case Read(tensor, _, _):
                found.append(is_real and (tensor in rounded or any(below)))
            case Binary() | Reduce("sum") if is_real:
                return None
            case Unary(op, _) if op in _FUNCTIONS:
                if any(below):
                    return None
                found.append(True)
            case Unary("real", operand):
                found.append(any(below) or not _is_double(operand, types))
            case Softmax():
                if any(below):
                    return None
                found.append(True)
            case Compare(_, operands):
                if any(below) or _mixes(operands, types):
                    return None
                found.append(False)
            case Unary("sign", _) | Reduce("argmax"):
                if any(below):
                    return None
                found.append(False)
            case If(_, then, otherwise):
                found.append(is_real and (any(below[1:]) or _mixes((then, otherwise), types)))
            case Call(_, arguments):
                found.append(is_real and (any(below) or _mixes(arguments, types)))
            case _:
                found.append(is_real and any(below))
    return found[0]


def _mixes(operands: tuple[Expr, ...], types: Types) -> bool:
    """Whether exact operands beside real ones are rounded."""
    return any(types.of(e).kind == "real" for e in operands) and not all(_is_double(e, types) for e in operands)


def _is_double(expr: Expr, types: Types) -> bool:
    """Whether rounding certainly does nothing: a real, a literal, an entry of a constant, a small integer."""
    found = types.of(expr)
    match expr:
        case Literal():
            return True
        case Read(tensor, _, None) if tensor in types.scaled:
            return True
        case _:
            return found.kind == "real" or (found.is_integral and found.fits(54))
