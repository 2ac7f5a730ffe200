"""Surrogates: trees that stand for classifiers, how far they agree, and that nobody calls them proved."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.datasets import load_iris
from sklearn.neural_network import MLPClassifier
from sklearn.tree import DecisionTreeClassifier

import ddcompile as dd
from ddcompile.learn.surrogates import interval

FEW = dd.learn.Tree(queries=20_000, held_out=2_000)


def all_bits(n: int) -> np.ndarray:
    return np.array(list(product([0, 1], repeat=n)))


def of(call: Any, *arguments: Any, **named: Any) -> str:
    with pytest.raises(dd.CompileError) as found:
        call(*arguments, **named)
    return str(found.value)


def test_a_function_that_a_tree_can_be() -> None:
    program = dd.distill(lambda x: x.sum(axis=1) >= 2, "x: bit[3]", via="tree", name="vote")
    assert np.array_equal(program(all_bits(3)), all_bits(3).sum(axis=1) >= 2)
    assert program.cost < 80
    fidelity = program.verdict.fidelity
    assert (fidelity.agreed, fidelity.held_out, fidelity.high, fidelity.limit) == (10_000, 10_000, 1, "")
    assert 0.9996 < fidelity.low < 1


def test_a_surrogate_is_never_called_proved(tmp_path: Path) -> None:
    program = dd.distill(lambda x: x[:, 0] & x[:, 1], "x: bit[4]", via=FEW, name="both")
    assert program.verdict.status == program.known == "surrogate"
    assert not program.verdict
    assert "proved" not in str(program.verdict)
    program.save(tmp_path / "both.rule")
    program.certificate.save(tmp_path / "both.json")
    assert "proved" not in (tmp_path / "both.rule").read_text()
    first = (tmp_path / "both.rule").read_text().splitlines()[0]
    assert first.startswith("# Surrogate by ddcompile")
    assert "agrees with <lambda> on 2,000 of 2,000 queries held out (95% sure: 0.998157 to 1.000000)." in first
    assert "proved" not in (tmp_path / "both.json").read_text()
    assert "verdict: surrogate" in program.emit("c")[0].text
    checked = dd.check(tmp_path / "both.json")
    assert (checked.status, checked.fidelity) == ("surrogate", program.verdict.fidelity)
    assert dd.optimize(program).verdict.status == "surrogate"
    assert dd.distill(lambda x: x[:, 0], "x: bit[2]", via=FEW, passes="dce").verdict.status == "surrogate"
    assert "error[G021]: `both` is a surrogate" in of(dd.generalize, [program])


def test_the_certificate_does_not_hold_for_the_network(tmp_path: Path) -> None:
    network = dd.Network((dd.Layer(np.array([[1.0, 1.0]]), np.array([-1.5]), "step"),), "both")
    program = dd.distill(network, via=FEW)
    assert (program.name, program.verdict.status) == ("both", "surrogate")
    assert np.array_equal(program(all_bits(2)), [0, 0, 0, 1])
    verdict = dd.check(program.certificate, network)
    assert verdict.status == "failed"
    assert "stands for a network but is none" in str(verdict)


def test_steps_of_a_surrogate_are_checked() -> None:
    program = dd.distill(lambda x: x.sum(axis=1) >= 2, "x: bit[3]", via=FEW)
    other = dd.parse(str(program).replace("2", "1"))
    assert not dd.driver.checker.check(program.certificate, other.rule).is_accepted


def test_a_tanh_network_over_reals() -> None:
    samples, labels = load_iris(return_X_y=True)
    model = MLPClassifier((20, 20), activation="tanh", max_iter=2000, random_state=0).fit(samples, labels)
    program = dd.distill(model, "flower: real[4]", via=dd.learn.Tree(samples=samples, splits=20), name="iris")
    fidelity = program.verdict.fidelity
    assert (fidelity.model, fidelity.limit) == ("MLPClassifier", "20 splits")
    assert fidelity.low < fidelity.agreed / fidelity.held_out < fidelity.high
    assert fidelity.low > 0.85
    assert (program(samples) == model.predict(samples)).mean() > 0.93
    fresh = np.random.default_rng(1).permuted(samples, axis=0)[:100]
    assert np.array_equal(program.jit()(fresh), program(fresh))


def test_a_tree_is_found_again() -> None:
    """Thresholds are those of the model, up to where queries lie."""
    samples, labels = load_iris(return_X_y=True)
    model = DecisionTreeClassifier(max_leaf_nodes=4, random_state=0).fit(samples, labels)
    program = dd.distill(model, "flower: real[4]", via=dd.learn.Tree(samples=samples), name="iris")
    assert program.verdict.fidelity.low > 0.99
    assert np.array_equal(program(samples), model.predict(samples))


def test_a_torch_module() -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(6, 8), torch.nn.Tanh(), torch.nn.Linear(8, 3))
    message = of(dd.distill, net, "image: bit[2, 3]", via="tree")
    assert message.startswith("Sequential: error[N403]: the module is in training mode")
    program = dd.distill(net.eval(), "image: bit[2, 3]", "kind: int[0..2]", via="tree", name="net")
    images = all_bits(6).reshape(-1, 2, 3)
    wanted = net(torch.tensor(images, dtype=torch.float32)).argmax(1).numpy()
    assert (program(images) == wanted).mean() > 0.98
    assert program.rule.outputs[0].name == "kind"


def test_a_smooth_network_file(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    layers = {"0.weight": random.normal(size=(8, 5)), "0.bias": random.normal(size=8), "0.activation": "tanh"}
    layers |= {"1.weight": random.normal(size=(2, 8)), "1.bias": random.normal(size=2), "1.activation": "identity"}
    np.savez(tmp_path / "net.npz", **layers)
    program = dd.distill(str(tmp_path / "net.npz"), "x: bit[5]", via="tree")
    hidden = np.tanh(all_bits(5) @ layers["0.weight"].T + layers["0.bias"])
    assert np.array_equal(program(all_bits(5)), (hidden @ layers["1.weight"].T + layers["1.bias"]).argmax(1))
    assert program.verdict.fidelity.model.startswith("network ")


def test_labels_that_are_no_numbers() -> None:
    program = dd.distill(lambda x: np.where(x[:, 0] > x[:, 1], "up", "down"), "x: int[-2..2][2]", via=FEW)
    assert program.verdict.fidelity.labels == ("down", "up")
    assert program([[1, -1], [0, 0]]).tolist() == [1, 0]


def test_what_was_fitted_to_a_table_is_asked_about_tables() -> None:
    pandas: Any = pytest.importorskip("pandas")
    table = pandas.DataFrame(all_bits(4), columns=list("abcd"))
    model = DecisionTreeClassifier(random_state=0).fit(table, table.a & table.c)
    # scikit-learn would warn of arrays.
    of_each = {"DecisionTreeClassifier": model, "DecisionTreeClassifier.predict_proba": model.predict_proba}
    for name, asked in of_each.items():
        program = dd.distill(asked, "x: bit[3], y: bit", via=FEW)
        assert program.verdict.fidelity.model == name
        assert np.array_equal(program(all_bits(4)[:, :3], all_bits(4)[:, 3]), table.a & table.c)


def test_several_inputs() -> None:
    def model(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        assert (a.shape[1:], b.shape[1:], a.dtype, b.dtype) == ((), (2,), np.int64, np.int8)
        return a + 5 * (b[:, 1] == -1)

    program = dd.distill(model, "a: int[0..3], b: spin[2]", via=FEW)
    assert program([2, 3], [[1, -1], [-1, 1]]).tolist() == [7, 3]
    samples = np.array([[0.0, 1.0], [2.0, 1.5], [1.0, 9.0]])
    near = dd.learn.Tree(samples=[samples, [1, 0, 0]], queries=20_000, mixing=1)
    program = dd.distill(lambda x, b: (x[:, 0] > 1) & (b == 1), "x: real[2], b: bit", via=near)
    assert program([[1.5, 0.0], [0.5, 0.0]], [1, 1]).tolist() == [1, 0]


def test_equal_seeds_give_equal_rules() -> None:
    programs = [dd.distill(lambda x: x.sum(axis=1) % 3 == 0, "x: bit[6]", via=FEW) for _ in range(2)]
    assert str(programs[0]) == str(programs[1])
    assert programs[0].verdict.fidelity == programs[1].verdict.fidelity


def test_one_label_alone() -> None:
    program = dd.distill(lambda x: np.full(len(x), 7), "x: bit[3]", via=FEW)
    assert program([0, 0, 0]) == 7
    assert program.verdict.fidelity.queries == 1_000


def test_noise_is_not_described() -> None:
    """Labels that no tree could tell apart shortly are left as they are: one leaf."""
    weights = np.random.default_rng(0).integers(1, 10**6, 30)
    program = dd.distill(lambda x: (x @ weights) % 10 == 0, "x: bit[30]", via=FEW)
    assert str(program).count("if") <= 1
    assert program.verdict.fidelity.agreed > 1700


def test_the_interval() -> None:
    """The bounds of Clopper and Pearson, by their definition: sums of binomial probabilities."""
    from math import comb

    low, high = interval(8, 10, 0.95)
    at_least = sum(comb(10, k) * low**k * (1 - low) ** (10 - k) for k in range(8, 11))
    at_most = sum(comb(10, k) * high**k * (1 - high) ** (10 - k) for k in range(9))
    assert at_least == pytest.approx(0.025, abs=1e-5)
    assert at_most == pytest.approx(0.025, abs=1e-5)
    assert interval(0, 5, 0.9)[0] == 0
    assert interval(5, 5, 0.9)[1] == 1


@pytest.mark.parametrize(
    ("model", "inputs", "via", "message"),
    [
        (3, "x: bit[2]", "tree", "error[U011]: int is no classifier"),
        (lambda x: x[:, 0], "x: bit[2]", "forest", "via: error[U016]: 'forest' is no way to a surrogate"),
        (lambda x: x[:, 0], None, "tree", "inputs: error[U016]: the inputs must be declared"),
        (lambda x: x[:, 5], "x: bit[2]", "tree", "<lambda>: error[L010]: the model fails on queries of shape (100, 2)"),
        (lambda x: x[:, 0] + 0.5, "x: bit[2]", "tree", "<lambda>: error[L011]: the model gives one score a query"),
        (lambda x: x[0], "x: bit[2]", "tree", "<lambda>: error[L011]: the model gives uint8 of shape (2,)"),
        (lambda x: ["a", None] * (len(x) // 2), "x: bit", "tree", "<lambda>: error[L011]: the model gives labels of"),
        (lambda x: x / 0.0, "x: bit[2]", "tree", "<lambda>: error[L01"),
        (lambda x: np.random.default_rng().integers(0, 2, len(x)), "x: bit", "tree", "<lambda>: error[L012]: equal"),
        (lambda x: x, "x: bit", dd.learn.Tree(queries=3), "Tree: error[L013]: `queries` is 3"),
        (lambda x: x, "x: bit", dd.learn.Tree(mixing=0), "Tree: error[L013]: `mixing` is 0"),
        (lambda x: x, "x: bit", dd.learn.Tree(confidence=1), "Tree: error[L013]: `confidence` is 1"),
        (lambda x: x, "x: bit", dd.learn.Tree(mixing="a"), "Tree: error[L013]: `mixing` is 'a'"),  # type: ignore[arg-type]
        (lambda x: x, "x: bit", dd.learn.Tree(confidence=None), "Tree: error[L013]: `confidence` is None"),  # type: ignore[arg-type]
        (lambda x: x, "x: bit", dd.learn.Tree(seed=-1), "Tree: error[L013]: `seed` is -1"),
        (lambda x: np.zeros((len(x), 0)), "x: bit", "tree", "<lambda>: error[L011]: the model gives float64 of shape"),
        (
            lambda x: x,
            "x: bit[2]",
            dd.learn.Tree(samples=[[1], [1, 0]]),
            "samples: error[L014]: samples of `x` are no array",
        ),
        (lambda x: x, "x: bit", dd.learn.Tree(samples=[[2.5]]), "samples: error[L014]: there are values that `x`, bit"),
        (lambda x: x, "x: bit[3]", dd.learn.Tree(samples=[[1, 0]]), "samples: error[L014]: `x` takes numbers of shape"),
        (lambda x: x > 0, "x: real", "tree", "inputs: error[L015]: `x` is real, without a range"),
        (lambda x: x > 0, "x: int", "tree", "inputs: error[L015]: `x` is int, without a range"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
def test_what_is_refused(model: Any, inputs: str | None, via: Any, message: str) -> None:
    assert of(dd.distill, model, inputs, via=via).startswith(message)


def test_results_that_do_not_hold_the_labels() -> None:
    assert "error[N205]: `c` is declared bit" in of(dd.distill, lambda x: 2 * x, "x: bit", "c: bit", via=FEW)
    assert "error[N204]" in of(dd.distill, lambda x: x, "x: bit", "c: bit[2]", via=FEW)


def test_few_queries_are_enough_for_a_split() -> None:
    program = dd.distill(lambda x: x[:, 2], "x: bit[4]", via=dd.learn.Tree(queries=500, held_out=200))
    assert "class = x[2]" in str(program)
    assert program.verdict is not None
    assert program.verdict.fidelity is not None
    assert program.verdict.fidelity.queries <= 500
