"""Legal inputs of a rule: random ones with the edges of every range, or all of them where they are few."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import islice, product
from math import prod
from typing import Any

import numpy as np

from ddcompile.ir.nodes import Declaration, Kind, Rule
from ddcompile.ir.specialize import specialize
from ddcompile.ir.types import declared_type, extents
from ddcompile.testing.choose import Choose
from ddcompile.testing.values import LARGEST_SIZE

__all__ = ["all_inputs", "input_values", "random_inputs"]

DTYPES: dict[Kind, Any] = {"bit": np.uint8, "spin": np.int8, "trit": np.int8, "real": np.float64}
REALS = (0.0, 1.0, -1.0, 0.5, -0.0, 0.1, -2.75, 1e-3, 123456.789, -1e300, 1e300, 5e-324, -1e-310)
VALUES: dict[Kind, tuple[int, ...]] = {"bit": (0, 1), "spin": (-1, 1), "trit": (-1, 0, 1)}
RATIONALS = tuple(
    Fraction(value)
    for value in (0.0, 1.0, -0.5, 0.1, -1e6, 3.0, 2.0**70 + 2.0**30, 5e-324, -(2.0**-1022), -1.7976931348623157e308)
)
"""All of them doubles, as every engine takes them."""


def random_inputs(rule: Rule, choose: Choose, count: int = 1) -> tuple[np.ndarray, ...]:
    """Random legal inputs.

    Parameters
    ----------
    rule : Rule
        May have sizes; then sizes are chosen too, one choice for all samples.
    choose : Choose
        Makes every decision.
    count : int
        The number of samples.

    Returns
    -------
    tuple of numpy.ndarray
        One array an input, of shape (count, *shape), in the canonical dtype of its kind.
    """
    if rule.sizes:
        rule = specialize(rule, {name: choose.integer(1, LARGEST_SIZE) for name in rule.sizes})
    return tuple(_array(declaration, choose, count) for declaration in rule.inputs)


def all_inputs(rule: Rule, limit: int = 4096) -> tuple[np.ndarray, ...] | None:
    """All inputs of a rule without sizes, one a sample; None if there are more than `limit`."""
    values = input_values(rule)
    if values is None or prod(map(len, values)) > limit:
        return None
    table = np.array(list(product(*values)), dtype=np.int64).reshape(prod(map(len, values)), len(values))
    columns = iter(table.T)
    arrays = []
    for declaration in rule.inputs:
        shape = extents(declaration.type)
        taken = np.array(list(islice(columns, prod(shape))), dtype=np.int64).reshape(prod(shape), len(table))
        arrays.append(taken.T.reshape(len(table), *shape).astype(DTYPES.get(declaration.type.kind, np.int64)))
    return tuple(arrays)


def input_values(rule: Rule) -> list[Sequence[int]] | None:
    """The values of every element of the inputs, row-major in declared order; None if an input is unbounded."""
    found: list[Sequence[int]] = []
    for declaration in rule.inputs:
        kind = declaration.type.kind
        values: Sequence[int] | None = VALUES.get(kind)
        if kind == "int":
            declared = declared_type(declaration.type, is_input=True)
            values = declared.values if declared.fits(16) else None
        if values is None:
            return None
        found += [values] * prod(extents(declaration.type))
    return found


def _array(declaration: Declaration, choose: Choose, count: int) -> np.ndarray:
    shape = extents(declaration.type)
    kind = declaration.type.kind
    array = np.empty((count, prod(shape)), dtype=object)
    for sample in array:
        draw = _source(declaration, choose)
        sample[:] = [draw() for _ in range(prod(shape))]
    array = array.reshape(count, *shape)
    if kind in DTYPES:
        return array.astype(DTYPES[kind])
    return (
        array.astype(np.int64) if kind == "int" and declared_type(declaration.type, is_input=True).fits(64) else array
    )


def _source(declaration: Declaration, choose: Choose) -> Callable[[], int | Fraction | float]:
    """Where the elements of one sample come from: mixed values, mostly one value, or the edges of the range."""
    kind = declaration.type.kind
    if kind == "real":
        return lambda: choose.choice(REALS)
    if kind == "rat":
        return lambda: choose.choice(RATIONALS)
    if kind in VALUES:
        values = VALUES[kind]
        usual, density = choose.choice(values), choose.choice((0.5, 0.0, 0.9))
        return lambda: usual if choose.boolean(density) else choose.choice(values)
    declared = declared_type(declaration.type, is_input=True)
    assert declared.low is not None
    assert declared.high is not None
    low, high = declared.low, declared.high
    edges = sorted({low, min(low + 1, high), max(high - 1, low), high, min(max(0, low), high)}, key=abs)
    if choose.boolean():
        return lambda: choose.choice(edges)
    near = min(high, 9), max(low, -9)
    if near[1] < near[0] and choose.boolean():
        return lambda: choose.integer(near[1], near[0])
    return lambda: choose.integer(low, high)
