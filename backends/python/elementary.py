"""Python functions for the elementary functions of the language: their procedures, written as formulas."""

from __future__ import annotations

from collections import Counter
from itertools import count
from typing import assert_never

from ddcompile.analysis.elementary import ARGUMENT, Procedure, Step
from ddcompile.backends.python.layout import assign
from ddcompile.backends.python.notation import COMPARISON, PYTHON, real_number
from ddcompile.backends.shared.printer import Text, atom
from ddcompile.backends.shared.writer import Writer

__all__ = ["elementary_function"]

_INFIX = {"add": "+", "sub": "-", "isub": "-", "mul": "*", "div": "/"}
_DEPTH = 5
"""Operations in one another in one line."""
_CALLS = {"to_int": "int({})", "from_int": "float({})", "pow2": "math.ldexp(1.0, {})"}


def elementary_function(procedure: Procedure) -> str:
    """The definition of `_exp`, for instance; what is short and used once stands where it is used."""
    uses = Counter(name for step in procedure.steps for name in step.operands)
    uses[procedure.result] += 1
    texts: dict[str, Text] = {ARGUMENT: atom(ARGUMENT)}
    depths: Counter[str] = Counter()
    names = (f"t{k}" for k in count(1))
    writer = Writer()
    with writer.block(f"def _{procedure.name}({ARGUMENT}: float) -> float:"):
        writer.line(f'"""{procedure.name}({ARGUMENT}) as the rule language defines it, bit for bit."""')
        for step in procedure.steps:
            text = _step(step, [texts[name] for name in step.operands])
            depth = 1 + max((depths[name] for name in step.operands), default=-1)
            if step.name != procedure.result and (depth == _DEPTH or (uses[step.name] > 1 and step.operands)):
                name = next(names)
                assign(writer, name, str(text))
                text, depth = atom(name), 0
            texts[step.name], depths[step.name] = text, depth
        writer.line(f"return {texts[procedure.result]}")
    return writer.text()


def _step(step: Step, operands: list[Text]) -> Text:
    match step.operation:
        case "const":
            return real_number(step.value)
        case "add" | "sub" | "mul" | "div" | "isub":
            return PYTHON.apply(_INFIX[step.operation], *operands)
        case "neg":
            return PYTHON.apply("negate", *operands)
        case "lt" | "eq":
            left, right = (operand.at(COMPARISON + 1) for operand in operands)
            if step.operation == "eq":
                return Text(f"{left} == {right}", COMPARISON)
            is_turned = right.isidentifier() and not left.isidentifier()
            return Text(f"{right} > {left}" if is_turned else f"{left} < {right}", COMPARISON)
        case "and":
            return PYTHON.apply("and", *operands)
        case "select":
            condition, then, otherwise = operands
            return PYTHON.apply("if", then, condition, otherwise)
        case "half":
            return PYTHON.apply(">>", operands[0], atom("1"))
        case "exponent":
            return PYTHON.apply("-", atom(f"math.frexp({operands[0]})[1]"), atom("1"))
        case "to_int" | "from_int" | "pow2":
            return atom(_CALLS[step.operation].format(operands[0]))
        case _:
            assert_never(step.operation)
