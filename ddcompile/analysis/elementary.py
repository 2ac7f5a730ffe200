"""The definitions of exp, log, tanh and sigmoid: straight-line procedures over IEEE binary64.

No two libraries agree on the last bits of these functions, so each is defined here by its algorithm, once, and engines
run or print the procedure (`ddcompile.analysis.procedures`). Errors stay below 0.64 units in the last place (below 0.76
where the result is subnormal).

The methods are classical. Arguments are reduced by a two-part ln 2 (W. J. Cody and W. Waite, Software Manual for the
Elementary Functions, 1980). Where a rounding would be felt, numbers are unevaluated sums of two doubles, made by the
error-free sums and products of T. J. Dekker, A floating-point technique for extending the available precision, 1971.
Polynomials are Taylor polynomials, long enough that the remainder is below 2**-62.
"""

from __future__ import annotations

from math import factorial
from typing import TypeAlias

from ddcompile.analysis.procedures import ARGUMENT, KINDS, Integer, Operation, Procedure, Real, Step, Trace

__all__ = ["ARGUMENT", "ELEMENTARY", "KINDS", "Operation", "Procedure", "Step"]

_Pair: TypeAlias = tuple[Real, Real]
"""An unevaluated sum of a double and a much smaller one."""

_LN2_HI = float.fromhex("0x1.62e42fefa38p-1")
"""The first 42 bits of ln 2: a product with an integer of 11 bits is exact."""
_LN2_LO = float.fromhex("0x1.ef35793c7673p-45")
"""ln 2 minus `_LN2_HI`, to nearest."""
_INVERSE_LN2 = float.fromhex("0x1.71547652b82fep+0")
_ROUNDER = 1.5 * 2.0**52
"""Adding and subtracting it rounds a number below 2**51 to an integer."""
_SPLITTER = 2.0**27 + 1.0
_SQRT2 = float.fromhex("0x1.6a09e667f3bcdp+0")
_TINY = 2.0**-28
_NORMAL = 2.0**-1022
_RAISED = 54.0
_RAISE = 2.0**54
"""Brings subnormal numbers into the normal range."""
_INFINITY = float("inf")
_NAN = float("nan")

_LARGEST = 710.0
"""exp of anything above is infinite."""
_LEAST = -746.0
"""exp of anything below is 0."""
_ONE = 20.0
"""tanh of anything above is 1."""

_EXP = tuple(1.0 / factorial(n) for n in range(3, 16))
"""exp(r) = 1 + r + r**2 / 2 + r**3 * (1 / 3! + r / 4! + ...), for |r| <= ln 2 / 2."""
_LOG = tuple(2.0 / (2 * n + 3) for n in range(12))
"""log((1 + s) / (1 - s)) = 2 * s + s**3 * (2 / 3 + 2 / 5 * s**2 + ...), for |s| <= 0.172."""


def _polynomial(x: Real, coefficients: tuple[float, ...]) -> Real:
    """Horner's scheme, lowest coefficient first."""
    value = x * coefficients[-1] + coefficients[-2]
    for coefficient in coefficients[-3::-1]:
        value = value * x + coefficient
    return value


def _ordered_sum(a: Real | float, b: Real) -> _Pair:
    """a + b without error, provided that a is 0 or its exponent is not below that of b."""
    total = b + a
    return total, b - (total - a)


def _sum(a: Real, b: Real) -> _Pair:
    """a + b without error."""
    total = a + b
    rest = total - a
    return total, (a - (total - rest)) + (b - rest)


def _halves(a: Real) -> _Pair:
    """A number as the sum of two with at most 26 bits each."""
    wide = a * _SPLITTER
    high = wide - (wide - a)
    return high, a - high


def _product(a: Real, b: Real) -> _Pair:
    """a * b without error."""
    (a_high, a_low), (b_high, b_low) = _halves(a), _halves(b)
    total = a * b
    return total, a_low * b_low - (((total - a_high * b_high) - a_low * b_high) - a_high * b_low)


def _half_square(a: Real) -> _Pair:
    """a * a / 2: an exact high part, and the rest rounded."""
    high, low = _halves(a)
    return high * high * 0.5, (a + high) * low * 0.5


def _quotient(a: _Pair, b: _Pair) -> Real:
    """a / b, rounded once up to a small part of a unit."""
    guess = a[0] / b[0]
    high, low = _product(guess, b[0])
    rest = ((a[0] - high) - low) + (a[1] - guess * b[1])
    return guess + rest / b[0]


def _powers(x: Real) -> tuple[Integer, _Pair]:
    """exp(x) = 2**k * (1 + p): the integer k and the pair p, for x in -746..710.

    The remainder r = x - k * ln 2 is a pair, too: x - k * _LN2_HI is exact. (Where the second difference is not, both
    its operands are below 2**-32, and an error of 2**-85 is not felt.)
    """
    count = (x * _INVERSE_LN2 + _ROUNDER) - _ROUNDER
    near = x - count * _LN2_HI
    small = count * _LN2_LO
    r = near - small
    r_low = (near - r) - small
    square, square_low = _half_square(r)
    cubic = r * (square + square_low) * 2.0 * _polynomial(r, _EXP)
    high, low = _ordered_sum(r, square)
    return count.integer(), (high, low + (square_low + (cubic + r_low * (r + 1.0))))


def _one_more(p: _Pair) -> _Pair:
    """1 + p, for |p| < 1."""
    high, low = _ordered_sum(1.0, p[0])
    return _ordered_sum(high, low + p[1])


def _scaled(x: Real, k: Integer) -> Real:
    """x * 2**k in two steps, so that neither power over- or underflows."""
    half = k.half()
    return x * half.pow2() * (k - half).pow2()


def _exp() -> Procedure:
    x = Trace.argument()
    below = (x < _LARGEST).select(x, _LARGEST)
    k, p = _powers((below > _LEAST).select(below, _LEAST))
    return x.equals(x).select(_scaled(_one_more(p)[0], k), x).procedure("exp")


def _log() -> Procedure:
    """log(x) = k * ln 2 + log(1 + f), for 1 + f between the roots of 1 / 2 and 2.

    With s = f / (2 + f), log(1 + f) = f - f**2 / 2 + s * (f**2 / 2 + R), where s * R is what follows 2 * s in the
    series of log((1 + s) / (1 - s)).
    """
    x = Trace.argument()
    is_inside = (x > 0.0) & (x < _INFINITY)
    y = is_inside.select(x, 1.0)
    is_subnormal = y < _NORMAL
    y = is_subnormal.select(y * _RAISE, y)
    exponent = y.exponent()
    half = exponent.half()
    zero = y.constant(0.0).integer()
    mantissa = y * (zero - half).pow2() * (zero - (exponent - half)).pow2()
    is_large = mantissa > _SQRT2
    f = is_large.select(mantissa * 0.5, mantissa) - 1.0
    k = exponent.real() + is_large.select(1.0, 0.0) + is_subnormal.select(-_RAISED, 0.0)
    s = f / (f + 2.0)
    square, square_low = _half_square(f)
    series = s * s * _polynomial(s * s, _LOG)
    near, rest = _ordered_sum(f, -square)
    rest = rest - square_low + s * (square + square_low + series)
    high, low = _ordered_sum(k * _LN2_HI, near)
    inside = high + (low + (k * _LN2_LO + rest))
    outside = x.equals(0.0).select(-_INFINITY, (x < 0.0).select(_NAN, x))
    return is_inside.select(inside, outside).procedure("log")


def _tanh() -> Procedure:
    """tanh(x) = n / (n + 2) with n = exp(2 * x) - 1, a pair, for positive x; x itself where x**3 is not felt."""
    x = Trace.argument()
    size = (x < 0.0).select(-x, x)
    is_inside = (size > _TINY) & (size < _ONE)
    y = is_inside.select(size, 1.0)
    k, p = _powers(y + y)
    power = k.pow2()
    whole, whole_low = _ordered_sum(power, power.constant(-1.0))
    high, low = _sum(whole, p[0] * power)
    n = _ordered_sum(high, low + (whole_low + p[1] * power))
    high, low = _sum(n[0], power.constant(2.0))
    inside = _quotient(n, _ordered_sum(high, low + n[1]))
    value = is_inside.select(inside, (size > 1.0).select(1.0, size))
    return (x < 0.0).select(-value, value).procedure("tanh")


def _sigmoid() -> Procedure:
    """With e = exp(-|x|), a pair: 1 / (1 + e) where x >= 0, e / (1 + e) elsewhere."""
    x = Trace.argument()
    is_negative = x < 0.0
    size = is_negative.select(-x, x)
    size = (size < -_LEAST).select(size, -_LEAST)
    k, p = _powers(-size)
    e = _one_more(p)
    high, low = _ordered_sum(1.0, _scaled(e[0], k))
    divisor = _ordered_sum(high, low + _scaled(e[1], k))
    quotient = _quotient((is_negative.select(e[0], 1.0), is_negative.select(e[1], 0.0)), divisor)
    value = is_negative.select(_scaled(quotient, k), quotient)
    return x.equals(x).select(value, x).procedure("sigmoid")


ELEMENTARY = {procedure.name: procedure for procedure in (_exp(), _log(), _tanh(), _sigmoid())}
"""The procedures by the names of the functions in the language."""
