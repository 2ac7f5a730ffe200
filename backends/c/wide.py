"""The few functions that a C99 file uses: for integers beyond 64 bits, as structs of words, and for words of bits.

A value of `words` words is two's complement, least significant word first. All arithmetic is on unsigned words and
wraps, so no operation is undefined whatever its operands.
"""

from __future__ import annotations

from typing import Literal as OneOf, TypeAlias

from ddcompile.backends.c.literals import hex_words, number
from ddcompile.backends.c.packing import PACKING, PARALLEL, VECTOR, Packing
from ddcompile.kernel.nodes import IntType

__all__ = ["Helper", "Helpers"]

Helper: TypeAlias = OneOf[
    "of", "low", "load", "store", "add", "sub", "neg", "mul", "shift", "rem", "and", "less", "equal", "of_real", "real"
]

Bits: TypeAlias = OneOf["bits_of_real", "real_of_bits"]

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
    if (a.word[{n} - 1] >> 63) {{
        /* Most digits of a small number are 0, unless it is negative. */
        a = {T}_neg(a);
        b = {T}_neg(b);
    }}
    for (int i = 0; i < {n2}; ++i) {{
        const uint64_t x = (a.word[i / 2] >> (32 * (i % 2))) & UINT32_MAX;
        uint64_t carry = 0;
        for (int j = 0; x != 0 && i + j < {n2}; ++j) {{
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
    "shift": """
static inline {T} {name}({T} value, int count)
{{
    {T} result;
    for (int k = 0; k < {n}; ++k) {{
        const int from = k - count / 64;
        result.word[k] = from < 0 ? 0 : value.word[from] << (count % 64);
        if (from > 0 && count % 64 != 0) {{
            result.word[k] |= value.word[from - 1] >> (64 - count % 64);
        }}
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
    "of_real": """
/* A finite number times 2^1074. */
static inline {T} {name}(double value)
{{
    {T} result;
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    const uint64_t sign = bits >> 63 ? UINT64_MAX : 0;
    const int exponent = (int)((bits >> 52) & 0x7ff);
    const int first = exponent > 0 ? (exponent - 1) / 64 : 0;
    const int offset = exponent > 0 ? (exponent - 1) % 64 : 0;
    const uint64_t digits = (bits & (UINT64_MAX >> 12)) | (exponent > 0 ? UINT64_C(1) << 52 : 0);
    uint64_t carry = bits >> 63;
    for (int k = 0; k < {n}; ++k) {{
        uint64_t word = 0;
        if (k == first) {{
            word = digits << offset;
        }} else if (k == first + 1 && offset > 0) {{
            word = digits >> (64 - offset);
        }}
        result.word[k] = (word ^ sign) + carry;
        carry = (uint64_t)(carry != 0 && result.word[k] == 0);
    }}
    return result;
}}
""",
    "real": """
/* value * 2^-exponent, rounded once to nearest even. */
static inline double {name}({T} value, int exponent)
{{
    const uint64_t sign = value.word[{n} - 1] >> 63;
    uint64_t carry = sign;
    for (int k = 0; k < {n}; ++k) {{
        value.word[k] = (value.word[k] ^ (0 - sign)) + carry;
        carry = (uint64_t)(carry != 0 && value.word[k] == 0);
    }}
    int high = {n} - 1;
    while (high > 0 && value.word[high] == 0) {{
        --high;
    }}
    uint64_t top = value.word[high];
    if (top == 0) {{
        return 0.0;
    }}
    uint64_t next = high > 0 ? value.word[high - 1] : 0;
    uint64_t rest = 0;
    for (int k = 0; k < high - 1; ++k) {{
        rest |= value.word[k];
    }}
    int binary = 64 * high + 63 - exponent;
    while (top >> 63 == 0) {{
        top = (top << 1) | (next >> 63);
        next <<= 1;
        --binary;
    }}
    /* Now 2^binary <= |value| * 2^-exponent < 2^(binary + 1), and top holds the first 64 digits of it. */
    const int is_normal = binary >= -1022;
    const int dropped = is_normal ? 11 : -1011 - binary;
    uint64_t bits = 0;
    if (binary > 1023) {{
        bits = UINT64_C(0x7ff) << 52;
    }} else if (dropped <= 64) {{
        const uint64_t half = UINT64_C(1) << 63;
        const uint64_t below = dropped < 64 ? top << (64 - dropped) : top;
        bits = dropped < 64 ? top >> dropped : 0;
        bits += (uint64_t)(below > half || (below == half && ((next | rest) != 0 || (bits & 1) != 0)));
        /* The leading digit counts as one in the exponent, and so does a carry. */
        bits += is_normal ? (uint64_t)(binary + 1022) << 52 : 0;
    }}
    bits |= sign << 63;
    double result;
    memcpy(&result, &bits, sizeof result);
    return result;
}}
""",
}

_BITS: dict[Bits, str] = {
    "real_of_bits": """
static inline double {name}(uint64_t bits)
{{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}}
""",
    "bits_of_real": """
static inline int64_t {name}(double value)
{{
    int64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
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
        self.prefix = prefix
        self._widths: set[int] = set()
        self._used: set[tuple[int, Helper]] = set()
        self._resized: set[tuple[int, int]] = set()
        self._bits: set[Bits] = set()
        self._packing: set[Packing] = set()
        self._has_parallel = False

    @property
    def needs_memcpy(self) -> bool:
        """Whether a function looks at the bits of doubles."""
        return bool(self._bits) or any(helper in ("of_real", "real") for _, helper in self._used)

    def bits(self, helper: Bits) -> str:
        """The name of a function between doubles and their bits."""
        self._bits.add(helper)
        return f"{self.prefix}_{helper}"

    def packing(self, helper: Packing) -> str:
        """The name of a function between bits in bytes and words."""
        self._packing.add(helper)
        return f"{self.prefix}_{helper}"

    def parallel(self) -> str:
        """The macro that stands before a parallel loop."""
        self._has_parallel = True
        return f"{self.prefix}_PARALLEL"

    def type_name(self, type_: IntType) -> str:
        """The struct of a wide type."""
        self._widths.add(type_.width)
        return f"{self.prefix}_i{type_.width}"

    def function(self, helper: Helper, type_: IntType) -> str:
        """The name of a function on a wide type."""
        self._used.add((type_.width, helper))
        if helper == "mul":
            self._used.add((type_.width, "neg"))
        return f"{self.type_name(type_)}_{helper}"

    def resize(self, source: IntType, target: IntType) -> str:
        """The name of the function from one wide type to another."""
        self._resized.add((source.width, target.width))
        return f"{self.type_name(target)}_of_{self.type_name(source)[len(self.prefix) + 1 :]}"

    def constant(self, value: int, type_: IntType) -> str:
        """A number of a wide type."""
        if -(2**63) <= value < 2**63:
            return f"{self.function('of', type_)}({number(value)})"
        return f"({self.type_name(type_)}){{{{{', '.join(hex_words(value, type_.words))}}}}}"

    def text(self) -> str:
        """The types and functions used, in a fixed order."""
        parts = [PARALLEL.format(name=self.parallel())] if self._has_parallel else []
        parts += [VECTOR] if self._packing & {"pack", "spread"} else []
        parts += [_BITS[helper].format(name=f"{self.prefix}_{helper}") for helper in sorted(self._bits)]
        parts += [PACKING[helper].format(name=f"{self.prefix}_{helper}") for helper in sorted(self._packing)]
        for width in sorted(self._widths):
            parts.append(f"\ntypedef struct {{\n    uint64_t word[{width // 64}];\n}} {self.prefix}_i{width};\n")
        for width in sorted(self._widths):
            for helper, body in _BODIES.items():
                if (width, helper) in self._used:
                    name = f"{self.prefix}_i{width}"
                    values = {"T": name, "name": f"{name}_{helper}", "n": width // 64, "n2": width // 32, "bits": width}
                    parts.append(body.format(**values))
        for source, target in sorted(self._resized):
            s, t = f"{self.prefix}_i{source}", f"{self.prefix}_i{target}"
            body = _RESIZE if source < target else _CUT
            parts.append(body.format(T=t, S=s, name=f"{t}_of_i{source}", n=target // 64, m=source // 64))
        return "".join(parts).lstrip("\n")
