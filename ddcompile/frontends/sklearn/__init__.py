"""Import fitted scikit-learn models: what `predict` computes, as exact layers or trees.

A bound method says which function of a model is meant: `model.decision_function` and `model.predict_proba` next to
`model.predict`, which the model itself stands for. Classes are numbered as in `classes_`.

| code | what is wrong |
|---|---|
| N701 | the model is not fitted |
| N702 | an estimator, or a function of one, that is not imported |
| N703 | a setting of an estimator with which it is not imported |
| N704 | a step before the model that is not exact, or not imported |
| N705 | the arrays of a model do not fit together, or hold no finite numbers |
"""

from ddcompile.frontends.sklearn.importer import is_estimator, model_of

__all__ = ["is_estimator", "model_of"]
