"""The self-test of an emitted C file: golden vectors that the interpreter computes."""

from __future__ import annotations

from fractions import Fraction
from math import prod
from random import Random

import numpy as np

from ddcompile.backends.c.literals import element_type
from ddcompile.backends.c.source import CSource, elements, table_text
from ddcompile.backends.shared.memory import scaled_values
from ddcompile.backends.shared.templates import render
from ddcompile.backends.shared.writer import Writer
from ddcompile.interpreter import interpret
from ddcompile.ir.nodes import Rule
from ddcompile.ir.types import Types, ValueType
from ddcompile.kernel.nodes import F64, Buffer

__all__ = ["golden_inputs", "selftest"]

_SAMPLES = 16
_ELEMENTS = 1 << 16
"""Array elements that a self-test holds at most, unless one sample has more."""


def golden_inputs(rule: Rule, types: Types, samples: int) -> list[np.ndarray]:
    """Inputs of a rule without sizes: the least values, the greatest, and random ones that never change."""
    random = Random(0)
    arrays = []
    for declaration in rule.inputs:
        shape = (samples, *types.shape[declaration.name])
        count = prod(shape[1:])
        values: list[int | Fraction | None]
        if declaration.type.kind in ("rat", "real"):
            values = [Fraction(_double(random)) for _ in range(prod(shape))]
        else:
            found = types.tensor[declaration.name]
            values = [_draw(random, found) for _ in range(prod(shape))]
            if samples > 2:
                values[: 2 * count] = [found.low] * count + [found.high] * count
        array = np.empty(len(values), dtype=object)
        array[:] = values
        arrays.append(array.reshape(shape))
    return arrays


def _double(random: Random) -> float:
    """A finite double of any size, mostly of a usual one."""
    power = random.choice((-1074, -60, -3, 0, 0, 0, 1, 10, 1020))
    return random.choice((-1, 1)) * random.choice((0.5, random.random(), random.randrange(8))) * 2.0**power


def _draw(random: Random, found: ValueType) -> int:
    assert found.low is not None
    assert found.high is not None
    step = found.step or 1
    return found.low + step * random.randrange((found.high - found.low) // step + 1)


def selftest(rule: Rule, types: Types, source: CSource, provenance: tuple[str, ...]) -> str:
    """The text of a file with a `main` that runs the batch entry point and compares every element."""
    kernel, prefix = source.kernel, source.prefix
    size = sum(map(elements, kernel.parameters))
    samples = max(1, min(_SAMPLES, _ELEMENTS // max(1, size)))
    inputs = golden_inputs(rule, types, samples)
    outputs = interpret(rule, inputs)
    tables = [_table("input", b, a, source) for b, a in zip(kernel.of_role("input"), inputs, strict=True)]
    for buffer, array in zip(kernel.of_role("output"), outputs, strict=True):
        if buffer.type == F64:
            tables.append(_bits(buffer, array, source))
        else:
            tables.append(_table("expected", buffer, array, source))
        count = samples * elements(buffer)
        tables.append(f"static {element_type(buffer.type)} actual_{source.names[buffer.name]}[{count}];\n")
    arguments = [f"{'input' if b.role == 'input' else 'actual'}_{source.names[b.name]}" for b in kernel.parameters]
    return render(
        "ddcompile.backends.c",
        "selftest.c.j2",
        prefix=prefix,
        provenance=provenance,
        samples=samples,
        tables=tables,
        has_scratch=kernel.needs_scratch,
        arguments=", ".join([str(samples), *arguments, *(["&scratch"] if kernel.needs_scratch else [])]),
        outputs=[source.names[b.name] for b in kernel.of_role("output") if b.type != F64],
        reals=[source.names[b.name] for b in kernel.of_role("output") if b.type == F64],
    )


def _bits(buffer: Buffer, array: np.ndarray, source: CSource) -> str:
    """The bits of the doubles expected: they tell the zeros apart."""
    items = [f"UINT64_C({bits:#x})" for bits in scaled_values(buffer, array)]
    writer = Writer()
    with writer.block(f"static const uint64_t expected_{source.names[buffer.name]}[{len(items)}] = {{", "};"):
        writer.fill(items)
    return writer.text()


def _table(role: str, buffer: Buffer, array: np.ndarray, source: CSource) -> str:
    values = scaled_values(buffer, array)
    count = max(1, array.shape[0] * elements(buffer))
    name = f"{role}_{source.names[buffer.name]}"
    return table_text(f"static const {element_type(buffer.type)} {name}[{count}]", values, buffer.type)
