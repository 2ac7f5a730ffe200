"""What a rule computes on a grid: streams of bits, the stages that make them from one another, and time.

A stream is a tensor of bits, or what a tensor is at constant leading positions. A stage gives every element of a stream
by one circuit over elements of others at constant offsets. A recurrence over time is one step, a few stages, that is
repeated. The passes of a plan run one after the other over the whole grid.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import product

from ddcompile.ir.nodes import Binder, Read, Rule, Statement
from ddcompile.ir.types import Types
from ddcompile.kernel.grid.circuits import Circuit, Leaf, TooLarge
from ddcompile.kernel.grid.expressions import Environment, Place, Refused, Translator
from ddcompile.kernel.grid.passes import Sections
from ddcompile.kernel.grid.positions import TIME, constant, extent_of, in_time, span
from ddcompile.kernel.grid.sharing import Planes
from ddcompile.kernel.grid.streams import Plan, Stage, Stream
from ddcompile.kernel.grid.sums import Form

__all__ = ["Refused", "plan"]

_STREAMS = 64
"""Streams that a rule may have: tensors times what they have of leading positions."""
_EDGE = 128
"""How far from an end of an axis positions may be compared with numbers."""
_BEFORE, _STEP, _AFTER = range(3)


def plan(rule: Rule, types: Types) -> Plan:
    """How to compute a rule without sizes on a grid of bits.

    Raises
    ------
    Refused
        If the rule is not of this form; says why.
    """
    for declaration in (*rule.inputs, *rule.outputs):
        if declaration.type.kind != "bit":
            raise Refused(f"`{declaration.name}` is no tensor of bits")
        if not declaration.type.shape:
            raise Refused(f"`{declaration.name}` has no axis")
    if not rule.inputs:
        raise Refused("there is no input")
    most = min(len(d.type.shape) for d in (*rule.inputs, *rule.outputs))
    reasons: list[str] = []
    for rank in range(most, 0, -1):
        found: list[Plan] = []
        for sharing in ("none", "summed", "compared"):
            try:
                found.append(_Planner(rule, types, rank, sharing).run())
            except Refused as refusal:
                reasons.append(str(refusal))
            except TooLarge:
                reasons.append("its circuit has too many gates")
        if found:
            return min(found, key=lambda p: p.operations)
    raise Refused(reasons[0])


class _Planner:
    """Plans for grids of one rank; tensors have their other axes in front."""

    def __init__(self, rule: Rule, types: Types, rank: int, sharing: str) -> None:
        self.rule, self.types, self.rank = rule, types, rank
        self.circuit = Circuit()
        self.planes = Planes(self.circuit)
        self.streams: dict[str, Stream] = {}
        self.fills: dict[str, int] = {}
        self.wrapped: set[int] = set()
        self.clipped: set[int] = set()
        self.stages: list[list[Stage]] = [[], [], []]
        self.carried: dict[str, str] = {}
        self.timed: set[str] = set()
        """The tensors of the recurrence."""
        self.section = _BEFORE
        self.steps = 0
        self.known: dict[tuple[str, tuple[int, ...]], tuple[str, int]] = {}
        """The stream of a tensor at its leading positions, and the section in which it is made."""
        self.inlined: dict[str, list[Statement]] = {}
        self.depth = 0
        self.own: tuple[int, ...] = ()
        """The extents of the grid that a clause is of."""
        self.pinned: dict[int, int] = {}
        """Where a clause is along axes of which it has one position."""
        self.within: dict[tuple[int, tuple[int, ...]], str] = {}
        """Streams that are 1 all over a grid, by section and extents: beyond it they are 0."""
        keep, share = (lambda form: form), self.planes.shared
        self.translator = Translator(
            self.circuit,
            self._read,
            lambda expr: types.of(expr).is_bit,
            share if sharing == "summed" else keep,
            share if sharing == "compared" else keep,
            self._modulus,
            self._reaches,
        )

    def run(self) -> Plan:
        inputs = []
        for declaration in self.rule.inputs:
            shape = self.types.shape[declaration.name]
            for number, leading in enumerate(product(*map(range, self._leading(shape)))):
                inputs.append((declaration.name, number, self._stream(declaration.name, leading, shape)))
        for position, group in enumerate(self.types.order):
            statements = [self.rule.statements[k] for k in group]
            if position in self.types.recurrences:
                self._recurrence(statements)
            elif all(self.types.tensor[s.target].is_bit for s in statements) and statements[0].positions:
                self._tensor(statements)
            else:
                self.inlined[statements[0].target] = statements
        results = []
        for declaration in self.rule.outputs:
            if declaration.name in self.timed:
                raise Refused(f"every state of `{declaration.name}` is a result")
            shape = self.types.shape[declaration.name]
            for number, leading in enumerate(product(*map(range, self._leading(shape)))):
                results.append((declaration.name, number, self.known[declaration.name, leading][0]))
        return self._plan(inputs, results)

    # --- streams -----------------------------------------------------------------------------------------------------

    def _leading(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The extents of the axes in front of the grid's."""
        if len(shape) < self.rank:
            raise Refused("tensors have different numbers of axes")
        return shape[: len(shape) - self.rank]

    def _stream(self, tensor: str, leading: tuple[int, ...], shape: tuple[int, ...], suffix: str = "") -> str:
        if len(self.streams) >= _STREAMS:
            raise Refused(f"it has more than {_STREAMS} grids of bits")
        name = "_".join([tensor, *map(str, leading)]) + suffix
        while name in self.streams:
            name += "_"
        self.streams[name] = Stream(name, shape[len(shape) - self.rank :])
        if not suffix:
            self.known[tensor, leading] = name, self.section
        return name

    def _modulus(self, axis: int) -> int:
        """The extent of an axis that wraps around."""
        shape = self.types.shape[self.rule.inputs[0].name]
        return shape[len(shape) - self.rank + axis] if axis != TIME else 0

    # --- statements --------------------------------------------------------------------------------------------------

    def _tensor(self, statements: Sequence[Statement]) -> None:
        """A tensor of bits that does not read itself."""
        shape = self.types.shape[statements[0].target]
        for (tensor, leading), gate in self._gates(statements).items():
            self.stages[self.section].append(Stage(self._stream(tensor, leading, shape), gate))

    def _gates(
        self, statements: Sequence[Statement], lead: Callable[[Statement], Environment] | None = None
    ) -> dict[tuple[str, tuple[int, ...]], int]:
        """The gates of tensors at leading positions, behind that of time if there is a `lead`.

        Where clauses define parts of the grid, the gate is that of the clause in its part.
        """
        found: dict[tuple[str, tuple[int, ...]], int] = {}
        for statement in statements:
            shape = self.types.shape[statement.target]
            for leading, environment in self._clause(statement, shape, None if lead is None else lead(statement)):
                gate = self.translator.bit(statement.value, environment)
                part = self.circuit.conjunction(self._part(statement), gate)
                key = statement.target, leading
                found[key] = self.circuit.disjunction(found[key], part) if key in found else part
        return found

    def _part(self, statement: Statement) -> int:
        """The gate that says whether an element is of a clause."""
        found = self.circuit.one
        front = len(statement.positions) - self.rank
        for axis, position in enumerate(statement.positions[front:]):
            low, high = extent_of(position)
            found = self.circuit.conjunction(found, self._reaches(axis, low))
            found = self.circuit.conjunction(found, self.circuit.negation(self._reaches(axis, high)))
        return found

    def _reaches(self, axis: int, position: int) -> int:
        """The gate that says whether the own position along an axis is at least this: a constant that is shifted."""
        extent = self.own[axis]
        if position <= 0 or position >= extent:
            return self.circuit.constant(position <= 0)
        if min(position, extent - position) > _EDGE:
            raise Refused(f"a position is compared with {position}, far from both ends of an axis")
        key = self.section, self.own
        if key not in self.within:
            self.within[key] = self._stream("within", (self.section,), self.own, suffix="_grid")
            self.stages[self.section].append(Stage(self.within[key], self.circuit.one))
        self.clipped.add(axis)
        is_early = position <= _EDGE
        offset = [0] * self.rank
        offset[axis] = -position if is_early else extent - position
        gate = self.circuit.leaf(Leaf(self.within[key], 0, tuple(offset)))
        return gate if is_early else self.circuit.negation(gate)

    def _clause(
        self, statement: Statement, shape: tuple[int, ...], lead: Environment | None
    ) -> Iterator[tuple[tuple[int, ...], Environment]]:
        """The leading positions of a clause, and what indices stand for."""
        skipped = 0 if lead is None else 1
        front = len(shape) - self.rank
        if front < skipped:
            raise Refused("tensors have different numbers of axes")
        grid: dict[str, Place | int] = dict(lead or {})
        self.own, self.pinned = shape[front:], {}
        for axis, position in enumerate(statement.positions[front:]):
            if isinstance(position, Binder):
                grid[position.name] = Place(axis)
            else:
                self.pinned[axis] = constant(position)
        choices: list[list[tuple[str, int]]] = []
        for position in statement.positions[skipped:front]:
            if isinstance(position, Binder):
                choices.append([(position.name, k) for k in range(*span(position))])
            else:
                choices.append([("", constant(position))])
        for chosen in product(*choices):
            yield tuple(k for _, k in chosen), {**grid, **dict(chosen)}

    def _recurrence(self, statements: Sequence[Statement]) -> None:
        """Tensors over time: the clauses for step 0, then those for the others."""
        if self.section != _BEFORE:
            raise Refused("there is more than one recurrence")
        first, later = [], []
        for statement in statements:
            position = statement.positions[0] if statement.positions else None
            if isinstance(position, Binder):
                later.append((statement, span(position)))
            elif position is not None and constant(position) == 0:
                first.append(statement)
            else:
                raise Refused(f"`{statement.target}` is no recurrence over time alone")
        spans = {times for _, times in later}
        if any(low != 1 for low, _ in spans):
            raise Refused(f"`{statements[0].target}` is no recurrence over time alone")
        if len(spans) != 1:
            raise Refused("its recurrences do not have the same steps")
        self.steps = next(iter(spans))[1] - 1
        self.timed = {statement.target for statement in statements}
        for statement in statements:
            self._bits_only(statement.target)
        for (tensor, leading), gate in self._gates(first, lambda _: {}).items():
            before = self._stream(tensor, leading, self.types.shape[tensor], suffix="_before")
            self.known[tensor, (TIME, *leading)] = before, _STEP
            self.stages[_BEFORE].append(Stage(before, gate))
        self.section = _STEP
        for target in dict.fromkeys(statement.target for statement, _ in later):
            own = [statement for statement, _ in later if statement.target == target]
            for (tensor, leading), gate in self._gates(own, in_time).items():
                stream = self._stream(tensor, leading, self.types.shape[tensor])
                self.stages[_STEP].append(Stage(stream, gate))
                if (tensor, (TIME, *leading)) in self.known:
                    self.carried[stream] = self.known[tensor, (TIME, *leading)][0]
        self.section = _AFTER

    def _bits_only(self, tensor: str) -> None:
        if not self.types.tensor[tensor].is_bit:
            raise Refused(f"`{tensor}` is no tensor of bits")

    # --- reads -------------------------------------------------------------------------------------------------------

    def _read(self, read: Read, positions: tuple[Place | int, ...]) -> Form:
        tensor = read.tensor
        if tensor in self.types.scaled:
            return self._table(tensor, positions)
        if tensor in self.inlined:
            return self._written_out(read, positions)
        front = len(positions) - self.rank
        positions = tuple(self._beside(axis - front, position) for axis, position in enumerate(positions))
        where = [(p, axis) for p, axis in zip(positions[len(positions) - self.rank :], range(self.rank), strict=False)]
        if len(positions) < self.rank or any(isinstance(p, int) or p.axis != axis for p, axis in where):
            raise Refused(f"a read of `{tensor}` is not at a fixed offset along every axis")
        stream = self._at(read, positions[: len(positions) - self.rank])
        for place, axis in where:
            assert isinstance(place, Place)
            if place.wraps and place.offset:
                self.wrapped.add(axis)
            elif place.offset:
                self.clipped.add(axis)
        if read.pad is not None:
            fill = constant(read.pad)
            if fill not in (0, 1) or self.fills.setdefault(stream, fill) != fill:
                raise Refused(f"`{tensor}` is continued in more than one way")
        offset = tuple(place.offset for place, _ in where if isinstance(place, Place))
        return Form(0, ((self.circuit.leaf(Leaf(stream, 0, offset)), 1),))

    def _beside(self, axis: int, position: Place | int) -> Place | int:
        """A position along an axis of which the clause has one: what it is from there."""
        if isinstance(position, Place) or axis not in self.pinned:
            return position
        offset = position - self.pinned[axis]
        if abs(offset) > _EDGE:
            raise Refused(f"position {position} is read at position {self.pinned[axis]}, far from it")
        return Place(axis, offset)

    def _at(self, read: Read, leading: tuple[Place | int, ...]) -> str:
        """The stream of a tensor at leading positions, in time too."""
        tensor, rest = read.tensor, leading
        if leading and isinstance(leading[0], Place):
            if leading[0].axis != TIME or leading[0].offset not in (0, -1):
                raise Refused(f"a read of `{tensor}` is not at a fixed offset along every axis")
            rest = leading[1:]
            key = rest if leading[0].offset == 0 else (TIME, *rest)
        elif self.section == _AFTER and tensor in self.timed:
            if leading[0] != self.steps:
                raise Refused(f"a state of `{tensor}` before the last is read")
            key = rest = leading[1:]
        else:
            key = leading
        if any(isinstance(p, Place) for p in rest):
            raise Refused(f"a read of `{tensor}` is not at a fixed offset along every axis")
        found = self.known.get((tensor, tuple(p if isinstance(p, int) else 0 for p in key)))
        if found is None:
            raise Refused(f"a read of `{tensor}` is of no grid")
        stream, section = found
        is_last = self.section == _AFTER and section == _STEP
        if section != self.section and not is_last and not (self.section == _STEP and key and key[0] == TIME):
            where = "in" if self.section == _STEP else "after"
            raise Refused(f"`{tensor}`, which does not change with time, is read {where} the recurrence")
        return stream

    def _table(self, tensor: str, positions: tuple[Place | int, ...]) -> Form:
        if any(isinstance(p, Place) for p in positions):
            raise Refused(f"an element of `{tensor}` depends on the place")
        where = tuple(p for p in positions if isinstance(p, int))
        value = Fraction(int(self.types.scaled[tensor][where]), 1 << self.types.tensor[tensor].exponent)
        return Form(value)

    def _written_out(self, read: Read, positions: tuple[Place | int, ...]) -> Form:
        """A tensor of numbers, by the clause that defines the element."""
        if read.pad is not None:
            raise Refused(f"`{read.tensor}` is continued and no tensor of bits")
        shape = self.types.shape[read.tensor]
        if self.depth > 20:
            raise Refused("tensors of numbers read one another too deeply")
        for statement in self.inlined[read.tensor]:
            environment: dict[str, Place | int] = {}
            for given, own, extent in zip(positions, statement.positions, shape, strict=True):
                if not isinstance(own, Binder):
                    if isinstance(given, Place):
                        raise Refused(f"`{read.tensor}` is defined in several ways on the grid")
                    if given != constant(own):
                        break
                elif isinstance(given, int):
                    if not span(own)[0] <= given < span(own)[1]:
                        break
                    environment[own.name] = given
                else:
                    if span(own) != (0, extent):
                        raise Refused(f"`{read.tensor}` is defined in several ways on the grid")
                    environment[own.name] = given
            else:
                self.depth += 1
                found = self.translator.form(statement.value, environment)
                self.depth -= 1
                return found
        raise Refused(f"a read of `{read.tensor}` is of no grid")

    # --- the plan ----------------------------------------------------------------------------------------------------

    def _plan(self, inputs: list[tuple[str, int, str]], results: list[tuple[str, int, str]]) -> Plan:
        if self.wrapped & self.clipped:
            raise Refused("an axis both wraps around and ends")
        streams = {name: replace(s, fill=self.fills.get(name, 0)) for name, s in self.streams.items()}
        extents = tuple(max(s.extents[k] for s in streams.values()) for k in range(self.rank))
        for axis in self.wrapped:
            if any(s.extents[axis] != extents[axis] for s in streams.values()):
                raise Refused("tensors have different extents along an axis that wraps around")
        for now, before in self.carried.items():
            if streams[now].extents != streams[before].extents:
                raise Refused("a state does not keep its shape")
            fill = {self.fills[s] for s in (now, before) if s in self.fills}
            if len(fill) > 1:
                raise Refused("a state is continued in more than one way")
            for name in (now, before):
                streams[name] = replace(streams[name], fill=next(iter(fill), 0))
        sources = {stream: (buffer, number) for buffer, number, stream in inputs}
        first, step, last = self.stages
        sections = Sections(self.circuit, streams, first, step, last, self.carried, self.steps)
        passes, loaded, kept = sections.passes(sources.keys(), {stream for _, _, stream in results})
        return Plan(
            extents,
            tuple(axis in self.wrapped for axis in range(self.rank)),
            self.circuit,
            dict(self.planes.gates),
            streams,
            tuple(passes),
            tuple((*sources[source], stream) for stream, source in loaded.items()),
            tuple((buffer, number, kept.get(stream, stream)) for buffer, number, stream in results),
        )
