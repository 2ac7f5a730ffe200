"""The game of life is one text, whether torch or ONNX gives it, as windows that go round or as their dense matrix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from onnx import ModelProto, TensorProto, helper, numpy_helper
from torch import nn

import ddcompile as dd

FORMS = {
    "one but not the other": ([(2, 1), (2, 1)], (-4.5, -7.5)),
    "both": ([(1, 0.5), (-1, -0.5)], (-2.25, 3.75)),
}
"""Two channels that are decided about: each has a weight around the cell and one at it; their biases."""


def kernel(form: str) -> np.ndarray:
    weight = np.empty((2, 1, 3, 3), dtype=np.float32)
    for c, (around, centre) in enumerate(FORMS[form][0]):
        weight[c], weight[c, 0, 1, 1] = around, centre
    return weight


def matrix(form: str, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """The windows as a dense layer: weight (units, inputs), bias."""
    cells = height * width
    weight = np.zeros((2, height, width, height, width), dtype=np.float32)
    for c, i, j, di, dj in np.ndindex(2, height, width, 3, 3):
        weight[c, i, j, (i + di - 1) % height, (j + dj - 1) % width] += kernel(form)[c, 0, di, dj]
    return weight.reshape(2 * cells, cells), np.repeat(np.float32(FORMS[form][1]), cells)


class Life(nn.Module):
    """The sums come from windows or from a dense layer."""

    def __init__(self, form: str, height: int, width: int, is_dense: bool) -> None:
        super().__init__()
        self.form, self.shape, self.is_dense = form, (height, width), is_dense
        cells = height * width
        layer = nn.Linear(cells, 2 * cells) if is_dense else nn.Conv2d(1, 2, 3, padding=1, padding_mode="circular")
        weight, bias = matrix(form, height, width) if is_dense else (kernel(form), np.float32(FORMS[form][1]))
        layer.load_state_dict({"weight": torch.from_numpy(weight), "bias": torch.from_numpy(bias)})
        self.near = layer.eval()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        sums = self.near(x.flatten(1)).reshape(-1, 2, *self.shape) if self.is_dense else self.near(x.unsqueeze(1))
        first, second = sums[:, 0] > 0, sums[:, 1] > 0
        return first & second if self.form == "both" else first.float() - second.float() > 0


def model(form: str, height: int, width: int, way: str) -> ModelProto:
    cells = 2 * height * width
    weight, bias = matrix(form, height, width)
    constants: dict[str, Any] = {"zero": np.float32(0), "back": np.array([-1, 2, height, width])}
    if way == "Conv":
        constants |= {"around": np.array([0, 0, 1, 1, 0, 0, 1, 1]), "K": kernel(form), "k": bias[:: cells // 2].copy()}
        nodes = [
            helper.make_node("Pad", ["x", "around"], ["p"], mode="wrap"),
            helper.make_node("Conv", ["p", "K", "k"], ["s"]),
        ]
    else:
        constants |= {"W": weight.T, "b": bias}
        summed = [helper.make_node("MatMul", ["f", "W"], ["m"]), helper.make_node("Add", ["m", "b"], ["r"])]
        nodes = [
            helper.make_node("Flatten", ["x"], ["f"]),
            *([helper.make_node("Gemm", ["f", "W", "b"], ["r"])] if way == "Gemm" else summed),
            helper.make_node("Reshape", ["r", "back"], ["s"]),
        ]
    nodes.append(helper.make_node("Greater", ["s", "zero"], ["d"]))
    nodes.append(helper.make_node("Split", ["d"], ["d0", "d1"], axis=1, num_outputs=2))
    if form == "both":
        nodes.append(helper.make_node("And", ["d0", "d1"], ["y"]))
    else:
        nodes += [helper.make_node("Cast", [f"d{k}"], [f"c{k}"], to=TensorProto.FLOAT) for k in range(2)]
        nodes += [helper.make_node("Sub", ["c0", "c1"], ["c"]), helper.make_node("Greater", ["c", "zero"], ["y"])]
    read = {name for node in nodes for name in node.input}
    made = helper.make_graph(
        nodes,
        "life",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 1, height, width])],
        [helper.make_tensor_value_info("y", TensorProto.BOOL, [None] * 4)],
        [numpy_helper.from_array(np.asarray(array), key) for key, array in constants.items() if key in read],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


WAYS: dict[str, Callable[[str, int, int], Any]] = {
    "torch windows": lambda *args: Life(*args, False),
    "torch dense": lambda *args: Life(*args, True),
    **{f"ONNX {way}": lambda *args, way=way: model(*args, way) for way in ("Conv", "Gemm", "MatMul")},
}


@pytest.mark.parametrize("form", FORMS)
def test_life_is_one_rule_however_it_is_written(form: str) -> None:
    height, width = 5, 8
    inputs, outputs = f"cell: bit[{height}, {width}]", f"next: bit[{height}, {width}]"
    rules = {way: dd.distill(make(form, height, width), inputs, outputs, name="life") for way, make in WAYS.items()}
    text = (
        f"rule life(cell: bit[{height}, {width}]) -> (next: bit[{height}, {width}]) {{\n"
        f"  next[i < {height}, j < {width}] = 5 <= 2 * sum(k < 3, l < 3: "
        f"cell[(i + k - 1) % {height}, (j + l - 1) % {width}]) - cell[i, j] <= 7\n}}"
    )
    assert {way: str(rule) for way, rule in rules.items()} == dict.fromkeys(WAYS, text)
    assert all(rule.verdict for rule in rules.values())
    cells = np.random.default_rng(0).integers(0, 2, (500, height, width))
    framework = Life(form, height, width, False)(torch.from_numpy(cells).float()).numpy()
    assert np.array_equal(np.asarray(rules["ONNX MatMul"](cells)), framework)
