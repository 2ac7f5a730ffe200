"""Chains: tensors that take turns in a run of statements of one shape, and how their members read one another.

A chain gives every time a tensor. The statements of its body, at consecutive times, have one shape, and where they read
different tensors they read a chain, a fixed number of steps before. Chains that begin with one run grow from it: what
the run reads is a chain too, its statements read others, until all are known or one does not fit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from ddcompile.ir.nodes import Statement
from ddcompile.passes.templates import Line, Shape, lines_of

__all__ = ["Body", "Chain", "Library", "Relation", "chains_of"]

_MOST = 8
"""Chains that take part in one recurrence at most."""

_FARTHEST = 2
"""Steps that a read goes back at most."""


@dataclass(frozen=True, slots=True)
class Relation:
    """A read of the chain of this number, so many steps before."""

    chain: int
    back: int


@dataclass(frozen=True, slots=True)
class Body:
    """Statements of one shape at consecutive times; `reads` has None where all read the same tensor."""

    start: int
    statements: tuple[Statement, ...]
    lines: tuple[Line, ...]
    """By number of the shape; 0 is the time `start`."""
    reads: tuple[Relation | None, ...] = ()

    @property
    def stop(self) -> int:
        """The time after the last."""
        return self.start + len(self.statements)


@dataclass(frozen=True, slots=True)
class Chain:
    """Tensors by time, and the body; clauses of one tensor have no members, their time is their position."""

    members: Mapping[int, str]
    body: Body | None = None


@dataclass(frozen=True, slots=True)
class Library:
    """The statements that can be members: the only clause of a tensor, by its name, with shapes and extents."""

    statements: Mapping[str, Statement]
    shapes: Mapping[str, Shape]
    extents: Mapping[str, tuple[int, ...]]
    alike: Mapping[tuple[object, ...], Sequence[str]] = field(default_factory=dict)
    """Tensors by the key of their statements' shape, and their extents."""


_State: TypeAlias = list[Chain]


def chains_of(library: Library, first: Chain, shapes: Sequence[Shape], newest: int) -> list[Chain] | None:
    """All chains that take part in a run, the run first; None if something does not fit.

    Parameters
    ----------
    library
        What can be a member.
    first
        The run, with its body.
    shapes
        The shapes of the statements of its body.
    newest
        How many steps back what the run reads is said to be when a chain is met first: 0 or 1.
    """
    chains: _State = [first]
    bodies = {0: list(shapes)}
    number = 0
    while number < len(chains):
        chain = chains[number]
        if chain.body is None:
            found = _body(library, chain)
            if found is None:
                return None
            body, bodies[number] = found
            chains[number] = replace(chain, body=body)
        if not _relate(library, chains, number, bodies[number], newest) or len(chains) > _MOST:
            return None
        number += 1
    _lengthen(library, chains)
    return chains


def _body(library: Library, chain: Chain) -> tuple[Body, list[Shape]] | None:
    """The longest run of members whose statements have one shape and fit, the last of several."""
    best: tuple[Body, list[Shape]] | None = None
    times = sorted(chain.members)
    for k, start in enumerate(times):
        run: list[Shape] = []
        for time in times[k:]:
            shape = library.shapes.get(chain.members[time])
            if time != start + len(run) or shape is None or (run and shape.key != run[0].key):
                break
            if lines_of([*run, shape]) is None:
                break
            run.append(shape)
        if len(run) > 1 and (best is None or len(run) >= len(best[1])):
            statements = tuple(library.statements[chain.members[start + n]] for n in range(len(run)))
            best = Body(start, statements, tuple(lines_of(run) or ())), run
    return best


def _relate(library: Library, chains: _State, number: int, shapes: Sequence[Shape], newest: int) -> bool:
    """Say of every read of a body which chain it reads; chains may get longer, and new ones are added."""
    body = chains[number].body
    assert body is not None
    reads: list[Relation | None] = []
    for names in zip(*(s.tensors for s in shapes), strict=True):
        if len(set(names)) == 1:
            reads.append(None)
            continue
        asked = {body.start + k: name for k, name in enumerate(names)}
        found = _known(library, chains, asked)
        if found is None:
            members = {time - newest: name for time, name in asked.items()}
            if len({library.extents[n] for n in names}) > 1 or not _are_free(chains, len(chains), members):
                return False
            found = Relation(len(chains), newest)
            chains.append(Chain(members))
        else:
            chain = chains[found.chain]
            members = {time - found.back: name for time, name in asked.items()}
            chains[found.chain] = replace(chain, members={**chain.members, **members})
        reads.append(found)
    chains[number] = replace(chains[number], body=replace(body, reads=tuple(reads)))
    return True


def _known(library: Library, chains: _State, asked: Mapping[int, str]) -> Relation | None:
    """The chain that has, so many steps before, what is asked for at every time, or nothing yet."""
    for number, chain in enumerate(chains):
        for back in range(_FARTHEST + 1):
            members = {time - back: name for time, name in asked.items()}
            common = [time for time in members if time in chain.members]
            if not common or any(chain.members[time] != members[time] for time in common):
                continue
            extents = {library.extents[n] for n in (*members.values(), *chain.members.values())}
            if len(extents) == 1 and _are_free(chains, number, members):
                return Relation(number, back)
    return None


def _are_free(chains: _State, number: int, members: Mapping[int, str]) -> bool:
    """Whether tensors can be these members of a chain: each is one member of one chain."""
    if len(set(members.values())) != len(members):
        return False
    for other, chain in enumerate(chains):
        for time, name in chain.members.items():
            if name in members.values() and (other != number or members.get(time) != name):
                return False
    return True


def _lengthen(library: Library, chains: _State) -> None:
    """Add statements after the last of a body that continue it."""
    grows = True
    while grows:
        grows = False
        for number, chain in enumerate(chains):
            if not chain.members or chain.body is None:
                continue
            follower = _follower(library, chains, chain.body)
            if follower is None or not _are_free(chains, number, {chain.body.stop: follower}):
                continue
            if chain.members.get(chain.body.stop, follower) != follower:
                continue
            if library.extents[follower] != library.extents[next(iter(chain.members.values()))]:
                continue
            body = replace(chain.body, statements=(*chain.body.statements, library.statements[follower]))
            chains[number] = Chain({**chain.members, chain.body.stop: follower}, body)
            grows = True


def _follower(library: Library, chains: _State, body: Body) -> str | None:
    """The tensor whose statement continues a body: it reads what comes next, and its constants are the next ones."""
    first = library.shapes[body.statements[0].target]
    wanted = tuple(
        name if read is None else chains[read.chain].members.get(body.stop - read.back)
        for name, read in zip(first.tensors, body.reads, strict=True)
    )
    if None in wanted or not any(body.reads):
        return None
    numbers = tuple(slope * len(body.statements) + start for slope, start in body.lines)
    for name in library.alike.get((first.key, library.extents[body.statements[0].target]), ()):
        shape = library.shapes[name]
        if shape.tensors == wanted and shape.numbers == numbers:
            return name
    return None
