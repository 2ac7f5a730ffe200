"""Large programs as text: many statements, many clauses, large tables, deep expressions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from types import MappingProxyType

__all__ = ["DEEP", "deep", "many_clauses", "many_units", "one_recurrence", "sparse_table", "table"]

_INPUTS = 64


def many_units(count: int, seed: int = 0) -> str:
    """A network written out: every unit is a statement that reads three earlier units or inputs."""
    random = Random(seed)

    def operand(before: int) -> str:
        is_unit = before > 0 and random.random() < 0.7
        return f"u{random.randrange(before)}" if is_unit else f"x[{random.randrange(_INPUTS)}]"

    units = [f"u{k} = {operand(k)} + {operand(k)} - {operand(k)} >= {random.randint(0, 2)}" for k in range(count)]
    results = [f"y[{k}] = u{count - 1 - k}" for k in range(8)]
    return _rule("units", "y: bit[8]", *units, *results)


def many_clauses(count: int, seed: int = 0) -> str:
    """One tensor, of which every element has its own clause over the inputs."""
    random = Random(seed)

    def read() -> str:
        return f"x[{random.randrange(_INPUTS)}]"

    clauses = [f"y[{k}] = {read()} + {read()} - {read()} >= {random.randint(0, 2)}" for k in range(count)]
    return _rule("clauses", f"y: bit[{count}]", *clauses)


def one_recurrence(count: int, seed: int = 0) -> str:
    """One tensor, of which every element has its own clause over earlier elements."""
    random = Random(seed)
    steps = [f"y[{k}] = y[{random.randrange(k)}] xor x[{random.randrange(_INPUTS)}]" for k in range(1, count)]
    return _rule("steps", f"y: bit[{count}]", "y[0] = x[0]", *steps)


def table(units: int, seed: int = 0) -> str:
    """Irregular units of three inputs as one loop over tables."""
    random = Random(seed)
    sources = [[random.randrange(_INPUTS) for _ in range(3)] for _ in range(units)]
    weights = [[random.choice([-1, 1, 2]) for _ in range(3)] for _ in range(units)]
    return _rule(
        "table",
        f"y: bit[{units}]",
        f"const source: int[{units}, 3] = {sources}",
        f"const weight: int[{units}, 3] = {weights}",
        f"y[u < {units}] = sum(k < 3: weight[u, k] * x[source[u, k]]) >= 1",
    )


def sparse_table(units: int, seed: int = 0) -> str:
    """Units of one to four inputs, whose number the bounds of the loop take from a table."""
    random = Random(seed)
    start = [0]
    sources, weights = [], []
    for _ in range(units):
        for _ in range(random.randint(1, 4)):
            sources.append(random.randrange(_INPUTS))
            weights.append(random.choice([-1, 1, 2]))
        start.append(len(sources))
    return _rule(
        "sparse",
        f"y: bit[{units}]",
        f"const start: int[{units + 1}] = {start}",
        f"const source: int[{len(sources)}] = {sources}",
        f"const weight: int[{len(sources)}] = {weights}",
        f"y[u < {units}] = sum(start[u] <= s < start[u + 1]: weight[s] * x[source[s]]) >= 1",
    )


def _read(k: int) -> str:
    return f"x[{k % _INPUTS}]"


DEEP: Mapping[str, tuple[str, Callable[[int], str]]] = MappingProxyType(
    {
        "a + b + ...": ("int", lambda n: " + ".join(map(_read, range(n)))),
        "a - (b - ...": ("int", lambda n: "".join(f"{_read(k)} - (" for k in range(n)) + "z" + ")" * n),
        "a and b and ...": ("bit", lambda n: " and ".join(map(_read, range(n)))),
        "a xor (b xor ...": ("bit", lambda n: "".join(f"{_read(k)} xor (" for k in range(n)) + "x[0]" + ")" * n),
        "not not ...": ("bit", lambda n: "not " * n + "x[0]"),
        "- - ...": ("int", lambda n: "-" * n + "z"),
        "((...))": ("bit", lambda n: "(" * n + "x[0]" + ")" * n),
        "... else if ...": ("int", lambda n: "".join(f"if {_read(k)} then {k % 5} else " for k in range(n)) + "z"),
        "if if ...": ("bit", lambda n: "if " * n + "x[0]" + " then x[1] else x[2]" * n),
        "min(a, min(b, ...": ("int", lambda n: "".join(f"min({_read(k)}, " for k in range(n)) + "z" + ")" * n),
        "sign(sign(...": ("trit", lambda n: "sign(" * n + "z" + ")" * n),
        "(...) % m % n": ("int", lambda n: "z" + "".join(f" % {7 + k % 3}" for k in range(n))),
        "((z >= 1) >= 1) ...": ("bit", lambda n: "(" * n + "z" + " >= 1)" * n),
        "q[q[...": ("int", lambda n: "q[" * n + "0" + "]" * n),
    }
)
"""Expressions of any depth: the kind of their value, and their text for a depth."""


def deep(form: str, depth: int) -> str:
    """A rule whose one expression is of a form of `DEEP`; `q` is a table that permutes 0, 1, 2."""
    kind, text = DEEP[form]
    return _rule("deep", f"y: {kind}", "const q: int[3] = [2, 0, 1]", f"y = {text(depth)}", extra=", z: int[0..9]")


def _rule(name: str, results: str, *lines: str, extra: str = "") -> str:
    body = "".join(f"  {line}\n" for line in lines)
    return f"rule {name}(x: bit[{_INPUTS}]{extra}) -> ({results}) {{\n{body}}}\n"
