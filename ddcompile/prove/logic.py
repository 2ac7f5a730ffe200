"""Operators of the rule IR on forms: logic, comparisons, branches, products, minimum and maximum.

Bits are 0/1 forms. A conjunction of literals is a threshold of their sum, so `and`, `or` and comparisons share one
normal form; nested conjunctions and disjunctions are flattened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from typing import TypeAlias

from ddcompile.ir.nodes import CompareOp
from ddcompile.prove.forms import (
    ZERO,
    Decline,
    Form,
    FormKey,
    bounded,
    complement,
    key,
    normal,
    scale,
    spans,
    subtract,
    total,
    variable,
)
from ddcompile.prove.intervals import larger, smaller, times, union
from ddcompile.prove.polynomials import expanded
from ddcompile.prove.store import Store

__all__ = ["PRODUCT_LIMIT", "chain", "choose", "compare", "conjunction", "disjunction", "extreme", "multiply"]

PRODUCT_LIMIT = 1 << 14
"""Most terms of an expanded product."""

MEMBER_LIMIT = 1 << 10
"""Most forms of which an extreme is remembered."""

CONDITION_LIMIT = 4
"""A condition with more terms is one factor in the products of a branch."""

Literals: TypeAlias = dict[int, bool]


def conjunction(store: Store, bits: Sequence[Form]) -> Form:
    """1 where all bits are 1."""
    if len(bits) == 1:
        return bits[0]
    if store.expands and bits:
        short = expanded(store, [normal(bit) for bit in bits], lambda *values: int(all(values)))
        if short is not None:
            return short
    found: Literals = {}
    for bit in bits:
        literals = _literals(store, bit)
        if literals is None:
            return ZERO
        for v, positive in literals.items():
            if found.setdefault(v, positive) != positive:
                return ZERO
    kept = _merge_staircases(store, found)
    if kept is None:
        return ZERO
    if len(kept) == 2:
        short = _between(store, kept)
        if short is not None:
            return short
    if len(kept) == 1:
        ((v, positive),) = kept.items()
        alone = store.nodes[v].operands[0] if store.nodes[v].kind == "same" else variable(v)
        return alone if positive else complement(alone)
    terms = {v: 1 if positive else -1 for v, positive in kept.items()}
    return store.at_least(Form(terms, -sum(kept.values())))


def disjunction(store: Store, bits: Sequence[Form]) -> Form:
    """1 where some bit is 1."""
    return complement(conjunction(store, [complement(b) for b in bits])) if len(bits) != 1 else bits[0]


def _literals(store: Store, bit: Form) -> Literals | None:
    """The literals whose conjunction a bit is; None for the constant 0."""
    bit = normal(bit)
    if not bit.terms:
        return {} if bit.const else None
    v = store.single_bit(bit)
    if v is None or bit.exp or (bit.terms[v], bit.const) not in ((1, 0), (-1, 1)):
        between = _ends_between(store, bit)
        if between is not None:
            return between
        inner = store.same(bit)
        (v,) = inner.terms
        return {v: True}
    positive = bit.const == 0
    node = store.nodes[v]
    if node.kind == "step":
        terms = store.bases[node.base].form.terms
        if all(c in (1, -1) and store.nodes[w].is_bit for w, c in terms.items()):
            ups = sum(c > 0 for c in terms.values())
            if positive and node.number == ups:  # all literals hold
                return {w: c > 0 for w, c in terms.items()}
            if not positive and node.number == ups - len(terms) + 1:  # not even one of the opposites holds
                return {w: c < 0 for w, c in terms.items()}
    return {v: positive}


def _merge_staircases(store: Store, literals: Literals) -> Literals | None:
    """Keep the strictest thresholds of every base; None if they contradict one another."""
    lower: dict[int, int] = {}
    upper: dict[int, int] = {}
    kept: Literals = {}
    for v, positive in literals.items():
        node = store.nodes[v]
        if node.kind != "step":
            kept[v] = positive
        elif positive:
            other = lower.get(node.base)
            lower[node.base] = v if other is None or _place(store, v) > _place(store, other) else other
        else:
            other = upper.get(node.base)
            upper[node.base] = v if other is None or _place(store, v) < _place(store, other) else other
    for base, v in lower.items():
        if base in upper and _place(store, v) >= _place(store, upper[base]):
            return None
        kept[v] = True
    kept.update({v: False for v in upper.values()})
    return kept


def _place(store: Store, v: int) -> tuple[object, ...]:
    node = store.nodes[v]
    return (node.number, node.strict)


def _between(store: Store, literals: Literals) -> Form | None:
    """`[a <= P] and not [b <= P]` of one base is their difference."""
    steps = {positive: store.nodes[v] for v, positive in literals.items()}
    if len(steps) < 2 or any(n.kind != "step" for n in steps.values()) or steps[True].base != steps[False].base:
        return None
    return Form({v: 1 if positive else -1 for v, positive in literals.items()}, 0)


def _ends_between(store: Store, bit: Form) -> Literals | None:
    """The literals of `[a <= P] - [b <= P]` of one base, which is `[a <= P] and not [b <= P]` for `a` below `b`."""
    if bit.const or bit.exp or sorted(bit.terms.values()) != [-1, 1]:
        return None
    low, high = sorted(bit.terms, key=lambda v: -bit.terms[v])
    below, above = store.nodes[low], store.nodes[high]
    if below.kind != "step" or above.kind != "step" or below.base != above.base:
        return None
    return {low: True, high: False} if _place(store, low) < _place(store, high) else None


def compare(store: Store, op: CompareOp, left: Form, right: Form) -> Form:
    """A comparison as a bit."""
    difference = subtract(right, left) if op in ("<", "<=") else subtract(left, right)
    if op in ("==", "!="):
        if store.joins and all(form.terms and store.is_bit(form) for form in (left, right)):
            differ = store.modulo(normal(total((left, right))), 2)
            return complement(differ) if op == "==" else differ
        equal = subtract(store.at_least(difference), store.at_least(difference, strict=True))
        return equal if op == "==" else complement(equal)
    return _flattened(store, store.at_least(difference, strict=op in ("<", ">")))


def _flattened(store: Store, bit: Form) -> Form:
    """A threshold that tells whether its sum is at an end, over the sums of summands that tell the same of theirs.

    `[R + [Q >= high of Q] >= 1 + high of R]` is `[R + Q >= high of R + high of Q]`, and likewise at low ends, and for
    thresholds that are taken away.
    """
    v = store.single_bit(bit) if store.joins else None
    if v is None or store.nodes[v].kind != "step":
        return bit
    base = store.bases[store.nodes[v].base]
    steps = _lone_steps(store, base.form)
    for end in _ends(store, v) if steps else ():
        joined = {w: end if c > 0 else -end for w, c in steps.items() if (end if c > 0 else -end) in _ends(store, w)}
        rest = Form({w: c for w, c in base.form.terms.items() if w not in joined}, 0)
        distances = [_distance(store, rest, end)]
        distances += [_distance(store, store.bases[store.nodes[w].base].form, side) for w, side in joined.items()]
        # The sum is at its end where the rest and all that are joined are: its range must be the sum of theirs.
        known = [d for d in distances if d is not None]
        whole = _distance(store, base.form, end)
        taken = sum(c for w, c in steps.items() if w in joined and (c > 0) == (end > 0))
        if not joined or len(known) < len(distances) or whole is None or whole.const != known[0].const + end * taken:
            continue
        away = store.at_least(subtract(total(known), Form({}, 1)))
        is_at_end = end > 0  # whether the threshold is 1 there
        return complement(away) if is_at_end == (bit.const == 0) else away
    return bit


def _lone_steps(store: Store, form: Form) -> dict[int, int]:
    """The coefficients of thresholds of sums of which the form has no other threshold."""
    found: dict[int, list[int]] = {}
    for v in form.terms:
        if store.nodes[v].kind == "step" and len(store.bases[store.nodes[v].base].form.terms) > 1:
            found.setdefault(store.nodes[v].base, []).append(v)
    return {vs[0]: form.terms[vs[0]] for vs in found.values() if len(vs) == 1}


def _ends(store: Store, v: int) -> tuple[int, ...]:
    """The ends of a sum, 1 for the high one and -1 for the low one, of which a threshold tells whether it is there."""
    node = store.nodes[v]
    base = store.bases[node.base]
    if not base.integral or base.form.exp or base.low is None:
        return ()
    return tuple(end for end, number in ((1, base.high), (-1, base.low + 1)) if node.number == number)


def _distance(store: Store, form: Form, end: int) -> Form | None:
    """How far an integer form is from an end of its range."""
    low, high = store.bounds(form)
    if low is None or high is None or not store.integral(form) or form.exp:
        return None
    return subtract(Form({}, high), form) if end > 0 else subtract(form, Form({}, low))


def chain(store: Store, ops: Sequence[CompareOp], operands: Sequence[Form]) -> Form:
    """One comparison, or a chain of two."""
    bits = [compare(store, op, a, b) for op, a, b in zip(ops, operands, operands[1:], strict=False)]
    return conjunction(store, bits)


def choose(store: Store, condition: Form, then: Form, otherwise: Form, bits: bool) -> Form:
    """`if condition then then else otherwise`; `bits` tells that both branches are bits."""
    if not condition.terms:
        return then if condition.const else otherwise
    if key(then) == key(otherwise):
        return then
    if bits:
        parts = conjunction(store, (condition, then)), conjunction(store, (complement(condition), otherwise))
        return bounded(total(parts), (0, 1), 0)  # at most one part is 1, which their sum does not tell
    if len(condition.terms) > CONDITION_LIMIT:
        condition = store.same(condition)
    joined = total((otherwise, multiply(store, condition, subtract(then, otherwise))))
    branches, exp = spans((then, otherwise))
    return bounded(joined, union(*branches), exp)


def multiply(store: Store, left: Form, right: Form) -> Form:
    """The product, expanded into variables and products of variables."""
    if len(left.terms) * len(right.terms) > PRODUCT_LIMIT:
        raise Decline(f"a product of {len(left.terms)} by {len(right.terms)} terms")
    parts = [Form({}, left.const * right.const)]
    if right.const:
        parts.append(Form({v: c * right.const for v, c in left.terms.items()}, 0))
    if left.const:
        parts.append(Form({v: c * left.const for v, c in right.terms.items()}, 0))
    for v, c in left.terms.items():
        parts.extend(scale(_times(store, v, w), c * d) for w, d in right.terms.items())
    product, exp = total(parts), left.exp + right.exp
    joined = Form(product.terms, product.const, product.exp + exp)  # a product of two bits may have a denominator
    return normal(bounded(joined, times(left.span, right.span), exp))


def _times(store: Store, v: int, w: int) -> Form:
    first, second = store.nodes[v], store.nodes[w]
    if first.is_bit and second.is_bit:
        return conjunction(store, (variable(v), variable(w)))
    factors: list[int] = []
    for u, node in ((v, first), (w, second)):
        factors.extend(x for f in node.operands for x in f.terms) if node.kind == "product" else factors.append(u)
    bits = {u for u in factors if store.nodes[u].is_bit}
    return store.product([*bits, *(u for u in factors if u not in bits)])


def extreme(store: Store, function: str, forms: Sequence[Form], bits: bool) -> Form:
    """The minimum or maximum of one or more forms; `bits` tells that all of them are bits."""
    if bits:
        return conjunction(store, forms) if function == "min" else disjunction(store, forms)
    by_key = {key(f): f for f in forms}
    members = _members(store, function, by_key)
    known = store.extremes.get((function, members)) if members else None
    if known is not None:
        return known
    ordered = [by_key[k] for k in sorted(by_key)]
    pick: Callable[[Form, Form], Form] = _minimum(store) if function == "min" else _maximum(store)
    result = ordered[0]
    for form in ordered[1:]:
        result = pick(result, form)
    ranges, exp = spans(ordered)
    result = bounded(result, reduce(smaller if function == "min" else larger, ranges), exp)
    if members:
        store.extremes[function, members] = result
        store.members[function, key(result)] = members
    return result


def _members(store: Store, function: str, forms: Iterable[FormKey]) -> frozenset[FormKey]:
    """The forms of which some forms, and those that are extremes themselves, have one extreme; empty if many.

    Minima and maxima are associative, commutative and idempotent: all ways to take them of one set are equal.
    """
    parts = [store.members.get((function, k)) or frozenset((k,)) for k in forms]
    return frozenset().union(*parts) if sum(map(len, parts)) <= MEMBER_LIMIT else frozenset()


def _maximum(store: Store) -> Callable[[Form, Form], Form]:
    return lambda a, b: total((a, store.relu(subtract(b, a))))


def _minimum(store: Store) -> Callable[[Form, Form], Form]:
    return lambda a, b: subtract(a, store.relu(subtract(a, b)))
