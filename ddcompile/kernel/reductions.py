"""Lowering of reductions: an accumulator, one loop a binder, and an early way out where the result is decided."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import ExitStack
from math import inf
from typing import assert_never

from ddcompile.ir.nodes import Binary, Binding, CallName, Expr, Read, Reduce
from ddcompile.ir.types import Types, ValueType
from ddcompile.kernel.builder import index_type
from ddcompile.kernel.context import Context, Step, bounds
from ddcompile.kernel.nodes import BIT, Arith, Assign, Branch, Break, Negate, Var, int_type
from ddcompile.kernel.operations import add, as_type, compare, exact, extreme
from ddcompile.kernel.reals import Real, Scalar, constant_real, to_real
from ddcompile.kernel.values import aligned, as_bit, constant, convert, negation

__all__ = ["greatest_or_least", "lower_reduce", "nest", "real_sum"]


def lower_reduce(context: Context, node: Reduce) -> Step:
    """A reduction, computed in the outermost block that has all it needs."""
    with context.builder.at(context.home(node)):
        match node.op:
            case "sum":
                return (yield from _sum(context, node))
            case "any" | "all":
                return (yield from _decision(context, node))
            case "min" | "max":
                name = "least" if node.op == "min" else "greatest"
                return (yield from greatest_or_least(context, node, node.op, name))
            case "argmax":
                return (yield from _argmax(context, node))
            case _:
                assert_never(node.op)


def nest(
    context: Context, node: Binding, each: Callable[[Scalar], None], after_inner: Callable[[], None] | None = None
) -> Generator[Expr, Scalar, None]:
    """The loops of a reduction: `each` takes the body's value, `after_inner` adds code behind every inner loop."""
    with ExitStack() as stack:
        for number, binder in enumerate(node.binders):
            lower = exact((yield binder.lower))
            upper = exact((yield binder.upper))
            if upper.high <= lower.low:
                return
            loop = context.builder.loop(binder.name, lower, upper, may_break=after_inner is not None)
            index = stack.enter_context(loop)
            context.indices[binder.name] = index
            stack.callback(context.indices.pop, binder.name)
            if after_inner is not None and number < len(node.binders) - 1:
                stack.callback(after_inner)
        each((yield node.body))


def _sum(context: Context, node: Reduce) -> Step:
    found = context.types.of(node)
    if found.kind == "real":
        return (yield from real_sum(context, node))
    low, high = _partial_sums(context.types, node)
    type_ = int_type(low, high)
    total = context.accumulator(node, "sum", constant(0, found.exponent), type_, low, high)

    def each(body: Scalar) -> None:
        term = convert(aligned(exact(body), found.exponent), type_).expr
        assert isinstance(total.expr, Var)
        if isinstance(term, Negate):
            context.builder.emit(Assign(total.expr, Arith("-", total.expr, term.operand, type_)))
        else:
            context.builder.emit(Assign(total.expr, Arith("+", total.expr, term, type_)))

    yield from nest(context, node, each)
    return total


def real_sum(
    context: Context, node: Binding, name: str = "sum", term: Callable[[Scalar], Real] = to_real
) -> Generator[Expr, Scalar, Real]:
    """The sum of what `term` makes of the body's values, from 0.0, in the order of the loops."""
    total = context.real_accumulator(node, name, 0.0)
    yield from nest(context, node, lambda body: context.builder.assign(total, add(total, term(body))))
    return total


def _partial_sums(types: Types, node: Reduce) -> tuple[int, int]:
    """Bounds of all partial sums of a reduction, in the order of its loops, at the exponent of its type.

    The inferred range of the sum and 0 bound them when every term's range holds 0, or all terms have one range. Only a
    sum of constants times a factor that is never 0 is bounded more tightly, so there terms are counted here.
    """
    found = types.of(node)
    low, high = bounds(found, found.exponent)
    match node.body:
        case Binary("*", Read(), right) if _misses_zero(types.of(right)):
            pass
        case Binary("*", left, Read()) if _misses_zero(types.of(left)):
            pass
        case _:
            return min(low, 0), max(high, 0)
    count = 1
    for binder in node.binders:
        lower, _ = bounds(types.of(binder.lower), 0)
        _, upper = bounds(types.of(binder.upper), 0)
        count *= max(0, upper - lower)
    low, high = bounds(types.of(node.body), found.exponent)
    return min(0, low * count), max(0, high * count)


def _misses_zero(found: ValueType) -> bool:
    return (found.low is not None and found.low > 0) or (found.high is not None and found.high < 0)


def _decision(context: Context, node: Reduce) -> Step:
    """`any` and `all`: the first term that decides ends all loops."""
    builder = context.builder
    is_any = node.op == "any"
    result = context.accumulator(node, "found" if is_any else "holds", constant(int(not is_any)), BIT, 0, 1)
    assert isinstance(result.expr, Var)
    variable = result.expr
    decided = as_bit(constant(int(is_any))).expr

    def each(body: Scalar) -> None:
        condition = as_bit(exact(body)) if is_any else negation(exact(body))
        if condition.number != 0:
            builder.emit(Branch(condition.expr, (Assign(variable, decided), Break())))

    def leave() -> None:
        builder.emit(Branch((result if is_any else negation(result)).expr, (Break(),)))

    yield from nest(context, node, each, leave)
    return result


def greatest_or_least(context: Context, node: Binding, function: CallName, name: str) -> Step:
    """The least or greatest value of a body: start from the bound that no term exceeds."""
    found = context.types.of(node.body)
    best: Scalar
    if found.kind == "real":
        best = context.real_accumulator(node, name, inf if function == "min" else -inf)
    else:
        low, high = bounds(found, found.exponent)
        start = constant(high if function == "min" else low, found.exponent)
        best = context.accumulator(node, name, start, int_type(low, high), low, high)

    def each(body: Scalar) -> None:
        term = context.builder.atom(as_type(found, body))
        context.builder.assign(best, extreme(function, best, term))

    yield from nest(context, node, each)
    return best


def _argmax(context: Context, node: Reduce) -> Step:
    """The lowest index that wins: start from the least value a term may have, and move on to what is greater."""
    builder = context.builder
    found = context.types.of(node.body)
    binder = node.binders[0]
    lower = exact((yield binder.lower))
    upper = exact((yield binder.upper))
    first, last = lower.low, max(lower.low, upper.high - 1)
    greatest: Scalar
    if found.kind == "real":
        greatest = builder.mutable_real("greatest", constant_real(-inf))
    else:
        low, high = bounds(found, found.exponent)
        greatest = builder.mutable("greatest", constant(low, found.exponent), int_type(low, high), low, high)
    where = context.accumulator(node, "where", lower, index_type(first, last), first, last)
    if upper.high <= lower.low:
        return where
    with builder.loop(binder.name, lower, upper) as index:
        context.indices[binder.name] = index
        term = builder.atom(as_type(found, (yield node.body)))
        is_greater = compare(">", term, greatest)
        if is_greater.number != 0:
            with builder.branch(is_greater):
                builder.assign(greatest, term)
                builder.assign(where, index)
        del context.indices[binder.name]
    return where
