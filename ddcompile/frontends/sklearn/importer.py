"""From a fitted scikit-learn model to exact layers, or an exact ensemble of trees."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sklearn.base import BaseEstimator

from ddcompile.diagnostics import CompileError, fail
from ddcompile.frontends.network import Layer, Network
from ddcompile.frontends.sklearn.chain import (
    Chain,
    chain_of,
    checked_fit,
    kind_of,
    labels_of,
    no_function,
    renamed,
)
from ddcompile.frontends.sklearn.linear import NETWORKS, layers_of
from ddcompile.frontends.sklearn.scalers import layer_of_step
from ddcompile.frontends.sklearn.trees import TREES, ensemble_of
from ddcompile.frontends.trees import Ensemble

__all__ = ["is_estimator", "model_of"]


def is_estimator(model: object) -> bool:
    """Whether a model is an estimator of scikit-learn, or a method of one."""
    return isinstance(getattr(model, "__self__", model), BaseEstimator)


def model_of(model: Any) -> Network | Ensemble:
    """Import a fitted model.

    Parameters
    ----------
    model : estimator, Pipeline, or a bound method of one
        Linear models, multi-layer perceptrons, trees and ensembles of trees, or what gives its own layers by
        `to_network()`, such as ENNClassifier; behind scalers. Weights and leaves are taken as the exact numbers that
        they are.

    Returns
    -------
    Network or Ensemble
        Inputs are taken for reals where they are not declared.

    Raises
    ------
    CompileError
        N7##, see `ddcompile.frontends.sklearn`.
    """
    chain = chain_of(model)
    if type(chain.last) in TREES:
        found = ensemble_of(chain)
        return replace(found, labels=labels_of(chain, found.outputs))
    if type(chain.last) in NETWORKS:
        return _network(chain)
    if callable(getattr(chain.last, "to_network", None)):
        return _own_network(chain)
    hint = "imported are linear models, perceptrons, trees and ensembles of trees, not what is derived from them"
    raise fail("N702", f"`{kind_of(chain.last)}` is not imported", place=chain.place, hint=hint)


def _network(chain: Chain) -> Network:
    found = layers_of(chain)
    width = found.layers[0].inputs
    before = [layer_of_step(step, place, width) for place, step in chain.steps]
    layers: tuple[Layer, ...] = (*(layer for layer in before if layer is not None), *found.layers)
    try:
        labels = labels_of(chain, layers[-1].units)
        return Network(layers, chain.name, found.head, found.dtype, kind="real", labels=labels)
    except CompileError as error:
        raise renamed(error, chain.place) from None


def _own_network(chain: Chain) -> Network:
    """The layers that an estimator gives itself, behind scalers."""
    checked_fit(chain.last, chain.place)
    if chain.method == "decision_function":
        raise no_function(chain)
    own: Network = chain.last.to_network() if chain.method == "predict" else chain.last.to_network("softmax")
    if chain.method == "predict_proba" and own.head != "softmax":
        raise no_function(chain)
    given = (layer_of_step(step, place, own.layers[0].inputs) for place, step in chain.steps)
    before = [layer for layer in given if layer is not None]
    if not before:
        return replace(own, kind="real") if chain.steps else own
    moved = (replace(layer, reads=tuple(len(before) + k for k in layer.reads)) for layer in own.layers)
    return replace(own, layers=(*before, *moved), kind="real")
