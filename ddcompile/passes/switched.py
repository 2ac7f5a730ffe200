"""Values with conditions on indices only: what they are where no condition holds, and at the places where one does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

from ddcompile.analysis.linear import box_bounds
from ddcompile.analysis.scopes import alpha_key, ordered_free
from ddcompile.ir.affine import affine_of
from ddcompile.ir.nodes import Binary, Binder, Compare, Expr, If, Index, Literal, Read, Reduce
from ddcompile.ir.ranges import make
from ddcompile.ir.traverse import chain_operands, postorder, rewrite, substitute
from ddcompile.ir.types import Types
from ddcompile.passes.selection import condition

__all__ = ["at_place", "condition_of", "exceptional_places", "usual", "with_sums_as_reads"]

_MOST = 16
"""Places at which a value may be another."""

_LONGEST = 4096
"""Values of an index that are tried."""


def exceptional_places(value: Expr, binders: Sequence[Binder]) -> list[dict[str, int]]:
    """The places, by index, where conditions on indices hold; none if there are many, or one is of another form.

    A condition is `i == 3`, `(i + 1) % 8 == 3`, or several of these with `and`, over indices of the statement.
    """
    found: list[dict[str, int]] = []
    for node in postorder(value):
        if not isinstance(node, If):
            continue
        place: dict[str, int] = {}
        for part in _parts(node.condition):
            solved = _solved(part, binders)
            if solved is None or solved[0] in place:
                return []
            place[solved[0]] = solved[1]
        if place not in found:
            found.append(place)
    return sorted(found, key=lambda p: (-len(p), sorted(p.items()))) if len(found) <= _MOST else []


def usual(value: Expr) -> Expr:
    """The value where no condition holds."""
    return rewrite(value, lambda node: node.otherwise if isinstance(node, If) else node)


def at_place(value: Expr, place: dict[str, int]) -> Expr:
    """The value at a place: indices are numbers, conditions on these are decided."""
    there = substitute(value, {name: Literal(number) for name, number in place.items()})

    def step(node: Expr) -> Expr:
        if isinstance(node, If):
            parts = [_decided(part) for part in _parts(node.condition)]
            if False in parts:
                return node.otherwise
            if None not in parts:
                return node.then
        return node

    return rewrite(there, step)


def condition_of(place: dict[str, int], binders: Sequence[Binder]) -> Expr:
    """Whether the indices are at a place."""
    own = [b for b in binders if b.name in place]
    return condition([place[b.name] for b in own], [place[b.name] + 1 for b in own], own)


def with_sums_as_reads(value: Expr, types: Types) -> tuple[Expr, Types, dict[str, Expr]]:
    """The value with sums of integers as reads of tensors that are not there, types that know these, and the sums."""
    names: dict[Expr, str] = {}
    sums: dict[str, Expr] = {}
    known = dict(types.tensor)

    def step(node: Expr) -> Expr:
        match node:
            case Reduce("sum", binders, Read(tensor, _, None)) if tensor in types.tensor:
                kind, bounds = types.tensor[tensor], [box_bounds(b) for b in binders]
                if kind.kind not in ("bit", "int") or kind.low is None or kind.high is None or None in bounds:
                    return node
                count = prod(b[1] - b[0] for b in bounds if b is not None)
                free = ordered_free(node)
                key = alpha_key(node, ())
                name = names.setdefault(key, f"!{len(names)}")
                sums.setdefault(name, node)
                known[name] = make(kind.low * count, kind.high * count)
                return Read(name, tuple(Index(n) for n in free))
        return node

    new = rewrite(value, step)
    return new, replace(types, tensor=known), sums


def _parts(expr: Expr) -> list[Expr]:
    """What a condition demands."""
    return chain_operands("and", expr)


def _solved(part: Expr, binders: Sequence[Binder]) -> tuple[str, int] | None:
    """The index that a condition is about, and its only value that fulfils it."""
    match part:
        case Compare(("==",), (left, Literal(int(wanted)))):
            inner, modulus = _modulo(left)
            form = affine_of(inner)
            if form is None or len(form.names) != 1 or not form.is_integral:
                return None
            (name,) = form.names
            bounds = next((box_bounds(b) for b in binders if b.name == name), None)
            if bounds is None or bounds[1] - bounds[0] > _LONGEST:
                return None
            values = [v for v in range(*bounds) if _value(int(form.evaluate({name: v})), modulus) == wanted]
            return (name, values[0]) if len(values) == 1 else None
    return None


def _decided(part: Expr) -> bool | None:
    match part:
        case Compare(("==",), (left, Literal(int(wanted)))):
            inner, modulus = _modulo(left)
            form = affine_of(inner)
            if form is not None and form.is_constant and form.is_integral:
                return _value(int(form.constant), modulus) == wanted
    return None


def _modulo(expr: Expr) -> tuple[Expr, int]:
    """What is taken modulo a number, and this; 0 if nothing is."""
    match expr:
        case Binary("%", inner, Literal(int(modulus))):
            return inner, modulus
    return expr, 0


def _value(number: int, modulus: int) -> int:
    return number % modulus if modulus else number
