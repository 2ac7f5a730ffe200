"""Plain recurrent networks, unrolled: one linear layer for what comes in, one for what came before, each time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch
from torch import nn

from ddcompile.diagnostics import fail
from ddcompile.frontends.torch.arithmetic import add, linear
from ddcompile.frontends.torch.context import Context
from ddcompile.frontends.torch.units import activated
from ddcompile.frontends.torch.values import Units

__all__ = ["MODULES", "OPERATIONS"]


def _weights(module: Any, suffix: str) -> tuple[Any, ...]:
    names = (f"weight_ih{suffix}", f"weight_hh{suffix}", f"bias_ih{suffix}", f"bias_hh{suffix}")
    return tuple(getattr(module, name, None) for name in names)


def _step(context: Context, place: str, weights: tuple[Any, ...], x: Units, before: Any, activation: str) -> Units:
    """`activation(W_ih x + b_ih + W_hh h + b_hh)`; without an `h`, which is then 0."""
    biases = weights[2:]
    total = linear(context, place, x, weights[0], biases[0])
    if isinstance(before, Units):
        total = add(context, place, total, linear(context, place, before, weights[1], biases[1]))
    else:
        with torch.no_grad():
            given = torch.zeros(weights[1].shape[1], dtype=weights[1].dtype) if before is None else before
            constant = nn.functional.linear(given, weights[1], biases[1])
        total = add(context, place, total, constant if constant.any() else 0)
    return activated(context, place, total, activation)


def _cell(context: Context, place: str, module: nn.RNNCell, x: Any, hx: Any = None) -> Units:
    context.numbers(x, "RNNCell", place)
    return _step(context, place, _weights(module, ""), x, hx, module.nonlinearity)


def _network(context: Context, place: str, module: nn.RNN, x: Any, hx: Any = None) -> Any:
    """All outputs, and the last state of each layer and direction."""
    directions = ("", "_reverse") if module.bidirectional else ("",)
    weights = [_weights(module, f"_l{layer}{way}") for layer in range(module.num_layers) for way in directions]
    return _unrolled(context, place, weights, len(directions), x, hx, module.batch_first, module.nonlinearity)


def _unrolled(
    context: Context,
    place: str,
    weights: Sequence[tuple[Any, ...]],
    directions: int,
    x: Any,
    hx: Any,
    batch_first: bool,
    activation: str,
) -> Any:
    """What a network gives whose weights are those of each layer and direction."""
    if hx is not None and not (isinstance(hx, torch.Tensor) and not hx.any()):
        raise fail("N409", "`RNN` with a first state of its own", place=place, hint="leave it out: it is 0")
    if not isinstance(x, Units) or x.ids.dim() != 3:
        raise fail("N410", "`RNN` of other things than sequences with a batch", place=place)
    ids = x.ids if batch_first else x.ids.transpose(0, 1)
    rows = [Units(part, x.element) for part in ids.unbind(1)]
    context.numbers(rows[0], "RNN", place)
    last = []
    for first in range(0, len(weights), directions):
        ways = []
        for way in range(directions):
            state: Units | None = None
            found = []
            for row in reversed(rows) if way else rows:
                state = _step(context, place, weights[first + way], row, state, activation)
                found.append(state)
            assert state is not None
            last.append(state)
            ways.append(found[::-1] if way else found)
        rows = [Units(torch.cat([part.ids for part in parts], 1)) for parts in zip(*ways, strict=True)]
    outputs = torch.stack([row.ids for row in rows], 1)
    outputs = outputs if batch_first else outputs.transpose(0, 1)
    return Units(outputs), Units(torch.stack([state.ids for state in last]))


def _exported_network(activation: str) -> Callable[..., Any]:
    """A network as exported programs have it: all weights, one after the other."""

    def run(
        context: Context,
        place: str,
        x: Any,
        hx: Any,
        weights: Any,
        has_biases: bool,
        layers: int,
        dropout: float,
        is_training: bool,
        is_bidirectional: bool,
        batch_first: bool,
    ) -> Any:
        each = 4 if has_biases else 2
        own = [tuple(weights[k : k + each]) + (None,) * (4 - each) for k in range(0, len(weights), each)]
        return _unrolled(context, place, own, 2 if is_bidirectional else 1, x, hx, batch_first, activation)

    return run


def _exported_cell(activation: str) -> Callable[..., Units]:
    """A cell as exported programs have it."""

    def run(
        context: Context, place: str, x: Any, hx: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None
    ) -> Units:
        context.numbers(x, "RNNCell", place)
        return _step(context, place, (w_ih, w_hh, b_ih, b_hh), x, hx, activation)

    return run


OPERATIONS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "rnn_relu": _exported_network("relu"),
        "rnn_relu_cell": _exported_cell("relu"),
        "rnn_tanh": _exported_network("tanh"),
        "rnn_tanh_cell": _exported_cell("tanh"),
    }
)

MODULES: Mapping[type[nn.Module], Callable[..., Any]] = MappingProxyType({nn.RNN: _network, nn.RNNCell: _cell})
