"""Layers and networks: exact numbers, checked shapes, a hash of the content alone."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from ddcompile.diagnostics import CompileError
from ddcompile.frontends.grids import exponent_of
from ddcompile.frontends.matrices import numerators
from ddcompile.frontends.network import Layer, Network, Sparse


def sparse(dense: np.ndarray) -> Sparse:
    rows, columns = np.nonzero(dense)
    return Sparse(dense[rows, columns], columns, np.searchsorted(rows, np.arange(len(dense) + 1)), dense.shape)


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        (np.float16, np.float16(0.1)),
        (np.float32, np.float32(0.1)),
        (np.float64, 0.1),
        (np.int8, -128),
        (np.uint8, 255),
        (np.int64, -(2**63)),
        (np.uint64, 2**64 - 1),
        (np.bool_, True),
    ],
)
def test_every_number_is_kept_exactly(dtype: type, value: float) -> None:
    stored = np.array([value], dtype=dtype)
    layer = Layer(stored[None], stored)
    assert [Fraction(v) for v in layer.dense_weight().ravel().tolist()] == [Fraction(v) for v in stored.tolist()]
    assert layer.bias.tolist() == layer.dense_weight()[0].tolist()


def message(make: object) -> tuple[str, str]:
    with pytest.raises(CompileError) as caught:
        make()  # type: ignore[operator]
    (diagnostic,) = caught.value.diagnostics
    return diagnostic.code, diagnostic.message


@pytest.mark.parametrize(
    ("weight", "bias", "activation", "code", "text"),
    [
        ([["a"]], [0], "sign", "N101", "the weight has type <U1; integers and floats of up to 64 bits are read"),
        ([[1j]], [0], "sign", "N101", "the weight has type complex128; integers and floats of up to 64 bits are read"),
        (
            np.ones((1, 1), np.longdouble),
            [0],
            "sign",
            "N101",
            f"the weight has type {np.dtype(np.longdouble)}; integers and floats of up to 64 bits are read",
        ),
        (
            [[Fraction(1, 3)]],
            [0],
            "sign",
            "N101",
            "the weight has the entry 1/3; every entry must be an integer or a double",
        ),
        ([[None]], [0], "sign", "N101", "the weight has entries that are not exact finite numbers"),
        ([[1.0, np.nan]], [0], "sign", "N102", "the weight is nan at [0, 1]; every entry must be finite"),
        ([[1.0]], [-np.inf], "sign", "N102", "the bias is -inf at [0]; every entry must be finite"),
        ([[1, 2], [3]], [0], "sign", "N103", "the weight is ragged"),
        ([1, 2], [0], "sign", "N103", "the weight has shape (2,); it must have two axes (units, inputs)"),
        (np.zeros((0, 3)), [], "sign", "N103", "the weight has shape (0, 3); a layer needs units and inputs"),
        ([[1, 2]], [0, 0], "sign", "N104", "the bias has shape (2,), but the weight has 1 unit"),
        ([[1, 2]], [0], "gelu", "N105", "unknown activation `gelu`"),
    ],
)
def test_a_bad_layer_is_refused(weight: object, bias: object, activation: str, code: str, text: str) -> None:
    assert message(lambda: Layer(weight, bias, activation)) == (code, text)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        (([1], [0], [0, 1], (1, 1, 1)), "the shape of a sparse weight must be two counts (units, inputs)"),
        (([1], [0], [0, 1], (-1, 1)), "the shape of a sparse weight must be two counts (units, inputs)"),
        (([1, 2], [0], [0, 1], (1, 1)), "data has shape (2,), but indices has (1,)"),
        (([1], [0], [0], (1, 1)), "indptr has shape (1,); for 1 unit it must have (2,)"),
        (([1], [0], [0, 2], (1, 1)), "indptr must rise from 0 to 1, the length of data"),
        (([1, 1], [0, 0], [0, 2, 1, 2], (3, 1)), "indptr must rise from 0 to 2, the length of data"),
        (([1], [3], [0, 1], (1, 3)), "indices hold column 3, but the weight has 3 inputs"),
        (([1], [-1], [0, 1], (1, 3)), "indices hold column -1, but the weight has 3 inputs"),
        (([1, 1], [2, 2], [0, 2], (1, 3)), "row 0 has column 2 twice"),
        (([1], [0.5], [0, 1], (1, 3)), "the indices of a sparse weight must be integers"),
    ],
)
def test_a_bad_sparse_weight_is_refused(parts: tuple[object, ...], text: str) -> None:
    assert message(lambda: Sparse(*parts)) == ("N107", text)  # type: ignore[arg-type]


def test_sparse_rows_are_the_dense_ones() -> None:
    dense = np.array([[0, 0.5, 0], [0, 0, 0], [2.0, 0, -1.0]])
    assert np.array_equal(sparse(dense).dense(), dense)
    unsorted = Sparse([-1.0, 2.0, 0.0], [2, 0, 1], [0, 3], (1, 3))  # type: ignore[arg-type]
    assert unsorted.dense().tolist() == [[2, 0, -1]]
    assert unsorted.indices.tolist() == [0, 2]


def test_a_sparse_weight_too_large_to_be_lowered_in_full_says_so() -> None:
    wide = Sparse([1], [0], np.zeros(10_001, int) + (np.arange(10_001) > 0), (10_000, 10_000))  # type: ignore[arg-type]
    code, text = message(wide.dense)
    assert code == "N110"
    assert "10000 x 10000" in text


def test_layers_must_chain() -> None:
    layers = (Layer(np.ones((2, 3)), np.zeros(2)), Layer(np.ones((1, 3)), np.zeros(1)))
    assert message(lambda: Network(layers)) == ("N106", "layer 1 reads 3 values, but layer 0 has 2 units")
    assert message(lambda: Network(())) == ("N108", "the network has no layers")


def test_the_hash_depends_on_the_content_alone() -> None:
    weight = np.array([[0.0, -1.0, 2.0], [3.0, 0.0, 0.0]])
    base = Network((Layer(weight, np.zeros(2), "sign"),), "a").sha256
    for same in (weight.astype(np.float16), weight.astype(np.int8), sparse(weight), np.asfortranarray(weight) + 0.0):
        assert Network((Layer(same, [0, -0.0], "sign"),), "b").sha256 == base
    assert len(base) == 64
    others = [
        Network((Layer(weight, np.zeros(2), "step"),)),
        Network((Layer(weight, np.array([0, 1]), "sign"),)),
        Network((Layer(weight + np.eye(2, 3) * 2.0**-40, np.zeros(2), "sign"),)),
        Network((Layer(np.concatenate([weight, np.zeros((2, 1))], axis=1), np.zeros(2), "sign"),)),
        Network((Layer(weight[:, ::-1], np.zeros(2), "sign"),)),
    ]
    assert len({base, *(n.sha256 for n in others)}) == 6


def test_counts() -> None:
    network = Network((Layer(np.ones((4, 3)), np.zeros(4), "sign"), Layer(sparse(np.eye(4)), np.zeros(4))))
    assert (network.inputs, network.outputs, network.parameters) == (3, 4, 12 + 4 + 4 + 4)


def test_numbers_are_counted_exactly() -> None:
    """Whole numbers, doubles of one size and of all sizes, fractions: each takes another way."""
    rng = np.random.default_rng(0)
    for array in (
        rng.integers(-9, 10, 20),
        rng.normal(size=20) * 2.0**-3,
        rng.normal(size=20) * 2.0 ** rng.integers(-1000, 900, 20).astype(float),
        np.array([5e-324, -1.5, 0.0, 1e300]),
        np.array([Fraction(3**60, 2**70), 0.25, 7], dtype=object),
    ):
        exponent = exponent_of(array) + 2
        found = numerators(array, exponent)
        assert found.dtype == object
        assert found.tolist() == [int(Fraction(v) * 2**exponent) for v in array.tolist()]
