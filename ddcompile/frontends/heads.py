"""Write what is done with the last layer."""

from __future__ import annotations

from collections.abc import Sequence

from ddcompile.frontends.forms import Tensor, binders, flat_index
from ddcompile.frontends.writer import Writer
from ddcompile.ir.builder import add
from ddcompile.ir.nodes import Index, Read, Reduce, Softmax

__all__ = ["write_argmax", "write_softmax"]


def write_argmax(writer: Writer, score: Tensor, targets: Sequence[Tensor]) -> None:
    """`class = argmax(u < 10: score[u])`."""
    (target,), (u,) = targets, writer.indices(score.shape)
    writer.define(target, (), Reduce("argmax", binders((u,), score.shape), Read(score.name, (Index(u),))))


def write_softmax(writer: Writer, score: Tensor, targets: Sequence[Tensor]) -> None:
    """`p[u < 10] = softmax(v < 10: score[v])[u]`."""
    (bound,) = writer.names.indices("v", 1)
    (binder,) = binders((bound,), score.shape)
    start = 0
    for target in targets:
        at = writer.indices(target.shape)
        place = add(flat_index(target.shape, at), start)
        writer.define(target, at, Softmax(binder, Read(score.name, (Index(bound),)), place))
        start += target.count
