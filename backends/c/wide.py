"""Integers beyond 64 bits in C99: structs of words, and the few functions that a file uses.

A value of `words` words is two's complement, least significant word first. All arithmetic is on unsigned words and
wraps, so no operation is undefined whatever its operands.
"""

from __future__ import annotations

from typing import Literal as OneOf, TypeAlias

from ddcompile.backends.c.literals import hex_words, number
from ddcompile.kernel.nodes import IntType

__all__ = ["Helper", "Helpers"]

Helper: TypeAlias = OneOf["of", "low", "load", "store", "add", "sub", "neg", "mul", "rem", "and", "less", "equal"]

_BODIES: dict[Helper, str] = {
    "of": """
static inline {T} {name}(int64_t value)
{{
    const uint64_t sign = value < 0 ? UINT64_MAX : 0;
    {T} result;
    result.word[0] = (uint64_t)value;
    for (int k = 1; k < {n}; ++k) {{
        result.word[k] = sign;
    }}
    return result;
}}
""",
    "low": """
static inline int64_t {name}({T} value)
{{
    const uint64_t word = value.word[0];
    return word <= INT64_MAX ? (int64_t)word : -(int64_t)(UINT64_MAX - word) - 1;
}}
""",
    "load": """
static inline {T} {name}(const uint64_t *words)
{{
    {T} result;
    for (int k = 0; k < {n}; ++k) {{
        result.word[k] = words[k];
    }}
    return result;
}}
""",
    "store": """
static inline void {name}(uint64_t *words, {T} value)
{{
    for (int k = 0; k < {n}; ++k) {{
        words[k] = value.word[k];
    }}
}}
""",
    "add": """
static inline {T} {name}({T} a, {T} b)
{{
    {T} result;
    uint64_t carry = 0;
    for (int k = 0; k < {n}; ++k) {{
        const uint64_t sum = a.word[k] + b.word[k];
        result.word[k] = sum + carry;
        carry = (uint64_t)(sum < a.word[k] || result.word[k] < sum);
    }}
    return result;
}}
""",
    "sub": """
static inline {T} {name}({T} a, {T} b)
{{
    {T} result;
    uint64_t borrow = 0;
    for (int k = 0; k < {n}; ++k) {{
        const uint64_t difference = a.word[k] - b.word[k];
        result.word[k] = difference - borrow;
        borrow = (uint64_t)(a.word[k] < b.word[k] || difference < borrow);
    }}
    return result;
}}
""",
    "neg": """
static inline {T} {name}({T} value)
{{
    {T} result;
    uint64_t carry = 1;
    for (int k = 0; k < {n}; ++k) {{
        result.word[k] = ~value.word[k] + carry;
        carry = (uint64_t)(carry != 0 && result.word[k] == 0);
    }}
    return result;
}}
""",
    "mul": """
static inline {T} {name}({T} a, {T} b)
{{
    uint64_t digit[{n2}] = {{0}};
    {T} result;
    for (int i = 0; i < {n2}; ++i) {{
        const uint64_t x = (a.word[i / 2] >> (32 * (i % 2))) & UINT32_MAX;
        uint64_t carry = 0;
        for (int j = 0; i + j < {n2}; ++j) {{
            const uint64_t y = (b.word[j / 2] >> (32 * (j % 2))) & UINT32_MAX;
            carry += digit[i + j] + x * y;
            digit[i + j] = carry & UINT32_MAX;
            carry >>= 32;
        }}
    }}
    for (int k = 0; k < {n}; ++k) {{
        result.word[k] = digit[2 * k] | (digit[2 * k + 1] << 32);
    }}
    return result;
}}
""",
    "rem": """
/* Of a nonnegative number by a positive one, bit by bit. */
static inline {T} {name}({T} a, {T} b)
{{
    {T} rest = {{{{0}}}};
    for (int bit = {bits} - 1; bit >= 0; --bit) {{
        uint64_t carry = (a.word[bit / 64] >> (bit % 64)) & 1;
        int is_less = 0;
        for (int k = 0; k < {n}; ++k) {{
            const uint64_t top = rest.word[k] >> 63;
            rest.word[k] = (rest.word[k] << 1) | carry;
            carry = top;
        }}
        for (int k = 0; k < {n}; ++k) {{
            is_less = rest.word[k] < b.word[k] || (is_less && rest.word[k] == b.word[k]);
        }}
        if (!is_less) {{
            uint64_t borrow = 0;
            for (int k = 0; k < {n}; ++k) {{
                const uint64_t difference = rest.word[k] - b.word[k];
                const int is_borrowing = rest.word[k] < b.word[k] || difference < borrow;
                rest.word[k] = difference - borrow;
                borrow = (uint64_t)is_borrowing;
            }}
        }}
    }}
    return rest;
}}
""",
    "and": """
static inline {T} {name}({T} a, {T} b)
{{
    {T} result;
    for (int k = 0; k < {n}; ++k) {{
        result.word[k] = a.word[k] & b.word[k];
    }}
    return result;
}}
""",
    "less": """
static inline int {name}({T} a, {T} b)
{{
    const uint64_t flip = UINT64_C(1) << 63;
    if (a.word[{n} - 1] != b.word[{n} - 1]) {{
        return (a.word[{n} - 1] ^ flip) < (b.word[{n} - 1] ^ flip);
    }}
    for (int k = {n} - 2; k >= 0; --k) {{
        if (a.word[k] != b.word[k]) {{
            return a.word[k] < b.word[k];
        }}
    }}
    return 0;
}}
""",
    "equal": """
static inline int {name}({T} a, {T} b)
{{
    for (int k = 0; k < {n}; ++k) {{
        if (a.word[k] != b.word[k]) {{
            return 0;
        }}
    }}
    return 1;
}}
""",
}

_RESIZE = """
static inline {T} {name}({S} value)
{{
    {T} result;
    const uint64_t sign = value.word[{m} - 1] >> 63 ? UINT64_MAX : 0;
    for (int k = 0; k < {n}; ++k) {{
        result.word[k] = k < {m} ? value.word[k] : sign;
    }}
    return result;
}}
"""

_CUT = """
static inline {T} {name}({S} value)
{{
    {T} result;
    for (int k = 0; k < {n}; ++k) {{
        result.word[k] = value.word[k];
    }}
    return result;
}}
"""


class Helpers:
    """Collects the wide types and functions that a file needs, and prints exactly these."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._widths: set[int] = set()
        self._used: set[tuple[int, Helper]] = set()
        self._resized: set[tuple[int, int]] = set()

    def type_name(self, type_: IntType) -> str:
        """The struct of a wide type."""
        self._widths.add(type_.width)
        return f"{self._prefix}_i{type_.width}"

    def function(self, helper: Helper, type_: IntType) -> str:
        """The name of a function on a wide type."""
        self._used.add((type_.width, helper))
        return f"{self.type_name(type_)}_{helper}"

    def resize(self, source: IntType, target: IntType) -> str:
        """The name of the function from one wide type to another."""
        self._resized.add((source.width, target.width))
        return f"{self.type_name(target)}_of_{self.type_name(source)[len(self._prefix) + 1 :]}"

    def constant(self, value: int, type_: IntType) -> str:
        """A number of a wide type."""
        if -(2**63) <= value < 2**63:
            return f"{self.function('of', type_)}({number(value)})"
        return f"({self.type_name(type_)}){{{{{', '.join(hex_words(value, type_.words))}}}}}"

    def text(self) -> str:
        """The types and functions used, in a fixed order."""
        parts = []
        for width in sorted(self._widths):
            parts.append(f"\ntypedef struct {{\n    uint64_t word[{width // 64}];\n}} {self._prefix}_i{width};\n")
        for width in sorted(self._widths):
            for helper, body in _BODIES.items():
                if (width, helper) in self._used:
                    name = f"{self._prefix}_i{width}"
                    values = {"T": name, "name": f"{name}_{helper}", "n": width // 64, "n2": width // 32, "bits": width}
                    parts.append(body.format(**values))
        for source, target in sorted(self._resized):
            s, t = f"{self._prefix}_i{source}", f"{self._prefix}_i{target}"
            body = _RESIZE if source < target else _CUT
            parts.append(body.format(T=t, S=s, name=f"{t}_of_i{source}", n=target // 64, m=source // 64))
        return "".join(parts).lstrip("\n")
