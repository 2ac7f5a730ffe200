"""Meanings of all elements of a program, from its own definitions, in evaluation order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import prod

import numpy as np

from ddcompile.ir.nodes import Binder, Declaration
from ddcompile.prove.code import Code, compile_clause
from ddcompile.prove.elements import ELEMENT_LIMIT, Model, Table, name_of, static_shape
from ddcompile.prove.forms import Decline, Form
from ddcompile.prove.machine import Machine, Pending
from ddcompile.prove.store import Store

__all__ = ["Clauses", "Definitions", "components", "input_tables"]


def input_tables(store: Store, inputs: Iterable[Declaration]) -> dict[str, Table]:
    """One variable, or a few thresholds of it, for every input element."""
    tables: dict[str, Table] = {}
    for d in inputs:
        shape = static_shape(d.type.shape)
        if prod(shape) > ELEMENT_LIMIT:
            raise Decline(f"the input {d.name} has {prod(shape)} elements")
        names = [name_of(d.name, shape, k) for k in range(prod(shape))]
        forms: list[Form | None]
        match d.type.kind:
            case "bit":
                forms = [store.input(name, 0, 1) for name in names]
            case "spin":
                forms = [store.spin(name) for name in names]
            case "trit":
                forms = [store.input(name, -1, 1) for name in names]
            case "int":
                forms = [store.input(name, _plain(d.type.low), _plain(d.type.high)) for name in names]
            case "rat":
                forms = [store.input(name, None, None, integral=False) for name in names]
            case "real":
                forms = [store.opaque(f"input {name}", ()) for name in names]
        tables[d.name] = Table(d.name, shape, forms)
    return tables


def _plain(end: int | None) -> int | None:
    return None if end is None else int(end)


class Clauses:
    """Compiled clauses of a model and the elements they define."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._code: dict[int, Code] = {}
        self._axes: dict[int, tuple[int, ...]] = {}

    def elements(self, name: str) -> Iterator[int]:
        """Flat positions of the defined elements of a tensor, ascending."""
        yield from np.flatnonzero(self.model.owner[name].ravel() >= 0).tolist()

    def evaluate(self, machine: Machine, name: str, flat: int) -> Form:
        """The definition of an element over the tables of a machine."""
        owner = self.model.owner[name]
        position = np.unravel_index(flat, owner.shape) if owner.shape else ()
        number = int(owner[position])
        code = self._code.get(number)
        if code is None:
            statement = self.model.statements[number]
            constants = self.model.constants.keys()
            code = self._code[number] = compile_clause(statement, self.model.flags, constants)
            self._axes[number] = tuple(k for k, p in enumerate(statement.positions) if isinstance(p, Binder))
        form = machine.run(code, [int(position[axis]) for axis in self._axes[number]])
        if not code.real and self.model.is_real(name):
            return machine.store.opaque("Unary real", [form])
        return form


class Definitions(Mapping[str, Table]):
    """The tables of a program, evaluated when first asked for."""

    def __init__(self, store: Store, model: Model, inputs: Mapping[str, Table]) -> None:
        self._clauses = Clauses(model)
        self._model = model
        self._tables = dict(inputs)
        self._machine = Machine(store, self, model.constants)
        self._groups = components(model)

    def __getitem__(self, name: str) -> Table:
        if name not in self._tables:
            if name not in self._model.owner:
                raise Decline(f"there is no tensor {name}")
            self._require(name)
        return self._tables[name]

    def __contains__(self, name: object) -> bool:
        return name in self._tables or name in self._model.owner

    def __iter__(self) -> Iterator[str]:
        yield from self._model.shape

    def __len__(self) -> int:
        return len(self._model.shape)

    def _require(self, name: str) -> None:
        needed = {name}
        for group in reversed(self._groups):
            if needed.intersection(group):
                needed.update(group)
                for member in group:
                    needed.update(self._model.reads(member))
        for group in self._groups:
            if needed.intersection(group) and group[0] not in self._tables:
                complete(self._clauses, self._machine, self._tables, group)


def complete(clauses: Clauses, machine: Machine, tables: dict[str, Table], group: Sequence[str]) -> None:
    """Evaluate all elements of tensors that may read one another, the tables of all others being complete.

    Raises
    ------
    Decline
        If a definition cannot be followed, or an element depends on itself.
    """
    model = clauses.model
    for name in group:
        shape = model.shape[name]
        tables[name] = Table(name, shape, [None] * prod(shape), pending=True)
    for name in group:
        for flat in clauses.elements(name):
            _evaluate(clauses, machine, tables, name, flat)
    for name in group:
        tables[name].pending = False


def _evaluate(clauses: Clauses, machine: Machine, tables: Mapping[str, Table], name: str, flat: int) -> None:
    stack = [(name, flat)]
    waiting = {(name, flat)}
    while stack:
        name, flat = stack[-1]
        table = tables[name]
        if table.forms[flat] is None:
            try:
                table.forms[flat] = clauses.evaluate(machine, name, flat)
            except Pending as pending:
                if (pending.tensor, pending.flat) in waiting:
                    place = name_of(name, table.shape, flat)
                    raise Decline(f"{place} depends on itself") from None
                if int(clauses.model.owner[pending.tensor].ravel()[pending.flat]) < 0:
                    place = name_of(pending.tensor, tables[pending.tensor].shape, pending.flat)
                    raise Decline(f"{place} is read but not defined") from None
                stack.append((pending.tensor, pending.flat))
                waiting.add(stack[-1])
                continue
        waiting.discard(stack.pop())


def components(model: Model) -> list[list[str]]:
    """Groups of tensors that read one another, every group after those it reads (Tarjan 1972, with a stack)."""
    names = list(model.owner)
    edges = {name: [r for r in sorted(model.reads(name)) if r in model.owner] for name in names}
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    open_names: list[str] = []
    is_open: set[str] = set()
    groups: list[list[str]] = []
    for root in names:
        if root in number:
            continue
        work: list[tuple[str, Iterator[str]]] = [(root, iter(edges[root]))]
        number[root] = low[root] = len(number)
        open_names.append(root)
        is_open.add(root)
        while work:
            name, rest = work[-1]
            for other in rest:
                if other not in number:
                    number[other] = low[other] = len(number)
                    open_names.append(other)
                    is_open.add(other)
                    work.append((other, iter(edges[other])))
                    break
                if other in is_open:
                    low[name] = min(low[name], number[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
                if low[name] == number[name]:
                    group: list[str] = []
                    while name not in group:
                        group.append(open_names.pop())
                        is_open.discard(group[-1])
                    groups.append(sorted(group, key=names.index))
    return groups
