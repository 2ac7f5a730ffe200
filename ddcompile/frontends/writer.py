"""Writes the statements and constants of a dense program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce

import numpy as np

from ddcompile.frontends.activations import Activation, bounds
from ddcompile.frontends.forms import Form, Names, Tensor, binders, element, factor
from ddcompile.ir.builder import add, mul
from ddcompile.ir.nodes import Binary, Call, Compare, Constant, Expr, Index, Literal, Read, Reduce, Statement, Unary

__all__ = ["Writer", "activated"]


@dataclass(slots=True)
class Writer:
    """The statements and constants so far, and the names in use."""

    names: Names
    constants: list[Constant] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)

    def indices(self, shape: Sequence[int], letters: str = "ijklmn") -> tuple[str, ...]:
        """Names of the indices of a tensor: `u` of a flat one, else letters."""
        return self.names.indices("u" if len(shape) == 1 else letters, len(shape))

    def define(self, target: Tensor, at: Sequence[str], value: Expr) -> None:
        """The statement of a whole tensor."""
        self.statements.append(Statement(target.name, binders(at, target.shape), value))

    def table(self, label: str, values: np.ndarray, at: Sequence[str | Expr]) -> Expr:
        """An element of a new constant."""
        constant = Constant.of(self.names.fresh(label), values)
        self.constants.append(constant)
        return Read(constant.name, tuple(Index(i) if isinstance(i, str) else i for i in at))

    def entry(self, label: str, values: np.ndarray, at: Sequence[str | Expr]) -> Expr:
        """A number that is the same at all positions as a literal, else an element of a new constant.

        The constant has those axes alone on which it differs.
        """
        same = factor(values.ravel())
        if same is not None:
            return Literal(same)
        table, places = values, list(at)
        for axis in reversed(range(len(places))):
            first = table.take([0], axis=axis)
            if (table == first).all():
                table = first.squeeze(axis)
                del places[axis]
        return self.table(label, table, places)

    def factor(self, label: str, values: np.ndarray, shape: Sequence[int], at: Sequence[str | Expr]) -> Expr:
        """The same for row-major numbers; a single one is for all elements."""
        return self.entry(label, values if len(values) == 1 else values.reshape(tuple(shape)), at)

    def form(self, form: Form, suffix: str, target: Tensor, at: Sequence[str]) -> Expr:
        """`2 * x[i, j] - 1`."""
        terms: list[Expr] = []
        for tensor, factors in form.terms:
            label = f"weight{suffix}" if len(form.terms) == 1 else f"weight{suffix}_{tensor.name}"
            terms.append(mul(self.factor(label, factors, target.shape, at), element(tensor, target, at)))
        return add(reduce(add, terms), self.factor(f"bias{suffix}", form.shift, target.shape, at))

    def linear(
        self,
        suffix: str,
        weight: np.ndarray,
        bias: np.ndarray,
        at: Sequence[str | Expr],
        shape: tuple[int, ...],
        sources: Sequence[Tensor],
        letters: str,
    ) -> Expr:
        """`sum(v < n: weight[u, v] * source[v]) + bias[u]`, added up over the sources."""
        terms: list[Expr] = []
        start = 0
        for source in sources:
            columns = weight[:, start : start + source.count].reshape(shape + source.shape)
            start += source.count
            wanted = f"weight{suffix}" if len(sources) == 1 else f"weight{suffix}_{source.name}"
            bound = self.names.indices("ijklmn" if len(source.shape) > 1 else letters, len(source.shape))
            read = Read(source.name, tuple(Index(i) for i in bound))
            product = Binary("*", self.table(wanted, columns, (*at, *bound)), read)
            terms.append(Reduce("sum", binders(bound, source.shape), product) if bound else product)
        terms.append(self.table(f"bias{suffix}", bias.reshape(shape), at))
        return reduce(lambda a, b: Binary("+", a, b), terms)


def activated(activation: Activation, value: Expr) -> Expr:
    """An activation of a value."""
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
