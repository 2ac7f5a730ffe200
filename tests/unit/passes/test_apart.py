"""What shares no hidden units is distilled as if it were alone, elements of one result among it."""

from __future__ import annotations

import ddcompile as dd
from ddcompile.analysis.cost import cost
from ddcompile.ir.parser import parse
from ddcompile.passes.apart import Apart
from ddcompile.passes.parts import Parts
from ddcompile.passes.pipeline import run
from ddcompile.passes.rewrite import Witness
from ddcompile.prove.checker import check_step
from ddcompile.testing.networks import network_of

ELEMENTS = """rule f(x: bit[4]) -> (y: bit[4]) {
  const w: int[3, 4] = [[1, 1, 0, 0], [0, 1, 1, 1], [0, 0, 1, 1]]
  const v: int[4, 3] = [[1, 0, 1], [0, 1, 0], [-1, 0, 1], [1, 0, -1]]
  layer1[u < 3] = sum(i < 4: w[u, i] * x[i]) >= 1
  y[u < 4] = sum(i < 3: v[u, i] * layer1[i]) >= 1
}"""


def test_elements_of_one_result_are_put_together_by_runs() -> None:
    rule = parse(ELEMENTS)
    assert Apart()(rule).rule is rule
    rewrite = Apart(elements=1)(rule)
    assert [str(s) for s in rewrite.rule.statements if s.target == "y"] == [
        "<Statement y[u < 1] = y2[u]>",
        "<Statement y[2 <= u < 4] = y2[u - 1]>",
        "<Statement y[1] = y3>",
    ]
    assert check_step(rule, rewrite.rule, rewrite.witness)
    assert Apart(elements=1)(rewrite.rule).rule == rewrite.rule


def test_elements_that_alternate_stay_together() -> None:
    rows = [[1, 0, 1], [0, 1, 0]] * 3
    text = ELEMENTS.replace("bit[4])", "bit[6])").replace("u < 4", "u < 6")
    rule = parse(text[: text.index("int[4, 3]")] + f"int[6, 3] = {rows}" + text[text.index("\n  layer1") :])
    assert Apart(elements=1)(rule).rule is rule


def test_constant_elements_are_no_part() -> None:
    rule = parse(
        ELEMENTS.replace("[1, 0, -1]]", "[0, 0, 0]]").replace("[0, 1, 0], [-1, 0, 1]", "[0, 0, 0], [-1, 0, 1]")
    )
    assert Apart(elements=1)(rule).rule is rule


def test_a_step_of_a_part_is_one_of_the_whole() -> None:
    """Both parts call a new tensor by one name; the other part is left as it is."""
    rule = parse("""rule f(x: bit[4]) -> (y: bit, z: bit) {
  a = x[0] and x[1]
  y = a or x[2]
  b = x[2] and x[3]
  z = b or x[0]
}""")
    parts = Parts.of(rule)
    assert parts is not None
    assert parts.whole() == rule
    for number, (name, other) in enumerate([("a", "both"), ("b", "both2")]):
        part = parts.rules[number]
        new = parse(str(part).replace(f"{name} ", "both ").replace(f"{name} or", "both or"))
        witness = Witness((parse(f"rule g(c: bit, {name}: bit) -> (both: bit) {{ both = {name} }}").statements[0],))
        old, whole, lifted = parts.lifted(number, part, new, witness)
        assert [s.target for s in lifted.statements] == [other]
        assert other in {s.target for s in whole.statements}
        assert check_step(old, whole, lifted)
        parts.rules[number] = new
    assert [s.target for s in parts.whole().statements] == ["both", "y", "both2", "z"]


def test_two_networks_in_one_come_out_as_each_of_them_does() -> None:
    step = "pad(s_1, 0)[t - 1, i - 1] + s_1[t - 1, i] + pad(s_1, 0)[t - 1, i + 1] == 1"
    one = f"s_1[0, i < 9] = x[i]\n s_1[1 <= t < 3, i < 9] = {step}\n y[i < 9] = s_1[2, i]"
    other = "z[j < 6] = sum(i < 6: e[i, j]) >= 3"
    both = network_of(parse(f"rule f(x: bit[9], e: bit[6, 6]) -> (y: bit[9], z: bit[6]) {{ {one}\n {other} }}"))
    program = dd.distill(both, "x: bit[9], e: bit[6, 6]", "y: bit[9], z: bit[6]")
    first = dd.distill(network_of(parse(f"rule f(x: bit[9]) -> (y: bit[9]) {{ {one} }}")), "x: bit[9]", "y: bit[9]")
    assert program.verdict
    assert program.cost <= first.cost + cost(parse(f"rule f(e: bit[6, 6]) -> (z: bit[6]) {{ {other} }}"))


def test_an_element_apart_from_a_ring() -> None:
    rule = parse("""rule f(x: bit[12]) -> (y: bit[13]) {
  s[0, i < 12] = x[i]
  s[1 <= t < 3, i < 12] = s[t - 1, (i - 1) % 12] xor (s[t - 1, i] or s[t - 1, (i + 1) % 12])
  y[i < 12] = s[2, i]
  y[12] = sum(i < 12: x[i]) % 3 == 1
}""")
    program = dd.distill(network_of(rule), "x: bit[12]", "y: bit[13]")
    assert program.verdict
    assert program.cost <= 1.1 * cost(rule)
    assert not run(program.rule) or cost(run(program.rule)[-1].new) == program.cost
