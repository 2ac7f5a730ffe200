"""What cannot be imported of ONNX: the code, the node, why, what to do. All of it golden."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper, parser, save_model

import ddcompile as dd
from ddcompile.diagnostics import CompileError
from ddcompile.frontends import as_network

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


def node(op: str, *inputs: str, to: str = "y", **attributes: Any) -> Any:
    """A node with a name of its own."""
    return helper.make_node(op, list(inputs), [to], f"/net/{op}", **attributes)


def model_of(
    *nodes: Any,
    shape: tuple[int | str, ...] = ("N", 4),
    kind: int = FLOAT,
    rank: int = 2,
    version: int = 21,
    **constants: Any,
) -> ModelProto:
    graph = helper.make_graph(
        list(nodes),
        "graph",
        [helper.make_tensor_value_info("x", kind, list(shape))],
        [helper.make_tensor_value_info("y", FLOAT, [None] * rank)],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()],
    )
    versions = [helper.make_opsetid("", version), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=versions, ir_version=10)


def single(*numbers: float) -> np.ndarray:
    return np.array(numbers, dtype=np.float32)


MODELS: dict[str, ModelProto] = {
    "an operator": model_of(node("Erf", "x")),
    "an operator with a hint": model_of(node("LogSoftmax", "x")),
    "a domain": model_of(helper.make_node("Gelu", ["x"], ["y"], "/net/Gelu", domain="com.microsoft")),
    "a product": model_of(node("Mul", "x", "x")),
    "a quotient of integers": model_of(node("Div", "x", "c"), kind=INT64, c=np.array([2])),
    "a mean of integers": model_of(
        node("ReduceMean", "x", "axes", to="m"),
        helper.make_node("Cast", ["m"], ["y"], "/net/Cast", to=FLOAT),
        kind=INT64,
        axes=np.array([1]),
    ),
    "padding without end": model_of(node("Pad", "x", "p"), p=np.array([0, 10**9, 0, 0])),
    **{
        name: model_of(node(*given, **said), shape=("N", 1, 4), rank=3, K=np.ones((1, 1, 2), np.float32))
        for name, given, said in (
            ("windows without end", ("Conv", "x", "K"), {"pads": [10**9, 0]}),
            ("a window without end", ("MaxPool", "x"), {"kernel_shape": [10**9], "pads": [10**9 - 1, 10**9 - 1]}),
            ("strides without end", ("ConvTranspose", "x", "K"), {"strides": [10**9]}),
            ("no strides", ("Conv", "x", "K"), {"strides": [0], "auto_pad": "SAME_UPPER"}),
            ("no strides up", ("MaxPool", "x"), {"kernel_shape": [2], "strides": [0], "ceil_mode": 1}),
            ("no strides back", ("ConvTranspose", "x", "K"), {"strides": [0]}),
            ("no groups", ("ConvTranspose", "x", "K"), {"group": 0}),
        )
    },
    "matrices": model_of(node("Transpose", "x", to="t"), node("MatMul", "x", "t")),
    "a mean over samples": model_of(node("ReduceSum", "x", "axes"), axes=np.array([0])),
    "a batch by its size": model_of(node("Reshape", "x", "s"), s=np.array([2, 4])),
    "samples that are mixed": model_of(node("Reshape", "x", "s", to="t"), node("Relu", "t"), s=np.array([4, -1])),
    "constants for every sample": model_of(node("Add", "x", "c"), c=np.arange(8, dtype=np.float32).reshape(2, 4)),
    "rounding": model_of(
        helper.make_node("Cast", ["x"], ["t"], "/net/Cast", to=TensorProto.FLOAT16), node("Relu", "t")
    ),
    "truncation": model_of(helper.make_node("Cast", ["x"], ["y"], "/net/Cast", to=INT64)),
    "an overflow": model_of(node("Add", "x", "x"), kind=TensorProto.INT8),
    "truth values": model_of(node("Relu", "x"), kind=TensorProto.BOOL),
    "numbers": model_of(node("Relu", "x", to="t"), node("Not", "t")),
    "softmax inside": model_of(node("Softmax", "x", to="t"), node("Relu", "t")),
    "training": model_of(node("Dropout", "x", "r", "t"), r=single(0.5)[0], t=np.array(True)),
    "not finite": model_of(node("Add", "x", "c"), c=single(1, float("nan"), 2, 3)),
    "a branch": model_of(
        node("ReduceSum", "x", to="s", keepdims=0),
        helper.make_node("Cast", ["s"], ["b"], to=TensorProto.BOOL),
        node(
            "If",
            "b",
            then_branch=helper.make_graph(
                [node("Relu", "x", to="t")], "then", [], [helper.make_tensor_value_info("t", FLOAT, [None, 4])]
            ),
            else_branch=helper.make_graph(
                [node("Neg", "x", to="e")], "else", [], [helper.make_tensor_value_info("e", FLOAT, [None, 4])]
            ),
        ),
    ),
    "chance": model_of(node("RandomNormal", to="r", shape=[4]), node("Add", "x", "r")),
    "an enormous constant": model_of(
        node("ConstantOfShape", "s", to="c"), node("Add", "x", "c"), s=np.array([2**20, 2**20])
    ),
    "shapes": model_of(node("MatMul", "x", "W"), W=np.ones((5, 2), dtype=np.float32)),
    "a dynamic shape": model_of(node("Relu", "x"), shape=("N", "length")),
    "a shape by values": model_of(
        helper.make_node("Cast", ["x"], ["s"], to=INT64), node("Expand", "c", "s"), kind=TensorProto.UINT8, c=single(1)
    ),
    "text": model_of(node("Identity", "x"), kind=TensorProto.STRING),
    "an old version": model_of(node("Relu", "x"), version=6),
    "a constant result": model_of(node("Relu", "x", to="t"), node("Add", "c", "c"), c=single(1)),
    "invalid": model_of(node("Relu", "nothing")),
    "no nodes": model_of(),
}


def told(error: CompileError) -> str:
    (diagnostic,) = error.diagnostics
    return str(diagnostic)


def test_models(golden: Any) -> None:
    lines = []
    for name, model in MODELS.items():
        with pytest.raises(CompileError) as caught:
            as_network(model)
        lines.append(f"# {name}\n{told(caught.value)}")
    golden("frontends/onnx_errors.txt", "\n".join(lines))


def matrix() -> ModelProto:
    return model_of(node("MatMul", "x", "W"), W=np.ones((4, 300), dtype=np.float32))


def test_files(golden: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    model = matrix()
    save_model(model, "net.onnx")
    whole = Path("net.onnx").read_bytes()
    Path("cut.onnx").write_bytes(whole[:-100])
    Path("text.onnx").write_text("no model at all")
    Path("empty.onnx").write_bytes(b"")
    Path("second.onnx").write_bytes(whole)
    Path("folder").mkdir()
    save_model(matrix(), "beside.onnx", save_as_external_data=True, location="beside.bin", size_threshold=0)
    Path("beside.bin").write_bytes(Path("beside.bin").read_bytes()[:100])
    save_model(matrix(), "lost.onnx", save_as_external_data=True, location="lost.bin", size_threshold=0)
    Path("lost.bin").unlink()
    Path("outside.bin").write_bytes(bytes(4800))
    for name, place in (("above", "../outside.bin"), ("absolute", str(tmp_path / "outside.bin")), ("link", "link.bin")):
        changed = ModelProto()
        changed.CopyFrom(model)
        (tensor,) = changed.graph.initializer
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=place)
        Path(f"folder/{name}.onnx").write_bytes(changed.SerializeToString())
    Path("folder/link.bin").symlink_to(tmp_path / "outside.bin")
    lines = []
    for paths in (
        *([f"{name}.onnx"] for name in ("missing", "cut", "text", "empty", "beside", "lost")),
        *([f"folder/{name}.onnx"] for name in ("above", "absolute", "link")),
        ["net.onnx", "second.onnx"],
    ):
        with pytest.raises(CompileError) as caught:
            dd.load_network(paths)
        lines.append(told(caught.value).replace(str(tmp_path), "..."))
    with pytest.raises(CompileError) as caught:
        dd.load_network("net.onnx", activation="sign")
    lines.append(told(caught.value))
    external = ModelProto()
    external.ParseFromString(Path("lost.onnx").read_bytes())
    with pytest.raises(CompileError) as caught:
        as_network(external)
    lines.append(told(caught.value))
    golden("frontends/onnx_files.txt", "\n".join(lines))


def test_without_the_package(tmp_path: Path) -> None:
    save_model(model_of(node("Relu", "x")), tmp_path / "net.onnx")
    text = f"""
import sys
sys.modules["onnx"] = None
import ddcompile as dd
try:
    dd.load_network({str(tmp_path / "net.onnx")!r})
except dd.CompileError as error:
    print(error.diagnostics[0].code, error.diagnostics[0].message, error.diagnostics[0].hint, sep="; ")
"""
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    expected = "N501; ONNX models need the package onnx, which is not installed; pip install 'ddcompile[onnx]'"
    assert done.stdout.strip() == expected


def test_onnx_is_imported_for_its_models_alone() -> None:
    text = "import ddcompile as dd, sys; dd.load_network; assert not {'onnx', 'google.protobuf'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", text], check=True)


def test_damaged_files_are_told(tmp_path: Path) -> None:
    """Bytes changed or cut off anywhere: a network, or a message."""
    weight, low = np.eye(4, dtype=np.float32), single(0)[0]
    model = model_of(node("Gemm", "x", "W", to="h", transB=1), node("Clip", "h", "low"), W=weight, low=low)
    whole, rng = model.SerializeToString(), np.random.default_rng(0)
    outcomes = set()
    for _ in range(200):
        damaged = bytearray(whole)
        for place in rng.integers(0, len(whole), rng.integers(1, 4)):
            damaged[place] = rng.integers(256)
        (tmp_path / "net.onnx").write_bytes(damaged[: rng.integers(len(whole)) if rng.random() < 0.2 else None])
        try:
            dd.load_network(tmp_path / "net.onnx")
            outcomes.add("network")
        except CompileError as error:
            outcomes.add(error.diagnostics[0].code)
    assert {"network", "N502"} <= outcomes


def test_a_tensor_too_large_is_not_made() -> None:
    places = model_of(node("OneHot", "x", "depth", "values"), kind=INT64, rank=3, depth=2**40, values=single(0, 1))
    with pytest.raises(CompileError, match=r"/net/OneHot.*N507.*tensor of \d+ elements, more than"):
        as_network(places)


MISFITS = {
    "`Hardmax` over the samples of the batch": "y = Hardmax <axis = 0> (x)",
    "`OneHot` of 1 depths and 3 values; it takes one, and two": "a = ArgMax <axis = 1> (x) y = OneHot (a, six, three)",
    "`OneHot` of 6 places at axis 7 of a tensor of 3 axes": "y = OneHot <axis = 7> (x, six, two)",
    "`Resize` over axes [9] of a tensor of 2 axes": "y = Resize <axes = [9]> (x, , scale)",
    "`Resize` over axes [1, 1] of a tensor of 2 axes": "y = Resize <axes = [1, 1]> (x, , scales)",
    "`Tile` does not take values of shape (2, 6), the numbers [2]": "y = Tile (x, once)",
    "`Slice` does not take values of shape (2, 6), the numbers [2], the numbers [1, 1]": "y = Slice (x, once, twice)",
    "`Split` does not take values of shape (2, 6), the numbers [1, 1], axis = 1": "y, z = Split <axis = 1> (x, twice)",
    "`Gather` does not take values of shape (2, 6), the numbers [9], axis = 1": "y = Gather <axis = 1> (x, far)",
    "`Range` does not take the number 0, the number 4, the number 0": "r = Range (zero, four, zero) y = Add (x, r)",
}
"""What is said of operands that do not fit: never what numpy says of its arrays."""


@pytest.mark.parametrize("said", MISFITS)
def test_operands_that_do_not_fit(said: str) -> None:
    constants = {
        "six": np.int64(6), "zero": np.int64(0), "four": np.int64(4), "once": np.int64([2]), "twice": np.int64([1, 1]),
        "far": np.int64([9]), "two": np.float32([0, 1]), "three": np.float32([0, 1, 2]),
        "scale": np.float32([2]), "scales": np.float32([2, 2]),
    }  # fmt: skip
    graph = parser.parse_graph(f"g (float[N, 6] x) => (float y) {{ {MISFITS[said]} }}")
    graph.initializer.extend(numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items())
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    with pytest.raises(CompileError) as caught:
        as_network(model)
    assert f"]: {said}" in str(caught.value).splitlines()[0]
