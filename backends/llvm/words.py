"""Functions in LLVM text on numbers that are kept in words: loops, so that code does not grow with the width.

Numbers are in two's complement, least significant word first. LLVM has integers of any width, but unrolls what is done
with them: one product of two numbers of 4,096 bits becomes tens of thousands of instructions.
"""

from __future__ import annotations

from typing import Literal as OneOf, TypeAlias, get_args

__all__ = ["WORD_FUNCTIONS", "WordFunction"]

WordFunction: TypeAlias = OneOf[
    "copy", "set", "resize", "add", "subtract", "negate", "and", "shift", "less", "equal", "multiply", "remainder"
]

_EACH = """\
; {comment}
define private {result} @.{name}({parameters}, i64 %n) noinline nounwind {{
entry:
  br label %loop
loop:
  %k = phi i64 [ 0, %entry ], [ %k.next, %loop ]
{body}
  %k.next = add i64 %k, 1
  %done = icmp eq i64 %k.next, %n
  br i1 %done, label %end, label %loop
end:
  ret {value}
}}
"""
_PHI = "  %carry = phi i64 [ 0, %entry ], [ %carry.next, %loop ]"
_A = """\
  %a.place = getelementptr inbounds i64, ptr %a, i64 %k
  %a.word = load i64, ptr %a.place"""
_B = """\
  %b.place = getelementptr inbounds i64, ptr %b, i64 %k
  %b.word = load i64, ptr %b.place"""
_OUT = """\
  %out.place = getelementptr inbounds i64, ptr %out, i64 %k
  store i64 %word, ptr %out.place"""
_DIFFERENCE = """\
  %a.wide = zext i64 %a.word to i128
  %b.wide = zext i64 %b.word to i128
  %carry.wide = zext i64 %carry to i128
  %apart = sub i128 %a.wide, %b.wide
  %difference = sub i128 %apart, %carry.wide
  %word = trunc i128 %difference to i64
  %negative = icmp slt i128 %difference, 0
  %carry.next = zext i1 %negative to i64"""


def _each(name: str, comment: str, parameters: str, *body: str, result: str = "void", value: str = "void") -> str:
    """A function with one loop over the words."""
    return _EACH.format(
        comment=comment, name=name, parameters=parameters, body="\n".join(body), result=result, value=value
    )


_TWO = "ptr %out, ptr %a, ptr %b"
_TEXTS = {
    "copy": _each("copy", "The same number elsewhere.", "ptr %out, ptr %a", _A, _OUT.replace("%word", "%a.word")),
    "set": _each(
        "set",
        "A machine integer in n words.",
        "ptr %out, i64 %value",
        """\
  %sign = ashr i64 %value, 63
  %is.first = icmp eq i64 %k, 0
  %word = select i1 %is.first, i64 %value, i64 %sign""",
        _OUT,
    ),
    "resize": _each(
        "resize",
        "A number of m words in n words.",
        "ptr %out, ptr %a, i64 %m",
        """\
  %is.there = icmp ult i64 %k, %m
  %last = sub i64 %m, 1
  %index = select i1 %is.there, i64 %k, i64 %last
  %a.place = getelementptr inbounds i64, ptr %a, i64 %index
  %a.word = load i64, ptr %a.place
  %sign = ashr i64 %a.word, 63
  %word = select i1 %is.there, i64 %a.word, i64 %sign""",
        _OUT,
    ),
    "add": _each(
        "add",
        "The sum.",
        _TWO,
        _PHI,
        _A,
        _B,
        """\
  %a.wide = zext i64 %a.word to i128
  %b.wide = zext i64 %b.word to i128
  %carry.wide = zext i64 %carry to i128
  %some = add i128 %a.wide, %b.wide
  %sum = add i128 %some, %carry.wide
  %word = trunc i128 %sum to i64
  %high = lshr i128 %sum, 64
  %carry.next = trunc i128 %high to i64""",
        _OUT,
    ),
    "subtract": _each("subtract", "The difference.", _TWO, _PHI, _A, _B, _DIFFERENCE, _OUT),
    "negate": _each(
        "negate",
        "The negative.",
        "ptr %out, ptr %b",
        _PHI,
        _B,
        _DIFFERENCE.replace("zext i64 %a.word to i128", "add i128 0, 0"),
        _OUT,
    ),
    "and": _each("and", "The common bits.", _TWO, _A, _B, "  %word = and i64 %a.word, %b.word", _OUT),
    "shift": _each(
        "shift",
        "A number times 2^count.",
        "ptr %out, ptr %a, i64 %count",
        """\
  %words = lshr i64 %count, 6
  %bits = and i64 %count, 63
  %high.index = sub i64 %k, %words
  %low.index = sub i64 %high.index, 1
  %no.high = icmp slt i64 %high.index, 0
  %no.low = icmp slt i64 %low.index, 0
  %high.safe = select i1 %no.high, i64 0, i64 %high.index
  %low.safe = select i1 %no.low, i64 0, i64 %low.index
  %high.place = getelementptr inbounds i64, ptr %a, i64 %high.safe
  %low.place = getelementptr inbounds i64, ptr %a, i64 %low.safe
  %high.word = load i64, ptr %high.place
  %low.word = load i64, ptr %low.place
  %high = select i1 %no.high, i64 0, i64 %high.word
  %low = select i1 %no.low, i64 0, i64 %low.word
  %word = call i64 @llvm.fshl.i64(i64 %high, i64 %low, i64 %bits)""",
        _OUT,
    ),
    "less": _each(
        "less",
        "Whether a < b.",
        "ptr %a, ptr %b",
        "  %below = phi i1 [ false, %entry ], [ %below.next, %loop ]",
        _A,
        _B,
        """\
  %left = sub i64 %n, %k
  %is.top = icmp eq i64 %left, 1
  %flip = select i1 %is.top, i64 -9223372036854775808, i64 0
  %a.flipped = xor i64 %a.word, %flip
  %b.flipped = xor i64 %b.word, %flip
  %word.less = icmp ult i64 %a.flipped, %b.flipped
  %word.equal = icmp eq i64 %a.flipped, %b.flipped
  %still = and i1 %word.equal, %below
  %below.next = or i1 %word.less, %still""",
        result="i1",
        value="i1 %below.next",
    ),
    "equal": _each(
        "equal",
        "Whether a = b.",
        "ptr %a, ptr %b",
        "  %same = phi i1 [ true, %entry ], [ %same.next, %loop ]",
        _A,
        _B,
        """\
  %word.equal = icmp eq i64 %a.word, %b.word
  %same.next = and i1 %same, %word.equal""",
        result="i1",
        value="i1 %same.next",
    ),
    "multiply": """\
; The product, in memory of its own.
define private void @.multiply(ptr noalias %out, ptr %a, ptr %b, i64 %n) noinline nounwind {
entry:
  br label %clear
clear:
  %c = phi i64 [ 0, %entry ], [ %c.next, %clear ]
  %c.place = getelementptr inbounds i64, ptr %out, i64 %c
  store i64 0, ptr %c.place
  %c.next = add i64 %c, 1
  %c.done = icmp eq i64 %c.next, %n
  br i1 %c.done, label %row, label %clear
row:
  %i = phi i64 [ 0, %clear ], [ %i.next, %next ]
  %a.place = getelementptr inbounds i64, ptr %a, i64 %i
  %a.word = load i64, ptr %a.place
  %is.zero = icmp eq i64 %a.word, 0
  br i1 %is.zero, label %next, label %start
start:
  %factor = zext i64 %a.word to i128
  %count = sub i64 %n, %i
  %out.row = getelementptr inbounds i64, ptr %out, i64 %i
  br label %column
column:
  %j = phi i64 [ 0, %start ], [ %j.next, %column ]
  %carry = phi i64 [ 0, %start ], [ %carry.next, %column ]
  %b.place = getelementptr inbounds i64, ptr %b, i64 %j
  %b.word = load i64, ptr %b.place
  %b.wide = zext i64 %b.word to i128
  %product = mul i128 %factor, %b.wide
  %place = getelementptr inbounds i64, ptr %out.row, i64 %j
  %old = load i64, ptr %place
  %old.wide = zext i64 %old to i128
  %carry.wide = zext i64 %carry to i128
  %some = add i128 %product, %old.wide
  %sum = add i128 %some, %carry.wide
  %low = trunc i128 %sum to i64
  store i64 %low, ptr %place
  %high = lshr i128 %sum, 64
  %carry.next = trunc i128 %high to i64
  %j.next = add i64 %j, 1
  %j.done = icmp eq i64 %j.next, %count
  br i1 %j.done, label %next, label %column
next:
  %i.next = add i64 %i, 1
  %i.done = icmp eq i64 %i.next, %n
  br i1 %i.done, label %end, label %row
end:
  ret void
}
""",
    "remainder": """\
; The remainder of a number that is not negative by a positive one, bit by bit, in memory of its own.
define private void @.remainder(ptr noalias %out, ptr %a, ptr %b, i64 %n) noinline nounwind {
entry:
  %length = shl i64 %n, 6
  br label %clear
clear:
  %c = phi i64 [ 0, %entry ], [ %c.next, %clear ]
  %c.place = getelementptr inbounds i64, ptr %out, i64 %c
  store i64 0, ptr %c.place
  %c.next = add i64 %c, 1
  %c.done = icmp eq i64 %c.next, %n
  br i1 %c.done, label %step, label %clear
step:
  %left = phi i64 [ %length, %clear ], [ %bit, %next ]
  %bit = sub i64 %left, 1
  %index = lshr i64 %bit, 6
  %a.place = getelementptr inbounds i64, ptr %a, i64 %index
  %a.word = load i64, ptr %a.place
  %offset = and i64 %bit, 63
  %moved = lshr i64 %a.word, %offset
  %digit = and i64 %moved, 1
  br label %double
double:
  %k = phi i64 [ 0, %step ], [ %k.next, %double ]
  %carry = phi i64 [ %digit, %step ], [ %carry.next, %double ]
  %below = phi i1 [ false, %step ], [ %below.next, %double ]
  %place = getelementptr inbounds i64, ptr %out, i64 %k
  %old = load i64, ptr %place
  %shifted = shl i64 %old, 1
  %word = or i64 %shifted, %carry
  store i64 %word, ptr %place
  %carry.next = lshr i64 %old, 63
  %b.place = getelementptr inbounds i64, ptr %b, i64 %k
  %b.word = load i64, ptr %b.place
  %word.less = icmp ult i64 %word, %b.word
  %word.equal = icmp eq i64 %word, %b.word
  %still = and i1 %word.equal, %below
  %below.next = or i1 %word.less, %still
  %k.next = add i64 %k, 1
  %k.done = icmp eq i64 %k.next, %n
  br i1 %k.done, label %decide, label %double
decide:
  br i1 %below.next, label %next, label %reduce
reduce:
  call void @.subtract(ptr %out, ptr %out, ptr %b, i64 %n)
  br label %next
next:
  %done = icmp eq i64 %bit, 0
  br i1 %done, label %end, label %step
end:
  ret void
}
""",
}

WORD_FUNCTIONS: dict[str, str] = {name: _TEXTS[name] for name in get_args(WordFunction)}
"""The texts by name, in a fixed order; the symbol of `name` is `@.name`. The last parameter counts words.

Operands may be where the result goes, unless it has to be in memory of its own.
"""
