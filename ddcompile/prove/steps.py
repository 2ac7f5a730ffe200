"""One rewrite step: every element of every tensor of the new program means what the witness says.

Meanings are forms over the inputs, made from the old program's own definitions. A new tensor means what the witness
writes; without clauses there it means the old tensor of its name and shape; where there is none, its own definition.
The obligation for an element is that its definition in the new program, every read replaced by the meaning of what is
read, equals its meaning. By induction along the evaluation order of the new program, which is checked to be without
cycles, every element then has its meaning as value, and results have those of the old program.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Literal as OneOf, Protocol, TypeAlias

from ddcompile.diagnostics import CompileError
from ddcompile.ir import verifier
from ddcompile.ir.nodes import Constant, Rule, Statement
from ddcompile.prove.decide import Decider, NotProved, RuleName
from ddcompile.prove.definitions import Clauses, Definitions, complete, components, input_tables
from ddcompile.prove.elements import Model, Table, name_of
from ddcompile.prove.forms import Decline, Form
from ddcompile.prove.machine import Machine
from ddcompile.prove.renaming import copied, renamed
from ddcompile.prove.store import Store
from ddcompile.prove.verdict import Failure, Verdict

__all__ = ["WitnessClauses", "WitnessLike", "check_results", "check_step", "interface_fault"]

Source: TypeAlias = OneOf["witness", "old", "itself"]
Element: TypeAlias = tuple[str, int]


class WitnessLike(Protocol):
    """What a pass hands over beside its program."""

    @property
    def statements(self) -> tuple[Statement, ...]:
        """Clauses that write tensors of the new program as expressions over tensors of the old one."""

    @property
    def constants(self) -> tuple[Constant, ...]:
        """Constants that these clauses read."""


@dataclass(frozen=True, slots=True)
class WitnessClauses:
    """A witness read from text."""

    statements: tuple[Statement, ...] = ()
    constants: tuple[Constant, ...] = ()


class _Unproved(Exception):
    """An obligation that fails."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure


def interface_fault(first: Rule, second: Rule) -> str:
    """Why two rules do not take and give the same things, or an empty text."""
    for title, ours, theirs in (("inputs", first.inputs, second.inputs), ("results", first.outputs, second.outputs)):
        if [d.name for d in ours] != [d.name for d in theirs]:
            return f"the {title} have different names or another order"
        for a, b in zip(ours, theirs, strict=True):
            if a.type != b.type:
                return f"{a.name} is declared with different types"
    if first.sizes or second.sizes:
        return "the rules have sizes; specialise them first"
    return ""


def check_step(old: Rule, new: Rule, witness: WitnessLike | None = None, *, verify: bool = True) -> Verdict:
    """Check that a rewrite keeps the meaning of a program.

    Parameters
    ----------
    old, new
        Two rules without sizes.
    witness
        Clauses, and constants for them, that write tensors of `new` as expressions over tensors of `old`.
    verify
        Whether to run the verifier of the IR on both rules first.

    Returns
    -------
    Verdict
        `proved`, or `failed` with the first obligation that is not shown.
    """
    witness = WitnessClauses() if witness is None else witness
    try:
        if verify:
            verifier.check(old)
            verifier.check(new)
        fault = interface_fault(old, new)
        if fault:
            raise Decline(fault)
    except CompileError as error:
        return Verdict("failed", {}, Failure("rule", error.diagnostics[0].message))
    except Decline as reason:
        return Verdict("failed", {}, Failure("rule", str(reason)))
    return _any_way(lambda store: _checked(store, old, new, witness))


def _any_way(check: Callable[[Store], Verdict]) -> Verdict:
    """The verdict with thresholds as they are; where it shows nothing, that with thresholds of thresholds joined.

    Where this shows nothing either, functions of a few bits are taken as polynomials.
    """
    verdict = check(Store())
    if verdict or (verdict.failure is not None and verdict.failure.inputs):
        return verdict
    others = (check(store) for store in (Store(joins=True), Store(expands=True)))
    return next((other for other in others if other), verdict)


def _checked(store: Store, old: Rule, new: Rule, witness: WitnessLike) -> Verdict:
    counts: Counter[RuleName] = Counter()
    try:
        _Step(store, old, new, witness, counts).run()
    except _Unproved as unproved:
        return Verdict("failed", dict(counts), unproved.failure)
    except CompileError as error:
        return Verdict("failed", dict(counts), Failure("rule", error.diagnostics[0].message))
    except Decline as reason:
        return Verdict("failed", dict(counts), Failure("rule", str(reason)))
    return Verdict("proved", dict(counts))


def check_results(first: Rule, second: Rule) -> Verdict:
    """Compare two rules with equal interfaces by the meanings of their results, without any witness."""
    return _any_way(lambda store: _compared(store, first, second))


def _compared(store: Store, first: Rule, second: Rule) -> Verdict:
    counts: Counter[RuleName] = Counter()
    try:
        decider = Decider(store)
        inputs = input_tables(store, first.inputs)
        sides = [Definitions(store, Model.of(rule), inputs) for rule in (first, second)]
        for d in first.outputs:
            ours, theirs = (side[d.name] for side in sides)
            for flat, (a, b) in enumerate(zip(ours.forms, theirs.forms, strict=True)):
                if a is None or b is None:
                    raise Decline(f"{d.name} has undefined elements")
                _compare(decider, d.name, ours.shape, flat, a, b, counts)
    except _Unproved as unproved:
        return Verdict("failed", dict(counts), unproved.failure)
    except Decline as reason:
        return Verdict("failed", dict(counts), Failure("rule", str(reason)))
    return Verdict("proved", dict(counts))


def _compare(
    decider: Decider, tensor: str, shape: Sequence[int], flat: int, new: Form, old: Form, counts: Counter[RuleName]
) -> None:
    try:
        counts[decider.equal(new, old)] += 1
    except NotProved as unproved:
        inputs = _named(decider.store, unproved.inputs or {})
        reason = f"its definition is not shown equal to its meaning: {unproved}"
        raise _Unproved(Failure(name_of(tensor, shape, flat), reason, inputs=inputs)) from None


def _named(store: Store, inputs: Mapping[int, int | Fraction]) -> dict[str, int | str]:
    """Values by the names of input elements."""
    named: dict[str, int | str] = {}
    for v, value in inputs.items():
        if v in store.spins:
            value = 2 * value - 1
        named[store.nodes[v].name] = value if isinstance(value, int) else str(value)
    return named


class _Meanings(dict[str, Table]):
    """Tables by tensor; those of the old program are made when first asked for."""

    def __init__(self, inputs: Mapping[str, Table], old: Mapping[str, Table]) -> None:
        super().__init__(inputs)
        self.old = old
        self.source: Mapping[str, Source] = {}
        self.same: dict[str, str] = {}
        """Old tensors by new ones with their meanings."""

    def __missing__(self, name: str) -> Table:
        if name not in self.same and self.source.get(name) != "old":
            raise Decline(f"{name} is read before it has a meaning")
        self[name] = self.old[self.same.get(name, name)]
        return self[name]


class _Step:
    """The parts of one step and its obligations."""

    def __init__(
        self,
        store: Store,
        old: Rule,
        new: Rule,
        witness: WitnessLike,
        counts: Counter[RuleName],
    ) -> None:
        self.store, self.old, self.new, self.counts = store, old, new, counts
        self.decider = Decider(self.store)
        self.inputs = input_tables(self.store, old.inputs)
        self.old_model, self.new_model = Model.of(old), Model.of(new)
        self.old_tables = Definitions(self.store, self.old_model, self.inputs)
        self.witness = Model.of_witness(witness.statements, witness.constants, self.old_model)
        self.witness_clauses = Clauses(self.witness)
        self.witness_machine = Machine(self.store, self.old_tables, self.witness.constants)
        self.clauses = Clauses(self.new_model)
        self.meanings = _Meanings(self.inputs, self.old_tables)
        self.machine = Machine(self.store, self.meanings, self.new_model.constants)
        self.source = self.meanings.source = self._sources()

    def _sources(self) -> dict[str, Source]:
        results = {d.name for d in self.new.outputs}
        source: dict[str, Source] = {}
        for name in self.new_model.owner:
            same = name in self.old_model.owner and self.old_model.shape[name] == self.new_model.shape[name]
            source[name] = "old" if same else "itself"
        for name in self.witness.owner:
            if name in results or name in self.inputs:
                raise Decline(f"the witness gives {name} another meaning, but inputs and results keep theirs")
            if name not in source:
                raise Decline(f"the witness gives a meaning to {name}, which is no tensor of the new program")
            if self.witness.shape[name] != self.new_model.shape[name]:
                raise Decline(f"the witness gives {name} another shape")
            source[name] = "witness"
        for name in results:
            if source[name] != "old":
                raise Decline(f"the result {name} changes its shape")
        return source

    def run(self) -> None:
        """Show all obligations, tensor by tensor in evaluation order."""
        kept = self._renamed()
        for group in components(self.new_model):
            if kept.issuperset(group):
                for name in group:
                    self.counts["a"] += sum(1 for _ in self.clauses.elements(name))
                continue
            for name in group:
                if self.source[name] == "witness":
                    self.meanings[name] = self._witnessed(name)
            complete(self.clauses, self.machine, self.meanings, [n for n in group if self.source[n] == "itself"])
            self._obligations(group)

    def _renamed(self) -> set[str]:
        """Tensors with the clauses of the old tensors that they mean, whose meanings they take over."""
        means = {name: name for name, how in self.source.items() if how == "old"}
        for name in self.witness.owner:
            clauses = [s for s in self.witness.statements if s.target == name]
            tensor = copied(clauses, self.witness.shape[name], self.old_model)
            if tensor is not None:
                means[name] = tensor
        kept = renamed(self.old, self.new, (self.old_model, self.new_model), means)
        self.meanings.same.update({name: means[name] for name in kept})
        return kept

    def _witnessed(self, name: str) -> Table:
        """The meanings that the witness gives to the elements of a tensor that the new program defines."""
        shape = self.witness.shape[name]
        table = Table(name, shape, [None] * prod(shape))
        defined = set(self.clauses.elements(name))
        for flat in self.witness_clauses.elements(name):
            if flat not in defined:
                continue
            try:
                table.forms[flat] = self.witness_clauses.evaluate(self.witness_machine, name, flat)
            except Decline as reason:
                raise _Unproved(Failure(name_of(name, shape, flat), f"its meaning: {reason}")) from None
        return table

    def _obligations(self, group: Sequence[str]) -> None:
        """The obligations of tensors that may read one another, and that they do so without a cycle."""
        recurrent = len(group) > 1 or group[0] in self.new_model.reads(group[0])
        if recurrent:
            self._bits(group)
        edges: dict[Element, list[Element]] = {}
        for name in group:
            table = self.meanings[name]
            if self.source[name] == "itself" and not recurrent:
                self.counts["a"] += sum(1 for _ in self.clauses.elements(name))
                continue
            for flat in self.clauses.elements(name):
                self.machine.trace = [] if recurrent else None
                try:
                    form = self.clauses.evaluate(self.machine, name, flat)
                except Decline as reason:
                    raise _Unproved(Failure(name_of(name, table.shape, flat), str(reason))) from None
                if self.machine.trace is not None:
                    edges[(name, flat)] = [read for read in self.machine.trace if read[0] in group]
                meaning = table.forms[flat]
                if meaning is None:
                    raise _Unproved(Failure(name_of(name, table.shape, flat), "its meaning is not defined"))
                _compare(self.decider, name, table.shape, flat, form, meaning, self.counts)
        self.machine.trace = None
        cycle = _cycle(edges)
        if cycle is not None:
            place = name_of(cycle[0], self.meanings[cycle[0]].shape, cycle[1])
            raise _Unproved(Failure(place, "it depends on itself"))

    def _bits(self, group: Sequence[str]) -> None:
        """That meanings of bits are bits by themselves: others may be read before they are shown to be the values."""
        for name in group:
            if not self.new_model.flags[name].bit or self.source[name] == "itself" or name in self.meanings.same:
                continue
            if self.source[name] == "old" and self.old_model.flags[name].bit:
                continue
            table = self.meanings[name]
            for flat, form in enumerate(table.forms):
                if form is not None and not self.store.is_bit(form):
                    place = name_of(name, table.shape, flat)
                    raise _Unproved(Failure(place, "its meaning is not visibly 0 or 1, as all its definitions are"))


def _cycle(edges: Mapping[Element, Sequence[Element]]) -> Element | None:
    """An element on a cycle of reads."""
    waiting = {element: len(set(reads)) for element, reads in edges.items()}
    readers: dict[Element, list[Element]] = {}
    for element, reads in edges.items():
        for read in set(reads):
            readers.setdefault(read, []).append(element)
    ready = [element for element, count in waiting.items() if not count]
    done = 0
    while ready:
        element = ready.pop()
        done += 1
        for reader in readers.get(element, ()):
            waiting[reader] -= 1
            if not waiting[reader]:
                ready.append(reader)
    return None if done == len(edges) else next(e for e, count in waiting.items() if count)
