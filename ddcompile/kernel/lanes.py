"""The schedule `batch`: one function computes many samples side by side, a lane each.

Every value that depends on the sample becomes a vector of values, one a lane; loops, their bounds and subscripts are
the same for all lanes. Where only some lanes take a branch, all compute both sides and choose; a loop that a lane would
leave early goes on, where that changes nothing:

    for j: i32 = 0 to 9 {                    for j: i32 = 0 to 9 {
      if x[j] { found = 1; break }             found = 1 if x[j] else found
    }                                        }

The printer makes the vectors (see `ddcompile.backends.llvm.lanes`). The method is that of Karrenberg and Hack, "Whole
function vectorization", CGO 2011, for kernels whose control flow is structured.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count

from ddcompile.kernel.names import Names
from ddcompile.kernel.nodes import (
    BIT,
    Answer,
    Apply,
    Assign,
    Branch,
    Break,
    Comment,
    Const,
    Count,
    Declare,
    Expr,
    FromReal,
    Invoke,
    Kernel,
    Load,
    Logic,
    Loop,
    Not,
    Pack,
    Reinterpret,
    Select,
    Stmt,
    Store,
    Strays,
    Var,
)
from ddcompile.kernel.selections import selected
from ddcompile.kernel.split import split
from ddcompile.kernel.traverse import expressions, operands, subexpressions, walk

__all__ = ["Lanes", "Unsuited", "in_lanes", "varies"]


_LONGEST = 500
"""Expressions in a function: with a vector for each, compilers take longer than for single numbers."""


class Unsuited(Exception):
    """What keeps a kernel from the schedule, in words."""


@dataclass(frozen=True, slots=True)
class Lanes:
    """A sample function that many lanes can compute at once.

    Attributes
    ----------
    kernel
        The kernel, with tables and scratch buffers for lanes. Its integers may overflow: sums wrap around.
    body
        The statements of the sample function; no branch or loop depends on the lane.
    parts
        The statements of the functions that it was split into, by name.
    varying
        The names of variables that have a value for every lane.
    """

    kernel: Kernel
    body: tuple[Stmt, ...]
    parts: Mapping[str, tuple[Stmt, ...]]
    varying: frozenset[str]


def in_lanes(kernel: Kernel) -> Lanes:
    """The sample function of a kernel without sizes, for lanes.

    Raises
    ------
    Unsuited
        If the kernel computes with numbers of more than 64 bits, with functions of reals, or in an order that depends
        on the sample.
    """
    for node in expressions(kernel.sample.body):
        if isinstance(node, Apply | Answer | Count | FromReal | Reinterpret | Pack | Strays):
            raise Unsuited("it uses functions of reals")
        if node.type.is_wide:
            raise Unsuited("its numbers have more than 64 bits")
    if any(buffer.type.is_wide for buffer in kernel.buffers):
        raise Unsuited("its numbers have more than 64 bits")
    kernel = selected(kernel)
    names = {node.name for node in expressions(kernel.sample.body) if isinstance(node, Var)}
    kernel = split(kernel, _LONGEST, frozenset(names - _varying(kernel, [kernel.sample.body])))  # memory is for lanes
    functions = {function.name: function.body for function in (kernel.sample, *kernel.parts)}
    maker = _Maker(kernel, _varying(kernel, tuple(functions.values())))
    made = {name: maker.block(body) for name, body in functions.items()}
    return Lanes(kernel, made.pop(kernel.sample.name), made, maker.varying)


def varies(kernel: Kernel, varying: frozenset[str], root: Expr) -> bool:
    """Whether an expression depends on the lane."""
    return any(
        _is_of_lane(kernel, node) or (isinstance(node, Var) and node.name in varying) for node in subexpressions(root)
    )


def _is_of_lane(kernel: Kernel, node: Expr) -> bool:
    return isinstance(node, Load) and kernel.buffer[node.buffer].role != "table"


def _varying(kernel: Kernel, bodies: Sequence[Sequence[Stmt]]) -> frozenset[str]:
    """The variables that depend on the lane, by what they are given or by when; in linear time."""
    found: set[str | int] = set()
    readers: dict[str | int, list[str | int]] = defaultdict(list)
    """By variable or by number of a branch or loop, what depends on the lane if it does."""
    waiting: list[str | int] = []

    def read(reader: str | int, root: Expr) -> None:
        for node in subexpressions(root):
            if isinstance(node, Var):
                readers[node.name].append(reader)
            elif _is_of_lane(kernel, node):
                waiting.append(reader)

    numbers = count()
    for body in bodies:
        open_: list[int] = []
        for event, stmt in walk(body):
            if event == "enter":
                number = next(numbers)
                if open_:
                    readers[open_[-1]].append(number)
                open_.append(number)
                if isinstance(stmt, Branch):
                    read(number, stmt.condition)
            elif event == "leave":
                open_.pop()
            elif isinstance(stmt, Declare | Assign):
                read(stmt.variable.name, stmt.value)
                if isinstance(stmt, Assign) and open_:
                    readers[open_[-1]].append(stmt.variable.name)
    while waiting:
        if (reader := waiting.pop()) not in found:
            found.add(reader)
            waiting += readers[reader]
    return frozenset(name for name in found if isinstance(name, str))


class _Maker:
    def __init__(self, kernel: Kernel, varying: frozenset[str]) -> None:
        self.kernel, self.varying = kernel, varying
        self.tables = {b.name for b in kernel.of_role("table")}
        self.names = Names([b.name for b in kernel.buffers])

    def _varies(self, expr: Expr) -> bool:
        return varies(self.kernel, self.varying, expr)

    def block(self, body: Sequence[Stmt]) -> tuple[Stmt, ...]:
        """Statements for all lanes."""
        made: list[Stmt] = []
        for stmt in body:
            for expr in operands(stmt):
                self._check(expr)
            match stmt:
                case Branch(condition, then, otherwise) if self._varies(condition):
                    made += self._chosen(condition, then, otherwise)
                case Branch(condition, then, otherwise):
                    made.append(Branch(condition, self.block(then), self.block(otherwise)))
                case Loop(_, lower, upper, inner):
                    self._check_loop(lower, upper, inner)
                    made.append(replace(stmt, body=self.block(inner)))
                case Store(_, index, _) if self._varies(index):
                    raise Unsuited("where an element is stored depends on the sample")
                case _:
                    made.append(stmt)
        return tuple(made)

    def _check_loop(self, lower: Expr, upper: Expr, body: Sequence[Stmt]) -> None:
        if self._varies(lower) or self._varies(upper):
            raise Unsuited("a loop runs as often as the sample says")
        if self._leaves(body) and not self._may_go_on(body):
            raise Unsuited("a loop ends when the sample says")

    def _check(self, root: Expr) -> None:
        """Refuse reads whose place depends on the sample, but for those of tables."""
        for node in subexpressions(root):
            if isinstance(node, Load):
                if self._varies(node.index) and (node.buffer not in self.tables or node.guard is not None):
                    raise Unsuited("which element is read depends on the sample")
                if node.guard is not None and self._varies(node.guard):
                    raise Unsuited("whether an element is read depends on the sample")

    def _chosen(self, condition: Expr, then: Sequence[Stmt], otherwise: Sequence[Stmt]) -> list[Stmt]:
        """Both arms, whose assignments take place in the lanes that take the arm."""
        made: list[Stmt] = []
        mask = self._mask(made, condition)
        for arm, own in ((then, mask), (otherwise, Not(mask))):
            made += self._masked(arm, own, set())
        return made if len(made) > 1 else []

    def _mask(self, made: list[Stmt], condition: Expr) -> Var:
        """A new variable that says which lanes go on."""
        mask = Var(self.names.fresh("taken"), BIT)
        self.varying |= {mask.name}
        made.append(Declare(mask, condition))
        return mask

    def _masked(self, body: Sequence[Stmt], mask: Expr, local: set[str]) -> list[Stmt]:
        """Statements that change no more, where the mask is 0, than what they declare themselves, and `local`."""
        made: list[Stmt] = []
        local = set(local)
        for stmt in body:
            for expr in operands(stmt):
                self._check(expr)
            match stmt:
                case Comment():
                    made.append(stmt)
                case Declare(variable):
                    local.add(variable.name)
                    made.append(stmt)
                case Assign(variable) if variable.name in local:
                    made.append(stmt)
                case Assign(variable, value):
                    made.append(Assign(variable, Select(mask, value, variable, variable.type)))
                case Loop(_, lower, upper, inner):
                    self._check_loop(lower, upper, inner)
                    made.append(replace(stmt, body=tuple(self._masked(inner, mask, local))))
                case Branch(condition, then, otherwise):
                    inside = self._mask(made, Logic("and", mask, condition))
                    made += self._masked(then, inside, set())
                    if otherwise:
                        outside = self._mask(made, Logic("and", mask, Not(condition)))
                        made += self._masked(otherwise, outside, set())
                case Break():
                    pass  # nothing that follows in the loop changes anything, see `_may_go_on`
                case _:
                    raise Unsuited("what is done depends on the sample")
        return made

    # --- loops that are left -----------------------------------------------------------------------------------------

    def _leaves(self, body: Sequence[Stmt]) -> bool:
        """Whether some lanes may leave a loop, itself, before others."""
        for stmt in body:
            if isinstance(stmt, Branch):
                arms = (*stmt.then, *stmt.otherwise)
                if self._varies(stmt.condition) and any(isinstance(s, Break) for s in arms):
                    return True
                if self._leaves(arms):
                    return True
        return False

    def _may_go_on(self, body: Sequence[Stmt]) -> bool:
        """Whether a loop does nothing but give one variable, always, one constant."""
        declared = {stmt.variable.name for _, stmt in walk(body) if isinstance(stmt, Declare)}
        given: set[tuple[str, Expr]] = set()
        for _, stmt in walk(body):
            match stmt:
                case Assign(variable, value) if variable.name not in declared:
                    given.add((variable.name, value))
                case Store() | Invoke():
                    return False
        read = {
            node.name
            for event, stmt in walk(body)
            if event in ("at", "enter") and not (isinstance(stmt, Branch) and self._only_breaks(stmt))
            for expr in operands(stmt)
            for node in subexpressions(expr)
            if isinstance(node, Var)
        }
        return (
            len(given) == 1
            and all(isinstance(value, Const) for _, value in given)
            and not any(name in read for name, _ in given)
        )

    @staticmethod
    def _only_breaks(stmt: Branch) -> bool:
        return all(isinstance(s, Break) for s in (*stmt.then, *stmt.otherwise))
