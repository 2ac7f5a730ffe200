"""The code of one pass: the front that moves along the rows, what it loads, computes and writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

from ddcompile.kernel.grid.arithmetic import (
    TRUE,
    at_least,
    at_most,
    both,
    compare,
    join,
    minus,
    modulo,
    number,
    ones,
    plus,
    times,
    word,
)
from ddcompile.kernel.grid.circuits import Leaf
from ddcompile.kernel.grid.code import Code
from ddcompile.kernel.grid.memory import Grid
from ddcompile.kernel.grid.rings import MARGIN, middle, versions
from ddcompile.kernel.grid.streams import Pass, Plan, Stage
from ddcompile.kernel.grid.tiles import Tiling, rows_of
from ddcompile.kernel.nodes import WORD, Buffer, Compare, Expr, Load, Logic, Not, Store, Var

__all__ = ["PassCode"]


@dataclass(slots=True)
class PassCode:
    """Emits a pass.

    Attributes
    ----------
    code
        Where statements go.
    plan, part, tiles
        What is computed, and how.
    steps
        How many steps this pass does, at most those of the tiles.
    rings
        The memory of the rings, by stream.
    sources, sinks
        Where loaded streams come from and results go to.
    worker, workers
        The number of the thread, which has rings of its own, and how many there are.
    strays
        Where a word other than 0 is written if something that is loaded is no bit, by worker; "" if nothing is checked.
    """

    code: Code
    plan: Plan
    part: Pass
    tiles: Tiling
    steps: int
    rings: Mapping[str, Buffer]
    sources: Mapping[str, Grid]
    sinks: Mapping[str, Sequence[Grid]]
    worker: Expr
    workers: int
    strays: str

    def emit(self, lower: Expr, upper: Expr) -> None:
        """The pass for some rows of the grid, or if it has no axis of rows, for some strips."""
        has_rows = len(self.plan.extents) > 1
        strips = self.tiles.strips
        first, last = (number(0), number(strips)) if has_rows else (lower, upper)
        rows = (lower, upper) if has_rows else (number(0), number(1))
        each, more = divmod(-(-self.plan.extents[-1] // 64), strips)
        with self.code.loop("strip", first, last) as strip:
            start, end = (
                self.code.named(name, plus(times(s, each), at_most(s, more)))
                for name, s in (("begin", strip), ("end", plus(strip, 1)))
            )
            _Strip(self, rows, start, end).emit()


class _Strip:
    """A strip of words of all rows."""

    def __init__(self, whole: PassCode, rows: tuple[Expr, Expr], start: Expr, end: Expr) -> None:
        self.code, self.plan, self.part, self.tiles = whole.code, whole.plan, whole.part, whole.tiles
        self.steps, self.rings, self.sources, self.sinks = whole.steps, whole.rings, whole.sources, whole.sinks
        self.worker, self.workers, self.strays = whole.worker, whole.workers, whole.strays
        self.rows, self.start, self.end = rows, start, end
        self.origin = self.code.named("origin", minus(start, self.tiles.before))
        self.wraps = self.plan.wraps if len(self.plan.extents) > 1 else (True, *self.plan.wraps)
        self.middle = middle(self.plan, self.tiles)
        self.before = dict(self.part.carried)
        """The state that a stream is carried on to."""
        self.after = {before: now for now, before in self.part.carried}

    def _extents(self, stream: str) -> tuple[int, ...]:
        return rows_of(self.plan.streams[stream].extents)

    def emit(self) -> None:
        lower, upper = self.rows
        low, high = self._front()
        with self.code.loop("front", plus(lower, low), plus(upper, high)) as front:
            for stream in self.part.loads:
                with self._valid(front, stream, number(0), before=self.steps):
                    self._load(stream, front)
            with self.code.loop("step", number(0), number(self.steps)) as step:
                for stage in self.part.stages:
                    behind = plus(times(step, self.tiles.lag), self.tiles.delay[stage.stream])
                    row = self.code.named("row", minus(front, behind))
                    left = minus(number(self.steps - 1), step)
                    with self._valid(row, stage.stream, left, before=None):
                        self._compute(stage, row, step)

    def _front(self) -> tuple[int, int]:
        """How far before the first row, and beyond the last, the front moves."""
        (low, high), lag = self.tiles.reach[0], self.tiles.lag
        lows, highs = [self.steps * low], [self.steps * high]
        for stage in self.part.stages:
            near, far = self.tiles.needs[stage.stream][0]
            for step in (0, self.steps - 1):
                rest, behind = self.steps - 1 - step, step * lag + self.tiles.delay[stage.stream]
                lows.append(near + rest * low + behind)
                highs.append(far + rest * high + behind)
        return min(lows), max(highs)

    def _region(self, stream: str, axis: int, left: Expr, before: int | None) -> tuple[Expr, Expr]:
        """How far before and beyond the results a stream is needed along an axis, `left` steps before the last."""
        low, high = self.tiles.reach[axis]
        if before is not None:
            return number(before * low), number(before * high)
        near, far = self.tiles.needs[stream][axis]
        return plus(times(left, low), near), plus(times(left, high), far)

    @contextmanager
    def _valid(self, row: Expr, stream: str, left: Expr, before: int | None) -> Iterator[None]:
        low, high = self._region(stream, 0, left, before)
        inside = both(compare(">=", row, plus(self.rows[0], low)), compare("<", row, plus(self.rows[1], high)))
        if len(self.plan.extents) == 1:
            inside = TRUE
        with self.code.branch(inside):
            yield

    # --- rows of a ring ----------------------------------------------------------------------------------------------

    def _line(self, stream: str, version: Expr, row: Expr, plane: int, places: Sequence[Expr]) -> Expr:
        """Where a line of a ring begins; places are positions along the axes between rows and words."""
        ring = self.tiles.rings[stream]
        if stream in self.before and plane:
            plane += len(self.plan.planes.get(self.before[stream], [])) * self._is_read(self.before[stream])
        if len(self.plan.extents) == 1:
            version = modulo(version, ring.versions)
        at = plus(times(self.worker, versions(self.plan, self.tiles, ring, self.workers)), version)
        at = plus(times(plus(times(at, ring.slots), modulo(row, ring.slots)), ring.planes), plane)
        for place, extent, (low, _) in zip(places, self.middle, self.tiles.reach[1:-1], strict=True):
            at = plus(times(at, extent), minus(place, self.tiles.steps * low))
        return self.code.named("at", plus(times(at, self.tiles.words), MARGIN))

    def _is_read(self, stream: str) -> bool:
        return any(leaf.stream == stream for leaf in self._leaves())

    def _leaves(self) -> list[Leaf]:
        return self.plan.circuit.leaves([stage.gate for stage in self.part.stages])

    def _version(self, stream: str, step: Expr) -> Expr:
        """Which version of a stream a stage of a step reads or writes."""
        if stream in self.before:
            return plus(step, 1)
        return number(0) if stream in self.part.loads and stream not in self.after else step

    @contextmanager
    def _lines(
        self, stream: str, left: Expr, before: int | None, fill: Callable[[Sequence[Expr]], None]
    ) -> Iterator[list[Expr]]:
        """Loops over the axes between rows and words; where one ends and does not wrap around, the line is filled."""
        with ExitStack() as stack:
            places: list[Expr] = []
            inside: Expr = TRUE
            for axis, extent in enumerate(self._extents(stream)[1:-1], 1):
                low, high = self._region(stream, axis, left, before)
                grid = rows_of(self.plan.extents)[axis]
                place = stack.enter_context(self.code.loop("place", low, plus(high, grid)))
                places.append(place)
                if not self.wraps[axis]:
                    inside = both(inside, both(compare(">=", place, 0), compare("<", place, extent)))
            arms = stack.enter_context(self.code.branch(inside))
            yield places
            arms.otherwise()
            fill(places)

    def _fill(self, stream: str, version: Expr, row: Expr, places: Sequence[Expr]) -> None:
        """Give a line the value that continues the stream."""
        line = self._line(stream, version, row, 0, places)
        self._fill_words(stream, line, number(0), number(self.tiles.words))
        self._beside(stream, version, row, places)

    def _fill_words(self, stream: str, line: Expr, first: Expr, last: Expr) -> None:
        value = word(-self.plan.streams[stream].fill)
        with self.code.loop("w", first, last) as w:
            self.code.emit(Store(self.rings[stream].name, plus(line, w), value))

    def _beside(self, stream: str, version: Expr, row: Expr, places: Sequence[Expr]) -> None:
        """Compute the planes beside a line."""
        for name in dict.fromkeys((stream, self.before.get(stream, stream))):
            gates = self.plan.planes.get(name, []) if self._is_read(name) else []
            if not gates:
                continue
            is_read = compare("<", version, self.steps) if name != stream else TRUE
            with self.code.branch(is_read):
                line = self._line(name, version, row, 0, places)
                targets = [self._line(name, version, row, k + 1, places) for k in range(len(gates))]
                with self.code.loop("w", number(0), number(self.tiles.words), is_parallel=True) as w:
                    reader = _Reader(self, w, partial(_always, line))
                    for target, value in zip(targets, reader.values(gates), strict=True):
                        self.code.emit(Store(self.rings[stream].name, plus(target, w), value))

    @contextmanager
    def _inside(self, stream: str, version: Expr, row: Expr, left: Expr, before: int | None) -> Iterator[None]:
        """Statements for a row of the stream; one beyond it is filled instead."""
        if self.wraps[0]:
            yield
            return
        with self.code.branch(both(compare(">=", row, 0), compare("<", row, self._extents(stream)[0]))) as arms:
            yield
            arms.otherwise()
            with self._lines(stream, left, before, lambda places: self._fill(stream, version, row, places)) as places:
                self._fill(stream, version, row, places)

    # --- loading -----------------------------------------------------------------------------------------------------

    def _load(self, stream: str, row: Expr) -> None:
        version = number(0)
        grid = self.sources[stream]
        extents = self._extents(stream)
        fill = None if self.wraps[-1] else self.plan.streams[stream].fill
        with (
            self._inside(stream, version, row, number(0), self.steps),
            self._lines(
                stream, number(0), self.steps, lambda places: self._fill(stream, version, row, places)
            ) as places,
        ):
            index: Expr = number(0)
            for axis, place in enumerate((row, *places)):
                if self.wraps[axis]:
                    reach = -self.steps * self.tiles.reach[axis][0]
                    place = modulo(plus(place, -(-reach // extents[axis]) * extents[axis]), extents[axis])
                index = plus(times(index, extents[axis]), place)
            source = grid.row(self.code, index)
            line = self._line(stream, version, row, 0, places)
            ring, words, full = self.rings[stream].name, self.tiles.words, extents[-1] // 64
            first = self.code.named("first", at_most(at_least(minus(number(0), self.origin), 0), words))
            last = self.code.named("last", at_least(at_most(minus(number(full), self.origin), words), first))
            found = self.code.declared("strays", word(0), mutable=True) if self.strays else None
            with self.code.loop("w", first, last, is_parallel=found is None) as w:
                here = plus(self.origin, w)
                self.code.emit(Store(ring, plus(line, w), grid.word(source, here)))
                if found is not None:
                    self.code.assign(found, Logic("or", found, grid.strays(source, times(here, 64))))
            if found is not None:
                self._report(found, grid, source)
            for begin, end in ((number(0), first), (last, number(words))):
                with self.code.loop("w", begin, end) as w:
                    value = grid.edge(self.code, source, plus(self.origin, w), 64 * self.tiles.before, fill)
                    self.code.emit(Store(ring, plus(line, w), value))
            self._beside(stream, version, row, places)

    def _report(self, found: Var, grid: Grid, source: Expr) -> None:
        """Say that something in a row is no bit, in its whole words or in its last ones."""
        rest = grid.strays(source, number(grid.width - 64)) if grid.width % 64 else word(0)
        with self.code.branch(Compare("!=", Logic("or", found, rest), word(0))):
            self.code.emit(Store(self.strays, self.worker, word(1)))

    # --- computing ---------------------------------------------------------------------------------------------------

    def _compute(self, stage: Stage, row: Expr, step: Expr) -> None:
        stream = stage.stream
        version = self.code.named("version", self._version(stream, step))
        left = minus(number(self.steps - 1), step)
        with (
            self._inside(stream, version, row, left, None),
            self._lines(stream, left, None, lambda places: self._fill(stream, version, row, places)) as places,
        ):
            line = self._line(stream, version, row, 0, places)
            lines = {}
            for leaf in self.plan.circuit.leaves([stage.gate]):
                offset = leaf.offset if len(leaf.offset) > 1 else (0, *leaf.offset)
                key = leaf.stream, leaf.plane, leaf.offset[:-1]
                if key not in lines:
                    around = [plus(place, d) for place, d in zip(places, offset[1:-1], strict=True)]
                    read = self._version(leaf.stream, step)
                    lines[key] = self._line(leaf.stream, read, plus(row, offset[0]), leaf.plane, around)
            with self.code.loop("w", number(0), number(self.tiles.words), is_parallel=True) as w:
                reader = _Reader(self, w, lambda leaf: lines[leaf.stream, leaf.plane, leaf.offset[:-1]])
                (value,) = reader.values([stage.gate])
                self.code.emit(Store(self.rings[stream].name, plus(line, w), value))
            self._end_line(stream, line)
            self._beside(stream, version, row, places)
            self._write(stream, line, row, places, step)

    def _end_line(self, stream: str, line: Expr) -> None:
        """Continue a line beyond both ends of its axis, unless it wraps around."""
        if self.wraps[-1] or not any(leaf.offset[-1] for leaf in self._all_leaves()):
            return
        words, width, ring = self.tiles.words, self._extents(stream)[-1], self.rings[stream].name
        self._fill_words(stream, line, number(0), at_most(minus(number(0), self.origin), words))
        full, rest = divmod(width, 64)
        if rest:
            here = self.code.named("here", minus(number(full), self.origin))
            with self.code.branch(both(compare(">=", here, 0), compare("<", here, words))):
                inner = Logic("and", Load(ring, plus(line, here), WORD), word(ones(rest)))
                outer = Logic("or", inner, word(-1 << rest)) if self.plan.streams[stream].fill else inner
                self.code.emit(Store(ring, plus(line, here), outer))
        beyond = at_least(minus(number(full + (rest > 0)), self.origin), 0)
        self._fill_words(stream, line, beyond, number(words))

    def _all_leaves(self) -> list[Leaf]:
        beside = [gate for leaf in self._leaves() for gate in self.plan.planes.get(leaf.stream, [])]
        return [*self._leaves(), *self.plan.circuit.leaves(beside)]

    def _write(self, stream: str, line: Expr, row: Expr, places: Sequence[Expr], step: Expr) -> None:
        """Write what the last step gives of a result."""
        if stream not in self.sinks:
            return
        extents = self._extents(stream)
        inside = compare("==", step, self.steps - 1)
        if len(self.plan.extents) > 1:
            inside = both(inside, both(compare(">=", row, self.rows[0]), compare("<", row, self.rows[1])))
        index: Expr = row
        for place, extent in zip(places, extents[1:-1], strict=True):
            inside = both(inside, both(compare(">=", place, 0), compare("<", place, extent)))
            index = plus(times(index, extent), place)
        with self.code.branch(inside):
            base = plus(line, self.tiles.before)
            for grid in self.sinks[stream]:
                grid.write(self.code, grid.row(self.code, index), self.rings[stream].name, base, self.start, self.end)


class _Reader:
    """The values of gates at one word of a line."""

    def __init__(self, strip: _Strip, index: Expr, line: Callable[[Leaf], Expr]) -> None:
        self.strip, self.index, self.line = strip, index, line
        self.loads: dict[tuple[str, Expr], Expr] = {}

    def _word(self, leaf: Leaf, ahead: int) -> Expr:
        ring, place = self.strip.rings[leaf.stream].name, plus(plus(self.line(leaf), self.index), ahead)
        if (ring, place) not in self.loads:
            self.loads[ring, place] = self.strip.code.declared("x", Load(ring, place, WORD))
        return self.loads[ring, place]

    def values(self, gates: Sequence[int]) -> list[Expr]:
        """The expressions of some gates, all of which are named."""
        circuit, code = self.strip.plan.circuit, self.strip.code
        found: dict[int, Expr] = {}
        for n in circuit.needed(gates):
            gate = circuit.gates[n]
            if isinstance(gate, Leaf):
                ahead, offset = divmod(gate.offset[-1], 64)
                low = self._word(gate, ahead)
                found[n] = code.named("x", join(low, self._word(gate, ahead + 1), offset)) if offset else low
            elif isinstance(gate, int):
                found[n] = word(-gate)
            elif gate[0] == "not":
                found[n] = Not(found[gate[1]])
            else:
                found[n] = code.declared("t", Logic(gate[0], found[gate[1]], found[gate[2]]))
        return [found[n] for n in gates]


def _always(line: Expr, _: Leaf) -> Expr:
    """The line of every leaf, where there is one only."""
    return line
