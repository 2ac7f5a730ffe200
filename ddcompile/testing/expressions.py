"""Random expressions, well-typed by construction: every operand has the right kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

from ddcompile.ir.nodes import (
    Binary,
    BinaryOp,
    Binder,
    Call,
    CallName,
    Compare,
    CompareOp,
    Expr,
    If,
    Literal,
    Reduce,
    ReduceOp,
    Softmax,
    Unary,
    UnaryOp,
)
from ddcompile.testing.operands import REAL_FORMS, WIDE, Operands
from ddcompile.testing.values import Extent, Scope, Value, hull, join, literal, real

__all__ = ["Expressions"]

GROWING = ("leaf", "scale", "add", "multiply", "sum", "subtract")
"""Forms whose ranges are wider than those of their operands."""


class Expressions(Operands):
    """Grows expressions; `fuel` is roughly how many operators they may have."""

    # ---- entry points -------------------------------------------------------------------------------------------

    def bit(self, scope: Scope, fuel: int) -> Value:
        """A bit."""
        form = self.choose.choice(self.limits.bit_forms) if fuel > 0 else "bit_leaf"
        return _BIT[form](self, scope, fuel - 1)

    def number(self, scope: Scope, fuel: int) -> Value:
        """A number of any kind, bits among them."""
        forms = GROWING if self.is_wide and self.choose.boolean() else self.limits.numbers
        if self.is_real and self.choose.boolean(0.2):
            forms = REAL_FORMS
        form = self.choose.choice(forms) if fuel > 0 else "leaf"
        return _NUMBER[form](self, scope, fuel - 1)

    def integer(self, scope: Scope, fuel: int) -> Value:
        """A number that is an integer."""
        value = self.number(scope, fuel)
        return value if value.is_integral else self.bit(scope, fuel // 2)

    # ---- numbers ------------------------------------------------------------------------------------------------

    def _leaf(self, scope: Scope, fuel: int) -> Value:
        return self.leaf(scope)

    def _add(self, scope: Scope, fuel: int) -> Value:
        a, b = self.number(scope, fuel // 2), self.number(scope, fuel // 2)
        return self._sum_of("+", a, b, b.low, b.high)

    def _subtract(self, scope: Scope, fuel: int) -> Value:
        a, b = self.number(scope, fuel // 2), self.number(scope, fuel // 2)
        return self._sum_of("-", a, b, -b.high, -b.low)

    def _sum_of(self, op: BinaryOp, a: Value, b: Value, low: int | Fraction, high: int | Fraction) -> Value:
        kind = join(a.kind, b.kind, "int")
        value = Value(Binary(op, a.expr, b.expr), kind, a.low + low, a.high + high, max(a.exponent, b.exponent))
        return self._bounded(value, a)

    def _scale(self, scope: Scope, fuel: int) -> Value:
        return self._product(self.literal(), self.number(scope, fuel))

    def _multiply(self, scope: Scope, fuel: int) -> Value:
        return self._product(self.number(scope, fuel // 2), self.number(scope, fuel // 2))

    def _product(self, a: Value, b: Value) -> Value:
        corners = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]
        exponent = a.exponent + b.exponent
        low, high = hull(corners)
        value = Value(Binary("*", a.expr, b.expr), join(a.kind, b.kind, "int"), low, high, exponent)
        return self._bounded(value, b)

    def _negate(self, scope: Scope, fuel: int) -> Value:
        a = self.number(scope, fuel)
        return replace(a, expr=Unary("-", a.expr), kind=join(a.kind, "int"), low=-a.high, high=-a.low)

    def _absolute(self, scope: Scope, fuel: int) -> Value:
        a = self.number(scope, fuel)
        low = 0 if a.low <= 0 <= a.high else a.low if a.low > 0 else -a.high
        high = hull((a.low, a.high, -a.low, -a.high))[1]
        return replace(a, expr=Unary("abs", a.expr), kind=join(a.kind, "int"), low=low, high=high)

    def _relu(self, scope: Scope, fuel: int) -> Value:
        a = self.number(scope, fuel)
        low, high = hull((0, a.low))[1], hull((0, a.high))[1]
        return replace(a, expr=Unary("relu", a.expr), kind=join(a.kind, "int"), low=low, high=high)

    def _sign(self, scope: Scope, fuel: int) -> Value:
        return Value(Unary("sign", self.number(scope, fuel).expr), "trit", -1, 1)

    def _extreme(self, scope: Scope, fuel: int) -> Value:
        count = self.choose.choice((2, 2, 3))
        parts = [self.number(scope, fuel // count) for _ in range(count)]
        name: CallName = self.choose.choice(("min", "max"))
        lows, highs = hull(part.low for part in parts), hull(part.high for part in parts)
        side = 0 if name == "min" else 1
        return Value(
            Call(name, tuple(part.expr for part in parts)),
            join(*(part.kind for part in parts), "int"),
            lows[side],
            highs[side],
            max(part.exponent for part in parts),
        )

    def _if_number(self, scope: Scope, fuel: int) -> Value:
        condition = self.bit(scope, fuel // 3)
        a, b = self.number(scope, fuel // 3), self.number(scope, fuel // 3)
        low, high = hull((a.low, b.low, a.high, b.high))
        expr = If(condition.expr, a.expr, b.expr)
        return Value(expr, join(a.kind, b.kind), low, high, max(a.exponent, b.exponent))

    def _modulo(self, scope: Scope, fuel: int) -> Value:
        modulus = self.choose.integer(1, 9)
        if self.is_wide and self.choose.boolean():
            modulus = self.choose.choice(WIDE)
        if self.sizes and self.choose.boolean():
            size = self.choose.choice(self.sizes)
            return Value(Binary("%", self.integer(scope, fuel).expr, size.expr), "int", 0, size.value - 1)
        return Value(Binary("%", self.integer(scope, fuel).expr, Literal(modulus)), "int", 0, modulus - 1)

    def _sum(self, scope: Scope, fuel: int) -> Value:
        binders, inner = self.binders(scope, may_be_empty=True)
        body = self.number(inner, fuel)
        trips = scope.trips // inner.trips
        low, high = hull((0, body.low * trips, body.high * trips))
        value = Value(Reduce("sum", binders, body.expr), join(body.kind, "int"), low, high, body.exponent)
        return self._bounded(value, literal(self.choose.integer(0, 3)))

    def _reduce_extreme(self, scope: Scope, fuel: int) -> Value:
        binders, inner = self.binders(scope, may_be_empty=False)
        body = self.number(inner, fuel)
        op: ReduceOp = self.choose.choice(("min", "max"))
        return replace(body, expr=Reduce(op, binders, body.expr), kind=join(body.kind, "int"))

    def _argmax(self, scope: Scope, fuel: int) -> Value:
        count = self.choose.integer(1, max(1, min(4, scope.trips)))
        low = self.choose.choice((0, 0, 0, -2, 1))
        high = low + count
        index = replace(self.index(scope, Extent(Literal(high), high), low), extent=None)
        inner = replace(scope, trips=max(1, scope.trips // count), indices=(*scope.indices, index))
        body = self.number(inner, fuel)
        binder = Binder(index.name, Literal(low), Literal(high))
        return Value(Reduce("argmax", (binder,), body.expr), "int", low, high - 1)

    def _elementary(self, scope: Scope, fuel: int) -> Value:
        op: UnaryOp = self.choose.choice(("real", "exp", "log", "tanh", "sigmoid"))
        return real(Unary(op, self.number(scope, fuel).expr))

    def _softmax(self, scope: Scope, fuel: int) -> Value:
        count = self.choose.integer(1, max(1, min(4, scope.trips)))
        low = self.choose.choice((0, 0, -1))
        index = replace(self.index(scope, Extent(Literal(low + count), low + count), low), extent=None)
        inner = replace(scope, trips=max(1, scope.trips // count), indices=(*scope.indices, index))
        body = self.number(inner, fuel // 2)
        place: Expr = Literal(low + self.choose.integer(0, count - 1))
        if self.limits.gathers and self.choose.boolean():
            place = Binary("%", self.integer(replace(scope, trips=1), 1).expr, Literal(count))
            place = Binary("-", place, Literal(-low)) if low else place
        return real(Softmax(Binder(index.name, Literal(low), Literal(low + count)), body.expr, place))

    def _bounded(self, value: Value, otherwise: Value) -> Value:
        return value if value.bits <= self.limits.bits else otherwise

    # ---- bits ---------------------------------------------------------------------------------------------------

    def _bit_leaf(self, scope: Scope, fuel: int) -> Value:
        ready = [leaf for leaf in scope.leaves if leaf.kind == "bit"]
        bits = [tensor for tensor in self.candidates() if tensor.kind == "bit"]
        if ready and (not bits or self.choose.boolean()):
            return self.choose.choice(ready)
        if bits:
            return self.read(self.choose.choice(bits), scope, bit=True)
        return self._compare(scope, 0)

    def _compare(self, scope: Scope, fuel: int) -> Value:
        op: CompareOp = self.choose.choice(("<", "<=", ">", ">=", "==", "!="))
        operands = (self.number(scope, fuel // 2).expr, self.number(scope, fuel // 2).expr)
        return _bit(Compare((op,), operands))

    def _chain(self, scope: Scope, fuel: int) -> Value:
        ops: tuple[CompareOp, ...] = (self.choose.choice(("<", "<=")), self.choose.choice(("<", "<=")))
        low, high = sorted((self.choose.integer(-4, 4), self.choose.integer(-4, 4)))
        ends = (
            (literal(low), literal(high))
            if self.choose.boolean(0.7)
            else (self.number(scope, 0), self.number(scope, 0))
        )
        return _bit(Compare(ops, (ends[0].expr, self.number(scope, fuel).expr, ends[1].expr)))

    def _logic(self, scope: Scope, fuel: int) -> Value:
        op: BinaryOp = self.choose.choice(("and", "or", "xor"))
        return _bit(Binary(op, self.bit(scope, fuel // 2).expr, self.bit(scope, fuel // 2).expr))

    def _invert(self, scope: Scope, fuel: int) -> Value:
        return _bit(Unary("not", self.bit(scope, fuel).expr))

    def _any_all(self, scope: Scope, fuel: int) -> Value:
        binders, inner = self.binders(scope, may_be_empty=True)
        op: ReduceOp = self.choose.choice(("any", "all"))
        return _bit(Reduce(op, binders, self.bit(inner, fuel).expr))

    def _if_bit(self, scope: Scope, fuel: int) -> Value:
        parts = [self.bit(scope, fuel // 3).expr for _ in range(3)]
        return _bit(If(parts[0], parts[1], parts[2]))


def _bit(expr: Expr) -> Value:
    return Value(expr, "bit", 0, 1)


Form = Callable[[Expressions, Scope, int], Value]
_NUMBER: dict[str, Form] = {
    "leaf": Expressions._leaf,
    "bit": Expressions.bit,
    "add": Expressions._add,
    "subtract": Expressions._subtract,
    "scale": Expressions._scale,
    "multiply": Expressions._multiply,
    "negate": Expressions._negate,
    "absolute": Expressions._absolute,
    "relu": Expressions._relu,
    "sign": Expressions._sign,
    "extreme": Expressions._extreme,
    "if_number": Expressions._if_number,
    "modulo": Expressions._modulo,
    "sum": Expressions._sum,
    "reduce_extreme": Expressions._reduce_extreme,
    "argmax": Expressions._argmax,
    "elementary": Expressions._elementary,
    "softmax": Expressions._softmax,
}
_BIT: dict[str, Form] = {
    "bit_leaf": Expressions._bit_leaf,
    "compare": Expressions._compare,
    "chain": Expressions._chain,
    "logic": Expressions._logic,
    "invert": Expressions._invert,
    "any_all": Expressions._any_all,
    "if_bit": Expressions._if_bit,
}
