"""Why operations of torch are not imported, and what to do instead."""

from __future__ import annotations

from ddcompile.diagnostics import CompileError, fail

__all__ = ["is_refused", "refusal"]

_SURROGATE = 'or take a tree that stands for the network: dd.distill(net, inputs, via="tree")'
_SMOOTH = (
    "a smooth function that has no exact values",
    f"train with relu, leaky_relu, hardtanh or hardsigmoid; tanh and sigmoid are imported; {_SURROGATE}",
    "celu elu elu_ erf erfc exp exp2 expm1 gelu glu hardswish log log10 log1p log2 logaddexp logsigmoid logsumexp mish "
    "rsqrt selu silu sin cos tan softmin softplus softsign sqrt swish tanhshrink xlogy",
)
_NORMS = (
    "it divides values by a root of their own squares",
    f"batch norm is imported, its statistics are constants; {_SURROGATE}",
    "cosine_similarity group_norm groupnorm instance_norm instancenorm1d instancenorm2d instancenorm3d layer_norm "
    "layernorm linalg_norm linalg_vector_norm local_response_norm localresponsenorm norm normalize rms_norm rmsnorm "
    "std std_mean var var_mean",
)
_ATTENTION = (
    "it multiplies values with one another, and takes their softmax",
    f"networks without attention are imported; {_SURROGATE}",
    "_native_multi_head_attention multi_head_attention_forward multiheadattention scaled_dot_product_attention "
    "transformer transformerdecoder transformerdecoderlayer transformerencoder transformerencoderlayer",
)
_GATED = (
    "its gates multiply values with one another",
    f"nn.RNN and nn.RNNCell are imported; {_SURROGATE}",
    "gru grucell lstm lstmcell",
)
_PRODUCTS = (
    "products of values are not imported, but by constants, signs and truth values",
    f"constants may be raised to any power; {_SURROGATE}",
    "addbmm addcdiv addcmul baddbmm bilinear bmm cdist cumprod dot float_power inner outer pow prod square tensordot "
    "cross kron mv vdot",
)
_ORDERS = (
    "where values go to depends on them",
    "amax and amin give values, argmax(dim=1) gives a number",
    "argsort gather kthvalue masked_select median mode msort nonzero quantile scatter scatter_add sort take "
    "take_along_dim topk unique max_unpool1d max_unpool2d maxunpool2d",
)
_ROUNDING = (
    "it rounds values, however many levels they may have",
    "compare with constants, round a sigmoid, or quantise: torch.quantize_per_tensor",
    "ceil fix floor floor_divide floordiv fmod frac mod remainder round trunc",
)
_LOGARITHMS = (
    "it takes logarithms of a softmax",
    "leave it out and use head='argmax' or head='softmax'",
    "logsoftmax log_softmax _log_softmax softmax2d",
)
_BETWEEN = (
    "it mixes neighbours by weights of its own",
    "mode='nearest', or a fixed convolution",
    "grid_sample upsample_bicubic2d upsample_bilinear2d upsample_linear1d upsample_trilinear3d",
)
_CHANCE = ("it depends on chance", "leave it out", "bernoulli gumbel_softmax normal rand rand_like randn randn_like")

_REASONS = {
    name: (why, hint)
    for why, hint, names in (
        _SMOOTH, _NORMS, _ATTENTION, _GATED, _PRODUCTS, _ORDERS, _ROUNDING, _LOGARITHMS, _BETWEEN, _CHANCE,
    )
    for name in names.split()
}  # fmt: skip
_ANY = "what is imported: linear layers, convolutions, pooling, arithmetic with constants, shapes, sign, relu, ..."


def is_refused(name: str) -> bool:
    """Whether it is known of an operation or a module why it is not imported."""
    return name.lower() in _REASONS


def refusal(name: str, place: str) -> CompileError:
    """The refusal of an operation or a module that is not imported: N402."""
    why, hint = _REASONS.get(name.lower().rstrip("_"), ("", _ANY))
    return fail("N402", f"`{name}` is not an operation that is imported{why and ': '}{why}", place=place, hint=hint)
