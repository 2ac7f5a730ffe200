"""The Python surface: what `import ddcompile as dd` offers, and `Program`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ddcompile as dd

LIFE = """\
rule life<H, W>(cell: bit[H, W]) -> (next: bit[H, W]) {
  next[i < H, j < W] = 5 <= 2 * sum(di in -1..1, dj in -1..1: cell[(i + di) % H, (j + dj) % W]) - cell[i, j] <= 7
}
"""
PAIR = """\
rule pair(a: int[0..9], b: bit[2]) -> (sum_: int, class: bit) {
  sum_ = a + b[0]
  class = b[1]
}
"""


@pytest.fixture
def network() -> dd.Network:
    hidden = dd.Layer(np.array([[1, 1, 1, 0], [0, 1, 1, 1]]), np.array([-1.5, -1.5]), "step")
    return dd.Network((hidden, dd.Layer(np.array([[1.0, -1.0], [-1.0, 1.0]]), np.zeros(2))), "pair of votes")


def test_a_program_is_called_on_samples_and_batches() -> None:
    life = dd.parse(LIFE)
    blinker = np.zeros((5, 5), dtype=np.uint8)
    blinker[2, 1:4] = 1
    assert np.array_equal(life(blinker), blinker.T)
    assert life(np.zeros((2, 3, 5, 5), dtype=int)).shape == (2, 3, 5, 5)
    assert life(cell=blinker).dtype == np.uint8


def test_several_inputs_and_results() -> None:
    pair = dd.parse(PAIR)
    found = pair([3, 9], b=[[0, 1], [1, 0]])
    assert found.sum_.tolist() == [3, 10]
    assert found.class_.tolist() == [1, 0]
    total, bit = pair(b=[1, 1], a=2)
    assert (int(total), int(bit)) == (3, 1)


@pytest.mark.parametrize(
    ("arrays", "named", "message"),
    [
        ((), {"a": 1}, "pair: error[A001]: the input `b` is missing"),
        ((1,), {"a": 1}, "pair: error[A007]: `a` is given twice\n  hint: inputs: a, b"),
        ((1,), {"c": 1}, "pair: error[A007]: `c` is no input\n  hint: inputs: a, b"),
        ((1,), {}, "pair: error[A001]: `pair` takes 2 inputs, not 1\n  hint: in this order: `a`, `b`"),
    ],
)
def test_wrong_arguments_are_said(arrays: tuple[int, ...], named: dict[str, int], message: str) -> None:
    program = dd.parse(PAIR)
    for function in (program, program.jit()):
        with pytest.raises(dd.CompileError) as caught:
            function(*arrays, **named)
        assert str(caught.value) == message


def test_compiled_programs_take_arguments_by_name() -> None:
    found = dd.parse(PAIR).jit()(b=[1, 1], a=2)
    assert (int(found.sum_), int(found.class_)) == (3, 1)
    steps = dd.parse("rule r<N, T>(x: bit[N]) -> (y: int[N]) {\n  y[i < N] = T * x[i]\n}\n")
    for function in (steps, steps.jit()):
        assert function(x=[1, 0, 1], T=5).tolist() == [5, 0, 5]
        assert function([1, 0, 1], T=np.int64(6)).tolist() == [6, 0, 6]


@pytest.mark.parametrize("size", [0, -1, 1.5, "3", True, None])
def test_sizes_that_are_none(size: Any) -> None:
    life = dd.parse(LIFE)
    message = f"life: error[A013]: size `H` needs a positive whole number, not {size!r}"
    for function in (lambda: life.at(H=size), lambda: life(np.zeros((1, 3)), H=size)):
        with pytest.raises(dd.CompileError) as caught:
            function()
        assert str(caught.value) == message


def test_distill_from_memory(network: dd.Network) -> None:
    program = dd.distill(network, inputs="x: bit[4]", head="argmax")
    assert program.name == "pair_of_votes"
    assert program.network_sha256 == network.sha256
    assert program.verdict
    assert program.certificate is not None
    assert program.certificate.network["inputs"] == "x: bit[4]"
    every = np.array([[n >> k & 1 for k in range(4)] for n in range(16)])
    first, second = every[:, :3].sum(axis=1) >= 2, every[:, 1:].sum(axis=1) >= 2
    assert np.array_equal(program(every), second & ~first)
    assert np.array_equal(program.jit(n_jobs=2)(every), program(every))
    assert repr(program) == f"<Program pair_of_votes: cost {program.cost}, proved>"


def test_distill_from_files(network: dd.Network, tmp_path: Path) -> None:
    for k, layer in enumerate(network.layers):
        np.savetxt(tmp_path / f"{k}.csv", np.vstack([layer.dense_weight().T, layer.bias]), delimiter=",")
    files = [tmp_path / "0.csv", str(tmp_path / "1.csv")]
    program = dd.distill(files, head="argmax", activation="step", name="both")
    assert program.name == "both"
    assert dd.distill(dd.load_network(files, "step"), head="argmax", name="both") == program
    assert dd.distill(network, head="argmax", name="both") == program


@pytest.mark.parametrize(
    ("stem", "name"),
    [("net", "net"), ("my net-2", "my_net_2"), ("8x8", "net_8x8"), ("sum", "sum_net"), ("äö", "net"), ("_a", "a")],
)
def test_rules_are_named_after_files(stem: str, name: str) -> None:
    network = dd.Network((dd.Layer(np.ones((1, 2)), np.zeros(1), "step"),), stem)
    assert dd.distill(network, passes="").name == name


def test_a_wider_declared_result(network: dd.Network) -> None:
    program = dd.distill(network, "a: bit[2, 2]", "left: int, right: int[1]", "none")
    found = program(np.ones((2, 2), dtype=int))
    assert (int(found.left), found.right.tolist()) == (0, [0])


def test_a_result_range_that_is_too_small_is_said_without_dense_text(network: dd.Network) -> None:
    with pytest.raises(dd.CompileError) as caught:
        dd.distill(network, outputs="left: int[0..1], right: int")
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "T034"
    assert (diagnostic.place, diagnostic.source) == ("pair_of_votes", "")


def test_save_and_load(tmp_path: Path) -> None:
    life = dd.parse(LIFE)
    life.save(tmp_path / "life.rule")
    assert dd.load(tmp_path / "life.rule") == life
    assert (tmp_path / "life.rule").read_text() == LIFE
    assert dd.load(str(tmp_path / "life.rule")).at(H=3, W=4).rule.sizes == ()


def test_large_constants_are_saved_beside(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    network = dd.Network(
        (
            dd.Layer(rng.normal(size=(9, 9)), rng.normal(size=9), "sign"),
            dd.Layer([[2**70, *range(8)], *rng.integers(0, 2, (8, 9)).tolist()], np.zeros(9)),
        )
    )
    program = dd.distill(network, passes="name")
    program.save(tmp_path / "a.rule")
    (side,) = tmp_path.glob("a.*.npy")
    assert np.load(side).dtype == np.float64
    assert dd.load(tmp_path / "a.rule") == program
    assert len((tmp_path / "a.rule").read_text()) < 2000


def test_programs_are_equal_when_their_rules_are() -> None:
    life = dd.parse(LIFE)
    assert life == dd.parse("# with a comment\n" + LIFE)
    assert hash(life) == hash(dd.parse(LIFE))
    assert life != dd.parse(PAIR)
    assert life != LIFE
    assert life.at(H=8, W=8).rule.sizes == ()
    assert dd.parse(str(life)) == life
    assert repr(life) == "<Program life: cost 89>"


def test_emit_takes_options(network: dd.Network) -> None:
    program = dd.distill(network, head="argmax")
    (file,) = program.emit("python", prefix="votes")
    assert file.name == "votes.py"
    assert f"network sha256: {network.sha256}" in file.text
    assert "verdict: proved" in file.text
    assert dd.emit(program, "python", prefix="votes") == [file]
    with pytest.raises(dd.CompileError, match="E001"):
        program.emit("fortran")
    with pytest.raises(TypeError, match="fast"):
        program.emit("c", fast=True)


def test_messages_point_into_the_text() -> None:
    with pytest.raises(dd.CompileError) as caught:
        dd.parse(PAIR.replace("b[1]", "b[2]"), "pair.rule")
    assert str(caught.value).startswith("pair.rule:3:11: error[T012]: ")
    assert isinstance(caught.value.diagnostics[0], dd.Diagnostic)
