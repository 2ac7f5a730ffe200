"""Outputs along a line as one function, with bits that are made up."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

pytest.importorskip("pysat")

import ddcompile as dd
from ddcompile.learn import ENNClassifier
from ddcompile.learn.decompositions import UNKNOWN, common_bit, splits
from ddcompile.learn.folds import folded


def numbers(operands: int, digits: int) -> np.ndarray:
    """All operands, of shape (samples, operands, digits)."""
    return np.array(list(product((0, 1), repeat=operands * digits))).reshape(-1, operands, digits)


def worth(x: np.ndarray) -> np.ndarray:
    return x @ (1 << np.arange(x.shape[-1]))


def digits_of(worths: np.ndarray, digits: int) -> np.ndarray:
    return worths[:, None] >> np.arange(digits) & 1


def fitted(x: np.ndarray, y: np.ndarray, **more: object) -> ENNClassifier:
    classifier = ENNClassifier(relevance="chained", shared="auto", grid=x.shape[1:], random_state=0, **more)
    return classifier.fit(x.reshape(len(x), -1), y, sample_weight=np.full(len(x), 100))


def test_a_function_is_split_where_others_say_one_bit() -> None:
    points = numbers(1, 5)[:, 0]
    labels = points[:, 0] ^ points[:, 1] ^ (points[:, 2:].sum(axis=1) >= 2)
    found = {split.kept: split for split in splits(points, labels)}
    assert (0, 1) in found
    assert found[0, 1].joined == (2, 3, 4)
    assert np.array_equal(found[0, 1].values(points), points[:, 2:].sum(axis=1) >= 2)
    assert (2, 3) not in found
    majority = points.sum(axis=1) >= 3
    assert list(splits(points, majority.astype(int))) == []


def test_a_bit_that_outputs_have_in_common_is_known_where_it_matters() -> None:
    x = numbers(2, 3)
    y = digits_of(worth(x).max(axis=1), 3)
    bit = common_bit((2 * x[:, 0] + x[:, 1]).T, y.T)
    assert bit is not None
    worths = worth(x)
    differ = worths[:, 0] != worths[:, 1]
    assert np.array_equal(bit == UNKNOWN, ~differ)
    first = worths[:, 0] > worths[:, 1]
    assert len(set((bit[differ] ^ first[differ]).tolist())) == 1
    total = digits_of(worths.sum(axis=1), 3)
    assert common_bit((2 * x[:, 0] + x[:, 1]).T, total.T) is None


def test_the_carry_is_made_up() -> None:
    x = numbers(2, 4)
    y = digits_of(worth(x).sum(axis=1), 5)
    adder = fitted(x, y)
    assert adder.recurrence_ is not None
    assert len(adder.essences_) == 2
    carries = adder.recurrence_.values[:, 5:]
    assert np.array_equal(carries[:, -1], worth(x).sum(axis=1) >= 16)
    assert np.array_equal(adder.predict(x.reshape(len(x), -1)), y)
    program = dd.distill(adder, "x: bit[2, 4]", "y: bit[5]")
    assert program.verdict is not None
    assert program.verdict.status == "proved"
    assert np.array_equal(program(x), y)
    assert "pad(carry, 0)[j - 1]" in str(program)


def test_higher_digits_come_first_where_these_say_more() -> None:
    x = numbers(2, 3)
    maximum = fitted(x, digits_of(worth(x).max(axis=1), 3))
    assert maximum.recurrence_ is not None
    assert maximum.recurrence_.values.shape == (64, 6)
    assert len(maximum.essences_) == 2
    codes = numbers(1, 5)
    y = np.cumsum(codes[:, 0, ::-1], axis=1)[:, ::-1] % 2
    wider = np.column_stack([np.zeros(32, dtype=int), y])
    from_gray = fitted(codes, wider)
    assert from_gray.recurrence_ is not None
    assert np.array_equal(from_gray.predict(codes[:, 0]), wider)
    assert max(len(columns) for columns in from_gray.columns_) == 2


def test_the_first_output_may_be_another_function() -> None:
    x = numbers(1, 5)
    y = digits_of(worth(x)[:, 0] + 1, 6)
    increment = fitted(x, y)
    assert increment.recurrence_ is not None
    assert np.array_equal(increment.predict(x[:, 0]), y)
    assert len(increment.essences_) == 3


def test_few_samples_are_enough() -> None:
    x = numbers(2, 5)
    y = digits_of(worth(x).sum(axis=1), 6)
    some = np.random.default_rng(0).permutation(len(x))[:100]
    adder = fitted(x[some], y[some])
    assert adder.recurrence_ is not None
    assert np.array_equal(adder.predict(x.reshape(len(x), -1)), y)


def test_what_is_no_line_is_learned_one_by_one() -> None:
    rng = np.random.default_rng(0)
    x = numbers(1, 6)
    table = rng.integers(0, 2, (64, 5))
    assert fitted(x, table).recurrence_ is None
    y = digits_of(worth(x)[:, 0] + 1, 7)
    noisy = np.concatenate([x, x[:1]]), np.concatenate([y, 1 - y[:1]])
    assert fitted(*noisy).recurrence_ is None
    assert fitted(x, y, class_weight="balanced").recurrence_ is None
    assert fitted(x, y, min_weight_fraction_leaf=0.01).recurrence_ is None
    assert fitted(x, 2 * y).recurrence_ is None


def test_a_single_output_is_worked_out_along_the_line() -> None:
    x = numbers(2, 4)
    y = (worth(x)[:, 0] > worth(x)[:, 1]).astype(int)
    compare = fitted(x, y)
    assert compare.recurrence_ is not None
    assert len(compare.essences_) == 1
    assert np.array_equal(compare.predict(x.reshape(len(x), -1)), y)
    program = dd.distill(compare, "x: bit[2, 4]", "y: bit")
    assert program.verdict is not None
    assert program.verdict.status == "proved"
    assert np.array_equal(program(x), y)
    assert "pad(larger, 0)[j - 1]" in str(program)
    shares = compare.predict_proba(x.reshape(len(x), -1))
    network = dd.distill(compare.to_network("softmax"), "x: bit[2, 4]")
    assert np.allclose(network(x), shares)


def test_what_is_folded_is_one_function_of_a_bit() -> None:
    x = numbers(2, 3).transpose(0, 2, 1)
    larger = (worth(x.transpose(0, 2, 1))[:, 0] > worth(x.transpose(0, 2, 1))[:, 1]).astype(int)
    found = folded(x, larger)
    assert found is not None
    assert np.array_equal(found[:, 0], (x[:, 0, 0] > x[:, 0, 1]).astype(int))
    assert folded(x[:, ::-1], larger) is None
    assert folded(x, (x.sum(axis=(1, 2)) >= 3).astype(int)) is None


def test_as_a_torch_module() -> None:
    torch = pytest.importorskip("torch")
    x = numbers(2, 3)
    y = digits_of(worth(x).sum(axis=1), 4)
    adder = fitted(x, y)
    found = adder.to_torch()(torch.from_numpy(x.reshape(64, -1)).double()).numpy()
    assert np.array_equal(found, y)
    assert adder.predict_proba(x.reshape(64, -1)).shape == (64, 4)
