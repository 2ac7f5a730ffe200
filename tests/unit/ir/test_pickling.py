"""Nodes survive copying and pickling, also in another process, and at any depth."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import pytest

from ddcompile.ir.nodes import Binary, Read
from ddcompile.ir.parser import parse, parse_expression
from ddcompile.testing.large import DEEP, deep, sparse_table

RULE = """rule f<N>(x: bit[N], z: int[0..9]) -> (y: rat) {
  const w: rat[2] = [0.5, 3.25]
  y = w[0] * z + sum(i < N: pad(x, 0)[i - 1]) + 0.1
}"""


@pytest.mark.parametrize("text", [RULE, sparse_table(3)])
def test_round_trip(text: str) -> None:
    rule = parse(text)
    again = pickle.loads(pickle.dumps(rule))
    assert again == rule
    assert hash(again) == hash(rule)
    assert [s.location for s in again.statements] == [s.location for s in rule.statements]
    assert not again.constants[0].values.flags.writeable
    assert str(again) == str(rule)


def test_hashes_are_those_of_the_process_that_reads() -> None:
    script = "import pickle, sys; from ddcompile.ir.parser import parse_expression; "
    script += "made = pickle.load(sys.stdin.buffer); print(made == parse_expression('a + b'))"
    command = [sys.executable, "-c", script]
    done = subprocess.run(
        command, input=pickle.dumps(parse_expression("a + b")), capture_output=True, check=True, timeout=60
    )
    assert done.stdout.strip() == b"True"


def test_what_is_shared_stays_shared() -> None:
    expr = Binary("+", Read("a"), Read("b"))
    for _ in range(60):
        expr = Binary("+", expr, expr)
    again = pickle.loads(pickle.dumps(expr))
    assert isinstance(again, Binary)
    assert again.left is again.right
    assert hash(again) == hash(expr)


@pytest.mark.parametrize("form", DEEP)
def test_depth_takes_no_recursion(form: str) -> None:
    rule = parse(deep(form, 5_000))
    assert pickle.loads(pickle.dumps(rule)) == rule


def test_copies_are_the_node_itself() -> None:
    rule = parse(RULE)
    assert copy.copy(rule) is rule
    assert copy.deepcopy([rule])[0] is rule
