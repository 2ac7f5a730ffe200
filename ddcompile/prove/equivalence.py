"""Compare two rules: by the rules of the checker, else on all inputs if they are few, else on many."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any, TypeAlias

import numpy as np

from ddcompile.analysis.reals import differing
from ddcompile.diagnostics import fail
from ddcompile.ir import verifier
from ddcompile.ir.nodes import Declaration, Rule
from ddcompile.ir.specialize import solve_sizes, specialize
from ddcompile.prove.elements import name_of, static_shape
from ddcompile.prove.engine import FormEngine
from ddcompile.prove.forms import Decline
from ddcompile.prove.steps import check_results, interface_fault
from ddcompile.prove.verdict import Failure, Verdict

__all__ = ["EXHAUSTIVE_BITS", "TESTS", "Interpret", "verify"]

Interpret: TypeAlias = Callable[[Rule, Sequence[np.ndarray]], tuple[np.ndarray, ...]]
"""Evaluates a rule on batches of inputs, batch axis first."""

EXHAUSTIVE_BITS = 20
"""All inputs are tried if there are at most `2**EXHAUSTIVE_BITS`."""
TESTS = 4096
"""The inputs tried where there are more."""
CHUNK = 1 << 20
"""Input values evaluated at a time, about."""
DENSITIES = (0.5, 0.1, 0.9, 0.02, 0.98, 0.3, 0.7, 0.01, 0.99)
SPREAD = 1 << 12
"""Integers without declared bounds are drawn from -SPREAD to SPREAD; half of all integers from -NEAR to NEAR."""
NEAR = 9


def verify(a: Rule, b: Rule, interpret: Interpret | None = None, *, by_rules: bool = True) -> Verdict:
    """Compare two rules.

    Parameters
    ----------
    a, b
        Rules with the same inputs and results; if one has sizes, they are those that fit the other.
    interpret
        What evaluates rules on batches of inputs; by default the checker's own evaluation.
    by_rules
        Whether the rules of the checker are tried, which write out what a gather may read.

    Returns
    -------
    Verdict
        `proved` by the rules of the checker or by trying all inputs, `refuted` with a counterexample, else `tested`.

    Raises
    ------
    CompileError
        C010 if both rules have sizes, C011 if they do not take and give the same things, T### if one is not valid.
    """
    a, b = _same_sizes(a, b)
    verifier.check(a)
    verifier.check(b)
    fault = interface_fault(a, b)
    if fault:
        raise fail("C011", f"the rules cannot be compared: {fault}", place=f"{a.name}, {b.name}")
    verdict = Verdict("proved") if a == b else check_results(a, b) if by_rules else Verdict("failed")
    if verdict:
        return verdict
    try:
        run = _both(a, b, interpret)
    except Decline as reason:
        return Verdict("failed", failure=Failure("rule", f"it can be neither proved nor tested: {reason}"))
    count = _input_count(a.inputs)
    if verdict.failure is not None and verdict.failure.inputs:
        found = run(_shown_inputs(a.inputs, verdict.failure))
        if found is not None:
            return Verdict("refuted", inputs=1, counterexample=found)
    tried = 0
    for batch in _some_inputs(a.inputs) if count is None else _all_inputs(a.inputs, count):
        found = run(batch)
        if found is not None:
            return Verdict("refuted", inputs=tried + len(batch[0]), counterexample=found)
        tried += len(batch[0])
    return Verdict("tested" if count is None else "proved", inputs=tried)


def _same_sizes(a: Rule, b: Rule) -> tuple[Rule, Rule]:
    if a.sizes and b.sizes:
        raise fail("C010", "both rules have sizes", place=f"{a.name}, {b.name}", hint="give one of them its sizes")
    if a.sizes:
        a = specialize(a, solve_sizes(a, [static_shape(d.type.shape) for d in b.inputs]))
    elif b.sizes:
        b = specialize(b, solve_sizes(b, [static_shape(d.type.shape) for d in a.inputs]))
    return a, b


def _both(a: Rule, b: Rule, interpret: Interpret | None) -> Callable[[Sequence[np.ndarray]], dict[str, Any] | None]:
    """A function that evaluates both rules on a batch and gives the first input on which they differ."""
    engines = [FormEngine(rule) for rule in (a, b)] if interpret is None else []

    def run(batch: Sequence[np.ndarray]) -> dict[str, Any] | None:
        if interpret is None:
            first, second = (engine.run(batch) for engine in engines)
        else:
            first, second = interpret(a, batch), interpret(b, batch)
        for x, y in zip(first, second, strict=True):
            rows = differing(x, y).reshape(len(batch[0]), -1).any(axis=1)
            if rows.any():
                row = int(np.argmax(rows))
                return {d.name: _plain(values[row]) for d, values in zip(a.inputs, batch, strict=True)}
        return None

    return run


def _plain(values: np.ndarray) -> Any:
    """Nested lists of numbers as JSON has them; exact fractions as texts."""
    array = np.asarray(values)
    if array.dtype != object:
        return array.tolist()
    texts = np.empty(array.size, dtype=object)
    texts[:] = [x if isinstance(x, int) else str(x) for x in array.ravel().tolist()]
    return texts.reshape(array.shape).tolist()


@dataclass(frozen=True, slots=True)
class _Span:
    """The values `low + step * k`, `0 <= k < count`, of the elements of an input; no count if they are not bounded."""

    low: int
    count: int | None
    step: int = 1

    @classmethod
    def of(cls, d: Declaration) -> _Span:
        match d.type.kind:
            case "bit":
                return cls(0, 2)
            case "spin":
                return cls(-1, 2, 2)
            case "trit":
                return cls(-1, 3)
            case "int" if d.type.low is not None and d.type.high is not None:
                return cls(d.type.low, d.type.high - d.type.low + 1)
            case "int":
                low = d.type.low if d.type.low is not None else -SPREAD
                return cls(low if d.type.high is None else d.type.high - 2 * SPREAD, None)
            case "rat" | "real":
                return cls(-SPREAD, None)


def _dtype(d: Declaration) -> np.dtype:
    match d.type.kind:
        case "bit":
            return np.dtype(np.uint8)
        case "spin" | "trit":
            return np.dtype(np.int8)
        case "int":
            ends = [end for end in (d.type.low, d.type.high) if end is not None]
            return np.dtype(np.int64 if all(abs(end) < 1 << 62 for end in ends) else object)
        case "real":
            return np.dtype(np.float64)
        case _:
            return np.dtype(object)


def _size(d: Declaration) -> int:
    return prod(static_shape(d.type.shape))


def _input_count(inputs: Sequence[Declaration]) -> int | None:
    """How many inputs there are, None if more than are tried exhaustively."""
    total = 1
    for d in inputs:
        count = _Span.of(d).count
        if count is None:
            return None
        for _ in range(_size(d)):
            total *= count
            if total > 1 << EXHAUSTIVE_BITS:
                return None
    return total


def _batch(d: Declaration, digits: np.ndarray) -> np.ndarray:
    """The input whose elements have the given numbers among their values, a sample a row."""
    span = _Span.of(d)
    values: Any = digits.astype(object) * span.step + span.low
    if d.type.kind == "rat":
        values = values * Fraction(1, 8)
    elif d.type.kind == "real":
        values = values * 0.1  # sums of tenths are rounded, and not alike in another order
    return np.asarray(values).astype(_dtype(d)).reshape(len(digits), *static_shape(d.type.shape))


def _all_inputs(inputs: Sequence[Declaration], count: int) -> Iterator[list[np.ndarray]]:
    """All inputs in chunks: the digits of a number in mixed radix."""
    chunk = max(1, CHUNK // max(sum(map(_size, inputs)), 1))
    for start in range(0, count, chunk):
        number = np.arange(start, min(count, start + chunk), dtype=np.int64)
        batch: list[np.ndarray] = []
        for d in inputs:
            radix = _Span.of(d).count or 1
            digits = np.empty((len(number), _size(d)), dtype=np.int64)
            for k in range(digits.shape[1]):
                digits[:, k] = number % radix
                number = number // radix
            batch.append(_batch(d, digits))
        yield batch


def _some_inputs(inputs: Sequence[Declaration]) -> Iterator[list[np.ndarray]]:
    """Extremes, stripes and blocks of extremes, then random inputs: many densities of extremes, and any values."""
    chunk = min(TESTS, max(1, CHUNK // max(sum(map(_size, inputs)), 1)))
    rng = np.random.default_rng(20)
    for start in range(0, TESTS, chunk):
        rows = np.arange(start, min(TESTS, start + chunk))
        yield [_batch(d, _digits(d, rows, rng)) for d in inputs]


def _digits(d: Declaration, rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    size = _size(d)
    count = _Span.of(d).count or 2 * SPREAD + 1
    place = np.arange(size)
    high = rng.random((len(rows), size)) < np.resize(DENSITIES, len(rows))[:, None]
    for k, row in enumerate(rows.tolist()):
        period = row // 3 + 1
        if row < 2:
            high[k] = row == 1
        elif row < 3 * min(size, TESTS // 12) and row % 3 < 2:
            high[k] = place % period == 0 if row % 3 else (place // period) % 2 == 0
    extremes = np.where(high, np.array(count - 1, dtype=object), 0)
    if count == 2:
        return extremes
    fraction = rng.integers(0, 1 << 53, size=high.shape).astype(object)
    zero = max(0, min(count - 1, -_Span.of(d).low))
    near = np.clip(zero + fraction % (2 * NEAR + 1) - NEAR, 0, count - 1)
    anywhere = fraction * count // (1 << 53)
    inner = np.where((rows % 2 == 0)[:, None], near, anywhere)
    return np.asarray(np.where((rows % 4 > 0)[:, None], inner, extremes))


def _shown_inputs(inputs: Sequence[Declaration], failure: Failure) -> list[np.ndarray]:
    """The input that a failed obligation shows; elements that do not matter have their least value."""
    batch: list[np.ndarray] = []
    for d in inputs:
        shape, span = static_shape(d.type.shape), _Span.of(d)
        flat = np.empty((1, prod(shape)), dtype=object)
        for k in range(prod(shape)):
            value = Fraction(failure.inputs.get(name_of(d.name, shape, k), span.low))
            flat[0, k] = value if d.type.kind in ("rat", "real") else int(value)
        batch.append(flat.astype(_dtype(d)).reshape(1, *shape))
    return batch
