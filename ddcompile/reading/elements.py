"""What a reduction of a plain read goes through: a row, a column, a block around an element, all of a tensor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ddcompile.ir.affine import Affine, affine_of
from ddcompile.ir.nodes import Binder, Expr, Index, Literal, Number, Read
from ddcompile.ir.printer import print_expression
from ddcompile.ir.traverse import free_indices
from ddcompile.reading.ranges import last_of
from ddcompile.reading.surroundings import Surroundings
from ddcompile.reading.words import code

__all__ = ["Elements", "elements_of"]


@dataclass(frozen=True, slots=True)
class Elements:
    """Words for several elements of a tensor."""

    text: str
    is_plural: bool = False
    ends: tuple[str, str] | None = None
    """The elements, if they are two."""

    def verb(self, singular: str, plural: str) -> str:
        """The form that goes with it."""
        return plural if self.is_plural else singular


def elements_of(read: Read, binders: Sequence[Binder], known: Surroundings) -> Elements | None:
    """Words for the elements `read` where the indices of the binders go through their ranges; None if none fit."""
    extents = known.extents.get(read.tensor, ())
    names = {b.name for b in binders}
    if read.pad is not None or len(extents) != len(read.positions) or not all(_is_free(b, names) for b in binders):
        return None
    moving: dict[int, Binder] = {}
    steps: dict[int, Number] = {}
    for axis, position in enumerate(read.positions):
        used = free_indices(position) & names
        if used:
            form = affine_of(position)
            if len(used) > 1 or form is None:
                return None
            (name,) = used
            moving[axis], steps[axis] = next(b for b in binders if b.name == name), form.coefficient(name)
    if {b.name for b in moving.values()} != names:
        return None
    if any(_may_be_empty(b) for b in binders):
        return None  # `x[0]` to `x[j - 1]` are no elements of x where j is 0
    if len(binders) == 1:
        return _whole(read, moving, extents) or _line(read, moving, list(steps.values()))
    if len(moving) != len(binders) or any(step != 1 for step in steps.values()):
        return None
    return _whole(read, moving, extents) or _block(read, moving)


def _may_be_empty(binder: Binder) -> bool:
    """Whether a range ends at an index where it begins, or before, when the index is 0."""
    low, high = affine_of(binder.lower), affine_of(binder.upper)
    if low is None or high is None:
        return True
    indices = free_indices(binder.lower) | free_indices(binder.upper)
    count = high - low
    if not count.names & indices or any(count.coefficient(name) < 0 for name in count.names):
        return False
    return count.constant + sum(count.coefficient(name) for name in count.names - indices) < 1


def _whole(read: Read, moving: dict[int, Binder], extents: tuple[Expr | None, ...]) -> Elements | None:
    """All of a tensor, or of a row or column of a matrix."""
    whole = {axis for axis, b in moving.items() if _is_whole(read.positions[axis], b, extents[axis])}
    if len(whole) < len(moving) or len({b.name for b in moving.values()}) < len(moving):
        return None
    if len(whole) == len(extents):
        return Elements(code(read.tensor))
    if len(extents) == 2:
        (fixed,) = {0, 1} - whole
        return Elements(f"{('row', 'column')[fixed]} {_place(read.positions[fixed])} of {code(read.tensor)}")
    return None


def _is_free(binder: Binder, names: set[str]) -> bool:
    """Whether a range is affine and no other index of the reduction moves it."""
    forms = affine_of(binder.lower), affine_of(binder.upper)
    return all(form is not None and not form.names & names for form in forms)


def _is_whole(position: Expr, binder: Binder, extent: Expr | None) -> bool:
    return isinstance(position, Index) and binder.lower == Literal(0) and binder.upper == extent


def _place(position: Expr) -> str:
    text = print_expression(position)
    return text if text.isalnum() else code(text)


def _line(read: Read, moving: dict[int, Binder], steps: list[Number]) -> Elements | None:
    """What one index goes through: some elements side by side, or in equal steps, or a diagonal."""
    binder = next(iter(moving.values()))
    count = _count(binder)
    ends = [binder.lower, last_of(binder)]
    if steps[0] < 0:
        ends.reverse()
    first, last = (_at(read, dict.fromkeys(moving, end), moving) for end in ends)
    if count == 2:
        return Elements(f"{first} and {last}", is_plural=True, ends=(first, last))
    if len(moving) > 1:
        return Elements(f"the diagonal from {first} to {last}") if all(abs(step) == 1 for step in steps) else None
    size = "" if count is None else f"{count} "
    leap = "" if abs(steps[0]) == 1 else f" in steps of {abs(steps[0])}"
    return Elements(f"the {size}elements from {first} to {last}{leap}", is_plural=True)


def _block(read: Read, moving: dict[int, Binder]) -> Elements:
    """A box around an element, or from its first element to its last."""
    counts = [_count(b) for b in moving.values()]
    size = " x ".join(str(n) for n in counts) + " " if None not in counts else ""
    if len(moving) == len(read.positions) and all(_is_centred(b) for b in moving.values()):
        return Elements(f"the {size}block around {_at(read, {a: Literal(0) for a in moving}, moving)}")
    first, last = (_at(read, {a: (b.lower, last_of(b))[end] for a, b in moving.items()}, moving) for end in (0, 1))
    return Elements(f"the {size}block from {first} to {last}")


def _count(binder: Binder) -> int | None:
    low, high = affine_of(binder.lower), affine_of(binder.upper)
    if low is None or high is None or not (high - low).is_constant:
        return None
    return int((high - low).constant)


def _is_centred(binder: Binder) -> bool:
    match binder.lower, last_of(binder):
        case Literal(int(low)), Literal(int(high)):
            return low == -high
    return False


def _at(read: Read, values: dict[int, Expr], moving: dict[int, Binder]) -> str:
    """The element where the indices have some values."""
    positions = list(read.positions)
    for axis, value in values.items():
        form, put = affine_of(positions[axis]), affine_of(value)
        assert form is not None
        replaced = {moving[axis].name: put} if put is not None else {}
        positions[axis] = _put(form, replaced)
    return code(print_expression(Read(read.tensor, tuple(positions))))


def _put(form: Affine, values: dict[str, Affine]) -> Expr:
    return form.substitute(values).to_expr()
