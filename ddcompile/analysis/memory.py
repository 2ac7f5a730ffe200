"""What engines that keep every tensor of a rule can hold.

| code | says |
|---|---|
| E014 | a tensor is too large to be kept |
"""

from __future__ import annotations

from math import prod

from ddcompile.diagnostics import fail
from ddcompile.ir.types import Types

__all__ = ["check_memory"]

_ELEMENTS = 1 << 28
"""Elements of a tensor of a sample."""


def check_memory(types: Types) -> None:
    """Refuse a rule without sizes if one of its tensors is too large to be kept as a whole.

    Raises
    ------
    CompileError
        E014, naming the tensor.
    """
    for statement in types.rule.statements:
        count = prod(types.shape[statement.target])
        if count > _ELEMENTS:
            message = f"`{statement.target}` has {count} elements; at most {_ELEMENTS} are kept"
            hint = "the JIT does not keep the tensors of rules that its schedule grid takes"
            raise fail("E014", message, location=statement.location, hint=hint)
