"""Lowering of softmax: the greatest score and the sum of powers come once, in the outermost block that has all of it.

y[u < 10] = softmax(v < 10: s[v])[u]        var top: i8 = -128
                                            for v: i32 = 0 to 10 { ... }
                                            var total: f64 = 0.0
                                            for v: i32 = 0 to 10 { total = total + exp(f64(s[v] - top)) }
                                            for u: i32 = 0 to 10 { y[u] = exp(f64(s[u] - top)) / total }
"""

from __future__ import annotations

from ddcompile.ir.nodes import Softmax
from ddcompile.kernel.context import Context, Step
from ddcompile.kernel.operations import exact, subtract
from ddcompile.kernel.reals import Real, Scalar, apply, real_arith, to_real
from ddcompile.kernel.reductions import greatest_or_least, real_sum

__all__ = ["lower_softmax"]


def lower_softmax(context: Context, node: Softmax) -> Step:
    """exp(score - top) / total, the difference exact where the scores are, and rounded before exp is taken."""
    builder = context.builder
    with builder.at(context.home(node)):
        top = yield from greatest_or_least(context, node, "max", "top")

        def power(score: Scalar) -> Real:
            return apply("exp", to_real(builder.shallow(subtract(score, top))))

        total = yield from real_sum(context, node, "total", power)
    position = builder.atom(exact((yield node.position)))
    outer = context.indices.get(node.binder.name)
    context.indices[node.binder.name] = position
    score = yield node.body
    if outer is None:
        del context.indices[node.binder.name]
    else:
        context.indices[node.binder.name] = outer
    return real_arith("/", builder.shallow(power(score)), total)
