"""The meaning of a rule: a plain, exact, batched interpreter. Every other engine is tested against it.

Values are arrays of shape (samples, points): float64 for reals, else scaled integers, int64 where the inferred range
fits and Python integers elsewhere. Either extent is 1 where a value does not depend on the sample or on the point.
Statements are evaluated at all points of their domains at once, recurrences one step after the other. The batch and the
domains are cut into blocks such that memory stays bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from functools import lru_cache, reduce
from math import prod
from typing import Any, TypeAlias

import numpy as np

from ddcompile.analysis.memory import check_memory
from ddcompile.ir.nodes import (
    Binary,
    BinaryOp,
    Binding,
    Call,
    Compare,
    CompareOp,
    Expr,
    If,
    Index,
    Literal,
    Read,
    Reduce,
    Rule,
    Softmax,
    Unary,
)
from ddcompile.ir.points import ONE_POINT, Points, expand, static_value
from ddcompile.ir.schedule import constant_tables
from ddcompile.ir.traverse import free_indices
from ddcompile.ir.types import Types, ValueType, infer
from ddcompile.runtime.arrays import canonical_results, prepare
from ddcompile.runtime.exact import (
    align,
    apply_unary,
    dtype_of,
    gather,
    joined,
    narrowed,
    rescaled,
    roomy,
)
from ddcompile.runtime.matmul import ExactMatrix, exact_matmul
from ddcompile.runtime.plan import Plan, reduction_indices, reduction_span
from ddcompile.runtime.rationals import rational_types, scaled
from ddcompile.runtime.reals import real_extreme
from ddcompile.runtime.reductions import folded, powers_and_sums

__all__ = ["evaluate", "interpret"]

_MATRIX = 1 << 20
"""Elements of a block of a constant matrix."""
_MATRICES = 8
"""Blocks of constant matrices kept from one block of samples to the next."""

_Steps: TypeAlias = Generator[tuple[Expr, Points], np.ndarray, np.ndarray]
"""The evaluation of one node: yields what it needs, is sent the values, returns its own."""

_ARITHMETIC: dict[BinaryOp, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "%": np.mod,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
}
_COMPARE: dict[CompareOp, Callable[[Any, Any], Any]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
}


def interpret(rule: Rule, arrays: Sequence[Any]) -> tuple[np.ndarray, ...]:
    """Evaluate a rule.

    Parameters
    ----------
    rule
        A verified rule, possibly with sizes.
    arrays
        One array an input; batch axes come first (see `ddcompile.runtime.arrays.prepare`).

    Returns
    -------
    tuple of ndarray
        One array a result, of shape (*batch, *shape) and the dtype of its declared kind.

    Raises
    ------
    CompileError
        If an array is at fault (codes A###), or the rule is at the sizes that the arrays give (T###, E014).
    """
    prepared = prepare(rule, arrays)
    rationals = rational_types(prepared)
    inputs = [
        scaled(array, rationals[declaration.name].exponent) if declaration.name in rationals else array
        for declaration, array in zip(prepared.rule.inputs, prepared.arrays, strict=True)
    ]
    types = _infer(prepared.rule, tuple(rationals.items()))
    check_memory(types)
    return canonical_results(types.rule, types, evaluate(types, inputs), prepared.batch_shape)


@lru_cache(maxsize=16)
def _infer(rule: Rule, rationals: tuple[tuple[str, ValueType], ...]) -> Types:
    return infer(rule, dict(rationals))


def evaluate(types: Types, inputs: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
    """Evaluate `types.rule` on scaled integers.

    Parameters
    ----------
    types
        The types of a verified rule without sizes.
    inputs
        Integer or object arrays of shape (batch, *shape), float64 for reals, whose values are of the declared types.

    Returns
    -------
    tuple of ndarray
        Scaled integers, or float64 for reals, of shape (batch, *shape), one array a result.
    """
    rule = types.rule
    batch = inputs[0].shape[0] if inputs else 1
    evaluation = _Evaluation(types)
    pieces: list[list[np.ndarray]] = [[] for _ in rule.outputs]
    for start in range(0, max(batch, 1), evaluation.plan.samples):
        chunk = [array[start : start + evaluation.plan.samples] for array in inputs]
        with np.errstate(all="ignore"):  # infinities and NaN are values of reals
            tensors = evaluation.run(chunk, min(evaluation.plan.samples, batch - start))
        for piece, declaration in zip(pieces, rule.outputs, strict=True):
            piece.append(tensors[declaration.name])
    shapes = [types.shape[declaration.name] for declaration in rule.outputs]
    return tuple(np.concatenate(piece).reshape(batch, *shape) for piece, shape in zip(pieces, shapes, strict=True))


class _Evaluation:
    """The evaluation of one rule; `tensors` holds those of the current samples, as (samples, elements)."""

    def __init__(self, types: Types) -> None:
        self.types = types
        self.plan = Plan(types)
        self.tables = constant_tables(types.rule)
        self.tensors: dict[str, np.ndarray] = {}
        self.samples = 0
        self._matrices: dict[tuple[Any, ...], ExactMatrix] = {}
        self._free: dict[int, frozenset[str]] = {}
        for statement in types.rule.statements:
            self._free |= reduction_indices(statement.value)

    def run(self, inputs: Sequence[np.ndarray], samples: int) -> Mapping[str, np.ndarray]:
        """All tensors for some samples."""
        self.samples = samples
        types = self.types
        self.tensors = {name: array.reshape(1, -1) for name, array in (types.scaled | types.reals).items()}
        for declaration, array in zip(types.rule.inputs, inputs, strict=True):
            flat = array.reshape(samples, prod(array.shape[1:]))
            self.tensors[declaration.name] = flat.astype(dtype_of(types.tensor[declaration.name]))
        for target in types.inferred:
            self.tensors[target] = np.zeros((samples, prod(types.shape[target])), dtype=dtype_of(types.tensor[target]))
        for task in self.plan.tasks():
            target = task.statement.target
            value = self._value(task.statement.value, task.points)
            value = rescaled(value, types.of(task.statement.value), types.tensor[target])
            self.tensors[target][:, task.where] = value
        return self.tensors

    def _value(self, expr: Expr, points: Points) -> np.ndarray:
        """Drive the evaluation of an expression with an explicit stack of suspended nodes."""
        stack: list[_Steps] = []
        answer = self._start(expr, points, stack)
        while stack:
            try:
                need = next(stack[-1]) if answer is None else stack[-1].send(answer)
            except StopIteration as done:
                stack.pop()
                answer = done.value
            else:
                answer = self._start(*need, stack)
        return np.asarray(answer)

    def _start(self, node: Expr, points: Points, stack: list[_Steps]) -> np.ndarray | None:
        """The value of a leaf; any other node goes onto the stack."""
        match node:
            case Index(name):
                return points.index[name].reshape(1, -1)
            case Literal():
                result = self.types.of(node)
                return np.full((1, 1), result.low, dtype=dtype_of(result))
            case _:
                stack.append(self._node(node, points))
                return None

    def _node(self, node: Expr, points: Points) -> _Steps:
        result = self.types.of(node)
        match node:
            case Read():
                return (yield from self._read(node, points))
            case Unary(op, operand):
                return apply_unary(op, (yield operand, points), self.types.of(operand), result)
            case Binary(op, left, right):
                kinds = [self.types.of(left), self.types.of(right)]
                values = [(yield left, points), (yield right, points)]
                if op in ("+", "-") or result.kind == "real":
                    kinds, values = align(kinds, values)
                left_value, right_value = roomy(values, [*kinds, result])
                return narrowed(np.asarray(_ARITHMETIC[op](left_value, right_value)), result)
            case Compare(ops, operands):
                values = []
                for operand in operands:
                    values.append((yield operand, points))
                holds = []
                for k, comparison in enumerate(ops):
                    both = slice(k, k + 2)
                    kinds, pair = align([self.types.of(operand) for operand in operands[both]], values[both])
                    holds.append(_COMPARE[comparison](*roomy(pair, kinds)))
                return np.asarray(reduce(np.logical_and, holds), dtype=np.int64)
            case If(condition, then, otherwise):
                choice = (yield condition, points) != 0
                first = rescaled((yield then, points), self.types.of(then), result)
                second = rescaled((yield otherwise, points), self.types.of(otherwise), result)
                return np.where(choice, first, second)
            case Call(function, arguments):
                values = []
                for argument in arguments:
                    values.append((yield argument, points))
                kinds, values = align([self.types.of(argument) for argument in arguments], values)
                if result.kind == "real":
                    return real_extreme(function, values)
                pick = np.minimum if function == "min" else np.maximum
                return narrowed(reduce(pick, roomy(values, [*kinds, result])), result)
            case Reduce():
                return (yield from self._reduce(node, points))
            case Softmax():
                return (yield from self._softmax(node, points))
            case _:
                raise TypeError(f"not an expression: {type(node).__name__}")

    def _read(self, node: Read, points: Points) -> _Steps:
        tensor = self.tensors[node.tensor]
        where = np.zeros((1, 1), dtype=np.int64)
        inside: Any = True
        for position, extent in zip(node.positions, self.types.shape[node.tensor], strict=True):
            value = yield position, points
            if node.pad is not None:
                inside = inside & (value >= 0) & (value < extent)
                value = np.clip(value, 0, extent - 1)
            where = where * extent + value.astype(np.int64)
        values = gather(tensor, where)
        result = self.types.of(node)
        values = rescaled(values, self.types.tensor[node.tensor], result)
        if node.pad is None:
            return values
        padding = rescaled((yield node.pad, points), self.types.of(node.pad), result)
        return np.where(inside, values, padding)

    def _reduce(self, node: Reduce, points: Points) -> _Steps:
        if self._free[id(node)].isdisjoint(points.index):
            points = ONE_POINT
        product = yield from self._product(node, points)
        if product is not None:
            return product
        blocks: list[np.ndarray] = []
        for outer in self._blocks(node, points):
            inner, owner, body = yield from self._body(node, outer)
            blocks.append(folded(node, self.types, body, inner, owner, outer.count))
        return joined(blocks)

    def _blocks(self, node: Binding, points: Points) -> Iterator[Points]:
        """The points in blocks such that those inside of the reduction are not too many."""
        size = max(1, self.plan.elements // (self.plan.samples * reduction_span(node, self.types)))
        for start in range(0, points.count, size):
            yield points.select(slice(start, start + size))

    def _body(
        self, node: Binding, outer: Points
    ) -> Generator[tuple[Expr, Points], np.ndarray, tuple[Points, np.ndarray, np.ndarray]]:
        """The points inside of a reduction, the numbers of the outer points that they extend, and the body there."""
        found = expand(outer, node.binders, self.tables)
        if found is None:
            raise ValueError("the bounds of a reduction are not static")
        inner, owner = found
        body = (yield node.body, inner) if inner.count else np.zeros((1, 0), dtype=np.int64)
        return inner, owner, np.broadcast_to(body, (body.shape[0], inner.count))

    def _softmax(self, node: Softmax, points: Points) -> _Steps:
        position = yield node.position, points
        position = np.broadcast_to(position, (position.shape[0], points.count))
        kind = self.types.of(node.body)
        # The sum is the same at all positions: usually there is one for many points.
        outer_points = ONE_POINT if self._free[id(node)].isdisjoint(points.index) else points
        blocks: list[np.ndarray] = []
        for outer in self._blocks(node, outer_points):
            inner, owner, body = yield from self._body(node, outer)
            powers, sums = powers_and_sums(body, kind, owner)
            starts = np.flatnonzero(np.diff(owner, prepend=-1))
            where = position[:, : outer.count] if outer_points is points else position
            first = starts - inner.index[node.binder.name][starts]
            blocks.append(gather(powers, where + first) / sums)
            position = position[:, where.shape[1] :]
        return joined(blocks)

    def _product(self, node: Reduce, points: Points) -> Generator[tuple[Expr, Points], np.ndarray, np.ndarray | None]:
        """`sum(k: W[u, k] * x[k])` as a product of matrices; None if the sum has another form.

        One factor is an element of a constant, the other does not depend on the outer points, nor do the bounds.
        """
        match node.op, node.body:
            case "sum", Binary("*", Read(tensor, _, None) as weight, factor) if tensor in self.tables:
                pass
            case "sum", Binary("*", factor, Read(tensor, _, None) as weight) if tensor in self.tables:
                pass
            case _:
                return None
        kind = self.types.of(factor)
        if kind.low is None or kind.high is None:
            return None
        bounds = [bound for binder in node.binders for bound in (binder.lower, binder.upper)]
        outer = set(points.index)
        if any(not free_indices(expr).isdisjoint(outer) for expr in (factor, *bounds)):
            return None
        found = expand(ONE_POINT, node.binders, self.tables)
        if found is None or found[0].count == 0:
            return None
        inner = found[0]
        values: np.ndarray | None = None
        magnitude = max(abs(kind.low), abs(kind.high))
        blocks = []
        size = max(1, _MATRIX // inner.count)
        for start in range(0, points.count, size):
            matrix = self._matrix(node, weight, points.select(slice(start, start + size)), inner, magnitude)
            if matrix is None:
                return None
            if values is None:
                values = yield factor, inner
                values = np.broadcast_to(values, (values.shape[0], inner.count))
            blocks.append(exact_matmul(values, magnitude, matrix, is_wide=not self.types.of(node).fits()))
        return np.concatenate(blocks, axis=1)

    def _matrix(self, node: Reduce, weight: Read, points: Points, inner: Points, magnitude: int) -> ExactMatrix | None:
        """The constant factor of a product, with a row for each inner and a column for each outer point."""
        key = (id(node), *((name, column.tobytes()) for name, column in points.index.items()))
        if key not in self._matrices:
            index = {name: np.repeat(column, inner.count) for name, column in points.index.items()}
            index |= {name: np.tile(column, points.count) for name, column in inner.index.items()}
            both = Points(points.count * inner.count, index)
            where = np.zeros((), dtype=np.int64)
            for position, extent in zip(weight.positions, self.types.shape[weight.tensor], strict=True):
                value = static_value(position, both, self.tables)
                if value is None:
                    return None
                where = where * extent + value.astype(np.int64)
            entries = np.broadcast_to(self.types.scaled[weight.tensor].reshape(-1)[where], both.count)
            matrix = entries.reshape(points.count, inner.count).T
            if len(self._matrices) >= _MATRICES:
                self._matrices.clear()
            self._matrices[key] = ExactMatrix.of(matrix, magnitude)
        return self._matrices[key]
