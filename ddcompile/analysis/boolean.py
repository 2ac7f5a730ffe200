"""Least expressions of small Boolean functions.

A function of k inputs is a table of 2**k bits: bit a of the table is the value where input j is bit j of a.
Expressions over `not`, `and`, `or`, `xor` are enumerated by cost; sums compared with a bound are tried beside them.
The cost counts tokens: those of the inputs' texts, operators, and the brackets that the printer needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Literal as OneOf

from ddcompile.ir import builder
from ddcompile.ir.nodes import Expr

__all__ = ["least_expression"]

_Root = OneOf["leaf", "not", "and", "xor", "or"]
_BRACKETED: dict[str, frozenset[str]] = {
    "not": frozenset({"and", "xor", "or"}),
    "and": frozenset({"xor", "or"}),
    "xor": frozenset({"and", "or"}),
    "or": frozenset({"xor"}),
}
_MAX_PAIRS = 400_000


@dataclass(frozen=True, slots=True)
class _Form:
    """How a function is written: an operator over two (or one) earlier forms."""

    cost: int
    root: _Root
    table: int
    parts: tuple[_Form, ...] = ()
    leaf: int = -1


def least_expression(table: int, inputs: Sequence[Expr], costs: Sequence[int], limit: int) -> Expr | None:
    """The cheapest expression found for a truth table, cheaper than `limit`; None if there is none.

    Parameters
    ----------
    table
        2**k bits; bit a is the value where input j is bit j of a.
    inputs, costs
        The k input expressions (bits) and the tokens of each.
    """
    count = len(inputs)
    full = (1 << (1 << count)) - 1
    if table in (0, full):
        return builder.expr_of(int(table == full))
    bound = _threshold(table, tuple(costs))
    form = _search(table, tuple(costs), limit if bound is None else min(limit, bound[0] + 1))
    if form is not None:
        return _expression(form, inputs)
    if bound is not None and bound[0] < limit:
        _, weights, pivot, op = bound
        total = builder.add_all(builder.mul(w, x) for w, x in zip(weights, inputs, strict=True) if w)
        return builder.compare(op, total, pivot)
    return None


def _expression(form: _Form, inputs: Sequence[Expr]) -> Expr:
    parts = [_expression(p, inputs) for p in form.parts]
    match form.root:
        case "leaf":
            return inputs[form.leaf]
        case "not":
            return builder.negate(parts[0])
        case "and":
            return builder.conj(*parts)
        case "or":
            return builder.disj(*parts)
        case "xor":
            return builder.xor(*parts)


@lru_cache(maxsize=1024)
def _search(table: int, costs: tuple[int, ...], limit: int) -> _Form | None:
    """Dijkstra over (function, root operator): forms come off in order of cost, so the first that fits is least."""
    count = len(costs)
    full = (1 << (1 << count)) - 1
    buckets: dict[int, list[_Form]] = {}
    known: dict[tuple[int, str], int] = {}
    closed: list[_Form] = []
    done: set[tuple[int, str]] = set()
    tried = 0

    def offer(form_cost: int, root: _Root, own: int, parts: tuple[_Form, ...], leaf: int = -1) -> None:
        key = (own, root)
        if form_cost < limit and form_cost < known.get(key, limit) and own not in (0, full):
            known[key] = form_cost
            buckets.setdefault(form_cost, []).append(_Form(form_cost, root, own, parts, leaf))

    for j, cost in enumerate(costs):
        offer(cost, "leaf", sum(1 << a for a in range(1 << count) if a >> j & 1), (), j)
    while buckets and tried < _MAX_PAIRS:
        for form in sorted(buckets.pop(min(buckets)), key=lambda f: (f.root, f.table)):
            if (form.table, form.root) in done or any((form.table, r) in done for r in ("leaf", "not")):
                continue
            if form.table == table:
                return form
            done.add((form.table, form.root))
            closed.append(form)
            tried += len(closed)
            if form.root != "not":
                offer(_priced("not", form), "not", full ^ form.table, (form,))
            for other in closed:
                if form.cost + other.cost + 1 >= limit:
                    break
                offer(_priced("and", other, form), "and", form.table & other.table, (other, form))
                offer(_priced("or", other, form), "or", form.table | other.table, (other, form))
                offer(_priced("xor", other, form), "xor", form.table ^ other.table, (other, form))
    return None


def _priced(op: str, *parts: _Form) -> int:
    return 1 + sum(p.cost + 2 * (p.root in _BRACKETED[op]) for p in parts)


@lru_cache(maxsize=1024)
def _threshold(table: int, costs: tuple[int, ...]) -> tuple[int, tuple[int, ...], int, OneOf[">=", "<="]] | None:
    """The cheapest `weights . x >= limit` or `<= limit` with weights up to 2 that has the table."""
    count = len(costs)
    best: tuple[int, tuple[int, ...], int, OneOf[">=", "<="]] | None = None
    for weights in product((1, 2, 0, -1, -2), repeat=count):
        if not any(weights) or next(w for w in weights if w) < 0:
            continue
        values = [sum(w for j, w in enumerate(weights) if a >> j & 1) for a in range(1 << count)]
        yes = [v for a, v in enumerate(values) if table >> a & 1]
        no = [v for a, v in enumerate(values) if not table >> a & 1]
        text = sum(c + 1 + 2 * (abs(w) == 2) for w, c in zip(weights, costs, strict=True) if w) - 1
        if min(yes) > max(no):
            found = (text + 2 + (min(yes) < 0), weights, min(yes), ">=")
        elif max(yes) < min(no):
            found = (text + 2 + (max(yes) < 0), weights, max(yes), "<=")
        else:
            continue
        if best is None or found[0] < best[0]:
            best = found  # type: ignore[assignment]
    return best
