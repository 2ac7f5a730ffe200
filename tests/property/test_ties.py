"""Noise on weights goes where no sum is 0, and stays where some are: there it decides."""

from __future__ import annotations

import numpy as np
import pytest

import ddcompile as dd
from ddcompile.testing.attack.exact import outputs
from ddcompile.testing.attack.target import Input, grid

CASES = [(kind, n, seed) for kind in ("bit", "spin", "trit") for n in (4, 6) for seed in range(2)]


def unit(weight: np.ndarray, bias: float, activation: str) -> dd.Layer:
    return dd.Layer(weight.reshape(1, -1), np.array([bias]), activation)


def distilled(layer: dd.Layer, kind: str) -> tuple[dd.Program, np.ndarray]:
    """The program of one unit, and what it gives for all inputs."""
    program = dd.distill(dd.Network((layer,)), f"x: {kind}[{layer.inputs}]", name="unit")
    assert program.verdict
    flat = grid((Input("x", kind, (layer.inputs,)),))
    assert flat is not None
    return program, np.asarray(program(flat))


def exactly(layer: dd.Layer, kind: str) -> np.ndarray:
    flat = grid((Input("x", kind, (layer.inputs,)),))
    assert flat is not None
    return outputs((layer,), flat, None).array[:, 0]


@pytest.mark.parametrize("activation", ["sign", "step"])
@pytest.mark.parametrize("size", [2.0**-8, 2.0**-30, 2.0**-52])
@pytest.mark.parametrize(("kind", "n", "seed"), CASES)
def test_noise_on_ties_stays(kind: str, n: int, seed: int, size: float, activation: str) -> None:
    """As many weights are 1 as -1, so that 0 is attained; a program of clean weights would be another function."""
    rng = np.random.default_rng(seed)
    clean = np.repeat([1.0, -1.0], n // 2)
    noisy = clean + size * rng.integers(-2, 3, n)
    noisy[0] += size * 3
    program, found = distilled(unit(noisy, 0.0, activation), kind)
    assert (found == exactly(unit(noisy, 0.0, activation), kind)).all()
    cleaned, without = distilled(unit(clean, 0.0, activation), kind)
    assert (without != found).any()
    assert program.rule != cleaned.rule


@pytest.mark.parametrize("activation", ["sign", "step"])
@pytest.mark.parametrize(("kind", "n", "seed"), CASES)
def test_noise_without_ties_goes(kind: str, n: int, seed: int, activation: str) -> None:
    """Half way between two sums, the same noise decides nothing."""
    rng = np.random.default_rng(seed)
    clean = np.repeat([1.0, -1.0], n // 2)
    bias = 0.5 if kind != "spin" else 1.0
    noisy = clean + rng.uniform(-1, 1, n) / (4 * n)
    program, found = distilled(unit(noisy, bias + 1 / 128, activation), kind)
    cleaned, without = distilled(unit(clean, bias, activation), kind)
    assert (without == found).all()
    assert program.cost <= cleaned.cost + 4
    assert "." not in str(program).replace("..", "")


@pytest.mark.parametrize("step", [-1, 1])
def test_a_bias_next_to_a_tie(step: int) -> None:
    """One unit in the last place makes another function of 56 equal weights with one attained tie."""
    weight = np.full(12, 28.0)
    bias = float(np.nextafter(-28.0 * 7, step * np.inf))
    program, found = distilled(unit(weight, bias, "sign"), "bit")
    assert (found == exactly(unit(weight, bias, "sign"), "bit")).all()
    assert 0 not in found
    tied, with_ties = distilled(unit(weight, -28.0 * 7, "sign"), "bit")
    assert 0 in with_ties
    assert program.rule != tied.rule
