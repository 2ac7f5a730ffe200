/* Peers of the benchmark `speed.py`: what a person would write by hand, 64 cells in a word. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* One generation of Life on a torus of `rows` rows of `words` words: sums of three cells in each row, then of three rows;
   `sums` has room for both digits of the sums of three rows. */
static void life_step(const uint64_t *restrict from, uint64_t *restrict to, long rows, long words,
                      uint64_t *restrict sums)
{
    for (long i = 0; i < rows + 2; ++i) {
        const uint64_t *row = from + (i + rows - 1) % rows * words;
        uint64_t *restrict l = sums + 2 * (i % 3) * words, *restrict h = l + words;
        for (long w = 0; w < words; ++w) {
            const uint64_t x = row[w];
            const uint64_t a = x << 1 | row[w ? w - 1 : words - 1] >> 63;
            const uint64_t b = x >> 1 | row[w + 1 < words ? w + 1 : 0] << 63;
            const uint64_t half = a ^ b;
            l[w] = half ^ x;
            h[w] = (a & b) | (half & x);
        }
        if (i < 2) {
            continue;
        }
        const uint64_t *l0 = sums + 2 * ((i + 1) % 3) * words, *h0 = l0 + words;
        const uint64_t *l1 = sums + 2 * ((i + 2) % 3) * words, *h1 = l1 + words;
        const uint64_t *own = from + (i - 2) * words;
        uint64_t *out = to + (i - 2) * words;
        for (long w = 0; w < words; ++w) {
            const uint64_t half = l0[w] ^ l1[w];
            const uint64_t one = half ^ l[w];
            const uint64_t carry = (l0[w] & l1[w]) | (half & l[w]);
            const uint64_t pair = h0[w] ^ h1[w];
            const uint64_t odd = pair ^ h[w];
            const uint64_t more = (h0[w] & h1[w]) | (pair & h[w]);
            const uint64_t two = odd ^ carry;
            const uint64_t four = more ^ (odd & carry);
            /* The sum of nine is 3, or 4 with the cell alive. */
            out[w] = (one & two & ~four) | (own[w] & four & ~one & ~two);
        }
    }
}

/* `steps` generations, in `cells`; `other` has as many words. */
void life_packed(uint64_t *cells, uint64_t *other, long rows, long words, long steps)
{
    uint64_t *sums = malloc(6 * sizeof *sums * (size_t)words);
    uint64_t *from = cells, *to = other;
    for (long t = 0; t < steps; ++t) {
        life_step(from, to, rows, words, sums);
        uint64_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != cells) {
        memcpy(cells, from, sizeof *cells * (size_t)(rows * words));
    }
    free(sums);
}

/* One generation with a byte a cell. */
void life_bytes(const uint8_t *restrict from, uint8_t *restrict to, long rows, long columns)
{
    for (long i = 0; i < rows; ++i) {
        const uint8_t *up = from + (i + rows - 1) % rows * columns;
        const uint8_t *here = from + i * columns;
        const uint8_t *down = from + (i + 1) % rows * columns;
        uint8_t *out = to + i * columns;
        for (long j = 1; j + 1 < columns; ++j) {
            const uint8_t sum = (uint8_t)(up[j - 1] + up[j] + up[j + 1] + here[j - 1] + here[j + 1] + down[j - 1] +
                                          down[j] + down[j + 1]);
            out[j] = (uint8_t)((sum | here[j]) == 3);
        }
        for (long k = 0; k < 2; ++k) {
            const long j = k ? columns - 1 : 0, a = j ? j - 1 : columns - 1, b = j + 1 < columns ? j + 1 : 0;
            const uint8_t sum =
                (uint8_t)(up[a] + up[j] + up[b] + here[a] + here[b] + down[a] + down[j] + down[b]);
            out[j] = (uint8_t)((sum | here[j]) == 3);
        }
    }
}

/* `steps` generations of rule 30 on a ring of `words` words, in `cells`. */
void rule30_packed(uint64_t *cells, uint64_t *other, long words, long steps)
{
    uint64_t *from = cells, *to = other;
    for (long t = 0; t < steps; ++t) {
        for (long w = 0; w < words; ++w) {
            const uint64_t x = from[w];
            const uint64_t left = x << 1 | from[w ? w - 1 : words - 1] >> 63;
            const uint64_t right = x >> 1 | from[w + 1 < words ? w + 1 : 0] << 63;
            to[w] = left ^ (x | right);
        }
        uint64_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != cells) {
        memcpy(cells, from, sizeof *cells * (size_t)words);
    }
}
