"""Batch norm before a sign: exact thresholds, against high-precision arithmetic, on and around ties."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from ddcompile.diagnostics import CompileError
from ddcompile.frontends.dense import lower
from ddcompile.frontends.evaluate import evaluate
from ddcompile.frontends.grids import exponent_of
from ddcompile.frontends.network import Layer, Network, Pointwise
from ddcompile.frontends.normalization import Norm, rational_root
from ddcompile.frontends.weights import number_at
from ddcompile.interpreter import interpret
from ddcompile.ir.verifier import check

SMALL = st.sampled_from([0.0, 1.0, -1.0, 2.0, -3.0, 0.5, 0.1, -0.3, 1e-20, -1e20, 3.0000000000000004])
POSITIVE = st.sampled_from([1.0, 4.0, 2.25, 2.0, 0.1, 1e-10, 1e10, 3.0, 1.0000000000000002])
BITS = np.array(list(product((0, 1), repeat=4)))


@st.composite
def layers(draw: st.DrawFn) -> Layer:
    """A normalised unit whose threshold may well be a value that the sum has, or next to one."""
    weight = np.array([draw(st.lists(SMALL, min_size=4, max_size=4))])
    bias, scale, variance = draw(SMALL), draw(SMALL), draw(POSITIVE)
    epsilon = draw(st.sampled_from([0.0, 1e-5, 0.25]))
    total = Fraction(variance) + Fraction(epsilon)
    mean, shift = draw(SMALL), draw(SMALL)
    root = rational_root(total)
    if root is not None and draw(st.booleans()):
        # The threshold mean - shift * root / scale is made an attained sum, if doubles have it.
        attained = sum((Fraction(w) for w in weight[0].tolist()[:2]), Fraction(bias))
        shift = float((Fraction(mean) - attained) * Fraction(scale) / root)
    norm = Norm(np.array([mean]), np.array([variance]), np.array([scale]), np.array([shift]), epsilon)
    activation = draw(st.sampled_from(["sign", "step", "nonnegative"]))
    return Layer(weight, np.array([bias]), activation, norm)


def sign_of(layer: Layer, row: np.ndarray) -> int:
    """By a root to 200 digits, and 0 only if the root is rational."""
    norm = layer.norm
    assert norm is not None
    z = sum((Fraction(w) * int(x) for w, x in zip(layer.dense_weight()[0].tolist(), row, strict=True)), Fraction(0))
    z += number_at(layer.bias, 0) - number_at(norm.mean, 0)
    product_ = z * number_at(norm.scale, 0)
    shift, total = number_at(norm.shift, 0), norm.total_variance(0)
    root = rational_root(total)
    if root is not None:
        exact = product_ + shift * root
        return (exact > 0) - (exact < 0)
    with localcontext() as context:
        context.prec = 200
        first, second, third = (Decimal(v.numerator) / Decimal(v.denominator) for v in (product_, shift, total))
        value = first + second * third.sqrt()
    return 0 if product_ == 0 == shift else (value > 0) - (value < 0)


OF_SIGN = {"sign": lambda s: s, "step": lambda s: int(s > 0), "nonnegative": lambda s: int(s >= 0)}


@settings(max_examples=300, deadline=None)
@given(layers())
def test_signs_are_exact(layer: Layer) -> None:
    network = Network((layer,))
    expected = [OF_SIGN[layer.activation](sign_of(layer, row)) for row in BITS]
    assert evaluate(network, BITS)[:, 0].tolist() == expected
    rule = lower(network, "x: bit[4]", None, None, "net")
    check(rule)
    (found,) = interpret(rule, [BITS])
    assert found.tolist() == expected


def test_ties_stay_ties() -> None:
    norm = Norm([1.0], [4.0], [3.0], [1.5], 0.0)  # 0 at 1 - 1.5 * 2 / 3 = 0
    network = Network((Layer([[1.0, -1.0]], [0.0], "sign", norm),))  # type: ignore[arg-type]
    assert evaluate(network, np.array([[0, 0], [1, 0], [0, 1], [1, 1]])).ravel().tolist() == [0, 1, -1, 0]
    text = str(lower(network, "x: bit[2]", None, None, "net"))
    assert "y = sign(sum(i < 2: weight1[i] * x[i]) + bias1)" in text
    assert "const bias1: int = 0" in text


def test_an_irrational_threshold_lies_between_the_sums() -> None:
    norm = Norm([0.0], [2.0], [-1.0], [1.0], 0.0)  # positive below the root of 2
    network = Network((Layer([[1, 1, 1]], [0], "sign", norm),))  # type: ignore[arg-type]
    rule = lower(network, "x: bit[3]", None, None, "net")
    assert {c.name: c.values.tolist() for c in rule.constants} == {"weight1": [-1, -1, -1], "bias1": 1.5}


def test_without_slope_the_shift_decides() -> None:
    norm = Norm([0.0] * 3, [1.0] * 3, [0.0] * 3, [2.0, -2.0, 0.0])
    network = Network((Layer(np.ones((3, 1)), np.zeros(3), "sign", norm),))
    assert evaluate(network, np.array([[0], [1]])).tolist() == [[1, -1, 0]] * 2
    (found,) = interpret(lower(network, "x: bit[1]", None, None, "net"), [np.array([[0], [1]])])
    assert found.tolist() == [[1, -1, 0]] * 2


def test_pointwise_units_are_normalised_too() -> None:
    norm = Norm([0.5] * 4, [2.0] * 4, [1.0, -1.0, 0.0, 3.0], [0.1, 0.1, 0.1, 0.0])
    first = Layer(Pointwise([[2] * 4]), [-1] * 4)  # type: ignore[arg-type]
    network = Network((first, Layer(Pointwise([[1] * 4]), [0] * 4, "step", norm)))  # type: ignore[arg-type]
    (found,) = interpret(lower(network, "x: bit[2, 2]", None, None, "net"), [BITS.reshape(-1, 2, 2)])
    assert found.reshape(-1, 4).tolist() == evaluate(network, BITS).tolist()


@pytest.mark.parametrize("weights", [[0.5, 1e300], [5e-324, 0.5], [5e-324, 1e300], [-1e308, 5e-324]])
def test_thresholds_of_very_different_weights(weights: list[float]) -> None:
    """Their common grid makes numbers that are too large for doubles."""
    norm = Norm([-weights[0]] * 2, [2.0] * 2, [1.0, -1.0], [0.1, 0.0])
    for layer in (Layer([weights] * 2, [5e-324, 0.0], "sign", norm), Layer(Pointwise([weights]), [0, 0], "sign", norm)):  # type: ignore[arg-type]
        network = Network((layer,))
        bits = BITS[:4, 2:]
        (found,) = interpret(lower(network, "x: bit[2]", None, None, "net"), [bits])
        assert found.tolist() == evaluate(network, bits).tolist()


def test_before_anything_else_the_factor_must_be_a_double() -> None:
    def network(variance: float, scale: float = 1.0) -> Network:
        norm = Norm([0.5], [variance], [scale], [0.25], 0.0)
        return Network((Layer([[1.0, 2.0]], [0.0], "relu", norm, path="net.1"),))  # type: ignore[arg-type]

    X = np.array([[0, 0], [0, 1], [1, 1]])
    (found,) = interpret(lower(network(4.0), "x: bit[2]", None, None, "net"), [X])
    assert found.tolist() == evaluate(network(4.0), X).ravel().tolist() == [0, 1, 1.5]
    for refused in (network(2.0), network(9.0)):
        with pytest.raises(CompileError) as caught:
            lower(refused, "x: bit[2]", None, None, "net")
        assert str(caught.value) == (
            "net.1: error[N406]: batch norm that is not followed by a sign: its factor for unit 0 is no double, so the"
            " network is not exact\n"
            "  hint: --fuse-batch-norm (fuse_batch_norm=True) merges it into the layer before and rounds the weights, "
            "as torch.nn.utils.fuse_conv_bn_eval does; the program is then proved equal to that network"
        )
        with pytest.raises(CompileError, match="N408"):
            evaluate(refused, X)


def test_rationals_without_a_grid_are_refused() -> None:
    network = Network((Layer([[1.0]], [0.0], "sign", Norm([0.0], [2.0], [1.0], [1.0])),))  # type: ignore[arg-type]
    with pytest.raises(CompileError, match=r"N407.*batch norm over values of kind rat"):
        lower(network, "x: rat[1]", None, None, "net")


@pytest.mark.parametrize(
    ("parts", "code", "text"),
    [
        (([0.0], [0.0], [1.0], [0.0], 0.0), "N111", "the variance of unit 0 is 0, with epsilon 0.0"),
        (([0.0], [-1.0], [1.0], [0.0], 0.5), "N111", "the variance of unit 0 is -1, with epsilon 0.5"),
        (([0.0], [1.0, 2.0], [1.0], [0.0], 0.5), "N103", "the variance of a batch norm has shape (2,)"),
        (([[0.0]], [1.0], [1.0], [0.0], 0.5), "N103", "the mean of a batch norm has shape (1, 1)"),
        (([0.0], [np.nan], [1.0], [0.0], 0.5), "N102", "the variance is nan at [0]"),
        (([0.0], [1.0], [1.0], [0.0], np.inf), "N102", "the epsilon is inf at [0]"),
    ],
)
def test_bad_statistics_are_refused(parts: tuple[object, ...], code: str, text: str) -> None:
    with pytest.raises(CompileError) as caught:
        Norm(*parts)  # type: ignore[arg-type]
    assert caught.value.diagnostics[0].code == code
    assert caught.value.diagnostics[0].message.startswith(text)


def test_exponents_are_the_fraction_bits() -> None:
    values = [0.0, 1.0, 0.5, -0.375, 2.0**70, 5e-324, 2.0**-1074 * 12, 0.1, 1.5 * 2.0**40]
    for value in values:
        array = np.array([value])
        bits = Fraction(value).denominator.bit_length() - 1
        assert exponent_of(array) == exponent_of(np.array([Fraction(value)], dtype=object)) == bits
    assert exponent_of(np.array(values)) == 1074
    assert exponent_of(np.array([], dtype=float)) == 0


def test_the_hash_knows_the_statistics() -> None:
    def network(**changes: object) -> str:
        parts = {"mean": [0.0], "variance": [1.0], "scale": [1.0], "shift": [0.0], "epsilon": 1e-5} | changes
        return Network((Layer([[1.0]], [0.0], "sign", Norm(**parts)),)).sha256  # type: ignore[arg-type]

    others = [network(**{name: [0.5]}) for name in ("mean", "variance", "scale", "shift")]
    assert len({network(), network(epsilon=1e-6), *others}) == 6
    assert network(mean=np.zeros(1, dtype=np.float16)) == network()
