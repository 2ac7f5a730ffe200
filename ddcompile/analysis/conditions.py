"""What the sizes of a rule must satisfy: collected while proving that nothing can go wrong.

A proof is about a system of inequalities over indices and sizes that describes how something goes wrong. If it has no
solution, nothing needs to be assumed; if it has some for certain sizes only, those sizes are excluded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ddcompile.analysis.polyhedra import implies, is_empty, project
from ddcompile.ir.affine import Affine
from ddcompile.ir.printer import print_expression

__all__ = ["Condition", "Conditions", "condition_text"]

Condition = tuple[Affine, ...]
"""Forms of sizes of which at least one is to be at least 0."""

_MOST = 16
"""Conditions that a rule may have."""
_USUAL = 1 << 24
"""What only larger sizes satisfy is no condition: it comes from ranges that hold for all sizes."""
_CHOICES = 4
"""Forms that a condition may have."""


def condition_text(condition: Condition) -> str:
    """A condition for the reader: `N >= 4`, `M >= N or N >= 9`."""
    return " or ".join(map(_text, condition))


def _text(form: Affine) -> str:
    sizes = tuple(form.sizes)
    above = Affine.of(0, {name: value for name, value in form.terms if value > 0}, sizes)
    below = above - form + form.constant
    constant = form.constant
    if above.is_constant:
        return f"{print_expression(below.to_expr())} <= {constant}"
    if below.is_constant or constant < 0:
        below, constant = below - constant, 0
    return f"{print_expression((above + constant).to_expr())} >= {print_expression(below.to_expr())}"


class Conditions:
    """Conditions on sizes, which are positive."""

    def __init__(self, sizes: Sequence[str]) -> None:
        self._sizes = tuple(sizes)
        self._found: list[Condition] = []
        self._known = [Affine.of(-1, {name: 1}, (name,)) for name in sizes]
        self._usual = [Affine.of(_USUAL, {name: -1}, (name,)) for name in sizes]

    @property
    def found(self) -> tuple[Condition, ...]:
        """The conditions so far, without those that follow from others."""
        single = [condition[0] for condition in self._found if len(condition) == 1]
        positive = self._known[: len(self._sizes)]
        kept = list(single)
        for form in single:
            others = [other for other in kept if other is not form]
            if implies([*positive, *others], form):
                kept = others
        several = [c for c in self._found if len(c) > 1 and not any(implies(self._known, form) for form in c)]
        return (*((form,) for form in kept), *dict.fromkeys(several))

    def holds(self, system: Iterable[Affine], form: Affine) -> bool:
        """Whether it is proved that a form is at least 0 wherever a system is satisfied, for all sizes not excluded."""
        return implies([*self._known, *system], form)

    def is_impossible(self, system: Iterable[Affine]) -> bool:
        """Whether it is proved that a system has no solution, for all sizes not excluded."""
        return is_empty([*self._known, *system])

    def exclude(self, *systems: Iterable[Affine]) -> bool:
        """Exclude the sizes for which one of some systems may have a solution.

        Returns
        -------
        bool
            Whether other sizes are left; if not, nothing is excluded.
        """
        before = list(self._found), list(self._known)
        for system in systems:
            if not self._exclude(system):
                self._found, self._known = before
                return False
        return True

    def _exclude(self, system: Iterable[Affine]) -> bool:
        rest = project([*self._known, *system], self._sizes)
        if rest is None:
            return True
        causes = [form for form in rest if not implies(self._known, form)]
        condition = tuple(c for form in causes if not is_empty([*self._known, *self._usual, c := -form - 1]))
        if not condition or len(condition) > _CHOICES or len(self._found) >= _MOST:
            return False
        if len(condition) == 1:
            self._replace(condition[0])
        self._found.append(condition)
        return True

    def _replace(self, form: Affine) -> None:
        """Know a new form, and forget those that follow from it."""
        positive = self._known[: len(self._sizes)]
        single = [known for known in self._known[len(positive) :] if not implies([*positive, form], known)]
        self._known = [*positive, *single, form]
        self._found = [condition for condition in self._found if len(condition) > 1 or condition[0] in single]
