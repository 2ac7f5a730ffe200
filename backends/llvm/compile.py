"""LLVM text to machine code: object code for a file, or functions in this process. No other module imports llvmlite.

No flag changes what a program computes: arithmetic on doubles has no flags in the modules, and is not contracted.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import llvmlite
import llvmlite.binding as llvm

__all__ = ["Library", "host", "native_code", "object_code", "versions"]

_LARGE = 20_000
"""Instructions of a module beyond which nothing is optimised: the passes are not linear in the length of straight-line
code, and recurse along it. Without them the time is linear: about 12 microseconds an instruction."""


@cache
def _initialize() -> None:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()


@cache
def host() -> tuple[str, str, str]:
    """The triple, the name and the features of the processor at hand."""
    _initialize()
    return llvm.get_process_triple(), llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()


def versions() -> str:
    """What compiles."""
    return f"llvmlite {llvmlite.__version__}, LLVM {'.'.join(map(str, llvm.llvm_version_info))}"


def _compiled(text: str, **machine_options: Any) -> bytes:
    """Parse, verify, optimise and compile a module."""
    triple = host()[0]
    # Tables are not counted: their lines are neither values nor stores nor calls.
    level = 3 if sum(text.count(start) for start in ("\n  %", "\n  store", "\n  call")) < _LARGE else 0
    tuning = llvm.create_pipeline_tuning_options(speed_level=level)
    machine = llvm.Target.from_triple(triple).create_target_machine(opt=level, **machine_options)
    # What a context has ever named stays in its memory, so each module has its own.
    module = llvm.parse_assembly(text, llvm.create_context())
    module.triple = triple
    module.data_layout = str(machine.target_data)
    module.verify()
    # What was found about the module goes before the module does.
    with llvm.create_pass_builder(machine, tuning) as builder:
        passes = builder.getModulePassManager()
        passes.run(module, builder)
        # llvmlite (0.50) does not free it: of two methods that its class inherits, Python takes the one for no object.
        llvm.NewPassManager._dispose(passes)
        passes.detach()
    code: bytes = machine.emit_object(module)
    return code


def object_code(text: str) -> bytes:
    """Compile a module to position-independent object code that runs on every model of this architecture."""
    return _compiled(text, reloc="pic", codemodel="default")


def native_code(text: str) -> bytes:
    """Compile a module to object code for a `Library` in this process, for the processor at hand."""
    _, cpu, features = host()
    return _compiled(text, cpu=cpu, features=features, jit=True)


class Library:
    """The functions of object code, ready to be called.

    The code is freed with the library, so whoever calls a function keeps the library alive.

    Parameters
    ----------
    code
        Of `native_code`, by a processor like this one.
    """

    def __init__(self, code: bytes) -> None:
        triple = host()[0]
        module = llvm.parse_assembly("")
        machine = llvm.Target.from_triple(triple).create_target_machine(opt=0, jit=True)
        self._engine = llvm.create_mcjit_compiler(module, machine)
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self._engine.finalize_object()
        self.size = len(code)
        """Bytes of the object code."""

    def function(self, name: str, *arguments: Any, result: Any = None) -> Any:
        """A function of ctypes arguments, without a result by default. It lets other threads of Python run."""
        return ctypes.CFUNCTYPE(result, *arguments)(self._engine.get_function_address(name))
