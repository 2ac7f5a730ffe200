"""Import ONNX models: every operator becomes exact layers, or a diagnostic that names its node.

Versions 7 to 28 of the operators of ONNX are imported. If all inputs have a first axis of any length, that is the
batch; every other axis has a fixed length. Functions of the model are put in their places, `If` with a known condition
is one of its branches, and what depends on constants alone is computed by the reference implementation of ONNX in the
types that the model says. Nothing of a model is run as code, and files of tensors are read only from its own folder.

| operators | |
|---|---|
| Gemm, MatMul | one operand is constant |
| Add, Sub, Sum, Mean, Neg, Mul, Div, Pow | factors and divisors are constants, or both factors signs or truth values; \
of several divisors the inverses must be doubles |
| Relu, LeakyRelu, PRelu, Clip, HardSigmoid, Abs, Sign, Max, Min | exact |
| Tanh, Sigmoid | rounded; exact where only `sigmoid(z) > 1/2` and the like is asked |
| Softmax | the end of the network |
| ArgMax, ArgMin | the end of the network, or comparisons of up to 64 scores |
| Greater, GreaterOrEqual, Less, LessOrEqual, Equal, And, Or, Xor, Not | exact |
| Where | between constants, or values with known bounds |
| Cast, CastLike | where no value is changed |
| Conv, ConvTranspose, MaxPool, GlobalMaxPool, AveragePool, GlobalAveragePool | windows, never dense matrices |
| BatchNormalization | exact before a sign, or if its factors are doubles; else merged if asked to |
| ReduceSum, ReduceMean, ReduceMax, ReduceMin, ReduceL1 | exact |
| Identity, Dropout, Flatten, Reshape, Squeeze, Unsqueeze, Transpose, Concat, Split, Slice, Gather, GatherElements, \
GatherND, Compress, Expand, Tile, Pad, Trilu, DepthToSpace, SpaceToDepth, ReverseSequence, Shape, Size | elements move |
| Einsum | of one tensor and at most one constant |
| CumSum, Hardmax, OneHot | exact |
| TopK | of one value |
| Resize, Upsample | to the nearest element, by whole factors or their inverses |
| MatMulInteger, ConvInteger, DequantizeLinear | exact |
| QuantizeLinear, QLinearConv, QLinearMatMul | exact products of scales, halves rounded to even; a comparison for \
every value and level, up to 2**18 of them |

| LinearClassifier, LinearRegressor, Scaler, Binarizer, Normalizer, ArrayFeatureExtractor, ZipMap of ai.onnx.ml | \
classes with texts as labels are numbered; of label and probabilities, which comes first |
| TreeEnsemble, TreeEnsembleClassifier, TreeEnsembleRegressor of ai.onnx.ml | of the inputs themselves; the end of the \
model, but for ArgMax, Softmax or Sigmoid |

Integers of 32 and 64 bits are taken not to overflow, as floats are; arithmetic in narrower ones must not.

| code | what is wrong |
|---|---|
| N501 | the package onnx is not installed |
| N502 | a file that is no model, or not a valid one |
| N503 | a file of tensors that is missing, damaged or in another folder |
| N504 | a version of operators that is not imported |
| N505 | an operator that is not imported, or not with such operands |
| N506 | an attribute or a constant with which an operator is not exact or not imported |
| N507 | shapes that do not fit, or depend on values |
| N508 | the samples of a batch are mixed |
| N509 | a number type at which an operator is another, or rounds |
| N510 | results that no network gives |
| N511 | an operator in training mode |
"""

from ddcompile.frontends.onnx.importer import network_of

__all__ = ["network_of"]
