"""Batch norms that are not exact are merged into layers if asked to; the rounded network is compiled, and said so."""

import io
import warnings
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn

import ddcompile as dd
from ddcompile.cli import main
from ddcompile.diagnostics import CompileError
from ddcompile.frontends import as_model
from ddcompile.frontends.evaluate import evaluate
from ddcompile.frontends.network import Convolution, Layer, Network, Pointwise, Sparse
from ddcompile.frontends.normalization import Norm

BITS = "x: bit[1, 6, 6]"
REALS = "x: real[1, 6, 6]"


def normal(channels: int, axes: int = 2) -> nn.Module:
    """A batch norm with statistics."""
    norm = getattr(nn, f"BatchNorm{axes}d")(channels)
    with torch.no_grad():
        norm.running_mean.normal_(0, 0.5)
        norm.running_var.uniform_(0.3, 2)
        norm.weight.normal_()
        norm.bias.normal_(0, 0.3)
    return norm  # type: ignore[no-any-return]


class Sign(nn.Module):
    """The sign as a module."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The sign."""
        return torch.sign(x)


class Block(nn.Module):
    """Two convolutions and what goes past them."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(3, 3, 3, padding=1, bias=False) for _ in range(2))
        self.one, self.two = normal(3), normal(3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The sum."""
        return torch.relu(x + self.two(self.second(torch.relu(self.one(self.first(x))))))


def integral() -> nn.Module:
    """Weights of -1 and 1."""
    conv = nn.Conv2d(1, 3, 3)
    with torch.no_grad():
        conv.weight.copy_(torch.randn(3, 1, 3, 3).sign())
    return conv


def net(*parts: nn.Module, width: int = 48) -> nn.Module:
    """A convolution, what comes after it, and a linear layer."""
    return nn.Sequential(nn.Conv2d(1, 3, 3), *parts, nn.Flatten(), nn.Linear(width, 3))


CASES: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "convolution": (lambda: net(normal(3), nn.ReLU()), BITS),
    "linear": (lambda: nn.Sequential(nn.Flatten(), nn.Linear(36, 9), normal(9, 1), nn.ReLU(), nn.Linear(9, 3)), BITS),
    "integers": (lambda: nn.Sequential(integral(), normal(3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 3)), BITS),
    "before": (lambda: nn.Sequential(normal(1), nn.ReLU(), net()), BITS),
    "residual": (lambda: net(normal(3), nn.ReLU(), Block(), nn.AdaptiveAvgPool2d(1), width=3), BITS),
    "maximum": (lambda: net(nn.MaxPool2d(2), normal(3), nn.ReLU(), width=12), BITS),
    "average": (lambda: net(nn.AvgPool2d(3, 1), normal(3), nn.ReLU(), width=12), BITS),
    "depthwise": (
        lambda: net(normal(3), nn.ReLU6(), nn.Conv2d(3, 3, 3, groups=3), normal(3), nn.ReLU6(), width=12),
        BITS,
    ),
    "transposed": (lambda: net(normal(3), nn.ReLU(), nn.ConvTranspose2d(3, 2, 2, 2), normal(2), width=128), BITS),
    "last": (lambda: nn.Sequential(net(nn.ReLU()), normal(3, 1)), BITS),
    "real": (lambda: net(normal(3), nn.ReLU()), REALS),
    "real signs": (lambda: net(normal(3), Sign()), REALS),
    "real maxima": (lambda: net(nn.MaxPool2d(2), normal(3), Sign(), width=12), REALS),
    "double": (lambda: net(normal(3), nn.ReLU()).double(), BITS),
}


def as_onnx(module: nn.Module) -> onnx.ModelProto:
    """The module as torch exports it with its batch norms."""
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            (torch.zeros(1, 1, 6, 6),),
            file,
            dynamo=False,
            training=torch.onnx.TrainingMode.PRESERVE,
            do_constant_folding=False,
        )
    return onnx.load_from_string(file.getvalue())


def samples(declared: str, count: int = 400) -> np.ndarray:
    """Inputs of a kind."""
    rng = np.random.default_rng(0)
    if declared == BITS:
        return rng.integers(0, 2, (count, 1, 6, 6))
    return rng.standard_normal((count, 1, 6, 6)).astype(np.float32).astype(np.float64)


@pytest.mark.parametrize("name", CASES)
def test_the_program_is_the_network_as_rounded(name: str) -> None:
    torch.manual_seed(0)
    make, declared = CASES[name]
    module = make().eval()
    with pytest.raises(CompileError, match=r"error\[N40[67]\].*batch norm[^$]*--fuse-batch-norm"):
        dd.distill(module, declared, head="argmax")
    with pytest.warns(dd.RoundedWarning, match="rounded to float") as caught:
        program = dd.distill(module, declared, head="argmax", fuse_batch_norm=True)
    assert len(caught) == 1
    status = "faithful" if "real" in declared else "proved"
    assert program.known == f"{status} ({program.rounded})"
    assert dd.check(program.certificate, network=module).status == status  # type: ignore[arg-type]
    assert dd.verify(module, program, head="argmax", fuse_batch_norm=True).status == status
    network = as_model(module, declared, fuse_batch_norm=True)
    assert isinstance(network, Network)
    assert program.network_sha256 == network.sha256
    X = samples(declared)
    found = program.jit()(X)
    assert np.array_equal(found, evaluate(network, X.reshape(len(X), -1), "argmax"))
    with torch.no_grad():
        expected = module(torch.from_numpy(X).to(next(module.parameters()).dtype)).argmax(dim=1).numpy()
    safe = dd.float_safe(module, X, head="argmax")
    assert safe.mean() > 0.9
    assert np.array_equal(found[safe], expected[safe])


def test_exported_programs_and_onnx_models() -> None:
    torch.manual_seed(0)
    module = net(normal(3), nn.ReLU()).eval()
    exported = torch.export.export(module, (torch.zeros(2, 1, 6, 6),))
    model = as_onnx(module)
    assert "BatchNormalization" in {node.op_type for node in model.graph.node}
    X = samples(BITS)
    expected = evaluate(as_model(module, BITS, fuse_batch_norm=True), X.reshape(len(X), -1), "argmax")  # type: ignore[arg-type]
    for given in (exported, model):
        with pytest.warns(dd.RoundedWarning):
            program = dd.distill(given, BITS, head="argmax", fuse_batch_norm=True)
        assert np.array_equal(program.jit()(X), expected)


def test_rounding_is_that_of_torch() -> None:
    """To a few units in the last place: torch takes its factors in single precision."""
    torch.manual_seed(0)
    conv, norm = nn.Conv2d(1, 3, 3).eval(), normal(3).eval()
    network = as_model(nn.Sequential(conv, norm, nn.ReLU()).eval(), BITS, fuse_batch_norm=True)
    assert isinstance(network, Network)
    merged = network.layers[0].weight
    assert isinstance(merged, Convolution)
    of_torch = nn.utils.fuse_conv_bn_eval(conv, norm).weight.detach().double().numpy()
    np.testing.assert_allclose(merged.kernel, of_torch, rtol=2.0**-21)
    assert np.array_equal(merged.kernel, merged.kernel.astype(np.float32))


def layers(weight: object, activation: str = "relu", variance: float = 2.0, scale: float = 1.5) -> Network:
    """A network of one layer with a batch norm."""
    norm = Norm([0.5], [variance], [scale], [0.25])  # type: ignore[arg-type]
    return Network((Layer(weight, [0.125], activation, norm),), dtype="float32")  # type: ignore[arg-type]


def test_float_safe_of_the_module_holds_for_the_program() -> None:
    """Where scores are as close as floats go, module and program differ, but never where it is said that they agree."""
    safe = differ = 0
    for seed in range(6):
        torch.manual_seed(seed)
        rng = np.random.default_rng(seed)
        norm = nn.BatchNorm1d(8)
        with torch.no_grad():
            norm.running_mean.normal_(0, 50)  # type: ignore[union-attr]
            norm.running_var.uniform_(1e-4, 2000)  # type: ignore[union-attr]
            norm.weight.normal_()
            norm.bias.normal_(0, 10)
        last = nn.Linear(8, 2)
        module = nn.Sequential(nn.Linear(6, 8), norm, nn.ReLU(), last).eval()
        X = rng.integers(0, 256, (2000, 6))
        with torch.no_grad():
            scores = module(torch.from_numpy(X).float())
            last.bias[0] -= (scores[0, 0] - scores[0, 1]).item()
            scores = module(torch.from_numpy(X).float())
        near = (scores[:, 0] - scores[:, 1]).abs().argsort()[:200].numpy()
        X = np.concatenate([X[near], np.repeat(X[:1], 9, axis=0)])
        with pytest.warns(dd.RoundedWarning):
            program = dd.distill(module, "x: int[0..255][6]", head="argmax", passes="", fuse_batch_norm=True)
        with torch.no_grad():
            same = program.jit()(X) == module(torch.from_numpy(X).float()).argmax(dim=1).numpy()
        mask = dd.float_safe(module, X, head="argmax")
        assert same[mask].all()
        safe, differ = safe + int(mask.sum()), differ + int((~same).sum())
    assert safe > 1000
    assert differ


def test_what_is_exact_is_left_alone() -> None:
    for network in (layers([[0.5, 0.25]], variance=4.0), layers([[0.5, 0.25]], "sign"), layers([[0.5, 1.5]], "step")):
        assert as_model(network, "x: int[0..9][2]", fuse_batch_norm=True) is network
        program = dd.distill(network, "x: int[0..9][2]", fuse_batch_norm=True)
        assert program.known == "proved"
        assert program.rounded == ""
    signs = layers([[0.5, 0.25]], "sign")
    assert as_model(signs, "x: real[2]", fuse_batch_norm=True) is signs
    assert as_model(signs, "x: rat[2]", fuse_batch_norm=True) is not signs


def test_integers_keep_their_sums() -> None:
    network = as_model(layers([[3, -2]]), "x: int[0..9][2]", fuse_batch_norm=True)
    assert isinstance(network, Network)
    (layer,) = network.layers
    assert isinstance(layer.weight, np.ndarray)
    assert layer.weight.tolist() == [[3, -2]]
    assert layer.norm is not None
    assert layer.norm.factors() == [Fraction(float(np.float32(1.5 / np.sqrt(2.0))))]


@pytest.mark.parametrize(
    "weight",
    [np.array([[0.5, 0.3]]), Sparse([0.5, 0.3], [0, 1], [0, 2], (1, 2)), Pointwise([[0.5], [0.3]])],  # type: ignore[arg-type]
)
def test_weights_of_every_form(weight: object) -> None:
    first = Layer([[1.0, 0.0]], [0.0])  # type: ignore[arg-type]
    reads = (0, 0) if isinstance(weight, Pointwise) else (-1,)
    network = layers([[1.0, 0.0]])
    last = Layer(weight, [0.125], "relu", network.layers[0].norm, reads=reads)  # type: ignore[arg-type]
    network = as_model(Network((first, last), dtype="float32"), "x: bit[2]", fuse_batch_norm=True)  # type: ignore[assignment]
    X = np.array([[0, 0], [1, 0], [1, 1]])
    factor = 1.5 / np.sqrt(2.0)
    read = X[:, [0, 0]] if isinstance(weight, Pointwise) else X
    expected = np.maximum(factor * (read @ np.array([0.5, 0.3]) + 0.125 - 0.5) + 0.25, 0)
    np.testing.assert_allclose(evaluate(network, X).ravel().astype(float), expected, rtol=1e-6)


def test_numbers_that_single_precision_cannot_hold_stay_doubles() -> None:
    network = as_model(layers([[1e-42, 0.3]]), "x: bit[2]", fuse_batch_norm=True)
    assert isinstance(network, Network)
    weight = network.layers[0].dense_weight()
    assert weight[0, 0] == 1e-42 * (1.5 / np.sqrt(2.0))
    assert weight[0, 1] == float(np.float32(0.3 * (1.5 / np.sqrt(2.0))))
    tiny = layers([[0.5, 0.3]], variance=1e300, scale=1e-300)
    with pytest.raises(CompileError, match="N406"):
        dd.distill(tiny, "x: bit[2]", fuse_batch_norm=True)


def test_it_is_said_wherever_the_rule_goes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(0)
    model, rule, proof = (str(tmp_path / name) for name in ("net.onnx", "net.rule", "net.json"))
    onnx.save(as_onnx(net(normal(3), nn.ReLU()).eval()), model)
    asked = ["distill", model, "--input", BITS, "--head", "argmax", "-o", rule, "--certificate", proof]
    assert main(asked) == 1
    assert "--fuse-batch-norm" in capsys.readouterr().err
    assert main([*asked, "--fuse-batch-norm"]) == 0
    said = "is merged into weights and biases, rounded to float32"
    assert "warning[N415]: batch norm of one layer (`" in (shown := capsys.readouterr().err)
    assert said in shown
    assert said in (tmp_path / "net.rule").read_text()
    with pytest.warns(dd.RoundedWarning):
        program = dd.distill(model, BITS, head="argmax", fuse_batch_norm=True)
    assert said in program.emit("c")[0].text
    assert main(["check", proof, "--network", model]) == 0
    assert "repeated by the front end, equal" in capsys.readouterr().out
    assert main(["verify", model, rule, "--head", "argmax", "--fuse-batch-norm"]) == 0
    assert main(["inspect", model, "--input", BITS]) == 0
    assert "unless it is merged (--fuse-batch-norm)" in capsys.readouterr().out
    assert main(["inspect", model, "--input", BITS, "--fuse-batch-norm"]) == 0
    shown = capsys.readouterr().out
    assert "not compiled" not in shown
    assert "rounded: batch norm of one layer" in shown
    assert main([*asked, "--fuse-batch-norm", "--via", "tree"]) == 1
    assert "error[U016]: --fuse-batch-norm is not for --via tree" in capsys.readouterr().err


def test_a_tree_asks_the_model_as_it_is() -> None:
    with pytest.raises(dd.CompileError, match=r"U016.*fuse_batch_norm is not for via"):
        dd.distill(lambda x: x[:, 0], "x: bit[2]", fuse_batch_norm=True, via="tree")
