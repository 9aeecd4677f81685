/* Random numbers by counting: Philox4x64-10 (Salmon et al., SC 2011), as of numpy.random.Philox. */

#ifndef PULSEKIT_PHILOX_H
#define PULSEKIT_PHILOX_H

#include <stdint.h>

#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
static __inline uint64_t philox_mulhilo(uint64_t a, uint64_t b, uint64_t* hi) { return _umul128(a, b, hi); }
#else
static inline uint64_t philox_mulhilo(uint64_t a, uint64_t b, uint64_t* hi) {
    unsigned __int128 product = (unsigned __int128)a * b;
    *hi = (uint64_t)(product >> 64);
    return (uint64_t)product;
}
#endif

/* four uniform doubles in [0, 1) at a key and a counter */
static inline void philox(uint64_t k0, uint64_t k1, uint64_t c0, uint64_t c1, uint64_t c2, uint64_t c3, double* out) {
    const double unit = 1.0 / 9007199254740992.0; /* 2 ** -53 */
    for (int i = 0; i < 10; i++) {
        uint64_t hi0, hi1, lo0, lo1;
        lo0 = philox_mulhilo(0xD2E7470EE14C6C93u, c0, &hi0);
        lo1 = philox_mulhilo(0xCA5A826395121157u, c2, &hi1);
        c0 = hi1 ^ c1 ^ k0;
        c1 = lo1;
        c2 = hi0 ^ c3 ^ k1;
        c3 = lo0;
        k0 += 0x9E3779B97F4A7C15u;
        k1 += 0xBB67AE8584CAA73Bu;
    }
    out[0] = (double)(c0 >> 11) * unit;
    out[1] = (double)(c1 >> 11) * unit;
    out[2] = (double)(c2 >> 11) * unit;
    out[3] = (double)(c3 >> 11) * unit;
}

/* number n of a member's stream, of which the first few (a multiple of four) are a piece of one stream of all;
   numpy.random.Philox counts on before it draws: so is done here */
static inline double philox_stream(uint64_t seed, uint64_t experiment, uint64_t purpose, int64_t few, int64_t member,
                                   int64_t n) {
    const int own = n >= few;
    const uint64_t at = (uint64_t)(own ? (n - few) >> 2 : member * (few >> 2) + (n >> 2));
    double block[4];
    philox(seed, experiment, at + 1, own ? (uint64_t)member : 0, purpose, (uint64_t)own, block);
    return block[n & 3];
}

#endif
