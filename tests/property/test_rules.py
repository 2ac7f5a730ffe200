"""Random rules from Hypothesis: valid, and understood alike by the interpreter and by emitted Python."""

from __future__ import annotations

from hypothesis import HealthCheck, find, given, settings, strategies as st

from ddcompile.ir.nodes import Read, Rule
from ddcompile.ir.parser import parse
from ddcompile.ir.printer import print_rule
from ddcompile.ir.traverse import postorder
from ddcompile.ir.verifier import verify
from ddcompile.testing import assert_engines_agree
from ddcompile.testing.operands import Limits
from ddcompile.testing.strategies import inputs, rules

many = settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
WITH_RATIONAL_INPUTS = Limits(kinds=("bit", "int", "rat", "trit"))


@many
@given(rule=rules())
def test_rules_are_valid_and_survive_printing(rule: Rule) -> None:
    assert not verify(rule)
    assert parse(print_rule(rule)) == rule


@many
@given(data=st.data())
def test_interpreter_and_emitted_python_agree(data: st.DataObject) -> None:
    rule = data.draw(rules(WITH_RATIONAL_INPUTS))
    assert_engines_agree(rule, data.draw(inputs(rule)), engines=["python"])


def test_rules_shrink_to_what_is_asked_for() -> None:
    def has_pad(rule: Rule) -> bool:
        nodes = (node for statement in rule.statements for node in postorder(statement.value))
        return any(isinstance(node, Read) and node.pad is not None for node in nodes)

    smallest = find(rules(), has_pad, settings=settings(many, max_examples=1000, database=None))
    assert len(smallest.statements) == 1
    assert len(str(smallest)) < 80
