"""Write statements that are alike as one statement over a new first index: layers and steps over time.

Before::

    a1[i < 8] = x[i] and x[(i + 1) % 8]
    a2[i < 8] = a1[i] and a1[(i + 1) % 8]
    a3[i < 8] = a2[i] and a2[(i + 1) % 8]
    y[i < 8] = a3[i] and a3[(i + 1) % 8]

After::

    state[0, i < 8] = x[i]
    state[1 <= t < 5, i < 8] = state[t - 1, i] and state[t - 1, (i + 1) % 8]
    y[i < 8] = state[4, i]

The statements of a run have one shape; their constants are affine functions of the time, and where they read different
tensors these are a run as well (see `ddcompile.passes.chains`). What is read before the first step becomes a clause of
its own. Clauses of one tensor at consecutive positions become one clause, without a new tensor. Runs may be part of a
longer sequence, and every second or third statement may belong to one run. The run that saves most is written first.

Statements that are alike but for a few elements are one as well, with the time among the conditions of these::

    a3[i < 8] = if i == 5 then a2[1] else a2[i] and a2[(i + 1) % 8]

becomes::

    a[1 <= t < 5, i < 8] = if t == 3 and i == 5 then a[t - 1, 1] else a[t - 1, i] and a[t - 1, (i + 1) % 8]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from ddcompile.analysis.cost import cost
from ddcompile.ir.affine import Affine
from ddcompile.ir.nodes import Binder, Binding, Expr, Index, Literal, Read, Rule, Statement
from ddcompile.ir.printer import print_statement
from ddcompile.ir.traverse import postorder, rewrite
from ddcompile.ir.types import Types, infer
from ddcompile.ir.verifier import verify
from ddcompile.passes.chains import Body, Chain, Library, Relation, chains_of
from ddcompile.passes.layers import Names, names_of
from ddcompile.passes.options import Pass, option
from ddcompile.passes.ordered import in_order
from ddcompile.passes.rewrite import Rewrite, Witness, read_names, unchanged, with_statements
from ddcompile.passes.rings import around, in_range
from ddcompile.passes.set_apart import Switch, joined, set_apart
from ddcompile.passes.templates import Line, Shape, filled, lines_of, shape_of

__all__ = ["Roll"]


@dataclass(frozen=True, slots=True)
class Roll(Pass):
    """Write statements that are alike as one statement over a new first index: layers and steps over time."""

    name: ClassVar[str] = "roll"
    size: int = option(200, "how many nodes a statement may have", high=100_000)
    turns: int = option(3, "how many statements in turn may belong to different runs", high=64)

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        witness: list[Statement] = []
        old = rule
        for _ in range(max(_LEAST_ROUNDS, _WORK // max(len(rule.statements), 1))):
            found = _shortest(in_order(rule, infer(rule), self.size), self)
            if found is None:
                break
            rule, meanings = found
            # Meanings are over the program before; what they read that is new there is written out.
            made = [clause for meaning in meanings for clause in _over_old(meaning, witness)]
            # Names of tensors that are gone may come again.
            kept = {s.target for s in rule.statements}
            witness = [clause for clause in (*witness, *made) if clause.target in kept]
        if rule is old:
            return unchanged(old)
        return Rewrite(rule, Witness(tuple(witness)))


def _over_old(meaning: Statement, earlier: Sequence[Statement]) -> list[Statement]:
    """Clauses of the witness over the program that the pass was given; `earlier` has the tensors made since then."""
    assert isinstance(meaning.value, Read)
    inner = [clause for clause in earlier if clause.target == meaning.value.tensor]
    return [Statement(meaning.target, (meaning.positions[0], *clause.positions), clause.value) for clause in inner] or [
        meaning
    ]


@dataclass(frozen=True, slots=True)
class _Run:
    """Statements that may be one: a chain that begins, with the shapes of its body."""

    chain: Chain
    shapes: tuple[Shape, ...]
    of: _Material


@dataclass(frozen=True, slots=True)
class _Change:
    """Statements by number that become others, or none; those that are added where the first is dropped; meanings."""

    others: dict[int, Statement | None]
    added: tuple[Statement, ...]
    witness: tuple[Statement, ...]


def _hope(run: _Run) -> int:
    """What is saved at most: all statements but one."""
    assert run.chain.body is not None
    return sum(map(cost, run.chain.body.statements[1:]))


_MOST = 32
"""Runs that are looked at in one round."""
_WORK = 1 << 10
"""Statements looked at in all rounds."""
_LEAST_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class _Material:
    """What runs are made of: members of chains, clauses of tensors that have several; what is set apart of members."""

    library: Library
    clauses: Mapping[str, list[tuple[Statement, Shape]]]
    switches: Mapping[str, tuple[Switch, ...]]


class _Program:
    """A program with what it takes to say what a change of it saves."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.types = infer(rule)
        self.results = {d.name for d in rule.outputs}
        self.names = names_of(rule)
        self.numbers: dict[str, list[int]] = {}
        self.readers: dict[str, list[int]] = {}
        for number, statement in enumerate(rule.statements):
            self.numbers.setdefault(statement.target, []).append(number)
            for name in read_names([statement]):
                self.readers.setdefault(name, []).append(number)

    def only(self, name: str) -> int | None:
        """The number of the only clause of a tensor."""
        numbers = self.numbers.get(name, ())
        return numbers[0] if len(numbers) == 1 else None

    def saved(self, change: _Change) -> int:
        """How much shorter the text gets."""
        before = sum(cost(self.rule.statements[number]) for number in change.others)
        return before - sum(cost(s) for s in (*change.added, *change.others.values()) if s is not None)

    def changed(self, change: _Change) -> Rule:
        """The program after a change."""
        first = min(number for number, other in change.others.items() if other is None)
        statements: list[Statement] = []
        for number, statement in enumerate(self.rule.statements):
            if number == first:
                statements += change.added
            other = change.others.get(number, statement)
            if other is not None:
                statements.append(other)
        return with_statements(self.rule, statements)


def _shortest(rule: Rule, options: Roll) -> tuple[Rule, tuple[Statement, ...]] | None:
    """The program with the run written as one statement that saves most, the first of several; with its witness."""
    program = _Program(rule)
    found: list[tuple[int, str, _Change]] = []
    for run in _hopeful(rule, program.types, options):
        for newest in (1, 0):
            chains = chains_of(run.of.library, run.chain, run.shapes, newest)
            if chains is None or (newest == 0 and len(chains) == 1):
                continue
            change = _change(program, chains, run.of.switches)
            saved = program.saved(change)
            if saved > 0:
                made = [*change.added, *(s for s in change.others.values() if s is not None)]
                found.append((-saved, "\n".join(map(print_statement, made)), change))
    for _, _, change in sorted(found, key=lambda f: f[:2]):
        new = program.changed(change)
        if not verify(new):
            return new, change.witness
    return None


def _hopeful(rule: Rule, types: Types, options: Roll) -> Iterator[_Run]:
    """The runs of which most can be hoped: of statements as they are, and of what they are but for a few elements."""
    whole = _material(rule, types, options.size, set_apart=lambda value: (value, ()))
    plain = _material(rule, types, options.size, set_apart)
    for material in (whole, plain) if plain.switches else (whole,):
        runs = _runs(material, options.turns)
        different = {tuple(map(id, r.chain.body.statements)): r for r in runs if r.chain.body}
        yield from sorted(different.values(), key=_hope, reverse=True)[:_MOST]


def _material(
    rule: Rule, types: Types, size: int, set_apart: Callable[[Expr], tuple[Expr, tuple[Switch, ...]]]
) -> _Material:
    """What can be a member of a chain, and the clauses of tensors that have several."""
    grouped: dict[str, list[Statement]] = {}
    for number in (n for group in types.order for n in group):
        grouped.setdefault(rule.statements[number].target, []).append(rule.statements[number])
    statements: dict[str, Statement] = {}
    shapes: dict[str, Shape] = {}
    alike: dict[tuple[object, ...], list[str]] = {}
    clauses: dict[str, list[tuple[Statement, Shape]]] = {}
    switches: dict[str, tuple[Switch, ...]] = {}
    for target, group in grouped.items():
        if types.tensor[target].kind == "real":
            continue  # a real is rounded where its tensor is written
        most = size
        if len(group) == 1:
            value, apart = set_apart(group[0].value)
            if apart:
                switches[target] = apart
            value = around(replace(group[0], value=value), types)
            if value is not group[0].value:
                group, most = [replace(group[0], value=value)], 2 * size
        found = [(s, shape) for s in group if (shape := shape_of(s, most)) is not None]
        if len(group) > 1:
            clauses[target] = found
        elif found and not found[0][1].positions:
            statements[target], shapes[target] = found[0]
            alike.setdefault((found[0][1].key, types.shape[target]), []).append(target)
    library = Library(statements, shapes, types.shape, {k: tuple(v) for k, v in alike.items()})
    return _Material(library, clauses, switches)


def _runs(material: _Material, turns: int) -> Iterator[_Run]:
    """Runs of statements of one shape whose constants are affine: the longest ones, and those with an end left out."""
    library = material.library
    for names in library.alike.values():
        for order in (list(names), sorted(names, key=lambda n: library.shapes[n].numbers)):
            for step in range(1, turns + 1):
                for first in range(step):
                    taken = order[first::step]
                    shapes = [library.shapes[n] for n in taken]
                    for start, stop, lines in _spans(shapes):
                        body = Body(0, tuple(library.statements[n] for n in taken[start:stop]), lines)
                        yield _Run(Chain(dict(enumerate(taken[start:stop])), body), tuple(shapes[start:stop]), material)
    for group in material.clauses.values():
        keys = dict.fromkeys(shape.key for _, shape in group)
        for key in keys:
            alike = [(s, shape) for s, shape in group if shape.key == key and shape.positions]
            alike.sort(key=lambda pair: [pair[1].numbers[p] for p in pair[1].positions])
            shapes = [shape for _, shape in alike]
            for start, stop, lines in _spans(shapes):
                moving = [p for p in shapes[0].positions if lines[p][0] != 0]
                if len(moving) != 1 or lines[moving[0]][0] != 1:
                    continue
                body = Body(int(lines[moving[0]][1]), tuple(s for s, _ in alike[start:stop]), lines)
                yield _Run(Chain({}, body), tuple(shapes[start:stop]), material)


def _spans(shapes: Sequence[Shape]) -> Iterator[tuple[int, int, tuple[Line, ...]]]:
    """The longest runs with affine constants, and those without their first or last statement; with the constants."""
    start = 0
    seen: set[tuple[int, int]] = set()
    while start + 1 < len(shapes):
        stop = start + 2
        steps = _steps(shapes[start], shapes[start + 1])
        while stop < len(shapes) and _steps(shapes[stop - 1], shapes[stop]) == steps:
            stop += 1
        for span in ((start, stop), (start + 1, stop), (start, stop - 1)):
            lines = lines_of(shapes[slice(*span)]) if span[1] - span[0] > 1 and span not in seen else None
            if lines is not None:
                seen.add(span)
                yield *span, tuple(lines)
        start = max(stop - 1, start + 1)


def _steps(a: Shape, b: Shape) -> list[object]:
    return [y - x for x, y in zip(a.numbers, b.numbers, strict=True)]


def _change(program: _Program, chains: Sequence[Chain], switches: Mapping[str, tuple[Switch, ...]]) -> _Change:
    """A statement for every body, clauses for what comes before and after it, and results that read the new tensors."""
    names = Names(set(program.names.taken), program.names.tensors)
    shift = -min((time for chain in chains for time in chain.members), default=0)
    tensors = [names("state") if chain.members else "" for chain in chains]
    statements = program.rule.statements
    steps = {t: max(chain.members) + shift + 1 for t, chain in zip(tensors, chains, strict=True) if chain.members}
    place: dict[str, tuple[str, int]] = {}
    others: dict[int, Statement | None] = {}
    for chain in chains:
        gone = chain.body.statements if chain.body is not None else ()
        for target in {s.target for s in gone}:
            numbers = program.numbers[target]
            others.update({n: None for n in numbers if chain.members or any(statements[n] is s for s in gone)})
    new: list[Statement] = []
    copies: list[Statement] = []
    witness: list[Statement] = []
    for chain, tensor in zip(chains, tensors, strict=True):
        for time, name in sorted(chain.members.items()):
            binders, own = _box(names, program.types.shape[name])
            step = Literal(time + shift)
            copy = Statement(tensor, (step, *binders), Read(name, own))
            witness.append(copy)
            number = program.only(name)
            if number is not None:
                place[name] = tensor, time + shift
            in_body = chain.body is not None and chain.body.start <= time < chain.body.stop
            source = None if number is None or in_body else statements[number]
            if source is not None and number is not None and all(isinstance(p, Binder) for p in source.positions):
                others[number] = None
                new.append(Statement(tensor, (step, *source.positions), source.value))
            elif not in_body:
                place.pop(name, None)
                new.append(copy)
            if name in place and name in program.results:
                copies.append(Statement(name, binders, Read(tensor, (step, *own))))
    for number in _in_order(chains):
        made = _statement(chains, number, tensors, shift, names)
        if tensors[number]:
            new.append(joined(made, _set_apart(chains[number], shift, switches), place, steps))
        else:
            others[min(n for n in program.numbers[made.target] if n in others)] = _moved(made, place)
    for number in {n for name in place for n in program.readers.get(name, ())} - others.keys():
        others[number] = _moved(statements[number], place)
    return _Change(others, (*(_moved(s, place) for s in new), *copies), tuple(witness))


def _set_apart(
    chain: Chain, shift: int, switches: Mapping[str, tuple[Switch, ...]]
) -> dict[int, tuple[Statement, tuple[Switch, ...]]]:
    """By time, the statements of a body of which something is set apart, and this."""
    assert chain.body is not None
    steps = enumerate(chain.body.statements, chain.body.start + shift)
    return {time: (s, switches[s.target]) for time, s in steps if s.target in switches}


def _in_order(chains: Sequence[Chain]) -> list[int]:
    """The chains so that one follows those that it reads at the same time."""
    done: list[int] = []
    while len(done) < len(chains):
        ready = [
            k
            for k, chain in enumerate(chains)
            if k not in done
            and chain.body is not None
            and all(r is None or r.back or r.chain in (*done, k) for r in chain.body.reads)
        ]
        done += ready[:1] or [k for k in range(len(chains)) if k not in done]
    return done


def _statement(chains: Sequence[Chain], number: int, tensors: Sequence[str], shift: int, names: Names) -> Statement:
    """The statement of a body over its time."""
    body = chains[number].body
    assert body is not None
    first = body.statements[0]
    used = {b.name for b in first.binders}
    used |= {b.name for n in postorder(first.value) if isinstance(n, Binding) for b in n.binders}
    name = "t" if "t" not in {*names.tensors, *used} else names.indices(1, avoid=used)[0]
    of_clauses = not tensors[number]
    later = 0 if of_clauses else shift
    start, stop = body.start + later, body.stop + later
    time = Affine.of(-start, {name: 1})

    def constant(place: int, form: Affine) -> Affine:
        slope, value = body.lines[place]
        return form if slope == 0 else Affine.of(0, dict(form.terms)) + time.scale(slope) + value

    def read(place: int, node: Read) -> Read:
        relation: Relation | None = body.reads[place]
        if relation is None:
            return node
        when = Affine.of(shift - later - relation.back, {name: 1}).to_expr()
        return Read(tensors[relation.chain], (when, *node.positions), node.pad)

    made = filled(first, constant, read)
    over = Binder(name, Literal(start), Literal(stop))
    if not of_clauses:
            return in_range(Statement(tensors[number], (over, *made.positions), made.value))
    positions = tuple(over if not isinstance(p, Binder) and not isinstance(p, Literal) else p for p in made.positions)
    return Statement(first.target, positions, made.value)


def _box(names: Names, shape: Sequence[int]) -> tuple[tuple[Binder, ...], tuple[Expr, ...]]:
    letters = names.indices(len(shape))
    binders = tuple(Binder(n, Literal(0), Literal(extent)) for n, extent in zip(letters, shape, strict=True))
    return binders, tuple(Index(n) for n in letters)


def _moved(statement: Statement, place: dict[str, tuple[str, int]]) -> Statement:
    """The statement with reads of members as reads of the chain's tensor."""
    if not place.keys() & read_names([statement]):
        return statement

    def step(node: Expr) -> Expr:
        if isinstance(node, Read) and node.tensor in place:
            tensor, time = place[node.tensor]
            return Read(tensor, (Literal(time), *node.positions), node.pad, location=node.location)
        return node

    return Statement(statement.target, statement.positions, rewrite(statement.value, step), location=statement.location)
