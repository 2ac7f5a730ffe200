"""Python text of the expressions of a rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import pairwise
from typing import assert_never

from ddcompile.backends.python.names import PythonNames
from ddcompile.backends.python.notation import COMPARISON, PYTHON, Part, Sort, join, number, span
from ddcompile.backends.python.sorts import sort_of
from ddcompile.backends.python.split import Split, split
from ddcompile.backends.shared.printer import Text, atom
from ddcompile.backends.shared.writer import Writer
from ddcompile.diagnostics import fail
from ddcompile.ir import builder
from ddcompile.ir.nodes import (
    Binary,
    Binding,
    Call,
    Compare,
    Expr,
    If,
    Index,
    Literal,
    Read,
    Reduce,
    ReduceOp,
    Size,
    Softmax,
    Unary,
)
from ddcompile.ir.traverse import children
from ddcompile.ir.types import Types

__all__ = ["Printer"]

_BLOCKS = 18
"""How many loops and tests may be inside one another; CPython takes 20 nested blocks."""
_LARGEST = 1023
"""Integers of so many bits are in the range of doubles."""
_ELEMENT = {Sort.INT: "int", Sort.FRACTION: "Fraction", Sort.REAL: "float"}
_REAL_REDUCTIONS = {"sum": "_sum", "min": "_least", "max": "_greatest"}


class Printer:
    """Prints the expressions of one rule.

    Parameters
    ----------
    names
        The names of the module.
    sorts
        What tensors hold that do not hold ints.
    types
        The types of the rule, if it has no sizes.
    """

    def __init__(self, names: PythonNames, sorts: Mapping[str, Sort], types: Types | None) -> None:
        self.names = names
        self.sorts = sorts
        self.types = types
        self.pads: set[int] = set()
        """The ranks of the padded reads so far."""
        self.tables: dict[int, str] = {}
        """Variables that hold all values of a softmax, by the `id` of its node."""
        self._blocks = 0

    def sort(self, tensor: str) -> Sort:
        """What the elements of a tensor are."""
        return self.sorts.get(tensor, Sort.INT)

    @contextmanager
    def block(self, writer: Writer, header: str) -> Iterator[None]:
        """Indent what the `with` body writes below the header of a loop or test."""
        if self._blocks == _BLOCKS:
            raise fail("E303", f"more than {_BLOCKS} loops inside one another are too many for Python")
        self._blocks += 1
        with writer.block(header):
            yield
        self._blocks -= 1

    def print(self, expr: Expr, how: Split, writer: Writer, indices: Mapping[str, str]) -> Part:
        """Print an expression; the parts that `how` splits off become statements before it.

        Parameters
        ----------
        expr
            The expression.
        how
            Its split.
        writer
            Takes the statements.
        indices
            Python names of indices where they differ from those in `names`.
        """
        results: list[Part] = []
        tables = dict(self.tables)
        stack: list[tuple[Expr, bool]] = [(expr, False)]
        while stack:
            node, ready = stack.pop()
            if isinstance(node, Softmax) and id(node) in how.loops and id(node) not in tables:
                tables[id(node)] = self._loop_table(node, how, writer, indices)
            kids = _printed(node, tables)
            if id(node) in how.loops and isinstance(node, Reduce):
                made = self._loop(node, how, writer, indices)
            elif kids and not ready:
                stack.append((node, True))
                stack.extend((kid, False) for kid in reversed(kids))
                continue
            else:
                parts = results[len(results) - len(kids) :]
                del results[len(results) - len(kids) :]
                made = self._node(node, parts, indices, tables)
            if id(node) in how.named:
                name = self.names.fresh.numbered("_t")
                writer.line(f"{name} = {made}")
                made = replace(made, text=atom(name), value=None)
            results.append(made)
        return results[0]

    def index(self, name: str, indices: Mapping[str, str]) -> str:
        """The Python name of an index."""
        return indices.get(name, self.names.of[name])

    def table(self, node: Softmax, writer: Writer, indices: Mapping[str, str]) -> str:
        """Print a call that gives the values of a softmax at all places; loops it needs are written before."""
        how = split(node)
        if id(node) in how.loops:
            return self._loop_table(node, how, writer, indices)
        ends = (node.binder.lower, node.binder.upper, node.body)
        return self._table(node, [self.print(expr, how, writer, indices) for expr in ends], indices)

    def _table(self, node: Softmax, parts: Sequence[Part], indices: Mapping[str, str]) -> str:
        lower, upper, body = parts
        loop = f"for {self.index(node.binder.name, indices)} in {span(str(lower), str(upper))}"
        return f"{_softmax(body.sort)}([{body} {loop}])"

    def _loop_table(self, node: Softmax, how: Split, writer: Writer, indices: Mapping[str, str]) -> str:
        terms, sort, _ = self._terms(node, how, writer, indices)
        return f"{_softmax(sort)}({terms})"

    def _loop(self, node: Reduce, how: Split, writer: Writer, indices: Mapping[str, str]) -> Part:
        """Print a reduction as a loop that lists its terms; the reduction of that list."""
        terms, sort, first = self._terms(node, how, writer, indices)
        if node.op == "argmax":
            place = f"_argmax({terms})" if sort == Sort.REAL else f"{terms}.index(max({terms}))"
            return _shifted(atom(place), first)
        return _reduced(node.op, terms, sort)

    def _terms(self, node: Binding, how: Split, writer: Writer, indices: Mapping[str, str]) -> tuple[str, Sort, Part]:
        """Write loops that list the values of a body: the list, what it holds, and where the first index starts."""
        found = sort_of(node.body, self.sorts)
        sort = Sort.FRACTION if found == Sort.MIXED else found
        terms = self.names.fresh.numbered("_terms")
        writer.line(f"{terms}: list[{_ELEMENT[sort]}] = []")
        first = number(0)
        with ExitStack() as loops:
            for k, binder in enumerate(node.binders):
                lower = self.print(binder.lower, how, writer, indices)
                upper = self.print(binder.upper, how, writer, indices)
                first = first if k else lower
                header = f"for {self.index(binder.name, indices)} in {span(str(lower), str(upper))}:"
                loops.enter_context(self.block(writer, header))
            body = self.print(node.body, how, writer, indices)
            writer.line(f"{terms}.append({body.stored(sort)})")
        return terms, sort, first

    def _node(self, node: Expr, parts: Sequence[Part], indices: Mapping[str, str], tables: Mapping[int, str]) -> Part:
        """Print one node over its printed parts."""
        made = self._operation(node, parts, indices, tables)
        if made.sort == Sort.REAL or self.types is None or not self.types.knows(node):
            return made
        found = self.types.of(node)
        return replace(made, is_small=found.is_bounded and found.bits - found.exponent <= _LARGEST)

    def _operation(
        self, node: Expr, parts: Sequence[Part], indices: Mapping[str, str], tables: Mapping[int, str]
    ) -> Part:
        match node:
            case Literal(value):
                return number(value)
            case Index(name):
                return Part(atom(self.index(name, indices)), Sort.INT)
            case Size(name):
                return Part(atom(self.names.of[name]), Sort.INT)
            case Read():
                return self._read(node, parts)
            case Unary():
                return self._unary(node, parts[0])
            case Binary(op, _, _):
                sort = _binary_sort(op, parts)
                return Part(PYTHON.apply(op, *(p.stored(sort) if sort == Sort.REAL else p.text for p in parts)), sort)
            case Compare(ops, _):
                return Part(_comparison(ops, parts), Sort.BOOL)
            case If():
                sort, (then, otherwise) = join(parts[1:])
                return Part(PYTHON.apply("if", then, parts[0].text, otherwise), sort)
            case Call(function, _):
                return _call(function, parts)
            case Reduce():
                return self._reduce(node, parts, indices)
            case Softmax():
                table = tables.get(id(node)) or self._table(node, parts[:3], indices)
                return Part(atom(f"{table}[{parts[-1]}]"), Sort.REAL)
            case _:
                raise TypeError(f"not an expression: {type(node).__name__}")

    def _read(self, node: Read, parts: Sequence[Part]) -> Part:
        sort = self.sort(node.tensor)
        name = self.names.of[node.tensor]
        if node.pad is None:
            return Part(atom(name + "".join(f"[{part}]" for part in parts)), sort)
        fill, *places = parts
        self.pads.add(len(places))
        arguments = [name, str(fill.stored(sort if sort >= Sort.FRACTION else Sort.INT)), *map(str, places)]
        if sort < Sort.FRACTION and fill.sort >= Sort.MIXED:
            sort = Sort.MIXED
        return Part(atom(f"_pad{len(places)}({', '.join(arguments)})"), sort)

    def _unary(self, node: Unary, part: Part) -> Part:
        whole = Sort.INT if part.sort == Sort.BOOL else part.sort
        match node.op:
            case "-":
                return Part(PYTHON.apply("negate", part.text), whole)
            case "not":
                return Part(PYTHON.apply("not", part.text), Sort.BOOL)
            case "sign":
                return Part(atom(f"_sign({part})"), Sort.INT)
            case "abs":
                return Part(atom(f"abs({part})"), whole)
            case "relu" if part.sort == Sort.REAL:
                return Part(atom(f"max(0.0, {part})"), Sort.REAL)  # 0.0 for -0.0 and NaN
            case "relu":
                return _call("max", [part, number(0)])
            case "real":
                return Part(part.stored(Sort.REAL), Sort.REAL)
            case "exp" | "log" | "tanh" | "sigmoid":
                return Part(atom(f"_{node.op}({part.stored(Sort.REAL)})"), Sort.REAL)
            case _:
                assert_never(node.op)

    def _reduce(self, node: Reduce, parts: Sequence[Part], indices: Mapping[str, str]) -> Part:
        body = parts[-1]
        loops = [
            (self.index(b.name, indices), span(str(parts[2 * k]), str(parts[2 * k + 1])))
            for k, b in enumerate(node.binders)
        ]
        clauses = " ".join(f"for {name} in {values}" for name, values in loops)
        if node.op == "argmax":
            if body.sort == Sort.REAL:
                return _shifted(atom(f"_argmax({body} {clauses})"), parts[0])
            name, values = loops[0]
            return Part(atom(f"max({values}, key=lambda {name}: {body})"), Sort.INT)
        shown = body.stored(Sort.FRACTION) if node.op in ("min", "max") and body.is_rational else body
        return _reduced(node.op, f"{shown} {clauses}", body.sort)


def _comparison(ops: Sequence[str], parts: Sequence[Part]) -> Text:
    """A comparison, or a chain; what is compared with a real is rounded for that."""
    pairs = list(pairwise(parts))
    reals = [Sort.REAL in (left.sort, right.sort) for left, right in pairs]
    if len(set(reals)) > 1:
        return PYTHON.apply("and", *(_comparison([op], pair) for op, pair in zip(ops, pairs, strict=True)))
    operands = [(part.stored(Sort.REAL) if reals[0] else part.text).at(COMPARISON + 1) for part in parts]
    words = operands[:1]
    for symbol, operand in zip(ops, operands[1:], strict=True):
        words += [symbol, operand]
    return Text(" ".join(words), COMPARISON)


def _printed(node: Expr, tables: Mapping[int, str]) -> tuple[Expr, ...]:
    """The expressions that the text of a node consists of."""
    if not isinstance(node, Softmax):
        return children(node)
    place = builder.sub(node.position, node.binder.lower)
    return (place,) if id(node) in tables else (node.binder.lower, node.binder.upper, node.body, place)


def _softmax(body: Sort) -> str:
    return "_softmax" if body == Sort.REAL else "_exact_softmax"


def _shifted(place: Text, lower: Part) -> Part:
    """An index from its place in the range that begins at `lower`."""
    return Part(place if str(lower) == "0" else PYTHON.apply("+", lower.text, place), Sort.INT)


def _reduced(op: ReduceOp, terms: str, body: Sort) -> Part:
    """A reduction of terms of one sort."""
    if body == Sort.REAL:
        return Part(atom(f"{_REAL_REDUCTIONS[op]}({terms})"), Sort.REAL)
    text = atom(f"{op}({terms})")
    if op in ("any", "all"):
        return Part(text, Sort.BOOL)
    if op == "sum":
        return Part(text, Sort.MIXED if body >= Sort.MIXED else Sort.INT)
    return Part(text, Sort.FRACTION if body >= Sort.MIXED else body)


def _binary_sort(op: str, parts: Sequence[Part]) -> Sort:
    sorts = {part.sort for part in parts}
    if op in ("and", "or"):
        return Sort.BOOL if Sort.BOOL in sorts else Sort.INT
    if op == "xor":
        return Sort.BOOL if sorts == {Sort.BOOL} else Sort.INT
    return max(sorts) if max(sorts) >= Sort.MIXED else Sort.INT


def _call(function: str, parts: Sequence[Part]) -> Part:
    """Min or max of several arguments."""
    sort, shown = join(parts)
    return Part(atom(f"{function}({', '.join(map(str, shown))})"), sort)
