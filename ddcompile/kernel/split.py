"""Splitting: a kernel whose sample function is very long becomes one of several functions of bounded length.

Before:                                After, for a small limit:
    function r() {                         function r_part1() {
      let t1: i8 = x[0] + x[1]               let t1: i8 = x[0] + x[1]
      y[0] = t1 > 1                          y[0] = t1 > 1
      y[1] = t1 > x[2]                       kept_i8[0] = t1
    }                                      }
                                           function r_part2() {
                                             let t1: i8 = kept_i8[0]
                                             y[1] = t1 > x[2]
                                           }
                                           function r() { r_part1(); r_part2() }

Compilers take more than linear time in the length of a function; a rule of 20,000 statements would take them hours.
So no function that gcc, clang or the JIT compile for single samples has more than a thousand expressions, which are up
to 2,000 instructions, unless one statement alone has.
Variables that several parts use are kept in scratch memory. Long bodies of loops and branches are split likewise.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from ddcompile.kernel.dce import eliminate_dead_code
from ddcompile.kernel.names import Names
from ddcompile.kernel.nodes import (
    I32,
    I64,
    Assign,
    Branch,
    Break,
    Buffer,
    Comment,
    Const,
    Declare,
    Function,
    Invoke,
    Kernel,
    Load,
    Loop,
    Place,
    Return,
    Stmt,
    Store,
    Type,
    Var,
)
from ddcompile.kernel.traverse import operands, subexpressions, walk

__all__ = ["split"]

_LIMIT = 1_000
"""Expressions in a part: about a hundred statements."""


def split(kernel: Kernel, limit: int = _LIMIT, fixed: frozenset[str] = frozenset()) -> Kernel:
    """Move parts of a very long sample function into functions `<name>_part1`, `<name>_part2`, ...

    A kernel with sizes is left alone: nothing written for all sizes is that long.

    Parameters
    ----------
    kernel
        Any kernel.
    limit
        How many expressions a function may have; a single statement may exceed it.
    fixed
        The names of variables that may not be kept in memory: statements that share them stay in one function.
    """
    if kernel.sizes or sum(map(_weight, kernel.sample.body)) <= limit:
        return kernel
    splitter = _Splitter(kernel, limit, fixed)
    body = eliminate_dead_code(splitter.block(kernel.sample.body, {}), splitter.written())
    kept = tuple(Buffer(splitter.kept[t], "scratch", t, (n,)) for t, n in splitter.counts.items())
    functions = (*splitter.parts, replace(kernel.sample, body=body), kernel.batch)
    return replace(kernel, buffers=(*kernel.buffers, *kept), functions=functions)


@dataclass(slots=True)
class _Piece:
    """Statements that stay together."""

    statements: list[Stmt] = field(default_factory=list)
    weight: int = 0
    is_movable: bool = True


class _Splitter:
    """The parts so far, and where variables are kept between them: by type, elements of one scratch buffer."""

    def __init__(self, kernel: Kernel, limit: int, fixed: frozenset[str]) -> None:
        self.kernel = kernel
        self.limit = limit
        self.fixed = fixed
        self.parts: list[Function] = []
        self.kept: dict[Type, str] = {}
        self.counts: dict[Type, int] = {}
        declared = {v.name for f in kernel.functions for v in (*f.scalars, *_declared(f.body, is_deep=True))}
        self._names = Names([*declared, *kernel.buffer, *(f.name for f in kernel.functions)])
        self._offsets = tuple(Const(0, I64) for _ in kernel.parameters)

    def written(self) -> frozenset[str]:
        """Every buffer: all that is stored may be read in another part."""
        return frozenset((*self.kernel.buffer, *self.kept.values()))

    def block(self, body: Sequence[Stmt], homes: dict[str, Const]) -> tuple[Stmt, ...]:
        """The statements of a block with long stretches of them moved into parts.

        `homes` says where variables of the blocks around are kept, as far as they are.
        """
        homes = {name: homes[name] for name in homes.keys() - _assigned(body)}
        pieces = self._pieces(body)
        last = {name: number for number, piece in enumerate(pieces) for name in _used(piece.statements)}
        result: list[Stmt] = []
        for number, piece in enumerate(pieces):
            declared = _declared(piece.statements)
            used = _used(piece.statements)
            own = {v.name for v in _declared(piece.statements, is_deep=True)}
            needed = [v for name, v in sorted(used.items()) if name not in own]
            given = [v for v in declared if last.get(v.name, number) > number]
            if not piece.is_movable or any(v.name in self.fixed for v in (*needed, *given)):
                for stmt in piece.statements:
                    result.append(self._inside(stmt, homes))
                for name in _assigned(piece.statements) & homes.keys():
                    del homes[name]  # what is kept is no longer its value
                continue
            for variable in needed:
                if variable.name not in homes:
                    homes[variable.name] = self._home(variable)
                    result.append(Store(self.kept[variable.type], homes[variable.name], variable))
            known = [Declare(v, self._load(v, homes)) for v in needed]
            homes.update((v.name, self._home(v)) for v in given)
            stores = [Store(self.kept[v.type], homes[v.name], v) for v in given]
            name = f"{self.kernel.name}_part{len(self.parts) + 1}"
            self.parts.append(Function(name, (), (*known, *piece.statements, *stores)))
            result.append(Invoke(name, self._offsets))
            result += [Declare(v, self._load(v, homes)) for v in given]
        return tuple(result)

    def _inside(self, stmt: Stmt, homes: dict[str, Const]) -> Stmt:
        """A statement that stays where it is, with its own long blocks split."""
        if _weight(stmt) <= self.limit:
            return stmt
        match stmt:
            case Loop(index, _, _, body):
                return replace(stmt, body=self.block(body, _without(homes, index.name)))
            case Branch(_, then, otherwise):
                return replace(stmt, then=self.block(then, homes), otherwise=self.block(otherwise, homes))
        return stmt

    def _home(self, variable: Var) -> Const:
        number = self.counts.get(variable.type, 0)
        self.counts[variable.type] = number + 1
        if variable.type not in self.kept:
            self.kept[variable.type] = self._names.fresh(f"kept_{variable.type}")
        return Const(number, I32)

    def _load(self, variable: Var, homes: dict[str, Const]) -> Load:
        return Load(self.kept[variable.type], homes[variable.name], variable.type)

    def _pieces(self, body: Sequence[Stmt]) -> list[_Piece]:
        """Consecutive statements in pieces below the limit; what is assigned is in the piece that declares it."""
        ends = _ends(body)
        assigned_outside = _assigned(body) - {v.name for v in _declared(body, is_deep=True)}
        pieces = [_Piece()]
        group = _Piece()
        end = 0
        for number, stmt in enumerate(body):
            group.statements.append(stmt)
            group.weight += _weight(stmt)
            group.is_movable = group.is_movable and not _stays(stmt, assigned_outside)
            end = max(end, ends.get(number, number))
            if number < end or isinstance(stmt, Comment):
                continue
            group.is_movable = group.is_movable and group.weight <= self.limit
            last = pieces[-1]
            has_room = not group.is_movable or last.weight + group.weight <= self.limit
            if last.is_movable == group.is_movable and has_room:
                last.statements += group.statements
                last.weight += group.weight
            else:
                pieces.append(group)
            group, end = _Piece(), 0
        if group.statements:
            pieces.append(replace(group, is_movable=False))
        return [piece for piece in pieces if piece.statements]


def _without(homes: dict[str, Const], name: str) -> dict[str, Const]:
    return {n: home for n, home in homes.items() if n != name}


def _weight(stmt: Stmt) -> int:
    """The number of expressions in a statement and all below it."""
    return sum(
        1 + sum(1 for expr in operands(inner) for _ in subexpressions(expr))
        for event, inner in walk([stmt])
        if event in ("at", "enter")
    )


def _declared(body: Iterable[Stmt], *, is_deep: bool = False) -> list[Var]:
    """The variables that statements declare; with `is_deep` also those inside of blocks, and indices of loops."""
    if not is_deep:
        return [stmt.variable for stmt in body if isinstance(stmt, Declare)]
    found = []
    for event, stmt in walk(tuple(body)):
        if event == "at" and isinstance(stmt, Declare):
            found.append(stmt.variable)
        if event == "enter" and isinstance(stmt, Loop):
            found.append(stmt.index)
    return found


def _used(body: Sequence[Stmt]) -> dict[str, Var]:
    """The variables that statements read or assign, by name."""
    found: dict[str, Var] = {}
    for event, stmt in walk(body):
        if event in ("at", "enter"):
            if isinstance(stmt, Assign):
                found[stmt.variable.name] = stmt.variable
            for expr in operands(stmt):
                found.update((node.name, node) for node in subexpressions(expr) if isinstance(node, Var))
    return found


def _assigned(body: Sequence[Stmt]) -> set[str]:
    return {stmt.variable.name for event, stmt in walk(body) if event == "at" and isinstance(stmt, Assign)}


def _ends(body: Sequence[Stmt]) -> dict[int, int]:
    """For a statement that declares a mutable variable the number of the last statement that assigns it."""
    starts = {s.variable.name: k for k, s in enumerate(body) if isinstance(s, Declare) and s.mutable}
    ends: dict[int, int] = {}
    for number, stmt in enumerate(body):
        for name in _assigned([stmt]) & starts.keys():
            ends[starts[name]] = number
    return ends


def _stays(stmt: Stmt, assigned_outside: set[str]) -> bool:
    """Whether a statement must stay in its function: it leaves a block around it, or assigns a variable of one."""
    loops = 0
    for event, inner in walk([stmt]):
        if isinstance(inner, Loop):
            loops += (event == "enter") - (event == "leave")
        if isinstance(inner, Place | Return | Invoke) or (isinstance(inner, Break) and not loops):
            return True
    return bool(_assigned([stmt]) & assigned_outside)
