"""Say truths in as few words as they need.

Before::

    y = (a xor b) + (c xor d) <= 0 and e == f
    z = not any(i < 9: x[i] xor y[i])

After::

    y = a == b and c == d and e == f
    z = all(i < 9: x[i] == y[i])

A truth and its opposite are both said as shortly as is known, from the inside to the outside: the opposite of `a or b`
is `not a and not b`, that of `a xor b` is `a == b`, that of `-3 <= s <= 3` is `abs(s) > 3`. A sum of bits that is
compared with an end of its range says that all of them hold, or any.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from ddcompile.analysis.comparisons import integer_terms
from ddcompile.analysis.cost import cost
from ddcompile.analysis.linear import box_bounds
from ddcompile.analysis.scopes import subexpressions
from ddcompile.ir import builder
from ddcompile.ir.nodes import Binary, Binder, Compare, Expr, Literal, Read, Reduce, Rule, Statement, Unary
from ddcompile.ir.traverse import chain_operands, children, postorder, rewrite, substitute, with_children
from ddcompile.ir.types import Types, infer
from ddcompile.passes.decided import ends, span_of
from ddcompile.passes.fold import folded
from ddcompile.passes.inline import reads_apart, renamed_for
from ddcompile.passes.layers import names_of
from ddcompile.passes.options import Pass, option
from ddcompile.passes.rewrite import Rewrite, body_over, read_names, sole_clauses, unchanged, with_statements

__all__ = ["Logic"]


@dataclass(frozen=True, slots=True)
class _Truth:
    """A bit and its opposite, each said as shortly as is known."""

    holds: Expr
    fails: Expr

    @property
    def opposite(self) -> _Truth:
        """The opposite, and the truth."""
        return _Truth(self.fails, self.holds)


@dataclass(frozen=True, slots=True)
class Logic(Pass):
    """Say truths in as few words as they need."""

    name: ClassVar[str] = "logic"
    size: int = option(200, "how many nodes a statement may have", high=300)
    tries: int = option(64, "how many statements are looked at together with those that only they read", high=100_000)

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        whole = self._together(rule)
        types = infer(whole)
        new = with_statements(whole, (self._shortened(s, types) for s in whole.statements))
        return unchanged(rule) if new == rule else Rewrite(new)

    def _shortened(self, statement: Statement, types: Types) -> Statement:
        if sum(1 for _ in postorder(statement.value)) > self.size:
            return statement
        value = _said(statement.value, types)
        new = Statement(statement.target, statement.positions, value, location=statement.location)
        return new if cost(new) < cost(statement) else statement

    def _together(self, rule: Rule) -> Rule:
        """The program with statements in less than they and what only they read took; the last ones first."""
        readers = _Readers(rule)
        after, left = 0, self.tries
        while after < len(rule.statements) and left > 0:
            opened = readers.opened(len(rule.statements) - 1 - after)
            if opened is not None:
                left -= 1
                place = len(opened.statements) - 1 - after
                statement = opened.statements[place]
                new = self._shortened(statement, infer(opened))
                found = with_statements(opened, (*opened.statements[:place], new, *opened.statements[place + 1 :]))
                if new is not statement and cost(found) < cost(rule):
                    rule, readers = found, _Readers(found)
                    continue
            after += 1
        return rule


class _Readers:
    """A program, and which of its tensors only one statement reads."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._types = infer(rule)
        self._names = names_of(rule)
        self._tables = {c.name: c for c in rule.constants}
        readers = Counter(name for s in rule.statements for name in read_names([s]))
        self._sources = {name: clause for name, clause in sole_clauses(rule).items() if readers[name] == 1}

    def opened(self, number: int) -> Rule | None:
        """The program with what a statement compares with an end of a range written into it, where only it reads that.

        No element is computed more often than before.
        """
        statement = self._rule.statements[number]
        written: dict[Expr, Expr] = {}
        for node, scope in subexpressions(statement):
            terms = [t for end in ends(node, self._types) for t in end.terms] if scope == statement.binders else []
            for read, inside in _summands(terms, scope):
                if not isinstance(read, Read) or read.pad is not None or not reads_apart(read, inside):
                    continue
                source = self._sources.get(read.tensor, statement)
                if source is not statement:
                    own, value = renamed_for(source, statement, scope, self._names)
                    written[read] = substitute(value, dict(zip(own, read.positions, strict=True)))
        gone = {read.tensor for read in written if isinstance(read, Read)}
        value = rewrite(statement.value, lambda node: written.get(node, node))
        if not written or gone & read_names([value]):
            return None
        value = folded(statement, value, self._tables, self._types)
        whole = Statement(statement.target, statement.positions, value, location=statement.location)
        kept = (whole if s is statement else s for s in self._rule.statements if s.target not in gone)
        return with_statements(self._rule, kept)


def _said(node: Expr, types: Types) -> Expr:
    """A node, the outermost truths in it said shortly."""
    if _is_bit(node, types):
        return _truth(node, types).holds
    kids = children(node)
    return with_children(node, tuple(_said(kid, types) for kid in kids)) if kids else node


def _truth(node: Expr, types: Types) -> _Truth:
    match node:
        case Unary("not", operand):
            return _truth(operand, types).opposite
        case Binary("and" | "or" as op, _, _):
            return _joined(op == "and", [_truth(each, types) for each in chain_operands(op, node)])
        case Binary("xor", left, right) if _is_bit(left, types) and _is_bit(right, types):
            return _differ(_truth(left, types), _truth(right, types))
        case Compare(("==" | "!=" as op,), (left, right)) if _is_bit(left, types) and _is_bit(right, types):
            found = _differ(_truth(left, types), _truth(right, types))
            return found if op == "!=" else found.opposite
        case Reduce("any", binders, body):
            return _repeated(False, binders, _truth(body, types))
        case Reduce("all", binders, body):
            return _repeated(True, binders, _truth(body, types))
    kids = children(node)
    plain = with_children(node, tuple(_said(kid, types) for kid in kids)) if kids else node
    if any(types.of(kid).kind == "real" for kid in kids):
        return _Truth(plain, Unary("not", plain))  # with a NaN, neither `x < 0` nor `x >= 0` holds
    ways = [_Truth(plain, builder.negate(plain))]
    match plain:
        case Compare(("<=", "<="), (Literal(int(low)), value, Literal(int(high)))) if low == -high < 0:
            if types.of(children(node)[1]).kind in ("int", "trit", "spin"):  # of rationals this is not proved
                ways.append(_Truth(plain, builder.compare(">", Unary("abs", value), Literal(high))))
    for end in ends(node, types):
        terms = [_at_end(term, factor * end.side > 0, types) for term, factor in end.terms.items()]
        known = [term for term in terms if term is not None]
        if len(known) == len(terms):
            at_end = _joined(True, known)
            ways.append(at_end if end.side > 0 else at_end.opposite)
    return _Truth(_shortest(*(w.holds for w in ways)), _shortest(*(w.fails for w in ways)))


def _at_end(term: Expr, is_high: bool, types: Types) -> _Truth | None:
    """Whether a bit, or a sum of bits, is as large as it can be, or as small."""
    value = types.of(term)
    if _is_bit(term, types):
        truth = _truth(term, types)
        return truth if is_high and value.high == 1 else truth.opposite if not is_high and value.low == 0 else None
    if isinstance(term, Reduce) and term.op == "sum":
        # The ends are those of sums whose terms all are at theirs, unless some of them never are.
        form = integer_terms(term.body)
        span = None if form is None else span_of(form[0], types)
        if form is None or span is None:
            return None
        parts = [_at_end(each, is_high == (factor > 0), types) for each, factor in form[0].items()]
        known = [part for part in parts if part is not None]
        boxes = [box_bounds(b) for b in term.binders]
        places = prod(max(0, box[1] - box[0]) for box in boxes if box is not None)
        end = form[1] + span[is_high]
        # With bounds that move some sums are shorter, and all of them end alike only at 0.
        is_end = (value.high if is_high else value.low) == places * end and (None not in boxes or end == 0)
        if is_end and known and len(known) == len(parts):
            return _repeated(True, term.binders, _joined(True, known))
    return None


def _summands(terms: Iterable[Expr], scope: tuple[Binder, ...]) -> Iterator[tuple[Expr, tuple[Binder, ...]]]:
    """The terms of a sum, those of the sums among them too, with the indices in whose scope they are."""
    for term in terms:
        if isinstance(term, Reduce) and term.op == "sum":
            inner = integer_terms(term.body)
            yield from _summands(inner[0] if inner else (), (*scope, *term.binders))
        else:
            yield term, scope


def _is_bit(node: Expr, types: Types) -> bool:
    return types.of(node).kind == "bit"


def _joined(is_all: bool, truths: list[_Truth]) -> _Truth:
    """All of some truths, or any of them."""
    truths = list(dict.fromkeys(truths))
    if len(truths) == 1:
        return truths[0]
    here = _chain(is_all, (t.holds for t in truths))
    return _either(here, _chain(not is_all, (t.fails for t in truths)))


def _chain(is_all: bool, operands: Iterable[Expr]) -> Expr:
    op = "and" if is_all else "or"
    flat = [each for operand in operands for each in chain_operands(op, operand)]
    kept: list[Expr] = []
    for each in flat:
        for k, other in enumerate(kept):
            both = _side_by_side(is_all, other, each)
            if both is not None:
                kept[k] = both
                break
        else:
            kept.append(each)
    return builder.conj(*kept) if is_all else builder.disj(*kept)


def _side_by_side(is_all: bool, first: Expr, second: Expr) -> Expr | None:
    """Two truths that hold at all places, or at any, of the same ones: whether both, or one, hold there."""
    op = "all" if is_all else "any"
    if not (isinstance(first, Reduce) and isinstance(second, Reduce) and first.op == second.op == op):
        return None
    body = body_over(first.binders, second)
    if body is None:
        return None
    return Reduce(first.op, first.binders, builder.conj(first.body, body) if is_all else builder.disj(first.body, body))


def _repeated(is_all: bool, binders: tuple[Binder, ...], body: _Truth) -> _Truth:
    """A truth at all places, or at any of them."""
    everywhere, somewhere = (body.holds, body.fails) if is_all else (body.fails, body.holds)
    found = _either(Reduce("all", binders, everywhere), Reduce("any", binders, somewhere))
    return found if is_all else found.opposite


def _differ(left: _Truth, right: _Truth) -> _Truth:
    """Whether one of two truths holds alone."""
    first, second = (min((side, side.opposite), key=lambda t: cost(t.holds)) for side in (left, right))
    found = _Truth(builder.xor(first.holds, second.holds), builder.compare("==", first.holds, second.holds))
    return found if (first is left) == (second is right) else found.opposite


def _either(holds: Expr, fails: Expr) -> _Truth:
    """A truth and its opposite, each of which may be said as the negation of the other."""
    return _Truth(_shortest(holds, builder.negate(fails)), _shortest(fails, builder.negate(holds)))


def _shortest(*ways: Expr) -> Expr:
    return min(ways, key=cost)
