"""Functions in C99 between bits in bytes and words, and a macro for loops, as templates."""

from __future__ import annotations

from typing import Literal as OneOf, TypeAlias

__all__ = ["PACKING", "PARALLEL", "Packing"]

Packing: TypeAlias = OneOf["ones", "pack", "spread"]

PACKING: dict[Packing, str] = {
    "ones": """
/* How many bits of a word are 1. */
static inline int64_t {name}(uint64_t word)
{{
    word -= (word >> 1) & UINT64_C(0x5555555555555555);
    word = (word & UINT64_C(0x3333333333333333)) + ((word >> 2) & UINT64_C(0x3333333333333333));
    word = (word + (word >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (int64_t)((word * UINT64_C(0x0101010101010101)) >> 56);
}}
""",
    "pack": """
/* The word of 64 bits that lie in a byte each. */
static inline uint64_t {name}(const uint8_t *bits)
{{
    uint64_t word = 0;
    for (int k = 0; k < 64; k += 8) {{
        uint64_t bytes = 0;
        for (int m = 0; m < 8; ++m) {{
            bytes |= (uint64_t)bits[k + m] << (8 * m);
        }}
        /* The product has bit 0 of byte m at place 56 + m. */
        word |= ((bytes * UINT64_C(0x0102040810204080)) >> 56) << k;
    }}
    return word;
}}
""",
    "spread": """
/* Lay the 64 bits of a word into a byte each. */
static inline void {name}(uint8_t *bits, uint64_t word)
{{
    for (int k = 0; k < 64; k += 8) {{
        /* Byte m keeps bit m only, which then becomes its highest one. */
        const uint64_t copies = ((word >> k) & 255) * UINT64_C(0x0101010101010101);
        const uint64_t one = copies & UINT64_C(0x8040201008040201);
        const uint64_t bytes = ((one + UINT64_C(0x7f7f7f7f7f7f7f7f)) >> 7) & UINT64_C(0x0101010101010101);
        for (int m = 0; m < 8; ++m) {{
            bits[k + m] = (uint8_t)(bytes >> (8 * m));
        }}
    }}
}}
""",
}

PARALLEL = """
/* The passes of the next loop do not depend on one another. */
#if defined(__GNUC__) && !defined(__clang__)
#define {name} _Pragma("GCC ivdep")
#else
#define {name}
#endif
"""
