"""A tree that stands for a classifier, as a program whose certificate says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ddcompile.diagnostics import fail
from ddcompile.engines import compiled
from ddcompile.frontends import Ensemble, Model, as_model
from ddcompile.frontends.declarations import checked_name, parsed_declarations, rule_name
from ddcompile.frontends.lowering import lower_model
from ddcompile.frontends.network import Network
from ddcompile.ir.nodes import Rule
from ddcompile.program import Program
from ddcompile.prove.certificate import Certificate

if TYPE_CHECKING:
    from ddcompile.learn import Tree

__all__ = ["stand_in", "tree_options"]


def tree_options(**given: Any) -> Tree:
    """How a tree is grown, see `dd.learn.Tree`.

    Raises
    ------
    CompileError
        U012 if a package that learning needs is missing.
    """
    try:
        from ddcompile.learn import Tree
    except ModuleNotFoundError as error:
        hint = "pip install 'ddcompile[learn]'"
        raise fail("U012", f"surrogates need the package {error.name}, which is not installed", hint=hint) from error
    return Tree(**given)


def stand_in(
    model: Model,
    inputs: str | None,
    outputs: str | None,
    head: str | None,
    name: str | None,
    activation: str | None,
    via: str | Tree,
    fuse_batch_norm: bool = False,
) -> Program:
    """A tree that gives most of a classifier's answers; arguments are those of `ddcompile.distill`.

    Raises
    ------
    CompileError
        U011 if the model is no classifier, U012 if a package is missing, U016 if arguments do not fit together; L### of
        the model, its samples and the bounds; N### of the network and the declarations.
    """
    options = tree_options()
    if via != "tree":
        if not isinstance(via, type(options)):
            raise fail("U016", f"{via!r} is no way to a surrogate", place="via", hint='via="tree", or a dd.learn.Tree')
        options = via
    if fuse_batch_norm:
        raise fail("U016", "fuse_batch_norm is not for via a tree, which asks the model as it is", place="via")
    from ddcompile.learn.surrogates import surrogate

    own, described = name, ""
    named: tuple[str, ...] = ()
    if isinstance(model, Network | Ensemble | str | Path | list | tuple):
        network = as_model(model, inputs, activation)
        # Of several outputs, the largest is the label.
        several = network.outputs > 1 and head in (None, "softmax") and network.head in ("none", "softmax")
        dense = lower_model(network, inputs, None, "argmax" if several else head, "model")
        declared = dense.inputs
        own = own or rule_name(network.name)
        named = network.labels
        described = f"network {network.sha256[:12]}"
        model = _answers_of(dense)
    elif inputs is None:
        raise fail("U016", "the inputs must be declared", place="inputs", hint='such as inputs="x: bit[28, 28]"')
    elif head not in (None, "argmax"):
        raise fail("U016", f"the head {head} is for networks; a model gives labels, or scores", place="head")
    else:
        declared = parsed_declarations(inputs, "input")
    chosen = "surrogate" if own is None else checked_name(own)
    found = surrogate(model, declared, outputs, chosen, options, described)
    said = {"name": chosen, "inputs": inputs, "outputs": outputs, "head": head, "surrogate": found.fidelity.to_json()}
    return Program(found.rule, "", Certificate((), "", said), labels=found.fidelity.labels or named)


def _answers_of(rule: Rule) -> Callable[..., object]:
    """A rule as a function of its arrays."""
    run = compiled(rule, "jit")
    return lambda *arrays: run(arrays)
