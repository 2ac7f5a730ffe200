"""Affine forms: a constant plus exact multiples of indices and sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from ddcompile.ir.builder import add, mod, mul, sub
from ddcompile.ir.nodes import Binary, Expr, Index, Literal, Number, Size, Unary
from ddcompile.ir.traverse import children, postorder, with_children

__all__ = ["Affine", "affine_of", "simplify"]

_Form: TypeAlias = "Affine | None"


@dataclass(frozen=True, slots=True)
class Affine:
    """`constant + sum of coefficient * name`. Equal forms are equal objects; terms are sorted and never zero.

    Build it with `Affine.of`, or from an expression with `affine_of`.
    """

    constant: Number = 0
    terms: tuple[tuple[str, Number], ...] = ()
    sizes: frozenset[str] = frozenset()
    """Those names in `terms` that are sizes; the others are indices."""

    @classmethod
    def of(cls, constant: Number = 0, terms: Mapping[str, Number] | None = None, sizes: Sequence[str] = ()) -> Affine:
        """Make a form from coefficients by name; `sizes` tells which names are sizes."""
        kept = tuple(sorted((name, _plain(value)) for name, value in (terms or {}).items() if value))
        names = {name for name, _ in kept}
        return cls(_plain(constant), kept, frozenset(sizes) & names)

    @property
    def coefficients(self) -> dict[str, Number]:
        """The coefficients by name; names that are absent have 0."""
        return dict(self.terms)

    @property
    def names(self) -> frozenset[str]:
        """The indices and sizes that matter."""
        return frozenset(name for name, _ in self.terms)

    @property
    def is_constant(self) -> bool:
        """Whether no index and no size matters."""
        return not self.terms

    @property
    def is_integral(self) -> bool:
        """Whether the constant and all coefficients are integers."""
        return isinstance(self.constant, int) and all(isinstance(value, int) for _, value in self.terms)

    def coefficient(self, name: str) -> Number:
        """The coefficient of an index or size, 0 if it is absent."""
        return dict(self.terms).get(name, 0)

    def __add__(self, other: Affine | Number) -> Affine:
        other = _form(other)
        if not other.terms:
            return Affine(_plain(self.constant + other.constant), self.terms, self.sizes)
        total = dict(self.terms)
        for name, value in other.terms:
            total[name] = total.get(name, 0) + value
        return Affine.of(self.constant + other.constant, total, (*self.sizes, *other.sizes))

    def __sub__(self, other: Affine | Number) -> Affine:
        return self + _form(other).scale(-1)

    def __neg__(self) -> Affine:
        return self.scale(-1)

    def scale(self, factor: Number) -> Affine:
        """The form times a number."""
        return Affine.of(self.constant * factor, {n: v * factor for n, v in self.terms}, tuple(self.sizes))

    def substitute(self, values: Mapping[str, Affine]) -> Affine:
        """The form with affine forms in place of some names, all at once."""
        result = Affine(self.constant)
        for name, value in self.terms:
            inner = values.get(name)
            if inner is None:
                inner = Affine.of(0, {name: 1}, (name,) if name in self.sizes else ())
            result = result + inner.scale(value)
        return result

    def evaluate(self, values: Mapping[str, Number]) -> Number:
        """The number at a point; every name needs a value."""
        return _plain(self.constant + sum(value * values[name] for name, value in self.terms))

    def bounds(self, ranges: Mapping[str, tuple[Number, Number]]) -> tuple[Number, Number]:
        """The least and greatest value where every name lies in its range, both ends included.

        Exact when the names vary independently of one another.
        """
        low = high = self.constant
        for name, value in self.terms:
            ends = value * ranges[name][0], value * ranges[name][1]
            low, high = low + min(ends), high + max(ends)
        return _plain(low), _plain(high)

    def to_expr(self) -> Expr:
        """The canonical expression: `i + 2 * di - 1`, `H - i - 1`, `27 - i`.

        What is added comes before what is subtracted; among each, indices come before sizes, short names before long
        ones, then the alphabet decides. The constant is last, unless it is all that is added.

        Raises
        ------
        ValueError
            If a coefficient is neither an integer nor a double.
        """
        ordered = sorted(self.terms, key=lambda term: (term[1] < 0, term[0] in self.sizes, len(term[0]), term[0]))
        result: Expr = Literal(0)
        if self.constant > 0 and not any(value > 0 for _, value in ordered):
            result = Literal(self.constant)
        lead = result
        for name, value in ordered:
            leaf = Size(name) if name in self.sizes else Index(name)
            result = sub(result, mul(-value, leaf)) if value < 0 else add(result, mul(value, leaf))
        if lead != Literal(self.constant):
            result = add(result, self.constant)
        return result


def affine_of(expr: Expr) -> Affine | None:
    """The affine form of an expression, or None when it is not visibly affine in indices and sizes.

    What lies below anything but arithmetic is not looked at: the places of reads in places of reads take linear time.
    """
    found: list[tuple[Expr, int]] = []
    waiting = [expr]
    while waiting:
        node = waiting.pop()
        if not _is_arithmetic(node):
            return None
        below = children(node)
        found.append((node, len(below)))
        waiting += below
    forms: list[_Form] = []
    for node, count in reversed(found):
        kids = forms[len(forms) - count :]
        del forms[len(forms) - count :]
        forms.append(_combine(node, kids))
    return forms[0]


def _is_arithmetic(node: Expr) -> bool:
    """Whether `_combine` may have a form for a node; without one for all its children it has none."""
    match node:
        case Literal() | Index() | Size() | Unary("-") | Binary("+" | "-" | "*" | "%"):
            return True
    return False


def simplify(expr: Expr) -> Expr:
    """Bring every affine part of an expression into canonical form, also below `%` with a constant modulus."""
    if isinstance(expr, Literal | Index | Size):
        return expr
    done: list[tuple[Expr, _Form]] = []
    for node in postorder(expr):
        count = len(children(node))
        kids = done[len(done) - count :]
        del done[len(done) - count :]
        form = _combine(node, [kid_form for _, kid_form in kids])
        if form is None and count:
            node = _wrapped(with_children(node, tuple(_canonical(*kid) for kid in kids)), kids)
            form = Affine(node.value) if isinstance(node, Literal) else None
        done.append((node, form))
    return _canonical(*done[0])


def _canonical(expr: Expr, form: _Form) -> Expr:
    return expr if form is None else form.to_expr()


def _wrapped(node: Expr, kids: list[tuple[Expr, _Form]]) -> Expr:
    """`(i + 30) % 28` as `(i + 2) % 28`: coefficients of an integer form modulo a constant, the nearest to zero.

    What is taken modulo a multiple of the constant inside, `((i + 1) % 28 - 2) % 14`, need not be.
    """
    match node:
        case Binary("%", inner, Literal(int(modulus))) if modulus > 0:
            form = affine_of(_without_multiples(inner, modulus)) if kids[0][1] is None else kids[0][1]
            if form is None or not form.is_integral:
                return node
            constant = _near_zero(form.constant, modulus)
            terms = {name: _near_zero(value, modulus) for name, value in form.terms}
            return mod(Affine.of(constant, terms, tuple(form.sizes)).to_expr(), modulus)
    return node


def _without_multiples(expr: Expr, modulus: int) -> Expr:
    """An expression of integers without `% m` in it for all multiples m of a modulus."""
    if any(isinstance(node, Literal) and not isinstance(node.value, int) for node in postorder(expr)):
        return expr
    done: list[Expr] = []
    for node in postorder(expr):
        count = len(children(node))
        kids = tuple(done[len(done) - count :])
        del done[len(done) - count :]
        match node:
            case Binary("%", _, Literal(int(other))) if other > 0 and other % modulus == 0:
                done.append(kids[0])
            case _:
                done.append(with_children(node, kids) if count else node)
    return done[0]


def _near_zero(value: Number, modulus: int) -> Number:
    rest = value % modulus
    return rest - modulus if 2 * rest > modulus else rest


def _combine(node: Expr, kids: list[_Form]) -> _Form:
    """The form of a node from the forms of its children."""
    match node, kids:
        case Literal(value), _:
            return Affine(value)
        case Index(name), _:
            return Affine(0, ((name, 1),))
        case Size(name), _:
            return Affine(0, ((name, 1),), frozenset({name}))
        case Unary("-", _), [Affine() as form]:
            return form.scale(-1)
        case Binary("+", _, _), [Affine() as left, Affine() as right]:
            return left + right
        case Binary("-", _, _), [Affine() as left, Affine() as right]:
            return left - right
        case Binary("*", _, _), [Affine() as left, Affine() as right]:
            if left.is_constant:
                return right.scale(left.constant)
            return left.scale(right.constant) if right.is_constant else None
        case Binary("%", _, _), [Affine(int(value), ()), Affine(int(modulus), ())] if modulus > 0:
            return Affine(value % modulus)
    return None


def _form(value: Affine | Number) -> Affine:
    return value if isinstance(value, Affine) else Affine(_plain(value))


def _plain(value: Number) -> Number:
    return value.numerator if isinstance(value, Fraction) and value.denominator == 1 else value
