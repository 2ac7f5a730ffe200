"""Outputs that read outputs before them."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

pytest.importorskip("pysat")

import ddcompile as dd
from ddcompile.learn import ENNClassifier

BITS = np.array(list(product((0, 1), repeat=6)))


def leading(points: np.ndarray) -> np.ndarray:
    """The largest digit of those numbers that lead, and which of them have it."""
    digits, leads = points[:, :3], points[:, 3:]
    largest = (digits & leads).max(axis=1)
    return np.column_stack([largest, leads & (digits == largest[:, None])])


def test_what_has_been_said_is_read() -> None:
    y = leading(BITS)
    chained, exact = (ENNClassifier(relevance=how).fit(BITS, y, np.full(64, 100)) for how in ("chained", "exact"))
    assert [columns.tolist() for columns in chained.columns_] == [[0, 1, 2, 3, 4, 5], [0, 3, 6], [1, 4, 6], [2, 5, 6]]
    assert np.array_equal(chained.predict(BITS), y)
    program = dd.distill(chained, "x: bit[2, 3]", "y: bit[4]")
    assert program.verdict is not None
    assert program.verdict.status == "proved"
    assert np.array_equal(program(BITS.reshape(-1, 2, 3)), y)
    assert program.cost < dd.distill(exact, "x: bit[2, 3]", "y: bit[4]").cost


def test_what_says_nothing_is_not_read() -> None:
    y = BITS[:, [0, 2, 4]] & BITS[:, [1, 3, 5]]
    chained, exact = (ENNClassifier(relevance=how, random_state=0).fit(BITS, y) for how in ("chained", "exact"))
    assert [columns.tolist() for columns in chained.columns_] == [[0, 1], [2, 3], [4, 5]]
    assert chained.to_network().sha256 == exact.to_network().sha256


def test_any_labels_in_any_order() -> None:
    """The last output is said by two before it, of which one is said by another; between them, others are not."""
    rng = np.random.default_rng(0)
    first = rng.integers(0, 2, 64)
    second = np.where(first, 3 * BITS[:, 0], 3 * BITS[:, 1] - 1)
    other = BITS[:, 2] - BITS[:, 3]
    y = np.stack([first, other, second, second * (1 + first), rng.integers(0, 2, 64) * 0 + 7], axis=1)
    chained = ENNClassifier(relevance="chained").fit(BITS, y, sample_weight=np.full(64, 100))
    assert max(int(columns.max(initial=0)) for columns in chained.columns_) >= 6
    assert np.array_equal(chained.predict(BITS), y)
    network = chained.to_network()
    assert network.outputs == 5
    program = dd.distill(chained)
    assert program.verdict is not None
    assert program.verdict.status == "proved"
    assert np.array_equal(program(BITS), y)


def test_as_a_torch_module() -> None:
    torch = pytest.importorskip("torch")
    chained = ENNClassifier(relevance="chained").fit(BITS, leading(BITS))
    module = chained.to_torch()
    found = module(torch.from_numpy(BITS).double()).numpy()
    assert np.array_equal(found, leading(BITS))
    program = dd.distill(module, "x: bit[6]", "y: bit[4]")
    assert str(program) == str(dd.distill(chained, "x: bit[6]", "y: bit[4]", name=program.rule.name))


def test_single_outputs_and_shared_functions_are_as_without() -> None:
    alone = ENNClassifier(relevance="chained").fit(BITS, BITS[:, 1] & BITS[:, 4])
    assert alone.columns_[0].tolist() == [1, 4]
    cells = np.random.default_rng(0).integers(0, 2, (12, 16))
    shared = ENNClassifier(relevance="chained", shared="auto").fit(cells, np.roll(cells, 1, 1) ^ cells)
    assert shared.shared_ is not None
    assert np.array_equal(shared.predict(cells), np.roll(cells, 1, 1) ^ cells)


@pytest.mark.parametrize("more", [{"thresholds": "auto"}, {"targets": "probabilities"}])
def test_what_cannot_be_chained(more: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="chained outputs are labels of inputs as they are"):
        ENNClassifier(relevance="chained", **more).fit(BITS, BITS)
