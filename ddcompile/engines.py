"""The four ways to run a rule. All give the same arrays, bit for bit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from ddcompile.ir.nodes import Rule

__all__ = ["ENGINES", "Engine", "compiled"]

Engine: TypeAlias = Callable[[Sequence[Any]], Any]
"""From one array an input to the result, or a NamedTuple of results."""


def compiled(rule: Rule, engine: str, n_jobs: int = 1, schedule: str = "auto") -> Engine:
    """A rule made ready to run.

    Parameters
    ----------
    rule : Rule
        Verified. One with sizes is compiled once for all of them in C, and by the JIT again for every shape.
    engine : {"jit", "interpreter", "python", "c"}
    n_jobs : int
        Threads that share a batch; the engine jit alone has them.
    schedule : str
        Of the engine jit (see `ddcompile.kernel.schedules`).

    Raises
    ------
    CompileError
        E### if the engine cannot take the rule, or a tool that it needs is missing.
    """
    return ENGINES[engine](rule, n_jobs) if schedule == "auto" else _jit(rule, n_jobs, schedule)


def _jit(rule: Rule, n_jobs: int, schedule: str = "auto") -> Engine:
    from ddcompile.backends.llvm.jit import compile_jit

    function = compile_jit(rule, n_jobs, schedule)
    return lambda arrays: function(*arrays)


def _interpreter(rule: Rule, n_jobs: int) -> Engine:
    from ddcompile.interpreter import interpret
    from ddcompile.runtime.arrays import bundle

    return lambda arrays: bundle(rule, interpret(rule, arrays))


def _python(rule: Rule, n_jobs: int) -> Engine:
    from ddcompile.backends.python.run import compile_python

    return compile_python(rule)


def _c(rule: Rule, n_jobs: int) -> Engine:
    from ddcompile.backends.c.build import CFunction

    function = CFunction(rule)
    return lambda arrays: function(*arrays)


ENGINES: Mapping[str, Callable[[Rule, int], Engine]] = MappingProxyType(
    {"jit": _jit, "interpreter": _interpreter, "python": _python, "c": _c}
)
"""How each engine makes a rule ready, by name."""
