"""What a network is, layer by layer, and what of it will be exact, before it is distilled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from typing import Any

import numpy as np

from ddcompile.frontends.averages import without_divisors
from ddcompile.frontends.cuts import cuts_of
from ddcompile.frontends.declarations import declared_inputs, extents, head_of
from ddcompile.frontends.forms import Tensor, own_form
from ddcompile.frontends.grids import DECIDING, Grid, exponent_of, grids
from ddcompile.frontends.network import INPUTS, Layer, Network
from ddcompile.frontends.spans import Spans, spans_of
from ddcompile.frontends.weights import Choice, Convolution, Gates, Gather, Maximum, stored_of
from ddcompile.ir.nodes import Declaration
from ddcompile.ir.printer import print_type

__all__ = ["Inspection", "LayerFacts", "inspect_network"]

_MERGED = "unless it is merged (--fuse-batch-norm)"


@dataclass(frozen=True, slots=True)
class LayerFacts:
    """What is known of a layer before anything is compiled.

    Attributes
    ----------
    reads : tuple of str
        `inputs`, or the numbers of layers, from 1.
    path : str
        Where it comes from in a module.
    units, parameters : int
    activation : str
    distinct : int
        How many different weights there are, with the least and the greatest of them in `weights`.
    weights, sums, values : str
        Sets of numbers: `low..high by step`; `real` where they are doubles.
    ties : int or None
        How many units may have a sum of exactly 0 where that matters; None where it does not, or is not known.
    exactness : str
        What will be exact, and why.
    is_exact : bool
    """

    reads: tuple[str, ...]
    path: str
    units: int
    parameters: int
    activation: str
    distinct: int
    weights: str
    sums: str
    values: str
    ties: int | None
    exactness: str
    is_exact: bool


@dataclass(frozen=True, slots=True)
class Inspection:
    """A network seen before it is distilled; `str` gives a page of text."""

    name: str
    sha256: str
    dtype: str | None
    parameters: int
    inputs: tuple[str, ...]
    layers: tuple[LayerFacts, ...]
    head: str
    result: str
    is_exact: bool
    labels: tuple[str, ...] = ()
    rounded: str = ""

    def report(self) -> dict[str, Any]:
        """The same as plain data for JSON."""
        return {
            "name": self.name,
            "sha256": self.sha256,
            "dtype": self.dtype,
            "parameters": self.parameters,
            "inputs": list(self.inputs),
            "layers": [{name: getattr(layer, name) for name in LayerFacts.__slots__} for layer in self.layers],
            "head": self.head,
            "result": self.result,
            "is_exact": self.is_exact,
            "labels": list(self.labels),
            "rounded": self.rounded,
        }

    def __str__(self) -> str:
        kind = "" if self.dtype is None else f", {self.dtype}"
        lines = [f"{self.name}: {self.parameters:,} parameters{kind}, sha256 {self.sha256[:16]}..."]
        lines += [f"inputs  {', '.join(self.inputs)}", ""]
        header = ("layer", "reads", "units", "activation", "weights", "sums", "values", "may be 0")
        rows = [
            (
                f"{k} {layer.path}".rstrip(),
                ", ".join(layer.reads),
                f"{layer.units:,}",
                layer.activation,
                f"{layer.distinct:,} in {layer.weights}" if layer.distinct > 1 else layer.weights,
                layer.sums,
                layer.values,
                "" if layer.ties is None else f"{layer.ties:,}" if layer.ties else "none",
            )
            for k, layer in enumerate(self.layers, start=1)
        ]
        widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
        lines += ["  ".join(map(str.ljust, row, widths)).rstrip() for row in (header, *rows)]
        lines.append("")
        for text, group in groupby(enumerate(self.layers, start=1), key=lambda pair: pair[1].exactness):
            numbers = [k for k, _ in group]
            which = f"layer {numbers[0]}" if len(numbers) == 1 else f"layers {numbers[0]} to {numbers[-1]}"
            lines.append(f"{which}: {text}")
        lines.append(f"result: {self.result}")
        lines += [f"  {number} is {label}" for number, label in enumerate(self.labels)]
        lines += [f"rounded: {self.rounded}"] if self.rounded else []
        return "\n".join(lines) + "\n"


def inspect_network(network: Network, inputs: str | None = None, head: str | None = None) -> Inspection:
    """Look at a network with inputs of given types.

    Raises
    ------
    CompileError
        N201 to N210 when the declarations or the head do not fit the network.
    """
    head = head_of(network, head)
    declared = declared_inputs(network, inputs)
    given, network = network, without_divisors(network).network
    known, spans = grids(network, declared), spans_of(network, declared)
    layers = tuple(
        _facts(layer, [known[r] for r in layer.reads], *spans[k], _cut_count(network, k, declared, known))
        for k, layer in enumerate(network.layers)
    )
    is_exact = all(layer.is_exact for layer in layers) and head != "softmax"
    return Inspection(
        network.name,
        given.sha256,
        network.dtype,
        given.parameters,
        tuple(f"{d.name}: {print_type(d.type)}" for d in declared),
        layers,
        head,
        _result(network, head, spans[len(layers) - 1][1], is_exact),
        is_exact,
        network.labels,
        network.rounded,
    )


def _cut_count(network: Network, number: int, declared: Sequence[Declaration], known: dict[int, Grid]) -> int:
    """How many units of a layer over doubles compare one of them."""
    layer = network.layers[number]
    if isinstance(layer.weight, Convolution | Maximum | Gather | Gates | Choice):
        return 0
    if layer.activation not in DECIDING or all(known[r] != "real" for r in layer.reads):
        return 0
    forms = []
    for other in layer.reads:
        if other == INPUTS:
            forms += [own_form(Tensor(d.name, extents(d))) for d in declared]
        else:
            forms.append(own_form(Tensor(f"layer{other}", (network.layers[other].units,))))
    norm = None if layer.norm is None else layer.norm.repeated(layer.positions)
    return sum(cut is not None for cut in cuts_of(layer.dense_weight(), layer.unit_bias(), forms, norm))


def _facts(layer: Layer, read: Sequence[Grid], sums: Spans | None, values: Spans | None, cuts: int) -> LayerFacts:
    stored = stored_of(layer.weight).ravel()
    distinct = (sorted(set(stored.tolist())) if stored.dtype == object else np.unique(stored).tolist()) or [0]
    exactness, is_exact = _exactness(layer, read, 0 if sums is None else sums.exponent, cuts)
    kind = "real" if "real" in read else "rat"
    activation = layer.activation if layer.norm is None else f"batch norm, {layer.activation}"
    if isinstance(layer.weight, Maximum | Gather | Gates | Choice):
        what = {Maximum: "greatest", Gather: "moved", Gates: "logic gates", Choice: "chosen"}[type(layer.weight)]
        activation = f"{what}, {activation}".removesuffix(", identity")
    after = kind if layer.activation not in ("tanh", "sigmoid") else "real"
    step = f" by {_number(Fraction(1, 1 << exponent_of(stored)))}" if exponent_of(stored) else ""
    return LayerFacts(
        tuple("inputs" if r == INPUTS else str(r + 1) for r in layer.reads),
        layer.path,
        layer.units,
        layer.parameters,
        activation,
        len(distinct),
        f"{_number(Fraction(distinct[0]))}..{_number(Fraction(distinct[-1]))}{step}"
        if len(distinct) > 1
        else _number(Fraction(distinct[0])),
        kind if sums is None else _set(sums),
        after if values is None else _set(values),
        _ties(layer, sums),
        exactness,
        is_exact,
    )


def _ties(layer: Layer, sums: Spans | None) -> int | None:
    """How many units may be exactly at their threshold."""
    if layer.activation not in DECIDING or sums is None:
        return None
    blocks = len(sums.low)
    if layer.norm is None:
        return int(sums.holds(np.zeros(blocks, dtype=object)).sum()) * (layer.units // blocks)
    thresholds = [layer.norm.threshold(channel, sums.exponent) for channel in range(layer.channels)]
    points = np.array([t.doubled // 2 for t in thresholds], dtype=object)
    on_grid = np.array([t.slope != 0 and t.doubled % 2 == 0 for t in thresholds])
    each = blocks // layer.channels
    return int((sums.holds(np.repeat(points, each)) & np.repeat(on_grid, each)).sum()) * (layer.units // blocks)


def _exactness(layer: Layer, read: Sequence[Grid], exponent: int, cuts: int) -> tuple[str, bool]:
    """What will be exact of a layer, and why."""
    if isinstance(layer.weight, Gather) and layer.norm is None and layer.activation == "identity":
        return "exact: values are moved", True
    if "real" in read:
        if cuts == layer.units:
            return "exact: every unit compares one real value with a constant", True
        rest = "sums of reals, left to right, in binary64: compiled as stated, not proved"
        return (
            f"{cuts} of {layer.units} units compare one real value, exact; the others are {rest}" if cuts else rest
        ), False
    if layer.activation in ("tanh", "sigmoid"):
        return f"exact sums, rounded once; {layer.activation} right to one unit in the last place", False
    if layer.norm is not None and layer.activation in DECIDING:
        if "rat" in read:
            return f"not compiled: batch norm over rationals of any denominator, {_MERGED}", False
        return "exact: batch norm before a sign is a threshold between two sums", True
    if layer.norm is not None and None in layer.norm.factors():
        return f"not compiled: batch norm whose factors are no doubles, and no sign follows, {_MERGED}", False
    what = "rationals" if "rat" in read else "integers over a power of two" if exponent else "integers"
    if layer.activation in DECIDING:
        return f"exact: signs of sums of {what}", True
    return f"exact: arithmetic on {what}", True


def _result(network: Network, head: str, scores: Spans | None, is_exact: bool) -> str:
    if head == "argmax":
        text = f"the number of the largest of {network.outputs} scores, the first of equal ones"
    elif head == "softmax":
        return f"softmax of {network.outputs} scores: real, rounded as stated"
    elif head == "sign":
        text = f"the signs of {network.outputs} sums"
    else:
        text = f"{network.outputs} value{'s' if network.outputs > 1 else ''}" + (
            "" if scores is None else f" in {_set(scores)}"
        )
    return f"{text}; {'exact for every input' if is_exact else 'see what is not exact above'}"


def _set(spans: Spans) -> str:
    """`-28..28 by 2`; a step of 1 is left out."""
    low, high, step = spans.least(), spans.greatest(), spans.common_step()
    text = f"{_number(low)}..{_number(high)}" if low != high else _number(low)
    return text if step in (0, 1) else f"{text} by {_number(step)}"


def _number(value: Fraction) -> str:
    """Integers and powers of two exactly, other numbers to six digits."""
    if value.denominator == 1 and abs(value) < 10**12:
        return str(value)
    if value.numerator == 1 and value.denominator > 1000:
        return f"2^-{value.denominator.bit_length() - 1}"
    try:
        return f"{float(value):.6g}"
    except OverflowError:
        return f"{'-' if value < 0 else ''}2^{abs(value).numerator.bit_length() - abs(value).denominator.bit_length()}"
