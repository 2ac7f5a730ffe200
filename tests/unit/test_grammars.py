from __future__ import annotations

import pytest

from ddcompile.grammars import load


def test_grammars_are_found_in_the_package() -> None:
    assert "rule:" in load("rule.lark")
    assert "pipeline:" in load("pipeline.lark")


def test_a_missing_grammar_is_said() -> None:
    with pytest.raises(FileNotFoundError):
        load("other.lark")
