"""ONNX: exact evaluation of the network against programs for every operator, and onnxruntime wherever float_safe."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import onnxruntime
import torch
from lines import Line, count
from onnx import ModelProto, helper, load_model_from_string, numpy_helper, parser
from skl2onnx import to_onnx
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from torch import nn

import ddcompile as dd
from ddcompile.engines import compiled
from ddcompile.frontends import as_model, as_network
from ddcompile.frontends.evaluate import evaluate
from ddcompile.frontends.onnx.importer import OPERATORS
from ddcompile.frontends.trees import Ensemble
from ddcompile.frontends.trees.evaluate import evaluate_ensemble

__all__ = ["onnx_models"]

INPUTS = 5_000
FLAT, GRID = "x: int[-3..3][6]", "x: int[-3..3][2, 4, 3]"

BODIES = {
    "Abs": "y = Abs (h)",
    "Add": "y = Add (h, g)",
    "And": "p = Greater (h, zero) q = Less (g, zero) t = And (p, q) y = Cast <to = 1> (t)",
    "ArgMax": "t = ArgMax <axis = 1> (h) y = Cast <to = 1> (t)",
    "ArgMin": "t = ArgMin <axis = 1, select_last_index = 1> (h) y = Cast <to = 1> (t)",
    "AveragePool": "y = AveragePool <kernel_shape = [2, 2], pads = [1, 0, 0, 1]> (x)",
    "BatchNormalization": "t = BatchNormalization <epsilon = 0.0> (h, s, b, b, v) y = Sign (t)",
    "Cast": "t = Cast <to = 9> (h) y = Cast <to = 1> (t)",
    "CastLike": "p = Sign (h) t = CastLike (p, one) y = CastLike (t, zero)",
    "Clip": "y = Clip (h, low, high)",
    "Compress": "y = Compress <axis = 1> (h, mask)",
    "Concat": "y = Concat <axis = 1> (h, x, g)",
    "ConstantOfShape": "n = Shape (h) t = ConstantOfShape (n) y = Add (h, t)",
    "Conv": "y = Conv <pads = [1, 1, 0, 0], strides = [2, 1]> (x, K, k)",
    "ConvInteger": "q = QuantizeLinear (x, whole, z8) t = ConvInteger (q, Ki, z8) y = Cast <to = 1> (t)",
    "ConvTranspose": "y = ConvTranspose <pads = [1, 0, 0, 1], strides = [2, 1]> (x, T)",
    "DepthToSpace": "t = Reshape (x, cells) y = DepthToSpace <blocksize = 2> (t)",
    "CumSum": "y = CumSum <reverse = 1> (h, one)",
    "DequantizeLinear": "q = QuantizeLinear (h, step, z8) y = DequantizeLinear (q, step, z8)",
    "Div": "t = Div (h, three) y = Sign (t)",
    "Dropout": "y = Dropout (h)",
    "Einsum": 'y = Einsum <equation = "ij,jk->ik"> (h, N5)',
    "Equal": "t = Equal (h, g) y = Cast <to = 1> (t)",
    "Expand": "t = Unsqueeze (h, one) n = Shape (t) m = Mul (n, fold) y = Expand (t, m)",
    "Flatten": "y = Flatten (x)",
    "Gather": "y = Gather <axis = 1> (h, turn)",
    "GatherElements": "n = Shape (h) z = Expand (turn2, n) y = GatherElements <axis = 1> (h, z)",
    "GatherND": "t = Transpose (h) p = GatherND (t, rows) y = Transpose (p)",
    "Gemm": "y = Gemm <alpha = 0.5, beta = 2.0, transB = 1> (h, M, c)",
    "GlobalAveragePool": "t = GlobalAveragePool (x) y = Sign (t)",
    "GlobalMaxPool": "y = GlobalMaxPool (x)",
    "Greater": "t = Greater (h, g) y = Cast <to = 1> (t)",
    "GreaterOrEqual": "t = GreaterOrEqual (h, g) y = Cast <to = 1> (t)",
    "HardSigmoid": "y = HardSigmoid <alpha = 0.25> (h)",
    "Hardmax": "y = Hardmax <axis = 1> (h)",
    "Identity": "y = Identity (h)",
    "LeakyRelu": "y = LeakyRelu <alpha = 0.125> (h)",
    "Less": "t = Less (h, g) y = Cast <to = 1> (t)",
    "LessOrEqual": "t = LessOrEqual (h, zero) y = Cast <to = 1> (t)",
    "MatMul": "y = MatMul (h, N5)",
    "MatMulInteger": "q = QuantizeLinear (h, step, z8) t = MatMulInteger (q, Wi, z8) y = Cast <to = 1> (t)",
    "Max": "y = Max (h, g, b)",
    "MaxPool": "y = MaxPool <kernel_shape = [2, 2], strides = [2, 2], ceil_mode = 1> (x)",
    "Mean": "y = Mean (h, g)",
    "Min": "y = Min (h, g, zero)",
    "Mul": "p = Sign (h) q = Sign (g) t = Mul (p, q) u = Mul (t, h) y = Mul (u, s)",
    "Neg": "y = Neg (h)",
    "Not": "p = Greater (h, zero) t = Not (p) y = Cast <to = 1> (t)",
    "OneHot": "t = ArgMax <axis = 1, keepdims = 0> (h) y = OneHot (t, five, ends)",
    "Or": "p = Greater (h, zero) q = Less (g, zero) t = Or (p, q) y = Cast <to = 1> (t)",
    "PRelu": "y = PRelu (h, s)",
    "Pad": "y = Pad (x, around, low)",
    "Pow": "p = Sign (h) y = Pow (p, high)",
    "QLinearConv": "q = QuantizeLinear (x, whole, z8) t = QLinearConv (q, whole, z8, Ki, half, none, step, z8) "
    "y = DequantizeLinear (t, step, z8)",
    "QLinearMatMul": "q = QuantizeLinear (h, step, z8) t = QLinearMatMul (q, step, z8, Wi, half, none, fine, z8) "
    "y = DequantizeLinear (t, fine, z8)",
    "QuantizeLinear": "q = QuantizeLinear (h, step, none) y = Cast <to = 1> (q)",
    "ReduceL1": "y = ReduceL1 (h, one)",
    "ReduceMax": "y = ReduceMax (x, axes)",
    "ReduceMean": "t = ReduceMean (h, one) y = Sign (t)",
    "ReduceMin": "y = ReduceMin (x, axes)",
    "ReduceSum": "y = ReduceSum (x, axes)",
    "Relu": "y = Relu (h)",
    "Reshape": "t = Reshape (x, cells) y = Relu (t)",
    "Resize": 'y = Resize <coordinate_transformation_mode = "asymmetric", nearest_mode = "floor"> (x, , scales)',
    "ReverseSequence": "t = Transpose (h) n = Shape <end = 1> (h) l = Expand (lengths, n) "
    "r = ReverseSequence <time_axis = 0, batch_axis = 1> (t, l) y = Transpose (r)",
    "Shape": "n = Shape (h) t = Cast <to = 1> (n) p = Gather (t, one) y = Add (h, p)",
    "Shrink": "y = Shrink <lambd = 1.5, bias = 0.5> (h)",
    "Sigmoid": "p = Sigmoid (h) t = Greater (p, half) y = Cast <to = 1> (t)",
    "Sign": "y = Sign (h)",
    "Size": "n = Shape (h) m = Size (n) p = Cast <to = 1> (m) y = Add (h, p)",
    "Slice": "y = Slice (h, one, four, one, two)",
    "Softmax": "t = Softmax (h) p = ArgMax <axis = 1> (t) y = Cast <to = 1> (p)",
    "SpaceToDepth": "t = Reshape (x, squares) y = SpaceToDepth <blocksize = 2> (t)",
    "Split": "p, q = Split <axis = 1> (x, parts) r = Relu (p) y = Sub (q, r)",
    "Squeeze": "t = Unsqueeze (h, one) y = Squeeze (t, one)",
    "Sub": "y = Sub (h, g)",
    "Sum": "y = Sum (h, b, g, h)",
    "Tanh": "p = Tanh (h) t = GreaterOrEqual (p, zero) y = Cast <to = 1> (t)",
    "ThresholdedRelu": "y = ThresholdedRelu <alpha = 1.5> (h)",
    "Tile": "y = Tile (h, twice)",
    "TopK": "t, i = TopK <axis = 1> (h, one) y = Relu (t)",
    "Transpose": "t = Transpose <perm = [0, 2, 3, 1]> (x) y = Abs (t)",
    "Trilu": "y = Trilu <upper = 0> (x, two)",
    "Unsqueeze": "y = Unsqueeze (h, one)",
    "Upsample": "y = Upsample (x, scales)",
    "Where": "p = Greater (h, g) t = Where (p, h, b) q = Less (t, zero) y = Where (q, g, t)",
    "Xor": "p = Greater (h, zero) q = Less (g, zero) t = Xor (p, q) y = Cast <to = 1> (t)",
    "ai.onnx.ml.ArrayFeatureExtractor": "y = ai.onnx.ml.ArrayFeatureExtractor (h, turn)",
    "ai.onnx.ml.Binarizer": "y = ai.onnx.ml.Binarizer <threshold = 0.5> (h)",
    "ai.onnx.ml.Scaler": "y = ai.onnx.ml.Scaler <offset = [0.5], scale = [4.0]> (h)",
}
"""By operator, how `y` is made from `x`, `h = Gemm(x, W, b)` and `g = MatMul(x, V)`."""

VERSIONS = {"Upsample": 9}
"""Of operators that later versions have no more."""

CLASSICAL = (
    "LinearClassifier", "LinearRegressor", "Normalizer", "TreeEnsemble", "TreeEnsembleClassifier",
    "TreeEnsembleRegressor", "ZipMap",
)  # fmt: skip
"""Those that models of scikit-learn are made of, which are families of their own."""


def _constants(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Floats are small multiples of 1/8, so that ties are frequent and sums exact."""
    shapes = {"W": (6, 5), "b": (5,), "V": (6, 5), "s": (5,), "M": (4, 5), "c": (4,), "N5": (5, 3)}
    shapes |= {"K": (3, 2, 2, 2), "k": (3,), "T": (2, 2, 2, 2)}
    found = {name: single(rng.integers(-8, 9, shape) / 8) for name, shape in shapes.items()}
    found |= {
        "Wi": rng.integers(-9, 10, (5, 3)).astype(np.int8),
        "Ki": rng.integers(-9, 10, (3, 2, 2, 2)).astype(np.int8),
    }
    found |= {"z8": np.uint8(8), "none": np.int8(0), "ends": single([0.5, 2]), "scales": single([1, 1, 2, 2])}
    numbers: dict[str, Any] = {
        "whole": 1,
        "step": 0.375,
        "fine": 2.625,
        "zero": 0,
        "low": -1,
        "high": 2,
        "half": 0.5,
        "three": 3,
        "v": [1, 4, 0.25, 16, 1],
    }
    found |= {name: single(value) for name, value in numbers.items()}
    whole: dict[str, Any] = {
        "one": [1], "two": [2], "four": [4], "axes": [1, 3], "turn": [3, 0, 0], "turn2": [[4, 1, 0, 0, 2]],
        "rows": [[1], [3]], "cells": [-1, 4, 3, 2], "squares": [-1, 1, 4, 6], "parts": [3, 3], "twice": [1, 2],
        "five": 5, "fold": [1, 2, 1], "around": [0, 0, 1, 0, 0, 0, 0, 2], "lengths": [3],
    }  # fmt: skip
    found |= {name: np.array(value, dtype=np.int64) for name, value in whole.items()}
    return found | {"mask": np.array([True, False, True, True, False])}


def single(values: Any) -> np.ndarray:
    """In single precision."""
    return np.asarray(values, dtype=np.float32)


def _operator(name: str, seed: int) -> tuple[ModelProto, str]:
    """The model of an operator, and the declaration of its input."""
    body = BODIES[name]
    is_flat = re.search(r"\bh\b", body) is not None or name == "Split"
    text = "h = Gemm (x, W, b) g = MatMul (x, V) " * (is_flat and name != "Split") + body
    graph = parser.parse_graph(f"g (float[N, {'6' if is_flat else '2, 4, 3'}] x) => (float[N] y) {{ {text} }}")
    graph.output[0].type.tensor_type.ClearField("shape")
    read = {i for node in graph.node for i in node.input}
    constants = _constants(np.random.default_rng(seed))
    graph.initializer.extend(numpy_helper.from_array(array, key) for key, array in constants.items() if key in read)
    versions = [helper.make_opsetid("", VERSIONS.get(name, 20)), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=versions, ir_version=10)
    inferred = onnx_shapes(model)
    return inferred, FLAT if is_flat else GRID


def onnx_shapes(model: ModelProto) -> ModelProto:
    """The model with as many axes of its result as there are."""
    shape = _run(
        model, np.zeros([1 if d.dim_param else d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim])
    )
    for _ in shape.shape:
        model.graph.output[0].type.tensor_type.shape.dim.add()
    return model


def _run(model: ModelProto, X: np.ndarray) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    given = session.get_inputs()[0]
    kind = np.float64 if given.type == "tensor(double)" else np.float32
    return np.asarray(session.run(None, {given.name: X.astype(kind)})[0])


def _checked(model: ModelProto, declaration: str, X: np.ndarray, passes: str | None) -> tuple[int, int, int, bool]:
    """On how many inputs the program is the network; how many are safe, and right; whether the program is proved."""
    network = as_network(model)
    flat = X.reshape(len(X), -1)
    expected = evaluate(network, flat)
    program = dd.distill(model, declaration, passes=passes)
    found = np.asarray(compiled(program.rule, "jit")([X]))
    same = (found.reshape(len(X), -1) == expected.reshape(len(X), -1)).all(axis=1)
    try:
        safe = dd.float_safe(network, flat)
    except dd.CompileError:  # floats decide about a tanh or sigmoid
        safe = np.zeros(len(X), dtype=bool)
    theirs = _run(model, X).reshape(len(X), -1)
    right = (theirs == expected.astype(np.float64).reshape(len(X), -1)).all(axis=1)
    return int(same.sum()), int(safe.sum()), int((right & safe).sum()), bool(program.verdict)


def onnx_models() -> Iterator[Line]:
    """Every operator; models of torch and of scikit-learn as their exporters write them."""
    claimed = {name for name in OPERATORS if name.removeprefix("ai.onnx.ml.") not in CLASSICAL}
    missing = sorted(claimed ^ set(BODIES))
    yield Line("onnx", "operators with a model here", f"{len(BODIES)}", f"{len(claimed)}, the same", not missing)
    wrong, unproved, unlike, safe, right = [], [], [], 0, 0
    for k, name in enumerate(BODIES):
        model, declaration = _operator(name, k)
        shape = (6,) if declaration == FLAT else (2, 4, 3)
        X = np.random.default_rng(k).integers(-3, 4, (INPUTS, *shape))
        same, surely, rightly, is_proved = _checked(model, declaration, X, None if declaration == FLAT else "")
        wrong += [name] if same < INPUTS else []
        unproved += [] if is_proved else [name]
        unlike += [name] if rightly < surely else []
        safe, right = safe + surely, right + rightly
    yield Line("onnx", "operators: programs proved", _but(unproved), "all", not unproved)
    yield Line("onnx", f"operators: program = network on {count(INPUTS)} inputs", _but(wrong), "all", not wrong)
    found = f"{count(right)} of {count(safe)} safe" + (f", {_but(unlike)}" if unlike else "")
    wanted = f"all; >= 90% of {count(INPUTS * len(BODIES))} safe"
    yield Line("onnx", "operators: onnxruntime = network", found, wanted, right == safe >= 0.9 * INPUTS * len(BODIES))
    yield from _torch()
    yield from _sklearn()


def _but(names: list[str]) -> str:
    return f"all but {', '.join(names)}" if names else "all"


class Sign(nn.Module):
    """The sign as a module."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The sign."""
        return torch.sign(x)


def _torch() -> Iterator[Line]:
    modules = {
        "perceptron": nn.Sequential(nn.Flatten(), nn.Linear(36, 16), nn.ReLU(), nn.Linear(16, 4)),
        "signs": nn.Sequential(nn.Flatten(), nn.Linear(36, 16), nn.BatchNorm1d(16), Sign(), nn.Linear(16, 4)),
        "windows": nn.Sequential(
            nn.Conv2d(1, 3, 3, padding=1, padding_mode="circular"),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(3, 4, 2),
            nn.AvgPool2d(2),
            nn.Flatten(),
        ),
    }
    for name, module in modules.items():
        torch.manual_seed(0)
        for part in module.modules():
            if isinstance(part, nn.Linear | nn.Conv2d):
                part.reset_parameters()
        file = io.BytesIO()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                module.eval(),
                (torch.zeros(1, 1, 6, 6),),
                file,
                dynamo=False,
                dynamic_axes={"x": [0]},
                input_names=["x"],
            )
        X = np.random.default_rng(0).integers(0, 2, (INPUTS, 1, 6, 6))
        yield from _family("torch", name, load_model_from_string(file.getvalue()), "x: bit[1, 6, 6]", X)


def _family(family: str, name: str, model: ModelProto, declaration: str, X: np.ndarray) -> Iterator[Line]:
    """A classifier: the class by the program, by exact evaluation, by onnxruntime."""
    network = as_network(model)
    flat = X.reshape(len(X), -1)
    expected = evaluate(network, flat, "argmax")
    program = dd.distill(model, declaration, head="argmax", passes=None if "bit" in declaration else "")
    found = np.asarray(compiled(program.rule, "jit")([X])).ravel()
    exact = "bit" in declaration
    close = np.ones(len(X), dtype=bool) if exact else dd.float_safe(network, flat, "float64", "argmax")
    same = int((found == expected)[close].sum())
    wanted = f"all; >= 99% of {count(len(X))}"
    is_right = same == close.sum() >= 0.99 * len(X)
    yield Line("onnx", f"{family}, {name}: program = network", f"{same} of {int(close.sum())}", wanted, is_right)
    safe = dd.float_safe(network, flat, head="argmax")
    theirs = _run(model, X).reshape(len(X), -1)
    labels = theirs.argmax(axis=1) if theirs.shape[1] > 1 else theirs.ravel()
    right = int((labels == expected)[safe].sum())
    wanted = f"all; >= 90% of {count(len(X))} safe"
    is_right = right == safe.sum() >= 0.9 * len(X)
    yield Line(
        "onnx", f"{family}, {name}: onnxruntime = network", f"{right} of {int(safe.sum())} safe", wanted, is_right
    )


def _trees(X: np.ndarray, y: np.ndarray, near: np.ndarray) -> Iterator[Line]:
    """A forest, and inputs of which half are thresholds or the doubles next to them."""
    proto = to_onnx(RandomForestClassifier(20, max_depth=6, random_state=0).fit(X, y), single(X[:1]))
    ensemble = as_model(proto)
    assert isinstance(ensemble, Ensemble)
    rng = np.random.default_rng(0)
    for k in range(X.shape[1]):
        cuts = single(np.concatenate([tree.cut[tree.feature == k] for tree in ensemble.trees]))
        beside = np.nextafter(cuts, cuts + rng.integers(-1, 2, len(cuts)).astype(np.float32))
        near[:, k] = np.where(rng.random(len(near)) < 0.5, rng.choice(beside, len(near)), near[:, k])
    expected = evaluate_ensemble(ensemble, near)
    found = np.asarray(compiled(dd.distill(proto, "x: real[4]").rule, "jit")([near])).ravel()
    same = int((found == expected).sum())
    yield Line("onnx", "scikit-learn, forest: program = model", f"{same} of {len(near)}", "all", same == len(near))
    safe = dd.float_safe(proto, near)
    right = int((_run(proto, near).ravel() == expected)[safe].sum())
    what, is_right = f"{right} of {int(safe.sum())} safe", right == safe.sum() >= 0.9 * len(near)
    yield Line("onnx", "scikit-learn, forest: onnxruntime = model", what, "all; >= 90% safe", is_right)


def _sklearn() -> Iterator[Line]:
    X, y = load_iris(return_X_y=True)
    rng = np.random.default_rng(0)
    near = single(X[rng.integers(0, len(X), INPUTS)] * rng.normal(1, 0.2, (INPUTS, 4))).astype(np.float64)
    models = {
        "logistic regression": make_pipeline(StandardScaler(), LogisticRegression()),
        "linear svc": LinearSVC(random_state=0),
        "mlp": MLPClassifier((8,), random_state=0, max_iter=100),
    }
    for name, model in models.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(X, y)
            proto = to_onnx(model, single(X[:1]))
        yield from _family("scikit-learn", name, proto, "x: real[4]", near)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        proto = to_onnx(Ridge().fit(X, y), single(X[:1]))
    exact = evaluate(as_network(proto), near).astype(np.float64).ravel()
    apart = float(np.abs(_run(proto, near).ravel() - exact).max())
    yield Line("onnx", "scikit-learn, ridge: onnxruntime - network", f"{apart:.1e}", "< 1e-5", apart < 1e-5)
    yield from _trees(X, y, near)
