/* Four amplitudes at a time, and sums of their squares. */

#ifndef PULSEKIT_FOURS_H
#define PULSEKIT_FOURS_H

typedef double v4 __attribute__((vector_size(32)));
typedef double v4u __attribute__((vector_size(32), aligned(8)));
#define LD(p) ((v4)(*(const v4u*)(p)))
#define ST(p, v) (*(v4u*)(p) = (v4u)(v))
#if defined(__clang__) || __GNUC__ >= 12
#define MIX(x, a, b, c, d) __builtin_shufflevector(x, x, a, b, c, d)
#else
typedef long long m4 __attribute__((vector_size(32)));
#define MIX(x, a, b, c, d) __builtin_shuffle(x, (m4){a, b, c, d})
#endif
#define INL static inline __attribute__((always_inline))

INL double fours_norm(const double* re, const double* im, long total) {
    v4 s = {0, 0, 0, 0}, t = {0, 0, 0, 0};
    for (long k = 0; k < total; k += 4) {
        v4 x = LD(re + k), y = LD(im + k);
        s += x * x; t += y * y;
    }
    s += t;
    return (s[0] + s[1]) + (s[2] + s[3]);
}

/* mean of r, weighted by the squares of the amplitudes */
INL double fours_mean(const double* re, const double* im, const double* r, long total) {
    v4 s = {0, 0, 0, 0}, t = {0, 0, 0, 0};
    for (long k = 0; k < total; k += 4) {
        v4 x = LD(re + k), y = LD(im + k), p = x * x + y * y;
        s += p; t += LD(r + k) * p;
    }
    return ((t[0] + t[1]) + (t[2] + t[3])) / ((s[0] + s[1]) + (s[2] + s[3]));
}

#endif
