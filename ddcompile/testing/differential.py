"""Run the engines side by side: interpreter, emitted Python, C and JIT must agree in every bit.

The interpreter is the meaning of a rule; a difference is reported with the rule, the inputs of the first sample at
fault and both results.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ddcompile.analysis.reals import differing
from ddcompile.diagnostics import CompileError
from ddcompile.engines import compiled
from ddcompile.interpreter import interpret
from ddcompile.ir.nodes import Rule
from ddcompile.ir.printer import print_rule
from ddcompile.ir.specialize import solve_sizes
from ddcompile.kernel.lower import lower
from ddcompile.runtime.arrays import prepare
from ddcompile.testing.choose import RandomChoose
from ddcompile.testing.inputs import all_inputs, random_inputs

__all__ = [
    "ENGINES",
    "Case",
    "Difference",
    "assert_engines_agree",
    "assert_equivalent",
    "compare",
    "differences",
    "is_general",
]

Results = tuple[np.ndarray, ...]

PER_FILE = 100
"""Programs that go into one C file."""


class HasRule(Protocol):
    """A program."""

    @property
    def rule(self) -> Rule:
        """Its rule."""


@dataclass(frozen=True, slots=True)
class Case:
    """A rule and inputs for it: one array an input, with one batch axis."""

    rule: Rule
    arrays: tuple[np.ndarray, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """Two engines, or two rules, that disagree on a sample; `found` is an exception if there is no result."""

    rule: Rule
    engine: str
    inputs: Results
    expected: Results | str
    found: Results | Exception | str

    def __str__(self) -> str:
        """The report: rule, inputs, both results."""
        lines = [f"{self.engine} disagrees with the interpreter on", print_rule(self.rule)]
        for declaration, array in zip(self.rule.inputs, self.inputs, strict=True):
            lines.append(f"{declaration.name} = {np.asarray(array).tolist()}")
        lines += [f"expected: {_shown(self.expected)}", f"found:    {_shown(self.found)}"]
        return "\n".join(lines)


def differences(
    cases: Sequence[Case], engines: Sequence[str] | None = None, *, per_file: int = PER_FILE
) -> Iterator[Difference]:
    """The first difference of every case and engine from the interpreter.

    Parameters
    ----------
    cases : sequence of Case
    engines : sequence of str, optional
        Some of `ENGINES`; by default all.
    per_file : int
        How many programs go into one C file.
    """
    for start in range(0, len(cases), per_file):
        group = cases[start : start + per_file]
        expected = [interpret(case.rule, case.arrays) for case in group]
        for engine in engines or ENGINES:
            for case, wanted, found in zip(group, expected, ENGINES[engine](group), strict=True):
                difference = compare(case, engine, wanted, found)
                if difference is not None:
                    yield difference


def assert_engines_agree(
    rule: Rule | HasRule, arrays: Sequence[Any] | None = None, *, engines: Sequence[str] | None = None
) -> None:
    """Fail unless all engines give the same on some inputs: on given ones, on all if they are few, else on random ones.

    Raises
    ------
    AssertionError
        With the rule, the inputs of a sample and both results.
    """
    rule = _rule(rule)
    given = _inputs(rule) if arrays is None else prepare(rule, arrays).arrays
    for difference in differences([Case(rule, given)], engines):
        raise AssertionError(str(difference))


def assert_equivalent(a: Rule | HasRule, b: Rule | HasRule, arrays: Sequence[Any] | None = None) -> None:
    """Fail unless two rules give the same on some inputs: on given ones, on all if they are few, else on random ones.

    Raises
    ------
    AssertionError
        With both rules, the inputs of a sample and both results.
    """
    first, second = _rule(a), _rule(b)
    given = _inputs(first) if arrays is None else tuple(arrays)
    wanted, found = interpret(first, given), interpret(second, given)
    difference = compare(Case(first, prepare(first, given).arrays), "the other rule", wanted, found)
    if difference is not None:
        raise AssertionError(f"{difference}\nthe other rule:\n{print_rule(second)}")


def _rule(given: Rule | HasRule) -> Rule:
    return given if isinstance(given, Rule) else given.rule


def _inputs(rule: Rule) -> tuple[np.ndarray, ...]:
    exhaustive = None if rule.sizes else all_inputs(rule)
    return random_inputs(rule, RandomChoose(0), 200) if exhaustive is None else exhaustive


def _one_by_one(engine: str) -> Callable[[Sequence[Case]], Iterator[Results | Exception]]:
    """An engine that takes rules one at a time."""

    def run(cases: Sequence[Case]) -> Iterator[Results | Exception]:
        for case in cases:
            yield _attempt(lambda rule, arrays: compiled(rule, engine)(arrays), case.rule, case.arrays)

    return run


def is_general(case: Case) -> bool:
    """Whether compiled C takes the sizes of a case when it runs; else they are given when it is compiled."""
    if not case.rule.sizes:
        return True
    try:
        kernel = lower(case.rule)
    except CompileError:
        return False
    sizes = solve_sizes(case.rule, [array.shape[1:] for array in case.arrays])
    return all(any(form.evaluate(sizes) >= 0 for form in condition) for condition in kernel.conditions)


def _c(cases: Sequence[Case]) -> Iterator[Results | Exception]:
    from ddcompile.backends.c.build import compile_many

    rules = [case.rule if is_general(case) else prepare(case.rule, case.arrays).rule for case in cases]
    functions = compile_many(rules)
    for case, function in zip(cases, functions, strict=True):
        yield _attempt(function, *case.arrays)


ENGINES: dict[str, Callable[[Sequence[Case]], Iterator[Results | Exception]]] = {
    "python": _one_by_one("python"),
    "c": _c,
    "jit": _one_by_one("jit"),
}
"""The engines besides the interpreter, by name; each takes many cases at once."""


def _attempt(function: Callable[..., Any], *arguments: Any) -> Results | Exception:
    """The results, or what was raised: an engine that fails on a legal program has not agreed."""
    try:
        found = function(*arguments)
    except Exception as error:
        return error
    return found if isinstance(found, tuple) else (found,)


def compare(case: Case, engine: str, expected: Results, found: Results | Exception) -> Difference | None:
    """The first sample on which the results of an engine are not those expected, or are of other types."""
    if not case.arrays:  # nothing says how many samples there are
        expected = tuple(array[np.newaxis] for array in expected)
        found = found if isinstance(found, Exception) else tuple(array[np.newaxis] for array in found)
    if isinstance(found, Exception):
        first = tuple(array[0] for array in case.arrays)
        return Difference(case.rule, engine, first, tuple(array[0] for array in expected), found)
    for wanted, given in zip(expected, found, strict=True):
        if wanted.dtype != given.dtype or wanted.shape != given.shape:
            first = tuple(array[0] for array in case.arrays)
            return Difference(case.rule, engine, first, _layout(expected), _layout(found))
    for wanted, given in zip(expected, found, strict=True):
        wrong = differing(wanted, given).reshape(len(wanted), -1).any(axis=1)
        if wrong.any():
            k = int(wrong.argmax())
            inputs, results, others = (tuple(a[k] for a in arrays) for arrays in (case.arrays, expected, found))
            return Difference(case.rule, engine, inputs, results, others)
    return None


def _layout(arrays: Results) -> str:
    return ", ".join(f"{array.dtype} of shape {array.shape}" for array in arrays)


def _shown(value: Results | Exception | str) -> str:
    if isinstance(value, tuple):
        return ", ".join(str(np.asarray(array).tolist()) for array in value)
    return f"{type(value).__name__}: {value}" if isinstance(value, Exception) else value
