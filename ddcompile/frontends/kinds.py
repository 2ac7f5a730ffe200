"""The kinds of what layers give: which units are bits, and what results are before any declaration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ddcompile.diagnostics import fail
from ddcompile.frontends.grids import DECIDING, Grid
from ddcompile.frontends.network import Layer, Network
from ddcompile.frontends.weights import Gates, Gather
from ddcompile.ir.nodes import Kind

__all__ = ["check_bits", "check_divisors", "last_kind"]


def last_kind(network: Network, known: Mapping[int, Grid], head: str) -> Kind:
    """The kind of the results before any declaration."""
    last = network.layers[-1].activation
    if head == "argmax":
        return "int"
    if head == "softmax":
        return "real"
    if head == "sign" or last == "sign":
        return "trit"
    if last in DECIDING or (last == "identity" and isinstance(network.layers[-1].weight, Gates)):
        return "bit"
    grid = known[len(network.layers) - 1]
    return "int" if grid == 0 else "real" if grid == "real" else "rat"


def check_bits(layers: Sequence[Layer], kinds: set[Kind], number: int) -> None:
    """Refuse a layer of gates that reads anything else than bits.

    Parameters
    ----------
    layers
        All layers.
    kinds
        The kinds of the inputs.
    number
        The layer.

    Raises
    ------
    CompileError
        N211.
    """
    for other in layers[number].reads:
        if not _are_bits(layers, kinds, other):
            what = f"layer {other + 1} gives" if other >= 0 else "the inputs are"
            hint = "let a step go before" if other >= 0 else 'declare inputs such as "x: bit[784]"'
            raise fail("N211", f"layer {number + 1} has logic gates, but {what} no bits", hint=hint)


def check_divisors(layers: Sequence[Layer], kinds: set[Kind]) -> None:
    """Refuse layers whose values are divided, each by its own number, over inputs that are computed with as reals.

    Raises
    ------
    CompileError
        N212.
    """
    for layer in layers if "real" in kinds else ():
        if layer.divisors is not None:
            hint = f'declare rationals, which hold every double exactly: "x: rat[{layers[0].inputs}]"'
            message = "values are divided by numbers that are no powers of two, which rounds reals"
            raise fail("N212", message, place=layer.path, hint=hint)


def _are_bits(layers: Sequence[Layer], kinds: set[Kind], number: int) -> bool:
    """Whether the units of a layer, or the inputs, are declared or computed as bits."""
    if number < 0:
        return kinds == {"bit"}
    layer = layers[number]
    if layer.activation != "identity" or layer.norm is not None:
        return layer.activation in ("step", "nonnegative")
    is_moved = isinstance(layer.weight, Gather) and all(_are_bits(layers, kinds, other) for other in layer.reads)
    return isinstance(layer.weight, Gates) or is_moved
