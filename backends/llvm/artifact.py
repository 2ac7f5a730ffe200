"""What the just-in-time compiler makes of a rule: object code, and what must be known to call it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ddcompile.ir.ranges import Bound, ValueType
from ddcompile.kernel.nodes import BIT, F64, WORD, Buffer, IntType, Type
from ddcompile.kernel.schedule_names import Layout, Schedule

__all__ = ["Artifact"]

_LAYOUTS: dict[Schedule, tuple[Layout, ...]] = {"grid": ("plain", "packed"), "tables": ("plain", "packed", "sliced")}
"""How bits may lie, by schedule; in others, plainly."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """The code of a rule without sizes.

    Attributes
    ----------
    buffers
        Inputs, then outputs: what pointers are given for.
    strays
        Words for each sample, 0 before a call, that a pointer after these is given for: one is another number after it
        if something in the inputs is no bit. 0 if there is no such pointer, and inputs are not checked.
    scratch_bytes
        Bytes of scratch memory that the functions are given; None if they take none.
    tensor, shape
        The types and shapes of the results, by name.
    schedule
        The schedule.
    layout
        How bits are given and taken.
    phases, units
        How a team of threads may share a sample (see `ddcompile.kernel.grid.build.Built`); 0 if it may not.
    width, block_bytes
        How many samples another function computes at once, and the bytes of memory that it needs; 0 if there is none.
    grain
        So many samples are computed as fast as one.
    code
        Object code.
    """

    buffers: tuple[Buffer, ...]
    strays: int
    scratch_bytes: int | None
    tensor: Mapping[str, ValueType]
    shape: Mapping[str, tuple[int, ...]]
    schedule: Schedule
    layout: Layout
    phases: int
    units: int
    width: int
    block_bytes: int
    grain: int
    code: bytes

    def takes(self, layout: Layout) -> bool:
        """Whether the schedule takes bits that lie so."""
        return layout in _LAYOUTS.get(self.schedule, ("plain",))

    @property
    def inputs(self) -> tuple[Buffer, ...]:
        """The buffers that are read."""
        return tuple(b for b in self.buffers if b.role == "input")

    @property
    def outputs(self) -> tuple[Buffer, ...]:
        """The buffers that are written."""
        return tuple(b for b in self.buffers if b.role == "output")

    def to_bytes(self) -> bytes:
        """A line of JSON, then the code."""
        head = {
            "buffers": [[b.name, b.role, str(b.type), b.shape, b.exponent] for b in self.buffers],
            "scratch": self.scratch_bytes,
            "tensor": {name: _type_values(type_) for name, type_ in self.tensor.items()},
            "shape": self.shape,
            "schedule": [self.schedule, self.layout, self.phases, self.units, self.strays],
            "blocks": [self.width, self.block_bytes, self.grain],
        }
        return json.dumps(head, separators=(",", ":")).encode() + b"\n" + self.code

    @classmethod
    def from_bytes(cls, data: bytes) -> Artifact:
        """What `to_bytes` gave."""
        line, _, code = data.partition(b"\n")
        head = json.loads(line)
        buffers = tuple(Buffer(name, role, _scalar(type_), tuple(n), e) for name, role, type_, n, e in head["buffers"])
        tensor = {name: _value_type(values) for name, values in head["tensor"].items()}
        shape = {name: tuple(extents) for name, extents in head["shape"].items()}
        schedule, layout, phases, units, strays = head["schedule"]
        width, block_bytes, grain = head["blocks"]
        memory = head["scratch"]
        return cls(
            buffers, strays, memory, tensor, shape, schedule, layout, phases, units, width, block_bytes, grain, code
        )  # fmt: skip


def _scalar(text: str) -> Type:
    return next((type_ for type_ in (BIT, F64, WORD) if str(type_) == text), None) or IntType(int(text[1:]))


def _type_values(type_: ValueType) -> list[Any]:
    """A type; bounds are hexadecimal, as they may have more digits than Python reads in tens."""
    low, high = (None if bound is None else hex(bound) for bound in (type_.low, type_.high))
    return [type_.kind, low, high, type_.exponent, type_.step]


def _value_type(values: list[Any]) -> ValueType:
    kind, low, high, exponent, step = values
    return ValueType(kind, _bound(low), _bound(high), exponent, step)


def _bound(text: str | None) -> Bound:
    return None if text is None else int(text, 16)
