"""Lower a network to the dense program: one constant tensor and one sum a layer, exact.

A 784-56-2 network over `image: bit[28, 28]` with the head argmax becomes

    rule orientation(image: bit[28, 28]) -> (class: bit) {
      const weight1: rat[56, 28, 28] = ...
      const bias1: rat[56] = ...
      const weight2: rat[2, 56] = ...
      const bias2: int[2] = ...
      layer1[u < 56] = sign(sum(i < 28, j < 28: weight1[u, i, j] * image[i, j]) + bias1[u])
      score[u < 2] = sum(v < 56: weight2[u, v] * layer1[v]) + bias2[u]
      class = argmax(u < 2: score[u])
    }

Several inputs are laid out row-major, in declared order; so are several results. Pointwise layers without an activation
are part of the statement that reads them: `2 * image[i, j] - 1`. Units over doubles that look at one value are
comparisons of it with a double.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from ddcompile.frontends.averages import without_division
from ddcompile.frontends.comparisons import write_comparisons
from ddcompile.frontends.composition import composed
from ddcompile.frontends.cuts import Cut, cut_of_sum, cuts_of
from ddcompile.frontends.declarations import HEADS, declared_inputs, declared_results, extents, head_of
from ddcompile.frontends.forms import (
    Form,
    Names,
    Tensor,
    combined,
    own_form,
    target_shape,
)
from ddcompile.frontends.gates import in_order
from ddcompile.frontends.grids import DECIDING, grids, without_norm
from ddcompile.frontends.heads import write_argmax, write_softmax
from ddcompile.frontends.kinds import check_divisors, last_kind
from ddcompile.frontends.network import INPUTS, Layer, Network
from ddcompile.frontends.placewise import Placewise
from ddcompile.frontends.result_shapes import found_shape
from ddcompile.frontends.weights import Choice, Convolution, Gates, Gather, Maximum, Pointwise, stretched
from ddcompile.frontends.writer import Writer
from ddcompile.ir.nodes import Rule

__all__ = ["HEADS", "lower"]


def lower(network: Network, inputs: str | None, outputs: str | None, head: str | None, name: str) -> Rule:
    """Make the dense program of a network.

    Parameters
    ----------
    network : Network
    inputs : str, optional
        Declarations such as `"image: bit[28, 28]"` or `"x: bit[6], y: bit[6]"`; by default `x: bit[n]`.
    outputs : str, optional
        Declarations such as `"next: bit[6, 6]"`. By default one result: `class` under the head argmax, `p` under
        softmax, else `y`; a scalar if there is one unit, of the shape that the network gives or, if the counts agree,
        of the input's, else of the one that what they depend on shows (`ddcompile.frontends.result_shapes`), else flat.
        (`class_2`, `y_2` if an input has that name.)
    head : {"argmax", "softmax", "sign", "none"}, optional
        What is done with the last layer; by default what the network itself does. `argmax` is the lowest unit with the
        largest value.
    name : str
        The name of the rule.

    Returns
    -------
    Rule
        Without sizes; its constants are the exact weights.

    Raises
    ------
    CompileError
        N201 to N212 when the declarations do not fit the network, S### when they are no declarations; N406, N407 for a
        batch norm that is not exact.
    """
    head = head_of(network, head)
    sources = declared_inputs(network, inputs)
    check_divisors(network.layers, {d.type.kind for d in sources})
    network = without_division(network, head)
    network = replace(network, layers=in_order(network.layers))
    known = grids(network, sources)
    found = None if head == "softmax" else partial(found_shape, network, [extents(d) for d in sources])
    results = declared_results(network, sources, outputs, head, last_kind(network, known, head), found)
    writer = Writer(Names([d.name for d in (*sources, *results)]))
    lowering = _Lowering(network.layers, known, writer, sources)
    targets = [Tensor(d.name, extents(d)) for d in results]
    last = len(network.layers) - 1
    for k in range(last):
        lowering.hidden(k)
    if head in ("argmax", "softmax"):
        score = Tensor(writer.names.fresh("score"), (network.outputs,))
        lowering.given(last, [score])
        write = write_argmax if head == "argmax" else write_softmax
        write(writer, score, targets)
    else:
        lowering.given(last, targets, head)
    return Rule(name, sources, results, tuple(writer.statements), tuple(writer.constants))


class _Lowering(Placewise):
    """Lowers layer by layer; pointwise layers without an activation wait for whoever reads them."""

    def hidden(self, number: int) -> None:
        """Lower a layer whose units others read."""
        layer = self.layers[number]
        if isinstance(layer.weight, Pointwise) and layer.activation == "identity" and layer.norm is None:
            forms = self._pointwise_forms(number)
            if forms is not None:
                self.forms[number] = forms
                return
        tensor = Tensor(self.writer.names.fresh(f"layer{number + 1}"), (layer.units,))
        self.forms[number] = [own_form(t) for t in self.given(number, [tensor])]

    def given(self, number: int, targets: list[Tensor], head: str = "none") -> list[Tensor]:
        """Write the statements of a layer into tensors; a hidden one takes the shape of what it is made from."""
        layer = self.layers[number]
        if isinstance(layer.weight, Convolution | Maximum):
            return self.windows(number, layer.weight, targets, head)
        if isinstance(layer.weight, Gather):
            return self.moved(number, layer.weight, targets, head)
        if isinstance(layer.weight, Choice):
            return self.chosen(number, layer.weight, targets, head)
        if isinstance(layer.weight, Gates):
            return self.gates(number, layer.weight, targets, head)
        if layer.activation in DECIDING and self.grid(layer) == "real":
            cuts = self._cuts(number, layer)
            if any(cuts):
                sources = [tensor for other in layer.reads for tensor in self.tensors(other)] if not all(cuts) else []
                is_hidden = number < len(self.layers) - 1
                return write_comparisons(self.writer, number, layer, cuts, sources, targets, is_hidden, head)
        if isinstance(layer.weight, Pointwise):
            forms = self._pointwise_forms(number)
            made = None if forms is None else self._pointwise(number, forms, targets, head)
            if made is not None:
                return made
        weight, bias, read = self._composed(layer)
        if layer.norm is not None and layer.activation in DECIDING:
            norm = layer.norm.repeated(layer.positions)
            factors, bias = without_norm(norm, list(weight), bias, self.grid(layer), layer.path)
            weight = stretched(weight, factors[:, None])
        start = 0
        for target in targets:
            rows = slice(start, start + target.count)
            start += target.count
            suffix = f"{number + 1}" if len(targets) == 1 else f"{number + 1}_{target.name}"
            at = self.writer.indices(target.shape, "pqrst")
            letters = "ijklmn" if layer.reads == (INPUTS,) else "v"
            value = self.writer.linear(suffix, weight[rows], bias[rows], at, target.shape, read, letters)
            self.write(layer, value, target, rows, at, suffix, head)
        return targets

    def _composed(self, layer: Layer) -> tuple[np.ndarray, np.ndarray, list[Tensor]]:
        """The weights and biases of a layer over tensors; recodings of exact values become part of them."""
        weight, bias = layer.dense_weight(), layer.unit_bias()
        forms = [form for other in layer.reads for form in self.forms[other]]
        if self.grid(layer) != "real":
            weight, bias, forms = composed(weight, bias, forms)
        alone = [form.alone() for form in forms]
        if None in alone:
            return layer.dense_weight(), layer.unit_bias(), [t for other in layer.reads for t in self.tensors(other)]
        return weight, bias, [tensor for tensor in alone if tensor is not None]

    def _cuts(self, number: int, layer: Layer) -> list[Cut | None]:
        """The units that compare one double; behind a batch norm, the others are comparisons of their sum."""
        forms = [form for other in layer.reads for form in self.forms[other]]
        weight, bias = layer.dense_weight(), layer.unit_bias()
        norm = None if layer.norm is None else layer.norm.repeated(layer.positions)
        cuts = cuts_of(weight, bias, forms, norm)
        if norm is None or all(cuts):
            return cuts
        read = [tensor for other in layer.reads for tensor in self.tensors(other)]
        total = Tensor(self.writer.names.fresh(f"sum{number + 1}"), (layer.units,))
        at = self.writer.indices(total.shape)
        value = self.writer.linear(f"{number + 1}", weight, bias, at, total.shape, read, "v")
        self.writer.define(total, at, value)
        return [cut or cut_of_sum(total, norm, unit) for unit, cut in enumerate(cuts)]

    def _pointwise_forms(self, number: int) -> list[Form] | None:
        """The sums of a pointwise layer, or None if what it reads has no common layout."""
        layer = self.layers[number]
        assert isinstance(layer.weight, Pointwise)
        factors = layer.weight.factors
        forms = combined([self.forms[r] for r in layer.reads], factors, layer.bias)
        if forms is not None:
            return forms
        for other in layer.reads:
            self.tensors(other)
        return combined([self.forms[r] for r in layer.reads], factors, layer.bias)

    def _pointwise(self, number: int, forms: list[Form], targets: list[Tensor], head: str) -> list[Tensor] | None:
        """Write a pointwise layer element by element, if its layout and that of the targets agree."""
        layer = self.layers[number]
        if layer.norm is not None and layer.activation in DECIDING:
            factors = [row for form in forms for row in np.stack([form.full(f) for _, f in form.terms], axis=1)]
            bias = np.concatenate([form.full(form.shift) for form in forms])
            norm = layer.norm.repeated(layer.positions)
            signs, bias = without_norm(norm, factors, bias, self.grid(layer), layer.path)
            forms = [form.stretched(signs[part], bias[part]) for part, form in _with_rows(forms)]
        if number < len(self.layers) - 1:
            name = targets[0].name
            made = []
            for form in forms:
                label = name if len(forms) == 1 else self.writer.names.fresh(f"{name}_{form.terms[0][0].name}")
                made.append(Tensor(label, target_shape(form)))
            targets = made
        if [t.count for t in targets] != [form.count for form in forms]:
            return None
        if not all(form.fits(target.shape) for target, form in zip(targets, forms, strict=True)):
            return None
        for target, (rows, form) in zip(targets, _with_rows(forms), strict=True):
            suffix = f"{number + 1}" if len(targets) == 1 else f"{number + 1}_{form.terms[0][0].name}"
            at = self.writer.indices(target.shape)
            self.write(layer, self.writer.form(form, suffix, target, at), target, rows, at, suffix, head)
        return targets


def _with_rows(forms: Sequence[Form]) -> list[tuple[slice, Form]]:
    """Each form with the units that it makes."""
    found, start = [], 0
    for form in forms:
        found.append((slice(start, start + form.count), form))
        start += form.count
    return found
