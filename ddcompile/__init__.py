"""ddcompile: compile trained networks to short, readable, proved rules.

    import ddcompile as dd

    program = dd.distill("net.npz", inputs="image: bit[28, 28]", head="argmax")
    print(program, program.verdict)
    program(images)

Everything public is listed in `__all__` and imported when it is first used, so `import ddcompile` is quick.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ddcompile.backends.shared.target import EmitOptions, EmittedFile
    from ddcompile.diagnostics import CompileError, Diagnostic, Location
    from ddcompile.driver import UnprovedWarning, distill, emit, load, optimize, parse, verify
    from ddcompile.facts import float_safe, inspect
    from ddcompile.frontends import load_network
    from ddcompile.frontends.fusing import RoundedWarning
    from ddcompile.frontends.network import Layer, Network, Sparse
    from ddcompile.general import check, generalize
    from ddcompile.generalization.evidence import Generalization
    from ddcompile.program import Program
    from ddcompile.prove.certificate import Certificate
    from ddcompile.prove.verdict import Verdict
    from ddcompile.repetition import iterate, scan
    from ddcompile.runtime.packed import Packed, pack, unpack

__version__ = "0.1.0"

__all__ = [
    "Certificate",
    "CompileError",
    "Diagnostic",
    "EmitOptions",
    "EmittedFile",
    "Generalization",
    "Layer",
    "Location",
    "Network",
    "Packed",
    "Program",
    "RoundedWarning",
    "Sparse",
    "UnprovedWarning",
    "Verdict",
    "__version__",
    "check",
    "distill",
    "emit",
    "float_safe",
    "generalize",
    "inspect",
    "iterate",
    "load",
    "load_network",
    "optimize",
    "pack",
    "parse",
    "scan",
    "unpack",
    "verify",
]

_HOMES = {
    "ddcompile.backends.shared.target": ("EmitOptions", "EmittedFile"),
    "ddcompile.diagnostics": ("CompileError", "Diagnostic", "Location"),
    "ddcompile.driver": ("UnprovedWarning", "distill", "emit", "load", "optimize", "parse", "verify"),
    "ddcompile.facts": ("float_safe", "inspect"),
    "ddcompile.frontends": ("load_network",),
    "ddcompile.frontends.fusing": ("RoundedWarning",),
    "ddcompile.general": ("check", "generalize"),
    "ddcompile.generalization.evidence": ("Generalization",),
    "ddcompile.frontends.network": ("Layer", "Network", "Sparse"),
    "ddcompile.program": ("Program",),
    "ddcompile.prove.certificate": ("Certificate",),
    "ddcompile.prove.verdict": ("Verdict",),
    "ddcompile.repetition": ("iterate", "scan"),
    "ddcompile.runtime.packed": ("Packed", "pack", "unpack"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

# Python started in the root of a clone finds this folder before the installed package, but backends/ and grammars/ are
# mapped into the package only when it is installed: they are found beside it then.
_clone = os.path.dirname(os.path.dirname(__file__))
if os.path.isfile(os.path.join(_clone, "pyproject.toml")) and os.path.isdir(os.path.join(_clone, "backends")):
    __path__.append(_clone)


def __getattr__(name: str) -> Any:
    if name == "learn":
        return import_module("ddcompile.learn")
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
