"""What the statements of a layer are written with: the tensors of the layers before it, and its activation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ddcompile.diagnostics import fail
from ddcompile.frontends.activations import bounds
from ddcompile.frontends.declarations import extents
from ddcompile.frontends.forms import (
    Form,
    Tensor,
    own_form,
    target_shape,
)
from ddcompile.frontends.grids import DECIDING, Grid, without_norm
from ddcompile.frontends.network import INPUTS, Layer
from ddcompile.frontends.spans import least_of
from ddcompile.frontends.weights import Gather, Maximum
from ddcompile.frontends.writer import Writer, activated
from ddcompile.ir.builder import add, mul
from ddcompile.ir.nodes import Declaration, Expr, Number, Unary

__all__ = ["Statements"]


class Statements:
    """Layers one after the other; what their units are; the statements so far."""

    def __init__(
        self, layers: Sequence[Layer], known: dict[int, Grid], writer: Writer, inputs: Sequence[Declaration]
    ) -> None:
        self.layers = layers
        self.known = known
        self.writer = writer
        self.forms: dict[int, list[Form]] = {INPUTS: [own_form(Tensor(d.name, extents(d))) for d in inputs]}
        """What the units of each layer are: forms of tensors that have statements, one after the other."""
        self.kinds = {d.type.kind for d in inputs}
        lows = [least_of(d.type) for d in inputs]
        self.least = None if None in lows else min(low for low in lows if low is not None)
        """A number below which no input is."""

    def tensors(self, number: int) -> list[Tensor]:
        """The units of a layer as tensors that have statements; written now if they have none."""
        tensors = []
        for k, form in enumerate(self.forms[number]):
            alone = form.alone()
            if alone is None:
                label = f"layer{number + 1}"
                wanted = label if len(self.forms[number]) == 1 else f"{label}_{form.terms[0][0].name}"
                alone = Tensor(self.writer.names.fresh(wanted), target_shape(form))
                at = self.writer.indices(alone.shape)
                self.writer.define(alone, at, self.writer.form(form, wanted.removeprefix("layer"), alone, at))
                self.forms[number][k] = own_form(alone)
            tensors.append(alone)
        return tensors

    def grid(self, layer: Layer) -> Grid:
        """The grid of all that a layer reads."""
        read = {self.known[r] for r in layer.reads}
        if "real" in read:
            return "real"
        return "rat" if "rat" in read else max(int(grid) for grid in read)

    def write(
        self, layer: Layer, value: Expr, target: Tensor, rows: slice, at: tuple[str, ...], suffix: str, head: str
    ) -> None:
        """The statement of a target from its sum."""
        if isinstance(layer.weight, Maximum | Gather) and layer.norm is not None and layer.activation in DECIDING:
            ones = [np.ones(1, dtype=np.int64)] * layer.channels
            factors, bias = without_norm(layer.norm, ones, layer.bias, self.grid(layer), layer.path)
            factors, bias = (np.repeat(values, layer.positions)[rows] for values in (factors, bias))
            scaled = mul(self.writer.factor(f"weight{suffix}", factors, target.shape, at), value)
            value = add(scaled, self.writer.factor(f"bias{suffix}", bias, target.shape, at))
        if layer.norm is not None and layer.activation not in DECIDING:
            value = self._normalized(layer, value, target, rows, at, suffix)
        value = activated(layer.activation, value)
        self.writer.define(target, at, Unary("sign", value) if head == "sign" else value)

    def _normalized(
        self, layer: Layer, value: Expr, target: Tensor, rows: slice, at: tuple[str, ...], suffix: str
    ) -> Expr:
        norm = layer.norm
        assert norm is not None
        factors = norm.factors()
        if None in factors:
            message = f"batch norm that is not followed by a sign: its factor for unit {factors.index(None)}"
            hint = "--fuse-batch-norm (fuse_batch_norm=True) merges it into the layer before and rounds the weights, "
            hint += "as torch.nn.utils.fuse_conv_bn_eval does; the program is then proved equal to that network"
            raise fail("N406", f"{message} is no double, so the network is not exact", place=layer.path, hint=hint)

        def number(label: str, values: np.ndarray) -> Expr:
            return self.writer.factor(f"{label}{suffix}", np.repeat(values, layer.positions)[rows], target.shape, at)

        centred = add(value, number("mean", -norm.mean))
        return add(mul(number("scale", np.array(factors, dtype=object)), centred), number("shift", norm.shift))

    def least_of(self, number: int) -> Number | None:
        """A number below which no unit of a layer is, if that is plain to see."""
        if number == INPUTS:
            return self.least
        layer = self.layers[number]
        match layer.activation:
            case "sign":
                return -1
            case "step" | "nonnegative" | "abs" | "sigmoid":
                return 0
            case "identity" if isinstance(layer.weight, Maximum) and layer.norm is None:
                return self.least_of(layer.reads[0])
        limits = bounds(layer.activation)
        return None if limits is None else limits[0]
