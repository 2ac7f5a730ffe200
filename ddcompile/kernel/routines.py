"""Elementary functions as straight-line code of the kernel IR, from their procedures."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from ddcompile.analysis.elementary import ARGUMENT, ELEMENTARY, Procedure, Step
from ddcompile.kernel.nodes import (
    F64,
    I32,
    I64,
    Arith,
    ArithOp,
    Compare,
    CompareOp,
    Const,
    Convert,
    Declare,
    Expr,
    FromReal,
    Logic,
    Negate,
    Reinterpret,
    Select,
    ToReal,
    Var,
)
from ddcompile.kernel.scalars import bits_of, real_of
from ddcompile.kernel.traverse import variables

__all__ = ["Routine", "routine"]

_ARITH: dict[str, ArithOp] = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
_COMPARE: dict[str, CompareOp] = {"lt": "<", "eq": "=="}
_BIAS = 1023
_FRACTION = 52
"""The bits of a normal number are its exponent plus `_BIAS`, times 2**_FRACTION, plus the rest of its digits."""


@dataclass(frozen=True, slots=True)
class Routine:
    """A function of one real number: declarations of immutable variables, one operation each, and the result."""

    name: str
    argument: Var
    body: tuple[Declare, ...]
    result: Expr


@cache
def routine(name: str) -> Routine:
    """The routine of an elementary function."""
    return translate(ELEMENTARY[name])


def translate(procedure: Procedure) -> Routine:
    """A procedure as a routine.

    Every operation has a statement of its own, which keeps compilers from contracting two to one.
    """
    argument = Var(ARGUMENT, F64)
    known: dict[str, Expr] = {ARGUMENT: argument}
    body: list[Declare] = []
    for step in procedure.steps:
        operands = [known[name] for name in step.operands]
        if step.operation == "exponent":
            bits = Var(f"{step.name}_bits", I64)
            body.append(Declare(bits, Reinterpret(operands[0], I64)))
            operands = [bits]
        expr = _expression(step, operands)
        if not isinstance(expr, Const):
            variable = Var(step.name, expr.type)
            body.append(Declare(variable, expr))
            expr = variable
        known[step.name] = expr
    result = known[procedure.result]
    return Routine(procedure.name, argument, _needed(body, result), result)


def _needed(body: list[Declare], result: Expr) -> tuple[Declare, ...]:
    """The declarations that the result depends on."""
    used = set(variables(result))
    found = []
    for declare in reversed(body):
        if declare.variable.name in used:
            found.append(declare)
            used.update(variables(declare.value))
    return tuple(reversed(found))


def _expression(step: Step, operands: list[Expr]) -> Expr:
    match step.operation, operands:
        case "const", []:
            return Const(bits_of(step.value), F64)
        case ("add" | "sub" | "mul" | "div") as op, [left, right]:
            return Arith(_ARITH[op], left, right, F64)
        case "isub", [left, right]:
            return Arith("-", left, right, I32)
        case "neg", [operand]:
            return Negate(operand, F64)
        case ("lt" | "eq") as op, [left, right]:
            return Compare(_COMPARE[op], left, right)
        case "and", [left, right]:
            return Logic("and", left, right)
        case "select", [condition, then, otherwise]:
            return Select(condition, then, otherwise, F64)
        case "to_int", [Const(bits)]:
            return Const(int(real_of(bits)), I32)
        case "to_int", [operand]:
            return FromReal(operand, 0, I32)
        case "from_int", [operand]:
            return ToReal(operand)
        case "half", [operand]:
            return Arith(">>", operand, Const(1, I32), I32)
        case "pow2", [operand]:
            biased = Arith("+", Convert(operand, I64), Const(_BIAS, I64), I64)
            return Reinterpret(Arith("*", biased, Const(1 << _FRACTION, I64), I64), F64)
        case "exponent", [operand]:
            biased = Arith(">>", operand, Const(_FRACTION, I64), I64)
            return Convert(Arith("-", biased, Const(_BIAS, I64), I64), I32)
        case _:
            raise TypeError(f"no operation: {step}")
