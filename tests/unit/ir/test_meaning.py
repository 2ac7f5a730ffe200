"""The meaning of every construct: rules with results worked out by hand, in tests/golden/meaning, in every engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from ddcompile.ir import nodes
from ddcompile.ir.nodes import Binder
from ddcompile.ir.parser import parse
from ddcompile.ir.printer import print_rule
from ddcompile.ir.traverse import postorder
from ddcompile.ir.verifier import verify
from ddcompile.testing.differential import ENGINES
from ddcompile.testing.worked import disagreements, read_worked

FOLDER = Path(__file__).parents[2] / "golden" / "meaning"
FILES = sorted(path.stem for path in FOLDER.glob("*.txt"))


@pytest.mark.parametrize("name", FILES)
def test_examples_are_legal_and_survive_printing(name: str) -> None:
    for example in read_worked((FOLDER / f"{name}.txt").read_text(encoding="utf-8")):
        assert not verify(example.rule, source=example.text)
        assert parse(print_rule(example.rule)) == example.rule
        assert example.lines


def test_every_construct_is_pinned() -> None:
    """Every class of expressions, operator, function and reduction, every kind, and both forms of positions."""
    seen: set[object] = set()
    for name in FILES:
        for example in read_worked((FOLDER / f"{name}.txt").read_text(encoding="utf-8")):
            rule = example.rule
            seen |= {("input", d.type.kind) for d in rule.inputs} | {("result", d.type.kind) for d in rule.outputs}
            seen |= {("constant", c.type.kind) for c in rule.constants}
            for statement in rule.statements:
                seen |= {isinstance(position, Binder) for position in statement.positions}
                seen |= {what for node in postorder(statement.value) for what in _construct(node)}
    wanted: set[object] = {True, False, *(kind.__name__ for kind in nodes.Expr.__subclasses__())}
    for words in (nodes.UnaryOp, nodes.BinaryOp, nodes.CompareOp, nodes.CallName, nodes.ReduceOp):
        wanted |= {(words, word) for word in get_args(words)}
    for role in ("input", "result", "constant"):
        wanted |= {(role, kind) for kind in get_args(nodes.Kind)}
    assert wanted - seen == set()


def _construct(node: nodes.Expr) -> Iterator[object]:
    yield type(node).__name__
    match node:
        case nodes.Unary(op, _):
            yield nodes.UnaryOp, op
        case nodes.Binary(op, _, _):
            yield nodes.BinaryOp, op
        case nodes.Compare(ops, _):
            yield from ((nodes.CompareOp, op) for op in ops)
        case nodes.Call(name, _):
            yield nodes.CallName, name
        case nodes.Reduce(op, _, _):
            yield nodes.ReduceOp, op


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("engine", ["interpreter", *ENGINES])
def test_engine_gives_what_was_worked_out(name: str, engine: str) -> None:
    examples = read_worked((FOLDER / f"{name}.txt").read_text(encoding="utf-8"))
    found = list(disagreements(examples, engine))
    assert not found, "\n\n".join(map(str, found))
