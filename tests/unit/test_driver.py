"""Optimising, comparing and checking, as the command line and the API use them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ddcompile as dd
from ddcompile import driver
from ddcompile.ir.nodes import Literal, Read, Rule, Statement
from ddcompile.passes import pipeline
from ddcompile.passes.cse import Cse
from ddcompile.passes.rewrite import Rewrite
from ddcompile.testing.builders import EXAMPLES

VOTE = "rule vote(x: bit[3]) -> (y: bit) {\n  y = sum(i < 3: x[i]) >= 2\n}\n"


@pytest.fixture
def vote() -> dd.Network:
    return dd.Network((dd.Layer(np.array([[0.3333, 0.3334, 0.3332]]), np.array([-0.5]), "step"),), "vote")


def test_optimize_extends_the_certificate(vote: dd.Network) -> None:
    started = dd.distill(vote, inputs="x: bit[3]", passes="exact-thresholds")
    finished = dd.optimize(started)
    assert str(finished) + "\n" == VOTE
    assert started.certificate is not None
    assert finished.certificate is not None
    assert finished.certificate.steps[: len(started.certificate.steps)] == started.certificate.steps
    assert finished.certificate.network_sha256 == vote.sha256
    assert finished.verdict
    assert dd.check(finished.certificate, vote)


def test_optimize_follows_the_passes(vote: dd.Network) -> None:
    seen: list[str] = []
    dd.distill(vote, passes="cse, dce", observe=lambda name, rule, seconds: seen.append(name))
    assert seen == ["cse", "dce"]


def test_check_needs_the_network_that_the_certificate_names(vote: dd.Network, tmp_path: Path) -> None:
    program = dd.distill(vote, inputs="x: bit[3]")
    assert program.certificate is not None
    program.certificate.save(tmp_path / "vote.json")
    assert dd.check(tmp_path / "vote.json")
    assert dd.check(str(tmp_path / "vote.json"), vote)
    other = dd.Network((dd.Layer(np.ones((1, 3)), np.array([-0.5]), "step"),))
    verdict = dd.check(program.certificate, other)
    assert verdict.status == "failed"
    again = driver.certified(dd.parse(VOTE), tmp_path / "vote.json")
    assert (again.network_sha256, bool(again.verdict)) == (vote.sha256, True)
    with pytest.raises(dd.CompileError, match="C020"):
        driver.certified(dd.parse(VOTE.replace(">= 2", ">= 3")), program.certificate)


@pytest.mark.parametrize(
    ("layer", "rule"),
    [
        (dd.Layer([[1], [-1]], [0, 0]), "rule r(x: bit[1]) -> (y: int[2]) {\n  y[0] = x[0]\n  y[1] = -x[0]\n}"),
        (dd.Layer([[1], [-1]], [0, 0.5]), "rule r(x: bit[1]) -> (c: bit) {\n  c = not x[0]\n}"),
        (dd.Layer([[3]], [-2]), "rule r(x: bit[1]) -> (s: trit) {\n  s = 2 * x[0] - 1\n}"),
        (dd.Layer([[3]], [-2], "step"), "rule r(x: bit[1]) -> (s: bit) {\n  s = x[0]\n}"),
    ],
)
def test_verify_finds_the_head(layer: dd.Layer, rule: str) -> None:
    network, program = dd.Network((layer,)), dd.parse(rule)
    assert dd.verify(network, program).status == "proved"
    assert dd.verify(program, network).status == "proved"


def test_verify_refutes_and_shows_where(vote: dd.Network) -> None:
    verdict = dd.verify(vote, dd.parse(VOTE.replace(">= 2", ">= 1")))
    assert verdict.status == "refuted"
    assert verdict.counterexample is not None
    x = np.array(verdict.counterexample["x"])
    assert dd.parse(VOTE)(x) != dd.parse(VOTE.replace(">= 2", ">= 1"))(x)


def test_verify_says_what_does_not_fit(vote: dd.Network, tmp_path: Path) -> None:
    for a, b, message in [
        (vote, vote, "error[U006]: two networks cannot be compared"),
        (vote, dd.parse(VOTE.replace("3", "4")), "error[N201]: the network reads 3 values, but the inputs hold 4"),
        (vote, dd.parse("rule r(x: bit[3]) -> (y: spin) {\n  y = 1\n}"), "error[N205]: `y` is declared spin"),
    ]:
        with pytest.raises(dd.CompileError) as caught:
            dd.verify(a, b)
        assert str(caught.value).startswith(message)
    with pytest.raises(dd.CompileError, match="N208"):
        dd.verify(vote, dd.parse(VOTE), head="argmax")


def test_a_step_that_is_not_proved_is_left_out(vote: dd.Network, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = dd.parse(VOTE.replace(">= 2", ">= 1")).rule

    class Wrong(Cse):
        def __call__(self, rule: Rule) -> Rewrite:
            return Rewrite(wrong)

    monkeypatch.setattr(pipeline, "PASSES", {**pipeline.PASSES, "cse": Wrong})
    message = r"left out, since it is not proved: cse: y: .*; the rule is right without it, but may be longer"
    with pytest.warns(dd.UnprovedWarning, match=message):
        program = dd.distill(vote, passes="exact-thresholds,cse,slice-weights")
    assert program.verdict
    assert program == dd.distill(vote, passes="exact-thresholds,slice-weights")


@pytest.mark.parametrize(
    ("fails", "message"),
    [
        (False, r"left out, since its program is not valid: cse: `y`: error\[T0"),
        (True, r"left out, since it fails with ZeroDivisionError: cse: oh"),
    ],
)
def test_a_pass_that_fails_is_left_out(
    vote: dd.Network, monkeypatch: pytest.MonkeyPatch, fails: bool, message: str
) -> None:
    class Wrong(Cse):
        def __call__(self, rule: Rule) -> Rewrite:
            if fails:
                raise ZeroDivisionError("oh")
            return Rewrite(replace(rule, statements=(Statement("y", (), Read("inputs", (Literal(7),))),)))

    monkeypatch.setattr(pipeline, "PASSES", {**pipeline.PASSES, "cse": Wrong})
    with pytest.warns(dd.UnprovedWarning, match=message):
        program = dd.distill(vote, passes="exact-thresholds,cse,slice-weights")
    assert program.verdict
    assert program == dd.distill(vote, passes="exact-thresholds,slice-weights")


def test_what_fails_around_the_passes_is_an_internal_error(vote: dd.Network, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise KeyError("oh")

    monkeypatch.setattr("ddcompile.passes.pipeline.run", broken)
    with pytest.raises(driver.InternalError) as caught:
        dd.distill(vote)
    assert caught.value.rule.name == "vote"
    assert isinstance(caught.value.__cause__, KeyError)


@pytest.mark.parametrize("name", ["two_of_three", "rule30", "random_ties"])
def test_examples_are_distilled_and_proved(name: str) -> None:
    example = EXAMPLES[name]
    program = dd.distill(example.build(None), example.inputs, example.outputs, example.head, example.name)
    assert program.verdict
    assert dd.parse(str(program)) == program
