"""What the sizes of a rule must satisfy: collected while proving that nothing can go wrong.

A proof is about a system of inequalities over indices and sizes that describes how something goes wrong. If it has no
solution, nothing needs to be assumed; if it has some for certain sizes only, those sizes are excluded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ddcompile.analysis.polyhedra import implies, is_empty, project
from ddcompile.ir.affine import Affine

__all__ = ["Condition", "Conditions"]

Condition = tuple[Affine, ...]
"""Forms of sizes of which at least one is to be at least 0."""

_MOST = 16
"""Conditions that a rule may have."""
_CHOICES = 4
"""Forms that a condition may have."""


class Conditions:
    """Conditions on sizes, which are positive."""

    def __init__(self, sizes: Sequence[str]) -> None:
        self._sizes = tuple(sizes)
        self._found: list[Condition] = []
        self._known = [Affine.of(-1, {name: 1}, (name,)) for name in sizes]

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
        condition = tuple(c for form in causes if not is_empty([*self._known, c := -form - 1]))
        if not condition or len(condition) > _CHOICES or len(self._found) >= _MOST:
            return False
        self._found.append(condition)
        if len(condition) == 1:
            self._known.append(condition[0])
        return True
