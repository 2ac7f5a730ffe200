"""What every imported operator needs: the layers so far, and the batch."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ddcompile.frontends import elementwise
from ddcompile.frontends.activations import Activation, bounds
from ddcompile.frontends.drafts import Drafts
from ddcompile.frontends.onnx.nodes import Node
from ddcompile.frontends.onnx.ranges import BIT, TRIT, Range
from ddcompile.frontends.onnx.values import SAMPLE, Units, Value, exact_of, range_of_type, type_name
from ddcompile.ir.nodes import Number

__all__ = ["Context", "Samples"]


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """The units of one sample out of a batch.

    `ids` has the axes of the tensor; samples follow one another along `axis`, if there is a batch.
    """

    ids: np.ndarray
    axis: int | None


@dataclass(frozen=True, slots=True)
class Context:
    """A graph as it is imported.

    Attributes
    ----------
    drafts
        The layers so far.
    batch
        How many samples tensors have; None if the graph is of fixed shapes, so that a tensor is one sample.
    """

    drafts: Drafts
    batch: int | None

    def sample(self, node: Node, ids: np.ndarray, is_padded: bool = False) -> Samples:
        """The units of the first sample; -1 stands for the number 0, which becomes a unit unless that is allowed for.

        Raises
        ------
        CompileError
            N507 if there are no units, N508 if samples do not follow one another along an axis.
        """
        if not ids.size:
            raise node.fail("N507", f"`{node.op}` of a tensor without elements")
        one = self._first(node, ids)
        if is_padded or not (one.ids < 0).any():
            return one
        return Samples(self.drafts.arranged(one.ids, node.path), one.axis)

    def _first(self, node: Node, ids: np.ndarray) -> Samples:
        if self.batch is None:
            return Samples(ids, None)
        for axis in range(ids.ndim):
            rest, remainder = divmod(ids.shape[axis], self.batch)
            if remainder or not rest:
                continue
            parts = np.split(ids, self.batch, axis)
            if all(np.array_equal(part, parts[0] + k * SAMPLE) for k, part in enumerate(parts)):
                if (parts[0] >= self.drafts.width).any():
                    break
                return Samples(parts[0], axis)
        hint = "the first axis must be the batch, and stay one of its own"
        raise node.fail("N508", f"`{node.op}` of a tensor in which the samples of a batch are mixed", hint)

    def every(self, ids: np.ndarray, axis: int | None) -> np.ndarray:
        """The units of all samples from those of the first."""
        if self.batch is None or axis is None:
            return ids
        return np.concatenate([ids + k * SAMPLE for k in range(self.batch)], axis)

    def shared(self, node: Node, array: np.ndarray, shape: tuple[int, ...], axis: int | None) -> np.ndarray:
        """Constants for one sample, of which tensors have the shape given for all.

        Raises
        ------
        CompileError
            N508 if samples have constants of their own.
        """
        full = np.broadcast_to(array, shape)
        if self.batch is None or axis is None:
            return full
        aligned = array.ndim - (len(shape) - axis)
        parts = np.split(full, self.batch, axis)
        if aligned >= 0 and array.shape[aligned] > 1 and any((part != parts[0]).any() for part in parts):
            raise node.fail("N508", f"a constant of `{node.op}` differs from sample to sample")
        return parts[0]

    def affine(
        self,
        node: Node,
        x: Units,
        factor: np.ndarray | Number,
        shift: np.ndarray | Number,
        activation: Activation = "identity",
        kind: int | None = None,
    ) -> Units:
        """`activation(factor * x + shift)` with exact numbers, broadcast; the result is of the type `kind`."""
        factors, shifts = (np.asarray(v).astype(object, copy=False) for v in (factor, shift))  # integers without end
        shape = np.broadcast_shapes(x.ids.shape, factors.shape, shifts.shape)
        one = self.sample(node, np.broadcast_to(x.ids, shape))
        factors, shifts = (self.shared(node, array, shape, one.axis) for array in (factors, shifts))
        ids = elementwise.affine(self.drafts, one.ids, factors, shifts, node.path, activation)
        reach = x.range * _range(factors) + _range(shifts)
        return self.made(node, ids, one.axis, kind or x.type, after(activation, reach))

    def combined(
        self,
        node: Node,
        x: Units,
        y: Units,
        factor: Number,
        activation: Activation = "identity",
        kind: int | None = None,
    ) -> Units:
        """`activation(x + factor * y)` of two tensors of units, broadcast."""
        first, second = np.broadcast_arrays(x.ids, y.ids)
        one, other = self.sample(node, first), self.sample(node, second)
        if one.axis != other.axis:
            raise node.fail("N508", f"`{node.op}` of tensors that have the batch on different axes")
        ids = elementwise.combined(self.drafts, one.ids, other.ids, factor, node.path, activation)
        reach = x.range + y.range * Range(factor, factor, factor in (-1, 1))
        return self.made(node, ids, one.axis, kind or x.type, after(activation, reach))

    def chosen(self, node: Node, condition: Units, then: Value, otherwise: Value, kind: int) -> Units:
        """`then` where `condition` is above 0, else `otherwise`, broadcast; one of both may be constant."""
        given = [v.ids if isinstance(v, Units) else np.asarray(v) for v in (condition, then, otherwise)]
        shape = np.broadcast_shapes(*(array.shape for array in given))
        like = condition.moved(np.broadcast_to(condition.ids, shape))
        parts = [like, *(self._beside(node, v, shape, like, kind) for v in (then, otherwise))]
        ones = [self.sample(node, part.ids) for part in parts]
        if len({one.axis for one in ones}) > 1:
            raise node.fail("N508", f"`{node.op}` of tensors that have the batch on different axes")
        ids = self.drafts.choice(ones[0].ids, ones[1].ids, ones[2].ids, node.path)
        return self.made(node, ids, ones[0].axis, kind, parts[1].range.join(parts[2].range))

    def _beside(self, node: Node, value: Value, shape: tuple[int, ...], like: Units, kind: int) -> Units:
        """Units, or constants, in a tensor of the shape given."""
        if isinstance(value, Units):
            return value.moved(np.broadcast_to(value.ids, shape))
        assert isinstance(value, np.ndarray)
        one = self.sample(node, like.ids)
        exact = exact_of(self.shared(node, value, shape, one.axis), "constant", node.place)
        ids = elementwise.affine(self.drafts, one.ids, 0, exact, node.path)
        return Units(self.every(ids, one.axis), kind, _range(exact))

    def activated(self, node: Node, x: Units, activation: Activation, kind: int | None = None) -> Units:
        """`activation(x)`."""
        return self.affine(node, x, 1, 0, activation, kind)

    def divided(self, node: Node, x: Units, divisor: Fraction) -> Units:
        """`x / divisor`, exactly, for any number that is not 0."""
        one = self.sample(node, x.ids)
        sign = 1 if divisor > 0 else -1
        factor, by = sign * divisor.denominator, abs(divisor.numerator)
        ids = elementwise.divided(self.drafts, one.ids, factor, by, node.path)
        inverse = 1 / divisor
        return self.made(node, ids, one.axis, x.type, x.range * Range(inverse, inverse, inverse.denominator == 1))

    def constants(self, node: Node, array: np.ndarray, shape: tuple[int, ...], like: Units) -> Units:
        """Units that have constant values, in a tensor of the shape given, beside others with the same batch."""
        one = self.sample(node, np.broadcast_to(like.ids, shape) if like.ids.shape != shape else like.ids)
        return self._constants(node, self.shared(node, array, shape, one.axis), one.axis, like.type)

    def constants_beside(self, node: Node, array: np.ndarray, like: Units) -> Units:
        """Units that have constant values, in a tensor that has its batch on the same axis as another."""
        axis = self.sample(node, like.ids).axis
        return self._constants(node, self.shared(node, array, array.shape, axis), axis, like.type)

    def constant(self, node: Node, number: np.ndarray, kind: int) -> Units:
        """One unit of one sample that has a constant value."""
        return self._constants(node, number.reshape(1), None, kind)

    def _constants(self, node: Node, array: np.ndarray, axis: int | None, kind: int) -> Units:
        values = exact_of(array, "constant", node.place)
        read = np.zeros((array.size, 1), dtype=np.int64)
        ids = self.drafts.rows(read, read, values.ravel(), node.path)
        return Units(self.every(ids.reshape(array.shape), axis), kind, Range.of(values.ravel().tolist()))

    def made(self, node: Node, ids: np.ndarray, axis: int | None, kind: int, reach: Range) -> Units:
        """New units, of which those of one sample are given.

        Raises
        ------
        CompileError
            N509 if they may not be numbers of their type.
        """
        limits = range_of_type(kind)
        if limits.is_whole and not reach.within(limits):
            reach = _unbounded(node, kind, limits)
        return Units(self.every(ids, axis), kind, reach)


def _unbounded(node: Node, kind: int, limits: Range) -> Range:
    """Integers of 32 and 64 bits are taken not to overflow, as floats are; narrow ones often do."""
    if limits.low is None or limits.low > -(2**31):
        hint = "cast to int32, int64 or a float type first"
        raise node.fail("N509", f"`{node.op}` of {type_name(kind)}, which may overflow", hint)
    return limits


def after(activation: Activation, reach: Range) -> Range:
    """What is known of an activation of values of a range."""
    match activation:
        case "identity":
            return reach
        case "step" | "nonnegative":
            return BIT
        case "sign":
            return TRIT
        case "tanh":
            return Range(-1, 1)
        case "sigmoid":
            return Range(0, 1)
        case "abs":
            if reach.low is None or reach.high is None:
                return Range(0, None, reach.is_whole)
            return Range(0, max(-reach.low, reach.high, 0), reach.is_whole)
    limits = bounds(activation)
    assert limits is not None
    return reach.clipped(*limits)


def _range(numbers: np.ndarray) -> Range:
    if all(stride == 0 for stride in numbers.strides):
        return Range.of([numbers.flat[0]])
    return Range.of(numbers.ravel().tolist())
