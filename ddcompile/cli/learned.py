"""What there is to say of a network that was learned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from ddcompile.frontends.network import Network
    from ddcompile.learn import ENNClassifier, Relevance
    from ddcompile.learn.thresholds import Thresholds

__all__ = ["counted", "learned_report", "learned_text", "units"]

MAX_NAMED = 12
"""More inputs than this are counted instead of named."""


def learned_report(classifier: ENNClassifier, network: Network) -> dict[str, Any]:
    """What was learned, for JSON."""
    relevance, shared, recurrence = classifier.relevance_, classifier.shared_, classifier.recurrence_
    differentiae, subconcepts = units(classifier, network)
    return {
        "differentiae": differentiae,
        "subconcepts": subconcepts,
        "parameters": network.parameters,
        "network_sha256": network.sha256,
        "is_exact": all(essence.is_exact for essence in classifier.essences_),
        "contradicted": classifier.contradicted_,
        "is_shared": shared is not None,
        "offsets": None if shared is None else shared.offsets.tolist(),
        "is_wrapped": None if shared is None else shared.is_wrapped,
        "is_recurrence": recurrence is not None,
        "made_up_bits": len(classifier.columns_) - classifier.n_outputs_,
        "relevance": None
        if relevance is None
        else [
            {"inputs": list(one.inputs), "is_consistent": one.is_consistent, "is_smallest": one.is_smallest}
            for one in relevance
        ],
    }


def counted(number: int, one: str, many: str = "") -> str:
    """A number and what is counted; in the plural with an s, if not said otherwise."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def units(classifier: ENNClassifier, network: Network) -> tuple[int, int]:
    """How many differentiae and subconcepts there are; of a line, of its functions."""
    if classifier.recurrence_ is not None:
        essences = classifier.essences_
        return sum(len(own.differentiae[1]) for own in essences), sum(len(own.subconcepts[1]) for own in essences)
    first = 0 if classifier.thresholds_ is None else 1
    return network.layers[first].units, network.layers[first + 1].units


def learned_text(classifier: ENNClassifier, network: Network, inputs: Sequence[str] | None) -> list[str]:
    """What was learned, as lines; `inputs` are the names of all, if they have any."""
    lines = []
    if classifier.shared_ is not None:
        lines.append(_shared_text(classifier))
    elif classifier.recurrence_ is not None:
        lines.append(_recurrence_text(classifier))
    elif classifier.shared is not None:
        lines.append("outputs do not look like copies of one local function")
    if classifier.shared_ is None and classifier.recurrence_ is None and classifier.relevance_ is not None:
        lines.append(_relevance_text(classifier, classifier.relevance_, inputs))
    if classifier.contradicted_:
        lines.append(f"note: {_contradicted_text(classifier)}")
    inexact = sum(not essence.is_exact for essence in classifier.essences_)
    if inexact:
        of_outputs = "" if len(classifier.essences_) == 1 else f" of {counted(inexact, 'output')}"
        lines.append(f"note: some subconcepts{of_outputs} could not be told apart from samples of other labels")
    if network.head in ("argmax", "softmax"):
        lines.append(f"note: what it gives is to be distilled with `--head {network.head}`{_labels_text(classifier)}")
    if network.kind != "bit":
        what = "reals" if network.kind == "real" else f"inputs that are {network.kind}"
        lines.append(f"note: it reads {what}: `x: {network.kind}[{network.inputs}]`, where `--input` is not given")
    return lines


def _contradicted_text(classifier: ENNClassifier) -> str:
    """Samples of which others say otherwise; thresholds may make samples equal that are not."""
    number = classifier.contradicted_
    are_left_out = f"{counted(number, 'sample')} {'was' if number == 1 else 'were'} left out"
    who = "equal samples" if classifier.thresholds_ is None else "samples on the same sides of all thresholds"
    return f"{are_left_out}: {who} have another label"


def _shared_text(classifier: ENNClassifier) -> str:
    shared = classifier.shared_
    assert shared is not None
    offsets = sorted(map(tuple, shared.offsets.tolist()))
    if not offsets:
        return f"all outputs are one constant ({_proof([shared.relevance])})"
    named = [str(offset if len(offset) > 1 else offset[0]) for offset in offsets]
    where = ", ".join(named) if len(named) <= MAX_NAMED else f"{len(named)} offsets"
    edges = "edges meet" if shared.is_wrapped else "what lies outside counts as 0"
    return f"all outputs share one function of the cells at {where}; {edges} ({_proof([shared.relevance])})"


def _recurrence_text(classifier: ENNClassifier) -> str:
    recurrence = classifier.recurrence_
    assert recurrence is not None
    numbers = recurrence.numbers[: classifier.n_outputs_]
    function = recurrence.functions[max(set(numbers), key=numbers.count)]
    who = "all outputs" if len(set(numbers)) == 1 else f"{len(function.columns)} of {classifier.n_outputs_} outputs"
    text = f"{who} share one function of {len(function.relevance.inputs)} inputs, outputs before them or made-up bits"
    bits = len(classifier.columns_) - classifier.n_outputs_
    return f"{text}; {counted(bits, 'bit')} {'is' if bits == 1 else 'are'} made up" if bits else text


def _relevance_text(classifier: ENNClassifier, found: Sequence[Relevance], inputs: Sequence[str] | None) -> str:
    counts = sorted({len(one.inputs) for one in found})
    number = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    named = ""
    cuts = classifier.thresholds_
    if len(found) == 1 and 0 < len(found[0].inputs) <= MAX_NAMED:
        named = f": {', '.join(_name(i, cuts, inputs) for i in found[0].inputs)}"
    subject = "it reads" if len(found) == 1 else "outputs read"
    of_all = counted(classifier.n_features_in_, "input") if cuts is None else counted(len(cuts.cuts), "threshold")
    if cuts is None and any(i >= classifier.n_features_in_ for one in found for i in one.inputs):
        of_all += " and outputs before them"
    return f"{subject} {number} of {of_all}{named} ({_proof(found)})"


def _name(i: int, cuts: Thresholds | None, inputs: Sequence[str] | None) -> str:
    """Of an input, or of a bit made of one."""
    if cuts is None:
        return str(i) if inputs is None else inputs[i]
    column = int(cuts.columns[i])
    return f"{f'x[{column}]' if inputs is None else inputs[column]} > {cuts.cuts[i]:g}"


def _proof(found: Sequence[Relevance]) -> str:
    """What is known of the sets of inputs."""
    consistent = [one for one in found if one.is_consistent]
    smallest = sum(one.is_smallest for one in consistent)
    if not consistent:
        return "some samples say otherwise"
    if smallest == len(consistent):
        proof = "proved that no fewer explain the samples"
    else:
        proof = "the fewest found, not proved to be the fewest"
        if smallest:
            proof += f" for {counted(len(consistent) - smallest, 'output')}"
    if len(consistent) < len(found):
        proof += f"; of {counted(len(found) - len(consistent), 'output')} some samples say otherwise"
    return proof


def _labels_text(classifier: ENNClassifier) -> str:
    """What the numbers of the labels stand for, if they are not the labels."""
    classes: np.ndarray | list[Any] = list(classifier.classes_)
    if classes == list(range(len(classes))):
        return ""
    return "; " + ", ".join(f"{k} is {label}" for k, label in enumerate(classes))
