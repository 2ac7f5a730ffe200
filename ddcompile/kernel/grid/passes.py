"""The passes of a rule: before, in each step of, and after its recurrence, as far as results need them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ddcompile.kernel.grid.circuits import Circuit, Leaf
from ddcompile.kernel.grid.expressions import Refused
from ddcompile.kernel.grid.streams import Pass, Stage, Stream

__all__ = ["Sections"]


@dataclass(frozen=True, slots=True)
class Sections:
    """The stages of a rule.

    Attributes
    ----------
    circuit
        All gates.
    streams
        By name.
    before, step, after
        The stages before a recurrence (or all, if there is none), of a step of it, and after it.
    carried
        From a stream of a step to the one that a later step knows it by.
    steps
        How many steps there are.
    """

    circuit: Circuit
    streams: Mapping[str, Stream]
    before: Sequence[Stage]
    step: Sequence[Stage]
    after: Sequence[Stage]
    carried: Mapping[str, str]
    steps: int

    def passes(self, sources: Collection[str], wanted: set[str]) -> tuple[list[Pass], dict[str, str], dict[str, str]]:
        """The passes; which source each stream loaded first is, and which stream of the last pass a result is.

        Parameters
        ----------
        sources
            The streams that are given.
        wanted
            The streams that are results.

        Raises
        ------
        Refused
            If a step reads what is neither computed in it nor a state.
        """
        after = self._live(self.after, wanted)
        step = self._live_step(after, wanted)
        if not step:
            stages = self._live([*self.before, *self.after], wanted)
            loads = self._read_by(stages, wanted) & set(sources)
            return [Pass(tuple(sorted(loads)), tuple(stages), (), 1, tuple(sorted(wanted)))], {s: s for s in loads}, {}
        carried = tuple((s.stream, self.carried[s.stream]) for s in step if s.stream in self.carried)
        befores = tuple(before for _, before in carried)
        if self._read_by(step, set()) - {s.stream for s in step} - set(befores):
            raise Refused("its recurrence reads what does not change with time")
        passes, loaded, kept = [], {}, {}
        before = self._live(self.before, set(befores))
        copies = {s.stream: self._copied(s) for s in before}
        if all(copies[name] in sources for name in befores):
            loaded = {name: str(copies[name]) for name in befores}
        else:
            loads = self._read_by(before, set()) & set(sources)
            loaded = {name: name for name in loads}
            passes.append(Pass(tuple(sorted(loads)), tuple(before), (), 1, befores))
        states = tuple(now for now, _ in carried)
        others = (self._read_by(after, wanted) & {s.stream for s in step}) - set(states)
        finals = (*states, *sorted(others))
        passes.append(Pass(befores, tuple(step), carried, self.steps if states else 1, finals))
        copies = {s.stream: self._copied(s) for s in after}
        if wanted <= copies.keys() and all(copies[name] in finals for name in wanted):
            kept = {name: str(copies[name]) for name in wanted}
        elif not wanted <= set(finals):
            passes.append(Pass(finals, tuple(after), (), 1, tuple(sorted(wanted))))
        return passes, loaded, kept

    def _live_step(self, after: list[Stage], wanted: set[str]) -> list[Stage]:
        """The stages of the step on which the states that are read later depend."""
        needed = self._read_by(after, wanted)
        while True:
            found = self._live(self.step, needed)
            carried = {now for now, before in self.carried.items() if before in self._read_by(found, set())}
            if carried <= needed:
                return found
            needed |= carried

    def _live(self, stages: Sequence[Stage], wanted: set[str]) -> list[Stage]:
        """The stages on which some streams depend."""
        needed, found = set(wanted), []
        for stage in reversed(stages):
            if stage.stream in needed:
                found.append(stage)
                needed |= self._read_by([stage], set())
        return found[::-1]

    def _read_by(self, stages: Sequence[Stage], others: set[str]) -> set[str]:
        """The streams that some stages read, with those of the others that they do not compute."""
        computed = {stage.stream for stage in stages}
        read = {leaf.stream for leaf in self.circuit.leaves([stage.gate for stage in stages])}
        return read | (others - computed)

    def _copied(self, stage: Stage) -> str | None:
        """The stream that a stage merely copies."""
        gate = self.circuit.gates[stage.gate]
        if isinstance(gate, Leaf) and gate.plane == 0 and not any(gate.offset):
            return gate.stream if self.streams[gate.stream].extents == self.streams[stage.stream].extents else None
        return None
