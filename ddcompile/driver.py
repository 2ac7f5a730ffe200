"""The way from a network file to a proved rule: the one module that sees all layers."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from ddcompile.backends.shared.labels import labels_in
from ddcompile.diagnostics import CompileError, fail
from ddcompile.files import read_text
from ddcompile.frontends import Ensemble, Model, as_model
from ddcompile.frontends.declarations import checked_name, rule_name
from ddcompile.frontends.fusing import RoundedWarning
from ddcompile.frontends.lowering import declared_as, dense_like, lower_model, passes_of_trees
from ddcompile.frontends.network import Network
from ddcompile.frontends.products import window_products
from ddcompile.interpreter import interpret
from ddcompile.ir import parser
from ddcompile.ir.nodes import Rule
from ddcompile.ir.verifier import check as check_rule
from ddcompile.passes import pipeline
from ddcompile.passes.following import UnprovedWarning, leave_out, refuse
from ddcompile.program import Program
from ddcompile.prove import checker, equivalence
from ddcompile.prove.certificate import Certificate
from ddcompile.prove.verdict import Failure, Verdict
from ddcompile.sidefiles import read_constants
from ddcompile.surrogates import stand_in

if TYPE_CHECKING:
    from ddcompile.backends.shared.target import EmittedFile
    from ddcompile.learn.surrogates import Tree

__all__ = [
    "InternalError",
    "Observer",
    "UnprovedWarning",
    "certified",
    "check",
    "dense_like",
    "distill",
    "emit",
    "load",
    "optimize",
    "parse",
    "verify",
]

Observer: TypeAlias = Callable[[str, Rule, float], None]
"""Called after every pass with its name, the program and the seconds that it took."""

_MOST_PRODUCTS = 2**20
"""Products in the windows of a network, beyond which it is not taken apart: its rule is then the program as lowered."""


class InternalError(Exception):
    """A fault of ours, not of the input: `rule` is the last program before it, the cause is chained."""

    def __init__(self, message: str, rule: Rule) -> None:
        super().__init__(message)
        self.rule = rule


def distill(
    network: Model,
    inputs: str | None = None,
    outputs: str | None = None,
    head: str | None = None,
    name: str | None = None,
    *,
    activation: str | None = None,
    fuse_batch_norm: bool = False,
    passes: str | None = None,
    via: str | Tree | None = None,
    observe: Observer | None = None,
    begin: Callable[[str], None] | None = None,
) -> Program:
    """Compile a network to a short rule, and prove it equal on every input; or, `via` a tree, to what stands for it.

    Parameters
    ----------
    network : Network, torch.nn.Module, ENNClassifier, scikit-learn model, path or sequence of paths
        A network in memory, a torch module in eval mode, what was learned, a fitted scikit-learn model (trees and
        ensembles of them too), one `.npz` or `.onnx` file, or CSV files, one a layer.
    inputs : str, optional
        Declarations such as `"image: bit[28, 28]"`, laid out row-major; by default a flat `x: bit[n]`.
    outputs : str, optional
        Declarations such as `"next: bit[6, 6]"`; by default `class` under the head argmax, else `y`, of the shape that
        shows in what its elements depend on.
    head : {"argmax", "softmax", "sign", "none"}, optional
        What is done with the last layer; by default nothing.
    name : str, optional
        The name of the rule; by default that of the network.
    activation : str, optional
        Fills in activations that the files leave open (see `load_network`).
    fuse_batch_norm : bool
        Merge batch norms that are not exact (before a relu, say) into layers, which rounds weights as torch's
        `fuse_conv_bn_eval` does: the program is proved equal to that network, which a `RoundedWarning` says.
    passes : str, optional
        Names of passes with commas, instead of the default pipeline, which ensembles of trees that became tables, and
        networks of more than 2**20 products in windows, do not go through.
    via : "tree" or dd.learn.Tree, optional
        For a classifier of any kind, which need not be exact: a tree is grown from its answers to queries, as the
        `Tree` says, and that is compiled. The model may then also be an estimator with `predict`, or a function; its
        answers are labels, or scores of several classes. The program is a surrogate, never called equal to the model.
    observe, begin : callable, optional
        Follow the passes: `observe` is called after each, `begin` with its name before.

    Returns
    -------
    Program
        With a certificate, and the checker's verdict on it. That of a surrogate is `surrogate`: the rule is proved to
        be the tree, and the verdict's `fidelity` says how often the tree gave the model's answer to queries held out.

    Raises
    ------
    CompileError
        If the network, the declarations or the passes are at fault; U016 if `fuse_batch_norm` is given with `via`.
    InternalError
        If what runs the passes, or the checker, fails, which no input should bring about.

    Warns
    -----
    UnprovedWarning
        If a pass fails, or its step is not valid or not proved: it is left out, and the program stays as it was.
    """
    if via is not None:
        tree = stand_in(network, inputs, outputs, head, name, activation, via, fuse_batch_norm)
        _verified(tree.rule)
        return optimize(tree, passes, observe=observe, begin=begin)
    network = as_model(network, inputs, activation, fuse_batch_norm)
    name = rule_name(network.name) if name is None else checked_name(name)
    dense = lower_model(network, inputs, outputs, head, name)
    _verified(dense)
    described = {"name": name, "inputs": inputs, "outputs": outputs, "head": head}
    if network.rounded:
        described["fuse_batch_norm"] = network.rounded
        warnings.warn(f"{network.rounded}; the program is that of this network", RoundedWarning, 2)
    if passes is None and isinstance(network, Ensemble):
        passes = passes_of_trees(dense)
    elif passes is None and isinstance(network, Network) and window_products(network) > _MOST_PRODUCTS:
        passes = ""
    program = Program(dense, network.sha256, Certificate((), network.sha256, described), labels=network.labels)
    return optimize(program, passes, observe=observe, begin=begin)


def optimize(
    program: Program,
    passes: str | None = None,
    *,
    observe: Observer | None = None,
    begin: Callable[[str], None] | None = None,
) -> Program:
    """Run passes on a program; its certificate, if it has one, grows by their steps.

    Parameters
    ----------
    program : Program
        Without sizes.
    passes : str, optional
        Names of passes with commas, or None for the default pipeline.
    observe, begin : callable, optional
        Follow the passes: `observe` is called after each, `begin` with its name before.

    Raises
    ------
    CompileError
        P### if there is no such pass or the program has sizes.
    InternalError
        If what runs the passes, or the checker, fails, which no input should bring about.

    Warns
    -----
    UnprovedWarning
        If a pass fails, or its step is not valid or not proved: it is left out, and the program stays as it was.
    """
    current = program.rule

    def follow(name: str, rule: Rule, seconds: float) -> None:
        nonlocal current
        current = rule
        if observe is not None:
            observe(name, rule, seconds)

    shown: dict[int, Verdict] = {}

    def accept(step: pipeline.Step) -> bool:
        verdict = checker.check_step(step.old, step.new, step.witness, verify=False)
        shown[id(step.new)] = verdict
        if not verdict:
            leave_out(step.name, "it is not proved", str(verdict.failure))
        return bool(verdict)

    before = program.certificate or Certificate((), program.network_sha256)
    given = checker.check(before)
    if not given.is_accepted:
        raise fail("C020", f"the certificate of the program is not accepted: {given.failure}")
    try:
        steps = pipeline.run(program.rule, passes, follow, accept, begin, refuse)
    except UnprovedWarning:
        raise
    except Exception as error:
        if isinstance(error, CompileError) and all(d.code.startswith("P") for d in error.diagnostics):
            raise
        raise InternalError("a pass or the checker failed", current) from error
    counts = Counter(given.obligations)
    for step in steps:
        counts.update(shown[id(step.new)].obligations)
    verdict = replace(given, obligations=dict(counts))
    rule = steps[-1].new if steps else program.rule
    if program.network_sha256 and not before.steps:
        verdict = checker.of_network(verdict, program.rule)
    return Program(rule, program.network_sha256, before.extended(steps), verdict, labels=program.labels)


def parse(text: str, file: str = "") -> Program:
    """Read a rule from text, and verify it.

    Parameters
    ----------
    text : str
    file : str
        The name of the file, for messages.

    Raises
    ------
    CompileError
        S### if the text is not a rule, T### if the rule is not valid.
    """
    rule = parser.parse(text, file)
    check_rule(rule, file, text)
    return _read(rule, text)


def _read(rule: Rule, text: str) -> Program:
    """A rule with what the comment above it says: the names of classes, and the rest as one line."""
    above = takewhile(lambda line: line.startswith("#"), text.split("\n"))
    rest, labels = labels_in([line.lstrip("#").strip() for line in above])
    return Program(rule, origin=" ".join(rest), labels=labels)


def load(path: str | Path) -> Program:
    """Read a rule file, and the files of large constants beside it, and verify it.

    Raises
    ------
    CompileError
        U### if a file cannot be read, S### or T### if it does not hold a valid rule.
    """
    is_network = Path(path).suffix in (".npz", ".onnx")
    text = read_text(path, "a network becomes a rule with `ddcompile distill`" if is_network else "")
    rule = parser.parse(text, str(path), read_constants(text, Path(path).parent, str(path)))
    check_rule(rule, str(path), text)
    return _read(rule, text)


def emit(program: Program, target: str, **options: object) -> list[EmittedFile]:
    """Print a program for a target; see `Program.emit`."""
    return program.emit(target, **options)


def check(certificate: Certificate | str | Path, network: Model | None = None) -> Verdict:
    """Run the checker on a certificate or the file of one.

    Parameters
    ----------
    certificate : Certificate or path
    network : Network, torch.nn.Module, path or sequence of paths, optional
        Where the certificate says it starts: it is lowered again and compared.

    Returns
    -------
    Verdict
        On whether the first and the last program of the certificate are equal on every input.

    Raises
    ------
    CompileError
        C### if the file cannot be read or is no certificate, N### if the network is at fault.
    """
    if not isinstance(certificate, Certificate):
        certificate = Certificate.load(certificate)
    if network is None:
        return checker.check(certificate)
    said = {"name": "net", **certificate.network}
    inputs = said.get("inputs")
    model = as_model(network, inputs, fuse_batch_norm=bool(said.get("fuse_batch_norm")))
    if not certificate.steps and model.sha256 != certificate.network_sha256:
        message = "it has no steps, and is one of another network, as the hashes say"
        return Verdict("failed", {}, Failure("network", message))
    dense = lower_model(model, inputs, said.get("outputs"), said.get("head"), said["name"])
    return checker.check(certificate, network_rule=dense)


def certified(program: Program, certificate: Certificate | str | Path) -> Program:
    """The program with a certificate for it, and the checker's verdict.

    Raises
    ------
    CompileError
        C### as `check`; C020 if the checker does not accept the certificate for this rule.
    """
    if not isinstance(certificate, Certificate):
        certificate = Certificate.load(certificate)
    verdict = checker.check(certificate, program.rule)
    if not verdict.is_accepted:
        raise fail("C020", f"the certificate is not one of `{program.name}`: {verdict.failure}")
    return Program(program.rule, certificate.network_sha256, certificate, verdict, labels=program.labels)


def verify(
    a: Program | Model,
    b: Program | Model,
    *,
    certificate: Certificate | str | Path | None = None,
    head: str | None = None,
    activation: str | None = None,
    fuse_batch_norm: bool = False,
) -> Verdict:
    """Compare two programs, or a network and a program: by the checker, else on all inputs, else on many.

    Parameters
    ----------
    a, b : Program, Network, torch.nn.Module or path
        At least one must be a program or a rule file; a network takes its declarations.
    certificate : Certificate or path, optional
        The steps from `a` to `b`; the checker alone then decides.
    head : {"argmax", "softmax", "sign", "none"}, optional
        The head of the network; by default the first that fits the results of the program, of none, argmax, sign and
        softmax.
    activation, fuse_batch_norm
        As for `distill`.

    Returns
    -------
    Verdict
        Proved or faithful, refuted with a counterexample, or tested; with a certificate, proved, faithful or failed.

    Raises
    ------
    CompileError
        If a file is at fault, or the two do not fit together.
    """
    first, second = _rule_of(a), _rule_of(b)
    dense: Rule | None = None
    model: Network | Ensemble | None = None
    if first is None and second is None:
        raise fail("U006", "two networks cannot be compared", place=_place(a), hint="distill one of them")
    if first is None:
        assert second is not None
        model = as_model(a, declared_as(second.inputs), activation, fuse_batch_norm)
        dense = first = dense_like(model, second, head, _place(a))
    if second is None:
        model = as_model(b, declared_as(first.inputs), activation, fuse_batch_norm)
        dense = second = dense_like(model, first, head, _place(b))
    if certificate is None and isinstance(model, Ensemble):
        verdict = _same_trees(first, second, dense)
    elif certificate is None:
        verdict = equivalence.verify(first, second, interpret)
    else:
        if not isinstance(certificate, Certificate):
            certificate = Certificate.load(certificate)
        verdict = checker.check(certificate, second, first)
    return verdict if dense is None else checker.of_network(verdict, dense)


def _same_trees(first: Rule, second: Rule, lowered: Rule | None) -> Verdict:
    """Whether a rule is what the program of an ensemble is distilled to, which is then proved; else by inputs."""
    assert lowered is not None
    again = optimize(Program(lowered, certificate=Certificate(())), passes_of_trees(lowered))
    if again.rule == (second if first is lowered else first) and again.verdict is not None:
        return again.verdict
    return equivalence.verify(first, second, interpret, by_rules=False)


def _place(model: Program | Model) -> str:
    return str(model) if isinstance(model, str | Path) else ""


def _rule_of(model: Program | Model) -> Rule | None:
    """The rule, if it is one; None for a network."""
    if isinstance(model, Program):
        return model.rule
    return load(model).rule if isinstance(model, str | Path) and Path(model).suffix == ".rule" else None


def _verified(dense: Rule) -> None:
    """Check a lowered program; what is wrong then is a declaration of the user."""
    try:
        check_rule(dense)
    except CompileError as error:
        raise CompileError(replace(d, location=None, source="", place=dense.name) for d in error.diagnostics) from None
