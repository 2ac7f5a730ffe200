"""Decide that a form is zero for all inputs, by the rules of the checker, or say why that is not proved.

Rules, in the order tried:

* `a`: equal normal forms (the difference is the zero form);
* `b`: threshold programmes, for step functions of two forms each (`ddcompile.prove.thresholds`), and an argmax by the
  comparisons of its candidates;
* `c`, `d`: truth tables and count tables over cuts (`ddcompile.prove.cones`).
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Literal as OneOf, TypeAlias

from ddcompile.prove.cones import tabulate
from ddcompile.prove.forms import Decline, Form, normal, subtract
from ddcompile.prove.samples import Samples
from ddcompile.prove.store import Store
from ddcompile.prove.sweep import Directions, sweep
from ddcompile.prove.thresholds import Programmes, Stairs, stairs_of

__all__ = ["RULES", "Decider", "NotProved", "RuleName"]

RuleName: TypeAlias = OneOf["a", "b", "c", "d"]
RULES: Mapping[RuleName, str] = {
    "a": "equal normal forms",
    "b": "threshold programmes",
    "c": "truth tables",
    "d": "count tables",
}

MATCH_LIMIT = 64
"""Most step functions over the same variables among which partners are sought."""
TRIALS = 4
"""Most partners tried, those with the most similar weights first."""
CANDIDATE_LIMIT = 256
"""Most candidates of an argmax compared pair by pair."""


class NotProved(Decline):
    """A form is not shown to be zero; `inputs` are values by input variable for which it is not, if some are known."""

    def __init__(self, reason: str, inputs: Mapping[int, int | Fraction] | None = None) -> None:
        super().__init__(reason)
        self.inputs = inputs


class Decider:
    """Decides equalities over one store."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._programmes = Programmes(store)
        self._samples = Samples(store)

    def equal(self, new: Form, old: Form) -> RuleName:
        """The rule that shows two forms equal for all inputs.

        Raises
        ------
        NotProved
            If no rule does.
        """
        difference = normal(subtract(new, old))
        if not difference.terms:
            if difference.const == 0:
                return "a"
            raise NotProved("they differ by a constant", {})
        if self._by_thresholds(difference) or self._by_candidates(difference):
            return "b"
        inputs = self._samples.refute(difference)
        if inputs is not None:
            raise NotProved("they differ", inputs)
        swept = sweep(self.store, self._programmes, new, old)
        if swept is not None:
            difference = normal(subtract(swept, old))
            if not difference.terms and difference.const == 0:
                return "b"
            if self._by_thresholds(difference):
                return "b"
        verdict = tabulate(self.store, difference)
        if verdict.zero:
            return "d" if verdict.classes else "c"
        raise NotProved("no rule shows them equal" if verdict.inputs is None else "they differ", verdict.inputs)

    def _by_thresholds(self, difference: Form) -> bool:
        """Rule b: step functions of integral forms cancel in pairs over the same variables."""
        found = stairs_of(self.store, difference.terms)
        if found is None:
            return False
        functions, rest = found[0], difference.const + found[1]
        if len(functions) == 2:
            total = self._programmes.constant_sum(functions[0], functions[1])
            return total is not None and total + rest == 0
        groups: dict[frozenset[int], list[Stairs]] = {}
        for function in functions:
            groups.setdefault(frozenset(function.form.terms), []).append(function)
        if any(len(group) > MATCH_LIMIT for group in groups.values()):
            return False
        for group in groups.values():
            while group:
                value = self._cancel(group)
                if value is None:
                    return False
                rest += value
        return rest == 0

    def _cancel(self, group: list[Stairs]) -> int | None:
        """Remove the last function, with a partner if need be, whose sum is constant; that constant."""
        first = group.pop()
        for k in Directions([other.form for other in group]).nearest(first.form)[:TRIALS]:
            if abs(sum(first.jumps)) == abs(sum(group[k].jumps)):
                found = self._programmes.constant_sum(first, group[k])
                if found is not None:
                    del group[k]
                    return found
        return self._programmes.constant_sum(first, None)

    def _by_candidates(self, difference: Form) -> bool:
        """Rule b: two argmax agree where all comparisons between candidates do."""
        if len(difference.terms) != 2 or difference.const or sum(difference.terms.values()):
            return False
        first, second = (self.store.nodes[v] for v in difference.terms)
        if first.kind != "argmax" or second.kind != "argmax" or len(first.operands) != len(second.operands):
            return False
        count = len(first.operands)
        if count > CANDIDATE_LIMIT:
            return False
        for i in range(count):
            for j in range(i + 1, count):
                one = self.store.at_least(subtract(first.operands[i], first.operands[j]))
                other = self.store.at_least(subtract(second.operands[i], second.operands[j]))
                change = normal(subtract(one, other))
                if (change.terms or change.const) and not (change.terms and self._by_thresholds(change)):
                    return False
        return True
