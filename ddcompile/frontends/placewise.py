"""Write layers that look at places: windows on a grid, values that are moved about, logic gates."""

from __future__ import annotations

from math import prod

from ddcompile.frontends.forms import Form, Tensor, own_form, target_shape, without_ones
from ddcompile.frontends.gates import gate_clauses, gate_value
from ddcompile.frontends.grids import DECIDING, without_norm
from ddcompile.frontends.kinds import check_bits
from ddcompile.frontends.moves import copied, gathered, joined, relaid
from ddcompile.frontends.network import INPUTS, Layer
from ddcompile.frontends.statements import Statements
from ddcompile.frontends.stencils import Source, Stencil, shape_read
from ddcompile.frontends.weights import Choice, Convolution, Gates, Gather, Maximum, stretched
from ddcompile.ir.builder import compare
from ddcompile.ir.nodes import If, Index, Literal

__all__ = ["Placewise"]


class Placewise(Statements):
    """Statements of layers whose units read some places each."""

    def windows(self, number: int, weight: Convolution | Maximum, targets: list[Tensor], head: str) -> list[Tensor]:
        """Write a layer of windows as a stencil."""
        layer, window = self.layers[number], weight.window
        full = (layer.channels, *window.result)
        made = targets[0]
        if number < len(self.layers) - 1:
            made = Tensor(made.name, without_ones(full))
        elif len(targets) > 1 or without_ones(made.shape) != without_ones(full):
            made = Tensor(self.writer.names.fresh(f"layer{number + 1}"), without_ones(full))
        suffix = f"{number + 1}"
        names = self.writer.names.indices("oijklm", len(full))
        at = [Index(i) if extent > 1 else Literal(0) for i, extent in zip(names, full, strict=True)]
        others = iter(self.writer.names.indices("pqrstuvw", len(made.shape)))
        axes = iter([i for i, extent in zip(names, full, strict=True) if extent > 1])
        own = tuple(next(axes) if extent > 1 else next(others) for extent in made.shape)
        kernel = bias = None
        if isinstance(weight, Convolution):
            kernel, bias = weight.kernel, layer.bias
            if layer.norm is not None and layer.activation in DECIDING:
                rows = list(kernel.reshape(len(kernel), -1))
                factors, bias = without_norm(layer.norm, rows, bias, self.grid(layer), layer.path)
                kernel = stretched(kernel, factors.reshape(-1, *[1] * (kernel.ndim - 1)))
        least = self.least_of(layer.reads[0]) if isinstance(weight, Maximum) else None
        value = Stencil(self.writer, suffix, weight, self._sources(layer, weight), at, least).value(kernel, bias)
        self.write(layer, value, made, slice(0, layer.units), own, suffix, head)
        if number == len(self.layers) - 1 and made is not targets[0]:
            copied(self.writer, made, targets, made.name)
        return [made]

    def moved(self, number: int, weight: Gather, targets: list[Tensor], head: str) -> list[Tensor]:
        """Write a layer of values that are moved about."""
        layer, is_hidden = self.layers[number], number < len(self.layers) - 1
        tensors = [tensor for other in layer.reads for tensor in self.tensors(other)]
        source = tensors[0] if len(tensors) == 1 else joined(self.writer, tensors, f"inputs{number + 1}")
        start = 0
        if is_hidden:
            targets = [Tensor(targets[0].name, without_ones(weight.columns.shape) or (1,))]
        for target in targets:
            rows = slice(start, start + target.count)
            suffix = f"{number + 1}" if len(targets) == 1 else f"{number + 1}_{target.name}"
            at = self.writer.indices(target.shape)
            columns = weight.columns.ravel()[rows].reshape(target.shape)
            value = gathered(self.writer, suffix, source, columns, at)
            self.write(layer, value, target, rows, at, suffix, head)
            start += target.count
        return targets

    def chosen(self, number: int, weight: Choice, targets: list[Tensor], head: str) -> list[Tensor]:
        """Write a layer that chooses between values."""
        layer, parts = self.layers[number], []
        for other, label in zip(layer.reads, ("condition", "then", "else"), strict=True):
            forms = self.forms[other]
            tensors = [] if len(forms) == 1 else self.tensors(other)
            parts.append(own_form(joined(self.writer, tensors, f"{label}{number + 1}")) if tensors else forms[0])
        if number < len(self.layers) - 1:
            shapes = [target_shape(part) for part in parts]
            targets = [Tensor(targets[0].name, next((s for s in shapes if len(s) > 1), (weight.units,)))]
        whole = len(targets) == 1 and all(part.fits(targets[0].shape) for part in parts)
        made = targets[0] if whole else Tensor(self.writer.names.fresh(f"layer{number + 1}"), (weight.units,))
        if not whole:
            parts = [self._flat(part, f"flat{number + 1}") for part in parts]
        at = self.writer.indices(made.shape)
        names = (f"{number + 1}_if", f"{number + 1}_then", f"{number + 1}_else")
        condition, then, otherwise = (
            self.writer.form(part, name, made, at) for part, name in zip(parts, names, strict=True)
        )
        if not self._is_bit(layer.reads[0]):
            condition = compare(">", condition, Literal(0))
        is_last = number == len(self.layers) - 1
        value = If(condition, then, otherwise)
        self.write(layer, value, made, slice(0, layer.units), at, f"{number + 1}", head)
        if not whole and is_last:
            copied(self.writer, made, targets, made.name)
        return [made]

    def _flat(self, form: Form, label: str) -> Form:
        """A form as one that fits flat tensors."""
        if form.fits((form.count,)):
            return form
        made = Tensor(self.writer.names.fresh(label), target_shape(form))
        at = self.writer.indices(made.shape)
        self.writer.define(made, at, self.writer.form(form, label, made, at))
        return own_form(relaid(self.writer, made, (made.count,), label))

    def _is_bit(self, number: int) -> bool:
        """Whether the units of a layer are written as bits: comparisons, or inputs that are declared as bits."""
        if number == INPUTS:
            return self.kinds == {"bit"}
        return self.layers[number].activation in ("step", "nonnegative")

    def gates(self, number: int, weight: Gates, targets: list[Tensor], head: str) -> list[Tensor]:
        """Write a layer of logic gates."""
        layer = self.layers[number]
        check_bits(self.layers, self.kinds, number)
        tensors = [tensor for other in layer.reads for tensor in self.tensors(other)]
        source = tensors[0] if len(tensors) == 1 else joined(self.writer, tensors, f"inputs{number + 1}")
        is_plain = layer.activation == "identity" and layer.norm is None and head == "none" and len(targets) == 1
        if is_plain and gate_clauses(self.writer, f"{number + 1}", weight, source, targets[0]):
            return targets
        start = 0
        for target in targets:
            rows = slice(start, start + target.count)
            suffix = f"{number + 1}" if len(targets) == 1 else f"{number + 1}_{target.name}"
            at = self.writer.indices(target.shape)
            value = gate_value(self.writer, suffix, weight, rows, source, at, target.shape)
            self.write(layer, value, target, rows, at, suffix, head)
            start += target.count
        return targets

    def _sources(self, layer: Layer, weight: Convolution | Maximum) -> list[Source]:
        """The tensors that windows read, each in the shape of channels and grid."""
        found, window = [], weight.window
        cells, is_whole = prod(window.grid), isinstance(weight, Maximum) or weight.groups > 1
        for other in layer.reads:
            tensors = self.tensors(other)
            if len(tensors) > 1 and (is_whole or any(tensor.count % cells for tensor in tensors)):
                tensors = [joined(self.writer, tensors, f"layer{other + 1}" if other != INPUTS else "inputs")]
            for tensor in tensors:
                channels = tensor.count // cells
                label = f"grid{other + 1}" if other != INPUTS else f"{tensor.name}_grid"
                found.append(Source(relaid(self.writer, tensor, shape_read(window, channels), label), channels))
        return found
