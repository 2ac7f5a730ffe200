"""Which functions of the checker some certificates never need, so that tampering with them would not tell."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from types import CodeType, FrameType, FunctionType
from typing import Any

from ddcompile.prove.certificate import Certificate
from ddcompile.prove.checker import check

__all__ = ["uncovered"]

DECIDING = (
    *("bounds", "batch", "cones", "curves", "decide", "definitions", "elements", "extremes", "forms", "intervals"),
    *("kinds", "linear", "logic", "machine", "nodes", "operators", "ramps", "static", "steps", "store", "sweep"),
    "thresholds",
)
"""The modules of the checker by which something is accepted."""
REFUTING = {"batch.Batch.value", "steps._compared", "steps._named", "steps.check_results"}
"""What runs only where something is not accepted, or compares rules without a certificate."""


def uncovered(certificates: Iterable[Certificate]) -> list[str]:
    """The functions of the deciding modules that checking these certificates, all of them true, never enters."""
    missing: dict[CodeType, str] = {}
    for name in DECIDING:
        module = import_module(f"ddcompile.prove.{name}")
        for function in _functions(vars(module), module.__name__):
            missing[function.__code__] = f"{name}.{function.__qualname__}"

    def enter(frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            missing.pop(frame.f_code, None)

    before = sys.getprofile()
    sys.setprofile(enter)
    try:
        verdicts = [check(certificate) for certificate in certificates]
    finally:
        sys.setprofile(before)
    assert all(verdicts), [str(verdict) for verdict in verdicts if not verdict]
    generated = {name for name in missing.values() if "__" in name or "Like." in name}
    return sorted(set(missing.values()) - REFUTING - generated)


def _functions(members: Mapping[str, Any], module: str) -> Iterator[FunctionType]:
    for member in list(members.values()):
        if isinstance(member, property):
            member = member.fget
        member = getattr(member, "__func__", member)
        if isinstance(member, FunctionType) and member.__module__ == module:
            yield member
        elif isinstance(member, type) and member.__module__ == module:
            yield from _functions(vars(member), module)
