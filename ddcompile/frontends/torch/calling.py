"""A torch module as a function of arrays: nothing of it is read, it is only run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from ddcompile.diagnostics import fail

__all__ = ["function_of"]


def function_of(module: nn.Module) -> Callable[..., Any]:
    """What the module gives for arrays, one an input with the batch axis first, in its own type of floats.

    Raises
    ------
    CompileError
        N403 if it is in training mode.
    """
    if module.training:
        raise fail("N403", "the module is in training mode", place=type(module).__name__, hint="call .eval() first")
    kinds = [p.dtype for p in (*module.parameters(), *module.buffers()) if p.dtype.is_floating_point]
    kind = kinds[0] if kinds else torch.float32

    def run(*arrays: np.ndarray) -> Any:
        with torch.no_grad():
            result = module(*(torch.from_numpy(array.astype(np.float64)).to(kind) for array in arrays))
        if isinstance(result, torch.Tensor):
            return (result.float() if result.dtype == torch.bfloat16 else result).cpu().numpy()
        return result

    return run
