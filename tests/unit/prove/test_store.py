"""Normal forms: rules whose forms are easy to get wrong, on all inputs; and what is recognised as equal."""

from __future__ import annotations

import numpy as np
import pytest

from ddcompile.interpreter import interpret
from ddcompile.ir.parser import parse
from ddcompile.prove.definitions import Definitions, input_tables
from ddcompile.prove.elements import Model
from ddcompile.prove.engine import FormEngine
from ddcompile.prove.forms import Decline, Form, key
from ddcompile.prove.intervals import times
from ddcompile.prove.logic import conjunction, multiply
from ddcompile.prove.steps import check_step
from ddcompile.prove.store import Store
from ddcompile.testing.inputs import all_inputs

TRICKY = [
    "y = x[0] < (3 <= x[0] + 2 * x[1] + x[2] + 2 <= 4) < x[1]",  # ordered thresholds inside one conjunction
    "t[i < 3] = x[i] + 1\ny = u[t[0]] == 0\nu[i < 3] = -2 * i * i + 3 * i",  # values of ordered thresholds
    "y = (x[0] > 0) and (x[0] >= 0) and not x[0] > 0",
    "y = not (x[0] > 0) and (x[0] >= 0)",
    "y = ((x[0] > 0) == (x[1] > 0)) xor (x[1] > 0) xor x[2] == 0",
    "y = (if x[0] > 0 then x[1] > 0 else x[2] > 0) and (x[0] > x[1] or x[2] > 0)",
    "y = (x[0] + 7 * x[1]) % 5 - 3 * ((x[2] - 4) % 2)",
    "y = ((2 * x[0] + 3 * x[1]) % 6 + x[2]) % 3",
    "y = relu(2 * x[0] - 3) + relu(-x[1] - 1) + abs(3 * x[2] - 2) + relu(5 * x[0] + 7 * x[1] - 4)",
    "y = min(x[0], x[1], x[2]) + max(x[0], x[1] * x[2]) * x[0]",
    "y = argmax(i in -2..0: x[i + 2]) + argmax(i < 3: 2 * x[i] - x[0]) + argmax(i < 2: x[i])",
    "y = sign(3 * x[0] + 5 * x[1] - 8 * x[2]) + sign(2 * x[0] + 4 * x[1])",
    "y = 2 < 5 * x[0] + 5 * x[1] + 13 * x[2] <= 13",
    "y = any(i < 3: x[i] > 0) + all(i < 3: x[i] > 0) + any(i < 0: x[i] > 0) + all(i < 0: x[i] > 0)",
    "y = sum(i < 3, j in -i..i: j * x[j % 3]) - sum(i < 3: i)",
    "y = pad(x, 1)[3] + pad(x, 0)[-1] + pad(x, 0)[x[0] + 2] + sum(i in -2..4: pad(x, 2)[i])",
    "y = x[0] * x[0] * x[1] - x[1] * x[0] * x[0] + (x[0] > 0) * x[0]",
]


@pytest.mark.parametrize("body", TRICKY)
@pytest.mark.parametrize("kind", ["trit", "int[-2..2]", "spin"])
def test_tricky_rules(kind: str, body: str) -> None:
    if "t[0]" in body and kind != "trit":
        body = body.replace("x[i] + 1", "x[i] * x[i] % 3")
    if "x[0] + 2]" in body and kind != "trit":
        body = body.replace("x[0] + 2", "x[0] % 3")
    rule = parse(f"rule r(x: {kind}[3]) -> (y: int) {{\n{body}\n}}")
    inputs = all_inputs(rule)
    assert inputs is not None
    (ours,), (theirs,) = FormEngine(rule).run(inputs), interpret(rule, inputs)
    assert np.array_equal(ours, theirs)


def forms(header: str, *expressions: str) -> list[Form]:
    """The forms of several expressions over one store."""
    body = "\n".join(f"y{k} = {e}" for k, e in enumerate(expressions))
    results = ", ".join(f"y{k}: int" for k in range(len(expressions)))
    rule = parse(f"rule r({header}) -> ({results}) {{\n{body}\n}}")
    store = Store()
    tables = Definitions(store, Model.of(rule), input_tables(store, rule.inputs))
    found = [tables[d.name].forms[0] for d in rule.outputs]
    return [form for form in found if form is not None]


@pytest.mark.parametrize(
    ("header", "first", "second"),
    [
        ("x: bit[3]", "x[0] and (x[1] and x[2])", "x[2] and x[1] and x[0] and x[2]"),
        ("x: bit[3]", "x[0] or (x[1] or x[2])", "not (not x[0] and not (x[1] or x[2]))"),
        ("x: bit[3]", "x[0] or x[1] or x[2]", "x[0] + x[1] + x[2] >= 0.5"),
        ("x: bit[3]", "x[0] and not x[1]", "2 * x[0] - 2 * x[1] > 1"),
        ("x: bit[2]", "x[0] xor x[1]", "(x[0] + 3 * x[1]) % 2"),
        ("x: spin[2]", "(x[0] + 1) * (x[1] + 1)", "4 * (x[0] > 0 and x[1] > 0)"),
        ("x: trit", "x", "(x > 0) - (x < 0)"),
        ("x: trit", "x * x", "x != 0"),
        ("x: int[2]", "abs(x[0] - x[1])", "max(x[0] - x[1], x[1] - x[0])"),
        ("x: int[2]", "min(3 * x[0], 3 * x[1])", "3 * min(x[0], x[1])"),
        ("x: int[3]", "max(x[2], x[0], x[1])", "max(x[0], x[1], x[2])"),
        ("x: int[3]", "argmax(i < 3: 2 * x[i] + x[0])", "argmax(i < 3: 6 * x[i] - 5)"),
        ("x: rat[2]", "x[0] > x[1]", "not 0.5 * x[1] - 0.5 * x[0] >= 0"),
        (
            "x: bit[6]",
            "7 * (x[0] + x[1]) + 5 * sum(i < 4: x[i + 2]) > 12",
            "7 * (x[0] + x[1]) + 5 * sum(i < 4: x[i + 2]) > 13",
        ),
    ],
)
def test_equal_normal_forms(header: str, first: str, second: str) -> None:
    a, b = forms(header, first, second)
    assert key(a) == key(b)


def test_long_conjunctions_stay_flat() -> None:
    store = Store()
    bits = [store.input(f"x{k}", 0, 1) for k in range(300)]
    nested = bits[0]
    for bit in bits[1:]:
        nested = conjunction(store, (bit, nested))
    assert key(nested) == key(conjunction(store, bits))


def test_products_are_limited() -> None:
    store = Store()
    wide = [Form({v: 1 for k in range(200) for v in store.input(f"{name}{k}", None, None).terms}, 0) for name in "xy"]
    with pytest.raises(Decline, match="a product of 200 by 200 terms"):
        multiply(store, *wide)


@pytest.mark.parametrize(
    ("left", "right", "product"),
    [
        ((2, 3), (-1, 4), (-3, 12)),
        ((None, 5), (3, 3), (None, 15)),
        ((None, 5), (-3, -3), (-15, None)),
        ((-2, -2), (0, None), (None, 0)),
        ((0, None), (0, None), (0, None)),
        ((None, 0), (0, None), (None, 0)),
        ((None, None), (1, 2), (None, None)),
        ((0, 0), (None, None), (0, 0)),
    ],
)
def test_intervals(
    left: tuple[int | None, int | None], right: tuple[int | None, int | None], product: tuple[int | None, int | None]
) -> None:
    assert times(left, right) == product


REALS = "rule r(x: real[3]) -> (y: real) {\n"


@pytest.mark.parametrize(
    ("first", "second", "proved"),
    [
        ("y = exp(x[0]) + x[1] * x[2]", "e = exp(x[0])\np = x[1] * x[2]\ny = e + p", True),
        ("y = tanh(x[0]) - x[1]", "h[i < 2] = if i == 0 then tanh(x[i]) else x[i]\ny = h[0] - h[1]", False),
        ("y = (x[0] + x[1]) + x[2]", "y = x[0] + (x[1] + x[2])", False),
        ("y = x[0] + x[0]", "y = 2 * x[0]", False),
        ("y = x[0] - x[0]", "y = 0", False),
        ("y = if x[0] > x[1] then 1 else 2", "b = x[0] > x[1]\ny = if b then 1 else 2", True),
        ("y = if x[0] > x[1] then 1 else 2", "y = 1 + (not x[0] > x[1])", True),
        ("y = if x[0] > x[1] then 1 else 2", "y = 1 + (x[0] <= x[1])", False),
        ("y = sum(i < 3: x[i])", "y = sum(j < 3: x[j])", True),
        ("y = sum(i < 3: x[i])", "y = sum(i < 3: x[2 - i])", False),
        ("y = sum(i < 3: x[i])", "y = x[0] + x[1] + x[2]", False),
        ("y = max(i < 3: x[i])", "y = max(i < 3: x[2 - i])", False),
        ("y = argmax(i < 3: x[i])", "z = argmax(k < 3: x[k])\ny = z", True),
        ("y = -(x[0] - x[1])", "y = x[1] - x[0]", False),
        ("y = x[0] * x[1] + 0.1", "y = 0.1 + x[1] * x[0]", True),
        ("y = x[0] == x[1]", "y = x[1] == x[0]", True),
        ("y = x[0] - x[1]", "y = x[1] - x[0]", False),
        ("y = max(x[0], x[1])", "y = max(x[1], x[0])", False),
        ("y = x[0] + 0", "y = x[0]", False),
        ("y = x[0] - 0", "y = x[0] + 0", False),
        ("y = x[0] - 0", "y = x[0]", False),
        ("y = x[0] - 0.1", "y = -0.1 + x[0]", True),
        ("y = 0.1 - x[0]", "y = x[0] - 0.1", False),
        ("y = 1 * x[0] * 1", "y = x[0]", True),
        ("y = (2 - 1) * x[0]", "y = x[0]", True),
        ("y = real(1) * x[0]", "y = x[0]", False),
        ("y = -1 * x[0]", "y = -x[0]", False),
        ("y = exp(1 + 2)", "y = exp(3)", True),
        ("y = real(1) + 2", "y = 3", False),
        ("y = 9007199254740993", "y = 9007199254740992", False),
        ("const w: real[2] = [0.5, 0.25]\ny = w[0] + w[1]", "y = 0.75", False),
        ("const w: real[2] = [0.5, 0.25]\ny = w[0] * x[0]", "y = 0.5 * x[0]", True),
        ("const w: real = 9007199254740993\ny = w", "const v: real = 9007199254740992\ny = v", True),
        ("y = softmax(i < 3: x[i])[1]", "p[u < 3] = softmax(i < 3: x[i])[u]\ny = p[1]", True),
        ("y = softmax(i < 3: x[i])[1]", "y = softmax(1 <= i < 4: x[i - 1])[2]", True),
        ("y = softmax(i < 3: x[i])[1]", "y = softmax(i < 3: x[i])[2]", False),
        ("y = softmax(i < 3: x[i])[1]", "y = softmax(i < 3: x[i] + 0.5)[1]", False),
        ("y = softmax(i < 3: x[i])[1]", "y = softmax(i < 2: x[i])[1]", False),
        ("y = softmax(i < 3: x[i])[1]", "y = softmax(i < 3: x[2 - i])[1]", False),
    ],
)
def test_rounded_numbers_are_only_congruent(first: str, second: str, proved: bool) -> None:
    """Reals round, so nothing is reordered; equal operations on equal values are equal."""
    verdict = check_step(parse(f"{REALS}{first}\n}}"), parse(f"{REALS}{second}\n}}"), verify=False)
    assert bool(verdict) == proved, str(verdict)


@pytest.mark.parametrize(
    ("second", "proved"),
    [("e[i] + 3 * e[0] - 0.1", True), ("e[i] - min(e[0], e[1])", True), ("2 * e[i]", False), ("e[1 - i]", False)],
)
def test_softmax_of_exact_values_up_to_an_offset(second: str, proved: bool) -> None:
    """The greatest one is subtracted before anything is rounded."""
    rules = [parse(f"rule r(e: trit[2]) -> (y: real) {{ y = softmax(i < 2: {t})[1] }}") for t in ("e[i]", second)]
    assert bool(check_step(*rules)) == proved


@pytest.mark.parametrize(
    ("first", "second", "proved"),
    [
        ("x[0] > 0 and not x[1] > 0", "(x[0] > 0) > (x[1] > 0)", True),
        ("x[0] > 0 xor x[1] > 0", "(x[0] > 0) != (x[1] > 0)", True),
        ("x[0] > 0 or not x[0] > 0", "1", True),
        ("argmax(i < 3: x[i]) % 2 == 1", "argmax(i < 3: x[i]) == 1", True),
        ("argmax(i < 3: x[i]) < 3", "1", True),
        ("argmax(i < 3: x[i]) < 2", "1", False),
        ("sign(x[0]) * sign(x[0]) <= 1", "1", True),
        ("x[0] > 0 and x[1] > 0", "x[0] > 0 and x[2] > 0", False),
        ("x[0] > x[1]", "x[1] < x[0]", False),
    ],
)
def test_comparisons_of_reals_are_free_bits(first: str, second: str, proved: bool) -> None:
    header = "rule r(x: real[3]) -> (y: bit) {\ny = "
    verdict = check_step(parse(f"{header}{first}\n}}"), parse(f"{header}{second}\n}}"), verify=False)
    assert bool(verdict) == proved, str(verdict)
