/* What the machine can do: logic on words that stay in registers, and copying memory. */
#include <stdint.h>
#include <string.h>

/* 12 * 4 * 4 operations on words a round, in vectors of four; those on different vectors do not wait for one another. */
uint64_t logic(long rounds, uint64_t seed)
{
    typedef uint64_t vector __attribute__((vector_size(32)));
    const vector a = {seed, seed * 3, ~seed, seed << 7}, b = a ^ (a >> 9);
    vector x[12];
    for (int k = 0; k < 12; ++k) {
        x[k] = a + (uint64_t)k;
    }
    for (long n = 0; n < rounds; ++n) {
        for (int k = 0; k < 12; ++k) {
            x[k] = (((x[k] & a) ^ b) | a) ^ x[k];
        }
        __asm__ volatile("" ::: "memory");
    }
    uint64_t total = 0;
    for (int k = 0; k < 12; ++k) {
        total ^= x[k][0] ^ x[k][1] ^ x[k][2] ^ x[k][3];
    }
    return total;
}

/* Copy memory. */
void copy(void *to, const void *from, long bytes)
{
    memcpy(to, from, (size_t)bytes);
}
