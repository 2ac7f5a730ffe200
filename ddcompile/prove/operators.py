"""What each operator of the rule IR does to values: plain numbers while everything is static, else forms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from typing import Any, TypeAlias

from ddcompile.ir.nodes import Binary, Call, Compare, CompareOp, Expr, If, Number, Reduce, Unary
from ddcompile.prove import logic
from ddcompile.prove.forms import (
    Decline,
    Form,
    Value,
    as_form,
    as_number,
    bounded,
    complement,
    constant,
    exact,
    key,
    normal,
    scale,
    spans,
    subtract,
    total,
)
from ddcompile.prove.intervals import meet, union
from ddcompile.prove.kinds import Flags
from ddcompile.prove.store import Store

__all__ = ["SOFTMAX_PLACE", "Operator", "chain_of", "chained", "operator_of", "reducer_of", "softmax_of"]

Operator: TypeAlias = Callable[[Store, Sequence[Value]], Value]
"""A function of the values of the operands."""

CHAINED = frozenset({"and", "or", "xor"})
SYMMETRIC = frozenset({"Binary +", "Binary *", "==", "!="})
"""Operations on reals whose operands may change places."""


def chained(expr: Expr) -> str:
    """The associative operator of a node whose nests are evaluated at once: a sum, `and`, `or` or `xor`."""
    if isinstance(expr, Binary):
        if expr.op in ("+", "-"):
            return "+"
        if expr.op in CHAINED:
            return expr.op
    if isinstance(expr, Unary) and expr.op == "-":
        return "+"
    return ""


def operator_of(expr: Expr, flags: Flags, operands: Sequence[Flags]) -> Operator:
    """The operator of a node that is neither a leaf, a read, a reduction, nor chained."""
    if flags.over_reals or flags.real:
        if isinstance(expr, Binary) and expr.op in _OF_REALS:
            return _OF_REALS[expr.op]
        is_symmetric = _describe(expr) in SYMMETRIC
        return partial(_symmetric if is_symmetric else _opaque, _describe(expr), _range(expr, flags))
    known = all(k.bit for k in operands)
    match expr:
        case Unary("not", _):
            return partial(_not, known)
        case Unary(op, _):
            return UNARY[op]
        case Binary("*", _, _):
            return _multiply
        case Binary("%", _, _):
            return _modulo
        case Compare(ops, _):
            return partial(_compare, ops)
        case If():
            return partial(_choose, operands[0].bit, all(k.bit for k in operands[1:]))
        case Call(function, _):
            return partial(_extreme, function, known)
        case _:
            raise Decline(f"{type(expr).__name__} is not followed")


def chain_of(op: str, signs: Sequence[int], flags: Flags, operands: Sequence[Flags]) -> Operator:
    """The operator of a nest of one associative operator; `signs` are those of the operands of a sum."""
    known = all(k.bit for k in operands)
    if op == "+":
        return partial(_sum, tuple(signs))
    return partial(_logic, op, known)


def reducer_of(expr: Reduce, flags: Flags, body: Flags) -> Operator:
    """The operator of a reduction, over the values of its body in order."""
    if body.real and expr.op == "argmax":
        return _opaque_argmax
    if body.real or flags.real:
        return partial(_opaque, expr.op, _range(expr, flags))
    match expr.op:
        case "sum":
            return _total
        case "any":
            return partial(_logic, "or", body.bit)
        case "all":
            return partial(_logic, "and", body.bit)
        case "min" | "max":
            return partial(_extreme, expr.op, body.bit)
        case "argmax":
            return _argmax


def softmax_of(body: Flags) -> Operator:
    """All values of a softmax: equal bodies give equal ones, and exact bodies if they are equal up to an offset."""
    return partial(_opaque, "softmax", (None, None)) if body.real else _softmax_of_exact


def _softmax_of_exact(store: Store, values: Sequence[Value]) -> Value:
    # The greatest body is subtracted exactly, before anything is rounded.
    forms = [as_form(v) for v in values]
    return store.opaque("softmax of exact values", [subtract(f, forms[0]) for f in forms])


def to_bit(store: Store, value: Value, known: bool) -> Form:
    """An operand of a logical operator; `known` tells that typing makes it a bit."""
    form = as_form(value)
    if not known and not store.is_bit(form):
        raise Decline("a logical operand that is not known to be 0 or 1")
    form = normal(form)
    return store.same(form) if form.exp or not store.integral(form) else form


def result(form: Form) -> Value:
    """A constant form as a number."""
    number = as_number(form)
    return form if number is None else number


def _sum(signs: Sequence[int], _store: Store, values: Sequence[Value]) -> Value:
    number: Number = 0
    forms: list[Form] = []
    for sign, value in zip(signs, values, strict=True):
        if isinstance(value, Form):
            forms.append(value if sign > 0 else scale(value, -1))
        else:
            number += sign * value
    if not forms:
        return exact(number)
    return total([*forms, as_form(exact(number))]) if number else total(forms)


def _total(store: Store, values: Sequence[Value]) -> Value:
    return _sum((1,) * len(values), store, values)


def _multiply(store: Store, values: Sequence[Value]) -> Value:
    left, right = values
    if not isinstance(left, Form):
        return scale(right, left) if isinstance(right, Form) else exact(left * right)
    if not isinstance(right, Form):
        return scale(left, right)
    return result(logic.multiply(store, left, right))


def _modulo(store: Store, values: Sequence[Value]) -> Value:
    left, right = values
    modulus = as_number(right) if isinstance(right, Form) else right
    if modulus is None or modulus <= 0:
        raise Decline("a modulus that is no positive constant")
    if not isinstance(left, Form):
        return exact(left % modulus)
    form = normal(left)
    if not isinstance(modulus, int) or form.exp or not store.integral(form):
        raise Decline("a modulo of values that are no integers")
    return result(store.modulo(form, modulus))


def _not(known: bool, store: Store, values: Sequence[Value]) -> Value:
    return result(complement(to_bit(store, values[0], known)))


def _logic(op: str, known: bool, store: Store, values: Sequence[Value]) -> Value:
    bits = [to_bit(store, v, known) for v in values]
    match op:
        case "and":
            return result(logic.conjunction(store, bits))
        case "or":
            return result(logic.disjunction(store, bits))
        case _:
            return result(store.modulo(normal(total(bits)), 2))


def _compare(ops: tuple[CompareOp, ...], store: Store, values: Sequence[Value]) -> Value:
    return result(logic.chain(store, ops, [as_form(v) for v in values]))


def _choose(known: bool, bits: bool, store: Store, values: Sequence[Value]) -> Value:
    condition = to_bit(store, values[0], known)
    return result(logic.choose(store, condition, as_form(values[1]), as_form(values[2]), bits))


def _extreme(function: str, bits: bool, store: Store, values: Sequence[Value]) -> Value:
    if not values:
        raise Decline(f"{function} of nothing")
    return result(logic.extreme(store, function, [as_form(v) for v in values], bits))


def _argmax(store: Store, values: Sequence[Value]) -> Value:
    if not values:
        raise Decline("argmax of nothing")
    return result(store.argmax([as_form(v) for v in values]))


def _sign(store: Store, values: Sequence[Value]) -> Value:
    form = as_form(values[0])
    return result(subtract(total(store.at_least_each(form, (False, True))), Form({}, 1)))


def _relu(store: Store, values: Sequence[Value]) -> Value:
    return result(store.relu(as_form(values[0])))


def _abs(store: Store, values: Sequence[Value]) -> Value:
    form = as_form(values[0])  # |x| = 2 relu(x) - x
    sides, exp = spans((form, scale(form, -1)))
    return result(bounded(subtract(scale(store.relu(form), 2), form), meet((0, None), union(*sides)), exp))


UNARY: dict[str, Operator] = {"sign": _sign, "relu": _relu, "abs": _abs}


def _opaque(name: str, span: tuple[int | None, int | None], store: Store, values: Sequence[Value]) -> Value:
    return store.opaque(name, [as_form(v) for v in values], *span)


def _symmetric(name: str, span: tuple[int | None, int | None], store: Store, values: Sequence[Value]) -> Value:
    return store.opaque(name, sorted((as_form(v) for v in values), key=key), *span)


def _real_product(store: Store, values: Sequence[Value]) -> Value:
    """A product of a real, which it is itself where the other factor is 1."""
    numbers = [as_number(as_form(v)) for v in values]
    return values[1 - numbers.index(1)] if 1 in numbers else _symmetric("Binary *", (None, None), store, values)


def _real_difference(store: Store, values: Sequence[Value]) -> Value:
    """`r - c` is `r + -c` for every real, but for c that is 0 as a double: `-0.0 + 0` is 0."""
    number = as_number(as_form(values[1]))
    if number is not None and abs(Fraction(number)) >= _LEAST_DOUBLE:
        return _symmetric("Binary +", (None, None), store, [values[0], constant(-number)])
    return _opaque("Binary -", (None, None), store, values)


_LEAST_DOUBLE = Fraction(1, 1 << 1074)
_OF_REALS: dict[str, Operator] = {"*": _real_product, "-": _real_difference}


def _opaque_argmax(store: Store, values: Sequence[Value]) -> Value:
    return store.opaque("argmax", [as_form(v) for v in values], 0, len(values) - 1)


def _describe(expr: Expr) -> str:
    match expr:
        case Compare(ops, _):
            return " ".join(ops)
        case If():
            return "if"
        case _:
            op: Any = getattr(expr, "op", None) or getattr(expr, "function", None)
            return f"{type(expr).__name__} {op}"


def _range(expr: Expr, flags: Flags) -> tuple[int | None, int | None]:
    if flags.bit:
        return 0, 1
    if isinstance(expr, Unary) and expr.op == "sign":
        return -1, 1
    return None, None


SOFTMAX_PLACE: Operator = partial(_opaque, "softmax place", (None, None))
"""One value out of all values of a softmax."""
