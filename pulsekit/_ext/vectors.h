/* Vectors of the widest kind that a kernel is built for. */

#ifndef PULSEKIT_VECTORS_H
#define PULSEKIT_VECTORS_H

/* eight lanes are NV of these */
#if defined(__GNUC__) && defined(__AVX512F__)
typedef double vd __attribute__((vector_size(64), aligned(8), may_alias));
#define NV 1
#elif defined(__GNUC__) && defined(__AVX__)
typedef double vd __attribute__((vector_size(32), aligned(8), may_alias));
#define NV 2
#elif defined(__GNUC__)
typedef double vd __attribute__((vector_size(16), aligned(8), may_alias));
#define NV 4
#else
typedef double vd;
#define NV 8
#endif
#define LOOP for (int v = 0; v < NV; v++)

#endif
