"""Estimators of scikit-learn that hold others, or are linear in a way of their own: decisions are those of predict."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn import (
    ensemble,
    linear_model as linear,
    model_selection as search,
    multiclass,
    multioutput,
    naive_bayes,
    neighbors,
    semi_supervised,
    svm,
    tree,
)
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_classification
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

import ddcompile as dd
from ddcompile.diagnostics import CompileError
from ddcompile.frontends import Ensemble, as_model
from ddcompile.frontends.evaluate import evaluate
from ddcompile.frontends.trees.evaluate import evaluate_ensemble

X, Y = make_classification(200, 5, n_informative=4, n_redundant=1, n_classes=3, random_state=0)
BITS = (X > 0).astype(int)
COUNTS = np.round(np.abs(X) * 3).astype(int)
SEED: dict[str, Any] = {"random_state": 0}


def stump(depth: int = 3) -> Any:
    return tree.DecisionTreeClassifier(max_depth=depth, **SEED)


def forest(kind: Any, trees: int) -> Any:
    return kind(trees, max_depth=3, **SEED)


MODELS: dict[str, tuple[Any, np.ndarray, np.ndarray]] = {
    "support vectors": (svm.SVC(kernel="linear"), X, Y),
    "support vectors of two classes": (svm.SVC(kernel="linear"), X, Y > 0),
    "support vectors by shares": (svm.NuSVC(kernel="linear", nu=0.3), X, Y),
    "support vectors behind a scaler": (make_pipeline(StandardScaler(), svm.SVC(kernel="linear")), X, Y),
    "discriminant": (LinearDiscriminantAnalysis(), X, Y),
    "discriminant of two classes": (LinearDiscriminantAnalysis(), X, Y > 0),
    "counts": (naive_bayes.MultinomialNB(), COUNTS, Y),
    "counts of the others": (naive_bayes.ComplementNB(), COUNTS, Y),
    "bits": (naive_bayes.BernoulliNB(), BITS, Y),
    "bits of reals": (naive_bayes.BernoulliNB(binarize=0.25), X, Y),
    "one against the rest": (multiclass.OneVsRestClassifier(svm.LinearSVC()), X, Y),
    "one against one other": (multiclass.OneVsRestClassifier(svm.LinearSVC()), X, (Y > 0).astype(int)),
    "several targets": (
        multioutput.MultiOutputClassifier(linear.LogisticRegression()), X, np.stack([Y > 0, Y > 1], 1).astype(int)
    ),
    "searched": (search.GridSearchCV(linear.LogisticRegression(), {"C": [1, 2]}, cv=2), X, Y),
    "searched in a pipeline": (
        search.GridSearchCV(make_pipeline(MinMaxScaler(), stump()), {"decisiontreeclassifier__max_depth": [2, 3]}), X, Y
    ),
    "self-trained": (semi_supervised.SelfTrainingClassifier(linear.LogisticRegression()), X, Y),
    "bags": (ensemble.BaggingClassifier(stump(), 5, max_features=0.7, **SEED), X, Y),
    "bags of few": (ensemble.BaggingClassifier(stump(), 8, max_samples=6, **SEED), X, Y),
    "boosted": (ensemble.AdaBoostClassifier(n_estimators=8, **SEED), X, Y),
    "boosted, two classes": (ensemble.AdaBoostClassifier(stump(2), n_estimators=8, **SEED), X, Y > 0),
    "votes": (ensemble.VotingClassifier([(f"t{k}", stump(k)) for k in (1, 2, 4)], weights=[2, 1, 1.5]), X, Y),
    "means of forests": (
        ensemble.VotingClassifier(
            [(k.__name__, forest(k, 5)) for k in (ensemble.RandomForestClassifier, ensemble.ExtraTreesClassifier)],
            voting="soft",
            weights=[1, 2],
        ),
        X,
        Y,
    ),
}  # fmt: skip


def fitted(name: str) -> tuple[Any, np.ndarray]:
    model, given, target = MODELS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(given, target)
    rng = np.random.default_rng(0)
    if given.dtype.kind == "f":
        return model, rng.normal(size=(5000, 5)) * 2
    return model, rng.integers(0, given.max() + 1, (5000, 5))


@pytest.mark.parametrize("name", MODELS)
def test_decisions_are_those_of_predict(name: str) -> None:
    model, rows = fitted(name)
    found = as_model(model)
    exact = evaluate_ensemble(found, rows) if isinstance(found, Ensemble) else evaluate(found, rows)
    program = dd.distill(model, None if isinstance(found, Ensemble) else "x: rat[5]", passes="", name="f")
    assert np.array_equal(np.asarray(program(rows.astype(float))).ravel(), np.asarray(exact).ravel())
    safe, wanted = dd.float_safe(found, rows), model.predict(rows)
    assert safe.mean() > 0.7
    exact = np.asarray(exact)
    if "several" not in name:
        exact, wanted = model.classes_[exact.ravel().astype(int)], wanted.ravel()
    assert np.array_equal(exact[safe], wanted[safe])


REGRESSORS: dict[str, Any] = {
    "support vectors": svm.SVR(kernel="linear"),
    "the rest": linear.RANSACRegressor(**SEED),
    "bags": ensemble.BaggingRegressor(n_estimators=4, **SEED),
    "means of forests": ensemble.VotingRegressor(
        [("a", forest(ensemble.RandomForestRegressor, 4)), ("b", forest(ensemble.RandomForestRegressor, 8))]
    ),
}


@pytest.mark.parametrize("name", REGRESSORS)
def test_regressors(name: str) -> None:
    model = REGRESSORS[name].fit(X, X @ [1, 2, 3, 4, 5])
    program = dd.distill(model, passes="", name="f")
    np.testing.assert_allclose(np.asarray(program(X)).ravel(), model.predict(X), rtol=1e-12, atol=1e-12)


def test_several_regressors() -> None:
    targets = np.stack([X[:, 0] * 2, X[:, 1] - X[:, 2]], 1)
    model = multioutput.MultiOutputRegressor(linear.Ridge()).fit(X, targets)
    np.testing.assert_allclose(dd.distill(model, passes="")(X), model.predict(X), rtol=1e-12, atol=1e-12)


def test_ties_of_support_vectors_go_to_the_second_class() -> None:
    model = svm.SVC(kernel="linear").fit([[-1.0], [1.0]], ["a", "b"])
    program = dd.distill(model, "x: int[-1..1]")
    assert [program.labels[k] for k in program([-1, 0, 1])] == model.predict([[-1.0], [0], [1]]).tolist()


REFUSED: dict[str, tuple[Any, str]] = {
    "another kernel": (svm.SVC(), "SVC: error[N703]: the kernel `rbf` of `SVC` is not imported"),
    "broken ties": (
        svm.SVC(kernel="linear", break_ties=True), "SVC: error[N703]: ties that are broken by confidences"
    ),
    "neighbours": (
        neighbors.KNeighborsClassifier(),
        "`KNeighborsClassifier` is not imported: it compares distances to samples",
    ),
    "normal distributions": (naive_bayes.GaussianNB(), "`GaussianNB` is not imported: it takes products"),
    "calibrated": (CalibratedClassifierCV(svm.LinearSVC()), "`CalibratedClassifierCV` is not imported: it maps scores"),
    "bags of linear models": (
        ensemble.BaggingClassifier(linear.LogisticRegression()),
        "BaggingClassifier: error[N702]: `BaggingClassifier` of `LogisticRegression` is not imported",
    ),
    "means that are no doubles": (
        ensemble.VotingClassifier(
            [(f"f{k}", forest(ensemble.RandomForestClassifier, k)) for k in (3, 4)], voting="soft"
        ),
        "error[N703]: weighted means of `VotingClassifier` that are no doubles",
    ),
    "trees against the rest": (
        multiclass.OneVsRestClassifier(stump()), "`OneVsRestClassifier` of `DecisionTreeClassifier` is not imported"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_others_are_refused(name: str) -> None:
    model, text = REFUSED[name]
    model.fit(X, Y)
    with pytest.raises(CompileError) as caught:
        as_model(model)
    assert text in str(caught.value)
    assert "hint:" in str(caught.value)


def test_others_are_not_fitted() -> None:
    for model in (svm.SVC(kernel="linear"), search.GridSearchCV(svm.SVC(), {}), ensemble.AdaBoostClassifier()):
        with pytest.raises(CompileError, match="N701"):
            as_model(model)
