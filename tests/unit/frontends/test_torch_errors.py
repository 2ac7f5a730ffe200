"""What cannot be imported: the code, the path in the module, the operation, what to do. All of it golden."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from ddcompile.diagnostics import CompileError
from ddcompile.frontends import as_network


class Outer(nn.Module):
    """Something in place of `net.features.2`."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Linear(6, 6), nn.ReLU(), inner)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.features(x)
        return result


class Forward(nn.Module):
    """A forward pass over a linear layer."""

    def __init__(self, run: Callable[[Any, torch.Tensor], Any]) -> None:
        super().__init__()
        self.run = run
        self.a = nn.Linear(6, 5)

    def forward(self, x: torch.Tensor) -> Any:
        return self.run(self, x)


class ByValue(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x if x.sum() > 0 else -x


class ByMode(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + 1 if self.training else x


class Two(nn.Module):
    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return x + y


def quietly(make: Callable[[], nn.Module]) -> nn.Module:
    """Without the warnings of torch about its own parts."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make()


def hooked() -> nn.Module:
    inner = nn.Linear(6, 2)
    inner.register_forward_hook(print)
    return Outer(inner)


def replaced() -> nn.Module:
    inner = nn.Linear(6, 2)
    inner.forward = torch.relu  # type: ignore[method-assign]
    return Outer(inner)


def not_finite() -> nn.Module:
    inner = nn.Linear(6, 2)
    inner.weight.data[1, 3] = float("nan")
    return Outer(inner)


def without_variance() -> nn.Module:
    inner = nn.BatchNorm1d(6, eps=0.0)
    inner.running_var.zero_()  # type: ignore[union-attr,operator]
    return Outer(inner)


def in_place_by_another_name(m: Any, x: torch.Tensor) -> torch.Tensor:
    y = z = m.a(x)
    z += 1
    return y


def weights_that_are_set(m: Any, x: torch.Tensor) -> torch.Tensor:
    """As in the first published binarised networks."""
    m.a.weight.data = torch.sign(m.a.weight.data)
    return F.linear(x, m.a.weight)


MODULES: dict[str, Callable[[], nn.Module]] = {
    "control flow": lambda: Outer(ByValue()),
    "an error while tracing": lambda: Outer(Forward(lambda m, x: 1 / 0)),
    "a module that is not imported": lambda: Outer(nn.GELU()),
    "a convolution": lambda: Outer(nn.Conv1d(6, 2, 1)),
    "log softmax": lambda: Outer(nn.LogSoftmax(dim=1)),
    "a softmax in between": lambda: Outer(nn.Sequential(nn.Softmax(dim=1), nn.Linear(6, 2))),
    "softmax without an axis": lambda: Outer(nn.Softmax()),
    "a linear layer of another width": lambda: Outer(nn.Linear(5, 2)),
    "batch norm of another width": lambda: Outer(nn.BatchNorm1d(5)),
    "batch norm over the batch": lambda: Outer(nn.BatchNorm1d(6, track_running_stats=False)),
    "batch norm without variance": without_variance,
    "torch.compile": lambda: Outer(quietly(lambda: torch.compile(nn.Linear(6, 2)))),  # type: ignore[arg-type,return-value]
    "torch.jit.script": lambda: Outer(quietly(lambda: torch.jit.script(nn.Linear(6, 2)))),
    "torch.jit.trace": lambda: Outer(quietly(lambda: torch.jit.trace(nn.Linear(6, 2), torch.ones(1, 6)))),
    "quantised": lambda: quietly(lambda: torch.ao.quantization.quantize_dynamic(Outer(nn.Linear(6, 2)))),
    "data parallel": lambda: nn.DataParallel(nn.Linear(6, 2)),
    "a hook": hooked,
    "old weight norm": lambda: Outer(quietly(lambda: nn.utils.weight_norm(nn.Linear(6, 2)))),
    "another forward pass": replaced,
    "a lazy layer": lambda: Outer(nn.LazyLinear(2)),
    "device meta": lambda: Outer(nn.Linear(6, 2, device="meta")),
    "not finite": not_finite,
    "complex": lambda: Outer(nn.Linear(6, 2, dtype=torch.complex64)),
    "two types": lambda: Outer(nn.Linear(6, 2).double()),
    "several inputs": Two,
    "no units": lambda: Outer(quietly(lambda: nn.Linear(6, 0))),
}

OPERATIONS: dict[str, Callable[[Any, torch.Tensor], Any]] = {
    "elu": lambda m, x: F.elu(m.a(x)),
    "pow": lambda m, x: m.a(x) ** 2,
    "product of values": lambda m, x: m.a(x) * m.a(x),
    "division by 0": lambda m, x: m.a(x) / 0,
    "division by values": lambda m, x: 1 / m.a(x),
    "times infinity": lambda m, x: m.a(x) * float("inf"),
    "heaviside": lambda m, x: torch.heaviside(m.a(x), torch.tensor(0.3)),
    "empty clamp": lambda m, x: m.a(x).clamp(2, 1),
    "clamp by tensors": lambda m, x: m.a(x).clamp(max=torch.arange(5)),
    "maximum of masks": lambda m, x: torch.maximum(x > 0, x > 1),
    "maximum with other axes": lambda m, x: torch.maximum(m.a(x)[:, None], m.a(x)),
    "prelu by values": lambda m, x: F.prelu(x, x[0]),
    "prelu of other channels": lambda m, x: F.prelu(m.a(x), torch.ones(6)),
    "and of numbers": lambda m, x: (x > 0) & torch.arange(6),
    "xor of numbers": lambda m, x: torch.logical_xor(x, x > 0),
    "linear of a mask": lambda m, x: m.a(x > 0),
    "sum of masks": lambda m, x: (x > 0) + (x < 0),
    "not of numbers": lambda m, x: torch.logical_not(x),
    "mask and numbers": lambda m, x: torch.cat([x > 0, x], dim=1),
    "half": lambda m, x: m.a(x).half(),
    "long": lambda m, x: m.a(x).long(),
    "max": lambda m, x: m.a(x).max(1)[1],
    "topk": lambda m, x: m.a(x).topk(1)[1],
    "softmax of samples": lambda m, x: F.softmax(m.a(x), dim=0),
    "always dropout": lambda m, x: F.dropout(m.a(x)),
    "a tuple": lambda m, x: (m.a(x), x),
    "constants": lambda m, x: torch.ones(3),
    "cat of constants": lambda m, x: torch.cat([x, torch.ones(2, 1)], dim=1),
    "in place": lambda m, x: (lambda y: y.relu_() + y)(m.a(x)),
    "in place, by another name": in_place_by_another_name,
    "weights that are set": weights_that_are_set,
    "einsum of values": lambda m, x: torch.einsum("bi,bi->b", x, x),
    "einsum, element by element": lambda m, x: torch.einsum("bi,i->bi", x, m.a.weight[0]),
    "einsum of other widths": lambda m, x: torch.einsum("bi,oi->bo", x, torch.ones(2, 5)),
    "samples in a row": lambda m, x: m.a(x.view(-1)),
    "samples mixed": lambda m, x: m.a(x.t().reshape(-1, 6)),
    "mean of the batch": lambda m, x: m.a(x) - m.a(x).mean(0),
    "a constant a sample": lambda m, x: m.a(x) + torch.arange(2.0)[:, None],
    "the size of the batch": lambda m, x: m.a(x) * x.shape[0],
    "chance": lambda m, x: m.a(x) + torch.rand(5),
    "a view that does not fit": lambda m, x: m.a(x).view(-1, 7),
    "constants that do not fit": lambda m, x: m.a(x) + (torch.ones(2) @ m.a.weight),
    "an attribute": lambda m, x: x.real,
    "number of a value": lambda m, x: m.a(x).item(),
}


def message(module: nn.Module, inputs: Any = "x: bit[6]") -> str:
    with pytest.raises(CompileError) as caught:
        as_network(module, inputs)
    return str(caught.value)


def test_modules(golden: Callable[[str, str], None]) -> None:
    blocks = [f"# {name}\n{message(make().eval())}\n" for name, make in MODULES.items()]
    golden("frontends/torch_modules.txt", "\n".join(blocks))


def test_operations(golden: Callable[[str, str], None]) -> None:
    blocks = [f"# {name}\n{message(Forward(run).eval())}\n" for name, run in OPERATIONS.items()]
    golden("frontends/torch_operations.txt", "\n".join(blocks))


def test_training_mode(golden: Callable[[str, str], None]) -> None:
    modules = {"dropout": nn.Dropout(), "batch norm": nn.BatchNorm1d(6), "own": ByMode()}
    blocks = [f"# {name}\n{message(Outer(inner).train())}\n" for name, inner in modules.items()]
    golden("frontends/torch_training.txt", "\n".join(blocks))


def test_declarations(golden: Callable[[str, str], None]) -> None:
    net = Outer(nn.Linear(6, 2)).eval()
    given: list[Any] = ["x: bit[2, 3]", "x: bit[H]", "x bit", "x: bit[3], x: bit[3]", 6, [6], ("x: bit[6]",)]
    blocks = [f"# {inputs}\n{message(net, inputs)}\n" for inputs in given]
    blocks.append(f"# nothing\n{message(Two(), None)}\n")
    golden("frontends/torch_declarations.txt", "\n".join(blocks))
