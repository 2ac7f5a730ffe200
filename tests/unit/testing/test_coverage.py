"""Random rules cover the language: every construct and form occurs, and not too seldom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache

from ddcompile.ir.affine import affine_of
from ddcompile.ir.nodes import (
    Binary,
    Binder,
    Call,
    Compare,
    Expr,
    If,
    Index,
    Literal,
    Read,
    Reduce,
    Rule,
    Size,
    Softmax,
    Statement,
    Unary,
)
from ddcompile.ir.schedule import evaluation_order
from ddcompile.ir.traverse import children, postorder
from ddcompile.ir.types import infer
from ddcompile.testing.generate import rule_from_seed
from ddcompile.testing.operands import Limits

SEEDS = 1000
OFTEN = 30
SELDOM = 10
"""In so many rules at least does each form occur."""

COMMON = [
    "sum", "any", "all", "min", "max", "argmax", "min()", "max()", "+", "-", "*", "%", "and", "or", "xor", "not",
    "sign", "abs", "relu", "negative", "if", "<", "<=", ">", ">=", "==", "!=", "chain", "pad", "pad in time",
    "position %", "gather", "constant", "several inputs", "several results", "several clauses", "fixed position",
    "scalar input", "scalar statement", "1 axes", "2 axes", "3 axes", "bit", "spin", "trit", "int",
    "recurrence", "cycle", "present", "several steps back", "gaps", "several binders", "dependent bound",
    "nested reduction", "reduction in a branch", "reduction in a position", "fraction", "rat table",
    "64 bits", "128 bits", "sizes", "two sizes", "affine extent", "size in a value", "range from below 0",
]  # fmt: skip
RARE = ["table-bounded reduction", "triangle", "% of a size", "bounded int", "three in a cycle", "any in time"]


REAL = [
    "real", "exp", "log", "tanh", "sigmoid", "real()", "softmax", "softmax at data", "real input", "real result",
    "real table", "real sum", "real recurrence", "real comparison", "real argmax", "real if", "real min",
]  # fmt: skip


@cache
def counts(seeds: int, limits: Limits) -> Counter[str]:
    """In how many rules each form occurs."""
    seen: Counter[str] = Counter()
    for seed in range(seeds):
        seen.update(set(features(rule_from_seed(seed, limits))))
    return seen


def test_common_forms_are_common() -> None:
    found = counts(SEEDS, Limits())
    assert {form: found[form] for form in COMMON if found[form] < OFTEN} == {}


def test_rare_forms_occur() -> None:
    found = counts(SEEDS, Limits())
    assert {form: found[form] for form in RARE if found[form] < SELDOM} == {}


def test_forms_of_reals_occur() -> None:
    found = counts(SEEDS // 2, Limits(reals=1.0))
    assert {form: found[form] for form in REAL if found[form] < SELDOM} == {}


def features(rule: Rule) -> Iterator[str]:
    """The forms that a rule has, some of them several times."""
    for declaration in (*rule.inputs, *rule.outputs):
        yield declaration.type.kind
        yield f"{len(declaration.type.shape)} axes"
        if declaration.type.low is not None:
            yield "bounded int"
        for extent in declaration.type.shape:
            form = affine_of(extent)
            if form is not None and form.names and not isinstance(extent, Size):
                yield "affine extent"
    yield from ["several inputs"] * (len(rule.inputs) > 1) + ["several results"] * (len(rule.outputs) > 1)
    yield from ["scalar input"] * any(not d.type.shape for d in rule.inputs)
    yield from ["sizes"] * bool(rule.sizes) + ["two sizes"] * (len(rule.sizes) > 1)
    yield from ["constant"] * bool(rule.constants)
    yield from (f"{c.type.kind} table" for c in rule.constants)
    yield from ["real input"] * any(d.type.kind == "real" for d in rule.inputs)
    yield from ["real result"] * any(d.type.kind == "real" for d in rule.outputs)
    yield from ["several clauses"] * (len({s.target for s in rule.statements}) < len(rule.statements))
    for statement in rule.statements:
        yield from of_statement(statement)
    yield from of_recurrences(rule)
    if not rule.sizes:
        yield from of_types(rule)


def of_statement(statement: Statement) -> Iterator[str]:
    """The forms of a clause and of its value."""
    yield from ["scalar statement"] * (not statement.positions)
    for position in statement.positions:
        if not isinstance(position, Binder):
            yield "fixed position"
        elif any(isinstance(node, Index) for bound in (position.lower, position.upper) for node in postorder(bound)):
            yield "triangle"
    for node in postorder(statement.value):
        yield from of_node(node)


def of_node(node: Expr) -> Iterator[str]:
    """The forms of one node."""
    match node:
        case Size():
            yield "size in a value"
        case Unary("-", _):
            yield "negative"
        case Unary(op, _):
            yield "real()" if op == "real" else op
        case Softmax(_, _, position):
            yield "softmax"
            yield from ["softmax at data"] * any(isinstance(inner, Read) for inner in postorder(position))
        case Binary(op, _, right):
            yield op
            if op == "%" and not isinstance(right, Literal):
                yield "% of a size"
        case Call(name, _):
            yield f"{name}()"
        case Compare(ops, _):
            yield from [*ops, *["chain"] * (len(ops) == 2)]
        case If(_, then, otherwise):
            yield "if"
            if any(isinstance(inner, Reduce) for arm in (then, otherwise) for inner in postorder(arm)):
                yield "reduction in a branch"
        case Reduce(op, binders, body):
            yield from [op, *["several binders"] * (len(binders) > 1)]
            bounds = [inner for binder in binders for b in (binder.lower, binder.upper) for inner in postorder(b)]
            yield from ["dependent bound"] * any(isinstance(inner, Index) for inner in bounds)
            yield from ["table-bounded reduction"] * any(isinstance(inner, Read) for inner in bounds)
            yield from ["nested reduction"] * any(isinstance(inner, Reduce) for inner in postorder(body))
            yield from ["range from below 0"] * any(binder.lower == Literal(-1) for binder in binders)
        case Read(_, positions, pad):
            yield from ["pad"] * (pad is not None)
            inside = [inner for position in positions for inner in postorder(position)]
            yield from ["gather"] * any(isinstance(inner, Read) for inner in inside)
            yield from ["reduction in a position"] * any(isinstance(inner, Reduce) for inner in inside)
            yield from ["position %"] * any(isinstance(p, Binary) and p.op == "%" for p in positions)


def of_recurrences(rule: Rule) -> Iterator[str]:
    """Self-reads and cycles."""
    for group in evaluation_order(rule):
        targets = {rule.statements[k].target for k in group}
        for k in group:
            for node in postorder(rule.statements[k].value):
                if isinstance(node, Read) and node.tensor in targets and node.positions:
                    yield "recurrence"
                    yield from of_time(node, len(targets))
        yield from ["cycle"] * (len(targets) > 1) + ["three in a cycle"] * (len(targets) > 2)


def of_time(node: Read, tensors: int) -> Iterator[str]:
    """The forms of a read in a recurrence."""
    yield from ["pad in time"] * (node.pad is not None)
    yield from ["any in time"] * (node.pad == Literal(1))
    form = affine_of(node.positions[0])
    if form is not None:
        yield from ["present"] * (tensors > 1 and form.constant == 0)
        yield from ["several steps back"] * (form.constant < -1)


def of_types(rule: Rule) -> Iterator[str]:
    """Widths, fractions and gaps, of a rule without sizes."""
    types = infer(rule)
    for statement in rule.statements:
        for node in postorder(statement.value):
            kinds = [types.of(child).kind for child in children(node)]
            if "real" in kinds:
                word = {Reduce: "", Compare: "comparison", If: "if", Call: "min"}.get(type(node))
                yield f"real {word or getattr(node, 'op', '')}"
    for group in evaluation_order(rule):
        targets = {rule.statements[k].target for k in group}
        reads = (node for k in group for node in postorder(rule.statements[k].value) if isinstance(node, Read))
        if any(node.tensor in targets and types.tensor[node.tensor].kind == "real" for node in reads):
            yield "real recurrence"
    ranges = [types.of(node) for s in rule.statements for node in postorder(s.value)]
    widths = [r.bits for r in ranges if r.is_bounded]
    yield from ["64 bits"] * any(w > 64 for w in widths) + ["128 bits"] * any(w > 128 for w in widths)
    yield from ["fraction"] * any(r.exponent for r in ranges)
    results = {declaration.name for declaration in rule.outputs}
    for statement in rule.statements:
        first = statement.positions[0] if statement.positions else None
        starts_late = isinstance(first, Binder) and first.lower not in (Literal(0), Literal(1))
        if statement.target not in results and (starts_late or any(children(b.upper) for b in statement.binders)):
            yield "gaps"
