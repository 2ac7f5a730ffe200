"""Gates are simplified and shared, and mean what they say."""

from __future__ import annotations

from itertools import product

from ddcompile.kernel.grid.circuits import Circuit, Leaf


def _leaf(circuit: Circuit, place: int) -> int:
    return circuit.leaf(Leaf("x", 0, (place,)))


def value(circuit: Circuit, gate: int, bits: dict[Leaf, int]) -> int:
    """The value of a gate."""
    found: dict[int, int] = {}
    for n in circuit.needed([gate]):
        kind = circuit.gates[n]
        if isinstance(kind, Leaf):
            found[n] = bits[kind]
        elif isinstance(kind, int):
            found[n] = kind
        elif kind[0] == "not":
            found[n] = 1 - found[kind[1]]
        else:
            a, b = found[kind[1]], found[kind[2]]
            found[n] = {"and": a & b, "or": a | b, "xor": a ^ b}[kind[0]]
    return found[gate]


def test_gates_mean_what_they_say_whatever_the_operands_are() -> None:
    circuit = Circuit()
    a, b = _leaf(circuit, 0), _leaf(circuit, 1)
    gates = [circuit.zero, circuit.one, a, b, circuit.negation(a), circuit.negation(b), circuit.difference(a, b)]
    for x, y in product((0, 1), repeat=2):
        bits = {Leaf("x", 0, (0,)): x, Leaf("x", 0, (1,)): y}
        now = [value(circuit, g, bits) for g in gates]
        for (g, p), (h, q) in product(zip(gates, now, strict=True), repeat=2):
            assert value(circuit, circuit.conjunction(g, h), bits) == p & q
            assert value(circuit, circuit.disjunction(g, h), bits) == p | q
            assert value(circuit, circuit.difference(g, h), bits) == p ^ q
            for i, r in zip(gates, now, strict=True):
                assert value(circuit, circuit.choice(i, g, h), bits) == (p if r else q)


def test_equal_gates_are_one_and_trivial_ones_none() -> None:
    circuit = Circuit()
    a, b = _leaf(circuit, 0), _leaf(circuit, 1)
    assert circuit.conjunction(a, b) == circuit.conjunction(b, a)
    assert circuit.negation(circuit.negation(a)) == a
    assert circuit.conjunction(a, circuit.negation(a)) == circuit.zero
    assert circuit.difference(circuit.negation(a), circuit.negation(b)) == circuit.difference(a, b)
    assert circuit.choice(b, a, a) == a


def test_neighbours_within_a_row_weigh_more_than_words() -> None:
    circuit = Circuit()
    here, beside, away = (circuit.leaf(Leaf("x", 0, (0, k))) for k in (0, 1, 64))
    assert circuit.weight([here]) == circuit.weight([away]) == 1
    assert circuit.weight([beside]) == 4
    assert circuit.weight([circuit.conjunction(here, away)]) == 3
