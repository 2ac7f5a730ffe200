"""Units that are in no family get the places where readers expect them, whatever the order of the units."""

from __future__ import annotations

import numpy as np
import pytest

from ddcompile.passes.completion import Place, Seat, anywhere, seats

N = 8


def _ring(shuffle: np.random.Generator, odd: set[int]) -> tuple[list[int], dict[int, Place], list[Place]]:
    """Units of a ring in random order: unit by place, places of those that have one, and the holes."""
    unit = shuffle.permutation(N).tolist()
    places: dict[int, Place] = {unit[p]: (0, (p,)) for p in range(N) if p not in odd}
    return unit, places, [(0, (p,)) for p in sorted(odd)]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("odd", [{3}, {0, 4}, {6, 7}])
def test_neighbours_on_a_ring_tell_the_places(seed: int, odd: set[int]) -> None:
    unit, places, holes = _ring(np.random.default_rng(seed), odd)
    readers = [{unit[p]: 2, unit[(p + 1) % N]: -1, unit[(p + 3) % N]: 1} for p in range(N)]
    found = seats(readers, places, holes, [(N,)], [unit[p] for p in sorted(odd)])
    assert {u: seat.place for u, seat in found.items()} == {unit[p]: (0, (p,)) for p in odd}
    assert all(seat.sign == 1 for seat in found.values())


def test_a_unit_that_readers_take_the_other_way_round_is_negated() -> None:
    unit, places, holes = _ring(np.random.default_rng(0), {5})
    readers = [{unit[p]: 1, unit[(p + 1) % N]: 3} for p in range(N)]
    for reader in readers:
        if unit[5] in reader:
            reader[unit[5]] *= -1
    assert seats(readers, places, holes, [(N,)], [unit[5]]) == {unit[5]: Seat((0, (5,)), -1, 2)}


def test_two_families_move_together() -> None:
    places: dict[int, Place] = {p: (0, (p,)) for p in range(N)} | {N + p: (1, (p,)) for p in range(N) if p != 2}
    readers = [{p: 1, N + p: -1} for p in range(N)]
    found = seats(readers, places, [(1, (2,))], [(N,), (N,)], [N + 2])
    assert found == {N + 2: Seat((1, (2,)), 1, 1)}


@pytest.mark.parametrize("readers", [[dict.fromkeys(range(N), 1)], [{p: p + 1} for p in range(N)], []])
def test_readers_that_are_not_alike_say_nothing(readers: list[dict[int, int]]) -> None:
    _, places, holes = _ring(np.random.default_rng(0), {5})
    (odd,) = set(range(N)) - places.keys()
    assert seats(readers, places, holes, [(N,)], [odd]) == {}


def test_where_readers_do_not_care_a_unit_takes_the_nearest_hole() -> None:
    _, places, holes = _ring(np.random.default_rng(0), {2, 6})
    first, second = sorted(set(range(N)) - places.keys())
    reader = dict.fromkeys(range(N), 3) | {second: -3}
    far = {(first, 2): 4, (first, 6): 1, (second, 2): 2, (second, 6): 3}
    found = anywhere([reader], places, holes, [first, second], lambda u, place: far[u, place[1][0]])
    assert found == {first: Seat((0, (6,)), 1, 0), second: Seat((0, (2,)), -1, 0)}


@pytest.mark.parametrize("change", [{0: 2}, {5: 2}, {}])
def test_where_readers_care_a_unit_takes_no_hole(change: dict[int, int]) -> None:
    places: dict[int, Place] = {p: (0, (p,)) for p in range(N) if p != 5}
    readers = [dict.fromkeys(range(N), 1) | change] if change else [{p: 1} for p in range(N)]
    assert anywhere(readers, places, [(0, (5,))], [5], lambda u, place: 0) == {}


def _square(n: int, odd: int) -> tuple[dict[int, Place], list[Place]]:
    """Units in the places of a square by row and column, but one, and its place."""
    places = {u: (0, (u // n, u % n)) for u in range(n * n) if u != odd}
    return places, [(0, (odd // n, odd % n))]


@pytest.mark.parametrize("sign", [1, -1])
def test_readers_of_rows_give_a_unit_the_hole_of_its_row(sign: int) -> None:
    places, holes = _square(3, 4)
    readers = [{3 * i + j: 2 for j in range(3)} for i in range(3)]
    readers[1][4] *= sign
    assert anywhere(readers, places, holes, [4], lambda u, place: 0) == {4: Seat((0, (1, 1)), sign, 0)}


def test_a_unit_takes_no_hole_of_a_row_that_its_reader_does_not_read() -> None:
    places, holes = _square(3, 4)
    readers = [{3 * i + j: 2 for j in range(3) if 3 * i + j != 4} for i in range(3)]
    readers[0][4] = 2
    assert anywhere(readers, places, holes, [4], lambda u, place: 0) == {}
