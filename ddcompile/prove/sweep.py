"""Match thresholds of one form with thresholds of another, from the inputs up.

Where two programs differ in inner units too (exact weights on one side, small integers on the other), comparing
their results needs the equality of units first. The new form is rebuilt bottom-up; each of its thresholds that the
old form does not have is compared, by a threshold programme, with old thresholds over the same variables, those with
the most similar weights first, and replaced where equality is proved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ddcompile.prove import logic
from ddcompile.prove.forms import Form, add, constant, scale, total, variable
from ddcompile.prove.store import Store
from ddcompile.prove.thresholds import Programmes, Stairs

__all__ = ["Directions", "sweep"]

NODE_LIMIT = 1 << 14
"""Most nodes rebuilt."""
TRIALS = 3
"""Most candidates compared with one threshold."""


def sweep(store: Store, programmes: Programmes, new: Form, old: Form) -> Form | None:
    """A form equal to `new` for all inputs, with thresholds of `old` proved equal in it; None if there are too many."""
    theirs = _cone(store, old)
    ours = _cone(store, new) - theirs
    if len(ours) > NODE_LIMIT:
        return None
    candidates: dict[frozenset[int], _Candidates] = {}
    for v in sorted(theirs):
        node = store.nodes[v]
        if node.kind == "step" and store.bases[node.base].integral:
            candidates.setdefault(frozenset(node.operands[0].terms), _Candidates()).nodes.append(v)
    replaced: dict[int, Form] = {}
    for v in sorted(ours):
        form = _rebuild(store, v, replaced)
        if len(form.terms) == 1:
            (w,) = form.terms
            if w not in theirs:
                match = _match(store, programmes, w, candidates)
                if match is not None:
                    form = _substitute(form, {w: match})
        if form.terms != {v: 1} or form.const or form.exp:
            replaced[v] = form
    return _substitute(new, replaced)


def _cone(store: Store, form: Form) -> set[int]:
    seen: set[int] = set()
    stack = list(form.terms)
    while stack:
        v = stack.pop()
        if v not in seen:
            seen.add(v)
            for operand in store.nodes[v].operands:
                stack.extend(operand.terms)
    return seen


def _substitute(form: Form, replaced: dict[int, Form]) -> Form:
    if not any(v in replaced for v in form.terms):
        return form
    kept = Form({v: c for v, c in form.terms.items() if v not in replaced}, form.const)
    parts = [scale(replaced[v], c) for v, c in form.terms.items() if v in replaced]
    result = total([kept, *parts])
    return Form(result.terms, result.const, result.exp + form.exp)


def _rebuild(store: Store, v: int, replaced: dict[int, Form]) -> Form:
    """The variable over replaced operands."""
    node = store.nodes[v]
    operands = [_substitute(f, replaced) for f in node.operands]
    if all(a is b for a, b in zip(operands, node.operands, strict=True)):
        return variable(v)
    match node.kind:
        case "step":
            return store.at_least(add(operands[0], constant(-node.number)), node.strict)
        case "relu":
            return store.relu(add(operands[0], constant(-node.number)))
        case "mod":
            return store.modulo(operands[0], int(node.number))
        case "product":
            result = operands[0]
            for factor in operands[1:]:
                result = logic.multiply(store, result, factor)
            return result
        case "argmax":
            return store.argmax(operands)
        case "same":
            return store.same(operands[0])
        case _:
            return variable(v)


@dataclass(slots=True)
class _Candidates:
    """Thresholds of old over the same variables."""

    nodes: list[int] = field(default_factory=list)
    directions: Directions | None = None


def _match(store: Store, programmes: Programmes, v: int, candidates: dict[frozenset[int], _Candidates]) -> Form | None:
    """An old threshold, or the complement of one, that equals a new one."""
    node = store.nodes[v]
    if node.kind != "step" or not store.bases[node.base].integral:
        return None
    form = node.operands[0]
    found = candidates.get(frozenset(form.terms))
    if found is None:
        return None
    if found.directions is None:
        found.directions = Directions([store.nodes[w].operands[0] for w in found.nodes])
    ours = Stairs(form, (int(node.number),), (1,))
    for k in found.directions.nearest(form)[:TRIALS]:
        other = store.nodes[found.nodes[k]]
        for sign in (-1, 1):
            value = programmes.constant_sum(ours, Stairs(other.operands[0], (int(other.number),), (sign,)))
            if value is not None:
                return Form({found.nodes[k]: -sign}, value)
    return None


class Directions:
    """Forms over the same variables, to be sought by how nearly proportional their weights are. Only a heuristic."""

    def __init__(self, forms: Sequence[Form]) -> None:
        self._ids = sorted(forms[0].terms) if forms else []
        self._matrix = np.array([self._direction(f) for f in forms]) if len(forms) > 1 else None
        self._count = len(forms)

    def nearest(self, form: Form) -> list[int]:
        """Numbers of the forms, the most nearly proportional ones first."""
        if self._matrix is None:
            return list(range(self._count))
        order: list[int] = np.argsort(-np.abs(self._matrix @ self._direction(form)), kind="stable").tolist()
        return order

    def _direction(self, form: Form) -> np.ndarray:
        weights = [form.terms.get(v, 0) for v in self._ids]
        shift = max(0, max(abs(w) for w in weights).bit_length() - 64)
        vector = np.array([float(w >> shift) for w in weights])
        return vector / float(np.sqrt(vector @ vector) or 1)
