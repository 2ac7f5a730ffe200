"""Functions in LLVM text that a module brings along, where LLVM would unroll or call a library."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal as OneOf, TypeAlias

from ddcompile.backends.llvm.words import WORD_FUNCTIONS, WordFunction
from ddcompile.kernel.nodes import IntType

__all__ = ["RuntimeFunction", "remainder_symbol", "runtime_functions"]

_REAL_OF_WORDS = """\
; A number of n words times 2^-exponent, rounded once to nearest even. The words become those of its magnitude.
define private double @.real(ptr %words, i64 %exponent, i64 %n) noinline nounwind {
entry:
  %last = sub i64 %n, 1
  %last.place = getelementptr inbounds i64, ptr %words, i64 %last
  %last.word = load i64, ptr %last.place
  %sign = lshr i64 %last.word, 63
  %mask = sub i64 0, %sign
  br label %flip
flip:
  %k = phi i64 [ 0, %entry ], [ %k.next, %flip ]
  %carry = phi i64 [ %sign, %entry ], [ %carry.next, %flip ]
  %k.place = getelementptr inbounds i64, ptr %words, i64 %k
  %k.word = load i64, ptr %k.place
  %flipped = xor i64 %k.word, %mask
  %new = add i64 %flipped, %carry
  store i64 %new, ptr %k.place
  %is.zero = icmp eq i64 %new, 0
  %on = zext i1 %is.zero to i64
  %carry.next = and i64 %carry, %on
  %k.next = add i64 %k, 1
  %k.done = icmp eq i64 %k.next, %n
  br i1 %k.done, label %find, label %flip
find:
  %h = phi i64 [ %last, %flip ], [ %h.next, %lower ]
  %h.place = getelementptr inbounds i64, ptr %words, i64 %h
  %top = load i64, ptr %h.place
  %top.zero = icmp eq i64 %top, 0
  br i1 %top.zero, label %empty, label %below
empty:
  %h.zero = icmp eq i64 %h, 0
  br i1 %h.zero, label %zero, label %lower
lower:
  %h.next = sub i64 %h, 1
  br label %find
zero:
  ret double 0.0
below:
  %b = phi i64 [ 0, %find ], [ %b.next, %more ]
  %next = phi i64 [ 0, %find ], [ %b.word, %more ]
  %rest = phi i64 [ 0, %find ], [ %rest.next, %more ]
  %b.done = icmp eq i64 %b, %h
  br i1 %b.done, label %round, label %more
more:
  %b.place = getelementptr inbounds i64, ptr %words, i64 %b
  %b.word = load i64, ptr %b.place
  %rest.next = or i64 %rest, %next
  %b.next = add i64 %b, 1
  br label %below
round:
  ; 2^binary <= magnitude * 2^-exponent < 2^(binary + 1), and digits holds the first 64 digits of it.
  %zeros = call i64 @llvm.ctlz.i64(i64 %top, i1 false)
  %digits = call i64 @llvm.fshl.i64(i64 %top, i64 %next, i64 %zeros)
  %under = shl i64 %next, %zeros
  %sticky = or i64 %rest, %under
  %length = shl i64 %h, 6
  %position = sub i64 %length, %zeros
  %scaled = sub i64 %position, %exponent
  %binary = add i64 %scaled, 63
  %is.normal = icmp sge i64 %binary, -1022
  %short = sub i64 -1011, %binary
  %dropped = select i1 %is.normal, i64 11, i64 %short
  %drops.all = icmp sge i64 %dropped, 64
  %right = select i1 %drops.all, i64 63, i64 %dropped
  %left = sub i64 64, %right
  %some.kept = lshr i64 %digits, %right
  %kept = select i1 %drops.all, i64 0, i64 %some.kept
  %some.lost = shl i64 %digits, %left
  %lost = select i1 %drops.all, i64 %digits, i64 %some.lost
  %above.half = icmp ugt i64 %lost, -9223372036854775808
  %half = icmp eq i64 %lost, -9223372036854775808
  %odd = trunc i64 %kept to i1
  %inexact = icmp ne i64 %sticky, 0
  %not.even = or i1 %odd, %inexact
  %half.up = and i1 %half, %not.even
  %up = or i1 %above.half, %half.up
  %one = zext i1 %up to i64
  %rounded = add i64 %kept, %one
  ; The leading digit counts as one in the exponent, and so does a carry.
  %biased = add i64 %binary, 1022
  %field = shl i64 %biased, 52
  %power = select i1 %is.normal, i64 %field, i64 0
  %finite = add i64 %rounded, %power
  %too.small = icmp sgt i64 %dropped, 64
  %small = select i1 %too.small, i64 0, i64 %finite
  %too.large = icmp sgt i64 %binary, 1023
  %magnitude = select i1 %too.large, i64 9218868437227405312, i64 %small
  %sign.bit = shl i64 %sign, 63
  %bits = or i64 %magnitude, %sign.bit
  %result = bitcast i64 %bits to double
  ret double %result
}
declare i64 @llvm.ctlz.i64(i64, i1)
"""

_WORDS_OF_REAL = """\
; A finite number times 2^1074, as n words.
define private void @.scaled(ptr %out, double %x, i64 %n) noinline nounwind {
entry:
  %bits = bitcast double %x to i64
  %sign = lshr i64 %bits, 63
  %mask = sub i64 0, %sign
  %high = lshr i64 %bits, 52
  %exponent = and i64 %high, 2047
  %is.normal = icmp ne i64 %exponent, 0
  %one = select i1 %is.normal, i64 4503599627370496, i64 0
  %fraction = and i64 %bits, 4503599627370495
  %digits = or i64 %fraction, %one
  %less = sub i64 %exponent, 1
  %shift = select i1 %is.normal, i64 %less, i64 0
  %first = lshr i64 %shift, 6
  %second = add i64 %first, 1
  %offset = and i64 %shift, 63
  %first.word = shl i64 %digits, %offset
  %second.word = call i64 @llvm.fshl.i64(i64 0, i64 %digits, i64 %offset)
  br label %loop
loop:
  %k = phi i64 [ 0, %entry ], [ %k.next, %loop ]
  %carry = phi i64 [ %sign, %entry ], [ %carry.next, %loop ]
  %is.first = icmp eq i64 %k, %first
  %is.second = icmp eq i64 %k, %second
  %other = select i1 %is.second, i64 %second.word, i64 0
  %word = select i1 %is.first, i64 %first.word, i64 %other
  %flipped = xor i64 %word, %mask
  %new = add i64 %flipped, %carry
  %place = getelementptr inbounds i64, ptr %out, i64 %k
  store i64 %new, ptr %place
  %is.zero = icmp eq i64 %new, 0
  %on = zext i1 %is.zero to i64
  %carry.next = and i64 %carry, %on
  %k.next = add i64 %k, 1
  %done = icmp eq i64 %k.next, %n
  br i1 %done, label %end, label %loop
end:
  ret void
}
"""

_REMAINDER = """\
; Of a nonnegative number by a positive one, bit by bit: LLVM would call a run-time library that may be missing.
define private i{width} {symbol}(i{width} %number, i{width} %divisor) nounwind {{
entry:
  br label %loop
loop:
  %step = phi i32 [ 0, %entry ], [ %step.next, %loop ]
  %left = phi i{width} [ %number, %entry ], [ %left.next, %loop ]
  %rest = phi i{width} [ 0, %entry ], [ %rest.next, %loop ]
  %bit = lshr i{width} %left, {top}
  %left.next = shl i{width} %left, 1
  %doubled = shl i{width} %rest, 1
  %longer = or i{width} %doubled, %bit
  %less = icmp ult i{width} %longer, %divisor
  %shorter = sub i{width} %longer, %divisor
  %rest.next = select i1 %less, i{width} %longer, i{width} %shorter
  %step.next = add i32 %step, 1
  %done = icmp eq i32 %step.next, {width}
  br i1 %done, label %end, label %loop
end:
  ret i{width} %rest.next
}}
"""

RuntimeFunction: TypeAlias = WordFunction | OneOf["real", "scaled"]
"""The symbol of `name` is `@.name`."""

_TEXTS: dict[str, str] = {**WORD_FUNCTIONS, "real": _REAL_OF_WORDS, "scaled": _WORDS_OF_REAL}


def remainder_symbol(type_: IntType) -> str:
    """The function that computes remainders of a wide type that is no pointer to words."""
    return f"@.remainder{type_.width}"


def runtime_functions(used: set[RuntimeFunction], remainders: Iterable[IntType]) -> Iterator[list[str]]:
    """The lines of every function used, in a fixed order."""
    if "remainder" in used:
        used = {*used, "subtract"}
    for name, text in _TEXTS.items():
        if name in used:
            yield text.splitlines()
    if used & {"shift", "real", "scaled"}:
        yield ["declare i64 @llvm.fshl.i64(i64, i64, i64)"]
    for type_ in sorted(remainders, key=lambda type_: type_.width):
        symbol, width = remainder_symbol(type_), type_.width
        yield _REMAINDER.format(symbol=symbol, width=width, top=width - 1).splitlines()
