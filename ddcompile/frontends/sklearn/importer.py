"""From a fitted scikit-learn model to exact layers, or an exact ensemble of trees."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sklearn.base import BaseEstimator

from ddcompile.diagnostics import CompileError, fail
from ddcompile.frontends.activations import SMOOTH
from ddcompile.frontends.grids import DECIDING
from ddcompile.frontends.network import Layer, Network
from ddcompile.frontends.sklearn.averages import AVERAGES, averaged
from ddcompile.frontends.sklearn.chain import (
    Chain,
    chain_of,
    checked_fit,
    kind_of,
    labels_of,
    no_function,
    renamed,
)
from ddcompile.frontends.sklearn.layered import layers_of_steps
from ddcompile.frontends.sklearn.linear import NETWORKS, PERCEPTRONS, layers_of
from ddcompile.frontends.sklearn.refusals import refusal
from ddcompile.frontends.sklearn.scalers import POWERS
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
        Inputs are taken for reals where they are not declared; for rationals, which doubles are, behind a scaler that
        divides.

    Raises
    ------
    CompileError
        N7##, see `ddcompile.frontends.sklearn`.
    """
    chain = chain_of(model)
    if type(chain.last) in TREES:
        found = ensemble_of(chain)
        return replace(found, labels=labels_of(chain, found.outputs))
    if type(chain.last) in AVERAGES:
        found = averaged(chain)
        return replace(found, labels=labels_of(chain, found.outputs))
    if type(chain.last) in NETWORKS:
        return _network(chain)
    if callable(getattr(chain.last, "to_network", None)):
        return _own_network(chain)
    raise refusal(chain.last, chain.place)


def _network(chain: Chain) -> Network:
    found = layers_of(chain)
    try:
        labels = labels_of(chain, found.layers[-1].units)
        network = Network(found.layers, chain.name, found.head, found.dtype, kind="real", labels=labels)
        return _behind(chain, network)
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
    return _behind(chain, own) if chain.steps else own


def _behind(chain: Chain, network: Network) -> Network:
    """A network behind the steps of a pipeline, with inputs that are reals; or rationals, if a step divides."""
    before = layers_of_steps(chain.steps, network.inputs)
    divided = [layer for layer in before if layer.divisors is not None]
    if divided:
        _check_decides(chain, network, divided[-1])
    moved = (replace(layer, reads=tuple(len(before) + k for k in layer.reads)) for layer in network.layers)
    layers = (*before, *moved) if before else network.layers
    return replace(network, layers=layers, kind="rat" if divided else "real")


def _check_decides(chain: Chain, network: Network, divided: Layer) -> None:
    """Refuse scalers that divide, by other numbers than powers of two, where quotients themselves are asked for."""
    smooth = [layer.activation for layer in network.layers if layer.activation in SMOOTH]
    if not smooth and (network.head == "argmax" or network.layers[-1].activation in DECIDING):
        return
    what = smooth[0] if smooth else f"`{chain.method}` of `{kind_of(chain.last)}`"
    message = f"numbers that are divided by others than powers of two, and then {what}: quotients are no doubles"
    folded = ""
    if type(chain.last) in PERCEPTRONS:
        folded = "model.intercepts_[0] -= (mean / scale) @ model.coefs_[0]; model.coefs_[0] /= scale.reshape(-1, 1)"
    elif type(chain.last) in NETWORKS:
        folded = "model.intercept_ -= model.coef_ @ (mean / scale); model.coef_ /= scale"
    if folded:
        folded = f"fold the scaler into the model, which rounds: {folded}; then distill the model alone; or, "
    raise fail("N704", message, place=divided.path, hint=f"{folded}{POWERS}")
