"""Every command on good input: what it prints, what it writes, that files go round."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ddcompile
from ddcompile.engines import ENGINES
from ddcompile.ir.nodes import Rule
from ddcompile.passes import pipeline
from ddcompile.passes.cse import Cse
from ddcompile.passes.rewrite import Rewrite

VOTE = "rule vote(x: bit[3]) -> (y: bit) {\n  y = sum(i < 3: x[i]) >= 2\n}\n"


def test_inspect_prints_a_page(run: Any) -> None:
    outcome = run("inspect", "vote.npz", "--input", "x: bit[3]")
    assert (outcome.status, outcome.err) == (0, "")
    sha256 = ddcompile.load_network("vote.npz").sha256
    assert outcome.out == (
        f"vote: 4 parameters, float64, sha256 {sha256[:16]}...\n"
        "inputs  x: bit[3]\n\n"
        "layer  reads   units  activation  weights                       sums                   values  may be 0\n"
        "1      inputs  1      step        3 in 0.3332..0.3334 by 2^-54  -0.5..0.4999 by 2^-54  0..1    1\n\n"
        "layer 1: exact: signs of sums of integers over a power of two\n"
        "result: 1 value in 0..1; exact for every input\n"
    )


def test_inspect_reports_json(run: Any) -> None:
    outcome = run("inspect", "vote.csv", "--activation", "step", "--head", "sign", "--json")
    assert outcome.err == "note: no --input: the network reads `x: bit[3]`\n"
    report = outcome.json
    assert (report["head"], report["is_exact"], report["inputs"]) == ("sign", True, ["x: bit[3]"])
    assert (report["layers"][0]["activation"], report["layers"][0]["ties"]) == ("step", 1)


def test_distill_prints_the_rule(run: Any) -> None:
    outcome = run("distill", "vote.npz", "--input", "x: bit[3]")
    assert (outcome.status, outcome.out) == (0, VOTE)
    assert outcome.err == "vote: 4 parameters, cost 33: proved (2 obligations)\n"


def test_distill_says_what_it_assumed(run: Any) -> None:
    outcome = run("distill", "vote.csv", "--activation", "step", "--name", "v")
    assert outcome.out == VOTE.replace("vote", "v")
    assert outcome.err.splitlines()[0] == "note: no --input: the network reads `x: bit[3]`"


def test_distill_writes_rule_and_certificate(run: Any) -> None:
    network = ["distill", "vote.npz", "--input", "x: bit[3]"]
    outcome = run(*network, "-o", "y.rule", "--certificate", "y.json")
    assert (outcome.status, outcome.out) == (0, "")
    sha256 = ddcompile.load_network("vote.npz").sha256
    text = Path("y.rule").read_text()
    assert text == f"# Distilled by ddcompile {ddcompile.__version__}, proved.\n# Network: {sha256}\n{VOTE}"
    checked = run("check", "y.json")
    assert (checked.status, checked.out.splitlines()[0]) == (0, "proved (2 obligations)")
    assert run("check", "y.json", "--network", "vote.npz").status == 0
    np.savez("other.npz", **{"0.weight": [[1, 1, 2]], "0.activation": "step"})
    other = run("check", "y.json", "--network", "other.npz")
    assert (other.status, other.out.splitlines()[0]) == (
        1,
        "failed: network: the first program is not what the network is lowered to",
    )
    verified = run("verify", "vote.npz", "y.rule", "--certificate", "y.json")
    assert (verified.status, verified.out.splitlines()[0]) == (0, "proved (2 obligations)")
    assert run("verify", "vote.npz", "ring.rule", "--certificate", "y.json").status == 1


def test_distill_reports_json(run: Any) -> None:
    outcome = run("distill", "vote.npz", "--input", "x: bit[3]", "--json")
    report = outcome.json
    assert (report["name"], report["cost"], report["parameters"]) == ("vote", 33, 4)
    assert report["rule"] + "\n" == VOTE
    assert report["verdict"]["status"] == "proved"
    assert {"pass", "cost", "seconds"} == set(report["passes"][0])


def test_large_constants_go_beside_the_rule(run: Any, folder: Path) -> None:
    rng = np.random.default_rng(1)
    np.savez("wide.npz", **{"0.weight": rng.normal(size=(5, 20)), "0.activation": "sign"})
    (folder / "out").mkdir()
    assert run("distill", "wide.npz", "--passes", "name", "-o", "out/wide.rule").status == 0
    (side,) = (folder / "out").glob("wide.*.npy")
    assert side.stem in f"wide.{(folder / 'out' / 'wide.rule').read_text().split('sha256:')[1]}"
    assert run("verify", "wide.npz", "out/wide.rule").out.startswith("proved")
    (folder / "out" / "wide.rule").rename(folder / "out" / "other.rule")
    assert run("opt", "out/other.rule", "-p", "cse").status == 0
    np.save(side, np.load(side) + 1)
    outcome = run("opt", "out/other.rule")
    assert outcome.status == 1
    assert outcome.err.startswith(f"out/{side.name}: error[U005]: ")
    side.unlink()
    outcome = run("opt", "out/other.rule")
    assert outcome.err.startswith("out/other.rule: error[U004]: the file *.")


def test_opt_is_a_filter(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("vote.rule").open() as file:
        monkeypatch.setattr(sys, "stdin", file)
        assert run("opt", "-p", "cse").out == VOTE
    assert run("opt", "vote.rule", "-p", "").out == VOTE
    outcome = run("opt", "vote.rule", "-p", "cse,dce", "--print-after", "all", "--time-passes", "--json")
    assert outcome.err.count(VOTE.rstrip()) == 2
    assert outcome.err.startswith("# after cse\n")
    assert "seconds" in outcome.err
    assert [p["pass"] for p in outcome.json["passes"]] == ["cse", "dce"]
    assert run("opt", "vote.rule", "-p", "cse,dce", "--print-after", "dce").err.startswith("# after dce\n")


def test_a_bad_rule_on_stdin_is_located(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("bad.rule").write_text("rule a(x: bit) -> (y: bit) {\n  y = z\n}\n")
    with Path("bad.rule").open() as file:
        monkeypatch.setattr(sys, "stdin", file)
        outcome = run("opt")
    assert outcome.status == 1
    assert outcome.err.startswith("<stdin>:2:7: error[T")


@pytest.mark.parametrize("target", ["python", "c", "llvm"])
def test_emit_writes_files(target: str, run: Any, folder: Path) -> None:
    outcome = run("emit", "vote.rule", "-t", target, "-o", "out", "--prefix", "maj")
    assert outcome.status == 0
    written = sorted((folder / "out").iterdir())
    assert written
    assert all(path.name.startswith("maj") for path in written)
    assert sorted(outcome.err.splitlines()) == [f"wrote out/{path.name}" for path in written]


@pytest.mark.parametrize(
    ("target", "name", "generic", "fixed"),
    [
        ("c", "ring.h", "int ring(size_t N, const uint8_t *cell, uint8_t *next);", "void ring(const uint8_t *cell, "),
        ("llvm", "ring.ll", "define i32 @ring(i64 %N, ptr ", "define void @ring(ptr "),
        ("python", "ring.py", 'N = _extent("cell", cell, 0)', '_check("cell", cell, "bit", (5,), range(2))'),
    ],
)
def test_emit_for_all_sizes_or_for_given_ones(
    target: str, name: str, generic: str, fixed: str, run: Any, folder: Path
) -> None:
    assert run("emit", "ring.rule", "-t", target, "-o", "all").status == 0
    assert run("emit", "ring.rule", "-t", target, "-o", "five", "--size", "N=5").status == 0
    for where, text in (("all", generic), ("five", fixed)):
        assert text in (folder / where / name).read_text()


def test_emit_names_what_is_not_shown_for_all_sizes(run: Any, folder: Path) -> None:
    Path("squares.rule").write_text("rule squares<N>(x: bit[N]) -> (z: bit[N]) {\n  z[i < N] = x[i * i]\n}\n")
    outcome = run("emit", "squares.rule", "-t", "c", "-o", "out")
    assert (outcome.status, (folder / "out").exists()) == (1, False)
    assert outcome.err == (
        "squares.rule:2:14: error[E030]: it cannot be shown for all sizes that `x[i * i]` stays inside `x` on axis 0\n"
        "  hint: give the sizes as numbers: `--size N=8`, or `program.at(N=8)`\n"
    )
    assert run("emit", "squares.rule", "-t", "c", "-o", "out", "--size", "N=2").status == 0


def test_emit_names_what_is_certified(run: Any, folder: Path) -> None:
    run("distill", "vote.npz", "--input", "x: bit[3]", "-o", "y.rule", "--certificate", "y.json")
    assert run("emit", "y.rule", "-t", "python", "-o", "out", "--certificate", "y.json").status == 0
    text = (folder / "out" / "vote.py").read_text()
    assert ddcompile.load_network("vote.npz").sha256 in text
    assert "proved" in text
    outcome = run("emit", "ring.rule", "-t", "python", "-o", "no", "--certificate", "y.json")
    assert (outcome.status, (folder / "no").exists()) == (1, False)
    assert outcome.err.startswith("ring.rule: error[C020]: the certificate is not one of `ring`: ")


@pytest.mark.parametrize("engine", ENGINES)
def test_run(engine: str, run: Any) -> None:
    assert run("run", "vote.rule", "-i", "x.npy", "--engine", engine).json == {"y": [1, 0]}
    assert run("run", "ring.rule", "-i", "cell.npy", "--engine", engine).json == {"next": [0, 1, 0, 1, 0]}
    assert run("run", "ring.rule", "-i", "cell.npy", "--engine", engine, "--steps", "2").json == {
        "next": [1, 0, 0, 0, 1]
    }
    assert run("run", "ring.rule", "-i", "cell.npy", "--engine", engine, "--steps", "0").json == {
        "next": [0, 0, 1, 0, 0]
    }
    outcome = run("run", "split.rule", "-i", "ab.npz", "--engine", engine)
    assert outcome.json == {"total": [4, 2], "half": [1.5, 2.0]}
    assert run("run", "split.rule", "-i", "ab.npz", "--engine", engine, "-o", "y.npz").status == 0
    with np.load("y.npz") as saved:
        assert {name: saved[name].tolist() for name in saved.files} == {"total": [4, 2], "half": [1.5, 2.0]}
    assert run("run", "vote.rule", "-i", "x.npy", "--engine", engine, "-o", "y.npy").status == 0
    assert (np.load("y.npy").dtype, np.load("y.npy").tolist()) == (np.uint8, [1, 0])


def test_run_with_threads(run: Any) -> None:
    assert run("run", "vote.rule", "-i", "x.npy", "--jobs", "2").json == {"y": [1, 0]}


def test_results_that_are_no_doubles_are_text(run: Any) -> None:
    Path("fine.rule").write_text("rule fine(a: int[0..1]) -> (y: rat) {\n  y = 1e-300 * a + 1\n}\n")
    np.save("one.npy", np.array(1))
    exact = run("run", "fine.rule", "-i", "one.npy", "--engine", "interpreter").json["y"]
    assert exact == str(ddcompile.load("fine.rule")(1).item())
    assert "/" in exact
    assert run("run", "fine.rule", "-i", "one.npy", "--engine", "interpreter", "-o", "y.npy").status == 0
    assert np.load("y.npy").item() == exact


def test_verify_two_rules(run: Any, folder: Path) -> None:
    Path("or.rule").write_text("rule vote(x: bit[3]) -> (y: bit) {\n  y = x[0] or x[1] or x[2]\n}\n")
    assert run("verify", "vote.rule", "vote.rule").out.startswith("proved")
    outcome = run("verify", "vote.rule", "or.rule")
    assert outcome.status == 1
    assert outcome.out.startswith("refuted: a counterexample\n  x = ")
    outcome = run("verify", "vote.npz", "or.rule", "--json")
    assert (outcome.status, outcome.json["verdict"]["status"]) == (1, "refuted")


def test_lists(run: Any) -> None:
    passes = run("passes", "--json").json
    steps = (re.sub(r"\{.*?\}", "", step) for step in passes["default"] + passes["apart"])
    assert {name for step in steps for name in step.strip("()*").split(",")} == set(passes["passes"])
    text = run("passes").out
    for name, about in passes["passes"].items():
        assert about["about"].endswith(".")
        assert name in text
        assert all(f"{name}{{{o['name']}={o['default']}}}" in text for o in about["options"])
    targets = run("targets", "--json").json
    assert sorted(targets) == ["c", "llvm", "python"]
    assert targets["python"]["description"] in " ".join(run("targets").out.split())


def test_demo(run: Any) -> None:
    outcome = run("demo", "two-of-three", "--samples", "50")
    assert outcome.status == 0
    assert VOTE.split("\n")[1] in outcome.out
    assert outcome.out.count("yes") == 4
    assert "proved" in outcome.out


def test_demo_names_the_examples_in_one_way(run: Any) -> None:
    listed = run("demo", "nothing").err.partition("there are ")[2].split("\n")[0].split(", ")
    names = " ".join(run("demo", "--help").out.split()).partition("NAME is ")[2].partition(". ")[0]
    assert re.split(", | or ", names.replace(" (the default)", "")) == listed


def test_demo_without_a_c_compiler(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    outcome = run("demo", "two-of-three", "--samples", "50")
    assert outcome.status == 0
    assert "no C compiler" in outcome.out
    assert outcome.out.count("yes") == 3


def test_demo_fails_if_an_engine_disagrees(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def zeros(rule: object, n_jobs: int) -> Any:
        return lambda arrays: np.zeros(len(arrays[0]), dtype=np.uint8)

    monkeypatch.setattr("ddcompile.engines.ENGINES", {**ENGINES, "jit": zeros})
    outcome = run("demo", "two-of-three", "--samples", "50")
    assert (outcome.status, outcome.out.count("NO")) == (1, 1)
    assert outcome.err == "the rule is proved (2 obligations); see which engines disagree above\n"


def test_version_and_help(run: Any) -> None:
    assert run("--version").out == f"ddcompile {ddcompile.__version__}\n"
    outcome = run("--help")
    assert all(name in outcome.out for name in ("distill", "opt", "emit", "run", "verify", "check", "explain", "demo"))
    assert "..." not in outcome.out.partition("Commands:")[2], "a short help is too long for a line"
    assert run().status == 2


def test_a_step_that_is_not_proved_is_noted(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = ddcompile.parse(VOTE.replace(">= 2", ">= 1")).rule

    class Wrong(Cse):
        def __call__(self, rule: Rule) -> Rewrite:
            return Rewrite(wrong)

    monkeypatch.setattr(pipeline, "PASSES", {**pipeline.PASSES, "cse": Wrong})
    outcome = run("opt", "vote.rule", "-p", "cse")
    assert (outcome.status, outcome.out) == (0, VOTE)
    assert outcome.err.startswith("warning: left out, since it is not proved: cse: y: ")


def test_a_bug_is_reported_and_dumped(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("ddcompile.passes.pipeline.run", broken)
    monkeypatch.setattr("tempfile.tempdir", os.getcwd())
    outcome = run("opt", "vote.rule")
    assert (outcome.status, outcome.out) == (70, "")
    first, hint = outcome.err.splitlines()
    assert first == "error[X001]: a bug of ddcompile, sorry: a pass or the checker failed (ZeroDivisionError)"
    dump = Path(hint.removeprefix("  hint: all about it is in "))
    text = dump.read_text()
    assert VOTE.strip() in text
    assert "ddcompile opt vote.rule" in text
    assert "ZeroDivisionError: oh" in text


def test_diagnostics_of_our_own_programs_are_a_bug(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = ddcompile.parse(VOTE).rule
    with pytest.raises(ddcompile.CompileError) as error:
        ddcompile.parse(VOTE.replace("x[i]", "z[i]"))

    def broken(rule: object, spec: object, observe: Any, *_: object) -> None:
        observe("cse", bad, 0.0)
        raise error.value

    monkeypatch.setattr("ddcompile.passes.pipeline.run", broken)
    monkeypatch.setattr("tempfile.tempdir", os.getcwd())
    outcome = run("opt", "vote.rule")
    assert outcome.status == 70
    assert "a bug of ddcompile, sorry: a pass or the checker failed (CompileError)" in outcome.err


def test_an_interrupt_is_quiet(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ddcompile.passes.pipeline.run", interrupted)
    outcome = run("opt", "vote.rule", "-o", "y.rule")
    assert (outcome.status, outcome.out, outcome.err.strip()) == (130, "", "")
    assert not Path("y.rule").exists()


def test_as_a_process(folder: Path) -> None:
    command = [sys.executable, "-m", "ddcompile"]
    done = subprocess.run([*command, "opt", "no.rule"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "no.rule: error[U001]: no such file\n")
    done = subprocess.run([*command, "passes", "--json"], capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout)["default"]


def test_a_closed_pipe_is_quiet(folder: Path) -> None:
    """The reader goes away before anything is written."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as pipe:
        done = subprocess.run(
            [sys.executable, "-m", "ddcompile", "opt", "vote.rule", "-p", ""],
            stdout=pipe,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    assert (done.returncode, done.stderr) == (141, "")


def test_commands_compose(folder: Path) -> None:
    ddcompile = f"{sys.executable} -m ddcompile"
    steps = [
        "distill vote.npz --input 'x: bit[3]' -p exact-thresholds",
        "opt -p slice-weights",
        "opt - -p 'fold, name'",
        "run -i x.npy --engine interpreter",
    ]
    line = " | ".join(f"{ddcompile} {step}" for step in steps)
    done = subprocess.run(line, shell=True, capture_output=True, text=True, timeout=120)
    assert json.loads(done.stdout) == {"y": [1, 0]}
    line = " | ".join([f"{ddcompile} {steps[0]}", f"{ddcompile} opt", f"{ddcompile} emit -t c -o out"])
    assert subprocess.run(line, shell=True, timeout=120).returncode == 0
    assert Path("out/vote.c").exists()


def test_generalize(run: Any) -> None:
    ring = Path("ring.rule").read_text().replace("<N>", "")
    for n in (5, 6, 8, 9):
        Path(f"ring{n}.rule").write_text(ring.replace("N", str(n)))
    files = [f"ring{n}.rule" for n in (5, 6, 8)]
    outcome = run("generalize", *files)
    assert (outcome.status, outcome.out) == (0, Path("ring.rule").read_text())
    assert outcome.err == "ring: cost 52: proved at N = 5, 6, 8; elsewhere a definition\n"
    files += ["--hold-out", "ring9.rule", "--name", "wheel"]
    outcome = run("generalize", *files, "-o", "wheel.rule", "--certificate", "wheel.json", "--json")
    known = "proved at N = 5, 6, 8; predicted at N = 9; elsewhere a definition"
    assert outcome.json["known"] == known
    assert ddcompile.load("wheel.rule").rule.sizes == ("N",)
    outcome = run("check", "wheel.json")
    assert (outcome.status, outcome.out.splitlines()[0]) == (0, "proved (28 obligations)")
    assert "sizes other than N = 5, 6, 8, 9: there, the rule is a definition" in outcome.out


def test_generalize_flags_what_it_assumes(run: Any) -> None:
    for n in (5, 7):
        Path(f"{n}.rule").write_text(f"rule r(x: bit[{n}]) -> (y: bit) {{\n  y = all(i < {n - 1}: x[i])\n}}\n")
    outcome = run("generalize", "5.rule", "7.rule", "-o", "r.rule")
    assert outcome.out == ""
    assert Path("r.rule").read_text().splitlines()[2] == "  y = all(i < N - 1: x[i])  # assumed: N - 1"


def test_a_free_size_is_given(run: Any) -> None:
    Path("steps.rule").write_text(
        "rule steps<N, T>(x: bit[N]) -> (y: bit[N]) {\n  s[0, i < N] = x[i]\n"
        "  s[1 <= t < T + 1, i < N] = s[t - 1, i] xor s[t - 1, (i + 1) % N]\n  y[i < N] = s[T, i]\n}\n"
    )
    outcome = run("run", "steps.rule", "-i", "cell.npy", "--size", "T=2")
    assert outcome.json == {"y": [1, 0, 1, 0, 0]}
    outcome = run("run", "steps.rule", "-i", "cell.npy")
    assert (outcome.status, "A015" in outcome.err) == (1, True)
    outcome = run("emit", "steps.rule", "-t", "python", "-o", "out")
    assert (outcome.status, "E305" in outcome.err) == (1, True)
    assert run("emit", "steps.rule", "-t", "python", "-o", "out", "--size", "T=2").status == 0
    assert run("emit", "steps.rule", "-t", "c", "-o", "out").status == 0
    assert "int steps(size_t N, size_t T, " in Path("out/steps.h").read_text()
    assert "`T` is a number that is given." in run("explain", "steps.rule").out
    outcome = run("run", "steps.rule", "-i", "cell.npy", "--size", "M=2")
    assert (outcome.status, "A016" in outcome.err) == (1, True)


@pytest.mark.parametrize("schedule", ["auto", "grid", "scalar"])
def test_run_takes_a_schedule(run: Any, schedule: str) -> None:
    cells = np.random.default_rng(0).integers(0, 2, size=(2, 130), dtype=np.uint8)
    np.save("cells.npy", cells)
    expected = cells
    for _ in range(5):
        expected = np.roll(expected, 1, axis=1) ^ np.roll(expected, -1, axis=1)
    outcome = run("run", "ring.rule", "-i", "cells.npy", "--schedule", schedule, "--steps", "5", "-o", "out.npz")
    assert (outcome.status, outcome.err) == (0, "")
    assert np.array_equal(np.load("out.npz")["next"], expected)


@pytest.mark.parametrize("steps", [1, 2, 16_384, 16_385, 10_000_000])
def test_run_does_many_steps_at_once(run: Any, steps: int) -> None:
    Path("turn.rule").write_text("rule turn(n: int[0..96]) -> (m: int[0..96]) { m = (n * 5 + 1) % 97 }")
    np.save("n.npy", np.arange(97))
    outcome = run("run", "turn.rule", "-i", "n.npy", "--steps", str(steps), "-o", "out.npz")
    assert (outcome.status, outcome.err) == (0, "")
    # After 96 steps, everything is what it was.
    expected = np.arange(97)
    for _ in range(steps % 96):
        expected = (expected * 5 + 1) % 97
    assert np.array_equal(np.load("out.npz")["m"], expected)


def test_emit_takes_a_schedule(run: Any) -> None:
    outcome = run("emit", "ring.rule", "-t", "c", "-o", "out", "--schedule", "grid", "--size", "N=640", "--self-test")
    assert outcome.status == 0, outcome.err
    assert "ring_pack(" in Path("out/ring.c").read_text()
    outcome = run("emit", "vote.rule", "-t", "c", "-o", "out", "--schedule", "grid")
    assert outcome.status == 1
    assert outcome.err.startswith("vote: error[E022]: the schedule grid does not take `vote`: `y` has no axis")
