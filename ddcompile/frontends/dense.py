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

Several inputs are laid out row-major, in declared order; so are several results.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import chain, count as naturals, islice
from math import prod

import numpy as np

from ddcompile.diagnostics import CompileError, fail
from ddcompile.frontends.network import Activation, Network, Sparse
from ddcompile.ir.nodes import (
    Binary,
    Binder,
    Call,
    Compare,
    Constant,
    Declaration,
    Expr,
    Index,
    Kind,
    Literal,
    Read,
    Reduce,
    Rule,
    Statement,
    Type,
    Unary,
    is_integral,
)
from ddcompile.ir.parser import parse_declarations

__all__ = ["HEADS", "lower"]

_DISCRETE = "networks are lowered over bit, spin, trit, int and rat"
HEADS = ("argmax", "softmax", "sign", "none")

_WIDER: dict[Kind, tuple[Kind, ...]] = {
    "bit": ("bit", "int", "rat"),
    "trit": ("trit", "int", "rat"),
    "int": ("int", "rat"),
    "rat": ("rat",),
}


@dataclass(frozen=True, slots=True)
class _Tensor:
    """A tensor that a layer reads or gives."""

    name: str
    shape: tuple[int, ...]

    @property
    def count(self) -> int:
        return prod(self.shape)


class _Names:
    """Hands out names that are not in use yet."""

    def __init__(self, used: Iterable[str]) -> None:
        self.used = set(used)

    def fresh(self, wanted: str) -> str:
        name, k = wanted, 1
        while name in self.used:
            k += 1
            name = f"{wanted}_{k}"
        self.used.add(name)
        return name

    def indices(self, wanted: str, count: int) -> tuple[str, ...]:
        """`count` distinct index names, letters of `wanted` first; they may be bound again elsewhere."""
        candidates = chain(wanted, (f"{wanted[0]}{k}" for k in naturals(1)))
        return tuple(islice((name for name in candidates if name not in self.used), count))


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
        What is done with the last layer; by default nothing. `argmax` is the lowest unit with the largest value.
    name : str
        The name of the rule.

    Returns
    -------
    Rule
        Without sizes; its constants are the exact weights.

    Raises
    ------
    CompileError
        N201 to N209 when the declarations do not fit the network, S### when they are no declarations.
    """
    head = "none" if head is None else head
    _check_head(head, network.outputs)
    sources = declared_inputs(network, inputs)
    kind = _last_kind(network, sources, head)
    results = _declared_results(network, sources, outputs, head, kind)
    names = _Names([d.name for d in (*sources, *results)])
    targets = [_Tensor(d.name, _extents(d)) for d in results]
    read = [_Tensor(d.name, _extents(d)) for d in sources]
    constants: list[Constant] = []
    statements: list[Statement] = []
    last = len(network.layers) - 1
    for k, layer in enumerate(network.layers):
        if k < last:
            given = [_Tensor(names.fresh(f"layer{k + 1}"), (layer.units,))]
        elif head == "argmax":
            given = [_Tensor(names.fresh("score"), (layer.units,))]
        else:
            given = targets
        weight = layer.dense_weight()
        inner = "v" if k else "ijklmn"
        start = 0
        for target in given:
            rows = slice(start, start + target.count)
            start += target.count
            suffix = f"{k + 1}" if len(given) == 1 else f"{k + 1}_{target.name}"
            at = names.indices("u" if len(target.shape) == 1 else "pqrst", len(target.shape))
            total = _linear(names, constants, suffix, weight[rows], at, target, read, inner)
            bias = Constant.of(names.fresh(f"bias{suffix}"), layer.bias[rows].reshape(target.shape))
            constants.append(bias)
            value: Expr = Binary("+", total, Read(bias.name, tuple(Index(i) for i in at)))
            value = _activate(layer.activation, value)
            value = Unary("sign", value) if k == last and head == "sign" else value
            statements.append(Statement(target.name, _binders(at, target.shape), value))
        read = given
    if head == "argmax":
        (score,), (u,) = read, names.indices("u", 1)
        argmax = Reduce("argmax", _binders((u,), score.shape), Read(score.name, (Index(u),)))
        statements.append(Statement(targets[0].name, (), argmax))
    return Rule(name, tuple(sources), tuple(results), tuple(statements), tuple(constants))


def declared_inputs(network: Network, inputs: str | None) -> tuple[Declaration, ...]:
    """The declarations of a network's inputs; without any, a flat `x: bit[n]`.

    Raises
    ------
    CompileError
        N201 if they do not add up to what the network reads, N202 if one is real, N203 if one has sizes.
    """
    if inputs is None:
        return (Declaration("x", Type("bit", (Literal(network.inputs),))),)
    declarations = _parsed(inputs, "input")
    _check_names(declarations)
    for declaration in declarations:
        if declaration.type.kind == "real":
            raise fail("N202", f"the input `{declaration.name}` is real; {_DISCRETE}")
    counts = [prod(_extents(d)) for d in declarations]
    if sum(counts) != network.inputs:
        held = " + ".join(map(str, counts)) + (f" = {sum(counts)}" if len(counts) > 1 else "")
        raise fail("N201", f"the network reads {network.inputs} values, but the inputs hold {held}")
    return declarations


def _check_head(head: str, units: int) -> None:
    if head not in HEADS:
        raise fail("N206", f"unknown head `{head}`", hint=f"heads: {', '.join(HEADS)}")
    if head == "softmax":
        raise fail(
            "N207", "the head softmax gives real results, which are not compiled yet", hint="argmax ranks the same"
        )
    if head == "argmax" and units == 1:
        raise fail("N208", "argmax over one unit is always 0", hint="the head sign compares one unit with 0")


def _parsed(text: str, file: str) -> tuple[Declaration, ...]:
    """Declarations of the user; mistakes are located in `file`."""
    try:
        return parse_declarations(text)
    except CompileError as error:
        raise CompileError(
            replace(d, location=replace(d.location, file=file) if d.location else None) for d in error.diagnostics
        ) from None


def _check_names(declarations: Sequence[Declaration]) -> None:
    names = [d.name for d in declarations]
    for name in names:
        if names.count(name) > 1:
            raise fail("N209", f"two declarations have the name `{name}`")


def _extents(declaration: Declaration) -> tuple[int, ...]:
    extents = []
    for extent in declaration.type.shape:
        if not isinstance(extent, Literal) or not isinstance(extent.value, int) or extent.value < 1:
            raise fail("N203", f"`{declaration.name}` must have positive numbers as extents, as in bit[28, 28]")
        extents.append(extent.value)
    return tuple(extents)


def _last_kind(network: Network, inputs: Sequence[Declaration], head: str) -> Kind:
    """The kind of the results before any declaration."""
    if head == "argmax":
        return "int"
    integral = all(d.type.kind != "rat" for d in inputs)
    for layer in network.layers:
        weight = layer.weight.data if isinstance(layer.weight, Sparse) else layer.weight
        integral = integral and is_integral(weight) and is_integral(layer.bias)
        integral = integral or layer.activation in ("sign", "step")
    if head == "sign" or network.layers[-1].activation == "sign":
        return "trit"
    if network.layers[-1].activation == "step":
        return "bit"
    return "int" if integral else "rat"


def _declared_results(
    network: Network, inputs: Sequence[Declaration], outputs: str | None, head: str, kind: Kind
) -> tuple[Declaration, ...]:
    """The declarations of the results, checked against the network and the head."""
    units = network.outputs
    if outputs is None:
        name = _Names(d.name for d in inputs).fresh("class" if head == "argmax" else "y")
        if head == "argmax":
            range_ = Type("bit") if units == 2 else Type("int", (), 0, units - 1)
            return (Declaration(name, range_),)
        shape: tuple[Expr, ...] = () if units == 1 else (Literal(units),)
        if units > 1 and len(inputs) == 1 and prod(_extents(inputs[0])) == units:
            shape = inputs[0].type.shape
        return (Declaration(name, Type(kind, shape)),)
    results = _parsed(outputs, "output")
    _check_names((*inputs, *results))
    counts = [prod(_extents(d)) for d in results]
    if head == "argmax":
        if len(results) != 1 or results[0].type.shape:
            raise fail("N204", "the head argmax gives one scalar, as in `class: bit`")
        _check_kind(results[0], "bit" if units == 2 else "int", "argmax")
        return results
    if sum(counts) != units:
        held = " + ".join(map(str, counts)) + (f" = {sum(counts)}" if len(counts) > 1 else "")
        raise fail("N204", f"the network has {units} outputs, but the results hold {held}")
    for result in results:
        _check_kind(result, kind, "sign" if head == "sign" else network.layers[-1].activation)
    return results


def _check_kind(result: Declaration, kind: Kind, source: str) -> None:
    if result.type.kind not in _WIDER[kind]:
        hint = "sign(0) is 0, a third value" if kind == "trit" else ""
        kinds = " or ".join(_WIDER[kind])
        message = f"`{result.name}` is declared {result.type.kind}, but {source} gives {kind}; declare {kinds}"
        raise fail("N205", message, hint=hint)


def _linear(
    names: _Names,
    constants: list[Constant],
    suffix: str,
    weight: np.ndarray,
    at: tuple[str, ...],
    target: _Tensor,
    sources: Sequence[_Tensor],
    letters: str,
) -> Expr:
    """`sum(v < n: weight[u, v] * source[v])`, added up over the sources; appends the constants."""
    terms: list[Expr] = []
    start = 0
    for source in sources:
        columns = weight[:, start : start + source.count].reshape(target.shape + source.shape)
        start += source.count
        wanted = f"weight{suffix}" if len(sources) == 1 else f"weight{suffix}_{source.name}"
        constant = Constant.of(names.fresh(wanted), columns)
        constants.append(constant)
        bound = names.indices(letters, len(source.shape))
        product = Binary(
            "*",
            Read(constant.name, tuple(Index(i) for i in (*at, *bound))),
            Read(source.name, tuple(Index(i) for i in bound)),
        )
        terms.append(Reduce("sum", _binders(bound, source.shape), product) if bound else product)
    return reduce(lambda a, b: Binary("+", a, b), terms)


def _binders(indices: Sequence[str], shape: Sequence[int]) -> tuple[Binder, ...]:
    return tuple(Binder(i, Literal(0), Literal(n)) for i, n in zip(indices, shape, strict=True))


def _activate(activation: Activation, value: Expr) -> Expr:
    match activation:
        case "identity":
            return value
        case "step":
            return Compare((">",), (value, Literal(0)))
        case "hardtanh":
            return Call("max", (Literal(-1), Call("min", (value, Literal(1)))))
        case "sign" | "relu" | "abs":
            return Unary(activation, value)
