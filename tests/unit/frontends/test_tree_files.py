"""Files of XGBoost and LightGBM: they are read without these, and give what they gave."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ddcompile as dd
from ddcompile.cli import main
from ddcompile.diagnostics import CompileError
from ddcompile.frontends import Ensemble, as_model, load_network
from ddcompile.frontends.trees.evaluate import evaluate_ensemble

DATA = Path(__file__).parent / "trees_data"
KNOWN = json.loads((DATA / "predictions.json").read_text())
FILES = sorted(path.name for path in DATA.glob("*_*.*"))


def ensemble_of(path: Path) -> Ensemble:
    found = as_model(path)
    assert isinstance(found, Ensemble)
    return found


@pytest.mark.parametrize("name", FILES)
def test_files_give_what_the_framework_gave(name: str) -> None:
    ensemble, stem = ensemble_of(DATA / name), Path(name).stem
    X = np.array(KNOWN["inputs"])
    raw = np.array(KNOWN.get(f"{stem}_raw", KNOWN.get(stem)))
    scores = Ensemble(
        ensemble.trees, ensemble.inputs, ensemble.outputs, ensemble.targets, ensemble.base, ensemble.scale
    )
    exact = evaluate_ensemble(scores, X).astype(float)
    np.testing.assert_allclose(exact.reshape(raw.shape), raw, rtol=1e-5 if "xgboost" in stem else 1e-12, atol=1e-6)
    if stem in KNOWN and "regression" not in stem:
        safe = dd.float_safe(ensemble, X)
        assert safe.all()
        np.testing.assert_array_equal(evaluate_ensemble(ensemble, X).reshape(-1), KNOWN[stem])


@pytest.mark.parametrize("name", FILES)
def test_programs_are_the_exact_ensembles(name: str) -> None:
    ensemble = ensemble_of(DATA / name)
    random = np.random.default_rng(1)
    X = random.normal(size=(5000, ensemble.inputs)) * 1.5
    for row in range(4000):
        tree = ensemble.trees[random.integers(len(ensemble.trees))]
        node = random.integers(tree.nodes)
        if tree.feature[node] >= 0:
            X[row, tree.feature[node]] = tree.cut[node] if row % 2 else np.nextafter(tree.cut[node], np.inf)
    exact = evaluate_ensemble(ensemble, X).reshape(-1)
    program = dd.distill(DATA / name)
    assert program.verdict.status == "proved"
    expected = exact.astype(float) if exact.dtype == object else exact
    np.testing.assert_array_equal(np.asarray(program(X)), expected)
    np.testing.assert_array_equal(program.jit()(X), expected)


def test_the_command_line_takes_them(capsys: Any) -> None:
    assert main(["inspect", str(DATA / "xgboost_classes.json")]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("xgboost_classes: ")
    assert "12 trees: " in shown
    assert main(["distill", str(DATA / "lightgbm_binary.txt")]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("rule lightgbm_binary(x: real[6]) -> (y: bit) {")
    assert "`x: real[6]`" in captured.err
    assert "note: too large to be taken apart, or tables of trees" in captured.err


def changed(name: str, change: Callable[[Any], Any]) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        text = (DATA / name).read_text()
        if name.endswith(".json"):
            data = json.loads(text)
            change(data["learner"])
            text = json.dumps(data)
        else:
            text = change(text)
        path = folder / name
        path.write_text(text)
        return path

    return make


def update(**changes: Any) -> Callable[[Any], None]:
    def change(learner: Any) -> None:
        for path, value in changes.items():
            *steps, last = path.split("__")
            part = learner
            for step in steps:
                part = part[int(step) if step.isdigit() else step]
            part[last] = value

    return change


XGBOOST, LIGHTGBM = "xgboost_binary.json", "lightgbm_binary.txt"
REFUSED: dict[str, tuple[Callable[[Path], Path], str]] = {
    "other json": (changed(XGBOOST, lambda learner: learner.clear()), "N803.*no model of XGBoost, or is damaged"),
    "dart": (changed(XGBOOST, update(gradient_booster__name="dart")), "N804.*the booster `dart` is not imported"),
    "poisson": (
        changed(XGBOOST, update(objective__name="count:poisson")),
        "N804.*the objective `count:poisson` is not imported",
    ),
    "categories": (
        changed(XGBOOST, update(gradient_booster__model__trees__1__split_type=[1])),
        "N804.*tree 1 splits by categories, which are not imported",
    ),
    "outputs without trees": (
        changed(XGBOOST, update(learner_model_param__num_class="1000000000")),
        "N803.*no model of XGBoost, or is damaged",
    ),
    "outputs without trees in text": (
        changed(LIGHTGBM, lambda text: text.replace("num_tree_per_iteration=1", "num_tree_per_iteration=99999999999")),
        "N803.*no model of LightGBM, or is damaged",
    ),
    "many features": (
        changed(XGBOOST, update(learner_model_param__num_feature="10000000000")),
        "N804.*the model has 10,000,000,000 features; at most 4,194,304 are imported",
    ),
    "many features in text": (
        changed(LIGHTGBM, lambda text: text.replace("max_feature_idx=5", "max_feature_idx=4194304")),
        "N804.*the model has 4,194,305 features; at most 4,194,304 are imported",
    ),
    "odds": (
        changed(XGBOOST, update(learner_model_param__base_score="1")),
        "N803.*no model of XGBoost, or is damaged",
    ),
    "many leaves": (
        changed(LIGHTGBM, lambda text: text.replace("num_leaves=", "num_leaves=99999999999", 1)),
        "N803.*no model of LightGBM, or is damaged",
    ),
    "no outputs": (
        changed(LIGHTGBM, lambda text: text.replace("num_tree_per_iteration=1", "num_tree_per_iteration=0")),
        "N803.*no model of LightGBM, or is damaged",
    ),
    "vectors": (
        changed(XGBOOST, update(gradient_booster__model__trees__1__tree_param__size_leaf_vector="2")),
        "N804.*tree 1 has leaves of several numbers, which are not imported",
    ),
    "a child": (
        changed(XGBOOST, update(gradient_booster__model__trees__0__left_children=[99] + [-1] * 14)),
        "N80[13]",
    ),
    "cut short": (changed(LIGHTGBM, lambda text: text[:1500]), "N803.*no model of LightGBM, or is damaged"),
    "linear": (
        changed(LIGHTGBM, lambda text: text.replace("is_linear=0", "is_linear=1")),
        "N804.*tree 0 has linear leaves, which are not imported",
    ),
    "zero": (
        changed(LIGHTGBM, lambda text: text.replace("decision_type=2 ", "decision_type=6 ")),
        "N804.*tree 0 takes 0 for a missing value",
    ),
    "sets": (
        changed(LIGHTGBM, lambda text: text.replace("decision_type=2 ", "decision_type=1 ")),
        "N804.*tree 0 splits by categories, which are not imported",
    ),
    "tweedie": (
        changed(LIGHTGBM, lambda text: text.replace("objective=binary sigmoid:1", "objective=tweedie")),
        "N804.*the objective `tweedie` is not imported",
    ),
    "nan": (
        changed(LIGHTGBM, lambda text: text.replace("leaf_value=", "leaf_value=nan ", 1).replace(" ", " ", 1)),
        "N80[23]",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    make, expected = REFUSED[name]
    path = make(tmp_path)
    with pytest.raises(CompileError, match=expected) as caught:
        dd.distill(path)
    assert caught.value.diagnostics[0].place == str(path)


def test_raw_scores_are_numbers(tmp_path: Path) -> None:
    path = changed(XGBOOST, update(objective__name="binary:logitraw", learner_model_param__base_score="[2.5E-1]"))(
        tmp_path
    )
    assert ensemble_of(path).activation == "identity"
    assert ensemble_of(path).base == (Fraction(1, 4),)


@pytest.mark.parametrize(("attributes", "trees"), [({"scikit_learn": "{}"}, 9), ({}, 12)])
def test_models_that_stopped_early(attributes: dict[str, str], trees: int, tmp_path: Path) -> None:
    path = changed("xgboost_classes.json", update(attributes={"best_iteration": "2", **attributes}))(tmp_path)
    assert len(ensemble_of(path).trees) == trees


def test_activations_are_for_layers() -> None:
    with pytest.raises(CompileError, match=r"N105.*trees have no activations") as caught:
        dd.distill(DATA / XGBOOST, activation="relu")
    assert caught.value.diagnostics[0].place == str(DATA / XGBOOST)


def test_layers_are_asked_of_a_file_of_trees_in_vain() -> None:
    with pytest.raises(CompileError, match=r"U011.*ensemble of trees"):
        load_network(DATA / XGBOOST)


@pytest.mark.parametrize("name", [XGBOOST, LIGHTGBM])
def test_one_file_holds_a_whole_model(name: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1\n2\n")
    for files in ([DATA / name, DATA / name], [tmp_path / "a.csv", DATA / name]):
        with pytest.raises(CompileError, match=r"N003.*one file of trees holds a whole model") as caught:
            dd.distill(files)
        assert caught.value.diagnostics[0].place == str(DATA / name)
