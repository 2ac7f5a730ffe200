"""Names that statements get: the wanted ones, numbered where they are in use."""

from __future__ import annotations

from ddcompile.frontends.forms import Names


def test_the_first_number_that_is_free() -> None:
    names = Names(["W", "W_2", "W_4", "b"])
    assert [names.fresh("W") for _ in range(4)] == ["W_3", "W_5", "W_6", "W_7"]
    assert [names.fresh(wanted) for wanted in ("b", "c", "c", "W_3", "b_2", "b")] == [
        "b_2", "c", "c_2", "W_3_2", "b_2_2", "b_3",
    ]  # fmt: skip


def test_names_that_were_given_are_not_looked_at_again() -> None:
    class Counting(set[str]):
        asked = 0

        def __contains__(self, name: object) -> bool:
            Counting.asked += 1
            return super().__contains__(name)

    names = Names([])
    names.used = Counting(["W"])
    assert len({names.fresh("W") for _ in range(1000)}) == 1000
    assert Counting.asked <= 3000
