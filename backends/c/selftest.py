"""The self-test of an emitted C file: golden vectors that the interpreter computes."""

from __future__ import annotations

from fractions import Fraction
from math import prod
from random import Random
from typing import Any

import numpy as np

from ddcompile.backends.c.literals import element_type
from ddcompile.backends.c.source import CSource, elements, table_text
from ddcompile.backends.shared.memory import scaled_values
from ddcompile.backends.shared.templates import render
from ddcompile.backends.shared.writer import Writer
from ddcompile.diagnostics import fail
from ddcompile.interpreter import interpret
from ddcompile.ir.nodes import Rule
from ddcompile.ir.specialize import specialize
from ddcompile.ir.types import Types, ValueType
from ddcompile.kernel.lower import machine_types
from ddcompile.kernel.nodes import F64, Buffer, Kernel

__all__ = ["golden_inputs", "selftest"]

_SAMPLES = 16
_ELEMENTS = 1 << 16
"""Array elements that a self-test holds at most, unless one sample has more."""
_TRIED = (1, 3, 2, 4, 5, 6, 8, 12, 16, 24, 40, 100, 128, 256, 1000)
"""Sizes that are tried."""


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
    """The text of a file with a `main` that runs the batch entry point and compares every element.

    With sizes, it does so at two choices of small ones.
    """
    if not rule.sizes:
        cases = [_case(rule, types, source, {}, "")]
    else:
        cases = []
        for number, sizes in enumerate(_small_sizes(rule, source.kernel), 1):
            special = specialize(rule, sizes)
            cases.append(_case(special, machine_types(special), source, sizes, f"_{number}"))
    return render(
        "ddcompile.backends.c",
        "selftest.c.j2",
        prefix=source.prefix,
        provenance=provenance,
        samples=sum(case["samples"] for case in cases),
        has_status=bool(rule.sizes),
        has_scratch=source.kernel.needs_scratch,
        scratch_words=max(case["scratch_words"] for case in cases),
        cases=cases,
        has_reals=any(case["reals"] for case in cases),
    )


def _case(rule: Rule, types: Types, source: CSource, sizes: dict[str, int], suffix: str) -> dict[str, Any]:
    """What the template wants to know of the samples at some sizes."""
    kernel = source.kernel
    given, wanted = ([b.at(sizes) for b in kernel.of_role(role)] for role in ("input", "output"))
    samples = max(1, min(_SAMPLES, _ELEMENTS // max(1, sum(map(elements, (*given, *wanted))))))
    inputs = golden_inputs(rule, types, samples)
    outputs = interpret(rule, inputs)
    tables = [_table("input", b, a, source, suffix) for b, a in zip(given, inputs, strict=True)]
    for buffer, array in zip(wanted, outputs, strict=True):
        if buffer.type == F64:
            tables.append(_bits(buffer, array, source, suffix))
        else:
            tables.append(_table("expected", buffer, array, source, suffix))
        count = samples * elements(buffer)
        tables.append(f"static {element_type(buffer.type)} actual_{source.names[buffer.name]}{suffix}[{count}];\n")
    roles = {"input": "input", "output": "actual"}
    scratch = ["scratch" if kernel.sizes else "&scratch"] if kernel.needs_scratch else []
    arguments = [f"{roles[b.role]}_{source.names[b.name]}{suffix}" for b in kernel.parameters]
    values = [str(sizes[size]) for size in kernel.sizes]
    return {
        "samples": samples,
        "tables": tables,
        "arguments": ", ".join([*values, str(samples), *arguments, *scratch]),
        "sizes": ", ".join(values),
        "scratch_words": sum(-(-b.at(sizes).bytes // 8) for b in kernel.of_role("scratch")),
        "outputs": [source.names[b.name] + suffix for b in wanted if b.type != F64],
        "reals": [source.names[b.name] + suffix for b in wanted if b.type == F64],
    }


def _small_sizes(rule: Rule, kernel: Kernel) -> list[dict[str, int]]:
    """Two choices of small sizes that are allowed, one if there is no other.

    Raises
    ------
    CompileError
        E104 if there is none.
    """
    found: list[dict[str, int]] = []
    for first in _TRIED:
        for step in (1, 0, -1):
            sizes = {name: max(1, first + step * k) for k, name in enumerate(rule.sizes)}
            is_allowed = all(any(f.evaluate(sizes) >= 0 for f in condition) for condition in kernel.conditions)
            if is_allowed and sizes not in found:
                found.append(sizes)
                break
        if len(found) == 2:
            return found
    if not found:
        raise fail("E104", "no small sizes are allowed, so there is no self-test", place=rule.name)
    return found


def _bits(buffer: Buffer, array: np.ndarray, source: CSource, suffix: str) -> str:
    """The bits of the doubles expected: they tell the zeros apart."""
    items = [f"UINT64_C({bits:#x})" for bits in scaled_values(buffer, array)]
    name = f"expected_{source.names[buffer.name]}{suffix}"
    writer = Writer()
    with writer.block(f"static const uint64_t {name}[{len(items)}] = {{", "};"):
        writer.fill(items)
    return writer.text()


def _table(role: str, buffer: Buffer, array: np.ndarray, source: CSource, suffix: str) -> str:
    values = scaled_values(buffer, array)
    count = max(1, array.shape[0] * elements(buffer))
    name = f"{role}_{source.names[buffer.name]}{suffix}"
    return table_text(f"static const {element_type(buffer.type)} {name}[{count}]", values, buffer.type)
