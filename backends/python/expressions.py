"""Python text of the expressions of a rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from ddcompile.backends.python.names import PythonNames
from ddcompile.backends.python.notation import COMPARISON, PYTHON, Part, Sort, join, number, span
from ddcompile.backends.python.split import Split
from ddcompile.backends.shared.printer import Text, atom
from ddcompile.backends.shared.writer import Writer
from ddcompile.diagnostics import fail
from ddcompile.ir.nodes import Binary, Call, Compare, Expr, If, Index, Literal, Read, Reduce, Size, Unary
from ddcompile.ir.traverse import children, postorder

__all__ = ["Printer", "has_fraction"]

_BLOCKS = 18
"""How many loops and tests may be inside one another; CPython takes 20 nested blocks."""


class Printer:
    """Prints the expressions of one rule.

    Parameters
    ----------
    names
        The names of the module.
    exact
        Tensors that hold Fractions.
    mixed
        Tensors that hold ints or Fractions: rational inputs.
    """

    def __init__(self, names: PythonNames, exact: frozenset[str], mixed: frozenset[str]) -> None:
        self.names = names
        self.exact = exact
        self.mixed = mixed
        self.pads: set[int] = set()
        """The ranks of the padded reads so far."""
        self.uses_sign = False
        self._blocks = 0

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
        stack: list[tuple[Expr, bool]] = [(expr, False)]
        while stack:
            node, ready = stack.pop()
            kids = children(node)
            if id(node) in how.loops and isinstance(node, Reduce):
                made = self._loop(node, how, writer, indices)
            elif kids and not ready:
                stack.append((node, True))
                stack.extend((kid, False) for kid in reversed(kids))
                continue
            else:
                parts = results[len(results) - len(kids) :]
                del results[len(results) - len(kids) :]
                made = self._node(node, parts, indices)
            if id(node) in how.named:
                name = self.names.fresh.numbered("_t")
                writer.line(f"{name} = {made}")
                made = Part(atom(name), made.sort)
            results.append(made)
        return results[0]

    def index(self, name: str, indices: Mapping[str, str]) -> str:
        """The Python name of an index."""
        return indices.get(name, self.names.of[name])

    def _loop(self, node: Reduce, how: Split, writer: Writer, indices: Mapping[str, str]) -> Part:
        """Print a reduction as a loop that lists its terms; the reduction of that list."""
        exact = has_fraction(node.body, self.exact | self.mixed)
        terms = self.names.fresh.numbered("_terms")
        writer.line(f"{terms}: list[{'Fraction' if exact else 'int'}] = []")
        first = number(0)
        with ExitStack() as loops:
            for k, binder in enumerate(node.binders):
                lower = self.print(binder.lower, how, writer, indices)
                upper = self.print(binder.upper, how, writer, indices)
                first = first if k else lower
                header = f"for {self.index(binder.name, indices)} in {span(str(lower), str(upper))}:"
                loops.enter_context(self.block(writer, header))
            body = self.print(node.body, how, writer, indices)
            writer.line(f"{terms}.append({body.stored(exact)})")
        if node.op == "argmax":
            place = atom(f"{terms}.index(max({terms}))")
            return Part(place if str(first) == "0" else PYTHON.apply("+", first.text, place), Sort.INT)
        return _reduced(node.op, terms, Sort.FRACTION if exact else Sort.INT)

    def _node(self, node: Expr, parts: Sequence[Part], indices: Mapping[str, str]) -> Part:
        """Print one node over its printed parts."""
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
                return Part(PYTHON.apply(op, *(p.text for p in parts)), _binary_sort(op, parts))
            case Compare(ops, _):
                words = [parts[0].text.at(COMPARISON + 1)]
                for symbol, part in zip(ops, parts[1:], strict=True):
                    words += [symbol, part.text.at(COMPARISON + 1)]
                return Part(Text(" ".join(words), COMPARISON), Sort.BOOL)
            case If():
                sort, (then, otherwise) = join(parts[1:])
                return Part(PYTHON.apply("if", then, parts[0].text, otherwise), sort)
            case Call(function, _):
                return _call(function, parts)
            case Reduce():
                return self._reduce(node, parts, indices)
            case _:
                raise TypeError(f"not an expression: {type(node).__name__}")

    def _read(self, node: Read, parts: Sequence[Part]) -> Part:
        sort = Sort.INT
        if node.tensor in self.exact:
            sort = Sort.FRACTION
        elif node.tensor in self.mixed:
            sort = Sort.MIXED
        name = self.names.of[node.tensor]
        if node.pad is None:
            return Part(atom(name + "".join(f"[{part}]" for part in parts)), sort)
        fill, *places = parts
        self.pads.add(len(places))
        arguments = [name, str(fill.stored(exact=sort == Sort.FRACTION)), *map(str, places)]
        if sort != Sort.FRACTION and fill.is_exact:
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
                self.uses_sign = True
                return Part(atom(f"_sign({part})"), Sort.INT)
            case "abs":
                return Part(atom(f"abs({part})"), whole)
            case "relu":
                return _call("max", [part, number(0)])
            case _:
                raise fail("E301", f"the python target has no {node.op} yet", place=node.op)

    def _reduce(self, node: Reduce, parts: Sequence[Part], indices: Mapping[str, str]) -> Part:
        body = parts[-1]
        loops = [
            (self.index(b.name, indices), span(str(parts[2 * k]), str(parts[2 * k + 1])))
            for k, b in enumerate(node.binders)
        ]
        if node.op == "argmax":
            name, values = loops[0]
            return Part(atom(f"max({values}, key=lambda {name}: {body})"), Sort.INT)
        fits = node.op in ("min", "max") and body.is_exact
        clauses = " ".join(f"for {name} in {values}" for name, values in loops)
        return _reduced(node.op, f"{body.stored(exact=True) if fits else body} {clauses}", body.sort)


def _reduced(op: str, terms: str, body: Sort) -> Part:
    """A reduction of terms of one sort."""
    text = atom(f"{op}({terms})")
    if op in ("any", "all"):
        return Part(text, Sort.BOOL)
    if op == "sum":
        return Part(text, Sort.MIXED if body >= Sort.MIXED else Sort.INT)
    if op in ("min", "max"):
        return Part(text, Sort.FRACTION if body >= Sort.MIXED else body)
    raise fail("E301", f"the python target has no {op} yet", place=op)


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


def has_fraction(expr: Expr, exact: frozenset[str]) -> bool:
    """Whether an expression may give no integer, where the tensors `exact` may hold such values."""
    found: list[bool] = []
    for node in postorder(expr):
        count = len(children(node))
        kids = found[len(found) - count :]
        del found[len(found) - count :]
        match node:
            case Literal(value):
                found.append(not isinstance(value, int))
            case Read(tensor, _, pad):
                found.append(tensor in exact or (pad is not None and kids[0]))
            case Unary(op, _):
                found.append(op not in ("not", "sign") and kids[0])
            case Binary() | Call():
                found.append(any(kids))
            case If():
                found.append(kids[1] or kids[2])
            case Reduce(op, _, _):
                found.append(op in ("sum", "min", "max") and kids[-1])
            case _:
                found.append(False)
    return found[0]
