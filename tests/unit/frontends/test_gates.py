"""Networks of logic gates: files, modules in the layouts of difflogic and torchlogix, and what they become."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ddcompile as dd
from ddcompile.frontends.dense import lower
from ddcompile.frontends.evaluate import evaluate
from ddcompile.frontends.gates import Gates
from ddcompile.frontends.groups import group_sums
from ddcompile.frontends.network import Layer, Network

TRUTH = np.array([[number >> 3 - k & 1 for k in range(4)] for number in range(16)])


def _file(path: Path, widths: list[int], inputs: int, groups: int, seed: int = 0) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    arrays: dict[str, Any] = {"0.inputs": np.array(inputs)}
    before = inputs
    for k, width in enumerate(widths):
        arrays[f"{k}.gate"] = random.integers(0, 16, size=width)
        arrays[f"{k}.a"], arrays[f"{k}.b"] = random.integers(0, before, size=(2, width))
        before = width
    if groups:
        arrays[f"{len(widths)}.groups"] = np.array(groups)
    np.savez(path, **arrays)
    return arrays


def _direct(arrays: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    for k in range(len(arrays)):
        if f"{k}.gate" in arrays:
            x = TRUTH[arrays[f"{k}.gate"], 2 * x[:, arrays[f"{k}.a"]] + x[:, arrays[f"{k}.b"]]]
        elif f"{k}.groups" in arrays:
            x = x.reshape(len(x), int(arrays[f"{k}.groups"]), -1).sum(axis=2)
    return x


def _every(bits: int) -> np.ndarray:
    return np.arange(1 << bits)[:, None] >> np.arange(bits) & 1


def test_all_sixteen_gates(tmp_path: Path) -> None:
    np.savez(tmp_path / "g.npz", **{"0.gate": np.arange(16), "0.a": np.zeros(16, int), "0.b": np.ones(16, int)})
    program = dd.distill(tmp_path / "g.npz")
    assert np.array_equal(program(_every(2)), TRUTH[:, 2 * _every(2)[:, 0] + _every(2)[:, 1]].T)


@pytest.mark.parametrize(("gate", "text"), [(1, "x[0] and x[1]"), (5, "x[1]"), (8, "not x[0] and not x[1]"), (15, "1")])
def test_a_single_gate_is_written_as_it_is(tmp_path: Path, gate: int, text: str) -> None:
    np.savez(tmp_path / "g.npz", **{"0.gate": [gate], "0.a": [0], "0.b": [1]})
    program = dd.distill(tmp_path / "g.npz", "x: bit[2]", name="g")
    assert str(program) == f"rule g(x: bit[2]) -> (y: bit) {{\n  y = {text}\n}}"
    assert np.array_equal(program(_every(2)), TRUTH[gate, 2 * _every(2)[:, 0] + _every(2)[:, 1]])


@pytest.mark.parametrize(("widths", "groups"), [([20, 20], 0), ([12, 10], 2), ([90, 80], 4), ([200, 70, 100], 0)])
def test_a_file_of_gates(tmp_path: Path, widths: list[int], groups: int) -> None:
    path = tmp_path / "net.npz"
    arrays = _file(path, widths, 11, groups)
    network = dd.load_network(path)
    x = _every(11)
    expected = _direct(arrays, x)
    assert np.array_equal(evaluate(network, x), expected)
    dense = dd.Program(lower(network, None, None, None, "net"))
    assert np.array_equal(dense(x), expected)
    assert np.array_equal(dense.jit(schedule="tables")(x), expected)


def test_distilled_gates_are_proved(tmp_path: Path) -> None:
    path = tmp_path / "net.npz"
    arrays = _file(path, [16, 12], 8, 2)
    program = dd.distill(path, head="argmax")
    assert np.array_equal(program(_every(8)), _direct(arrays, _every(8)).argmax(axis=1))
    assert str(dd.verify(dd.load_network(path), program)).startswith("proved")


def test_files_are_written_as_they_are_read(tmp_path: Path) -> None:
    from ddcompile.frontends.npz import npz_bytes

    _file(tmp_path / "a.npz", [20, 9], 11, 0)
    network = dd.load_network(tmp_path / "a.npz")
    (tmp_path / "b.npz").write_bytes(npz_bytes(network))
    assert dd.load_network(tmp_path / "b.npz").sha256 == network.sha256


def test_a_large_network_is_lowered_at_once() -> None:
    random = np.random.default_rng(0)
    layers, before = [], 784
    for width in (30_000, 30_000, 40_000):
        gates = Gates(random.integers(0, 16, size=width), random.integers(0, before, size=(width, 2)), before)
        layers.append(Layer(gates, np.zeros(width, dtype=np.int64)))
        before = width
    network = Network((*layers, group_sums(before, 10)))
    program = dd.Program(lower(network, None, None, "argmax", "net"))
    assert len(program.rule.statements) < 50
    x = random.integers(0, 2, size=(20, 784))
    assert np.array_equal(program.jit()(x), evaluate(network, x).argmax(axis=1))


def test_gates_of_three_bits() -> None:
    tables = np.array([[0, 0, 0, 1, 0, 1, 1, 1], [0, 1, 1, 0, 1, 0, 0, 1]])
    gates = Gates(np.array([0, 1]), np.array([[0, 1, 2], [2, 1, 0]]), 3, tables)
    program = dd.distill(Network((Layer(gates, np.zeros(2, dtype=np.int64)),)))
    total = _every(3).sum(axis=1)
    assert np.array_equal(program(_every(3)), np.stack([total >= 2, total % 2], axis=1))


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"0.gate": np.array([16, 1])}, "error[N113]: layer 0: gate number 16, but there are numbers from 0 to 15"),
        ({"0.a": np.array([0, 9])}, "error[N107]: layer 0: column 9 is read, but the layer has 4 inputs"),
        ({"0.a": np.array([0])}, "gates and what they read must be of one length, not of shapes (2,), (1,), (2,)"),
        ({"0.gate": np.array([0.5, 1])}, "layer 0: gates are whole numbers: which table, and what is read"),
        ({"0.inputs": np.array(0)}, "error[N113]: layer 0: `inputs` must be one positive whole number"),
        ({"0.bias": np.zeros(2)}, "error[N008]: layer 0 has both `0.gate` and `0.bias`"),
        ({"0.weight": np.zeros((2, 4))}, "error[N008]: layer 0 has both `0.weight` and `0.gate`"),
        ({"1.groups": np.array(3)}, "error[N113]: layer 1: 2 units do not make 3 equal groups"),
    ],
)
def test_files_that_are_none(tmp_path: Path, change: dict[str, np.ndarray], line: str) -> None:
    arrays = {"0.gate": np.array([1, 6]), "0.a": np.array([0, 1]), "0.b": np.array([2, 3]), "0.inputs": np.array(4)}
    np.savez(tmp_path / "g.npz", **(arrays | change))
    with pytest.raises(dd.CompileError) as caught:
        dd.load_network(tmp_path / "g.npz")
    assert line in str(caught.value)


def test_gates_read_bits() -> None:
    gates = Layer(Gates(np.array([6]), np.array([[0, 1]]), 2), np.zeros(1, dtype=np.int64))
    with pytest.raises(dd.CompileError) as caught:
        dd.distill(Network((gates,)), inputs="x: trit[2]")
    assert str(caught.value) == (
        'error[N211]: layer 1 has logic gates, but the inputs are no bits\n  hint: declare inputs such as "x: bit[784]"'
    )


def test_what_is_said_of_gates_and_where_floating_point_agrees(tmp_path: Path) -> None:
    path = tmp_path / "net.npz"
    _file(path, [20, 10], 5, 2)
    network = dd.load_network(path)
    assert dd.float_safe(network, _every(5), "float32", "argmax").all()
    text = str(dd.inspect(path))
    assert "logic gates" in text


# --- modules ---------------------------------------------------------------------------------------------------------

torch = pytest.importorskip("torch")


class LogicLayer(torch.nn.Module):  # type: ignore[misc,name-defined,unused-ignore]
    """A layer in the layout of difflogic."""

    def __init__(self, in_dim: int, out_dim: int) -> None:
        super().__init__()
        self.in_dim, self.out_dim = in_dim, out_dim
        self.weights = torch.nn.Parameter(torch.randn(out_dim, 16))
        self.indices = torch.randint(in_dim, (out_dim,)), torch.randint(in_dim, (out_dim,))

    def forward(self, x: Any) -> Any:
        assert x.shape[-1] == self.in_dim
        if self.training:
            return x[..., self.indices[0]] * self.weights.softmax(-1).sum()
        a, b = x[..., self.indices[0]], x[..., self.indices[1]]
        table = torch.from_numpy(TRUTH)[self.weights.argmax(-1)].to(x.dtype)
        parts = [(1 - a) * (1 - b), (1 - a) * b, a * (1 - b), a * b]
        return sum(table[:, k] * part for k, part in enumerate(parts))


class Parametrization(torch.nn.Module):  # type: ignore[misc,name-defined,unused-ignore]
    """Tables of three bits, by the signs of weights."""

    def get_luts(self, weight: Any) -> Any:
        return weight > 0


class LogicDense(torch.nn.Module):  # type: ignore[misc,name-defined,unused-ignore]
    """A layer in the layout of torchlogix."""

    def __init__(self, in_dim: int, out_dim: int) -> None:
        super().__init__()
        self.in_dim, self.out_dim, self.lut_rank = in_dim, out_dim, 3
        self.weight = torch.nn.Parameter(torch.randn(out_dim, 8))
        self.parametrization = Parametrization()
        self.connections = torch.nn.Module()
        self.connections.register_buffer("indices", torch.randint(in_dim, (3, out_dim)))

    def forward(self, x: Any) -> Any:
        place = sum(2 ** (2 - k) * x[:, self.connections.indices[k]] for k in range(3))
        return (self.weight > 0).to(x.dtype).T.gather(0, place.long())


class GroupSum(torch.nn.Module):  # type: ignore[misc,name-defined,unused-ignore]
    """Scores."""

    def __init__(self, k: int, tau: float = 1.0, beta: float = 0.0) -> None:
        super().__init__()
        self.k, self.tau, self.beta = k, tau, beta

    def forward(self, x: Any) -> Any:
        assert x.shape[-1] % self.k == 0
        return (x.reshape(*x.shape[:-1], self.k, -1).sum(-1) + self.beta) / self.tau


@pytest.mark.parametrize("kind", [LogicLayer, LogicDense])
def test_modules(kind: Any) -> None:
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Flatten(), kind(9, 40), kind(40, 30), GroupSum(3, 0.5, 2.0)).eval()
    program = dd.distill(net, inputs="image: bit[3, 3]", head="none")
    x = _every(9)
    with torch.no_grad():
        expected = net(torch.from_numpy(x.reshape(-1, 3, 3)).float())
    assert np.array_equal(program(x.reshape(-1, 3, 3)), expected.numpy())


def test_the_inputs_of_modules_of_gates_are_known() -> None:
    torch.manual_seed(0)
    net = torch.nn.Sequential(LogicLayer(9, 40), GroupSum(2)).eval()
    program = dd.distill(net, head="argmax")
    expected = net(torch.from_numpy(_every(9)).float()).argmax(-1)
    assert np.array_equal(program(_every(9)), expected.numpy())


def test_modules_in_training_mode() -> None:
    with pytest.raises(dd.CompileError) as caught:
        dd.distill(torch.nn.Sequential(LogicLayer(4, 3)))
    assert "error[N403]: `LogicLayer` does another thing in training mode" in str(caught.value)


@pytest.mark.parametrize("tau", [-1.0, 0.0, float("inf"), float("nan")])
def test_temperatures_are_positive(tau: float) -> None:
    net = torch.nn.Sequential(LogicLayer(9, 40), GroupSum(2, tau)).eval()
    with pytest.raises(dd.CompileError) as caught:
        dd.distill(net, head="argmax")
    assert str(caught.value) == f"net.1: error[N409]: a temperature of {tau}\n  hint: it must be positive"


def test_gates_behind_sums() -> None:
    net = torch.nn.Sequential(LogicLayer(9, 40), GroupSum(4), LogicLayer(4, 2)).eval()
    with pytest.raises(dd.CompileError) as caught:
        dd.distill(net)
    assert str(caught.value) == (
        "error[N211]: layer 3 has logic gates, but layer 2 gives no bits\n  hint: let a step go before"
    )
