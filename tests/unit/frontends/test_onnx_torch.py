"""Models exported by torch: the network is that of the module; and the models that torch gave ONNX as tests."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import AttributeProto, ModelProto, TensorProto, helper, numpy_helper, version_converter
from torch import nn

import ddcompile as dd
from ddcompile.diagnostics import CompileError
from ddcompile.frontends import as_network
from ddcompile.frontends.dense import lower
from ddcompile.frontends.evaluate import evaluate
from ddcompile.interpreter import interpret


class Sign(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sign(x)


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(36, 12), nn.Linear(12, 12)
        self.last = nn.Linear(24, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.relu(self.first(2 * x.flatten(1) - 1))
        z = nn.functional.hardtanh(self.second(y) + y)
        return self.last(torch.cat([torch.where(y > 0.25, 1.0, -1.0), z], dim=1))


class Reshaped(nn.Module):
    """Shapes that are computed from the size of the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(12, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows = self.linear(x.view(x.size(0), -1, 12)[:, 1:])
        return torch.sign(rows).permute(0, 2, 1).reshape(x.shape[0], -1).sum(1, keepdim=True) + rows[:, 0]


def linear(*middle: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(36, 16), *middle, nn.Linear(16, 4))


def windows() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 3, 3, padding=1, padding_mode="circular"),
        nn.ReLU(),
        nn.MaxPool2d(2, stride=1, padding=1),
        nn.Conv2d(3, 2, 3, stride=2, bias=False),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(2, 3),
    )


MODULES: dict[str, Callable[[], nn.Module]] = {
    "sign": lambda: linear(Sign()),
    "relu": lambda: linear(nn.ReLU6(), nn.Dropout()),
    "hardtanh": lambda: linear(nn.Hardtanh()),
    "softmax": lambda: nn.Sequential(linear(nn.ReLU()), nn.Softmax(1)),
    "residual": Residual,
    "reshaped": Reshaped,
    "windows": windows,
    "up": lambda: nn.Sequential(nn.ConvTranspose2d(1, 2, 3, 2, 1, 1), Sign(), nn.MaxPool2d(3)),
}


def exported(module: nn.Module, samples: bool = True) -> ModelProto:
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            (torch.zeros(1, 1, 6, 6),),
            file,
            dynamo=False,
            dynamic_axes={"x": {0: "N"}} if samples else None,
            input_names=["x"],
        )
    return onnx.load_from_string(file.getvalue())


@pytest.mark.parametrize("samples", [True, False])
@pytest.mark.parametrize("name", MODULES)
def test_an_export_is_the_network_of_the_module(name: str, samples: bool) -> None:
    torch.manual_seed(0)
    module = MODULES[name]()
    model = exported(module, samples)
    of_module, of_model = as_network(module, "x: bit[1, 6, 6]"), as_network(model)
    assert (of_model.head, of_model.shape) == (of_module.head, of_module.shape)
    X = np.random.default_rng(0).integers(0, 2, (200, 36))
    head = "none" if of_model.head == "softmax" else None
    assert np.array_equal(evaluate(of_model, X, head), evaluate(of_module, X, head))
    if name not in ("windows", "up", "reshaped"):
        assert of_model.sha256 == of_module.sha256


def test_batch_norm_has_an_epsilon_in_single_precision() -> None:
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(16)
    with torch.no_grad():
        for tensor in (norm.running_mean, norm.running_var, norm.weight, norm.bias):
            assert tensor is not None
            tensor.copy_(torch.rand(16) + 0.1)
    module = linear(norm, Sign())
    network = as_network(exported(module))
    assert network.layers[0].norm is not None
    assert network.layers[0].norm.epsilon == float(np.float32(1e-5))
    X = np.random.default_rng(0).integers(0, 2, (200, 36))
    found = evaluate(network, X, "argmax")
    safe = dd.float_safe(network, X, head="argmax")
    with torch.no_grad():
        expected = module(torch.from_numpy(X.reshape(-1, 1, 6, 6)).float()).argmax(1).numpy()
    assert safe.mean() > 0.9
    assert np.array_equal(found[safe], expected[safe])


def test_functions_of_a_model_are_put_in_their_places() -> None:
    """Of another domain, with an attribute, one calling another."""
    step = helper.make_function(
        "local",
        "Step",
        ["a"],
        ["b"],
        [helper.make_node("Relu", ["a"], ["r"]), helper.make_node("Sign", ["r"], ["b"])],
        [helper.make_opsetid("", 20)],
    )
    leaky = helper.make_node("LeakyRelu", ["a"], ["l"])
    leaky.attribute.add(name="alpha", ref_attr_name="slope", type=AttributeProto.FLOAT)
    both = helper.make_function(
        "local",
        "Both",
        ["a"],
        ["b"],
        [leaky, helper.make_node("Step", ["l"], ["b"], domain="local")],
        [helper.make_opsetid("", 20), helper.make_opsetid("local", 1)],
        ["slope"],
    )
    graph = helper.make_graph(
        [helper.make_node("Both", ["x"], ["y"], domain="local", slope=0.5)],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3])],
    )
    versions = [helper.make_opsetid("", 20), helper.make_opsetid("local", 1)]
    model = helper.make_model(graph, functions=[step, both], opset_imports=versions, ir_version=10)
    X = np.array([[-2, 0, 3]])
    assert evaluate(as_network(model), X).tolist() == [[0, 0, 1]]


DATA = Path(onnx.__file__).parent / "backend" / "test" / "data"
GIVEN = sorted(path.parent for path in DATA.glob("pytorch-*/*/model.onnx"))
REFUSED = {
    r"test_(ELU|LogSoftmax|SELU|Softplus|log_softmax.*|PoissonNLL.*)": "N505",
    r"test_operator_(exp|selu|sqrt|symbolic_override)": "N505",
    r"test_(Embedding.*|GLU.*|Softsign|operator_(addmm|basic|mm|non_float_params|params|pow))": "N505",
    r"test_(Softmax|Softmin|softmax_.*)": "N505",
    r"test_.*Pad2d|test_operator_pad": "N502",  # the converter to a later version makes no valid models
    r"test_PReLU_.*_multiparam": "N507",  # nor does it give slopes the axes that they need there
}


def given(folder: Path) -> ModelProto:
    """In version 12 of the operators; the models say 6 or 9."""
    model = onnx.load_model(folder / "model.onnx")
    return version_converter.convert_version(model, 12)


@pytest.mark.parametrize("folder", GIVEN, ids=lambda folder: folder.name)
def test_given_model(folder: Path) -> None:
    refused = [code for pattern, code in REFUSED.items() if re.fullmatch(pattern, folder.name)]
    if refused:
        with pytest.raises(CompileError, match=refused[0]):
            as_network(given(folder))
        return
    model = given(folder)
    network = as_network(model)
    arrays = {}
    for path in (folder / "test_data_set_0").glob("*.pb"):
        tensor = TensorProto.FromString(path.read_bytes())
        arrays[path.stem] = numpy_helper.to_array(tensor).astype(np.float64).ravel()
    X = np.concatenate([arrays[k] for k in sorted(arrays) if k.startswith("input")])[None]
    expected = np.concatenate([arrays[k] for k in sorted(arrays) if k.startswith("output")])
    if any(layer.norm is not None or layer.activation in ("tanh", "sigmoid") for layer in network.layers):
        if network.layers[-1].norm is not None:
            (result,) = model.graph.output
            model.graph.node.append(helper.make_node("Sign", [result.name], ["signs"]))
            result.name = "signs"
            found, expected = evaluate(as_network(model), X), np.sign(expected)
        else:
            found = np.asarray(interpret(lower(network, f"x: real[{network.inputs}]", None, None, "r"), [X])[0])
    else:
        found = evaluate(network, X)
    np.testing.assert_allclose(found.astype(np.float64).ravel(), expected, rtol=1e-4, atol=1e-5)
