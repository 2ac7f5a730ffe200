"""Lowering: a rule becomes a kernel.

    rule r(x: bit[3, 4]) -> (y: bit[3]) {        kernel r {
      y[i < 3] = sum(j < 4: x[i, j]) >= 2          input x: bit[3, 4]
    }                                              output y: bit[3]
                                                   function r() {
                                                     for i: i32 = 0 to 3 {
                                                       var sum: i8 = 0
                                                       for j: i32 = 0 to 4 {
                                                         sum = sum + i8(x[4 * i + j])
                                                       }
                                                       y[i] = sum >= 2
                                                     }
                                                   } ...

Statements are lowered in evaluation order. Tensors without axes are scalars, the others buffers: of bits (one byte
each), or of the narrowest integers that hold the inferred range of scaled values. Sizes stay parameters, if the rule
is proved legal for all of them (see `ddcompile.analysis.sized` and `ddcompile.kernel.sizes`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ddcompile.analysis.memory import check_memory
from ddcompile.analysis.sized import HINT, Sized, analyse
from ddcompile.diagnostics import CompileError, Diagnostic
from ddcompile.ir.nodes import Binder, Index, Node, Reduce, Rule, Statement
from ddcompile.ir.printer import print_statement
from ddcompile.ir.ranges import BINARY64
from ddcompile.ir.types import Types, ValueType, infer
from ddcompile.kernel.builder import Builder
from ddcompile.kernel.clauses import lower_clause, lower_recurrence
from ddcompile.kernel.context import Context, bounds
from ddcompile.kernel.dce import eliminate_dead_code
from ddcompile.kernel.expressions import looping_conditionals, lower_expression, lower_subscript
from ddcompile.kernel.names import Names
from ddcompile.kernel.nodes import (
    BIT,
    F64,
    I8,
    I64,
    Arith,
    Buffer,
    Comment,
    Const,
    Extent,
    Function,
    Invoke,
    Kernel,
    Loop,
    Role,
    Stmt,
    Store,
    Type,
    Var,
    int_type,
)
from ddcompile.kernel.operations import as_type
from ddcompile.kernel.reals import Real, to_real
from ddcompile.kernel.scalars import bits_of
from ddcompile.kernel.sizes import allowed, batch, entry, parameters, place_scratch, scratch_size, size_values
from ddcompile.kernel.traverse import loads
from ddcompile.kernel.values import Value, constant, convert

__all__ = ["batch_function", "interface_type", "lower", "machine_types"]


def lower(rule: Rule, types: Types | None = None, remark: Callable[[Statement], str] = print_statement) -> Kernel:
    """Lower a verified rule.

    Parameters
    ----------
    rule
        The rule.
    types
        What `infer` found about this very rule, if the caller has it and there are no sizes, with ranges for the inputs
        of kind rat (see `machine_types`).
    remark
        What the comment above the code of a statement says.

    Raises
    ------
    CompileError
        E010 if a tensor has no bound, E012 if loops nest too deep, E013 if an index leaves 64 bits, E014 if a tensor is
        too large, E030 to E034 if a
        rule with sizes is not shown to be legal for all of them.
    """
    sized = analyse(rule, _rationals(rule)) if rule.sizes else None
    if sized is not None:
        types = sized.types
    elif types is None:
        types = machine_types(rule)
    if sized is None:
        check_memory(types)
    _check_bounds(rule, types)
    return _Lowering(rule, types, sized, remark).run()


def machine_types(rule: Rule, types: Types | None = None) -> Types:
    """What `infer` finds if every input of kind rat is a binary64 number, as it is in emitted code.

    Parameters
    ----------
    rule
        A rule without sizes.
    types
        What `infer` found without that, if the caller has it.
    """
    rationals = _rationals(rule)
    return infer(rule, rationals) if rationals or types is None else types


def _rationals(rule: Rule) -> dict[str, ValueType]:
    """The types of rational inputs in emitted code."""
    return {d.name: BINARY64 for d in rule.inputs if d.type.kind == "rat"}


def interface_type(found: ValueType) -> Type:
    """The element type of an input or result: bit, i8 for spins and trits, f64 for reals, else i64 or wider."""
    if found.kind == "bit":
        return BIT
    if found.kind == "real":
        return F64
    if found.kind in ("spin", "trit"):
        return I8
    needed = int_type(*bounds(found, found.exponent))
    return needed if needed.is_wide else I64


def _stored_type(found: ValueType) -> Type:
    """The element type of an intermediate tensor."""
    if found.kind in ("bit", "real"):
        return BIT if found.kind == "bit" else F64
    return int_type(*bounds(found, found.exponent))


def _check_bounds(rule: Rule, types: Types) -> None:
    """Report tensors that no machine integer holds, but not those that depend on them."""
    groups: list[dict[str, Node]] = [{d.name: d for d in rule.inputs}, {c.name: c for c in rule.constants}]
    groups += ({rule.statements[k].target: rule.statements[k] for k in reversed(group)} for group in types.order)
    for nodes in groups:
        found = [fault for name, node in nodes.items() if (fault := _bound_fault(rule, types, name, node)) is not None]
        if found:
            raise CompileError(found)


def _bound_fault(rule: Rule, types: Types, name: str, node: Node) -> Diagnostic | None:
    type_ = types.tensor[name]
    place = "" if node.location is not None else rule.name
    if type_.is_bounded or type_.kind == "real":
        return None
    if types.rule.sizes:
        hint = f"bound it where it is defined, as with `min` and `max`, or {HINT}"
    elif name in types.unsettled:
        hint = "its fraction grows with every step of the recurrence; scale it to integers"
    else:
        hint = "bound it where it is defined, as with `min` and `max`"
    message = f"`{name}` has no bound, so no machine integer holds it"
    return Diagnostic("E010", message, node.location, hint, place=place)


class _Lowering:
    def __init__(self, rule: Rule, types: Types, sized: Sized | None, remark: Callable[[Statement], str]) -> None:
        self.rule = rule
        self.remark = remark
        self.types = types
        self.sized = sized
        names = {*types.tensor, rule.name, f"{rule.name}_batch", *rule.sizes}
        builder = Builder(names, has_sizes=sized is not None)
        self.context = Context(types, builder, {}, sized=sized, sizes=size_values(rule.sizes))
        self.results = frozenset(declaration.name for declaration in rule.outputs)

    def run(self) -> Kernel:
        context, rule, types = self.context, self.rule, self.types
        for declaration in rule.inputs:
            found = types.tensor[declaration.name]
            self._add_buffer(declaration.name, "input", F64 if found == BINARY64 else interface_type(found))
        for declaration in rule.outputs:
            self._add_buffer(declaration.name, "output", interface_type(types.tensor[declaration.name]))
        for name, numbers in types.scaled.items():
            found = types.tensor[name]
            if numbers.shape:
                values = tuple(int(v) for v in numbers.ravel().tolist())
                type_ = BIT if found.kind == "bit" else int_type(min(values, default=0), max(values, default=0))
                context.buffers[name] = Buffer(name, "table", type_, numbers.shape, found.exponent, values)
            else:
                context.scalars[name] = constant(int(numbers[()]), found.exponent)
        for name, doubles in types.reals.items():
            bits = tuple(bits_of(value) for value in doubles.ravel().tolist())
            if doubles.shape:
                context.buffers[name] = Buffer(name, "table", F64, doubles.shape, 0, bits)
            else:
                context.scalars[name] = Real(Const(bits[0], F64))
        for statement in rule.statements:
            if statement.positions and statement.target not in context.buffers:
                found = types.tensor[statement.target]
                self._add_buffer(statement.target, "scratch", _stored_type(found))
        scratch = context.buffers if rule.sizes else {}
        starts = {b.name: context.builder.fresh(f"{b.name}_start") for b in scratch.values() if b.role == "scratch"}
        for number, group in enumerate(types.order):
            self._group(number, [rule.statements[k] for k in group])
        body = eliminate_dead_code(context.builder.body, self.results)
        used = {load.buffer for load in loads(body)}
        buffers = tuple(b for b in context.buffers.values() if b.role in ("input", "output") or b.name in used)
        if not rule.sizes:
            sample = Function(rule.name, (), body)
            parameters = [b for role in ("input", "output") for b in buffers if b.role == role]
            return Kernel(rule.name, buffers, (sample, batch_function(rule.name, parameters)))
        return self._sized_kernel(body, buffers, starts)

    def _sized_kernel(self, body: tuple[Stmt, ...], buffers: tuple[Buffer, ...], starts: dict[str, str]) -> Kernel:
        """The functions of a kernel with sizes."""
        assert self.sized is not None
        name, sizes = self.rule.name, self.rule.sizes
        outer = [b for role in ("input", "output") for b in buffers if b.role == role]
        scratch = [b for b in buffers if b.role == "scratch"]
        functions = [allowed(name, sizes, self.sized.conditions, [*outer, *scratch])]
        if Kernel(name, buffers, ()).needs_scratch:
            functions.append(scratch_size(name, sizes, scratch, starts))
            body = (*place_scratch(sizes, scratch, starts)[0], *body)
        functions.append(Function(f"{name}_sample", parameters(sizes), body))
        functions += [entry(name, sizes, outer), batch(name, sizes, outer)]
        return Kernel(name, buffers, tuple(functions), sizes, self.sized.conditions)

    def _add_buffer(self, name: str, role: Role, type_: Type) -> None:
        found = self.types.tensor[name]
        shape: tuple[Extent, ...] = self.types.shape[name]
        if self.sized is not None:
            extents = self.sized.shape[name]
            shape = tuple(int(n.constant) if n.is_constant else n for n in extents)
        self.context.buffers[name] = Buffer(name, role, type_, shape, found.exponent)

    def _group(self, number: int, statements: list[Statement]) -> None:
        """All clauses of a tensor, or of the tensors of a cycle."""
        context = self.context
        comments = [Comment(self.remark(statement)) for statement in statements]
        steps = self.types.recurrences.get(number)
        context.unfinished = frozenset(s.target for s in statements) if steps is not None else frozenset()
        if steps is None:
            for comment, statement in zip(comments, statements, strict=True):
                context.builder.emit(comment)
                context.indices = {}
                lower_clause(context, statement, self._store)
        else:
            for comment in comments:
                context.builder.emit(comment)
            lower_recurrence(context, statements, steps.depth, self._store)

    def _store(self, statement: Statement) -> None:
        """Evaluate and store one element."""
        context = self.context
        context.looping = looping_conditionals(statement.value)
        if statement.target not in context.buffers:
            self._define(statement)
            return
        buffer = context.buffers[statement.target]
        value = as_type(self.types.tensor[statement.target], lower_expression(context, statement.value))
        element = convert(value, buffer.type) if isinstance(value, Value) else value
        positions = [Index(p.name) if isinstance(p, Binder) else p for p in statement.positions]
        context.builder.emit(Store(buffer.name, lower_subscript(context, buffer.shape, positions), element.expr))

    def _define(self, statement: Statement) -> None:
        """A tensor without axes or memory: a variable, the accumulator itself if it is one reduction."""
        context, name = self.context, statement.target
        is_reduction = isinstance(statement.value, Reduce)
        context.named = {id(statement.value): name} if is_reduction else {}
        value = lower_expression(context, statement.value)
        if self.types.tensor[name].kind == "real":
            value = to_real(value)
        is_named = is_reduction and not context.named
        if not is_named and (isinstance(value, Real) or value.number is None):
            value = context.builder.define(name, value)
        context.named = {}
        context.scalars[name] = value


def batch_function(name: str, parameters: Sequence[Buffer]) -> Function:
    """Run the sample function on one sample after the other.

    Parameters
    ----------
    name
        The kernel's name.
    parameters
        Its inputs, then its outputs.
    """
    names = Names([*(b.name for b in parameters), name])
    count, sample = Var(names.fresh("n"), I64), Var(names.fresh("sample"), I64)
    offsets = tuple(Arith("*", Const(b.size, I64), sample, I64) if b.size != 1 else sample for b in parameters)
    loop = Loop(sample, Const(0, I64), count, (Invoke(name, offsets),))
    return Function(f"{name}_batch", (count,), (loop,))
