"""Collects the layers of a traced model: drafts first, one an operation, then joined where that changes no number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import lcm

import numpy as np

from ddcompile.diagnostics import fail
from ddcompile.frontends.activations import Activation
from ddcompile.frontends.network import INPUTS, Layer
from ddcompile.frontends.normalization import Norm
from ddcompile.frontends.padding import without_padding
from ddcompile.frontends.weights import Choice, Convolution, Gates, Gather, Maximum, Pointwise, Sparse
from ddcompile.frontends.windows import Window
from ddcompile.ir.nodes import Number

__all__ = ["Drafts"]

_LARGEST_ROWS = 2**16
"""Rows of more entries than this are not written one by one: units are moved first, then read in order."""


@dataclass(slots=True)
class Drafts:
    """Layers in the order of the operations. Units are numbered through: those of the inputs, then layer by layer."""

    inputs: int
    layers: list[Layer] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    derived: dict[tuple[int, object], int] = field(default_factory=dict)
    """Layers made from every unit of another alone, by that layer and what was done."""

    @property
    def width(self) -> int:
        """How many units there are, inputs included."""
        return self.starts[-1] + self.layers[-1].units if self.layers else self.inputs

    def start(self, layer: int) -> int:
        """The number of the first unit of a layer."""
        return 0 if layer == INPUTS else self.starts[layer]

    def units(self, layer: int) -> int:
        """How many units a layer has."""
        return self.inputs if layer == INPUTS else self.layers[layer].units

    def owners(self, ids: np.ndarray) -> np.ndarray:
        """The layer of every unit."""
        owners: np.ndarray = np.searchsorted(np.array([0, *self.starts]), ids, side="right") - 2
        return owners

    def append(self, layer: Layer) -> np.ndarray:
        """Add a layer; the numbers of its units."""
        start = self.width
        self.layers.append(layer)
        self.starts.append(start)
        return np.arange(start, start + layer.units, dtype=np.int64)

    def whole(self, ids: np.ndarray) -> tuple[int, ...] | None:
        """The layers whose units these are, all of them, one layer after the other; None if they are not.

        None, too, if the inputs are there twice: the first layer of a network reads them once.
        """
        found, k = [], 0
        while k < len(ids):
            if ids[k] < 0:
                return None
            owner = int(self.owners(ids[k : k + 1])[0])
            count = self.units(owner)
            if not np.array_equal(ids[k : k + count], self.start(owner) + np.arange(count)):
                return None
            if owner == INPUTS and owner in found:
                return None
            found.append(owner)
            k += count
        return tuple(found)

    def linear(self, ids: np.ndarray, weight: np.ndarray, bias: np.ndarray, path: str) -> np.ndarray:
        """`weight @ x + bias` for every row of `ids`; the units have the shape (rows, outputs)."""
        if ids.shape[0] == 1:
            reads = self.whole(ids[0])
            if reads is not None:
                return self.append(Layer(weight, bias, reads=reads, path=path)).reshape(1, -1)
        elif ids.size * len(weight) > _LARGEST_ROWS:
            window = Window((len(ids),), (1,))
            return self.convolution(ids.T, weight[:, :, None], bias, window, path).T
        rows, outputs = ids.shape[0], weight.shape[0]
        data = np.broadcast_to(weight, (rows, *weight.shape)).reshape(rows * outputs, -1)
        return self.rows(np.repeat(ids, outputs, axis=0), data, np.tile(bias, rows), path).reshape(rows, outputs)

    def rows(
        self, ids: np.ndarray, data: np.ndarray, bias: np.ndarray, path: str, activation: Activation = "identity"
    ) -> np.ndarray:
        """One unit a row: the sum of `data * x[ids]` and the bias."""
        if any(len(set(row)) < len(row) for row in ids.tolist()):
            flat = ids.ravel()
            ones = np.ones((len(flat), 1), dtype=np.int64)
            ids = self.rows(flat[:, None], ones, np.zeros(len(flat), dtype=np.int64), path).reshape(ids.shape)
        reads, columns = self._columns(ids)
        inputs = sum(self.units(r) for r in reads)
        starts = ids.shape[1] * np.arange(ids.shape[0] + 1)
        sparse = Sparse(data.ravel(), columns.ravel(), starts, (ids.shape[0], inputs))
        return self.append(Layer(sparse, bias, activation, reads=reads, path=path))

    def mapped(
        self, ids: np.ndarray, path: str, activation: Activation, factor: Number = 1, shift: Number = 0
    ) -> np.ndarray:
        """`activation(factor * x + shift)` of every unit, wherever it stands."""
        result = np.empty_like(ids)
        owners = self.owners(ids)
        for owner in np.unique(owners).tolist():
            key = (owner, (activation, factor, shift))
            if key not in self.derived:
                count = self.units(owner)
                positions = count if owner != INPUTS and self.layers[owner].positions > 1 else 1
                weight = Pointwise(_full((1, count // positions), factor), positions)
                self.append(Layer(weight, _full((count // positions,), shift), activation, reads=(owner,), path=path))
                self.derived[key] = len(self.layers) - 1
            mine = owners == owner
            result[mine] = ids[mine] - self.start(owner) + self.start(self.derived[key])
        return result

    def pointwise(
        self,
        parts: Sequence[np.ndarray],
        factors: np.ndarray,
        bias: np.ndarray,
        path: str,
        activation: Activation = "identity",
    ) -> np.ndarray:
        """`activation(sum of factors[k] * parts[k] + bias)`, element by element of flat parts.

        There is a factor and a bias for each of them, or for each of so many equal runs of neighbours.
        """
        positions = len(parts[0]) // len(bias)
        reads = [self.whole(part) for part in parts]
        whole = [read[0] for read in reads if read is not None and len(read) == 1]
        if len(whole) == len(parts):
            weight = Pointwise(factors, positions)
            return self.append(Layer(weight, bias, activation, reads=tuple(whole), path=path))
        if len(parts) * len(parts[0]) > _LARGEST_ROWS:
            parts = [self.arranged(part, path) for part in parts]
            return self.pointwise(parts, factors, bias, path, activation)
        rows = np.repeat(factors.T, positions, axis=0)
        return self.rows(np.stack(parts, axis=1), rows, np.repeat(bias, positions), path, activation)

    def normalized(self, ids: np.ndarray, norm: Norm, path: str) -> np.ndarray:
        """Batch normalisation of flat units; each feature is a run of neighbours."""
        ones, zeros = np.ones((1, norm.units), dtype=np.int64), np.zeros(norm.units, dtype=np.int64)
        units = self.pointwise([ids], ones, zeros, path)
        layer = self.layers[-1]
        self.layers[-1] = replace(layer, norm=norm.repeated(layer.channels // norm.units))
        return units

    def convolution(
        self, ids: np.ndarray, kernel: np.ndarray, bias: np.ndarray, window: Window, path: str, groups: int = 1
    ) -> np.ndarray:
        """Windows over units (channels, *grid) times a kernel; the units have the shape (channels, *result).

        Parameters
        ----------
        ids : array of shape (channels, *window.grid)
            -1 stands for the number 0.
        kernel : array of shape (outputs, channels / groups, *window.kernel)
        bias : array of shape (outputs,)
        window : Window
        path : str
        groups : int
        """
        ids, window = without_padding(ids, window)
        reads = self._in_order(ids, path, many=groups == 1)
        weight = Convolution(kernel, window, groups)
        return self.append(Layer(weight, bias, reads=reads, path=path)).reshape(-1, *window.result)

    def maximum(self, ids: np.ndarray, window: Window, path: str) -> np.ndarray:
        """The greatest of each window over units (channels, *grid); the units have the shape (channels, *result)."""
        reads = self._in_order(ids, path)
        weight, bias = Maximum(window, len(ids)), np.zeros(len(ids), dtype=np.int64)
        return self.append(Layer(weight, bias, reads=reads, path=path)).reshape(-1, *window.result)

    def average(self, ids: np.ndarray, window: Window, path: str, counts: np.ndarray | None = None) -> np.ndarray:
        """The sum of each window over units (channels, *grid), divided; the units have the shape (channels, *result).

        Parameters
        ----------
        ids : array of shape (channels, *window.grid)
        window : Window
        path : str
        counts : array of int, one a position of the result, optional
            By what the sum is divided; by default by the number of places of the window in the grid.
        """
        channels = len(ids)
        reads = self._in_order(ids, path)
        kernel, zeros = np.ones((channels, 1, *window.kernel), dtype=np.int64), np.zeros(channels, dtype=np.int64)
        layer = Layer(Convolution(kernel, window, channels), zeros, reads=reads, path=path)
        by = window.counts() if counts is None else np.asarray(counts, dtype=np.int64).ravel()
        if not by.all():
            raise fail("N103", "a window of an average lies beyond the grid")
        common = lcm(*by.tolist())
        if (by == common).all():
            return self.append(replace(layer, divisor=common)).reshape(-1, *window.result)
        sums = self.append(layer)
        factors = np.tile(common // by, channels)
        units = self.pointwise([sums], factors[None], np.zeros(len(factors), dtype=np.int64), path)
        self.layers[-1] = replace(self.layers[-1], divisor=common)
        return units.reshape(-1, *window.result)

    def choice(self, condition: np.ndarray, then: np.ndarray, otherwise: np.ndarray, path: str) -> np.ndarray:
        """`then` where `condition` is above 0, else `otherwise`; units of one shape."""
        if (self.owners(condition.ravel()) == INPUTS).any():
            condition = self.mapped(condition, path, "identity")
        parts = (self.whole(self.arranged(part.ravel(), path)) for part in (condition, then, otherwise))
        reads = tuple(part[0] for part in parts if part is not None)
        zeros = np.zeros(then.size, dtype=np.int64)
        return self.append(Layer(Choice(then.size), zeros, reads=reads, path=path)).reshape(then.shape)

    def divided(self, ids: np.ndarray, divisor: int, path: str) -> np.ndarray:
        """The units of the last layer, divided by a positive number."""
        if divisor == 1:
            return ids
        layer = self.layers[-1]
        assert self.whole(ids.ravel()) == (len(self.layers) - 1,)
        self.layers[-1] = replace(layer, divisor=layer.divisor * divisor)
        return ids

    def arranged(self, ids: np.ndarray, path: str) -> np.ndarray:
        """Units in this order as a layer of their own, unless they are one already; -1 stands for the number 0."""
        reads = self.whole(ids.ravel())
        if reads is not None and len(reads) == 1:
            return ids
        reads, columns = self._columns(np.where(ids < 0, 0, ids))
        weight = Gather(np.where(ids < 0, -1, columns), sum(self.units(r) for r in reads))
        zeros = np.zeros(ids.size, dtype=np.int64)
        return self.append(Layer(weight, zeros, reads=reads, path=path)).reshape(ids.shape)

    def _columns(self, ids: np.ndarray) -> tuple[tuple[int, ...], np.ndarray]:
        """The layers that units are of, in order, and their places among all units of these layers."""
        reads = tuple(np.unique(self.owners(ids)).tolist())
        offsets = np.cumsum([0, *(self.units(r) for r in reads)])
        place = np.searchsorted(np.array(reads), self.owners(ids))
        return reads, ids - np.array([self.start(r) for r in reads])[place] + offsets[place]

    def _in_order(self, ids: np.ndarray, path: str, many: bool = False) -> tuple[int, ...]:
        """The layer of units (channels, *grid); if `many`, those whose channels they are, one after the other."""
        reads, cells = self.whole(ids.ravel()), ids[0].size
        if many and reads is not None and all(self.units(r) % cells == 0 for r in reads):
            return reads
        whole = self.whole(self.arranged(ids, path).ravel())
        assert whole is not None
        return whole

    def decided(self, ids: np.ndarray, activation: Activation) -> np.ndarray:
        """Note that the framework decides about a tanh or sigmoid where these units decide, or are decided about."""
        for owner in np.unique(self.owners(ids)).tolist():
            self.layers[owner] = replace(self.layers[owner], decides=activation)
        return ids

    def follows(self, ids: np.ndarray, others: np.ndarray) -> bool:
        """Whether units are computed from the layers of others alone."""
        given = set(np.unique(self.owners(others)).tolist())
        waiting = np.unique(self.owners(ids)).tolist()
        seen = set()
        while waiting:
            layer = waiting.pop()
            if layer == INPUTS and layer not in given:
                return False
            if layer not in given and layer not in seen:
                seen.add(layer)
                waiting += self.layers[layer].reads
        return True

    def finished(self, ids: np.ndarray, path: str) -> tuple[Layer, ...]:
        """The layers that the given units depend on, which become the units of the last."""
        reads = self.whole(ids)
        if reads is None or len(reads) != 1 or reads == (INPUTS,):
            ones, zeros = np.ones((1, len(ids)), dtype=np.int64), np.zeros(len(ids), dtype=np.int64)
            self.pointwise([ids], ones, zeros, path)
            reads = (len(self.layers) - 1,)
        return _joined(self.layers, reads[0])


def _full(shape: tuple[int, ...], value: Number) -> np.ndarray:
    return np.full(shape, value, dtype=object)


def _joined(drafts: Sequence[Layer], last: int) -> tuple[Layer, ...]:
    """Live layers alone; an activation or normalisation joins the layer that it alone reads.

    `x @ W` and then `+ b` are one layer with a bias. Nothing that is computed changes, so bounds on what floating point
    does with the layers hold for the operations.
    """
    uses = _uses(drafts, last)
    into: dict[int, int] = {INPUTS: INPUTS}
    made: list[Layer] = []
    for number, layer in enumerate(drafts[: last + 1]):
        if not uses[number]:
            continue
        layer = replace(layer, reads=tuple(into[r] for r in layer.reads))
        before = layer.reads[0]
        alone = len(layer.reads) == 1 and before != INPUTS and uses[drafts[number].reads[0]] == 1
        joined = _join(made[before], layer) if alone else None
        if joined is None:
            into[number] = len(made)
            made.append(layer)
        else:
            into[number] = before
            made[before] = joined
    return tuple(made)


def _uses(drafts: Sequence[Layer], last: int) -> Counter[int]:
    """How many live layers read each layer; the last is read from outside."""
    uses = Counter({last: 1})
    for number in range(last, -1, -1):
        if uses[number]:
            uses.update(drafts[number].reads)
    return uses


def _join(before: Layer, layer: Layer) -> Layer | None:
    """Both layers as one that computes the same in the same steps, if there is one."""
    match layer.weight:
        case Pointwise(factors) if (factors == 1).all():
            pass
        case _:
            return None
    if before.activation != "identity" or (before.norm is not None and layer.norm is not None):
        return None
    if before.channels % layer.channels or layer.divisor != 1 or layer.divisors is not None:
        return None
    bias, each = before.bias, before.channels // layer.channels
    if layer.bias.any():
        if bias.any() or before.norm is not None or before.divisor != 1:
            return None
        if isinstance(before.weight, Pointwise | Maximum | Gather | Gates | Choice):
            return None
        bias = np.repeat(layer.bias, each)
    norm = before.norm if layer.norm is None else layer.norm.repeated(each)
    path, decides, doubt = before.path or layer.path, before.decides or layer.decides, layer.doubt
    return replace(before, bias=bias, activation=layer.activation, norm=norm, path=path, decides=decides, doubt=doubt)
