"""Whether a program can leave a pipeline as text at any stage, and go on from there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ddcompile.ir.nodes import Rule
from ddcompile.ir.parser import parse
from ddcompile.ir.verifier import verify
from ddcompile.passes.options import Turns
from ddcompile.passes.pipeline import DEFAULT, PASSES
from ddcompile.passes.spec import parse_pipeline

__all__ = ["Stage", "stages"]


@dataclass(frozen=True, slots=True)
class Stage:
    """The text before a pass, and what is wrong with it as the input of that pass; `fault` is empty if nothing is."""

    name: str
    text: str
    fault: str


def stages(rule: Rule, pipeline: str = DEFAULT) -> Iterator[Stage]:
    """Run a pipeline on a program, and each of its passes on the text of what the passes before it made.

    If every pass makes the same text of the text as of the program, then by induction a pipeline that is cut anywhere
    and goes on from the text ends with the same text. Of passes that take turns, one turn is run.
    """
    steps = parse_pipeline(pipeline, PASSES)
    for each in (p for step in steps for p in (step.passes if isinstance(step, Turns) else (step,))):
        text = str(rule)
        again = parse(text)
        after = each(rule).rule
        if again != rule or str(again) != text:
            fault = "another program is read than was printed"
        elif verify(again):
            fault = f"not valid: {verify(again)[0]}"
        elif (from_text := str(each(again).rule)) != str(after):
            fault = f"the text becomes\n{from_text}\nand the program\n{after}"
        else:
            fault = ""
        yield Stage(each.name, text, fault)
        rule = after
