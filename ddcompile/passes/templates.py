"""Statements that are alike: their shapes, the leaves in which they differ, and one statement for a run of them.

Two statements have one shape when they differ in the names of indices, in the tensors they read and in the constants of
affine expressions only. A run of statements of one shape is one statement over a new index when every constant is an
affine function of the place in the run (anti-unification, Plotkin 1970, with affine holes).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from ddcompile.ir.affine import Affine, affine_of
from ddcompile.ir.nodes import Binder, Binding, Expr, Number, Read, Statement
from ddcompile.ir.traverse import children, postorder, with_children
from ddcompile.passes.rewrite import expressions

__all__ = ["Line", "Shape", "filled", "line_of", "lines_of", "shape_of"]

Line: TypeAlias = tuple[int, Number]
"""Slope and value at 0 of a constant as a function of the place."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a statement is up to the leaves that may differ, and these leaves in the order of the text."""

    key: tuple[object, ...]
    tensors: tuple[str, ...]
    numbers: tuple[Number, ...]
    positions: tuple[int, ...]
    """Which of the numbers are positions of the statement itself."""


def shape_of(statement: Statement, size: int) -> Shape | None:
    """The shape of a statement of at most so many nodes."""
    names: dict[str, str] = {b.name: f"?{k}" for k, b in enumerate(statement.binders)}
    for count, node in enumerate(postorder(statement.value), 1):
        if count > size:
            return None
        for binder in getattr(node, "binders", ()):
            names.setdefault(binder.name, f"!{len(names)}")
    key: list[object] = [isinstance(p, Binder) for p in statement.positions]
    tensors: list[str] = []
    numbers: list[Number] = []
    positions: list[int] = []
    starts = []
    for part in expressions(statement):
        starts.append(len(numbers))
        for node, form in _leaves(part):
            if form is not None:
                key.append(tuple(sorted((names.get(name, name), value) for name, value in form.terms)))
                numbers.append(form.constant)
            elif isinstance(node, Read):
                key.append((len(node.positions), node.pad is not None))
                tensors.append(node.tensor)
            else:
                ops = (getattr(node, "op", None), getattr(node, "ops", None), getattr(node, "function", None))
                bound = [names[b.name] for b in node.binders] if isinstance(node, Binding) else []
                key.append((type(node).__name__, *ops, *bound, len(children(node))))
    places = iter(starts[1:])
    for p in statement.positions:
        start = next(places)
        if isinstance(p, Binder):
            next(places)
        else:
            positions.append(start)
    return Shape(tuple(key), tuple(tensors), tuple(numbers), tuple(positions))


def filled(
    statement: Statement, number: Callable[[int, Affine], Affine], read: Callable[[int, Read], Read]
) -> Statement:
    """The statement with other leaves: what is made of constants and reads by their places in its shape."""
    count_numbers = count_reads = 0
    parts: list[Expr] = []
    for part in expressions(statement):
        results: list[Expr] = []
        for node, form in _leaves(part):
            if form is not None:
                new = number(count_numbers, form)
                results.append(node if new == form else new.to_expr())
                count_numbers += 1
                continue
            count = len(children(node))
            kids = tuple(results[len(results) - count :])
            del results[len(results) - count :]
            made = with_children(node, kids) if count else node
            if isinstance(made, Read):
                made = read(count_reads, made)
                count_reads += 1
            results.append(made)
        parts.append(results[0])
    value, *rest = parts
    places = iter(rest)
    positions = tuple(
        Binder(p.name, next(places), next(places)) if isinstance(p, Binder) else next(places)
        for p in statement.positions
    )
    return Statement(statement.target, positions, value, location=statement.location)


def line_of(values: Sequence[Number]) -> Line | None:
    """The affine function that gives these values at 0, 1, 2, ...; None if there is none."""
    if len(set(values)) == 1:
        return 0, values[0]
    slope = values[1] - values[0]
    if not isinstance(slope, int) or any(b - a != slope for a, b in pairwise(values)):
        return None
    return slope, values[0]


def lines_of(shapes: Sequence[Shape]) -> list[Line] | None:
    """The constants of a run of statements as affine functions; None if one is not."""
    lines = []
    for values in zip(*(s.numbers for s in shapes), strict=True):
        line = line_of(values)
        if line is None:
            return None
        lines.append(line)
    return lines


def _leaves(expr: Expr) -> Iterator[tuple[Expr, Affine | None]]:
    """The nodes after their children; of an affine expression the whole with its form, and nothing below."""
    stack: list[tuple[Expr, bool]] = [(expr, False)]
    while stack:
        node, done = stack.pop()
        form = None if done else affine_of(node)
        kids = () if done or form is not None else children(node)
        if not kids:
            yield node, form
            continue
        stack.append((node, True))
        stack += [(kid, False) for kid in reversed(kids)]
