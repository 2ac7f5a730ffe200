"""Names of classes: from models of scikit-learn and of ONNX into the rule, its file, what is emitted, and reports."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from skl2onnx import to_onnx
from sklearn.datasets import load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

import ddcompile as dd
from ddcompile.backends.shared.labels import label_lines, labels_in
from ddcompile.cli import main
from ddcompile.frontends import as_model

X, Y = load_iris(return_X_y=True)
NAMES = np.array(["setosa", "versicolor", "virginica"])
BINARY = slice(50, 150)
MODELS: dict[str, Any] = {
    "linear": LogisticRegression(max_iter=500),
    "tree": DecisionTreeClassifier(max_depth=2, random_state=0),
    "perceptron": MLPClassifier((4,), max_iter=20, random_state=0),
}


def fitted(name: str, rows: slice = slice(None)) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return MODELS[name].fit(X[rows], NAMES[Y[rows]])


@pytest.mark.parametrize("name", MODELS)
def test_classes_of_scikit_learn_keep_their_names(name: str) -> None:
    model = fitted(name)
    assert as_model(model).labels == tuple(NAMES)
    assert as_model(model.predict_proba).labels == tuple(NAMES)
    assert as_model(fitted(name, BINARY)).labels == ("versicolor", "virginica")


def test_other_scikit_learn_models_have_no_names() -> None:
    """Numbers from 0 on need none; scores of two classes are one score; regression has no classes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert as_model(LinearSVC().fit(X, Y)).labels == ()
        assert as_model(LinearSVC().fit(X, 2 * Y + 1)).labels == ("1", "3", "5")
        assert as_model(LinearSVC().fit(X[BINARY], NAMES[Y[BINARY]]).decision_function).labels == ()
    assert as_model(LinearRegression().fit(X, Y)).labels == ()


@pytest.mark.parametrize("rows", [slice(None), BINARY])
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("zipmap", [True, False])
def test_classes_of_onnx_keep_their_names(name: str, rows: slice, zipmap: bool) -> None:
    model = fitted(name, rows)
    proto = to_onnx(model, X[:1].astype(np.float32), options={"zipmap": zipmap})
    assert as_model(proto).labels == tuple(model.classes_)


def test_names_are_in_the_rule_its_file_and_what_is_emitted(tmp_path: Path) -> None:
    program = dd.distill(fitted("tree"), name="iris")
    lines = "# class 0 is setosa\n# class 1 is versicolor\n# class 2 is virginica\n"
    assert str(program).startswith(f"{lines}rule iris")
    assert dd.parse(str(program)) == program
    program.save(tmp_path / "iris.rule")
    again = dd.load(tmp_path / "iris.rule")
    assert again.labels == program.labels == tuple(NAMES)
    assert lines in (tmp_path / "iris.rule").read_text()
    assert "Class 0 is setosa, class 1 is versicolor, class 2 is virginica." in str(again.explain()).replace("\n", " ")
    for target in ("python", "c", "llvm"):
        assert all("class 1 is versicolor" in file.text for file in again.emit(target))
    assert str(dd.inspect(fitted("tree"))).endswith("  0 is setosa\n  1 is versicolor\n  2 is virginica\n")


def test_names_of_a_surrogate_are_said_once(tmp_path: Path) -> None:
    tree = dd.learn.Tree(queries=200, held_out=50, seed=0)
    program = dd.distill(lambda x: np.where(x.sum(axis=1) > 2, "many", "few"), "x: bit[4]", name="count", via=tree)
    assert sorted(program.labels) == ["few", "many"]
    program.save(tmp_path / "count.rule")
    assert (tmp_path / "count.rule").read_text().count(" is few") == 1


@pytest.mark.parametrize("function", ["predict", "predict_proba"])
def test_names_of_a_surrogate_are_those_of_the_model(function: str) -> None:
    """Of scores, the largest is the class; its name is known, too, where the layers or the trees are."""
    model = DecisionTreeClassifier(random_state=0).fit(X, NAMES[Y])
    tree = dd.learn.Tree(samples=X, queries=2000, held_out=200)
    for given in (getattr(model, function), as_model(model)):
        program = dd.distill(given, "flower: real[4]", name="iris", via=tree)
        assert program.labels == tuple(NAMES)
        named = np.array(program.labels)[np.asarray(program(X))]
        assert (named == model.predict(X)).mean() > 0.95


def test_names_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "iris.onnx"
    onnx.save(to_onnx(fitted("linear"), X[:1].astype(np.float32)), path)
    for command in ("inspect", "distill"):
        assert main([command, str(path), "--input", "x: real[4]", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["labels"] == list(NAMES)


STRANGE = ("*/ int x;", 'say """no"""', "two\nlines", "\\", "a\u2028b", "caf\u00e9", "0 is not 1")
STRANGE += ("", " ", " both ", "/*/")


def test_strange_names_stay_inside_of_comments() -> None:
    lines = label_lines(STRANGE)
    assert labels_in(lines) == ([], STRANGE)
    assert all(line.isprintable() and "*/" not in line and "/*" not in line for line in lines)
    assert labels_in([line.strip() for line in lines]) == ([], STRANGE)
    program = dd.parse("rule r(x: bit[2]) -> (y: bit) {\n  y = x[0] and x[1]\n}")
    for target in ("python", "c", "llvm"):
        (*_, file) = program.emit(target, labels=STRANGE)
        assert "caf\u00e9" in file.text
        if target == "python":
            compile(file.text, "r.py", "exec")


def test_lines_that_say_other_things_are_no_names() -> None:
    long = f"class {'9' * 5000} is long"
    others = ["Distilled.", "class 00 is o", "0 is a dead cell", "class 2 is c", "class 1 is d", long]
    lines = [*others[:3], "class 0 is a", others[3], "class 1 is b", *others[4:]]
    assert labels_in(lines) == (others, ("a", "b"))
    text = "# 0 is a dead cell\n# 1 is a living one\nrule r(cell: bit) -> (y: bit) {\n  y = not cell\n}"
    assert dd.parse(text).labels == ()
