"""Integer expressions of a rule with sizes as affine forms: exact where they are affine, else bounded by cases.

`min(i + 1, N - 1)` is `i + 1` where that is at most `N - 1`, and `N - 1` elsewhere; `e % 4` is a new variable r with
0 <= r <= 3 and e = 4 q + r; what an element of a tensor is, is known from its range.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod

from ddcompile.analysis.polyhedra import at_most, equal
from ddcompile.ir.affine import Affine, affine_of
from ddcompile.ir.nodes import Binary, Binder, Call, Expr, If, Index, Literal, Read, Reduce, Size, Unary
from ddcompile.ir.ranges import ValueType
from ddcompile.ir.traverse import children, postorder
from ddcompile.ir.types import Types

__all__ = ["VALUE", "Case", "Cases", "System"]

VALUE = "$"
"""Stands for an element in what is known of a tensor's elements."""
_MOST = 16
"""Cases beyond which an expression is known by its range alone."""

System = tuple[Affine, ...]
"""Forms that are at least 0."""


@dataclass(frozen=True, slots=True)
class Case:
    """The value `form`, wherever the forms of `given` are at least 0; a name that begins with `$` is some integer."""

    form: Affine
    given: System = ()


class Cases:
    """Splits expressions of one rule into cases.

    Parameters
    ----------
    types
        The types of the rule.
    elements
        What is known of the elements of some tensors: a system over `VALUE` and sizes.
    """

    def __init__(self, types: Types, elements: Mapping[str, System]) -> None:
        self._types = types
        self._elements = elements
        self._count = 0
        self._known: dict[int, tuple[Expr, list[Case]]] = {}
        """By the id of a node, which is kept alive."""

    def of(self, root: Expr) -> list[Case]:
        """Cases of which at least one holds, whatever the indices and sizes are; the same for the same node."""
        known = self._known.get(id(root))
        if known is None:
            form = affine_of(root)
            known = root, [Case(form)] if form is not None and form.is_integral else self._split(root)
            self._known[id(root)] = known
        return known[1]

    def domain(self, binders: Iterable[Binder]) -> list[System]:
        """Systems of which every point of a domain satisfies at least one."""
        systems: list[System] = [()]
        for binder in binders:
            index = Affine(0, ((binder.name, 1),))
            pairs = list(product(self.of(binder.lower), self.of(binder.upper)))
            if len(pairs) * len(systems) > _MOST:
                continue
            systems = [
                (*system, *low.given, *high.given, at_most(low.form, index), at_most(index, high.form - 1))
                for system in systems
                for low, high in pairs
            ]
        return systems

    def _split(self, root: Expr) -> list[Case]:
        stack: list[list[Case]] = []
        for node in postorder(root):
            count = len(children(node))
            kids = stack[len(stack) - count :]
            del stack[len(stack) - count :]
            found = self._node(node, kids)
            stack.append(found if 0 < len(found) <= _MOST else [self._within(self._types.of(node))])
        return stack[0]

    def _node(self, node: Expr, kids: Sequence[list[Case]]) -> list[Case]:
        """The cases of a node; none if only its range is known."""
        match node:
            case Literal(int() as value):
                return [Case(Affine(value))]
            case Index(name):
                return [Case(Affine(0, ((name, 1),)))]
            case Size(name):
                return [Case(Affine(0, ((name, 1),), frozenset({name})))]
            case Read(tensor, _, None) if tensor in self._elements:
                return [self._element(tensor, self._types.of(node))]
            case Unary("-"):
                return [Case(-kid.form, kid.given) for kid in kids[0]]
            case Unary("relu"):
                return _greatest([kids[0], [Case(Affine(0))]])
            case Unary("abs"):
                return _greatest([kids[0], [Case(-kid.form, kid.given) for kid in kids[0]]])
            case Binary("+"):
                return [Case(a.form + b.form, (*a.given, *b.given)) for a, b in product(*kids)]
            case Binary("-"):
                return [Case(a.form - b.form, (*a.given, *b.given)) for a, b in product(*kids)]
            case Binary("*") if any(_number(kid) is not None for kid in kids):
                factor, other = (0, 1) if _number(kids[0]) is not None else (1, 0)
                scale = _number(kids[factor]) or 0
                return [Case(kid.form.scale(scale), kid.given) for kid in kids[other]]
            case Binary("%"):
                return [self._remainder(a, b) for a, b in product(*kids)]
            case If():
                return [*kids[1], *kids[2]]
            case Call("max"):
                return _greatest(kids)
            case Call("min"):
                negated = [[replace(case, form=-case.form) for case in kid] for kid in kids]
                return [replace(case, form=-case.form) for case in _greatest(negated)]
            case Reduce("sum"):
                return self._sum(node, kids)
            case Reduce("argmax"):
                return [self._between(low, high) for low, high in product(*kids[:2])]
        return []

    def _fresh(self) -> Affine:
        """A new integer."""
        self._count += 1
        return Affine(0, ((f"{VALUE}{self._count}", 1),))

    def _within(self, found: ValueType) -> Case:
        """A new integer in the range of a type."""
        value = self._fresh()
        given = [] if found.low is None else [value - found.low]
        return Case(value, tuple(given if found.high is None else [*given, -value + found.high]))

    def _between(self, lower: Case, upper: Case) -> Case:
        """A new integer in a half-open range."""
        value = self._fresh()
        return Case(value, (*lower.given, *upper.given, at_most(lower.form, value), at_most(value, upper.form - 1)))

    def _element(self, tensor: str, found: ValueType) -> Case:
        """An element of a tensor of which more is known than its range."""
        case = self._within(found)
        known = (form.substitute({VALUE: case.form}) for form in self._elements[tensor])
        return Case(case.form, (*case.given, *known))

    def _sum(self, node: Reduce, kids: Sequence[list[Case]]) -> list[Case]:
        """A sum of so many terms, each in the range of its type; nothing if that number is not affine."""
        term = self._types.of(node.body)
        own = {binder.name for binder in node.binders}
        if not (term.is_integral and term.low is not None and term.high is not None):
            return []
        found: list[Case] = []
        for ends in product(*kids[:-1]):
            given = [form for end in ends for form in end.given]
            spans = [high.form - low.form for low, high in zip(ends[::2], ends[1::2], strict=True)]
            count, moving = prod(max(0, int(s.constant)) for s in spans if s.is_constant), Affine(1)
            for span in spans:
                if not span.is_constant and (not moving.is_constant or span.names & own):
                    return []
                moving = moving if span.is_constant else span
            total, value = moving.scale(count), self._fresh()
            between = at_most(total.scale(term.low), value), at_most(value, total.scale(term.high))
            found.append(Case(value, (*given, moving, *between)))
            if not moving.is_constant:
                found.append(Case(Affine(0), (*given, -moving - 1)))
        return found

    def _remainder(self, value: Case, modulus: Case) -> Case:
        rest = self._fresh()
        given = [*value.given, *modulus.given, rest, at_most(rest, modulus.form - 1)]
        if modulus.form.is_constant:
            quotient = self._fresh()
            given += equal(rest + quotient.scale(modulus.form.constant), value.form)
        return Case(rest, tuple(given))


def _number(cases: list[Case]) -> int | None:
    """The value of an expression that has only one."""
    form = cases[0].form
    return int(form.constant) if len(cases) == 1 and form.is_constant else None


def _greatest(kids: Sequence[list[Case]]) -> list[Case]:
    """The greatest of several: each of them, where the others are not greater."""
    found: list[Case] = []
    for chosen in product(*kids) if len(kids) <= _MOST else ():
        given = [form for case in chosen for form in case.given]
        found += [
            Case(case.form, (*given, *(at_most(other.form, case.form) for other in chosen if other is not case)))
            for case in chosen
        ]
        if len(found) > _MOST:
            break
    return found
