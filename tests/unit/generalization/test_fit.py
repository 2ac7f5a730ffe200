"""Exact functions of the sizes through given values."""

from __future__ import annotations

import pytest

from ddcompile.generalization.fit import fit, fit_modulo, likely
from ddcompile.generalization.polynomials import Polynomial
from ddcompile.generalization.rounding import fit_rounded


def points(*values: int) -> list[dict[str, int]]:
    return [{"N": n} for n in values]


def grid(*values: tuple[int, int]) -> list[dict[str, int]]:
    return [{"H": h, "W": w} for h, w in values]


@pytest.mark.parametrize(
    ("values", "sizes", "degree", "text", "coefficients"),
    [
        ((7, 7, 7), (5, 6, 8), 2, "7", 1),
        ((6, 8, 10), (6, 8, 10), 2, "N", 1),
        ((5, 7, 9), (6, 8, 10), 1, "N - 1", 2),
        ((22, 21, 19), (6, 7, 9), 1, "28 - N", 2),
        ((31, 57, 91, 133), (6, 8, 10, 12), 2, "N * N - N + 1", 3),
        ((15, 21, 36, 45), (6, 7, 9, 10), 2, "1/2 * N * N - 1/2 * N", 3),
    ],
)
def test_the_fewest_coefficients(
    values: tuple[int, ...], sizes: tuple[int, ...], degree: int, text: str, coefficients: int
) -> None:
    found = fit(values, points(*sizes), degree)
    assert found is not None
    assert (str(found.polynomial), found.coefficients, found.is_unique) == (text, coefficients, True)


def test_two_sizes() -> None:
    found = fit((30, 35, 48), grid((5, 6), (7, 5), (6, 8)), 2)
    assert found is not None
    assert str(found.polynomial) == "H * W"


def test_two_functions_with_as_many_coefficients() -> None:
    """What is H at sizes that are equal is W, too."""
    found = fit((5, 6, 7), grid((5, 5), (6, 6), (7, 7)), 1)
    assert found is not None
    assert not found.is_unique


@pytest.mark.parametrize(
    ("values", "sizes"),
    [
        ((3, 5, 7, 11), (6, 7, 8, 9)),
        ((8, 16, 32, 64), (3, 4, 5, 6)),
        ((216, 343, 512, 729), (6, 7, 8, 9)),
        ((5, 6, 8, 9), (6, 7, 8, 9)),
    ],
)
def test_no_function(values: tuple[int, ...], sizes: tuple[int, ...]) -> None:
    assert fit(values, points(*sizes), 2) is None


def test_points_that_are_equal_count_once() -> None:
    assert fit((5, 5, 7), points(6, 6, 8), 1) == fit((5, 7), points(6, 8), 1)
    assert fit((5, 6, 7), points(6, 6, 8), 1) is None


@pytest.mark.parametrize(
    ("values", "sizes", "rounding", "text"),
    [
        ((3, 3, 4, 4), (5, 6, 7, 8), "up", "1/2 * N"),
        ((2, 3, 3, 4), (5, 6, 7, 8), "up", "1/2 * N - 1/2"),
        ((2, 3, 3, 4), (5, 6, 7, 8), "down", "1/2 * N"),
        ((12, 18, 24, 32), (5, 6, 7, 8), "down", "1/2 * N * N"),
        ((4, 4, 5, 6), (5, 6, 7, 8), "up", "2/3 * N"),
    ],
)
def test_rounded(values: tuple[int, ...], sizes: tuple[int, ...], rounding: str, text: str) -> None:
    found = fit_rounded(values, points(*sizes), "up" if rounding == "up" else "down")
    assert found is not None
    assert str(found.polynomial) == text


@pytest.mark.parametrize("values", [(3, 5, 7, 11), (4, 4, 4, 7), (5, 3, 6, 4)])
def test_nothing_rounds_to_that(values: tuple[int, ...]) -> None:
    assert fit_rounded(values, points(6, 7, 8, 9), "up") is None


def test_offsets_on_rings() -> None:
    found = fit_modulo((-3, 5, 5), (8, 11, 16), points(8, 11, 16))
    assert found is not None
    assert found.polynomial == Polynomial.of({(): 5})


@pytest.mark.parametrize(
    ("value", "size", "text"), [(28, 28, "N"), (27, 28, "N - 1"), (757, 28, "N * N - N + 1"), (3, 28, "3")]
)
def test_likely(value: int, size: int, text: str) -> None:
    found = likely((value,), points(size), 2)
    assert found is not None
    assert str(found.polynomial) == text
    assert not found.is_unique


def test_expressions() -> None:
    assert str(Polynomial.of({("N", "N"): 2, ("N",): -1, (): 3})) == "2 * N * N - N + 3"
    assert str(Polynomial.of({("N",): -1, (): 3})) == "3 - N"
    assert str(Polynomial()) == "0"
