"""Reads and writes of tensor elements: subscripts as linear forms, clipped reads, and floor modulo."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace

from ddcompile.analysis.accesses import Modulus
from ddcompile.ir.affine import Affine, affine_of
from ddcompile.ir.nodes import Expr, Read
from ddcompile.kernel import operations
from ddcompile.kernel.builder import Builder, index_type
from ddcompile.kernel.context import Context, Step, bounds
from ddcompile.kernel.forms import Form
from ddcompile.kernel.nodes import F64, I64, Buffer, Const, Expr as KernelExpr, Extent, IntType, Load
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
    fitting,
    logic,
    masked,
    multiply,
    narrowed,
    remainder,
    select,
    subtract,
)

__all__ = ["flat_index", "lower_modulo", "lower_read"]


def _place(context: Context, position: Expr, *, repeated: bool) -> Generator[Expr, Scalar, Form]:
    """A position as a form; what is not affine in indices becomes one value of it."""
    affine = affine_of(position)
    if affine is not None and affine.is_integral:
        return Form.of(affine, {**context.indices, **context.sizes} if affine.sizes else context.indices)
    value = exact((yield position))
    if value.number is not None:
        return Form(value.number)
    named = context.builder.atom(value) if repeated else context.builder.hoisted(value)
    return Form(0, ((named, 1),))


def flat_index(
    context: Context, shape: tuple[Extent, ...], positions: Sequence[Expr]
) -> Generator[Expr, Scalar, KernelExpr]:
    """The element number of an element that is there for sure."""
    forms = []
    for position in positions:
        forms.append((yield from _place(context, position, repeated=False)))
    return _flat(context, shape, forms).expr


def lower_read(context: Context, node: Read) -> Step:
    """An element of a tensor, or what a clipped read gives outside."""
    if node.tensor in context.scalars:
        return context.scalars[node.tensor]
    buffer = context.buffers[node.tensor]
    forms: list[Form] = []
    for position in node.positions:
        forms.append((yield from _place(context, position, repeated=node.pad is not None)))
    flat = _flat(context, buffer.shape, forms)
    if node.pad is None:
        return _load(context, buffer, flat)
    pad = yield node.pad
    guard = _inside(context, node, forms, buffer.shape)
    if guard.number is not None:
        known = _load(context, buffer, flat) if guard.number else pad
        is_real = isinstance(pad, Real) or not _is_exact(context, buffer)
        return to_real(known) if is_real else known
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
    context: Context, buffer: Buffer, index: Value, guard: Value | None = None, outside: Scalar | None = None
) -> Scalar:
    """An element of a buffer, `outside` where the guard is 0; a number if it is a known element of a table."""
    if buffer.role == "table" and index.number is not None and guard is None:
        number = buffer.values[index.number]
        return Real(Const(number, F64)) if buffer.type == F64 else constant(number, buffer.exponent)
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


def _flat(context: Context, shape: tuple[Extent, ...], forms: list[Form]) -> Value:
    """The row-major element number."""
    if all(isinstance(extent, int) for extent in shape):
        total = Form(0)
        for form, extent in zip(forms, shape, strict=True):
            total = total.scale(context.extent(extent).low) + form
        return _subscript(total)
    number = constant(0)
    for form, extent in zip(forms, shape, strict=True):
        if number.number != 0:
            number = fitting("*", context.extent(extent), number, I64)
        number = fitting("+", number, form.value(), I64)
    return convert(number, I64)


def _subscript(form: Form) -> Value:
    """A form as a subscript; the type holds every partial sum."""
    value = form.value()
    low = high = form.constant
    for part, coefficient in form.terms:
        ends = coefficient * part.low, coefficient * part.high
        low, high = low + min(0, *ends), high + max(0, *ends)
    return convert(value, index_type(low, high))


def _inside(context: Context, node: Read, forms: list[Form], shape: tuple[Extent, ...]) -> Value:
    """The bit that says whether a position lies in the box."""
    inside = as_bit(constant(1))
    known = None if context.sized is None else context.sized.sides[id(node)]
    for axis, (form, extent) in enumerate(zip(forms, shape, strict=True)):
        low, high = form.range
        below, above = (low < 0, isinstance(extent, Affine) or high >= extent) if known is None else known[axis]
        moving = replace(form, constant=0).value()
        if below:
            inside = logic("and", inside, compare(">=", moving, constant(-form.constant)))
        if above and isinstance(extent, int):
            inside = logic("and", inside, compare("<", moving, constant(extent - form.constant)))
        elif above:
            inside = logic("and", inside, compare("<", form.value(), context.extent(extent)))
    return inside


def lower_modulo(builder: Builder, value: Value, modulus: Value, known: Modulus | None = None) -> Value:
    """Floor modulo by something positive, without a division where that is possible.

    Parameters
    ----------
    known
        How often the modulus must be added and subtracted at most (see `ddcompile.analysis.accesses`), if that is known
        better than from the ranges.
    """
    assert value.exponent == modulus.exponent == 0, "`%` takes integers"
    number = modulus.number
    if number is not None and value.high - value.low < number:
        # Near enough to a multiple of the modulus that it is added or subtracted at most once.
        turns = value.low // number
        value = value if turns in (-1, 0) else subtract(value, constant(turns * number))
    type_ = value.expr.type
    is_wide = isinstance(type_, IntType) and type_.is_wide
    below, above = _turns(value, number) if known is None or number is not None else known
    if below == above == 0:
        return replace(value, low=max(0, value.low), high=min(value.high, modulus.high - 1))
    if max(below, above) == 1:
        return _wrapped(builder, value, modulus, below, above)
    if number is not None and number & (number - 1) == 0 and not is_wide:
        return masked(value, number - 1)
    if below == 0:
        return remainder(replace(value, low=max(0, value.low)), modulus)
    if is_wide:
        # Machine division truncates; a multiple of the modulus makes a wide value nonnegative first.
        times = -value.low if number is None else -(value.low // number)
        shifted = add(value, multiply(constant(times), modulus))
        return remainder(replace(shifted, low=max(0, shifted.low)), modulus)
    rest = builder.atom(remainder(value, modulus))
    up = replace(add(rest, modulus), low=1, high=modulus.high - 1)
    return select(compare("<", rest, constant(0)), up, replace(rest, low=0))


def _turns(value: Value, modulus: int | None) -> Modulus:
    """How often a modulus must be added and subtracted at most, going by the ranges; 2 for more than once."""
    if modulus is None:
        return 0 if value.low >= 0 else 2, 2
    below = 0 if value.low >= 0 else 1 if -modulus <= value.low else 2
    return below, 0 if value.high < modulus else 1 if value.high < 2 * modulus else 2


def _wrapped(builder: Builder, value: Value, modulus: Value, below: int, above: int) -> Value:
    """Floor modulo where the modulus is added or subtracted at most once."""
    value = builder.atom(value)
    high = modulus.high - 1
    wrapped = replace(value, low=max(0, value.low), high=min(value.high, high))
    if above:
        down = subtract(value, modulus)
        down = replace(down, low=max(0, down.low), high=max(0, min(down.high, high)))
        wrapped = select(compare(">=", value, modulus), down, wrapped)
    if below:
        up = add(value, modulus)
        up = replace(up, low=max(0, up.low), high=high)
        wrapped = select(compare("<", value, constant(0)), up, wrapped)
    return replace(wrapped, low=max(0, wrapped.low), high=min(wrapped.high, high))
