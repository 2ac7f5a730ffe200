"""The short version of `examples/lines`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import ddcompile as dd

pytest.importorskip("sklearn")


@pytest.fixture(scope="module")
def learn(example: Any) -> Any:
    return example("lines", "learn")


@pytest.fixture(scope="module")
def program(learn: Any) -> dd.Program:
    return learn.distilled(learn.learned(learn.N), learn.N)


def test_the_rule_is_proved_and_short(learn: Any, program: dd.Program) -> None:
    hand = dd.load(learn.FOLDER / "hand.rule")
    assert program.verdict.status == "proved"
    assert program.cost <= 1.5 * hand.cost
    assert dd.verify(hand, program).status != "refuted"


def test_the_order_of_samples_does_not_show(learn: Any) -> None:
    images, labels = learn.full_lines(6)
    orders = [np.random.default_rng(seed).permutation(len(images)) for seed in range(3)]
    texts = {
        str(learn.distilled(dd.learn.ENNClassifier("samples").fit(images[order].reshape(12, -1), labels[order]), 6))
        for order in orders
    }
    assert len(texts) == 1


def test_one_rule_for_every_size(learn: Any, program: dd.Program) -> None:
    general = learn.generalized(14)
    images, _ = learn.drawn("noise 10%", 0, 20, learn.N)
    assert np.array_equal(learn.difference(general.jit()(images)), learn.difference(program(images)))
    images, labels = learn.drawn("diagonal", 0, 6, 100)
    assert learn.outcome(learn.difference(general.jit()(images)), labels) == (1, 0)


@pytest.mark.parametrize("name", ["partial", "diagonal", "zigzag", "dotted", "outline", "thick", "several", "noise 5%"])
def test_other_images(name: str, learn: Any) -> None:
    images, labels = learn.drawn(name, 1, 40, learn.N)
    assert len(np.unique(images.reshape(40, -1), axis=0)) > 15
    assert learn.outcome(learn.decision(learn.learned(learn.N), images), labels) == (1, 0)


def test_lines_across_tie(learn: Any) -> None:
    """The network asks for the one longest line: with two full lines of either kind there is none."""
    image = np.zeros((1, 28, 28), dtype=np.uint8)
    image[0, :, [3, 8, 20]] = 1
    image[0, [5, 6]] = 1
    assert learn.outcome(learn.decision(learn.learned(28), image), np.array([0])) == (0, 1)
