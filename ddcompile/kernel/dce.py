"""Dead code elimination: what no output depends on goes, so that compilers have nothing to warn about.

Before:                              After:
    let t1: i8 = x[0] + x[1]             y[0] = 1
    unused[0] = t1
    y[0] = 1
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ddcompile.kernel.nodes import (
    Assign,
    Branch,
    Break,
    Comment,
    Declare,
    Expr,
    Invoke,
    Load,
    Loop,
    Pack,
    Place,
    Return,
    Spread,
    Stmt,
    Store,
    Strays,
    Var,
)
from ddcompile.kernel.traverse import Event, operands, subexpressions, walk

__all__ = ["eliminate_dead_code"]


def eliminate_dead_code(body: Sequence[Stmt], outputs: frozenset[str]) -> tuple[Stmt, ...]:
    """Drop stores to buffers that nobody loads, variables that nobody reads, and blocks that do nothing.

    Parameters
    ----------
    body
        The statements of a function.
    outputs
        Buffers whose contents matter after the function.
    """
    current = tuple(body)
    while True:
        kept = _sweep(current, _Uses(current), outputs)
        if kept == current:
            return current
        current = kept


class _Scopes:
    """The declarations that are visible, by name; blocks that do not overlap may declare a name again."""

    def __init__(self) -> None:
        self._scopes: list[dict[str, Declare]] = [{}]

    def follow(self, event: Event, stmt: Stmt) -> None:
        """Take note of the next step of a walk."""
        if event in ("else", "leave"):
            self._scopes.pop()
        if event in ("enter", "else"):
            self._scopes.append({})
        elif isinstance(stmt, Declare):
            self._scopes[-1][stmt.variable.name] = stmt

    def declaration(self, name: str) -> int | None:
        """The id of the statement that declares a name; None for loop indices and parameters."""
        return next((id(scope[name]) for scope in reversed(self._scopes) if name in scope), None)


class _Uses:
    """Buffers that are loaded, and declarations of variables that something else than their own assignments reads."""

    def __init__(self, body: Sequence[Stmt]) -> None:
        self.buffers: set[str] = set()
        self.declarations: set[int | None] = set()
        scopes = _Scopes()
        for event, stmt in walk(body):
            if event in ("at", "enter"):
                own = stmt.variable.name if isinstance(stmt, Assign) else None
                for expr in operands(stmt):
                    self._note(expr, own, scopes)
            scopes.follow(event, stmt)

    def _note(self, root: Expr, own: str | None, scopes: _Scopes) -> None:
        for node in subexpressions(root):
            match node:
                case Load(buffer) | Pack(buffer) | Strays(buffer):
                    self.buffers.add(buffer)
                case Var(name) if name != own:
                    self.declarations.add(scopes.declaration(name))


def _sweep(body: tuple[Stmt, ...], uses: _Uses, outputs: frozenset[str]) -> tuple[Stmt, ...]:
    blocks: list[list[Stmt]] = [[]]
    scopes = _Scopes()
    for event, stmt in walk(body):
        scopes.follow(event, stmt)
        match event, stmt:
            case (("enter" | "else"), _):
                blocks.append([])
            case "leave", Loop():
                inner = tuple(blocks.pop())
                if any(_does_something(s) for s in inner):
                    blocks[-1].append(stmt if inner == stmt.body else replace(stmt, body=inner))
            case "leave", Branch():
                otherwise = tuple(blocks.pop()) if stmt.otherwise else ()
                then = tuple(blocks.pop())
                if then or otherwise:
                    is_same = (then, otherwise) == (stmt.then, stmt.otherwise)
                    blocks[-1].append(stmt if is_same else Branch(stmt.condition, then, otherwise))
            case _, Declare(variable) | Assign(variable) if scopes.declaration(variable.name) not in uses.declarations:
                pass
            case _, (Store(buffer) | Spread(buffer)) if buffer not in uses.buffers and buffer not in outputs:
                pass
            case _:
                blocks[-1].append(stmt)
    return tuple(blocks[0])


def _does_something(stmt: Stmt) -> bool:
    """Whether a statement of a loop's body has an effect beyond it."""
    match stmt:
        case Comment() | Break() | Declare():
            return False
        case Branch(_, then, otherwise):
            return any(not isinstance(s, Break) for s in (*then, *otherwise))
        case Assign() | Store() | Spread() | Loop() | Invoke() | Place() | Return():
            return True
