"""What of a network can be written down again as weights, biases and activations, layer by layer."""

from __future__ import annotations

from ddcompile.diagnostics import fail
from ddcompile.frontends.network import Layer, Network
from ddcompile.frontends.weights import Choice, Gates, Maximum

__all__ = ["check_storable"]


def check_storable(network: Network, where: str, gates: bool = False) -> None:
    """Refuse layers that are more than a matrix, a bias and an activation; `where` says what they do not fit in.

    Raises
    ------
    CompileError
        N112 with the first such layer.
    """
    for number, layer in enumerate(network.layers):
        what = _what(layer, gates)
        if what:
            hint = (
                "export it to ONNX from the framework that it comes from, or save the rule it is distilled to"
            )
            place = f"layer {number}" + (f" ({layer.path})" if layer.path else "")
            raise fail("N112", f"{what}, for which there is no place in {where}", place=place, hint=hint)


def _what(layer: Layer, gates: bool) -> str:
    """What of a layer is no matrix, bias and activation; "" if nothing is."""
    if layer.norm is not None:
        return "a batch norm"
    if layer.divisor != 1 or layer.divisors is not None:
        return "a division"
    match layer.weight:
        case Maximum():
            return "a maximum over windows"
        case Choice():
            return "a choice between values"
        case Gates() if not gates:
            return "logic gates"
        case Gates() if layer.weight.numbers() is None:
            return "logic gates that do not read two bits each"
    return ""
