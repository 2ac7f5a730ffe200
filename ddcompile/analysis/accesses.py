"""Whether the reads, remainders and reductions of a rule with sizes are in order for all sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product

from ddcompile.analysis.cases import Cases, System
from ddcompile.analysis.conditions import Conditions
from ddcompile.analysis.regions import Region, outside
from ddcompile.ir.affine import Affine
from ddcompile.ir.nodes import Binary, Binding, Expr, Read, Reduce, Softmax
from ddcompile.ir.printer import describe
from ddcompile.ir.scopes import Scope, binders_of, needed_binders
from ddcompile.ir.traverse import free_indices

__all__ = ["Accesses", "Modulus", "Sides", "Tensor"]

Sides = tuple[bool, bool]
"""Whether a position may lie below 0, and beyond the extent."""
Modulus = tuple[int, int]
"""How often a modulus must be added and subtracted at most to get into range: 0, 1, or 2 for more often."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """The extents of a tensor, and the regions of its clauses if these leave gaps."""

    extents: tuple[Affine, ...]
    regions: tuple[Region, ...] = ()


@dataclass(slots=True)
class Accesses:
    """Checks nodes, and notes what compiled code has to test.

    Attributes
    ----------
    cases, conditions
        Of the rule.
    tensors
        What is known of every tensor.
    fault
        Called with a code, a node and what cannot be shown.
    sides
        For every padded read: on which axes and sides it may leave the tensor.
    moduli
        For every `%`: how far the operand may be out of range.
    """

    cases: Cases
    conditions: Conditions
    tensors: Mapping[str, Tensor]
    fault: Callable[[str, Expr, str], None]
    sides: dict[int, tuple[Sides, ...]] = field(default_factory=dict)
    moduli: dict[int, Modulus] = field(default_factory=dict)

    def check(self, node: Expr, scope: Scope | None) -> None:
        """Check one node of a statement."""
        match node:
            case Read(_, _, None):
                self._read(node, scope)
            case Read():
                self._padded(node, scope)
            case Binary("%", _, _):
                self._remainder(node, scope)
            case Reduce("min" | "max" | "argmax"):
                self._reduction(node, node.op, scope)
            case Softmax():
                self._reduction(node, "softmax", scope)
                self._place(node, scope)

    def _systems(self, scope: Scope | None, *exprs: Expr) -> list[System]:
        """The domain of the indices that matter to some expressions, as the verifier enumerates them."""
        names = set().union(*map(free_indices, exprs))
        return self.cases.domain(needed_binders(names, binders_of(scope)))

    def _places(self, node: Read, scope: Scope | None) -> Iterator[tuple[System, tuple[Affine, ...]]]:
        """The positions of a read in all cases."""
        for system in self._systems(scope, *node.positions):
            for places in product(*map(self.cases.of, node.positions)):
                given = [form for place in places for form in place.given]
                yield (*system, *given), tuple(place.form for place in places)

    def _read(self, node: Read, scope: Scope | None) -> None:
        tensor = self.tensors[node.tensor]
        if tensor.regions:
            undefined = (
                found
                for system, places in self._places(node, scope)
                for found in outside(tensor.regions, places, system, self.conditions)
            )
            if not self.conditions.exclude(*undefined):
                self.fault("E030", node, f"`{describe(node, 40)}` is defined by a clause")
            return
        for axis, extent in enumerate(tensor.extents):
            wrong: list[System] = []
            systems = self._systems(scope, *node.positions)
            for system, place in product(systems, self.cases.of(node.positions[axis])):
                known = (*system, *place.given)
                wrong += [(*known, -place.form - 1), (*known, place.form - extent)]
            if not self.conditions.exclude(*wrong):
                self.fault("E030", node, f"`{describe(node, 40)}` stays inside `{node.tensor}` on axis {axis}")
                return

    def _padded(self, node: Read, scope: Scope | None) -> None:
        tensor = self.tensors[node.tensor]
        if tensor.regions:
            self.fault("E030", node, f"`{node.tensor}` has no gaps where `{describe(node, 40)}` reads it")
            return
        systems = self._systems(scope, *node.positions)
        found: list[Sides] = []
        for axis, extent in enumerate(tensor.extents):
            places = list(product(systems, self.cases.of(node.positions[axis])))
            below = all(self.conditions.holds((*s, *p.given), p.form) for s, p in places)
            above = all(self.conditions.holds((*s, *p.given), extent - p.form - 1) for s, p in places)
            found.append((not below, not above))
        before = self.sides.get(id(node), ((False, False),) * len(found))
        self.sides[id(node)] = tuple((a or c, b or d) for (a, b), (c, d) in zip(before, found, strict=True))

    def _remainder(self, node: Binary, scope: Scope | None) -> None:
        systems = self._systems(scope, node.left, node.right)
        moduli = list(product(systems, self.cases.of(node.right)))
        if not self.conditions.exclude(*((*s, *m.given, -m.form) for s, m in moduli)):
            self.fault("E034", node, f"the modulus `{describe(node.right, 40)}` is positive")
            return
        below = above = 0
        for system, modulus, value in product(systems, self.cases.of(node.right), self.cases.of(node.left)):
            known = (*system, *modulus.given, *value.given)
            while below < 2 and not self.conditions.holds(known, value.form + modulus.form.scale(below)):
                below += 1
            while above < 2 and not self.conditions.holds(known, modulus.form.scale(above + 1) - value.form - 1):
                above += 1
        before = self.moduli.get(id(node), (0, 0))
        self.moduli[id(node)] = max(before[0], below), max(before[1], above)

    def _reduction(self, node: Binding, word: str, scope: Scope | None) -> None:
        for number, binder in enumerate(node.binders):
            names = free_indices(binder.lower) | free_indices(binder.upper)
            around = self.cases.domain(needed_binders(names, (*binders_of(scope), *node.binders[:number])))
            empty = (
                (*system, *low.given, *high.given, low.form - high.form)
                for system, low, high in product(around, self.cases.of(binder.lower), self.cases.of(binder.upper))
            )
            if not self.conditions.exclude(*empty):
                self.fault("E032", node, f"the range of `{binder.name}` in `{word}` is not empty")
                return

    def _place(self, node: Softmax, scope: Scope | None) -> None:
        wrong: list[System] = []
        first, end = node.binder.lower, node.binder.upper
        systems = self._systems(scope, node.position, first, end)
        cases = self.cases.of
        for system, place, low, high in product(systems, cases(node.position), cases(first), cases(end)):
            known = (*system, *place.given, *low.given, *high.given)
            wrong += [(*known, low.form - place.form - 1), (*known, place.form - high.form)]
        if not self.conditions.exclude(*wrong):
            self.fault("E030", node, f"`{describe(node, 40)}` is read where `{node.binder.name}` runs")
