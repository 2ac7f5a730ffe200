"""The example networks against independent definitions of what they compute."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ddcompile.frontends import load_network
from ddcompile.frontends.evaluate import evaluate
from ddcompile.ir.parser import parse
from ddcompile.testing.builders import EXAMPLES, orientation, random_ties, rule30, save, two_of_three
from ddcompile.testing.samples import boundary, lines, noise, rings

ORIENTATION = """
rule orientation(image: bit[{n}, {n}]) -> (class: bit) {{
  column[j < {n}] = sum(i < {n}: image[i, j])
  row[i < {n}] = sum(j < {n}: image[i, j])
  longer[i < {n}, j < {n}] = sign(column[i] - row[j])
  total = sum(i < {n}, j < {n}: longer[i, j])
  vertical = sum(i < {n}: {n} * sum(j < {n}: longer[i, j]) - ({n} - 1) * total > {n} * ({n} - 1))
  horizontal = sum(j < {n}: ({n} - 1) * total - {n} * sum(i < {n}: longer[i, j]) > {n} * ({n} - 1))
  class = horizontal > vertical
}}
"""


@pytest.mark.parametrize("n", [3, 5, 9])
def test_orientation_is_its_published_rule(n: int) -> None:
    from ddcompile.interpreter import interpret

    rng = np.random.default_rng(n)
    flat = np.concatenate([lines(rng, 300, n=n), noise(rng, 300, shape=n * n)])
    (expected,) = interpret(parse(ORIENTATION.format(n=n)), [flat.reshape(-1, n, n)])
    assert 0 < expected.sum() < len(expected)
    assert (evaluate(orientation(n), flat, "argmax") == expected).all()
    assert (evaluate(orientation(n, seed=n), flat, "argmax") == expected).all()


def test_orientation_has_the_layers_that_are_described() -> None:
    network = orientation(28)
    assert [layer.units for layer in network.layers] == [784, 56, 2]
    first = network.layers[0].dense_weight()
    assert set(np.unique(first)) == {-1, 0, 1}
    assert (np.abs(first).sum(axis=1) == 2 * 27).all()
    a, b = np.abs(network.layers[2].dense_weight())[0, [0, -1]]
    assert a != b
    assert f"{a:.8f}" == f"{b:.8f}"


def test_rule30_is_the_automaton() -> None:
    cells = (np.arange(2**10)[:, None] >> np.arange(10)) & 1
    left, right = np.roll(cells, 1, axis=1), np.roll(cells, -1, axis=1)
    table = np.array([0, 1, 1, 1, 1, 0, 0, 0])
    for seed in (None, 1):
        assert (evaluate(rule30(seed, cells=10), cells) == table[4 * left + 2 * cells + right]).all()


def test_two_of_three_is_the_majority() -> None:
    x = (np.arange(8)[:, None] >> np.arange(3)) & 1
    assert (evaluate(two_of_three(), x)[:, 0] == (x.sum(axis=1) >= 2)).all()


@pytest.mark.parametrize("seed", range(5))
def test_random_ties_has_ties_that_matter(seed: int) -> None:
    x = (np.arange(256)[:, None] >> np.arange(8)) & 1
    first = random_ties(seed).layers[0]
    assert (x @ first.dense_weight().T + first.bias == 0).any()
    assert set(np.unique(evaluate(random_ties(seed), x))) == {-1, 0, 1}


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_are_deterministic_files(name: str, tmp_path: Path) -> None:
    example = EXAMPLES[name]
    for k in (1, 2):
        save(example.build(3), tmp_path / f"{k}.npz")
    assert (tmp_path / "1.npz").read_bytes() == (tmp_path / "2.npz").read_bytes()
    assert load_network(tmp_path / "1.npz").sha256 == example.build(3).sha256


@pytest.mark.parametrize("name", EXAMPLES)
def test_structured_inputs_are_bits_of_the_right_number(name: str) -> None:
    example = EXAMPLES[name]
    flat = example.structured(np.random.default_rng(0), 50)
    assert flat.shape == (50, example.build(None).inputs)
    assert flat.dtype == np.uint8
    assert set(np.unique(flat)) == {0, 1}


def test_boundary_pairs_differ_in_one_bit_and_in_the_result() -> None:
    rng = np.random.default_rng(1)
    network = orientation(5)
    first, second = rings(rng, 200, cells=25), noise(rng, 200, shape=25)

    def result(x: np.ndarray) -> np.ndarray:
        return evaluate(network, x, "argmax")

    crossing = result(first) != result(second)
    pairs = boundary(result, first[crossing], second[crossing], rng)
    low, high = np.split(pairs, 2)
    assert crossing.any()
    assert ((low != high).sum(axis=1) <= 1).all()
    assert (result(low) != result(high)).all()
