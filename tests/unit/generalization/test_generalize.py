"""One rule for every size: the text that is found, what is assumed, and what is refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import ddcompile as dd
from ddcompile.analysis.cost import cost
from ddcompile.ir.specialize import specialize

Text = Callable[..., str]


def programs(text: Text, *sizes: object) -> list[dd.Program]:
    return [dd.parse(text(*(s if isinstance(s, tuple) else (s,)))) for s in sizes]


def statements(program: dd.Program) -> list[str]:
    return [line.strip() for line in str(program).splitlines()]


def known(program: dd.Program) -> dd.Generalization:
    assert program.generalization is not None
    return program.generalization


def refused(given: list[dd.Program], **options: object) -> list[dd.Diagnostic]:
    with pytest.raises(dd.CompileError) as error:
        dd.generalize(given, **options)  # type: ignore[arg-type]
    return list(error.value.diagnostics)


def orientation(n: int) -> str:
    return f"""rule orientation(image: bit[{n}, {n}]) -> (class: bit) {{
  row[i < {n}] = sum(j < {n}: image[i, j])
  column[i < {n}] = sum(j < {n}: image[j, i])
  longer[i < {n}, j < {n}] = sign(row[i] - column[j])
  total = sum(i < {n}, j < {n}: longer[i, j])
  rows = sum(i < {n}: {n} * sum(j < {n}: longer[i, j]) - {n - 1} * total >= {n * n - n + 1})
  columns = sum(i < {n}: {n - 1} * total - {n} * sum(j < {n}: longer[j, i]) >= {n * n - n + 1})
  class = rows > columns
}}"""


def life(h: int, w: int) -> str:
    return f"""rule life(cell: bit[{h}, {w}]) -> (next: bit[{h}, {w}]) {{
  count[i < {h}, j < {w}] = sum(di in -1..1, dj in -1..1: cell[(i + di) % {h}, (j + dj) % {w}])
  next[i < {h}, j < {w}] = 5 <= 2 * count[i, j] - cell[i, j] <= 7
}}"""


def adder(n: int) -> str:
    return f"""rule adder(x: bit[2, {n}]) -> (y: bit[{n + 1}]) {{
  carry[i < {n}] = x[0, i] + x[1, i] + pad(carry, 0)[i - 1] >= 2
  y[i < {n}] = x[0, i] xor x[1, i] xor pad(carry, 0)[i - 1]
  y[{n}] = carry[{n - 1}]
}}"""


def half(n: int) -> str:
    return f"rule half(x: bit[{n}]) -> (y: bit) {{\n  y = sum(i < {n}: x[i]) >= {(n + 1) // 2}\n}}"


def test_orientation() -> None:
    given = programs(orientation, 6, 8, 10, 12)
    found = dd.generalize(given, hold_out=programs(orientation, 15))
    assert statements(found)[5] == "rows = sum(i < N: N * sum(j < N: longer[i, j]) - (N - 1) * total > N * N - N)"
    assert str(known(found)) == "proved at N = 6, 8, 10, 12; predicted at N = 15; elsewhere a definition"
    assert not known(found).assumed
    assert cost(found.rule) - 3 <= 1.15 * given[-1].cost
    assert dd.parse(str(found)) == found
    for n, program in zip((6, 8, 10, 12), given, strict=True):
        assert dd.verify(found, program)
        assert specialize(found.rule, {"N": n}).sizes == ()


def test_two_sizes() -> None:
    found = dd.generalize(programs(life, (5, 6), (7, 5), (6, 8)))
    assert found.rule.sizes == ("H", "W")
    assert "cell[(i + di) % H, (j + dj) % W]" in str(found)
    assert not known(found).notes


def test_sizes_that_coincide_are_flagged() -> None:
    found = dd.generalize(programs(life, (5, 5), (7, 7), (6, 6)))
    assert found.rule.sizes == ("N",)
    assert known(found).notes == ("axis 1 of `cell` is as long as axis 0 of `cell` in all given programs: one size",)


def test_results_that_are_longer() -> None:
    found = dd.generalize(programs(adder, 4, 5, 7))
    assert statements(found)[0] == "rule adder<N>(x: bit[2, N]) -> (y: bit[N + 1]) {"
    assert statements(found)[3] == "y[N] = carry[N - 1]"
    x = np.zeros((1, 2, 70), dtype=np.uint8)
    x[0, 0] = 1
    x[0, 1, 0] = 1
    assert found(x)[0].tolist() == [0] * 70 + [1]


def test_fractions_are_multiplied_through() -> None:
    found = dd.generalize(programs(half, 5, 6, 7, 8), hold_out=programs(half, 11, 12))
    assert statements(found)[1] == "y = 2 * sum(i < N: x[i]) >= N"
    assert not known(found).assumed


def test_fractions_of_extents_that_are_shorter() -> None:
    """Half of all places of a window, of which there are N - 4."""

    def text(n: int) -> str:
        return (
            f"rule windows(x: bit[{n}]) -> (y: bit) {{\n  count = sum(i < {n - 4}: sum(j < 5: x[i + j]) >= 3)\n"
            f"  y = count >= {(n - 4) // 2}\n}}"
        )

    found = dd.generalize(programs(text, 10, 11, 12, 13, 17), hold_out=programs(text, 20, 21))
    assert statements(found)[2].startswith("y = 2 * count >= N - 5")


def test_fractions_of_squares_in_divided_sizes() -> None:
    def text(n: int) -> str:
        m = n // 2
        return (
            f"rule blocks(x: bit[{n}, {n}]) -> (y: bit) {{\n"
            f"  count = sum(i < {m}, j < {m}: sum(k < 2, l < 2: x[2 * i + k, 2 * j + l]) >= 2)\n"
            f"  y = count >= {(m * m + 1) // 2}\n}}"
        )

    found = dd.generalize(programs(text, 6, 8, 10, 12))
    assert statements(found)[0] == "rule blocks<N>(x: bit[2 * N, 2 * N]) -> (y: bit) {"
    assert statements(found)[2].startswith("y = 2 * count >= N * N")


def test_thresholds_that_may_as_well_be_lower() -> None:
    """A sum of an even number of spins is never 1."""

    def text(n: int) -> str:
        return f"rule most(x: spin[{n}]) -> (y: bit) {{\n  y = sum(i < {n}: x[i]) >= {2 - n % 2}\n}}"

    found = dd.generalize(programs(text, 5, 6, 8, 9))
    assert statements(found)[1] == "y = sum(i < N: x[i]) >= 1"
    wrong = dd.parse(text(8).replace(">= 2", ">= 4"))
    assert {d.code for d in refused([*programs(text, 5, 6, 9), wrong])} <= {"G011", "G014"}


def test_offsets_that_do_not_matter() -> None:
    """All but one place of a ring, for every place of it."""

    def text(n: int) -> str:
        start = {5: 1, 6: 2, 7: 2, 9: 3}[n]
        return (
            f"rule rest(x: bit[{n}]) -> (y: int) {{\n"
            f"  y = sum(i < {n}: sum(j < {n - 1}: x[(i + j - {start}) % {n}]) >= 2)\n}}"
        )

    found = dd.generalize(programs(text, 5, 6, 7, 9))
    assert statements(found)[1] == "y = sum(i < N: sum(j < N - 1: x[(i + j) % N]) >= 2)"


def test_a_function_with_more_digits_than_its_values_is_assumed() -> None:
    def text(n: int) -> str:
        bound = {6: 1, 7: 1, 8: 3, 9: 7}[n]
        return f"rule r(x: int[0..9][{n}]) -> (y: int) {{\n  y = {bound} * sum(i < {n}: x[i])\n}}"

    assert dd.generalize(programs(text, 6, 7, 8, 9)).generalization.assumed  # type: ignore[union-attr]


def test_a_fraction_of_even_sizes_is_assumed() -> None:
    """Nothing says how odd sizes are rounded."""
    found = dd.generalize(programs(half, 4, 6, 8, 10))
    assert statements(found)[1] == "y = 2 * sum(i < N: x[i]) >= N  # assumed: 1/2 * N"


def test_extents_that_are_multiples() -> None:
    def strided(m: int) -> str:
        return (
            f"rule strided(x: bit[{2 * m + 1}]) -> (y: bit[{m}]) {{\n"
            f"  y[i < {m}] = sum(j < 3: x[2 * i + j]) >= 2\n}}"
        )

    found = dd.generalize(programs(strided, 3, 4, 6), hold_out=programs(strided, 9))
    assert statements(found)[:2] == [
        "rule strided<N>(x: bit[2 * N + 1]) -> (y: bit[N]) {",
        "y[i < N] = sum(j < 3: x[2 * i + j]) >= 2",
    ]


def test_variables_and_clauses() -> None:
    def satisfied(v: int, c: int) -> str:
        return (
            f"rule satisfied(plain: bit[{c}, {v}], negated: bit[{c}, {v}]) -> (y: bit) {{\n"
            f"  more[i < {c}] = sum(j < {v}: plain[i, j]) > sum(j < {v}: negated[i, j])\n"
            f"  y = sum(i < {c}: more[i]) >= {(c + 1) // 2}\n}}"
        )

    found = dd.generalize(programs(satisfied, (5, 10), (6, 12), (7, 20), (8, 9)))
    assert found.rule.sizes == ("N", "M")
    assert statements(found)[2] == "y = 2 * sum(i < N: more[i]) >= N"


def test_other_names_orders_and_sides() -> None:
    """Programs of one structure, each written in its own way."""
    texts = [
        "rule r(x: bit[6]) -> (y: bit[6]) {\n  a = sum(i < 6: x[i])\n  b = sum(i < 6: x[i] and x[(i + 1) % 6])\n"
        "  y[i < 6] = a - 3 * b >= 6\n}",
        "rule r(x: bit[7]) -> (y: bit[7]) {\n"
        "  pairs = sum(j < 7: x[(j + 1) % 7] and x[j])\n  all_of = sum(k < 7: x[k])\n"
        "  y[k < 7] = 6 < all_of - 4 * pairs\n}",
        "rule r(x: bit[9]) -> (y: bit[9]) {\n  a = sum(i < 9: x[i])\n  b = sum(i < 9: x[i] and x[(i + 1) % 9])\n"
        "  y[i < 9] = a > 6 * b + 8\n}",
    ]
    found = dd.generalize([dd.parse(t) for t in texts])
    assert statements(found)[3] == "y[i < N] = a - (N - 3) * b >= N"


def test_ranges_that_begin_elsewhere() -> None:
    def text(n: int) -> str:
        around = f"di in -1..1: x[(i + di) % {n}]" if n == 6 else f"k < 3: x[(i + k - 1) % {n}]"
        return f"rule most(x: bit[{n}]) -> (y: bit[{n}]) {{\n  y[i < {n}] = sum({around}) >= 2\n}}"

    found = dd.generalize(programs(text, 5, 6, 8))
    assert statements(found)[1] == "y[i < N] = sum(k < 3: x[(i + k - 1) % N]) >= 2"


def test_factors_of_one_and_constants_of_zero() -> None:
    texts = [
        "rule r(x: bit[4]) -> (y: int) {\n  y = sum(i < 4: x[i])\n}",
        "rule r(x: bit[5]) -> (y: int) {\n  y = 2 * sum(i < 5: x[i]) + 1\n}",
        "rule r(x: bit[7]) -> (y: int) {\n  y = 4 * sum(i < 7: x[i]) + 3\n}",
    ]
    found = dd.generalize([dd.parse(t) for t in texts])
    assert statements(found)[1] == "y = (N - 3) * sum(i < N: x[i]) + N - 4"


def test_a_small_program_that_is_written_otherwise() -> None:
    """Rules of very small sizes may come out in other forms; they count if they are proved equal."""
    given = [dd.parse("rule half(x: bit[3]) -> (y: bit) {\n  y = (x[0] and (x[1] or x[2])) or (x[1] and x[2])\n}")]
    found = dd.generalize([*given, *programs(half, 6, 7, 9)])
    assert statements(found)[1] == "y = 2 * sum(i < N: x[i]) >= N"
    assert str(known(found)) == "proved at N = 3, 6, 7, 9; elsewhere a definition"


def test_one_program_may_have_other_numbers() -> None:
    """At most five places are set, so five and six are the same."""

    def text(n: int) -> str:
        bound = 30 if n == 5 else 5 * n
        return f"rule r(x: bit[{n}]) -> (y: bit) {{\n  y = {bound} * sum(i < {n}: x[i]) >= {4 * bound}\n}}"

    found = dd.generalize(programs(text, 5, 6, 7, 9))
    assert statements(found)[1] == "y = 5 * N * sum(i < N: x[i]) >= 20 * N"
    assert str(known(found)) == "proved at N = 5, 6, 7, 9; elsewhere a definition"


def test_offsets_that_wrap() -> None:
    def far(n: int) -> str:
        offset = 5 if n >= 2 * 5 else 5 - n
        text = f"i {'+' if offset > 0 else '-'} {abs(offset)}"
        return f"rule far(x: bit[{n}]) -> (y: bit[{n}]) {{\n  y[i < {n}] = x[i] and x[({text}) % {n}]\n}}"

    found = dd.generalize(programs(far, 8, 11, 16))
    assert statements(found)[1] == "y[i < N] = x[i] and x[(i + 5) % N]"


def steps(n: int, times: int) -> str:
    return (
        f"rule steps(x: bit[{n}]) -> (y: bit[{n}]) {{\n  state[0, i < {n}] = x[i]\n"
        f"  state[1 <= t < {times + 1}, i < {n}] = state[t - 1, i] xor state[t - 1, (i + 1) % {n}]\n"
        f"  y[i < {n}] = state[{times}, i]\n}}"
    )


def test_a_number_of_steps_is_a_size_that_is_given() -> None:
    found = dd.generalize(programs(steps, (9, 3), (8, 4), (11, 6)), hold_out=programs(steps, (13, 9)))
    assert "predicted at (N, T) = (13, 9)" in str(known(found))
    assert statements(found) == [
        "rule steps<N, T>(x: bit[N]) -> (y: bit[N]) {",
        "state[0, i < N] = x[i]",
        "state[1 <= t < T + 1, i < N] = state[t - 1, i] xor state[t - 1, (i + 1) % N]",
        "y[i < N] = state[T, i]",
        "}",
    ]
    x = np.random.default_rng(0).integers(0, 2, (4, 50))
    expected = x
    for _ in range(40):
        expected = expected ^ np.roll(expected, -1, axis=1)
    assert (found(x, T=40) == expected).all()
    assert (found.at(T=40).jit()(x) == expected).all()


def test_steps_that_are_written_out() -> None:
    """Two steps are no loop, so the program looks otherwise; its number of steps is found by proving."""
    two = dd.parse(
        "rule steps(x: bit[7]) -> (y: bit[7]) {\n  first[i < 7] = x[i] xor x[(i + 1) % 7]\n"
        "  y[i < 7] = first[i] xor first[(i + 1) % 7]\n}"
    )
    found = dd.generalize([two, *programs(steps, (8, 4), (11, 6))])
    assert found.rule.sizes == ("N", "T")
    assert str(known(found)) == "proved at (N, T) = (7, 2), (8, 4), (11, 6); elsewhere a definition"
    assert not known(found).assumed


def test_a_number_of_steps_alone() -> None:
    found = dd.generalize(programs(steps, (9, 3), (9, 4), (9, 6)))
    assert statements(found)[0] == "rule steps<T>(x: bit[9]) -> (y: bit[9]) {"


def test_other_bounds_are_no_numbers_of_steps() -> None:
    def text(n: int) -> str:
        bound = {4: 3, 5: 4, 6: 6}[n]
        return f"rule r(x: bit[9, {n}]) -> (y: int) {{\n  y = sum(i < {bound}: x[i, 0])\n}}"

    assert [d.code for d in refused(programs(text, 4, 5, 6))] == ["G011"]


def test_too_few_sizes() -> None:
    found = dd.generalize(programs(adder, 4, 6))
    assert statements(found)[0].endswith("# assumed: N + 1")
    assert statements(found)[3] == "y[N] = carry[N - 1]  # assumed: N - 1"
    assert dd.parse(str(found)) == found


def test_from_one_size() -> None:
    found = dd.generalize(programs(orientation, 12))
    assert statements(found)[5] == (
        "rows = sum(i < N: N * sum(j < N: longer[i, j]) - (N - 1) * total > N * N - N"
        ")  # assumed: N, N - 1, N * N - N + 1"
    )
    assert all(not line.endswith("{") or "assumed" in line for line in statements(found))


@pytest.mark.parametrize(
    "bounds", [(3, 5, 7, 11), (2, 4, 8, 16), (4, 4, 5, 8)], ids=["primes", "powers", "one of them"]
)
def test_a_constant_that_is_no_function(bounds: tuple[int, ...]) -> None:
    sizes = dict(zip((5, 6, 7, 8), bounds, strict=True))

    def text(n: int) -> str:
        return f"rule r(x: int[0..9][{n}]) -> (y: bit) {{\n  y = sum(i < {n}: x[i]) >= {sizes[n]}\n}}"

    found = refused(programs(text, *sizes))
    listed = ", ".join(map(str, bounds))
    assert [(d.code, d.place) for d in found] == [("G011", "r at N = 5")]
    assert f"no function of the sizes is {listed} at N = 5, 6, 7, 8" in found[0].message
    assert found[0].hint


def test_a_family_that_changes_shape() -> None:
    def text(n: int) -> str:
        op = "xor" if n == 7 else "and"
        return f"rule r(x: bit[{n}]) -> (y: bit[{n}]) {{\n  y[i < {n}] = x[i] {op} x[(i + 1) % {n}]\n}}"

    found = refused(programs(text, 5, 6, 7))
    assert [d.code for d in found] == ["G010", "G010", "G014"]
    assert found[1].message == "`y[i < 7] = x[i] xor x[(i + 1) % 7]`: no statement of another program is like it"
    assert (found[1].place, found[2].place) == ("r at N = 7", "r")
    assert "refuted" in found[2].message


def test_every_statement_that_does_not_fit_is_named() -> None:
    def text(n: int) -> str:
        a, b = {5: (2, 3), 6: (3, 1), 7: (5, 5), 8: (9, 2)}[n]
        return (
            f"rule r(x: int[0..9][{n}]) -> (y: bit, z: bit) {{\n"
            f"  y = sum(i < {n}: x[i]) >= {a}\n  z = {b} * x[0] > x[1]\n}}"
        )

    found = refused(programs(text, 5, 6, 7, 8))
    assert [d.code for d in found] == ["G011", "G011"]
    assert ["y = " in found[0].message, "z = " in found[1].message] == [True, True]


def test_bounds_that_would_be_rounded() -> None:
    def text(n: int) -> str:
        return f"rule r(x: bit[{n}]) -> (y: int) {{\n  y = sum(i < {n // 2}: x[2 * i])\n}}"

    assert [d.code for d in refused(programs(text, 4, 5, 6, 7))] == ["G011"]
    found = dd.generalize(programs(text, 4, 6, 10))
    assert statements(found)[0] == "rule r<N>(x: bit[2 * N]) -> (y: int) {"


def test_a_prediction_that_fails() -> None:
    other = dd.parse(half(11).replace(">= 6", ">= 5"))
    found = refused(programs(half, 5, 6, 7, 8), hold_out=[other])
    assert [d.code for d in found] == ["G020"]
    assert "N = 11" in found[0].message


def test_other_inputs() -> None:
    found = refused([*programs(half, 5), *programs(adder, 4)])
    assert [d.code for d in found] == ["G002"]


def test_one_size_twice() -> None:
    wrong = dd.parse(half(7).replace(">= 4", ">= 5"))
    assert {d.code for d in refused([*programs(half, 5, 6, 7), wrong])} == {"G011"}


def test_programs_that_have_sizes() -> None:
    found = dd.generalize(programs(half, 5, 6, 7, 8))
    assert [d.code for d in refused([found])] == ["G001"]
    assert [d.code for d in refused([])] == ["G003"]


def test_the_record_is_checked(tmp_path: pytest.TempPathFactory) -> None:
    from pathlib import Path

    from ddcompile.general import record

    found = dd.generalize(programs(half, 5, 6, 7, 8), hold_out=programs(half, 9))
    path = Path(str(tmp_path)) / "half.json"
    path.write_text(record(found))
    assert dd.check(path).status == "proved"
    path.write_text(record(found).replace(">= N", ">= N + 1"))
    assert dd.check(path).status == "failed"
    path.write_text(record(found).replace('"given"', '"gave"'))
    with pytest.raises(dd.CompileError, match="malformed"):
        dd.check(path)


def test_saved_text(tmp_path: pytest.TempPathFactory) -> None:
    from pathlib import Path

    found = dd.generalize(programs(adder, 4, 6))
    path = Path(str(tmp_path)) / "adder.rule"
    found.save(path)
    text = path.read_text()
    assert "Generalized by ddcompile" in text
    assert "# assumed: N - 1" in text
    assert dd.load(path) == found


def test_a_table_that_serves_smaller_sizes_is_no_rule_for_larger_ones() -> None:
    def weighed(n: int) -> str:
        return f"""rule weighed(x: bit[{n}]) -> (y: bit) {{
  const weight: int[{n}] = {[3, 1, 4, 1, 5][:n]}
  {"total" if n == 5 else "y"} = sum(i < {n}: weight[i] * x[i]) >= 3
  {"y = total" if n == 5 else ""}
}}"""

    found = refused(programs(weighed, 3, 4, 5))
    assert [d.code for d in found] == ["G010"]
    found = refused(programs(weighed, 4, 5))
    assert found[-1].message == (
        "at N = 6, the rule is not legal: `weight[i]` reads position 5 on axis 0, which has extent 5 (at i = 5)"
    )
