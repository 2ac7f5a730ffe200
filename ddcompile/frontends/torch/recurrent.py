"""Plain recurrent networks, unrolled: one linear layer for what comes in, one for what came before, each time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
    if hx is not None:
        raise fail("N409", "`RNN` with a first state of its own", place=place, hint="leave it out: it is 0")
    if not isinstance(x, Units) or x.ids.dim() != 3:
        raise fail("N410", "`RNN` of other things than sequences with a batch", place=place)
    ids = x.ids if module.batch_first else x.ids.transpose(0, 1)
    rows = [Units(part, x.element) for part in ids.unbind(1)]
    context.numbers(rows[0], "RNN", place)
    last = []
    for layer in range(module.num_layers):
        directions = []
        for way in range(2 if module.bidirectional else 1):
            suffix = f"_l{layer}{'_reverse' if way else ''}"
            state: Units | None = None
            found = []
            for row in reversed(rows) if way else rows:
                state = _step(context, place, _weights(module, suffix), row, state, module.nonlinearity)
                found.append(state)
            assert state is not None
            last.append(state)
            directions.append(found[::-1] if way else found)
        rows = [Units(torch.cat([part.ids for part in parts], 1)) for parts in zip(*directions, strict=True)]
    outputs = torch.stack([row.ids for row in rows], 1)
    outputs = outputs if module.batch_first else outputs.transpose(0, 1)
    return Units(outputs), Units(torch.stack([state.ids for state in last]))


def _exported_cell(activation: str) -> Callable[..., Units]:
    """A cell as exported programs have it."""

    def run(
        context: Context, place: str, x: Any, hx: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None
    ) -> Units:
        context.numbers(x, "RNNCell", place)
        return _step(context, place, (w_ih, w_hh, b_ih, b_hh), x, hx, activation)

    return run


OPERATIONS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {"rnn_relu_cell": _exported_cell("relu"), "rnn_tanh_cell": _exported_cell("tanh")}
)

MODULES: Mapping[type[nn.Module], Callable[..., Any]] = MappingProxyType({nn.RNN: _network, nn.RNNCell: _cell})
