"""Why programs do not become one: coded, at a statement, with a hint."""

from __future__ import annotations

from collections.abc import Sequence

from ddcompile.diagnostics import CompileError, Diagnostic
from ddcompile.generalization.evidence import listed
from ddcompile.generalization.fit import Point
from ddcompile.generalization.holes import Template
from ddcompile.generalization.template import Difference
from ddcompile.ir.nodes import Constant, Rule, Statement
from ddcompile.ir.printer import describe

__all__ = ["ALIKE", "Refused", "illegal", "is_fraction", "no_function", "same_size", "unlike"]

ALIKE = "all programs must be of one family: same statements, other numbers"
_FRACTION = "give programs whose sizes leave one remainder"
_FUNCTION = "extents, bounds and positions must be affine in the sizes, values polynomials of degree at most 2"


class Refused(Exception):
    """One way to a rule with sizes that ends."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        super().__init__()
        self.diagnostics = list(diagnostics)


def same_size(rule: Rule) -> Diagnostic:
    """Programs of one size that are not one."""
    hint = "give programs of several sizes"
    return Diagnostic("G003", "the programs do not differ in size", place=rule.name, hint=hint)


def no_function(common: Template, number: int, points: Sequence[Point], base: Rule) -> Diagnostic:
    """A hole through whose values no function goes."""
    return _misfit("G011", "no function of the sizes is", common, number, points, base, _FUNCTION)


def is_fraction(common: Template, number: int, points: Sequence[Point], base: Rule) -> Diagnostic:
    """A hole that is a fraction of the sizes where only integers can be."""
    what = "a fraction of the sizes would have to be rounded:"
    return _misfit("G012", what, common, number, points, base, _FRACTION)


def illegal(error: CompileError, what: str, place: str) -> list[Diagnostic]:
    """A rule with sizes, or what it is at some size, that is not legal."""
    return [Diagnostic("G013", f"{what}: {d.message}", hint=d.hint, place=place) for d in error.diagnostics]


def unlike(difference: Difference, rules: Sequence[Rule], points: Sequence[Point]) -> Diagnostic:
    """A statement that the programs do not have in common; rules and points are those that were compared."""
    place = f"{rules[difference.number].name} at {listed([points[difference.number]])}"
    return _located("G010", difference.node, difference.reason, place, ALIKE)


def _misfit(
    code: str, what: str, common: Template, number: int, points: Sequence[Point], base: Rule, hint: str
) -> Diagnostic:
    hole, place = common.holes[number], common.places[number][0]
    values = ", ".join(str(v) for v in hole.values)
    node = base.statements[place] if place >= 0 else base
    return _located(code, node, f"{what} {values} at {listed(points)}", f"{base.name} at {listed(points[:1])}", hint)


def _located(code: str, node: Rule | Statement | Constant, message: str, place: str, hint: str) -> Diagnostic:
    """A diagnostic on a part of a rule: at its place in the file, if it comes from one."""
    is_read = node.location is not None and node.location.file
    text = f"`{describe(node)}`: {message}"
    return Diagnostic(code, text, node.location if is_read else None, hint, "", place)
