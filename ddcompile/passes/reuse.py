"""Read a sum that has a name instead of its parts.

Before::

    m[i < 4] = a[i] + b[i]
    y[i < 4] = relu(x[i] - a[i] - b[i])

After::

    m[i < 4] = a[i] + b[i]
    y[i < 4] = relu(x[i] - m[i])

The statement of the sum has one clause; its parts are found in another sum, at other positions too, all with one
factor. The longest sums are tried first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from ddcompile.analysis.comparisons import integer_terms
from ddcompile.analysis.cost import cost
from ddcompile.analysis.reals import Reals
from ddcompile.ir import builder
from ddcompile.ir.nodes import Binary, Binder, Binding, Expr, Index, Literal, Read, Rule, Statement
from ddcompile.ir.traverse import postorder, rewrite, substitute
from ddcompile.ir.types import infer
from ddcompile.ir.verifier import verify
from ddcompile.passes.options import Pass, option
from ddcompile.passes.rewrite import Rewrite, plain_places, read_names, rewrite_sums, unchanged, with_statements

__all__ = ["Reuse"]

_WORK = 1 << 14
"""Sums in which another one is sought."""


@dataclass(frozen=True, slots=True)
class Reuse(Pass):
    """Read a sum that has a name instead of its parts."""

    name: ClassVar[str] = "reuse"
    terms: int = option(32, "how many parts a sum may have", high=1024)

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        known = _known(rule, self.terms)
        if not known:
            return unchanged(rule)
        statements = list(rule.statements)
        work = _WORK
        for number, statement in enumerate(rule.statements):
            value = statement.value
            for source in _candidates(statement, known):
                work -= 1
                if work < 0:
                    break
                value = _shorter(value, source)
            if value is not statement.value:
                changed = Statement(statement.target, statement.positions, value, location=statement.location)
                trial = [*statements[:number], changed, *statements[number + 1 :]]
                if not verify(with_statements(rule, trial)):
                    statements = trial
        if all(a is b for a, b in zip(statements, rule.statements, strict=True)):
            return unchanged(rule)
        return Rewrite(with_statements(rule, statements))


@dataclass(frozen=True, slots=True)
class _Source:
    """A sum with a name: its parts, the part by which it is found, and the axes of that part for its own indices."""

    statement: Statement
    terms: dict[Expr, int]
    constant: int
    anchor: Read
    axes: tuple[int, ...]


_Known: TypeAlias = dict[str, list[_Source]]
"""Sums by the tensor of the part by which they are found, the longest first."""


def _known(rule: Rule, most: int) -> _Known:
    reals = Reals(infer(rule))
    counts: dict[str, int] = {}
    for statement in rule.statements:
        counts[statement.target] = counts.get(statement.target, 0) + 1
    known: _Known = {}
    for statement in rule.statements:
        if counts[statement.target] > 1 or not all(isinstance(p, Binder) for p in statement.positions):
            continue
        if not isinstance(statement.value, Binary) or statement.value.op not in ("+", "-") or reals(statement.value):
            continue
        form = integer_terms(statement.value)
        if form is None or not 2 <= len(form[0]) <= most or statement.target in read_names([statement]):
            continue
        own = [b.name for b in statement.binders]
        for anchor in form[0]:
            axes = _axes(anchor, own)
            if axes is not None:
                assert isinstance(anchor, Read)
                known.setdefault(anchor.tensor, []).append(_Source(statement, *form, anchor, axes))
                break
    for sources in known.values():
        sources.sort(key=lambda s: -len(s.terms))
    return known


def _axes(anchor: Expr, own: Sequence[str]) -> tuple[int, ...] | None:
    """On which axes a read has the indices of its statement, one on each, and constants on the others."""
    if not isinstance(anchor, Read) or anchor.pad is not None:
        return None
    names = [p.name if isinstance(p, Index) else "" for p in anchor.positions]
    plain = all(isinstance(p, Index | Literal) for p in anchor.positions)
    if not plain or sorted(n for n in names if n) != sorted(own):
        return None
    return tuple(names.index(name) for name in own)


def _candidates(statement: Statement, known: _Known) -> Iterator[_Source]:
    found: dict[int, _Source] = {}
    for name in sorted(read_names([statement])):
        for source in known.get(name, ()):
            if source.statement.target != statement.target:
                found[id(source)] = source
    yield from sorted(found.values(), key=lambda s: -len(s.terms))


def _shorter(value: Expr, source: _Source) -> Expr:
    """The value with every sum that has the parts of another one reading that, where that is shorter."""

    def shorter(node: Expr) -> Expr:
        found = _reused(node, source)
        return found if found is not None and cost(found) < cost(node) else node

    return rewrite_sums(value, shorter)


def _reused(value: Expr, source: _Source) -> Expr | None:
    """A sum that reads the named one, the first time that its parts are there."""
    form = integer_terms(value)
    if form is None or len(form[0]) < len(source.terms):
        return None
    terms, constant = form
    own = [b.name for b in source.statement.binders]
    bound = {b.name for n in postorder(source.statement.value) if isinstance(n, Binding) for b in n.binders}
    for term, coefficient in terms.items():
        if not isinstance(term, Read) or term.tensor != source.anchor.tensor or term.pad is not None:
            continue
        fixed = zip(term.positions, source.anchor.positions, strict=True)
        if any(isinstance(theirs, Literal) and mine != theirs for mine, theirs in fixed):
            continue
        factor, rest = divmod(coefficient, source.terms[source.anchor])
        places = [term.positions[axis] for axis in source.axes]
        if rest or any(isinstance(n, Index) and n.name in bound for p in places for n in postorder(p)):
            continue
        parts = {
            rewrite(substitute(part, dict(zip(own, places, strict=True))), plain_places): factor * c
            for part, c in source.terms.items()
        }
        if len(parts) < len(source.terms) or any(terms.get(part) != c for part, c in parts.items()):
            continue
        left = {e: c for e, c in terms.items() if e not in parts}
        left[Read(source.statement.target, tuple(places))] = factor
        ordered = sorted(left.items(), key=lambda t: t[1] < 0)
        total = builder.add_all(builder.mul(c, e) for e, c in ordered)
        return builder.add(total, constant - factor * source.constant)
    return None
