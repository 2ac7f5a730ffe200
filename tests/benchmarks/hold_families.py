"""Operators of torch, families of scikit-learn, files of trees, gates: 5,000 inputs each, and the framework itself."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from lines import Line, count
from sklearn import (
    discriminant_analysis,
    ensemble,
    linear_model,
    multiclass,
    naive_bayes,
    neural_network,
    preprocessing,
    svm,
    tree,
)
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from torch import nn

import ddcompile as dd
from ddcompile.engines import compiled
from ddcompile.frontends import Ensemble, as_model
from ddcompile.frontends.evaluate import evaluate
from ddcompile.frontends.groups import group_sums
from ddcompile.frontends.network import Gates, Layer, Network
from ddcompile.frontends.trees.evaluate import evaluate_ensemble

__all__ = ["families"]

INPUTS = 5_000
TREES = Path(__file__).parents[1] / "unit" / "frontends" / "trees_data"

Run = Callable[["Module", torch.Tensor], Any]


class Module(nn.Module):
    """Two linear layers of six values, a batch norm, a recurrent network, and what is done with them."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.run = run
        self.a, self.b, self.norm = nn.Linear(6, 6), nn.Linear(6, 6), nn.BatchNorm1d(6)
        self.rnn = nn.RNN(2, 3, 2, nonlinearity="relu", batch_first=True)
        norm = self.norm
        with torch.no_grad():
            for tensor in (norm.running_mean, norm.weight, norm.bias):
                assert tensor is not None
                tensor.normal_()
            assert norm.running_var is not None
            norm.running_var.uniform_(0.3, 2)

    def forward(self, x: torch.Tensor) -> Any:
        """Signs of the values."""
        return torch.sign(self.run(self, x).to(x.dtype))


OPERATORS: dict[str, Run] = {
    "relu": lambda m, x: m.b(F.relu(m.a(x))),
    "relu6": lambda m, x: m.b(F.relu6(m.a(x))),
    "leaky_relu": lambda m, x: m.b(F.leaky_relu(m.a(x), 0.1)),
    "prelu": lambda m, x: m.b(F.prelu(m.a(x), m.b.bias.abs())),
    "hardtanh": lambda m, x: m.b(F.hardtanh(m.a(x))),
    "hardsigmoid": lambda m, x: m.b(F.hardsigmoid(m.a(x))),
    "hardshrink": lambda m, x: m.b(F.hardshrink(m.a(x), 0.25)),
    "softshrink": lambda m, x: m.b(F.softshrink(m.a(x), 0.25)),
    "threshold": lambda m, x: m.b(F.threshold(m.a(x), 0.25, -1.0)),
    "clamp": lambda m, x: m.b(m.a(x).clamp(-0.5, 1.25)),
    "abs": lambda m, x: m.b(m.a(x).abs()),
    "sign": lambda m, x: m.b(m.a(x).sign()),
    "heaviside": lambda m, x: m.b(torch.heaviside(m.a(x), torch.tensor(1.0))),
    "add, sub, neg": lambda m, x: m.a(x) - (-m.b(x) + 0.5),
    "mul, div by constants": lambda m, x: 0.75 * m.a(x) / 4 + m.b(x) * m.a.bias,
    "mul by a sign": lambda m, x: m.a(x) * m.b(x).sign(),
    "mul by a mask": lambda m, x: m.a(x) * (m.b(x) > 0.1),
    "sum, mean": lambda m, x: m.a(x).sum(1, keepdim=True) - 2 * m.b(x).mean(1, keepdim=True),
    "matmul": lambda m, x: x @ m.a.weight.T,
    "bmm": lambda m, x: torch.bmm(m.a.weight[:3, :3].expand(x.size(0), 3, 3), x.view(-1, 3, 2)),
    "einsum": lambda m, x: torch.einsum("bij,oi->bjo", x.view(-1, 3, 2), m.a.weight[:, :3]),
    "maximum": lambda m, x: torch.maximum(m.a(x), m.b(x)),
    "minimum": lambda m, x: torch.minimum(m.a(x), m.b(x)),
    "amax, amin": lambda m, x: m.a(x).amax(1) + m.b(x).amin(1),
    "greater, less": lambda m, x: (m.a(x) > m.b(x)).float() - (m.b(x) <= 0.25).float(),
    "equal": lambda m, x: (x == 1).float() - (x != -2).float(),
    "and, or, xor, not": lambda m, x: (((m.a(x) > 0) & (m.b(x) < 0)) ^ ~((m.a(x) > 1) | (x > 0))).float(),
    "where": lambda m, x: torch.where(m.a(x) > 0.5, m.b(x), -m.a(x)),
    "masked_fill": lambda m, x: m.a(x).masked_fill(x > 1, -0.5),
    "any, all": lambda m, x: (m.a(x) > 0).any(1).float() - (m.b(x) > -1).all(1).float(),
    "count_nonzero": lambda m, x: torch.count_nonzero(x, dim=1) - 5,
    "argmax": lambda m, x: m.a(x).argmax(1) - 3,
    "one_hot": lambda m, x: m.b(F.one_hot(m.a(x).argmax(1), 6).float()),
    "embedding": lambda m, x: F.embedding((x > 0).long(), m.a.weight[:2]).sum(2),
    "cumsum": lambda m, x: m.a(x).cumsum(1),
    "unfold": lambda m, x: m.a(x).unfold(1, 3, 2).sum(2),
    "cat, stack, chunk": lambda m, x: torch.cat([torch.stack([m.a(x), m.b(x)], 1).flatten(1), x.chunk(3, 1)[1]], 1),
    "permute, flip": lambda m, x: m.b(m.a(x).view(-1, 2, 3).permute(0, 2, 1).flip(1).flatten(1)[:, :6]),
    "slice": lambda m, x: m.a(x)[:, 1:5:2] - m.b(x)[..., -2:],
    "pad": lambda m, x: F.pad(m.a(x), (1, 2), value=0.5),
    "interpolate": lambda m, x: F.interpolate(m.a(x)[:, None], scale_factor=2),
    "dropout": lambda m, x: m.b(F.dropout(m.a(x), 0.5, m.training)),
    "batch_norm": lambda m, x: m.b(m.norm(m.a(x)).sign()),
    "batch_norm, merged": lambda m, x: m.b(m.norm(m.a(x)).relu()),
    "rnn_relu": lambda m, x: m.rnn(x.view(-1, 3, 2))[0][:, -1] - 0.1,
}

_X, _Y = np.random.default_rng(0).integers(0, 10, (300, 6)), np.arange(300) % 3
_REALS = np.random.default_rng(1).normal(size=(300, 6))
_CLASS = np.digitize(_REALS[:, 0] * _REALS[:, 1] + _REALS[:, 2], [-0.5, 0.5])
_SEED: dict[str, Any] = {"random_state": 0}

LINEAR: dict[str, Any] = {
    "LogisticRegression": linear_model.LogisticRegression(),
    "RidgeClassifier": linear_model.RidgeClassifier(),
    "SGDClassifier": linear_model.SGDClassifier(**_SEED),
    "Perceptron": linear_model.Perceptron(**_SEED),
    "LinearSVC": svm.LinearSVC(**_SEED),
    "SVC, linear": svm.SVC(kernel="linear"),
    "LinearDiscriminantAnalysis": discriminant_analysis.LinearDiscriminantAnalysis(),
    "MultinomialNB": naive_bayes.MultinomialNB(),
    "ComplementNB": naive_bayes.ComplementNB(),
    "BernoulliNB": naive_bayes.BernoulliNB(binarize=4.5),
    "OneVsRestClassifier": multiclass.OneVsRestClassifier(svm.LinearSVC(**_SEED)),
    "MLPClassifier": neural_network.MLPClassifier((8,), max_iter=40, **_SEED),
    "MLPClassifier, two layers": neural_network.MLPClassifier((6, 5), max_iter=40, **_SEED),
    "behind StandardScaler": make_pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression()),
    "behind MinMaxScaler": make_pipeline(preprocessing.MinMaxScaler(), svm.LinearSVC(**_SEED)),
    "behind RobustScaler and PCA": make_pipeline(
        preprocessing.RobustScaler(), PCA(4), linear_model.LogisticRegression()
    ),
    "behind OneHotEncoder": make_pipeline(preprocessing.OneHotEncoder(), linear_model.LogisticRegression()),
}
FORESTS: dict[str, Any] = {
    "DecisionTreeClassifier": tree.DecisionTreeClassifier(**_SEED),
    "ExtraTreeClassifier": tree.ExtraTreeClassifier(**_SEED),
    "RandomForestClassifier": ensemble.RandomForestClassifier(20, max_depth=6, **_SEED),
    "ExtraTreesClassifier": ensemble.ExtraTreesClassifier(20, max_depth=6, **_SEED),
    "GradientBoostingClassifier": ensemble.GradientBoostingClassifier(n_estimators=12, **_SEED),
    "HistGradientBoostingClassifier": ensemble.HistGradientBoostingClassifier(max_iter=8, **_SEED),
    "AdaBoostClassifier": ensemble.AdaBoostClassifier(n_estimators=12, **_SEED),
    "BaggingClassifier": ensemble.BaggingClassifier(n_estimators=8, **_SEED),
    "VotingClassifier": ensemble.VotingClassifier(
        [(f"t{k}", tree.DecisionTreeClassifier(max_depth=k, **_SEED)) for k in (2, 3, 4)]
    ),
    "behind StandardScaler": make_pipeline(preprocessing.StandardScaler(), tree.DecisionTreeClassifier(**_SEED)),
    "behind KBinsDiscretizer": make_pipeline(
        preprocessing.KBinsDiscretizer(4, encode="onehot-dense"), tree.DecisionTreeClassifier(**_SEED)
    ),
}


def families() -> Iterator[Line]:
    """One line an operator, a family, a file."""
    for name, run in OPERATORS.items():
        torch.manual_seed(0)
        yield from _operator(name, Module(run).eval())
    for name, model in LINEAR.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(_X, _Y)
        X = np.random.default_rng(2).integers(0, 10, (INPUTS, 6))
        yield from _model(name, model, "x: int[0..9][6]", X)
    for name, model in FORESTS.items():
        model.fit(_REALS, _CLASS)
        yield from _model(name, model, "x: real[6]", _near(as_model(model)))
    for path in sorted(TREES.glob("*_*.*")):
        yield from _file(path)
    yield from _gates()


def _operator(name: str, module: Module) -> Iterator[Line]:
    inputs = "x: int[-3..3][6]"
    X = np.random.default_rng(0).integers(-3, 4, (INPUTS, 6))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dd.RoundedWarning)
        program = dd.distill(module, inputs, passes="", fuse_batch_norm=True)
    network = as_model(module, inputs, fuse_batch_norm=True)
    assert isinstance(network, Network)
    expected = evaluate(network, X)
    yield _equal("torch operators", name, program, X, expected)
    mask = dd.float_safe(module, X)
    with torch.no_grad():
        given = module(torch.from_numpy(X).float()).numpy().reshape(expected.shape)
    same = int((given == expected).all(axis=1)[mask].sum())
    safe = f"{same:,} of {int(mask.sum()):,} safe"
    yield Line("torch operators", f"{name}: torch = network where safe", safe, "all; some", same == mask.sum() > 0)


def _model(name: str, model: Any, inputs: str, X: np.ndarray) -> Iterator[Line]:
    exact = as_model(model, inputs)
    expected = (evaluate_ensemble(exact, X) if isinstance(exact, Ensemble) else evaluate(exact, X)).ravel()
    yield _equal("sklearn", name, dd.distill(model, inputs, passes=""), X, expected)
    mask = dd.float_safe(model, X)
    same = int((model.predict(X) == expected)[mask].sum())
    safe = f"{same:,} of {int(mask.sum()):,} safe"
    is_right = same == mask.sum() >= 0.9 * INPUTS
    yield Line("sklearn", f"{name}: scikit-learn = network where safe", safe, "all; >= 90% safe", is_right)


def _file(path: Path) -> Iterator[Line]:
    exact = as_model(path)
    X = _near(exact)
    expected = evaluate_ensemble(exact, X).ravel()  # type: ignore[arg-type]
    expected = expected.astype(float) if expected.dtype == object else expected
    yield _equal("files of trees", path.stem, dd.distill(path), X, expected)


def _gates() -> Iterator[Line]:
    random = np.random.default_rng(0)
    layers, before = [], 24
    for width in (200, 200, 120):
        gates = Gates(random.integers(0, 16, width), random.integers(0, before, (width, 2)), before)
        layers.append(Layer(gates, np.zeros(width, dtype=np.int64)))
        before = width
    network = Network((*layers, group_sums(before, 4)), "gates", "argmax")
    X = random.integers(0, 2, (INPUTS, 24))
    yield _equal("gates", "three layers and sums of groups", dd.distill(network), X, evaluate(network, X))


def _near(model: Any) -> np.ndarray:
    """Reals; four fifths of the samples have an input at a cut, or at the double next to one."""
    random = np.random.default_rng(2)
    X = random.normal(size=(INPUTS, model.inputs)) * 1.5
    for row in range(INPUTS - INPUTS // 5):
        own = model.trees[random.integers(len(model.trees))]
        node = random.integers(own.nodes)
        if own.feature[node] >= 0 and np.isfinite(own.cut[node]):
            X[row, own.feature[node]] = own.cut[node] if row % 2 else np.nextafter(own.cut[node], np.inf)
    return X


def _equal(section: str, name: str, program: dd.Program, X: np.ndarray, expected: np.ndarray) -> Line:
    found = np.asarray(compiled(program.rule, "jit")([X])).reshape(expected.shape)
    equal = int((found == expected).reshape(len(X), -1).all(axis=1).sum())
    return Line(section, f"{name}: program = network", count(equal), count(INPUTS), equal == INPUTS == len(X))
