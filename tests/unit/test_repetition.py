"""`scan` and `iterate`: rules that repeat another, against a loop that calls the one step again and again."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ddcompile as dd
from ddcompile.engines import ENGINES, compiled

ADDER = """\
rule adder(a: bit, b: bit, carry: bit) -> (digit: bit, carry_out: bit) {
  digit = a xor b xor carry
  carry_out = a + b + carry >= 2
}
"""
RULE30 = """\
rule rule30<N>(cell: bit[N]) -> (next: bit[N]) {
  next[i < N] = cell[(i - 1) % N] xor (cell[i] or cell[(i + 1) % N])
}
"""
# Every way of reading and making a state: directly, through other tensors, beyond its edge, by a gather, read back.
STEPS = {
    "adder": (ADDER, {"state": "carry"}),
    "started": (ADDER, {"state": "carry", "initial": 1}),
    "open": (ADDER, {"state": "carry", "initial": None}),
    "unordered": (
        """rule unordered(x: bit[3], s: bit) -> (y: bit[3], next_s: bit) {
          y[i < 3] = x[i] and not next_s
          next_s = h[0] xor s
          h[i < 2] = x[i] and x[i + 1]
        }""",
        {"state": "s"},
    ),
    "windows": (
        """rule windows(x: int[0..3], s: int[0..9][4]) -> (y: int[4], next_s: int[0..9][4]) {
          next_s[0] = s[3]
          next_s[1 <= i < 4] = (g[i] + pad(s, 7)[i - 2]) % 10
          g[i < 4] = x + s[i] + s[x]
          y[i < 4] = 2 * g[i]
        }""",
        {"state": "s"},
    ),
    "pair": (
        """rule pair(x: bit, low: bit, high: bit) -> (new_low: bit, new_high: bit, two: bit) {
          new_low = low xor x
          new_high = high xor (low and x)
          two = new_high and not new_low
        }""",
        {"state": ("low", "high")},
    ),
    "running": (
        """rule running(x: bit[3], s: int[0..9][3]) -> (next_s: int[0..9][3]) {
          next_s[0] = (s[0] + x[0]) % 10
          next_s[1 <= i < 3] = (next_s[i - 1] + s[i] + x[i]) % 10
        }""",
        {"state": "s"},
    ),
    "rounded": (
        """rule rounded(x: int[-9..9], s: real) -> (y: real, next_s: real) {
          y = 0.1 * x
          next_s = 0.3 * s + 0.1 * x
        }""",
        {"state": "s", "initial": 0.7},
    ),
}
INITIAL = {
    "adder": {"carry": 0},
    "started": {"carry": 1},
    "open": {"carry": 1},
    "unordered": {"s": 0},
    "windows": {"s": [0] * 4},
    "pair": {"low": 0, "high": 0},
    "running": {"s": [0] * 3},
    "rounded": {"s": 0.7},
}
FED = {"carry": "carry_out", "s": "next_s", "low": "new_low", "high": "new_high"}


def samples(step: dd.Program, states: dict[str, Any], steps: int) -> dict[str, np.ndarray]:
    """Random sequences for the inputs of a step that are no state."""
    random = np.random.default_rng(steps)
    found = {}
    for declaration in step.rule.inputs:
        if declaration.name not in states:
            low, high = declaration.type.low or 0, declaration.type.high or 1
            shape = [int(str(extent.value)) for extent in declaration.type.shape]
            found[declaration.name] = random.integers(low, high + 1, (steps, *shape))
    return found


def looped(step: dd.Program, states: dict[str, Any], inputs: dict[str, np.ndarray], steps: int) -> dict[str, Any]:
    """All results of a step that is called again and again; of states, the last."""
    found: dict[str, list[Any]] = {d.name: [] for d in step.rule.outputs}
    for t in range(steps):
        results = step(**{name: values[t] for name, values in inputs.items()}, **states)
        for declaration, result in zip(step.rule.outputs, results if len(found) > 1 else [results], strict=True):
            found[declaration.name].append(result)
        states = {name: found[FED[name]][-1] for name in states}
    return {name: values[-1] if name in FED.values() else np.array(values) for name, values in found.items()}


@pytest.mark.parametrize("axis", [0, -1])
@pytest.mark.parametrize("name", STEPS)
def test_a_scan_is_its_step_in_a_loop(name: str, axis: int) -> None:
    text, how = STEPS[name]
    step = dd.parse(text)
    for steps in (1, 2, 9):
        inputs = samples(step, INITIAL[name], steps)
        wanted = looped(step, INITIAL[name], inputs, steps)
        arrays = {key: np.moveaxis(values, 0, axis) for key, values in inputs.items()}
        if name == "open":
            arrays["carry"] = np.array(1)
        for length in (None, steps):
            program = dd.scan(step, **how, axis=axis, length=length)
            assert dd.parse(str(program)) == program
            for run in (program, program.jit()):
                results = run(*(arrays[d.name] for d in program.rule.inputs))
                found = results if len(wanted) > 1 else [results]
                for declaration, result in zip(program.rule.outputs, found, strict=True):
                    expected = wanted[declaration.name]
                    is_state = declaration.name in FED.values()
                    expected = expected if is_state else np.moveaxis(expected, 0, axis)
                    assert np.array_equal(result, expected), (str(program), declaration.name)


@pytest.mark.parametrize("engine", list(ENGINES))
def test_what_reals_start_from_is_rounded_on_every_engine(engine: str) -> None:
    """The first of N = 1 steps reads what is outside of the state for sure."""
    if engine == "c" and shutil.which("cc") is None:
        pytest.skip("no C compiler")
    text, how = STEPS["rounded"]
    program = dd.scan(dd.parse(text), **how, length=1)
    _, last = compiled(program.rule, engine)([np.array([-1])])
    assert float(last) == 0.3 * 0.7 - 0.1


@pytest.mark.parametrize("engine", list(ENGINES))
def test_long_numbers_are_added_on_every_engine(engine: str) -> None:
    if engine == "c" and shutil.which("cc") is None:
        pytest.skip("no C compiler")
    digits = 4096 if engine in ("c", "jit") else 256
    bits = np.random.default_rng(0).integers(0, 2, (2, digits))
    a, b = (int("".join(map(str, row[::-1])), 2) for row in bits)
    program = dd.scan(dd.parse(ADDER), "carry").at(N=digits)
    digit, carry = compiled(program.rule, engine)(list(bits))
    assert int("".join(map(str, digit.tolist()[::-1])), 2) + (int(carry) << digits) == a + b


def test_a_scan_reads_as_one_would_write_it() -> None:
    assert (
        str(dd.scan(dd.parse(ADDER), "carry", name="add"))
        == """\
rule add<N>(a: bit[N], b: bit[N]) -> (digit: bit[N], carry_out: bit) {
  digit[t < N] = a[t] xor b[t] xor pad(carry, 0)[t - 1]
  carry[t < N] = a[t] + b[t] + pad(carry, 0)[t - 1] >= 2
  carry_out = carry[N - 1]
}"""
    )


def test_an_array_to_start_from_is_a_constant() -> None:
    text = "rule turn(x: bit, s: int[0..9][3]) -> (next_s: int[0..9][3]) { next_s[i < 3] = (s[(i + 1) % 3] + x) % 10 }"
    program = dd.scan(dd.parse(text), "s", initial=[1, 2, 3])
    assert "const s_start: int[3] = [1, 2, 3]" in str(program)
    assert program([1, 0]).tolist() == program.jit()([1, 0]).tolist() == [4, 2, 3]
    assert "const" not in str(dd.scan(dd.parse(text), "s", initial=[5, 5, 5]))


def test_the_last_state_need_not_be_a_result() -> None:
    program = dd.scan(dd.parse(ADDER), "carry", last=False)
    assert [d.name for d in program.rule.outputs] == ["digit"]
    assert program([1, 1, 1], [1, 0, 0]).tolist() == program.jit()([1, 1, 1], [1, 0, 0]).tolist() == [0, 0, 0]
    windows = dd.parse(STEPS["windows"][0])
    turned = dd.scan(windows, "s", last=False, axis=-1)
    assert np.array_equal(turned([0, 3, 1]), dd.scan(windows, "s", axis=-1)([0, 3, 1]).y)


def test_names_of_the_step_stay_apart_from_new_ones() -> None:
    text = """rule t<N, T>(state: bit[N], i: bit[T]) -> (next: bit[N], j: bit[T]) {
      next[t < N] = state[(t + 1) % N]
      j[t < T] = not i[t]
    }"""
    program = dd.iterate(dd.parse(text))
    assert program.rule.sizes == ("N", "T", "T_2")
    found = program([1, 0, 0], [1, 0], T_2=4)
    assert (found.next.tolist(), found.j.tolist()) == ([0, 0, 1], [1, 0])
    assert all(np.array_equal(a, b) for a, b in zip(found, program.at(T_2=4).jit()([1, 0, 0], [1, 0]), strict=True))


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_iterating_is_calling_again_and_again(steps: int) -> None:
    rule = dd.parse(RULE30)
    cells = np.random.default_rng(0).integers(0, 2, (3, 20))
    wanted = cells
    for _ in range(steps):
        wanted = rule(wanted)
    assert np.array_equal(dd.iterate(rule, steps)(cells), wanted)
    assert np.array_equal(dd.iterate(rule, steps).jit()(cells), wanted)
    assert np.array_equal(dd.iterate(rule)(cells, T=steps), wanted)
    assert np.array_equal(dd.iterate(rule).at(T=steps).jit()(cells), wanted)
    assert np.array_equal(dd.iterate(rule.at(N=20)).at(T=steps).jit()(cells), wanted)


def test_what_no_result_feeds_is_the_same_at_every_step() -> None:
    text = """rule walled<N>(cell: bit[N], wall: bit[N]) -> (next: bit[N]) {
      solid[i < N] = wall[i] or wall[(i + 1) % N]
      next[i < N] = (cell[(i - 1) % N] xor cell[i]) and not solid[i]
    }"""
    program = dd.iterate(dd.parse(text), 3, state="cell")
    assert "  solid[i < N] = wall[i] or wall[(i + 1) % N]\n" in str(program)
    wall, cells = np.array([0, 0, 0, 1, 0, 0, 0, 0]), np.array([1, 0, 0, 0, 0, 1, 0, 0])
    wanted = cells
    for _ in range(3):
        wanted = dd.parse(text)(wanted, wall)
    assert np.array_equal(program(cells, wall), wanted)
    assert np.array_equal(program.jit()(cells, wall), wanted)


def test_where_it_comes_from_is_said(tmp_path: Path) -> None:
    hidden = dd.Layer(np.array([[1, 1, 1], [1, 1, 1]]), np.array([-0.5, -1.5]), "step")
    outer = dd.Layer(np.array([[1, -1], [0, 1]]), np.array([-0.5, -0.5]), "step")
    network = dd.Network((hidden, outer), "count")
    step = dd.distill(network, "x: bit[2], s: bit", "y: bit, next_s: bit")
    program = dd.scan(step, "s")
    assert program.network_sha256 == network.sha256
    assert repr(program) == f"<Program count: cost {program.cost}, steps of count (proved)>"
    program.at(N=4).save(tmp_path / "scan.rule")
    first, second = (tmp_path / "scan.rule").read_text().splitlines()[:2]
    assert first == f"# Made by ddcompile {dd.__version__}: steps of count (proved)."
    assert second == f"# Network: {network.sha256}"
    assert "verdict: steps of count (proved)" in program.emit("python")[0].text
    step.save(tmp_path / "step.rule")
    assert dd.scan(tmp_path / "step.rule", "s") == program


TWO = "rule two(a: bit, b: int[0..3][2]) -> (c: bit, d: bit, e: int[0..4][2]) { c = a d = a e[i < 2] = b[i] + 1 }"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda two: dd.scan(two, "x"),
            "scan: error[U013]: `x` is no input of `two`\n  hint: inputs: a, b; results: c, d, e",
        ),
        (
            lambda two: dd.scan(two, {"a": "x"}),
            "scan: error[U013]: `x` is no result of `two`\n  hint: inputs: a, b; results: c, d, e",
        ),
        (
            lambda two: dd.scan(two, "a"),
            "scan: error[U013]: several results of `two` could be the next `a`\n"
            '  hint: say which: `state={"a": "..."}`; results: c, d, e',
        ),
        (
            lambda two: dd.scan(two, "b"),
            "scan: error[U013]: no result of `two` could be the next `b`\n"
            '  hint: say which: `state={"b": "..."}`; results: c, d, e',
        ),
        (
            lambda two: dd.scan(two, {"b": "e"}),
            "scan: error[U013]: `e` cannot feed `b`: it is int[0..4][2], not int[0..3][2]",
        ),
        (lambda two: dd.scan(two, ()), "scan: error[U013]: there is no state\n  hint: inputs: a, b; results: c, d, e"),
        (
            lambda two: dd.scan(dd.parse(ADDER), {"a": "digit", "b": "digit"}),
            "scan: error[U013]: `digit` is named twice",
        ),
        (
            lambda two: dd.scan(two, {"a": "c"}, initial=2),
            "scan: error[U014]: the initial `a` is 2, but bit",
        ),
        (
            lambda two: dd.scan(two, {"a": "c"}, initial=[0, 1]),
            "scan: error[U014]: the initial `a` has the shape (2,), but is bit",
        ),
        (
            lambda two: dd.scan(two, {"a": "c"}, initial="0.x"),
            "scan: error[U014]: the initial `a` is no array of numbers, but bit",
        ),
        (
            lambda two: dd.scan(two, {"a": "c"}, initial={"b": 1}),
            "scan: error[U014]: `b` is no state\n  hint: states: a",
        ),
        (lambda two: dd.scan(two, {"a": "c"}, axis=1), "scan: error[U015]: the axis of steps is 0 or -1, not 1"),
        (
            lambda two: dd.scan(two, {"a": "c"}, length=0),
            "scan: error[U015]: the number of steps is at least 1, not 0",
        ),
        (
            lambda two: dd.scan(dd.parse("rule f(a: bit) -> (b: bit, c: bit) { b = a c = not a }"), {"a": "c"}),
            "scan: error[U015]: `f` takes nothing but its state, so that nothing tells the number of steps\n"
            "  hint: give it: `length=8`",
        ),
        (
            lambda two: dd.scan(dd.parse("rule f(x: bit, s: bit) -> (y: bit) { y = x xor s }"), "s", last=False),
            "scan: error[U013]: `f` gives nothing but its state, so that its last value is the result",
        ),
        (
            lambda two: dd.scan(two, {"a": "c"}, name="in"),
            "name: error[U007]: `in` is not a name\n  hint: letters, digits and _, no reserved word",
        ),
        (
            lambda two: dd.iterate(two),
            "iterate: error[U013]: `two` has 2 inputs and 3 results\n"
            "  hint: name the inputs that results feed: `state=...`",
        ),
        (
            lambda two: dd.scan(two, {"a": "c"}, length=2.5),  # type: ignore[arg-type]
            "scan: error[U015]: the number of steps is a whole number, not 2.5",
        ),
        (
            lambda two: dd.scan(two, 5),  # type: ignore[arg-type]
            "scan: error[U013]: a state is the name of an input, or several, not 5",
        ),
        (
            lambda two: dd.scan(two, {"a": "c"}, name=3),  # type: ignore[arg-type]
            "name: error[U007]: `3` is not a name\n  hint: letters, digits and _, no reserved word",
        ),
        (lambda two: dd.iterate(two, state={"a": "c"}), "iterate: error[U013]: the result `d` feeds no input"),
        (
            lambda two: dd.iterate(two.rule, 3),
            "iterate: error[U017]: Rule is no program\n"
            "  hint: give what distill, load or parse gave, or the path of a rule file",
        ),
        (
            lambda two: dd.iterate(dd.parse(RULE30), 0),
            "iterate: error[U015]: the number of steps is at least 1, not 0",
        ),
        (
            lambda two: dd.iterate(dd.iterate(dd.parse(RULE30), 2), 3),
            "iterate: error[T052]: of the repeated rule: `state` and `state` read one another, and this read is not of "
            "an earlier step (at N = 6)\n"
            "  hint: what reads itself within a step can read or give a state only if nothing else of the step does so",
        ),
    ],
)
def test_what_does_not_fit_is_said(make: Any, message: str) -> None:
    with pytest.raises(dd.CompileError) as caught:
        make(dd.parse(TWO))
    assert str(caught.value) == message
