"""Names of parsed expressions: which are indices, which sizes, and which tensors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ddcompile.ir.nodes import Binder, Binding, Declaration, Expr, Index, Read, Size, Statement, Type
from ddcompile.ir.traverse import children, with_children

__all__ = ["Scope"]


@dataclass(frozen=True, slots=True)
class _Bind:
    name: str


@dataclass(frozen=True, slots=True)
class _Unbind:
    name: str


@dataclass(frozen=True, slots=True)
class _Rebuild:
    expr: Expr
    kids: int


class Scope:
    """The sizes and indices that are visible; an index hides a size, and both hide tensors."""

    def __init__(self, indices: Iterable[str] = (), sizes: Iterable[str] = ()) -> None:
        self._sizes = frozenset(sizes)
        self._indices = dict.fromkeys(indices, 1)
        """How many bindings of each index are open."""

    def declaration(self, declaration: Declaration) -> Declaration:
        """Resolve the names in the extents of a declaration."""
        where = declaration.location
        return Declaration(declaration.name, self.type(declaration.type), location=where)

    def type(self, type: Type) -> Type:
        """Resolve the names in the extents of a type."""
        shape = tuple(self.expression(extent) for extent in type.shape)
        return Type(type.kind, shape, type.low, type.high, location=type.location)

    def statement(self, statement: Statement) -> Statement:
        """Resolve a clause; each of its indices is visible from its own position on."""
        positions: list[Binder | Expr] = []
        for position in statement.positions:
            if isinstance(position, Binder):
                lower, upper = self.expression(position.lower), self.expression(position.upper)
                positions.append(Binder(position.name, lower, upper, location=position.location))
                self._bind(position.name)
            else:
                positions.append(self.expression(position))
        value = self.expression(statement.value)
        for binder in statement.binders:
            self._unbind(binder.name)
        return Statement(statement.target, tuple(positions), value, location=statement.location)

    def expression(self, expr: Expr) -> Expr:
        """Resolve an expression, with an explicit stack."""
        todo: list[Expr | _Bind | _Unbind | _Rebuild] = [expr]
        done: list[Expr] = []
        while todo:
            item = todo.pop()
            if isinstance(item, Read) and not item.positions and item.pad is None:
                done.append(self._name(item))
            elif isinstance(item, Expr):
                kids = children(item)
                if not kids:
                    done.append(item)
                    continue
                todo.append(_Rebuild(item, len(kids)))
                if isinstance(item, Binding):
                    todo.extend(reversed(kids[2 * len(item.binders) + 1 :]))
                    todo.extend(_Unbind(binder.name) for binder in item.binders)
                    todo.append(item.body)
                    for binder in reversed(item.binders):
                        todo += [_Bind(binder.name), binder.upper, binder.lower]
                else:
                    todo.extend(reversed(kids))
            elif isinstance(item, _Bind):
                self._bind(item.name)
            elif isinstance(item, _Unbind):
                self._unbind(item.name)
            else:
                new = tuple(done[-item.kids :])
                del done[-item.kids :]
                done.append(with_children(item.expr, new))
        return done[0]

    def _name(self, read: Read) -> Expr:
        if read.tensor in self._indices:
            return Index(read.tensor, location=read.location)
        if read.tensor in self._sizes:
            return Size(read.tensor, location=read.location)
        return read

    def _bind(self, name: str) -> None:
        self._indices[name] = self._indices.get(name, 0) + 1

    def _unbind(self, name: str) -> None:
        self._indices[name] -= 1
        if not self._indices[name]:
            del self._indices[name]
