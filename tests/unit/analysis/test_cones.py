"""Tables of units are exact: whatever doubles round, and where sums are 0."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from ddcompile.analysis.cones import Cones
from ddcompile.analysis.exact import integers
from ddcompile.analysis.rows import Row, RowKind, value_of
from ddcompile.analysis.thresholds import Domain

_INPUTS = 4
_BIT = {k: Domain(0, 1, 1) for k in range(_INPUTS)}


def _row(kind: RowKind, weights: dict[int, int], bias: int = 0, exponent: int = 0, **others: object) -> Row:
    atoms = sorted(weights)
    return Row(kind, np.array(atoms), integers([weights[a] for a in atoms]), bias, exponent, **others)  # type: ignore[arg-type]


def _expected(rows: dict[int, Row], unit: int, bits: tuple[int, ...]) -> Fraction:
    known = {k: Fraction(b) for k, b in enumerate(bits)}
    for number, row in rows.items():
        total = sum(
            (w * known[a] for a, w in zip(row.atoms.tolist(), row.weights.tolist(), strict=True)), Fraction(row.bias)
        )
        known[number] = value_of(row, total / (1 << row.exponent))
    return known[unit]


def _agrees(rows: dict[int, Row], units: list[int]) -> None:
    table = Cones(rows, _BIT, 64, 1 << 16).joint(units)
    assert table is not None
    for bits in product((0, 1), repeat=_INPUTS):
        sums = [sum(s * bits[a] for a, s in members) for members in table.classes]
        place = tuple(r.index(s) for r, s in zip(table.ranges, sums, strict=True))
        for values, unit in zip(table.values, units, strict=True):
            assert values[place] == _expected(rows, unit, bits)


@pytest.mark.parametrize("digits", [3, 24, 53, 200])
@pytest.mark.parametrize("seed", range(4))
def test_networks_of_limited_sums(seed: int, digits: int) -> None:
    rng = np.random.default_rng(seed)

    def weights(of: range) -> dict[int, int]:
        return {a: int(rng.integers(-(1 << 30), 1 << 30)) << digits - 3 >> 27 or 1 for a in of}

    kinds: list[tuple[RowKind, dict[str, object]]] = [
        ("clamp", {"low": 0}),
        ("clamp", {"low": Fraction(-1, 4), "high": Fraction(3, 2)}),
        ("abs", {}),
        ("affine", {}),
    ]
    rows: dict[int, Row] = {}
    for layer in (range(_INPUTS), range(_INPUTS, 10)):
        for _ in range(6):
            kind, others = kinds[int(rng.integers(len(kinds)))]
            rows[_INPUTS + len(rows)] = _row(kind, weights(layer), int(rng.integers(-9, 9)), digits, **others)
    for kind in ("sign", "positive"):
        rows[_INPUTS + len(rows)] = _row(kind, weights(range(10, 16)), int(rng.integers(-9, 9)))  # type: ignore[arg-type]
    _agrees(rows, [16, 17])


@pytest.mark.parametrize("size", [1, 1 << 60, 1 << 2000])
def test_sums_that_are_zero(size: int) -> None:
    rows = {
        4: _row("clamp", {0: size, 1: 2 * size}, exponent=70, low=0),
        5: _row("clamp", {2: size, 3: 2 * size}, exponent=70, low=0),
        6: _row("sign", {4: 1, 5: -1}),
        7: _row("positive", {4: 1, 5: -1}),
        8: _row("positive", {4: 1, 5: -1}, is_inclusive=True),
    }
    _agrees(rows, [6, 7, 8])


def test_numbers_that_are_no_integers_have_no_table() -> None:
    rows = {4: _row("clamp", {0: 1, 1: 1}, exponent=1, low=0), 5: _row("affine", {4: 2})}
    cones = Cones(rows, _BIT, 64, 1 << 16)
    assert cones.table(4) is None
    whole = cones.table(5)
    assert whole is not None
    assert whole.values.tolist() == [0, 1, 2]
    assert whole.ranges == (range(3),)


def test_units_that_reach_too_much_have_no_table() -> None:
    rows = {
        4: _row("clamp", {0: 1, 1: 2}, low=0),
        5: _row("positive", {4: 1, 2: 2, 3: 5, 9: 1}),
        6: _row("sign", {4: 1}),
    }
    cones = Cones(rows, _BIT, 64, 1 << 16)
    assert cones.joint([5, 6]) is None
    assert cones.joint([6]) is not None
    assert Cones(rows, _BIT, 64, 3).joint([6]) is None
