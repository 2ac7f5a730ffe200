"""What can be said of a module before it is traced."""

from __future__ import annotations

import torch
from torch import nn
from torch.ao.nn.quantized import QFunctional
from torch.ao.nn.quantized.modules.linear import LinearPackedParams
from torch.nn.modules import batchnorm, dropout, instancenorm
from torch.nn.modules.lazy import LazyModuleMixin

from ddcompile.diagnostics import fail
from ddcompile.frontends.torch.gates import is_gate_layer
from ddcompile.frontends.torch.quantized import MODULES as QUANTIZED

__all__ = ["check_module", "depends_on_mode", "float_type"]

_HOOKS = ("_forward_hooks", "_forward_pre_hooks")


def check_module(module: nn.Module, root: str) -> None:
    """Refuse modules whose forward pass is not the text of their class.

    Raises
    ------
    CompileError
        N404 if a module is compiled, scripted, quantised or spread over devices, or has hooks or another forward
        pass than its class; N405 if it waits for its first call.
    """
    for name, part in module.named_modules():
        place = f"{root}.{name}" if name else root
        kind = type(part)
        if hasattr(part, "_orig_mod"):
            hint = "give the module itself: compiled._orig_mod"
            raise fail("N404", "a module out of torch.compile cannot be traced", place=place, hint=hint)
        if isinstance(part, torch.jit.ScriptModule):
            hint = "give the module from which it was scripted or traced"
            raise fail("N404", "a scripted module cannot be traced", place=place, hint=hint)
        if isinstance(part, nn.DataParallel | nn.parallel.DistributedDataParallel):
            hint = "give the module itself: net.module"
            raise fail("N404", f"`{kind.__name__}` spreads a module over devices", place=place, hint=hint)
        if "forward" in vars(part):
            hint = "put it into a class of its own"
            raise fail("N404", "the forward pass of this object is not that of its class", place=place, hint=hint)
        if isinstance(part, LazyModuleMixin) and part.has_uninitialized_params():  # type: ignore[misc]
            hint = "call the module once, or load its weights"
            raise fail("N405", f"`{kind.__name__}` has no weights before its first call", place=place, hint=hint)
        if kind not in QUANTIZED and kind not in (LinearPackedParams, QFunctional):
            _check_quantized(kind, place)
        for hooks in _HOOKS:
            for hook in getattr(part, hooks).values():
                label = getattr(hook, "__qualname__", type(hook).__name__)
                hint = "remove the hook, or move what it does into the forward pass"
                if "SpectralNorm" in label or "WeightNorm" in label:
                    hint = "make its result permanent first: torch.nn.utils.remove_weight_norm, remove_spectral_norm"
                raise fail("N404", f"the module has the hook `{label}`, which may do anything", place=place, hint=hint)


def _check_quantized(kind: type, place: str) -> None:
    parts = kind.__module__.split(".")
    if parts[0] not in ("torch", "torchao"):
        return
    if "qat" in parts or kind.__name__ in ("FakeQuantize", "FusedMovingAvgObsFakeQuantize"):
        hint = "convert it first: torch.ao.quantization.convert(net)"
        raise fail("N404", f"`{kind.__name__}` is quantised only in part", place=place, hint=hint)
    if "dynamic" in parts:
        hint = "quantise statically: torch.ao.quantization.prepare, then convert"
        message = f"`{kind.__name__}` takes its scale from the values of a batch"
        raise fail("N404", message, place=place, hint=hint)
    if "quantized" in parts:
        known = ", ".join(sorted({known.__name__ for known in QUANTIZED}))
        hint = f"quantised modules that are imported: {known}; leave this one as it was"
        raise fail("N404", f"`{kind.__name__}`, which is quantised, is not imported", place=place, hint=hint)


def depends_on_mode(module: nn.Module) -> bool:
    """Whether a module of torch itself, or a layer of logic gates, does another thing in training mode."""
    if is_gate_layer(module):
        return True
    if type(module) in QUANTIZED:
        return False
    match module:
        case dropout._DropoutNd():
            return bool(module.p > 0)
        case batchnorm._NormBase():
            return not isinstance(module, instancenorm._InstanceNorm) or bool(module.track_running_stats)
        case nn.RReLU():
            return True
        case nn.RNN() | nn.MultiheadAttention():
            return bool(module.dropout > 0)
    return False


def float_type(module: nn.Module, root: str) -> torch.dtype:
    """The floating-point type of the weights; float32 if there are none.

    Raises
    ------
    CompileError
        N412 if there are several.
    """
    found: dict[torch.dtype, str] = {}
    for name, parameter in module.named_parameters():
        if parameter.dtype.is_floating_point:
            found.setdefault(parameter.dtype, f"{root}.{name}")
    if len(found) > 1:
        (first, one), (second, two) = list(found.items())[:2]
        message = f"`{one}` has type {first}, but `{two}` has type {second}"
        raise fail("N412", message, place=root, hint="convert the module to one type: net.float()")
    return next(iter(found), torch.float32)
