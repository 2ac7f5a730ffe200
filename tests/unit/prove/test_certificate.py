"""Certificates as files: what is written is read again, and what is damaged is named with a code."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ddcompile.diagnostics import CompileError
from ddcompile.ir.nodes import Constant, Rule
from ddcompile.ir.parser import parse, parse_statements
from ddcompile.prove.certificate import Certificate, CertifiedStep
from ddcompile.prove.checker import check
from ddcompile.prove.steps import WitnessClauses

HEADER = "rule r(x: bit[20]) -> (y: bit) {\n"
DENSE = parse(
    "rule r(x: bit[20]) -> (y: bit) {\n"
    f"  const w: rat[20] = {[0.5 + k / 1024 for k in range(20)]}\n"
    "  unit[u < 2] = sum(i < 20: (1 - 2 * u) * w[i] * x[i]) - 5.25 * (1 - 2 * u) > 0\n"
    "  y = unit[0] - unit[1] >= 1\n}"
)
COUNTED = parse(HEADER + "many = sum(i < 20: x[i]) >= 11\ny = many\n}")


def witness(text: str) -> WitnessClauses:
    constants, statements = parse_statements(text)
    return WitnessClauses(statements, constants)


def example() -> Certificate:
    last = parse(HEADER + "y = sum(i < 20: x[i]) > 10\n}")
    steps = (
        CertifiedStep("exact-thresholds", DENSE, COUNTED, witness("const which: int = 0\nmany = unit[which]")),
        CertifiedStep("inline", COUNTED, last),
    )
    return Certificate(steps, "ab" * 32, {"file": "net.npz", "inputs": "x: bit[20]"})


def test_example_is_proved() -> None:
    verdict = check(example())
    assert verdict.status == "proved", str(verdict)
    assert verdict.obligations == {"a": 1, "b": 2} or sum(verdict.obligations.values()) == 3


def test_text(golden: Callable[[str, str], None]) -> None:
    golden("prove/certificate.json", example().to_json())


def test_verdict_text(golden: Callable[[str, str], None]) -> None:
    golden("prove/verdict.txt", str(check(example())))
    golden("prove/verdict.json", json.dumps(check(example()).to_json(), indent=1))


def test_file_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "r.cert.json"
    example().save(path)
    assert Certificate.load(path) == example()
    assert check(path) == check(example())
    assert [p.name for p in tmp_path.iterdir()] == ["r.cert.json"]


def test_large_constants_are_kept_once() -> None:
    table = np.arange(1000)
    rule = Rule(DENSE.name, DENSE.inputs, DENSE.outputs, DENSE.statements, (*DENSE.constants, Constant.of("t", table)))
    steps = (CertifiedStep("a", DENSE, rule), CertifiedStep("b", rule, DENSE))
    text = Certificate(steps).to_json()
    assert text.count("999") == 1
    assert Certificate.from_json(text).steps[0].new == rule


def test_extended_keeps_what_is_known() -> None:
    step = example().steps[1]
    assert Certificate((example().steps[0],), "ab" * 32, example().network).extended([step]) == example()


def test_no_partial_file(tmp_path: Path) -> None:
    with pytest.raises(CompileError) as error:
        example().save(tmp_path / "missing" / "c.json")
    assert error.value.diagnostics[0].code == "C007"
    assert not list(tmp_path.iterdir())


def damaged(change: Callable[[dict[str, Any]], object]) -> str:
    data = json.loads(example().to_json())
    change(data)
    return json.dumps(data)


def first_program(data: dict[str, Any]) -> str:
    name: str = data["steps"][0]["old"]
    return name


DAMAGES: dict[str, tuple[str, str, str]] = {
    "empty": ("", "C002", "not JSON, or is cut off (line 1)"),
    "cut off": (example().to_json()[:500], "C002", "not JSON, or is cut off"),
    "deep": ("[" * 100_000, "C002", "not JSON"),
    "a list": ("[]", "C003", "this is no certificate"),
    "a number": ("3", "C003", "this is no certificate"),
    "other JSON": ("{}", "C003", "this is no certificate"),
    "version": (damaged(lambda d: d.update(version=2)), "C004", "version 2, this ddcompile reads version 1"),
    "no version": (damaged(lambda d: d.pop("version")), "C004", "version None"),
    "no network": (damaged(lambda d: d.pop("network")), "C003", "`network` is missing"),
    "no hash": (damaged(lambda d: d["network"].pop("sha256")), "C003", "`sha256` is missing"),
    "steps": (damaged(lambda d: d.update(steps={})), "C003", "`steps` is missing or of the wrong kind"),
    "a step": (damaged(lambda d: d["steps"].append(3)), "C003", "at step 3: a step is no object"),
    "no witness": (damaged(lambda d: d["steps"][1].pop("witness")), "C003", "at step 2: `witness` is missing"),
    "unknown program": (damaged(lambda d: d["steps"][1].update(new="00")), "C003", "there is no program 00"),
    "programs": (damaged(lambda d: d.update(programs=[])), "C003", "`programs`"),
    "changed program": (
        damaged(lambda d: d["programs"].update({first_program(d): "rule"})),
        "C005",
        "does not have its hash",
    ),
    "other rule": (damaged(lambda d: d.update(rule="00")), "C005", "the last program does not have the hash"),
    "changed constant": (
        damaged(lambda d: next(iter(d["constants"].values()))["values"].__setitem__(0, 7)),
        "C005",
        "does not have its hash",
    ),
    "bad constant": (
        damaged(lambda d: next(iter(d["constants"].values())).update(shape=[3])),
        "C003",
        "20 entries do not fill the shape",
    ),
    "missing constant": (damaged(lambda d: d.update(constants={})), "C006", "a program of step 1 is not well formed"),
    "witness text": (
        damaged(lambda d: d["steps"][0].update(witness="many = ")),
        "C006",
        "the witness of step 1 is not well formed",
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damaged_file(name: str) -> None:
    text, code, message = DAMAGES[name]
    with pytest.raises(CompileError) as error:
        Certificate.from_json(text, "c.json")
    (diagnostic,) = error.value.diagnostics
    assert diagnostic.code == code
    assert message in diagnostic.message
    assert diagnostic.place == "c.json"


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for path, code in ((tmp_path / "missing", "C001"), (tmp_path, "C001"), (tmp_path / "binary", "C002")):
        with pytest.raises(CompileError) as error:
            Certificate.load(path)
        assert error.value.diagnostics[0].code == code
