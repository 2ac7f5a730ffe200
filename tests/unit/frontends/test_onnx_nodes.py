"""The node tests of ONNX itself, for every operator that is imported."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper
from onnx.backend.test.loader import load_node_model_tests

from ddcompile.diagnostics import CompileError
from ddcompile.frontends import as_network
from ddcompile.frontends.dense import lower
from ddcompile.frontends.evaluate import evaluate
from ddcompile.frontends.onnx.importer import OPERATORS
from ddcompile.interpreter import interpret

REFUSED: Mapping[str, str] = {
    r"test_(add|sub|mul)_u?int(8|16)|test_(add|sub|mul)_uint(32|64)": "N509",  # they may overflow
    r"test_div_(u?int.*)": "N509",  # what is left over is dropped
    r"test_pow.*": "N505",  # powers of more than three values
    r"test_shape.*|test_size.*|test_dropout.*mask.*|test_training_dropout_zero_ratio_mask": "N510",  # constants
    r"test_maxpool_with_argmax.*": "N510",  # there are no places of the largest values
    r"test_constantofshape.*": "N507",  # the shape depends on the inputs
    r"test_training_dropout(?!_zero_ratio$).*": "N511",
    r"test_batchnorm_.*_training_mode": "N511",
    r"test_cast.*_to_(FLOAT8|FLOAT4|U?INT[24]).*|test_cast(like)?_(FLOAT4|FLOAT8|U?INT2).*|test_cast_e8m0.*": "N509",
    r"test_cast(like)?_(FLOAT|DOUBLE)_to_B?FLOAT16(_expanded)?|test_cast(like)?_DOUBLE_to_FLOAT(_expanded)?": "N509",
    r"test_cast_.*(STRING|string).*|test_equal_string.*|test_identity_(sequence|opt)": "N509",
    r"test_reduce_.*_empty_set.*|test_reshape_allowzero.*|test_split_zero_size.*|test_slice_start_out.*": "N507",
    r"test_(de)?quantizelinear_(e[45]m.*|float4.*|u?int2)": "N509",
    r"test_(de)?quantizelinear_blocked.*|test_quantizelinear_u?int16": "N506",  # 65,536 levels
    r"test_resize_.*(linear|cubic|crop|extrapolation|not_larger|not_smaller|antialias).*": "N506",
    r"test_ai_onnx_ml_tree_ensemble_single_tree": "N506",  # three rows that are one sample
    r"test_ai_onnx_ml_tree_ensemble_set_membership": "N506",
    r"test_resize_(downsample_(scales|sizes)_nearest|upsample_sizes_nearest(_axes.*)?)": "N506",  # no whole factors
    r"test_tri[lu]_zero": "N507",
    r"test_top_k.*": "N506",  # of three
    r"test_onehot_with_(negative_)?axis": "N509",  # at places that are floats
    r"test_not_.*": "N504",  # they say version 1
    r"test_softmax_axis_[01]": "N506",
    r"test_softmax_(?!example$).*": "N505",  # of several rows
}


@cache
def _cases() -> dict[str, Any]:
    """Models of one node that has an operator which is imported."""
    found = {}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        cases = load_node_model_tests()
    for case in cases:
        (node, *others) = case.model.graph.node
        domain = f"{node.domain}." if node.domain else ""
        if not others and f"{domain}{node.op_type}" in OPERATORS:
            found[case.name] = case
    return found


def _variants(model: ModelProto, arrays: list[Any]) -> Iterator[tuple[ModelProto, list[int]]]:
    """The model with all its inputs; then with one alone, the others being constants."""
    inputs = list(model.graph.input)
    for kept in [list(range(len(inputs))), *([k] for k in range(len(inputs)) if len(inputs) > 1)]:
        variant = ModelProto()
        variant.CopyFrom(model)
        variant.ir_version = max(variant.ir_version, 4)  # from then on, constants need not be inputs as well
        del variant.graph.input[:]
        for k, (value, array) in enumerate(zip(inputs, arrays, strict=True)):
            if k in kept:
                variant.graph.input.append(value)
            else:
                variant.graph.initializer.append(_tensor(array, value.name))
        yield variant, kept


def _tensor(array: Any, name: str) -> TensorProto:
    if isinstance(array, TensorProto):
        tensor = TensorProto()
        tensor.CopyFrom(array)
        tensor.name = name
        return tensor
    return numpy_helper.from_array(np.asarray(array), name)


def _with_sign(model: ModelProto) -> ModelProto:
    """The sign of the result."""
    changed = ModelProto()
    changed.CopyFrom(model)
    (result,) = changed.graph.output
    changed.graph.node.append(helper.make_node("Sign", [result.name], ["signs"]))
    result.name = "signs"
    return changed


def _numbers(array: Any) -> np.ndarray:
    flat = (numpy_helper.to_array(array) if isinstance(array, TensorProto) else np.asarray(array)).ravel()
    return flat.astype(np.float64 if flat.dtype.kind in "fV" else np.int64)


def _values(model: ModelProto, X: np.ndarray) -> tuple[np.ndarray, bool]:
    """What the network gives, and whether those are signs alone."""
    network = as_network(model)
    if any(layer.norm is not None for layer in network.layers):
        return evaluate(as_network(_with_sign(model)), X), True
    smooth = network.head == "softmax" or any(layer.activation in ("tanh", "sigmoid") for layer in network.layers)
    if smooth:
        rule = lower(network, f"x: real[{network.inputs}]", None, None, "r")
        return np.asarray(interpret(rule, [X])[0]), False
    return evaluate(network, X), False


@pytest.mark.parametrize("name", sorted(_cases()))
def test_node(name: str) -> None:
    """Some way to give its operands to the model is imported, and then right; or it is one of those refused."""
    case = _cases()[name]
    arrays, results = case.data_sets[0]
    refused = [code for pattern, code in REFUSED.items() if re.fullmatch(pattern, name)]
    codes, is_right = set(), False
    for model, kept in _variants(case.model, list(arrays)):
        try:
            as_network(model)
        except CompileError as error:
            codes.add(error.diagnostics[0].code)
            continue
        X = np.concatenate([_numbers(arrays[k]) for k in kept])[None]
        expected = np.concatenate([_numbers(result) for result in results if result is not None])
        found, signs = _values(model, np.where(np.isfinite(X), X, 0))
        finite = np.isfinite(expected)
        wanted = np.sign(expected) if signs else expected
        digits = 1e-4 if name == "test_averagepool_2d_ceil_last_window_starts_on_pad" else 1e-6  # said in four digits
        np.testing.assert_allclose(found.astype(np.float64).ravel()[finite], wanted[finite], rtol=1e-5, atol=digits)
        is_right = True
    if refused:
        assert not is_right
        assert refused[0] in codes
    else:
        assert is_right, codes
