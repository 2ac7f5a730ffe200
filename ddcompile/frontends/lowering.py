"""Lower whatever was imported: layers to the dense program, trees to conditions or tables."""

from __future__ import annotations

from ddcompile.diagnostics import CompileError
from ddcompile.frontends.dense import lower
from ddcompile.frontends.network import Network
from ddcompile.frontends.places import at
from ddcompile.frontends.trees import Ensemble
from ddcompile.frontends.trees.lower import lower_ensemble
from ddcompile.ir.nodes import Declaration, Rule
from ddcompile.ir.printer import print_type

__all__ = ["declared_as", "dense_like", "lower_model", "passes_of_trees"]


def lower_model(
    model: Network | Ensemble, inputs: str | None, outputs: str | None, head: str | None, name: str
) -> Rule:
    """The program of a model; see `ddcompile.frontends.dense.lower` and `ddcompile.frontends.trees.lower_ensemble`."""
    if isinstance(model, Ensemble):
        return lower_ensemble(model, inputs, outputs, head, name)
    return lower(model, inputs, outputs, head, name)


def passes_of_trees(lowered: Rule) -> str | None:
    """The passes for an ensemble of trees: none if it is tables, in which nothing is left to be found."""
    return "" if lowered.constants else None


def dense_like(network: Network | Ensemble, rule: Rule, head: str | None = None, place: str = "") -> Rule:
    """The dense program of a network with the inputs and results of a rule; `place` is for messages.

    Raises
    ------
    CompileError
        N### if the network does not fit them.
    """
    inputs, outputs = declared_as(rule.inputs), declared_as(rule.outputs)
    refused: CompileError | None = None
    own = (network.head,) if network.head != "none" else ("none", "argmax", "sign", "softmax")
    for attempt in own if head is None else (head,):
        try:
            return lower_model(network, inputs, outputs, attempt, rule.name)
        except CompileError as error:
            refused = refused or at(error, place)
            if error.diagnostics[0].code not in ("N204", "N205", "N208"):
                break
    assert refused is not None
    raise refused


def declared_as(declarations: tuple[Declaration, ...]) -> str:
    """The text of declarations."""
    return ", ".join(f"{d.name}: {print_type(d.type)}" for d in declarations)
