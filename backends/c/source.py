"""A kernel as the text of a C file: tables, wide integers, and the two entry points."""

from __future__ import annotations

from collections.abc import Iterable

from ddcompile.backends.c.expressions import ExpressionPrinter
from ddcompile.backends.c.guards import GUARDS
from ddcompile.backends.c.literals import element_type, hex_words, number, real_number
from ddcompile.backends.c.names import CNames
from ddcompile.backends.c.statements import StatementPrinter
from ddcompile.backends.c.wide import Helpers
from ddcompile.backends.shared.writer import Writer, fill
from ddcompile.kernel.nodes import (
    BIT,
    F64,
    I8,
    I16,
    I64,
    Apply,
    Arith,
    Buffer,
    Function,
    Kernel,
    RealType,
    Stmt,
    ToReal,
    Type,
    WordType,
)
from ddcompile.kernel.routines import Routine, routine
from ddcompile.kernel.traverse import applied, expressions, loads, read_variables, stores

__all__ = ["CSource", "elements", "table_text"]


def table_text(declaration: str, values: Iterable[int], type_: Type) -> str:
    """A constant array, its elements on lines of bounded width."""
    writer = Writer()
    items: Iterable[str]
    if type_.is_wide:
        items = (word for value in values for word in hex_words(value, type_.words))
    elif isinstance(type_, WordType):
        items = (word for value in values for word in hex_words(value, 1))
    elif isinstance(type_, RealType):
        items = (str(real_number(value)) for value in values)
    else:
        is_plain = type_ in (BIT, I8, I16)
        items = map(str, values) if is_plain else (number(value).text for value in values)
    with writer.block(f"{declaration} = {{", "};"):
        writer.fill(items)
    return writer.text()


def elements(buffer: Buffer) -> int:
    """How many C array elements a buffer takes; C has no empty arrays."""
    return max(1, buffer.size * buffer.type.words)


class CSource:
    """The C of one kernel.

    Parameters
    ----------
    kernel
        What to print.
    prefix
        A valid prefix of all symbols.
    comments
        Whether comments of the kernel are printed.
    """

    def __init__(self, kernel: Kernel, prefix: str, *, comments: bool) -> None:
        self.kernel = kernel
        self.prefix = prefix
        self.names = CNames(prefix)
        for buffer in kernel.parameters:
            self.names[buffer.name]
        self._comments = comments
        self._helpers = Helpers(prefix)
        self.scratch_name = self.names.fresh("scratch") if kernel.needs_scratch else ""
        self._parts = {f.name for f in kernel.parts}
        self._symbols = {f.name: prefix + suffix for suffix, f in kernel.function.items()}

    def declarator(self, function: Function, *, restrict: bool) -> str:
        """A function and its parameters; the header, which is C++ too, cannot say restrict."""
        star = "*restrict " if restrict else "*"
        scalar = "size_t" if self._is_entry(function) else "int64_t"
        found = [f"{scalar} {self.names[v.name]}" for v in function.scalars]
        for buffer in self.kernel.parameters if function.takes_buffers else ():
            const = "const " if buffer.role == "input" else ""
            found.append(f"{const}{element_type(buffer.type)} {star}{self.names[buffer.name]}")
        if self.scratch_name and function.takes_buffers:
            type_ = "void" if self.kernel.sizes else f"{self.prefix}_scratch"
            found.append(f"{type_} {star}{self.scratch_name}")
        head = f"{self._result(function)} {self._symbols[function.name]}"
        line = f"{head}({', '.join(found) or 'void'})"
        if len(line) < 120:
            return line
        return "\n".join([f"{head}(", *(f"    {row}" for row in fill(found, 116))]) + ")"

    def _is_entry(self, function: Function) -> bool:
        """Whether sizes and counts are as the caller gives them."""
        inner = (self.kernel.phase, self.kernel.block, self.kernel.sample if self.kernel.sizes else None)
        return all(function is not other for other in inner)

    def _result(self, function: Function) -> str:
        is_inner = self.kernel.sizes and (function is self.kernel.sample or function.result == BIT)
        is_static = is_inner or function.name in self._parts
        is_static = is_static or function in (self.kernel.phase, self.kernel.block)
        type_ = "void" if function.result is None else "size_t" if function.result == I64 else "int"
        return f"static {type_}" if is_static else type_

    def scratch_fields(self) -> list[str]:
        """The members of the scratch struct; none if scratch lives on the stack, or depends on sizes."""
        if not self.scratch_name or self.kernel.sizes:
            return []
        return [self._array(b) for b in self.kernel.of_role("scratch")]

    @property
    def includes(self) -> list[str]:
        """The headers that the functions need besides those of the header file; known after `blocks`."""
        found = ["float.h"] if self._has_reals else []
        return [*found, "string.h"] if self._helpers.needs_memcpy else found

    @property
    def _computing(self) -> tuple[Stmt, ...]:
        """The statements that compute a sample."""
        inner = [f for f in (self.kernel.phase, self.kernel.block) if f is not None]
        return tuple(s for f in (*self.kernel.parts, *inner, self.kernel.sample) for s in f.body)

    @property
    def _has_reals(self) -> bool:
        """Whether anything is rounded."""
        return any(
            isinstance(node, ToReal | Apply) or (isinstance(node, Arith) and node.type == F64)
            for node in expressions(self._computing)
        )

    def blocks(self) -> list[str]:
        """Tables, helpers and functions, in the order of the file."""
        tables = [
            table_text(f"static const {element_type(b.type)} {self._table(b)}[{elements(b)}]", b.values, b.type)
            for b in self.kernel.of_role("table")
        ]
        routines = [self._routine(routine(name)) for name in applied(self._computing)]
        functions = [self._function(function) for function in self.kernel.functions]
        helpers = [self._helpers.text()] if self._helpers.text() else []
        guards = [GUARDS] if self._has_reals else []
        return [*guards, *tables, *helpers, *routines, *functions]

    def _routine(self, function: Routine) -> str:
        """An elementary function, with names of its own."""
        names = CNames(self.prefix)
        printer = ExpressionPrinter(names, {}, {}, self._helpers, frozenset(), {})
        writer = Writer()
        writer.line(f"static double {self.prefix}_{function.name}(double {names[function.argument.name]})")
        with writer.block("{", "}"):
            for declare in function.body:
                name, type_ = names[declare.variable.name], element_type(declare.variable.type)
                writer.line(f"const {type_} {name} = {printer.stored(declare.value)};")
            writer.line(f"return {printer.text(function.result)};")
        return writer.text()

    def _array(self, buffer: Buffer) -> str:
        return f"{element_type(buffer.type)} {self.names[buffer.name]}[{elements(buffer)}]"

    def _table(self, buffer: Buffer) -> str:
        return f"{self.prefix}_{buffer.name}_table"

    def _place(self, buffer: Buffer) -> str:
        if buffer.role == "table":
            return self._table(buffer)
        name = self.names[buffer.name]
        in_struct = buffer.role == "scratch" and self.scratch_name and not self.kernel.sizes
        return f"{self.scratch_name}->{name}" if in_struct else name

    def _unused(self, function: Function) -> list[str]:
        """The parameters that a part has because all parts have them."""
        used = {load.buffer for load in loads(function.body)}
        used |= {stmt.buffer for stmt in stores(function.body)}
        found = [self.names[b.name] for b in self.kernel.parameters if b.name not in used]
        has_scratch = any(b.name in used for b in self.kernel.of_role("scratch"))
        return found if has_scratch or not self.scratch_name else [*found, self.scratch_name]

    def _function(self, function: Function) -> str:
        kernel = self.kernel
        places = {b.name: self._place(b) for b in kernel.buffers}
        sizes = frozenset(v.name for v in function.scalars if self._is_entry(function))
        printer = ExpressionPrinter(self.names, places, kernel.buffer, self._helpers, sizes, self._symbols)
        writer = Writer()
        writer.lines(self.declarator(function, restrict=True).splitlines())
        with writer.block("{", "}"):
            if function is kernel.sample:
                if not self.scratch_name:
                    writer.lines(self._array(b) + ";" for b in kernel.of_role("scratch"))
                used = {load.buffer for load in loads(function.body)} | read_variables(function.body)
                unused = (*(v.name for v in function.scalars), *(b.name for b in kernel.of_role("input")))
                writer.lines(f"(void){self.names[name]};" for name in unused if name not in used)
            if function is kernel.phase:
                used = read_variables(function.body)
                writer.lines(f"(void){self.names[v.name]};" for v in function.scalars if v.name not in used)
            if function.name in self._parts or function is kernel.phase:
                writer.lines(f"(void){name};" for name in self._unused(function))
            StatementPrinter(
                writer,
                kernel,
                self.names,
                printer,
                self._helpers,
                comments=self._comments,
                invoked=self._symbols,
                scratch=self.scratch_name,
            ).print(function)
        return writer.text()
