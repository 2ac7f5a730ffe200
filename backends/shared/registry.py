"""The targets by name, each imported when it is first asked for."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module

from ddcompile.backends.shared.target import Target
from ddcompile.diagnostics import fail

__all__ = ["names", "target", "targets"]

_TARGETS = {
    "c": ("ddcompile.backends.c.target", "CTarget"),
    "llvm": ("ddcompile.backends.llvm.target", "LLVMTarget"),
    "python": ("ddcompile.backends.python.target", "PythonTarget"),
}


def names() -> tuple[str, ...]:
    """The names of all targets, sorted; imports none."""
    return tuple(sorted(_TARGETS))


def target(name: str) -> Target:
    """The target of this name.

    Raises
    ------
    CompileError
        E001 if there is none.
    """
    if name not in _TARGETS:
        close = get_close_matches(name, _TARGETS, n=1)
        hint = f"did you mean {close[0]}?" if close else f"the targets are {', '.join(names())}"
        raise fail("E001", f"unknown target {name!r}", hint=hint)
    module, attribute = _TARGETS[name]
    made = getattr(import_module(module), attribute)()
    assert isinstance(made, Target)
    return made


def targets() -> dict[str, Target]:
    """All targets by name."""
    return {name: target(name) for name in names()}
