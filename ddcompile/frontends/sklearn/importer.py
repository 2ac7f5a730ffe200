"""From a fitted scikit-learn model to exact layers."""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator

from ddcompile.diagnostics import CompileError, fail
from ddcompile.frontends.network import Layer, Network
from ddcompile.frontends.sklearn.chain import chain_of, kind_of
from ddcompile.frontends.sklearn.linear import NETWORKS, layers_of
from ddcompile.frontends.sklearn.scalers import layer_of_step

__all__ = ["is_estimator", "network_of"]


def is_estimator(model: object) -> bool:
    """Whether a model is an estimator of scikit-learn, or a method of one."""
    return isinstance(getattr(model, "__self__", model), BaseEstimator)


def network_of(model: Any) -> Network:
    """Import a fitted model.

    Parameters
    ----------
    model : estimator, Pipeline, or a bound method of one
        Linear models and multi-layer perceptrons, behind scalers. Weights are taken as the exact numbers that they are.

    Returns
    -------
    Network
        Its inputs are taken for reals where they are not declared.

    Raises
    ------
    CompileError
        N7##, see `ddcompile.frontends.sklearn`.
    """
    chain = chain_of(model)
    if type(chain.last) not in NETWORKS:
        hint = "imported are linear models and multi-layer perceptrons themselves, not what is derived from them"
        raise fail("N702", f"`{kind_of(chain.last)}` is not imported", place=chain.place, hint=hint)
    found = layers_of(chain)
    width = found.layers[0].inputs
    before = [layer_of_step(step, place, width) for place, step in chain.steps]
    layers: tuple[Layer, ...] = (*(layer for layer in before if layer is not None), *found.layers)
    try:
        return Network(layers, chain.name, found.head, found.dtype, kind="real")
    except CompileError as error:
        raise fail("N705", error.diagnostics[0].message, place=chain.place) from None
