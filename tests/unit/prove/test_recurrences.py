"""Recurrences: proved element by element in evaluation order, and never in a circle."""

from __future__ import annotations

from typing import Any

import pytest

from ddcompile.ir.parser import parse
from ddcompile.prove.definitions import Definitions, components, input_tables
from ddcompile.prove.elements import Model
from ddcompile.prove.forms import Decline
from ddcompile.prove.steps import check_step
from ddcompile.prove.store import Store

HEADER = "rule r(x: bit[6]) -> (y: bit) {\n"
SCAN = HEADER + "p[0] = x[0]\np[1 <= i < 6] = p[i - 1] xor x[i]\ny = p[5]\n}"


def test_a_scan_is_a_parity(prove: Any) -> None:
    assert prove(SCAN, HEADER + "y = sum(i < 6: x[i]) % 2 == 1\n}").status == "proved"
    assert prove(SCAN, HEADER + "y = sum(i < 6: x[i]) % 2 == 0\n}").status == "failed"


def test_a_scan_read_backwards(prove: Any) -> None:
    new = HEADER + "q[0] = x[5]\nq[1 <= i < 6] = q[i - 1] xor x[5 - i]\ny = q[5]\n}"
    assert prove(SCAN, new).status == "proved"
    assert prove(SCAN, new.replace("x[5 - i]", "x[i]")).status == "failed"


def test_the_witness_of_a_recurrence(prove: Any) -> None:
    new = HEADER + "q[0] = 1 - x[0]\nq[1 <= i < 6] = q[i - 1] xor x[i]\ny = not q[5]\n}"
    assert prove(SCAN, new, "q[i < 6] = not p[i]").status == "proved"
    assert prove(SCAN, new, "q[i < 6] = p[i]").status == "failed"


def test_carries(prove: Any) -> None:
    header = "rule add(x: bit[2, 4]) -> (y: bit[5]) {\n"
    adder = (
        "c[i < 4] = x[0, i] + x[1, i] + pad(c, 0)[i - 1] >= 2\n"
        "y[i < 4] = x[0, i] xor x[1, i] xor pad(c, 0)[i - 1]\ny[4] = c[3]\n}"
    )
    majority = adder.replace(
        "x[0, i] + x[1, i] + pad(c, 0)[i - 1] >= 2",
        "x[0, i] and x[1, i] or pad(c, 0)[i - 1] and (x[0, i] or x[1, i])",
    )
    assert prove(header + adder, header + majority).status == "proved"
    assert prove(header + adder, header + majority.replace("and (x", "or (x")).status == "failed"


def test_steps_of_an_automaton(prove: Any) -> None:
    header = "rule steps(x: bit[8]) -> (y: bit[8]) {\n"
    loop = (
        "s[0, i < 8] = x[i]\n"
        "s[1 <= t < 4, i < 8] = s[t - 1, i] xor (s[t - 1, (i - 1) % 8] or s[t - 1, (i + 1) % 8])\n"
        "y[i < 8] = s[3, i]\n}"
    )
    step = "{2}[i < 8] = {1}[i] + ({1}[(i + 7) % 8] + {1}[(i + 1) % 8] >= 1) == 1"
    unrolled = "\n".join(step.replace("{1}", a).replace("{2}", b) for a, b in ("xa", "ab", "by")) + "\n}"
    assert prove(header + loop, header + unrolled).status == "proved"
    assert prove(header + loop, header + unrolled.replace("b[(i + 1) % 8]", "b[(i + 2) % 8]")).status == "failed"


def test_steps_that_choose(prove: Any) -> None:
    """A choice between bits is a bit, also where it is the meaning of an element that a recurrence reads."""
    header = "rule steps(x: bit[7]) -> (y: bit[7]) {\n"
    step = "{2}[i < 7] = if {1}[i] then {1}[(i + 1) % 7] else {1}[(i - 1) % 7]"
    old = header + "\n".join(step.replace("{1}", a).replace("{2}", b) for a, b in ("xa", "ab", "by")) + "\n}"
    new = (
        header + "s[0, i < 7] = x[i]\n"
        "s[1 <= t < 4, i < 7] = if s[t - 1, i] then s[t - 1, (i + 1) % 7] else s[t - 1, (i - 1) % 7]\n"
        "y[i < 7] = s[3, i]\n}"
    )
    witness = "s[0, i < 7] = x[i]\ns[1, i < 7] = a[i]\ns[2, i < 7] = b[i]\ns[3, i < 7] = y[i]"
    assert prove(old, new, witness).status == "proved"
    assert prove(old, new.replace("then s[t - 1, (i + 1)", "then s[t - 1, (i + 2)"), witness).status == "failed"


def test_a_circle_proves_nothing() -> None:
    """Each clause of the circle is true of the old values, but it does not define them."""
    old = parse(HEADER + "a = x[0]\nb = x[0]\ny = a\n}")
    new = parse(HEADER + "a = b\nb = a\ny = a\n}")
    verdict = check_step(old, new, verify=False)
    assert verdict.status == "failed"
    assert "it depends on itself" in str(verdict)


def test_an_element_of_itself() -> None:
    old = parse(HEADER + "a[i < 6] = x[0]\ny = a[5]\n}")
    right = parse(HEADER + "a[0] = x[0]\na[1 <= i < 6] = a[i - 1]\ny = a[5]\n}")
    wrong = parse(HEADER + "a[0] = x[0]\na[1 <= i < 6] = a[i - 1 + i % 5]\ny = a[5]\n}")
    assert check_step(old, right).status == "proved"
    assert check_step(old, wrong, verify=False).status == "failed"


def test_a_circle_of_definitions() -> None:
    model = Model.of(parse(HEADER + "a[i < 6] = a[(i + 1) % 6] and x[i]\ny = a[0]\n}"))
    store = Store()
    tables = Definitions(store, model, input_tables(store, parse(SCAN).inputs))
    with pytest.raises(Decline, match="depends on itself"):
        tables["y"]


def test_components_come_after_what_they_read() -> None:
    model = Model.of(parse(HEADER + "y = c\na[t < 3] = pad(b, 0)[t - 1]\nb[t < 3] = a[t] and x[t]\nc = b[2]\n}"))
    assert components(model) == [["a", "b"], ["c"], ["y"]]
