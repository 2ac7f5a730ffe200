"""Networks without division: what a layer divides by is carried along, until only the sign of a value counts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import lcm

import numpy as np

from ddcompile.diagnostics import CompileError, fail
from ddcompile.frontends.activations import SMOOTH, bounds, clamp
from ddcompile.frontends.grids import exponent_of
from ddcompile.frontends.network import INPUTS, Layer, Network
from ddcompile.frontends.normalization import Norm
from ddcompile.frontends.weights import Choice, Convolution, Pointwise, Sparse, Weight, objects, stretched
from ddcompile.ir.builder import has_literal
from ddcompile.ir.nodes import canonical_array

__all__ = ["Whole", "without_division", "without_divisors"]

_DECIDING = ("sign", "step", "nonnegative")


@dataclass(frozen=True, slots=True)
class Whole:
    """A network whose results are `factor` times those of another."""

    network: Network
    factor: int


def without_divisors(network: Network) -> Whole:
    """The network with every value multiplied by a whole number of its layer, so that no layer divides.

    `relu(s / 9)` becomes `relu(s)`, 9 times as much; the next layer has 9 times its bias; a sign ends it.

    Raises
    ------
    CompileError
        N409 if a bias or bound times the factor is neither an integer nor a double, or tanh or sigmoid would need
        the value itself.
    """
    if all(layer.divisor == 1 and layer.divisors is None for layer in network.layers):
        return Whole(network, 1)
    network = replace(network, layers=tuple(map(_with_one_divisor, network.layers)))
    made: list[Layer] = []
    places = {INPUTS: INPUTS}
    factors = {INPUTS: 1}
    for number, layer in enumerate(network.layers):
        common = lcm(*(factors[r] for r in layer.reads))
        raised = [common // factors[r] for r in layer.reads]
        if isinstance(layer.weight, Choice):
            raised[0] = 1  # what decides is compared with 0
        reads = tuple(_raised(made, places[r], by, network) for r, by in zip(layer.reads, raised, strict=True))
        power = _fraction_bits(layer, common)
        if power:
            layer = replace(layer, weight=_times_all(layer.weight, 1 << power))
        common <<= power
        factor = common * layer.divisor
        layer = replace(layer, reads=reads, divisor=1)
        is_smooth = layer.activation in SMOOTH and factor != 1
        if is_smooth and factor & (factor - 1):
            hint = "use sums in place of averages, and divide the weights before"
            message = f"{layer.activation} of an average, a fraction over {_said(factor)} that is no double"
            raise fail("N409", message, place=layer.path, hint=hint)
        try:
            made.append(_scaled(replace(layer, activation="identity") if is_smooth else layer, common, factor))
        except CompileError as error:
            message = (
                f"an average over {_said(factor)}, times which a bound is no double: {error.diagnostics[0].message}"
            )
            hint = "use bounds that are integers, or sums in place of averages"
            raise fail("N409", message, place=layer.path, hint=hint) from error
        if is_smooth:
            made.append(_divided(layer, len(made) - 1, factor))
            factor = 1
        places[number] = len(made) - 1
        factors[number] = 1 if layer.activation in _DECIDING else factor
    last = factors[len(network.layers) - 1]
    return Whole(replace(network, layers=tuple(made)), last)


def without_division(network: Network, head: str) -> Network:
    """The network for a program: its results are those of the network, or, where a head compares them, multiples.

    Raises
    ------
    CompileError
        N409 as `without_divisors`, and if the results are fractions that are no doubles.
    """
    whole = without_divisors(network)
    factor = whole.factor
    if factor == 1 or head in ("argmax", "sign"):
        return whole.network
    if factor & (factor - 1):
        hint = "choose head='argmax', end with a comparison, or use a sum in place of the average"
        message = f"the results are averages, fractions over {_said(factor)} that are no doubles"
        raise fail("N409", message, place=network.name, hint=hint)
    layers = whole.network.layers
    last = _divided(replace(layers[-1], activation="identity"), len(layers) - 1, factor)
    return replace(whole.network, layers=(*layers, last))


def _with_one_divisor(layer: Layer) -> Layer:
    """The layer with a whole number by which all channels are divided, and factors and biases that are integers."""
    if layer.divisors is None:
        return layer
    assert isinstance(layer.weight, Pointwise)
    divisors = [Fraction(d) for d in layer.divisors.tolist()]
    common = lcm(*(d.numerator for d in divisors))
    times = objects(np.array([common / d for d in divisors], dtype=object))
    factors, bias = objects(layer.weight.factors) * times, objects(layer.bias) * times
    power = 1 << max(exponent_of(factors), exponent_of(bias))
    weight = Pointwise(factors * power, layer.weight.positions)
    return replace(layer, weight=weight, bias=bias * power, divisor=layer.divisor * common * power, divisors=None)


def _fraction_bits(layer: Layer, common: int) -> int:
    """By which power of two a layer is multiplied so that its biases, times a number, can be written."""
    bias = _times(layer.bias, common)
    return 0 if bias.dtype != object or all(map(has_literal, bias.tolist())) else exponent_of(bias)


def _times_all(weight: Weight, factor: int) -> Weight:
    """A weight, every number times an integer."""
    by = np.array([factor], dtype=object)
    match weight:
        case Sparse(data):
            return replace(weight, data=stretched(data, by))
        case Pointwise(factors):
            return replace(weight, factors=stretched(factors, by))
        case Convolution(kernel):
            return replace(weight, kernel=stretched(kernel, by))
        case np.ndarray():
            return stretched(weight, by)
    return weight  # what is only moved has no bias


def _said(factor: int) -> str:
    return str(factor) if factor < 10**12 else f"a number of {factor.bit_length()} bits"


def _divided(layer: Layer, number: int, factor: int) -> Layer:
    """The activation of a layer, of another layer divided by a power of two."""
    weight = Pointwise(np.array([[1 / factor]]), layer.units)
    return Layer(weight, np.array([0]), layer.activation, reads=(number,), path=layer.path)


def _raised(made: list[Layer], number: int, factor: int, network: Network) -> int:
    """The layer times a factor, as a layer of its own if there is any."""
    if factor == 1:
        return number
    units = network.inputs if number == INPUTS else made[number].units
    made.append(Layer(Pointwise(np.array([[factor]]), units), np.array([0]), reads=(number,)))
    return len(made) - 1


def _scaled(layer: Layer, common: int, factor: int) -> Layer:
    """The layer for values that are `common` times as large; its sum is `factor` times that of the network."""
    norm = layer.norm
    if norm is not None:
        norm = Norm(_times(norm.mean, factor), norm.variance, norm.scale, _times(norm.shift, factor), norm.epsilon)
    activation = layer.activation
    limits = bounds(activation)
    if limits is not None:
        low, high = (None if bound is None else Fraction(bound) * factor for bound in limits)
        activation = clamp(low, high)
    return replace(layer, bias=_times(layer.bias, common), norm=norm, activation=activation)


def _times(values: np.ndarray, factor: int) -> np.ndarray:
    """Exact numbers times an integer; of equal ones, such as those of neighbours on a grid, one is computed."""
    if factor == 1:
        return values
    distinct, places = (values.ravel(), None) if values.dtype == object else np.unique(values, return_inverse=True)
    exact = np.empty(len(distinct), dtype=object)
    exact[:] = [Fraction(v) * factor for v in distinct.tolist()]
    found = canonical_array(exact)
    return (found if places is None else found[places]).reshape(values.shape)
