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
are part of the statement that reads them: `2 * image[i, j] - 1`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np

from ddcompile.diagnostics import fail
from ddcompile.frontends.activations import Activation, bounds
from ddcompile.frontends.declarations import HEADS, declared_inputs, declared_results, extents, head_of
from ddcompile.frontends.forms import Form, Names, Tensor, binders, combined, element, factor, own_form, target_shape
from ddcompile.frontends.grids import DECIDING, Grid, grids, without_norm
from ddcompile.frontends.network import INPUTS, Layer, Network
from ddcompile.frontends.normalization import Norm
from ddcompile.frontends.weights import Pointwise
from ddcompile.ir.builder import add, mul
from ddcompile.ir.nodes import (
    Binary,
    Call,
    Compare,
    Constant,
    Expr,
    Index,
    Kind,
    Literal,
    Read,
    Reduce,
    Rule,
    Statement,
    Unary,
)

__all__ = ["HEADS", "lower"]


def lower(network: Network, inputs: str | None, outputs: str | None, head: str | None, name: str) -> Rule:
    """Make the dense program of a network.

    Parameters
    ----------
    network : Network
    inputs : str, optional
        Declarations such as `"image: bit[28, 28]"` or `"x: bit[6], y: bit[6]"`; by default `x: bit[n]`.
    outputs : str, optional
        Declarations such as `"next: bit[6, 6]"`. By default one result: `class` under the head argmax, else `y`,
        a scalar if there is one unit, of the input's shape if the counts agree, else flat. (`class_2`, `y_2` if an
        input has that name.)
    head : {"argmax", "sign", "none"}, optional
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
        N201 to N210 when the declarations do not fit the network, S### when they are no declarations; N406, N407 for a
        batch norm that is not exact.
    """
    head = head_of(network, head)
    sources = declared_inputs(network, inputs)
    known = grids(network, sources)
    kind = _last_kind(network, known, head)
    results = declared_results(network, sources, outputs, head, kind)
    names = Names([d.name for d in (*sources, *results)])
    lowering = _Lowering(network, known, names, [Tensor(d.name, extents(d)) for d in sources])
    last = len(network.layers) - 1
    for k in range(last):
        lowering.hidden(k)
    if head == "argmax":
        score = Tensor(names.fresh("score"), (network.outputs,))
        lowering.given(last, [score])
        (u,) = names.indices("u", 1)
        argmax = Reduce("argmax", binders((u,), score.shape), Read(score.name, (Index(u),)))
        lowering.statements.append(Statement(results[0].name, (), argmax))
    else:
        lowering.given(last, [Tensor(d.name, extents(d)) for d in results], head)
    return Rule(name, sources, results, tuple(lowering.statements), tuple(lowering.constants))


def _last_kind(network: Network, known: dict[int, Grid], head: str) -> Kind:
    """The kind of the results before any declaration."""
    last = network.layers[-1].activation
    if head == "argmax":
        return "int"
    if head == "sign" or last == "sign":
        return "trit"
    if last in DECIDING:
        return "bit"
    grid = known[len(network.layers) - 1]
    return "int" if grid == 0 else "real" if grid == "real" else "rat"


class _Lowering:
    """Writes statements layer by layer; pointwise layers without an activation wait for whoever reads them."""

    def __init__(self, network: Network, known: dict[int, Grid], names: Names, inputs: list[Tensor]) -> None:
        self.layers = network.layers
        self.known = known
        self.names = names
        self.constants: list[Constant] = []
        self.statements: list[Statement] = []
        self.forms: dict[int, list[Form]] = {INPUTS: [own_form(t) for t in inputs]}
        """What the units of each layer are: forms of tensors that have statements, one after the other."""

    def hidden(self, number: int) -> None:
        """Lower a layer whose units others read."""
        layer = self.layers[number]
        if isinstance(layer.weight, Pointwise):
            forms = self._pointwise_forms(number)
            if forms is not None and layer.activation == "identity" and layer.norm is None:
                self.forms[number] = forms
                return
        tensor = Tensor(self.names.fresh(f"layer{number + 1}"), (layer.units,))
        self.forms[number] = [own_form(t) for t in self.given(number, [tensor])]

    def given(self, number: int, targets: list[Tensor], head: str = "none") -> list[Tensor]:
        """Write the statements of a layer into tensors; a single flat one takes the shape of what it is made from."""
        layer = self.layers[number]
        if isinstance(layer.weight, Pointwise):
            forms = self._pointwise_forms(number)
            made = None if forms is None else self._pointwise(number, forms, targets, head)
            if made is not None:
                return made
        read = [tensor for other in layer.reads for tensor in self._tensors(other)]
        weight, bias = layer.dense_weight(), layer.bias
        if layer.norm is not None and layer.activation in DECIDING:
            factors, bias = without_norm(layer.norm, list(weight), bias, self._grid(layer), layer.path)
            weight = weight.astype(object) * factors[:, None]
        start = 0
        for target in targets:
            rows = slice(start, start + target.count)
            start += target.count
            suffix = f"{number + 1}" if len(targets) == 1 else f"{number + 1}_{target.name}"
            at = self.names.indices("u" if len(target.shape) == 1 else "pqrst", len(target.shape))
            total = self._linear(suffix, weight[rows], at, target, read, "ijklmn" if layer.reads == (INPUTS,) else "v")
            value: Expr = Binary("+", total, self._table(f"bias{suffix}", bias[rows].reshape(target.shape), at))
            self._write(layer, value, target, rows, at, suffix, head)
        return targets

    def _pointwise_forms(self, number: int) -> list[Form] | None:
        """The sums of a pointwise layer, or None if what it reads has no common layout."""
        layer = self.layers[number]
        assert isinstance(layer.weight, Pointwise)
        factors = layer.weight.factors
        forms = combined([self.forms[r] for r in layer.reads], factors, layer.bias)
        if forms is not None:
            return forms
        for other in layer.reads:
            self._tensors(other)
        return combined([self.forms[r] for r in layer.reads], factors, layer.bias)

    def _pointwise(self, number: int, forms: list[Form], targets: list[Tensor], head: str) -> list[Tensor] | None:
        """Write a pointwise layer element by element, if its layout and that of the targets agree."""
        layer = self.layers[number]
        if layer.norm is not None and layer.activation in DECIDING:
            factors = [row for form in forms for row in np.stack([f for _, f in form.terms], axis=1)]
            bias = np.concatenate([form.shift for form in forms])
            stretched, bias = without_norm(layer.norm, factors, bias, self._grid(layer), layer.path)
            forms = [form.stretched(stretched[part], bias[part]) for part, form in _with_rows(forms)]
        if number < len(self.layers) - 1:
            name = targets[0].name
            made = []
            for form in forms:
                label = name if len(forms) == 1 else self.names.fresh(f"{name}_{form.terms[0][0].name}")
                made.append(Tensor(label, target_shape(form)))
            targets = made
        if [t.count for t in targets] != [form.count for form in forms]:
            return None
        if not all(form.fits(target.shape) for target, form in zip(targets, forms, strict=True)):
            return None
        for target, (rows, form) in zip(targets, _with_rows(forms), strict=True):
            suffix = f"{number + 1}" if len(targets) == 1 else f"{number + 1}_{form.terms[0][0].name}"
            at = self.names.indices("u" if len(target.shape) == 1 else "ijklmn", len(target.shape))
            self._write(layer, self._form(form, suffix, target, at), target, rows, at, suffix, head)
        return targets

    def _form(self, form: Form, suffix: str, target: Tensor, at: tuple[str, ...]) -> Expr:
        """`2 * x[i, j] - 1`: factors and shift that are the same for all are literals."""
        terms: list[Expr] = []
        for tensor, factors in form.terms:
            label = f"weight{suffix}" if len(form.terms) == 1 else f"weight{suffix}_{tensor.name}"
            terms.append(mul(self._factor(label, factors, target, at), element(tensor, target, at)))
        return add(reduce(add, terms), self._factor(f"bias{suffix}", form.shift, target, at))

    def _factor(self, label: str, values: np.ndarray, target: Tensor, at: tuple[str, ...]) -> Expr:
        same = factor(values)
        return Literal(same) if same is not None else self._table(label, values.reshape(target.shape), at)

    def _table(self, label: str, values: np.ndarray, at: tuple[str, ...]) -> Expr:
        constant = Constant.of(self.names.fresh(label), values)
        self.constants.append(constant)
        return Read(constant.name, tuple(Index(i) for i in at))

    def _linear(
        self,
        suffix: str,
        weight: np.ndarray,
        at: tuple[str, ...],
        target: Tensor,
        sources: Sequence[Tensor],
        letters: str,
    ) -> Expr:
        """`sum(v < n: weight[u, v] * source[v])`, added up over the sources."""
        terms: list[Expr] = []
        start = 0
        for source in sources:
            columns = weight[:, start : start + source.count].reshape(target.shape + source.shape)
            start += source.count
            wanted = f"weight{suffix}" if len(sources) == 1 else f"weight{suffix}_{source.name}"
            bound = self.names.indices("ijklmn" if len(source.shape) > 1 else letters, len(source.shape))
            product = Binary(
                "*", self._table(wanted, columns, (*at, *bound)), Read(source.name, tuple(Index(i) for i in bound))
            )
            terms.append(Reduce("sum", binders(bound, source.shape), product) if bound else product)
        return reduce(lambda a, b: Binary("+", a, b), terms)

    def _write(
        self, layer: Layer, value: Expr, target: Tensor, rows: slice, at: tuple[str, ...], suffix: str, head: str
    ) -> None:
        """The statement of a target from its sum."""
        if layer.norm is not None and layer.activation not in DECIDING:
            value = self._normalized(layer.norm, layer.path, value, target, rows, at, suffix)
        value = _activate(layer.activation, value)
        value = Unary("sign", value) if head == "sign" else value
        self.statements.append(Statement(target.name, binders(at, target.shape), value))

    def _normalized(
        self, norm: Norm, path: str, value: Expr, target: Tensor, rows: slice, at: tuple[str, ...], suffix: str
    ) -> Expr:
        factors = [norm.affine(unit) for unit in range(norm.units)]
        if None in factors:
            unit = factors.index(None)
            message = f"batch norm that is not followed by a sign: its factor for unit {unit}"
            hint = "merge it into the layer before with torch.nn.utils.fuse_linear_bn_eval, which rounds the weights"
            raise fail("N406", f"{message} is no double, so the network is not exact", place=path, hint=hint)
        scale = np.array(factors, dtype=object)[rows]
        centred = add(value, self._factor(f"mean{suffix}", -norm.mean[rows], target, at))
        stretched = mul(self._factor(f"scale{suffix}", scale, target, at), centred)
        return add(stretched, self._factor(f"shift{suffix}", norm.shift[rows], target, at))

    def _grid(self, layer: Layer) -> Grid:
        """The grid of all that a layer reads."""
        read = [self.known[r] for r in layer.reads]
        for grid in read:
            if isinstance(grid, str):
                return grid
        return max(int(grid) for grid in read)

    def _tensors(self, number: int) -> list[Tensor]:
        """The units of a layer as tensors that have statements; written now if they have none."""
        tensors = []
        for k, form in enumerate(self.forms[number]):
            alone = form.alone()
            if alone is None:
                label = f"layer{number + 1}"
                wanted = label if len(self.forms[number]) == 1 else f"{label}_{form.terms[0][0].name}"
                alone = Tensor(self.names.fresh(wanted), target_shape(form))
                at = self.names.indices("u" if len(alone.shape) == 1 else "ijklmn", len(alone.shape))
                value = self._form(form, wanted.removeprefix("layer"), alone, at)
                self.statements.append(Statement(alone.name, binders(at, alone.shape), value))
                self.forms[number][k] = own_form(alone)
            tensors.append(alone)
        return tensors


def _with_rows(forms: Sequence[Form]) -> list[tuple[slice, Form]]:
    """Each form with the units that it makes."""
    found, start = [], 0
    for form in forms:
        found.append((slice(start, start + form.count), form))
        start += form.count
    return found


def _activate(activation: Activation, value: Expr) -> Expr:
    match activation:
        case "identity":
            return value
        case "step":
            return Compare((">",), (value, Literal(0)))
        case "nonnegative":
            return Compare((">=",), (value, Literal(0)))
        case "sign" | "relu" | "abs" | "tanh" | "sigmoid":
            return Unary(activation, value)
    limits = bounds(activation)
    assert limits is not None
    low, high = limits
    if high is not None:
        value = Call("min", (value, Literal(high)))
    return value if low is None else Call("max", (Literal(low), value))
