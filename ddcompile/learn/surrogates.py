"""Surrogates: a tree that answers as a classifier does on most queries, for what cannot be condensed exactly.

Nothing is proved of the classifier. How far the two agree is counted, on queries that the tree was not made from.

| code | says |
|---|---|
| L013 | bounds that are no bounds |
| L014 | samples do not fit the inputs |
| L015 | an input has no range, and there are no samples |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import ceil, floor, prod
from numbers import Real
from typing import Any, TypeAlias

import numpy as np
from scipy.stats import beta

from ddcompile.diagnostics import fail
from ddcompile.frontends.declarations import extents, fresh_name, parsed_declarations
from ddcompile.ir.builder import compare, read
from ddcompile.ir.nodes import Declaration, Expr, If, Literal, Rule, Statement, Type
from ddcompile.learn.domain import Continuous, Discrete, Domain, Marginal
from ddcompile.learn.growing import Limits, Node, grown
from ddcompile.learn.oracle import ASKED_TWICE, Oracle
from ddcompile.prove.fidelity import Fidelity

__all__ = ["Surrogate", "Tree", "interval", "surrogate"]

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

MAX_VALUES = 2**16
"""An int with more values than this is drawn from samples only."""
DIGITS = 10**6
"""Bounds of intervals are rounded outwards to parts of this."""


@dataclass(frozen=True, slots=True)
class Tree:
    """How a tree is grown that stands for a classifier: `ddcompile.distill(model, inputs, via=Tree(...))`.

    Attributes
    ----------
    samples : array_like, or a sequence of them, one an input; optional
        Inputs as the classifier meets them. A query is a sample in which each input is replaced, with the probability
        `mixing`, by a value of that input in other samples; reals are spread between neighbouring values. Without
        samples, queries are spread evenly over the values that are declared: bits, spins, trits and int[a..b] alone.
    mixing : float
        From 0 (excluded) to 1.
    queries : int
        Bound of the queries that the tree is made from. It is also how many labels the tree is to describe shortly.
    splits : int
        Bound of the splits.
    held_out : int
        Queries to count agreement on.
    confidence : float
        Of the interval for agreement; between 0 and 1.
    seed : int
    """

    samples: Any = None
    mixing: float = 0.25
    queries: int = 200_000
    splits: int = 127
    held_out: int = 10_000
    confidence: float = 0.95
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Surrogate:
    """A tree as a rule, and what is known of it."""

    rule: Rule
    fidelity: Fidelity


def surrogate(
    model: Any, inputs: Sequence[Declaration], outputs: str | None, name: str, tree: Tree, described: str = ""
) -> Surrogate:
    """Grow a tree from a model's answers, and count how often it gives them.

    Parameters
    ----------
    model : torch.nn.Module, estimator or callable
        See `Oracle`.
    inputs : sequence of Declaration
    outputs : str, optional
        The declaration of the one result; by default `class`, a bit or an int.
    name : str
        Of the rule.
    tree : Tree
    described : str
        What the model is called in the record; by default its own name.

    Raises
    ------
    CompileError
        L010 to L015 if the model, its samples or the bounds are at fault, N204 or N205 if the result is declared as
        what it is not.
    """
    _check(tree)
    oracle = Oracle(model, inputs)
    domain = _domain(inputs, tree)
    growing, testing = (np.random.default_rng(seed) for seed in np.random.SeedSequence(tree.seed).spawn(2))
    oracle.check(domain.draw(growing, ASKED_TWICE, {}))
    kinds = [declaration.type.kind for declaration in inputs for _ in range(prod(extents(declaration)))]
    are_whole = np.array([kind not in ("rat", "real") for kind in kinds])
    growth = grown(domain, oracle.ask, are_whole, Limits(tree.queries, tree.splits), growing)
    numbers, names = _numbered(oracle.labels)
    result = _result(inputs, outputs, numbers)
    statement = Statement(result.name, (), _expression(growth.root, inputs, numbers))
    rule = Rule(name, tuple(inputs), (result,), (statement,))
    queries = domain.draw(testing, tree.held_out, {})
    answers, leaves = oracle.ask(queries), _leaves(growth.root, queries)
    agreed = int((answers == leaves).sum())
    low, high = interval(agreed, tree.held_out, tree.confidence)
    drawn = "evenly over all values" if tree.samples is None else f"as samples, {tree.mixing:g} of each drawn anew"
    known = Fidelity(
        model=described or oracle.name,
        drawn=drawn,
        held_out=tree.held_out,
        agreed=agreed,
        confidence=float(tree.confidence),
        low=low,
        high=high,
        queries=growth.queries,
        limit=growth.limit,
        labels=names,
    )
    return Surrogate(rule, known)


def interval(agreed: int, asked: int, confidence: float) -> tuple[float, float]:
    """Bounds of a share of which `agreed` of `asked` independent draws are: exact, rounded outwards.

    Clopper and Pearson, The use of confidence or fiducial limits illustrated in the case of the binomial (1934).
    """
    tail = (1 - confidence) / 2
    low = float(beta.ppf(tail, agreed, asked - agreed + 1)) if agreed else 0.0
    high = float(beta.ppf(1 - tail, agreed + 1, asked - agreed)) if agreed < asked else 1.0
    return floor(low * DIGITS) / DIGITS, ceil(high * DIGITS) / DIGITS


def _check(tree: Tree) -> None:
    whole: dict[str, Any] = {"queries": tree.queries, "splits": tree.splits, "held_out": tree.held_out}
    whole["seed"] = tree.seed
    for name, least in (("queries", 2 * ASKED_TWICE), ("splits", 0), ("held_out", 1), ("seed", 0)):
        value = whole[name]
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise fail("L013", f"`{name}` is {value!r}; it is a whole number from {least}", place="Tree")
    mixing: Any = tree.mixing
    confidence: Any = tree.confidence
    if not isinstance(mixing, Real) or not 0 < float(mixing) <= 1:
        raise fail("L013", f"`mixing` is {tree.mixing!r}; it is a number above 0, at most 1", place="Tree")
    if not isinstance(confidence, Real) or not 0 < float(confidence) < 1:
        raise fail("L013", f"`confidence` is {tree.confidence!r}; it is a number between 0 and 1", place="Tree")


def _domain(inputs: Sequence[Declaration], tree: Tree) -> Domain:
    if tree.samples is None:
        marginals = [_allowed(d) for d in inputs for _ in range(prod(extents(d)))]
        return Domain(tuple(marginals), np.zeros((1, len(marginals))), 1.0)
    rows = _rows(inputs, tree.samples)
    kinds = [d.type.kind for d in inputs for _ in range(prod(extents(d)))]
    return Domain(tuple(map(_observed, rows.T, kinds)), rows, float(tree.mixing))


def _allowed(declaration: Declaration) -> Marginal:
    """All values of an input, equally probable."""
    kind, low, high = declaration.type.kind, declaration.type.low, declaration.type.high
    few = {"bit": (0, 1), "spin": (-1, 1), "trit": (-1, 0, 1)}.get(kind)
    if few is None and kind == "int" and low is not None and high is not None and high - low < MAX_VALUES:
        few = tuple(range(low, high + 1))
    if few is None:
        bounds = "" if kind != "int" else f" of at most {MAX_VALUES:,} values"
        hint = "give samples (`via=dd.learn.Tree(samples=X)`, `--samples FILE`), or declare a range, as in int[0..9]"
        raise fail("L015", f"`{declaration.name}` is {kind}, without a range{bounds}", place="inputs", hint=hint)
    return Discrete(np.array(few, dtype=float), np.full(len(few), 1 / len(few)))


def _observed(values: Array, kind: str) -> Marginal:
    if kind in ("rat", "real"):
        return Continuous(np.sort(values))
    found, counts = np.unique(values, return_counts=True)
    return Discrete(found, counts / len(values))


def _rows(inputs: Sequence[Declaration], samples: Any) -> Array:
    """All inputs of each sample side by side, of shape (samples, inputs)."""
    given = [samples] if len(inputs) == 1 else list(samples)
    if len(given) != len(inputs):
        raise fail("L014", f"there are samples for {len(given)} inputs, and {len(inputs)} inputs", place="samples")
    parts = []
    for declaration, array in zip(inputs, given, strict=True):
        shape = extents(declaration)
        try:
            values = np.asarray(array)
        except (ValueError, TypeError) as error:
            raise fail("L014", f"samples of `{declaration.name}` are no array: {error}", place="samples") from error
        flat = values.ndim == 2 and values.shape[1] == prod(shape)
        fits = values.ndim > 0 and len(values) > 0 and (flat or values.shape[1:] == shape)
        if values.dtype.kind not in "biuf" or not fits:
            wanted = f"numbers of shape {('samples', *shape)}".replace("'", "")
            message = f"`{declaration.name}` takes {wanted}, not {values.dtype} of shape {values.shape}"
            raise fail("L014", message, place="samples")
        values = values.reshape(len(values), -1).astype(float)
        if not _are_allowed(values, declaration.type):
            message = f"there are values that `{declaration.name}`, {declaration.type.kind}, does not have"
            raise fail("L014", message, place="samples")
        parts.append(values)
    if len({len(part) for part in parts}) > 1:
        raise fail("L014", "there are more samples of one input than of another", place="samples")
    return np.concatenate(parts, axis=1)


def _are_allowed(values: Array, type_: Type) -> bool:
    match type_.kind:
        case "rat" | "real":
            return bool(np.isfinite(values).all())
        case "int":
            low = -(2.0**53) if type_.low is None else type_.low
            high = 2.0**53 if type_.high is None else type_.high
            return bool((values == np.rint(values)).all() and (values >= low).all() and (values <= high).all())
        case kind:
            return bool(np.isin(values, {"bit": (0, 1), "spin": (-1, 1), "trit": (-1, 0, 1)}[kind]).all())


def _numbered(labels: Sequence[Any]) -> tuple[list[int], tuple[str, ...]]:
    """What the rule gives for each label: labels that are whole numbers themselves, others their places in order."""
    if all(isinstance(label, int) for label in labels):
        return list(labels), ()
    names = sorted(map(str, labels))
    return [names.index(str(label)) for label in labels], tuple(names)


def _result(inputs: Sequence[Declaration], outputs: str | None, numbers: Sequence[int]) -> Declaration:
    low, high = min(numbers), max(numbers)
    if outputs is None:
        found = Type("bit") if low >= 0 and high <= 1 else Type("int", (), low, high)
        return Declaration(fresh_name("class", {d.name for d in inputs}), found)
    results = parsed_declarations(outputs, "output")
    if len(results) != 1 or results[0].type.shape:
        raise fail("N204", "a tree gives one label, a scalar, as in `class: int[0..9]`", place="output")
    given = results[0].type
    if not _are_allowed(np.array(numbers, dtype=float), given):
        message = f"`{results[0].name}` is declared {given.kind}, but the labels are whole numbers from {low} to {high}"
        raise fail("N205", message, place="output")
    return results[0]


def _expression(root: Node, inputs: Sequence[Declaration], numbers: Sequence[int]) -> Expr:
    """Nested conditions; where both branches say the same, there is none."""
    places = [(d, place) for d in inputs for place in product(*map(range, extents(d)))]
    found: dict[int, Expr] = {}
    stack = [root]
    while stack:
        node = stack[-1]
        if not node.children:
            found[id(node)] = Literal(numbers[node.label])
        elif id(node.children[0]) not in found:
            stack += node.children
            continue
        else:
            below, above = (found[id(child)] for child in node.children)
            declaration, place = places[node.feature]
            value = read(declaration.name, *place)
            is_bit = declaration.type.kind == "bit"
            condition = value if is_bit else compare(">=", value, Literal(Fraction(node.threshold)))
            found[id(node)] = below if below == above else If(condition, above, below)
        stack.pop()
    return found[id(root)]


def _leaves(root: Node, queries: Array) -> Array:
    """The label of the leaf that each query is in."""
    labels = np.empty(len(queries), dtype=np.int64)
    stack = [(root, np.arange(len(queries)))]
    while stack:
        node, rows = stack.pop()
        if not node.children:
            labels[rows] = node.label
            continue
        is_above = queries[rows, node.feature] >= node.threshold
        stack += [(node.children[0], rows[~is_above]), (node.children[1], rows[is_above])]
    return labels
