"""Functions in C99 between bits in bytes and words, and a macro for loops, as templates.

With `-DDD_VECTOR`, they use the vector instructions that every x86-64 has; the code is portable with and without it.
"""

from __future__ import annotations

from typing import Literal as OneOf, TypeAlias

__all__ = ["PACKING", "PARALLEL", "VECTOR", "Packing"]

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
#if defined(DD_VECTOR) && defined(__SSE2__)
    for (int k = 0; k < 64; k += 16) {{
        /* Bit 0 of a byte becomes its highest one. */
        const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(bits + k));
        word |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_slli_epi16(bytes, 7)) << k;
    }}
#else
    for (int k = 0; k < 64; k += 8) {{
        uint64_t bytes = 0;
        for (int m = 0; m < 8; ++m) {{
            bytes |= (uint64_t)bits[k + m] << (8 * m);
        }}
        /* The product has bit 0 of byte m at place 56 + m. */
        word |= ((bytes * UINT64_C(0x0102040810204080)) >> 56) << k;
    }}
#endif
    return word;
}}
""",
    "spread": """
/* Lay the 64 bits of a word into a byte each. */
static inline void {name}(uint8_t *bits, uint64_t word)
{{
#if defined(DD_VECTOR) && defined(__SSE2__)
    const __m128i mask = _mm_set1_epi64x((long long)UINT64_C(0x8040201008040201));
    for (int k = 0; k < 64; k += 16) {{
        const uint64_t low = ((word >> k) & 255) * UINT64_C(0x0101010101010101);
        const uint64_t high = ((word >> (k + 8)) & 255) * UINT64_C(0x0101010101010101);
        /* Byte m of each half keeps bit m only. */
        const __m128i one = _mm_and_si128(_mm_set_epi64x((long long)high, (long long)low), mask);
        const __m128i bytes = _mm_and_si128(_mm_cmpeq_epi8(one, mask), _mm_set1_epi8(1));
        _mm_storeu_si128((__m128i *)(void *)(bits + k), bytes);
    }}
#else
    for (int k = 0; k < 64; k += 8) {{
        /* Byte m keeps bit m only, which then becomes its highest one. */
        const uint64_t copies = ((word >> k) & 255) * UINT64_C(0x0101010101010101);
        const uint64_t one = copies & UINT64_C(0x8040201008040201);
        const uint64_t bytes = ((one + UINT64_C(0x7f7f7f7f7f7f7f7f)) >> 7) & UINT64_C(0x0101010101010101);
        for (int m = 0; m < 8; ++m) {{
            bits[k + m] = (uint8_t)(bytes >> (8 * m));
        }}
    }}
#endif
}}
""",
}

VECTOR = """
/* With -DDD_VECTOR, bits and bytes are turned into one another by vector instructions, where the processor has them. */
#if defined(DD_VECTOR) && defined(__SSE2__)
#include <emmintrin.h>
#endif
"""

PARALLEL = """
/* The passes of the next loop do not depend on one another. */
#if defined(__GNUC__) && !defined(__clang__)
#define {name} _Pragma("GCC ivdep")
#else
#define {name}
#endif
"""
