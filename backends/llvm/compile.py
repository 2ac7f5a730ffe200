"""LLVM text to machine code: object code for a file, or functions in this process. No other module imports llvmlite.

No flag changes what a program computes: arithmetic on doubles has no flags in the modules, and is not contracted.
"""

from __future__ import annotations

import ctypes
from functools import cache
from threading import Lock
from typing import Any

import llvmlite.binding as llvm

__all__ = ["Library", "object_code"]

_lock = Lock()
"""Held while a module is parsed and compiled: all modules share one LLVM context."""
_LARGE = 20_000
"""Instructions of a module beyond which nothing is optimised: the passes are not linear in the length of straight-line
code, and recurse along it."""


@cache
def _initialize() -> None:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()


def _optimized(text: str, **machine_options: Any) -> tuple[Any, Any]:
    """Parse, verify and optimise a module; the module and the target machine it is for."""
    _initialize()
    # Tables are not counted: their lines are neither values nor stores nor calls.
    level = 3 if sum(text.count(start) for start in ("\n  %", "\n  store", "\n  call")) < _LARGE else 0
    tuning = llvm.create_pipeline_tuning_options(speed_level=level)
    triple = llvm.get_process_triple()
    machine = llvm.Target.from_triple(triple).create_target_machine(opt=level, **machine_options)
    module = llvm.parse_assembly(text)
    module.triple = triple
    module.data_layout = str(machine.target_data)
    module.verify()
    builder = llvm.create_pass_builder(machine, tuning)
    builder.getModulePassManager().run(module, builder)
    return module, machine


def object_code(text: str) -> bytes:
    """Compile a module to position-independent object code that runs on every model of this architecture."""
    with _lock:
        module, machine = _optimized(text, reloc="pic", codemodel="default")
        code: bytes = machine.emit_object(module)
    return code


class Library:
    """The functions of a module, compiled for the processor at hand.

    The code is freed with the library, so whoever calls a function keeps the library alive.
    """

    def __init__(self, text: str) -> None:
        with _lock:
            module, machine = _optimized(
                text, cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), jit=True
            )
            self._engine = llvm.create_mcjit_compiler(module, machine)
            sizes: list[int] = []
            self._engine.set_object_cache(notify_func=lambda _, code: sizes.append(len(code)))
            self._engine.finalize_object()
            self.size = sum(sizes)
            """Bytes of the object code."""

    def function(self, name: str, *arguments: Any, result: Any = None) -> Any:
        """A function of ctypes arguments, without a result by default. It lets other threads of Python run."""
        return ctypes.CFUNCTYPE(result, *arguments)(self._engine.get_function_address(name))
