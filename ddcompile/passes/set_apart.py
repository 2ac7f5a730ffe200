"""Statements that are alike but for a few elements: what conditions on indices change, set apart and joined over time.

Before::

    a2[i < 8] = if i == 5 then x[3] else a1[i] and a1[(i + 1) % 8]
    a3[j < 8] = (if j == 1 then a2[7] else a2[j]) and a2[(j + 1) % 8]

What is alike, with t for the time of the second one::

    a[t, i < 8] = a[t - 1, i] and a[t - 1, (i + 1) % 8]

What is joined with it::

    a[t, i < 8] = if t == 2 and i == 5 then x[3] else (if t == 3 and i == 1 then a[t - 1, 7] else a[t - 1, i]) and ...
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ddcompile.analysis.cost import cost
from ddcompile.analysis.linear import box_bounds
from ddcompile.ir import builder
from ddcompile.ir.affine import Affine, affine_of
from ddcompile.ir.nodes import Binary, Binder, Binding, Expr, If, Literal, Read, Statement, Unary
from ddcompile.ir.traverse import children, postorder, reads, rename_indices, rewrite, with_children
from ddcompile.passes.selection import condition

__all__ = ["Switch", "joined", "set_apart", "with_switches"]


@dataclass(frozen=True, slots=True)
class Switch:
    """What a part of a value is instead, or what is added to it, where a condition on indices holds."""

    path: tuple[int, ...]
    """The part: which child it is in, which child of that, and so on."""
    condition: Expr
    value: Expr
    is_added: bool

    def within(self, child: int) -> Switch:
        """The same, seen from the expression of which this one is that child."""
        return replace(self, path=(child, *self.path))


def set_apart(value: Expr) -> tuple[Expr, tuple[Switch, ...]]:
    """The value where no condition on indices holds, and what it takes to make it whole again, inner parts first.

    `sum(j < 3: x[i, j]) + (if i == 2 then x[0, 5] else 0) >= 2` is `sum(j < 3: x[i, j]) >= 2` and an addition to its
    first child. What is in a reduction or in the position of a read stays as it is.
    """
    done: list[tuple[Expr, tuple[Switch, ...]]] = []
    for node in postorder(value):
        count = len(children(node))
        kids = done[len(done) - count :]
        del done[len(done) - count :]
        done.append(_apart(node, kids))
    return done[0]


def _apart(node: Expr, kids: Sequence[tuple[Expr, tuple[Switch, ...]]]) -> tuple[Expr, tuple[Switch, ...]]:
    """A node without conditions on indices, once its children are."""
    match node:
        case If(condition, then, _) if not any(True for _ in reads(condition)):
            otherwise, inner = kids[2]
            return otherwise, (*inner, Switch((), condition, then, otherwise == Literal(0)))
    if not any(inner for _, inner in kids):
        return node, ()
    if isinstance(node, Binding | Read):
        return node, ()
    if isinstance(node, Binary) and node.op in ("+", "-"):
        return _sum_apart(node, *kids)
    made = with_children(node, tuple(kid for kid, _ in kids))
    if affine_of(made) is not None:
        return node, ()
    return made, tuple(s.within(k) for k, (_, inner) in enumerate(kids) for s in inner)


def _sum_apart(
    node: Binary, left: tuple[Expr, tuple[Switch, ...]], right: tuple[Expr, tuple[Switch, ...]]
) -> tuple[Expr, tuple[Switch, ...]]:
    """A sum or a difference: what is added to one of its sides is added to all of it."""
    inner: list[Switch] = []
    added: list[Switch] = []
    for k, (_, switches) in enumerate((left, right)):
        for s in switches:
            if s.path or not s.is_added:
                inner.append(s.within(k))
            else:
                added.append(replace(s, value=builder.neg(s.value)) if k and node.op == "-" else s)
    zero = Literal(0)
    if right[0] == zero and all(s.path[0] == 0 for s in inner):
        return left[0], (*(replace(s, path=s.path[1:]) for s in inner), *added)
    if left[0] == zero and all(s.path[0] == 1 for s in inner):
        if node.op == "+":
            return right[0], (*(replace(s, path=s.path[1:]) for s in inner), *added)
        return Unary("-", right[0]), (*(replace(s, path=(0, *s.path[1:])) for s in inner), *added)
    made = Binary(node.op, left[0], right[0], location=node.location)
    if inner and affine_of(made) is not None:
        return node, ()
    return made, (*inner, *added)


def with_switches(value: Expr, switches: Iterable[Switch]) -> Expr:
    """The value with what it is, or has added, under conditions, inner parts first."""
    for switch in sorted(switches, key=lambda s: -len(s.path)):
        above: list[Expr] = []
        part = value
        for child in switch.path:
            above.append(part)
            part = children(part)[child]
        if not switch.is_added:
            value = builder.conditional(switch.condition, switch.value, part)
        else:
            less = builder.neg(switch.value)
            if cost(less) < cost(switch.value):
                value = builder.sub(part, builder.conditional(switch.condition, less, 0))
            else:
                value = builder.add(part, builder.conditional(switch.condition, switch.value, 0))
        for node, child in zip(reversed(above), reversed(switch.path), strict=True):
            kids = children(node)
            value = with_children(node, (*kids[:child], value, *kids[child + 1 :]))
    return value


def joined(
    over: Statement,
    parts: Mapping[int, tuple[Statement, Sequence[Switch]]],
    place: Mapping[str, tuple[str, int]],
    steps: Mapping[str, int],
) -> Statement:
    """A statement over time with what is set apart of statements that it is made of.

    Parameters
    ----------
    over
        The statement; its first index is the time.
    parts
        By time, a statement with what is set apart of it; its indices are the others of `over`, in order.
    place
        Tensors that are a step of another one, by their names: this one, and the time.
    steps
        How many steps those have. At times at which what is set apart says nothing it may read beyond them, unless
        it reads where other tensors say.
    """
    first = over.positions[0]
    assert isinstance(first, Binder)
    own = {
        time: [_of_step(s, over, statement, time, place, steps) for s in switches]
        for time, (statement, switches) in sorted(parts.items())
    }
    order = _merged(own.values())
    if order is None:
        pairs = [(s, [time]) for time, switches in own.items() for s in switches]
    else:
        pairs = [(s, [time for time, switches in own.items() if s in switches]) for s in order]
    timed = [replace(s, condition=builder.conj(_during(when, first), s.condition)) for s, when in pairs]
    return replace(over, value=with_switches(over.value, timed))


def _merged(sequences: Iterable[Sequence[Switch]]) -> list[Switch] | None:
    """What is in some sequences, each once, in the order of all of them; None if there is none."""
    order: list[Switch] = []
    for sequence in sequences:
        place = len(order)
        for switch in reversed(sequence):
            if switch not in order:
                order.insert(place, switch)
            elif order.index(switch) < place:
                place = order.index(switch)
            else:
                return None
    return order


def _of_step(
    switch: Switch,
    over: Statement,
    statement: Statement,
    time: int,
    place: Mapping[str, tuple[str, int]],
    steps: Mapping[str, int],
) -> Switch:
    """What is set apart of a step, over the indices of the statement over time."""
    first, *others = over.binders
    names = {b.name: other.name for b, other in zip(statement.binders, others, strict=True)}
    taken = {b.name for b in over.binders} | names.keys()
    taken |= {b.name for n in postorder(over.value) if isinstance(n, Binding) for b in n.binders}
    for node in postorder(switch.value):
        for binder in node.binders if isinstance(node, Binding) else ():
            if binder.name not in names and binder.name in taken:
                free = (f"{letter}{k or ''}" for k in range(1000) for letter in "ijklmnpqrs")
                names[binder.name] = next(n for n in free if n not in taken)
            taken.add(names.get(binder.name, binder.name))
    reach = box_bounds(first)
    places = [p for read in reads(switch.value) for p in read.positions]
    may_pad = not any(True for p in places for _ in reads(p))

    def step(node: Expr) -> Expr:
        if not isinstance(node, Read) or node.tensor not in place:
            return node
        tensor, when = place[node.tensor]
        back = time - when
        is_inside = reach is not None and back <= reach[0] and reach[1] - back <= steps[tensor]
        pad = node.pad if node.pad is not None or is_inside or not may_pad else Literal(0)
        return Read(tensor, (Affine.of(-back, {first.name: 1}).to_expr(), *node.positions), pad)

    value = rewrite(rename_indices(switch.value, names), step)
    return replace(switch, condition=rename_indices(switch.condition, names), value=value)


def _during(times: Sequence[int], binder: Binder) -> Expr:
    """Whether it is one of some times, which ascend."""
    runs: list[list[int]] = []
    for time in times:
        if not runs or time != runs[-1][1]:
            runs.append([time, time])
        runs[-1][1] = time + 1
    return builder.disj(*(condition([low], [high], [binder]) for low, high in runs))
