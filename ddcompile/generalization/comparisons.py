"""Comparisons that are written from another side, or with the other strictness: one way to see them all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ddcompile.generalization.holes import Unlike
from ddcompile.generalization.signatures import flat_terms
from ddcompile.ir.nodes import Compare, CompareOp, Expr
from ddcompile.ir.printer import describe

__all__ = ["Sides", "aligned"]

_FLIPPED: Mapping[CompareOp, CompareOp] = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_STEP: Mapping[tuple[CompareOp, CompareOp], int] = {(">", ">="): 1, (">=", ">"): -1, ("<", "<="): -1, ("<=", "<"): 1}
"""What a number on the right grows by where one operator becomes the other, between integers."""


@dataclass(frozen=True, slots=True)
class Sides:
    """The comparison of the sum of some terms with a number.

    Attributes
    ----------
    terms : list of (int, Expr)
        Factors and terms, as if all stood on the left.
    left : int
        How many of them, the first ones, do stand there.
    constant : int
        The number on the right.
    """

    terms: list[tuple[int, Expr]]
    left: int
    constant: int


def aligned(node: Compare, op: CompareOp) -> Sides:
    """A comparison of integers by one operator, written with another one.

    Raises
    ------
    Unlike
        If it cannot be.
    """
    own, (left, right) = node.ops[0], node.operands
    if own != op and (own, op) not in _STEP:
        own, left, right = _FLIPPED[own], right, left
    if own != op and (own, op) not in _STEP:
        raise Unlike(f"`{describe(node, 60)}` has no form with `{op}`")
    (mine, low), (theirs, high) = flat_terms(left), flat_terms(right)
    terms = [*mine, *((-factor, term) for factor, term in theirs)]
    return Sides(terms, len(mine), high - low + _STEP.get((own, op), 0))
