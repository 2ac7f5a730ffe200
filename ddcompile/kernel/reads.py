"""Reads and writes of tensor elements: subscripts as linear forms, clipped reads, and floor modulo."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace

from ddcompile.diagnostics import fail
from ddcompile.ir.affine import affine_of
from ddcompile.ir.nodes import Expr, Read
from ddcompile.kernel import operations
from ddcompile.kernel.builder import Builder, index_type
from ddcompile.kernel.context import Context, Step, bounds
from ddcompile.kernel.nodes import F64, Buffer, Const, Expr as KernelExpr, IntType, Load
from ddcompile.kernel.operations import exact
from ddcompile.kernel.reals import Real, Scalar, as_double, constant_real, from_double, to_real
from ddcompile.kernel.values import (
    Value,
    add,
    aligned,
    as_bit,
    compare,
    constant,
    convert,
    logic,
    masked,
    multiply,
    narrowed,
    remainder,
    select,
    subtract,
)

__all__ = ["flat_index", "lower_modulo", "lower_read"]


@dataclass(frozen=True, slots=True)
class _Form:
    """`constant + sum of coefficient * value`; values are kept apart by their expressions, outermost first."""

    constant: int
    terms: tuple[tuple[Value, int], ...] = ()

    def __add__(self, other: _Form) -> _Form:
        total: dict[KernelExpr, tuple[Value, int]] = {}
        for value, coefficient in (*self.terms, *other.terms):
            known = total.get(value.expr)
            total[value.expr] = value, coefficient + (known[1] if known else 0)
        terms = tuple(term for term in total.values() if term[1])
        return _Form(self.constant + other.constant, terms)

    def scale(self, factor: int) -> _Form:
        """The form times a number."""
        return _Form(self.constant * factor, tuple((v, c * factor) for v, c in self.terms))

    @property
    def range(self) -> tuple[int, int]:
        """The least and the greatest value."""
        low = high = self.constant
        for value, c in self.terms:
            ends = c * value.low, c * value.high
            low, high = low + min(ends), high + max(ends)
        return low, high

    def value(self) -> Value:
        """The form as an expression: positive terms first, then negative ones, then the constant."""
        result = constant(0)
        for v, c in sorted(self.terms, key=lambda term: (term[1] < 0, -abs(term[1]), term[0].level)):
            product = multiply(constant(abs(c)), v)
            result = add(result, product) if c > 0 else subtract(result, product)
        return add(result, constant(self.constant))


def _place(context: Context, position: Expr, *, repeated: bool) -> Generator[Expr, Scalar, _Form]:
    """A position as a form; what is not affine in indices becomes one value of it."""
    affine = affine_of(position)
    if affine is not None and affine.is_integral:
        form = _Form(int(affine.constant))
        for name, coefficient in affine.terms:
            index = context.indices[name]
            if index.number is not None:
                form += _Form(index.number * int(coefficient))
            else:
                form += _Form(0, ((index, int(coefficient)),))
        return form
    value = exact((yield position))
    if value.number is not None:
        return _Form(value.number)
    named = context.builder.atom(value) if repeated else context.builder.hoisted(value)
    return _Form(0, ((named, 1),))


def flat_index(
    context: Context, shape: tuple[int, ...], positions: Sequence[Expr]
) -> Generator[Expr, Scalar, KernelExpr]:
    """The element number of an element that is there for sure."""
    forms = []
    for position in positions:
        forms.append((yield from _place(context, position, repeated=False)))
    return _subscript(_flat(shape, forms)).expr


def lower_read(context: Context, node: Read) -> Step:
    """An element of a tensor, or what a clipped read gives outside."""
    if node.tensor in context.scalars:
        return context.scalars[node.tensor]
    buffer = context.buffers[node.tensor]
    forms: list[_Form] = []
    for position in node.positions:
        forms.append((yield from _place(context, position, repeated=node.pad is not None)))
    flat = _flat(buffer.shape, forms)
    if node.pad is None:
        return _load(context, buffer, flat)
    pad = yield node.pad
    guard = _inside(forms, buffer.shape)
    if guard.number is not None:
        return _load(context, buffer, flat) if guard.number else pad
    outside = _as_element(context, pad, buffer)
    if outside is not None:
        return _load(context, buffer, flat, context.builder.hoisted(guard), outside)
    guard = context.builder.atom(guard)
    zero = constant_real(0.0) if buffer.type == F64 else constant(0, buffer.exponent)
    return operations.select(guard, _load(context, buffer, flat, guard, zero), pad)


def _as_element(context: Context, pad: Scalar, buffer: Buffer) -> Scalar | None:
    """A number as an element of a buffer; None if it is none."""
    if isinstance(pad, Real):
        return pad if isinstance(pad.expr, Const) and buffer.type == F64 and not _is_exact(context, buffer) else None
    if pad.number is None:
        return None
    if buffer.type == F64:
        return as_double(pad) if _is_exact(context, buffer) else to_real(pad)
    if pad.exponent > buffer.exponent:
        return None
    value = aligned(pad, buffer.exponent)
    low, high = (buffer.type.low, buffer.type.high) if isinstance(buffer.type, IntType) else (0, 1)
    return value if low <= value.low <= high else None


def _is_exact(context: Context, buffer: Buffer) -> bool:
    """Whether the elements stand for exact numbers, and not for reals."""
    return context.types.tensor[buffer.name].kind != "real"


def _load(
    context: Context, buffer: Buffer, flat: _Form, guard: Value | None = None, outside: Scalar | None = None
) -> Scalar:
    """Element `flat` of a buffer, `outside` where the guard is 0; a number if it is a known element of a table."""
    if buffer.role == "table" and not flat.terms and guard is None:
        number = buffer.values[flat.constant]
        return Real(Const(number, F64)) if buffer.type == F64 else constant(number, buffer.exponent)
    index = _subscript(flat)
    level, depth = index.level, index.depth + 1
    default = None
    if guard is not None and outside is not None:
        level, depth = max(level, guard.level), 1 + max(index.depth, guard.depth)
        default = outside.expr if isinstance(outside, Real) else convert(outside, buffer.type).expr
    if buffer.name in context.unfinished:
        level = context.builder.level
    load = Load(buffer.name, index.expr, buffer.type, None if guard is None else guard.expr, default)
    if not _is_exact(context, buffer):
        return Real(load, level, depth)
    low, high = bounds(context.types.tensor[buffer.name], buffer.exponent)
    if buffer.type == F64:
        return from_double(Real(load, level, depth), low, high)
    if isinstance(outside, Value):
        low, high = min(low, outside.low), max(high, outside.high)
    return narrowed(Value(load, low, high, buffer.exponent, level, depth))


def _flat(shape: tuple[int, ...], forms: list[_Form]) -> _Form:
    """The row-major element number."""
    total = _Form(0)
    for form, extent in zip(forms, shape, strict=True):
        total = total.scale(extent) + form
    return total


def _subscript(form: _Form) -> Value:
    """A form as a subscript; the type holds every partial sum."""
    value = form.value()
    low = high = form.constant
    for part, coefficient in form.terms:
        ends = coefficient * part.low, coefficient * part.high
        low, high = low + min(0, *ends), high + max(0, *ends)
    return convert(value, index_type(low, high))


def _inside(forms: list[_Form], shape: tuple[int, ...]) -> Value:
    """The bit that says whether a position lies in the box."""
    inside = as_bit(constant(1))
    for form, extent in zip(forms, shape, strict=True):
        low, high = form.range
        moving = replace(form, constant=0).value()
        if low < 0:
            inside = logic("and", inside, compare(">=", moving, constant(-form.constant)))
        if high >= extent:
            inside = logic("and", inside, compare("<", moving, constant(extent - form.constant)))
    return inside


def lower_modulo(builder: Builder, value: Value, modulus: int) -> Value:
    """Floor modulo by a positive number, without a division where the range allows it."""
    if value.exponent:
        raise fail("E014", "`%` needs integers")
    if value.low >= 0 and value.high < modulus:
        return value
    type_ = value.expr.type
    is_wide = isinstance(type_, IntType) and type_.is_wide
    if modulus & (modulus - 1) == 0 and not is_wide:
        return masked(value, modulus - 1)
    if -modulus <= value.low and value.high < 2 * modulus:
        value = builder.atom(value)
        wrapped = replace(value, low=max(0, value.low), high=min(value.high, modulus - 1))
        if value.high >= modulus:
            down = subtract(value, constant(modulus))
            down = replace(down, low=max(0, down.low))
            wrapped = select(compare(">=", value, constant(modulus)), down, wrapped)
        if value.low < 0:
            up = replace(add(value, constant(modulus)), high=modulus - 1)
            wrapped = select(compare("<", value, constant(0)), up, wrapped)
        return wrapped
    if value.low >= 0:
        return remainder(value, modulus)
    if is_wide:
        # Machine division truncates; a multiple of the modulus makes a wide value nonnegative first.
        return remainder(add(value, constant(-(value.low // modulus) * modulus)), modulus)
    rest = builder.atom(remainder(value, modulus))
    up = replace(add(rest, constant(modulus)), low=1, high=modulus - 1)
    return select(compare("<", rest, constant(0)), up, replace(rest, low=0))
