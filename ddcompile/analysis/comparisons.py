"""One normal form for comparisons of integer sums."""

from __future__ import annotations

from functools import lru_cache, reduce
from math import gcd

from ddcompile.analysis.cost import cost
from ddcompile.ir import builder
from ddcompile.ir.nodes import Binary, Compare, CompareOp, Expr, Literal, Unary

__all__ = ["integer_terms", "normal_comparison"]

_SHORT = 200
"""What a comparison costs at most that is kept with its normal form."""


def integer_terms(expr: Expr) -> tuple[dict[Expr, int], int] | None:
    """A sum as integer coefficients of its summands and a constant; None if a literal in it is no integer."""
    terms: dict[Expr, int] = {}
    constant = 0
    work: list[tuple[Expr, int]] = [(expr, 1)]
    while work:
        node, factor = work.pop()
        match node:
            case Literal(int(value)):
                constant += factor * value
            case Literal():
                return None
            case Binary("+", left, right):
                work += [(right, factor), (left, factor)]
            case Binary("-", left, right):
                work += [(right, -factor), (left, factor)]
            case Unary("-", operand):
                work.append((operand, -factor))
            case Binary("*", Literal(int(value)), operand) | Binary("*", operand, Literal(int(value))):
                work.append((operand, factor * value))
            case _:
                terms[node] = terms.get(node, 0) + factor
    return {e: c for e, c in terms.items() if c}, constant


def normal_comparison(expr: Compare) -> Expr:
    """The cheapest way to write one comparison of integer sums: `s >= 3`, `a > b`, `a <= 5`.

    The operands must be integers: the bound is tightened to a multiple of the coefficients' common factor.
    """
    return _kept(expr) if cost(expr) <= _SHORT else _normal(expr)


def _normal(expr: Compare) -> Expr:
    if len(expr.ops) != 1 or expr.ops[0] in ("==", "!="):
        return expr
    op, (left, right) = expr.ops[0], expr.operands
    if op in ("<", "<="):
        op, left, right = (">" if op == "<" else ">="), right, left
    form = integer_terms(builder.sub(left, right))
    if form is None:
        return expr
    terms, constant = form
    bound = -constant + (op == ">")
    if not terms:
        return Literal(int(bound <= 0))
    divisor = reduce(gcd, terms.values(), 0)
    terms = {e: c // divisor for e, c in terms.items()}
    bound = -(-bound // divisor)
    positive = _total([(e, c) for e, c in terms.items() if c > 0])
    negative = _total([(e, -c) for e, c in terms.items() if c < 0])
    options = list(_writings(positive, negative, _total(list(terms.items())), bound))
    return min(options, key=lambda o: (cost(o), options.index(o)))


_kept = lru_cache(maxsize=1024)(_normal)
"""Passes fold the same conditions again and again."""


def _total(terms: list[tuple[Expr, int]]) -> Expr:
    ordered = [t for t in terms if t[1] > 0] + [t for t in terms if t[1] < 0]
    return builder.add_all(builder.mul(c, e) for e, c in ordered)


def _writings(positive: Expr, negative: Expr, whole: Expr, bound: int) -> list[Expr]:
    zero = Literal(0)

    def write(op: CompareOp, left: Expr, right: Expr) -> Expr:
        return Compare((op,), (left, right))

    if negative == zero:
        return [write(">=", positive, Literal(bound)), write(">", positive, Literal(bound - 1))]
    if positive == zero:
        return [write("<=", negative, Literal(-bound)), write("<", negative, Literal(1 - bound))]
    options = [
        write(">=", whole, Literal(bound)),
        write(">", whole, Literal(bound - 1)),
        write(">=", positive, builder.add(negative, bound)),
        write(">", positive, builder.add(negative, bound - 1)),
    ]
    if bound < 0:
        options += [
            write(">=", builder.add(positive, -bound), negative),
            write(">", builder.add(positive, 1 - bound), negative),
        ]
    return options
