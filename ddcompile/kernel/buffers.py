"""Buffers of kernels: flat arrays whose extents are numbers, or affine in the sizes of the rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import prod
from typing import Literal as OneOf, TypeAlias, cast

from ddcompile.ir.affine import Affine
from ddcompile.ir.printer import print_expression
from ddcompile.kernel.scalars import Type

__all__ = ["Buffer", "Extent", "Role"]

Role: TypeAlias = OneOf["input", "output", "table", "scratch"]


Extent: TypeAlias = int | Affine
"""A number, or a form of sizes that is at least 1 where the sizes are allowed."""


@dataclass(frozen=True, slots=True)
class Buffer:
    """A flat array in row-major order.

    Attributes
    ----------
    name : str
        The tensor's name in the rule.
    role : {"input", "output", "table", "scratch"}
        Inputs and outputs are parameters, tables are constants of the kernel.
    type : Type
        Element type.
    shape : tuple of Extent
        The tensor's shape, for one sample.
    exponent : int
        An element n stands for the number n * 2**-exponent.
    values : tuple of int
        The elements of a table, else empty.
    """

    name: str
    role: Role
    type: Type
    shape: tuple[Extent, ...] = ()
    exponent: int = 0
    values: tuple[int, ...] = field(default=(), repr=False)
    _count: int | None = field(init=False, repr=False, compare=False)
    """Number of elements, or None if it depends on sizes; calls of compiled rules ask for it."""

    def __post_init__(self) -> None:
        numbers = [extent for extent in self.shape if isinstance(extent, int)]
        object.__setattr__(self, "_count", prod(numbers) if len(numbers) == len(self.shape) else None)

    @property
    def is_sized(self) -> bool:
        """Whether the shape depends on sizes."""
        return self._count is None

    @property
    def shape_texts(self) -> list[str]:
        """The extents for the reader."""
        return [str(n) if isinstance(n, int) else print_expression(n.to_expr()) for n in self.shape]

    @property
    def extents(self) -> tuple[int, ...]:
        """The shape of a buffer that does not depend on sizes."""
        assert not self.is_sized, self.name
        return cast(tuple[int, ...], self.shape)

    def at(self, sizes: Mapping[str, int]) -> Buffer:
        """The buffer at given sizes."""
        if not self.is_sized:
            return self
        return replace(self, shape=tuple(n if isinstance(n, int) else int(n.evaluate(sizes)) for n in self.shape))

    @property
    def size(self) -> int:
        """Number of elements, 1 for a scalar; of a buffer that does not depend on sizes."""
        assert self._count is not None, self.name
        return self._count

    @property
    def bytes(self) -> int:
        """Bytes that the elements take."""
        return self.size * self.type.bytes
