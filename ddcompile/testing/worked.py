"""Worked examples: rules as text, each followed by inputs and the results that a person worked out for them.

    # The remainder has the sign of the modulus.
    rule remainder(x: int[-9..9]) -> (y: int) {
      y = x % 3
    }
    x = -7 -> y = 2
    x = 7 -> y = 1

Numbers are integers, decimals (the nearest double, exactly), fractions such as `-3/8`, and `inf`, `-inf`, `nan`; arrays
are nested in brackets. Several inputs or results have commas between them; without inputs the line begins with `->`.
Examples are separated by blank lines, and comments belong to the example that they stand above.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from typing import Any

import numpy as np

from ddcompile.interpreter import interpret
from ddcompile.ir.nodes import Declaration, Kind, Rule
from ddcompile.ir.parser import parse
from ddcompile.ir.types import infer
from ddcompile.runtime.arrays import prepare
from ddcompile.runtime.rationals import rational_types
from ddcompile.testing.differential import ENGINES, Case, Difference, Results, compare

__all__ = ["Line", "Worked", "disagreements", "read_lines", "read_worked"]

_NUMBER = re.compile(r"-?(?:inf\b|nan\b|[0-9]+(?:/[0-9]+|(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?))")
_PART = re.compile(r"\s*([A-Za-z_][A-Za-z_0-9]*)\s*=\s*(\[.*?\](?=\s*(?:,\s*[A-Za-z_]|$))|[^\[\],]+?)\s*(?:,|$)")
_DTYPES: dict[Kind, Any] = {"bit": np.uint8, "spin": np.int8, "trit": np.int8, "real": np.float64}


@dataclass(frozen=True, slots=True)
class Line:
    """Inputs and results by name: nested lists of exact numbers and floats."""

    inputs: dict[str, Any]
    results: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Worked:
    """A rule and the lines below it."""

    title: str
    text: str
    lines: tuple[Line, ...]

    @property
    def rule(self) -> Rule:
        """The rule that the text says."""
        return parse(self.text, "example.rule")


def read_worked(text: str) -> list[Worked]:
    """Read the examples of a file.

    Raises
    ------
    ValueError
        If a part of the text is no example.
    """
    found = []
    for part in re.split(r"\n\s*\n", text.strip("\n")):
        match = re.fullmatch(r"((?:#.*\n)*)(rule .*?\n\}|rule .*\})\n(.*)", part, re.DOTALL)
        if match is None:
            raise ValueError(f"no example:\n{part}")
        title = " ".join(line.removeprefix("#").strip() for line in match[1].splitlines())
        found.append(Worked(title, match[2], read_lines(match[3])))
    return found


def read_lines(text: str) -> tuple[Line, ...]:
    """Read lines of inputs and results: `x = [0, 1], n = 3 -> y = 1`.

    Raises
    ------
    ValueError
        If a line has another form.
    """
    found = []
    for line in text.strip("\n").splitlines():
        inputs, arrow, results = line.partition("->")
        if not arrow:
            raise ValueError(f"no line of inputs and results: {line}")
        found.append(Line(_assignments(inputs), _assignments(results)))
    return tuple(found)


def _assignments(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    at = 0
    while at < len(text.rstrip()):
        match = _PART.match(text, at)
        if match is None:
            raise ValueError(f"no assignment: {text[at:]}")
        found[match[1]] = _values(json.loads(_NUMBER.sub(lambda number: f'"{number[0]}"', match[2])))
        at = match.end()
    return found


def _values(data: Any) -> Any:
    if isinstance(data, list):
        return [_values(entry) for entry in data]
    if data.lstrip("-") in ("inf", "nan"):
        return float(data)
    if data == "-0.0":
        return -0.0
    exact = Fraction(float(data)) if re.search(r"[.eE]", data) else Fraction(data)
    return exact.numerator if exact.denominator == 1 else exact


def disagreements(examples: Sequence[Worked], engine: str) -> Iterator[Difference]:
    """Where an engine, or the interpreter, does not give the results of the examples; lines whose inputs have
    the same shapes make a batch.

    Parameters
    ----------
    examples : sequence of Worked
    engine : str
        One of `ddcompile.testing.differential.ENGINES`, or "interpreter".
    """
    cases: list[Case] = []
    expected: list[Results] = []
    for example in examples:
        rule = example.rule
        for _, group in groupby(example.lines, lambda line: [np.shape(value) for value in line.inputs.values()]):
            lines = list(group)
            case = Case(rule, tuple(_batch([line.inputs[d.name] for line in lines], d) for d in rule.inputs))
            special = prepare(rule, case.arrays)
            types = infer(special.rule, rational_types(special))
            wanted = tuple(
                _batch([line.results[d.name] for line in lines], d, is_wide=not types.tensor[d.name].fits(64))
                for d in rule.outputs
            )
            cases.append(case)
            expected.append(wanted if rule.inputs else tuple(array.reshape(array.shape[1:]) for array in wanted))
    answers = ENGINES[engine](cases) if engine in ENGINES else (interpret(case.rule, case.arrays) for case in cases)
    for case, wanted, found in zip(cases, expected, answers, strict=True):
        difference = compare(case, engine, wanted, found)
        if difference is not None:
            yield difference


def _batch(samples: list[Any], declaration: Declaration, *, is_wide: bool = False) -> np.ndarray:
    """Samples as one array of the canonical dtype of their kind."""
    kind = declaration.type.kind
    array = np.empty((len(samples), *np.shape(samples[0])), dtype=object)
    array[...] = np.array(samples, dtype=object).reshape(array.shape)
    if kind == "rat":
        exact = np.frompyfunc(Fraction, 1, 1)(array)
        return np.asarray(exact, dtype=object).reshape(array.shape)
    is_wide = is_wide or (kind == "int" and not all(-(2**63) <= value < 2**63 for value in array.flat))
    return array.astype(_DTYPES.get(kind, object if is_wide else np.int64))
