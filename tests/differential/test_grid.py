"""Random rules on grids of bits: the schedule grid against the interpreter, in the JIT and in C."""

from __future__ import annotations

import shutil
from itertools import pairwise
from random import Random

import numpy as np
import pytest

import ddcompile as dd
from ddcompile.backends.c.build import CFunction
from ddcompile.backends.llvm.jit import compile_jit
from ddcompile.ir.nodes import Rule

_NAMES = "ijkl"


class _Maker:
    """Makes the text of a rule from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.rank = self.random.choice((1, 1, 2, 2, 2, 3, 3, 4))
        widths = (1, 2, 3, 20, 63, 64, 65, 100, 127, 128, 130, 191, 200, 260)
        self.shape = [self.random.randint(1, 6) for _ in range(self.rank - 1)] + [self.random.choice(widths)]
        if self.rank == 2:
            self.shape[0] = self.random.randint(1, 40)
        self.wraps = [self.random.random() < 0.6 for _ in range(self.rank)]
        self.radius = [self.random.choice((0, 1, 1, 2, 3)) for _ in range(self.rank - 1)]
        self.radius.append(self.random.choice((0, 1, 1, 2, 5, 64, 70, 130)))
        self.pad = self.random.randint(0, 1)

    @property
    def domain(self) -> str:
        return ", ".join(f"{_NAMES[k]} < {n}" for k, n in enumerate(self.shape))

    @property
    def extents(self) -> str:
        return ", ".join(map(str, self.shape))

    def read(self, tensor: str, lead: str = "", shifts: list[str] | None = None) -> str:
        """An element near one's own."""
        if shifts is None:
            shifts = [str(self.random.randint(-r, r)) for r in self.radius]
        places = []
        for name, shift, extent, wraps in zip(_NAMES, shifts, self.shape, self.wraps, strict=False):
            moved = name if shift == "0" else f"{name} + {shift}".replace("+ -", "- ")
            places.append(f"({moved}) % {extent}" if wraps and shift != "0" else moved)
        is_padded = any(not w and s != "0" for w, s in zip(self.wraps, shifts, strict=True))
        name = f"pad({tensor}, {self.pad})" if is_padded else tensor
        return f"{name}[{', '.join([lead] * bool(lead) + places)}]"

    def number(self, tensor: str, lead: str) -> str:
        """A sum of bits."""
        binders, shifts = [], []
        for axis, radius in enumerate(self.radius):
            if radius and self.random.random() < 0.7:
                reach = min(radius, 2)
                binders.append(f"d{axis} in {-reach}..{self.random.randint(0, reach)}")
                shifts.append(f"d{axis}")
            else:
                shifts.append("0")
        parts = [f"{self.random.choice((1, 1, 2, 3, -1, -2))} * {self.read(tensor, lead)}" for _ in range(3)]
        if binders:
            factor = self.random.choice((1, 2, 3))
            parts.append(f"{factor} * sum({', '.join(binders)}: {self.read(tensor, lead, shifts)})")
        return " + ".join(parts)

    def bit(self, tensor: str, lead: str = "", depth: int = 2) -> str:
        """An expression of bits."""
        kind = self.random.randrange(8 if depth else 3)
        if kind < 2:
            relation = self.random.choice((">", ">=", "==", "!="))
            return f"({self.number(tensor, lead)} {relation} {self.random.randint(-2, 6)})"
        if kind == 2:
            return self.read(tensor, lead)
        if kind == 3:
            low = self.random.randint(-2, 3)
            return f"({low} <= {self.number(tensor, lead)} <= {low + self.random.randint(0, 4)})"
        a, b = self.bit(tensor, lead, depth - 1), self.bit(tensor, lead, depth - 1)
        if kind == 4:
            return f"(if {self.read(tensor, lead)} then {a} else {b})"
        if kind == 5:
            parts = f"sign({self.number(tensor, lead)} - 1) + relu({self.number(tensor, lead)})"
            return f"({parts} >= {self.random.randint(0, 3)})"
        return f"({a} {self.random.choice(('and', 'or', 'xor'))} not {b})"

    def rule(self) -> Rule:
        domain, extents = self.domain, self.extents
        lines = []
        shape = self.random.randrange(5)
        if shape == 0:
            lines = [f"y[{domain}] = {self.bit('x')}"]
        elif shape == 1:
            lines = [f"h[{domain}] = {self.bit('x')}", f"n[{domain}] = {self.number('h', '')}"]
            own = ", ".join(_NAMES[: self.rank])
            lines.append(f"y[{domain}] = n[{own}] >= 2 xor {self.bit('x')}")
        else:
            steps = self.random.choice((1, 2, 3, 7, 17, 40))
            start = self.bit("x") if shape == 2 else self.read("x", shifts=["0"] * self.rank)
            lines = [f"s[0, {domain}] = {start}"]
            if shape == 3:
                lines.append(f"h[1 <= t < {steps + 1}, {domain}] = {self.bit('s', 't - 1', 1)}")
                step = self.bit("h", "t", 1) + " xor " + self.bit("s", "t - 1", 1)
            else:
                step = self.bit("s", "t - 1", 1)
            lines.append(f"s[1 <= t < {steps + 1}, {domain}] = {step}")
            last = f"{steps}"
            end = self.bit("s", last, 1) if shape == 4 else self.read("s", last, ["0"] * self.rank)
            lines.append(f"y[{domain}] = {end}")
        body = "".join(f"  {line}\n" for line in lines)
        return dd.parse(f"rule r(x: bit[{extents}]) -> (y: bit[{extents}]) {{\n{body}}}\n").rule


class _Edged(_Maker):
    """Rules with clauses for edges, and conditions on positions near them."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.edged = [k for k, n in enumerate(self.shape) if n > 1 and self.random.random() < 0.7] or [self.rank - 1]
        self.wraps = [False if k in self.edged else wraps for k, wraps in enumerate(self.wraps)]
        self.pinned: dict[int, int] = {}

    def read(self, tensor: str, lead: str = "", shifts: list[str] | None = None) -> str:
        if shifts is None:
            shifts = [str(self.random.randint(-r, r)) for r in self.radius]
        text = super().read(tensor, lead, shifts)
        if not self.pinned:
            return text
        places = []
        for k, (name, shift) in enumerate(zip(_NAMES, shifts, strict=False)):
            place = str(self.pinned[k]) if k in self.pinned else name
            moved = place if shift == "0" else f"{place} + {shift}".replace("+ -", "- ")
            places.append(f"({moved}) % {self.shape[k]}" if self.wraps[k] and shift != "0" else moved)
        return f"{text[: text.index('[')]}[{', '.join([lead] * bool(lead) + places)}]"

    def bit(self, tensor: str, lead: str = "", depth: int = 2) -> str:
        free = [k for k in self.edged if k not in self.pinned]
        if depth and free and self.random.random() < 0.4:
            k = self.random.choice(free)
            name, extent = _NAMES[k], self.shape[k]
            n = self.random.choice((0, 1, 2, extent - 1, extent - 2, extent))
            relation = self.random.choice(("<", "<=", ">", ">=", "==", "!="))
            left = self.random.choice((name, f"2 * {name} + 1", f"{extent} - {name}", f"5 - 3 * {name}"))
            test = self.random.choice((f"{left} {relation} {n}", f"{n} <= {left} < {n + 3}"))
            return f"(if {test} then {self.bit(tensor, lead, depth - 1)} else {self.bit(tensor, lead, depth - 1)})"
        return super().bit(tensor, lead, depth)

    def clauses(self, target: str, tensor: str, lead: str = "", head: str = "") -> list[str]:
        """Clauses that together define a tensor."""
        axis = self.random.choice(self.edged)
        extent = self.shape[axis]
        cuts = sorted({0, extent, *(self.random.choice((1, 2, extent - 1, min(extent // 2, 100))) for _ in range(2))})
        lines = []
        for low, high in pairwise(cuts):
            domain = [f"{_NAMES[k]} < {n}" for k, n in enumerate(self.shape)]
            self.pinned = {axis: low} if high == low + 1 and self.random.random() < 0.7 else {}
            domain[axis] = str(low) if self.pinned else f"{low} <= {_NAMES[axis]} < {high}"
            places = ", ".join([head] * bool(head) + domain)
            lines.append(f"{target}[{places}] = {self.bit(tensor, lead, 1)}")
            self.pinned = {}
        return lines

    def rule(self) -> Rule:
        steps = self.random.choice((0, 1, 2, 7, 17))
        lines = self.clauses("y", "x")
        if steps:
            lines = [f"s[0, {self.domain}] = {self.bit('x')}"]
            lines += self.clauses("s", "s", "t - 1", f"1 <= t < {steps + 1}")
            lines.append(f"y[{self.domain}] = {self.read('s', str(steps), ['0'] * self.rank)}")
        body = "".join(f"  {line}\n" for line in lines)
        return dd.parse(f"rule r(x: bit[{self.extents}]) -> (y: bit[{self.extents}]) {{\n{body}}}\n").rule


def _bits(rule: Rule, seed: int, samples: int) -> np.ndarray:
    shape = tuple(int(extent.value) for extent in rule.inputs[0].type.shape)  # type: ignore[attr-defined]
    return np.random.default_rng(seed).integers(0, 2, size=(samples, *shape), dtype=np.uint8)


@pytest.mark.parametrize("seed", range(40))
def test_machine_code_is_equal_to_the_interpreter(seed: int) -> None:
    rule = _Maker(seed).rule()
    x = _bits(rule, seed, 3)
    expected = dd.Program(rule)(x)
    compiled = compile_jit(rule, schedule="grid")
    assert np.array_equal(compiled(x), expected)
    assert compiled(dd.pack(x)) == dd.pack(expected)


@pytest.mark.parametrize("seed", range(24))
def test_edges_are_those_of_the_interpreter(seed: int) -> None:
    rule = _Edged(seed).rule()
    x = _bits(rule, seed, 2)
    expected = dd.Program(rule)(x)
    assert np.array_equal(compile_jit(rule, schedule="grid")(x), expected)
    assert np.array_equal(compile_jit(rule, n_jobs=2, schedule="grid")(x[:1]), expected[:1])


@pytest.mark.parametrize("seed", range(40, 48))
def test_a_team_of_threads_gives_the_same(seed: int) -> None:
    rule = _Maker(seed).rule()
    x = _bits(rule, seed, 1)
    expected = dd.Program(rule)(x)
    for jobs in (2, 3, 5):
        assert np.array_equal(compile_jit(rule, n_jobs=jobs, schedule="grid")(x), expected)


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
@pytest.mark.parametrize("seed", range(48, 56))
def test_emitted_c_gives_the_same(seed: int) -> None:
    rule = _Maker(seed).rule()
    x = _bits(rule, seed, 2)
    expected = dd.Program(rule)(x)
    for optimize in ("", "-O2 -DDD_VECTOR"):
        assert np.array_equal(CFunction(rule, schedule="grid", optimize=optimize)(x), expected)


@pytest.mark.parametrize(("h", "w"), [(2897, 2944), (2900, 3000)])
def test_results_larger_than_a_cache_are_right(h: int, w: int) -> None:
    program = dd.parse(
        f"rule r(x: bit[{h}, {w}]) -> (y: bit[{h}, {w}], z: bit[{h}, {w}]) {{\n"
        f"  y[i < {h}, j < {w}] = x[(i + 1) % {h}, j] xor x[i, (j + 3) % {w}]\n"
        f"  z[i < {h}, j < {w}] = x[(i - 1) % {h}, (j + 70) % {w}]\n"
        "}\n"
    )
    x = np.random.default_rng(h).integers(0, 2, size=(2, h, w), dtype=np.uint8)
    for jobs in (1, 2, 3):
        run = program.jit(n_jobs=jobs, schedule="grid")
        for given in (x, x[0]):
            y, z = run(given)
            assert np.array_equal(y, np.roll(given, -1, -2) ^ np.roll(given, -3, -1))
            assert np.array_equal(z, np.roll(given, (1, -70), (-2, -1)))


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
@pytest.mark.parametrize("seed", [0, 3, 5, 8])
def test_emitted_c_has_edges(seed: int) -> None:
    rule = _Edged(seed).rule()
    x = _bits(rule, seed, 2)
    assert np.array_equal(CFunction(rule, schedule="grid")(x), dd.Program(rule)(x))
