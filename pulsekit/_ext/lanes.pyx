"""Evolve many small systems side by side, eight to a block.

Everything is split into real and imaginary parts and holds eight lanes side
by side: x[block, entry, 2, 8]. Every lane's arithmetic is its own, so results
depend neither on its neighbours nor on how lanes are cut into blocks.
"""

cdef extern from *:
    """
    #include "vectors.h"
    #define MAXR 96
    #define MAXG 9

    typedef struct {
        int dim, columns, samples, lab, powers, reach, entries;
        const int *row, *col, *shift, *first, *count;
        const int *more;                 /* lab: of an entry, mirrored?, odd terms, the first of their monomials */
        const int *group;                /* lab: how many monomials of each kind */
    } poly_plan;

    /* One sample's map on one block: x <- U(z) x. Coefficients are shared
       (stride 1, c[k]) or one per lane (c[k*8 + lane]). */
    #define POLY_ENTRY(CRE, CIM)                                                         \
                vd ur[NV], ui[NV];                                                       \
                LOOP { ur[v] = zero; ui[v] = zero; }                                     \
                const int f = p->first[e], n = p->count[e], sh = p->shift[e];            \
                const vd *r = R;                                                         \
                if (n > 7) { /* two sums at a time hide the latency of an addition */    \
                    vd vr[NV], vi[NV];                                                   \
                    LOOP { vr[v] = zero; vi[v] = zero; }                                 \
                    for (int h = 0; h + 1 < n; h += 2) {                                 \
                        { const int k = h;                                               \
                          LOOP { ur[v] += CRE * r[k*NV+v]; ui[v] += CIM * r[k*NV+v]; } } \
                        { const int k = h + 1;                                           \
                          LOOP { vr[v] += CRE * r[k*NV+v]; vi[v] += CIM * r[k*NV+v]; } } \
                    }                                                                    \
                    if (n & 1) { const int k = n - 1;                                    \
                        LOOP { ur[v] += CRE * r[k*NV+v]; ui[v] += CIM * r[k*NV+v]; } }   \
                    LOOP { ur[v] += vr[v]; ui[v] += vi[v]; }                             \
                } else {                                                                 \
                    for (int k = 0; k < n; k++) {                                        \
                        LOOP { ur[v] += CRE * r[k*NV+v]; ui[v] += CIM * r[k*NV+v]; }     \
                    }                                                                    \
                }                                                                        \
                if (sh != 0) {                                                           \
                    const vd *g = G + (long)(sh > 0 ? 2*sh : -2*sh)*NV;                  \
                    if (sh > 0) { LOOP {                                                 \
                        vd t = ur[v]*g[v] - ui[v]*g[NV+v];                               \
                        ui[v] = ur[v]*g[NV+v] + ui[v]*g[v]; ur[v] = t;                   \
                    } } else { LOOP {                                                    \
                        vd t = ur[v]*g[v] + ui[v]*g[NV+v];                               \
                        ui[v] = ui[v]*g[v] - ur[v]*g[NV+v]; ur[v] = t;                   \
                    } }                                                                  \
                }

    #define POLY_BODY(CRE, CIM)                                                          \
        if (m == 1) {                                                                    \
            for (int i = 0; i < p->dim; i++) {                                           \
                vd yr[NV], yi[NV];                                                       \
                LOOP { yr[v] = zero; yi[v] = zero; }                                     \
                for (int e = p->row[i]; e < p->row[i+1]; e++) {                          \
                    POLY_ENTRY(CRE, CIM)                                                 \
                    const vd *q = x + (long)p->col[e]*2*NV;                              \
                    LOOP {                                                               \
                        yr[v] += ur[v]*q[v] - ui[v]*q[NV+v];                             \
                        yi[v] += ur[v]*q[NV+v] + ui[v]*q[v];                             \
                    }                                                                    \
                }                                                                        \
                LOOP { y[(long)i*2*NV+v] = yr[v]; y[(long)i*2*NV+NV+v] = yi[v]; }        \
            }                                                                            \
        } else {                                                                         \
            for (int i = 0; i < p->dim; i++) {                                           \
                vd *yi = y + (long)i*m*2*NV;                                             \
                for (int c = 0; c < 2*m*NV; c++) yi[c] = zero;                           \
                for (int e = p->row[i]; e < p->row[i+1]; e++) {                          \
                    POLY_ENTRY(CRE, CIM)                                                 \
                    const vd *q = x + (long)p->col[e]*m*2*NV;                            \
                    for (int c = 0; c < m; c++) {                                        \
                        LOOP {                                                           \
                            yi[2*c*NV+v] += ur[v]*q[2*c*NV+v] - ui[v]*q[(2*c+1)*NV+v];   \
                            yi[(2*c+1)*NV+v] += ur[v]*q[(2*c+1)*NV+v] + ui[v]*q[2*c*NV+v]; \
                        }                                                                \
                    }                                                                    \
                }                                                                        \
            }                                                                            \
        }

    /* An entry of a map in the laboratory frame: what is even in Im z (er, ei) and odd (sr, si). The entry is
       their sum, and, where mirrored, the transposed one their difference. */
    #define LAB_ENTRY                                                                    \
                const int i = p->row[e], j = p->col[e], even = p->count[e]; \
                const int odd = p->more[3*e+1];                                          \
                const double *ce = coef + 2*p->first[e], *co = ce + 2*even;              \
                const vd *re = R + (long)p->shift[e]*NV, *ro = R + (long)p->more[3*e+2]*NV; \
                vd er[NV], ei[NV], sr[NV], si[NV];                                       \
                LOOP { er[v] = zero; ei[v] = zero; sr[v] = zero; si[v] = zero; }         \
                int k = 0;                                                               \
                for (; k < odd; k++) LOOP {                                              \
                    er[v] += ce[2*k] * re[k*NV+v]; ei[v] += ce[2*k+1] * re[k*NV+v];      \
                    sr[v] += co[2*k] * ro[k*NV+v]; si[v] += co[2*k+1] * ro[k*NV+v];      \
                }                                                                        \
                for (; k < even; k++) LOOP {                                                \
                    er[v] += ce[2*k] * re[k*NV+v]; ei[v] += ce[2*k+1] * re[k*NV+v];      \
                }

    static void lab_map(const poly_plan *p, const double *coef, const vd *R, const vd *x, vd *y) {
        const int m = p->columns;
        const vd zero = {0};
        for (int c = 0; c < 2*m*p->dim*NV; c++) y[c] = zero;
        for (int e = 0; e < p->entries; e++) {
            LAB_ENTRY
            for (int c = 0; c < m; c++) LOOP {
                const vd *q = x + ((long)j*m+c)*2*NV;
                vd *o = y + ((long)i*m+c)*2*NV;
                const vd ur = er[v] + sr[v], ui = ei[v] + si[v];
                o[v] += ur*q[v] - ui*q[NV+v];
                o[NV+v] += ur*q[NV+v] + ui*q[v];
            }
            if (p->more[3*e]) for (int c = 0; c < m; c++) LOOP {
                const vd *q = x + ((long)i*m+c)*2*NV;
                vd *o = y + ((long)j*m+c)*2*NV;
                const vd ur = er[v] - sr[v], ui = ei[v] - si[v];
                o[v] += ur*q[v] - ui*q[NV+v];
                o[NV+v] += ur*q[NV+v] + ui*q[v];
            }
        }
    }

    /* z of a sample, then the monomials R and the powers of z, G; lab: z turns on. */
    static void monomials(const poly_plan *p, vd *pr, vd *pi, const vd *w, double er, double ei, vd *R, vd *G) {
        const vd zero = {0};
        vd zr[NV], zi[NV];
        LOOP { zr[v] = pr[v]*er - pi[v]*ei; zi[v] = pr[v]*ei + pi[v]*er; }
        if (p->lab) {
            LOOP { vd t = pr[v]*w[v] - pi[v]*w[NV+v]; pi[v] = pr[v]*w[NV+v] + pi[v]*w[v]; pr[v] = t; }
            vd xx[NV], yy[NV];
            LOOP { xx[v] = zr[v]*zr[v]; yy[v] = zi[v]*zi[v]; }
            for (int g = 0; g < 4; g++) { /* x^p y^q by the parities of p + q and q; from a degree to the next but one */
                const int count = p->group[g];
                if (count == 0) continue;
                LOOP {
                    if (g == 0) R[v] = zero + 1.0;
                    else if (g == 1) R[v] = zr[v] * zi[v];
                    else R[v] = g == 2 ? zr[v] : zi[v];
                }
                vd *last = R;
                for (int n = 1, at = 1; at < count; at += ++n) {
                    vd *next = last + (long)n*NV;
                    for (int k = 0; k < n; k++) { LOOP next[k*NV+v] = last[k*NV+v] * xx[v]; }
                    LOOP { next[n*NV+v] = last[(n-1)*NV+v] * yy[v]; }
                    last = next;
                }
                R += (long)count*NV;
            }
            return;
        }
        vd sq[NV];
        LOOP { sq[v] = zr[v]*zr[v] + zi[v]*zi[v]; R[v] = zero + 1.0; G[2*NV+v] = zr[v]; G[3*NV+v] = zi[v]; }
        for (int k = 1; k < p->powers; k++) { LOOP { R[k*NV+v] = R[(k-1)*NV+v]*sq[v]; } }
        for (int g = 2; g <= p->reach; g++) {
            LOOP {
                vd gr = G[(2*g-2)*NV+v], gi = G[(2*g-1)*NV+v];
                G[(2*g)*NV+v] = gr*zr[v] - gi*zi[v];
                G[(2*g+1)*NV+v] = gr*zi[v] + gi*zr[v];
            }
        }
    }

    static void poly_block(const poly_plan *p, double *xd, const double *amp, const double *env,
                           const double *turn, const double *coef, int per_lane, double *yd) {
        const int m = p->columns, size = p->dim * m * 2 * NV;
        const vd zero = {0};
        vd *x = (vd*)xd, *y = (vd*)yd;
        const vd *a = (const vd*)amp;
        vd pr[NV], pi[NV], R[MAXR*NV], G[2*MAXG*NV];
        LOOP { pr[v] = a[v]; pi[v] = a[NV+v]; }
        for (int s = 0; s < p->samples; s++) {
            monomials(p, pr, pi, (const vd*)turn, env[2*s], env[2*s+1], R, G);
            if (p->lab) {
                lab_map(p, coef, R, x, y);
            } else if (per_lane) {
                const vd *cl = (const vd*)coef;
                POLY_BODY(cl[(2*(f+k))*NV+v], cl[(2*(f+k)+1)*NV+v])
            } else {
                POLY_BODY(coef[2*(f+k)], coef[2*(f+k)+1])
            }
            vd *t = x; x = y; y = t;
        }
        if (x != (vd*)xd) { for (int k = 0; k < size; k++) ((vd*)xd)[k] = x[k]; }
    }

    /* c <- a b, dense complex n x n times n x m; two columns at a time share a's loads. */
    static void matmul(const vd *a, const vd *b, vd *c, int n, int m) {
        const vd zero = {0};
        for (int i = 0; i < n; i++) {
            int j = 0;
            for (; j + 1 < m; j += 2) {
                vd r[NV], q[NV], s[NV], t[NV];
                LOOP { r[v] = zero; q[v] = zero; s[v] = zero; t[v] = zero; }
                for (int k = 0; k < n; k++) {
                    const vd *p = a + (long)(i*n+k)*2*NV, *w = b + (long)(k*m+j)*2*NV;
                    LOOP {
                        vd pr = p[v], pi = p[NV+v];
                        r[v] += pr*w[v]; r[v] -= pi*w[NV+v];
                        q[v] += pr*w[NV+v]; q[v] += pi*w[v];
                        s[v] += pr*w[2*NV+v]; s[v] -= pi*w[3*NV+v];
                        t[v] += pr*w[3*NV+v]; t[v] += pi*w[2*NV+v];
                    }
                }
                vd *o = c + (long)(i*m+j)*2*NV;
                LOOP { o[v] = r[v]; o[NV+v] = q[v]; o[2*NV+v] = s[v]; o[3*NV+v] = t[v]; }
            }
            for (; j < m; j++) {
                vd r[NV], q[NV];
                LOOP { r[v] = zero; q[v] = zero; }
                for (int k = 0; k < n; k++) {
                    const vd *p = a + (long)(i*n+k)*2*NV, *w = b + (long)(k*m+j)*2*NV;
                    LOOP {
                        r[v] += p[v]*w[v]; r[v] -= p[NV+v]*w[NV+v];
                        q[v] += p[v]*w[NV+v]; q[v] += p[NV+v]*w[v];
                    }
                }
                LOOP { c[(long)((i*m+j)*2)*NV+v] = r[v]; c[(long)((i*m+j)*2+1)*NV+v] = q[v]; }
            }
        }
    }

    /* Sparse rows of the upper half of Hermitian matrices: decay, and what corrects it where an envelope changes. */
    typedef struct {
        const int *row, *from;           /* [halves + 1], [k] */
        const double *value;             /* [3, k]: at both ends, after odd steps, after even ones */
        const double *skew;              /* [k], times i: more at the start, less at the end */
        int edges;                       /* whether z shakes decay */
        const int *edge_row, *edge_from; /* [2 halves + 1]: what goes with z, and with its conjugate */
        const double *edge;              /* times -i */
    } decay_plan;

    /* y <- decay of x, `place` 0 (times sign) at an end; dz: how z changes there. */
    static void decay(const decay_plan *d, int place, double sign, int count, const vd *dz, const vd *x, vd *y, int n) {
        const vd zero = {0};
        const double *value = d->value + (long)place*count;
        for (int i = 0, h = 0; i < n; i++) for (int j = i; j < n; j++, h++) {
            vd r[NV], q[NV];
            LOOP { r[v] = zero; q[v] = zero; }
            if (place) for (int k = d->row[h]; k < d->row[h+1]; k++) {
                const vd *p = x + (long)d->from[k]*2*NV;
                LOOP { r[v] += value[k]*p[v]; q[v] += value[k]*p[NV+v]; }
            } else for (int k = d->row[h]; k < d->row[h+1]; k++) {
                const vd *p = x + (long)d->from[k]*2*NV;
                const double s = sign * d->skew[k];
                LOOP { r[v] += value[k]*p[v] - s*p[NV+v]; q[v] += value[k]*p[NV+v] + s*p[v]; }
            }
            if (d->edges) for (int c = 0; c < 2; c++) {
                vd er[NV], ei[NV];
                LOOP { er[v] = zero; ei[v] = zero; }
                for (int k = d->edge_row[2*h+c]; k < d->edge_row[2*h+c+1]; k++) {
                    const vd *p = x + (long)d->edge_from[k]*2*NV;
                    LOOP { er[v] += d->edge[k]*p[v]; ei[v] += d->edge[k]*p[NV+v]; }
                }
                if (c == 0) LOOP { r[v] += dz[NV+v]*er[v] + dz[v]*ei[v]; q[v] += dz[NV+v]*ei[v] - dz[v]*er[v]; }
                else LOOP { r[v] += dz[v]*ei[v] - dz[NV+v]*er[v]; q[v] -= dz[v]*er[v] + dz[NV+v]*ei[v]; }
            }
            vd *o = y + (long)(i*n+j)*2*NV, *m = y + (long)(j*n+i)*2*NV;
            if (i == j) LOOP { o[v] = r[v]; o[NV+v] = zero; }
            else LOOP { o[v] = r[v]; o[NV+v] = q[v]; m[v] = r[v]; m[NV+v] = -q[v]; }
        }
    }

    /* x <- u x u^dag for Hermitian x: the upper half is computed, the lower mirrored. */
    static void conjugate(const vd *u, vd *x, vd *y, int n) {
        const vd zero = {0};
        matmul(u, x, y, n, n);
        for (int i = 0; i < n; i++) for (int j = i; j < n; j++) {
            vd r[NV], q[NV];
            LOOP { r[v] = zero; q[v] = zero; }
            for (int k = 0; k < n; k++) {
                const vd *a = y + (long)(i*n+k)*2*NV, *b = u + (long)(j*n+k)*2*NV;
                LOOP { r[v] += a[v]*b[v] + a[NV+v]*b[NV+v]; q[v] += a[NV+v]*b[v] - a[v]*b[NV+v]; }
            }
            LOOP {
                x[(long)(i*n+j)*2*NV+v] = r[v];
                x[(long)(j*n+i)*2*NV+v] = r[v];
                x[(long)(i*n+j)*2*NV+NV+v] = i == j ? zero : q[v];
                x[(long)(j*n+i)*2*NV+NV+v] = i == j ? zero : -q[v];
            }
        }
    }

    /* Density matrices: each step's unitary, decay before, between and after them. */
    static void rho_poly_block(const poly_plan *p, double *xd, const double *amp, const double *env, const double *turn,
                               const double *coef, int per_lane, const decay_plan *d, double *work) {
        const int n = p->dim;
        const vd zero = {0};
        const int size = n*n*2*NV, count = d->row[n*(n+1)/2];
        vd *x = (vd*)xd, *u = (vd*)work, *y = u + size, *t = y + size;
        const vd *a = (const vd*)amp, *cl = (const vd*)coef;
        vd pr[NV], pi[NV], R[MAXR*NV], G[2*MAXG*NV], dz[2*NV];
        LOOP { pr[v] = a[v]; pi[v] = a[NV+v]; }
        for (int k = 0; k < size; k++) u[k] = zero;
        LOOP { dz[v] = pr[v]*env[0] - pi[v]*env[1]; dz[NV+v] = pr[v]*env[1] + pi[v]*env[0]; }
        decay(d, 0, 1.0, count, dz, x, t, n);
        for (int s = 0; s < p->samples; s++) {
            monomials(p, pr, pi, (const vd*)turn, env[2*s], env[2*s+1], R, G);
            if (!p->lab) for (int i = 0; i < n; i++) for (int e = p->row[i]; e < p->row[i+1]; e++) {
                vd ur[NV], ui[NV];
                LOOP { ur[v] = zero; ui[v] = zero; }
                const int f = p->first[e];
                const vd *r = R;
                for (int k = 0; k < p->count[e]; k++) {
                    if (per_lane) { LOOP { ur[v] += cl[(2*(f+k))*NV+v]*r[k*NV+v]; ui[v] += cl[(2*(f+k)+1)*NV+v]*r[k*NV+v]; } }
                    else { LOOP { ur[v] += coef[2*(f+k)]*r[k*NV+v]; ui[v] += coef[2*(f+k)+1]*r[k*NV+v]; } }
                }
                if (p->shift[e] != 0) {
                    const int g = p->shift[e] > 0 ? p->shift[e] : -p->shift[e];
                    const double sign = p->shift[e] > 0 ? 1.0 : -1.0;
                    LOOP {
                        vd gr = G[(2*g)*NV+v], gi = sign * G[(2*g+1)*NV+v], w = ur[v]*gr - ui[v]*gi;
                        ui[v] = ur[v]*gi + ui[v]*gr; ur[v] = w;
                    }
                }
                vd *o = u + (long)(i*n + p->col[e])*2*NV;
                LOOP { o[v] = ur[v]; o[NV+v] = ui[v]; }
            }
            if (p->lab) for (int e = 0; e < p->entries; e++) {
                LAB_ENTRY
                vd *o = u + (long)(i*n + j)*2*NV, *w = u + (long)(j*n + i)*2*NV;
                LOOP { o[v] = er[v] + sr[v]; o[NV+v] = ei[v] + si[v]; }
                if (p->more[3*e]) LOOP { w[v] = er[v] - sr[v]; w[NV+v] = ei[v] - si[v]; }
            }
            conjugate(u, t, y, n);
            const int last = s + 1 == p->samples;
            const double er = (last ? 0.0 : env[2*s+2]) - env[2*s], ei = (last ? 0.0 : env[2*s+3]) - env[2*s+1];
            LOOP { dz[v] = pr[v]*er - pi[v]*ei; dz[NV+v] = pr[v]*ei + pi[v]*er; }
            decay(d, last ? 0 : 1 + s % 2, -1.0, count, dz, t, x, n);
            vd *w = x; x = t; t = w;
        }
        if (t != (vd*)xd) for (int k = 0; k < size; k++) ((vd*)xd)[k] = t[k];
    }

    /* The same with given unitaries, u[entry, 2, 8], each `next` doubles after the one before (0: one for all). */
    static void rho_steps_block(double *xd, const double *ud, long next, int n, int steps, const decay_plan *d,
                                double *work) {
        const int size = n*n*2*NV, count = d->row[n*(n+1)/2];
        vd *x = (vd*)xd, *y = (vd*)work, *t = y + size;
        decay(d, 0, 1.0, count, 0, x, t, n);
        for (int s = 0; s < steps; s++) {
            conjugate((const vd*)(ud + s*next), t, y, n);
            decay(d, s + 1 == steps ? 0 : 1 + s % 2, -1.0, count, 0, t, x, n);
            vd *w = x; x = t; t = w;
        }
        if (t != (vd*)xd) for (int k = 0; k < size; k++) ((vd*)xd)[k] = t[k];
    }

    static void add_scaled(vd *y, const vd *x, double f, int n) {
        for (int k = 0; k < n; k++) y[k] += f * x[k];
    }

    /* x <- exp(2^s g) x; Taylor of order 12 by three products of degree 4. */
    static void expm_block(double *xd, const double *gd, int n, int m, int squarings, double *work) {
        static const double inv[13] = {1.0, 1.0, 1.0/2, 1.0/6, 1.0/24, 1.0/120, 1.0/720, 1.0/5040, 1.0/40320,
                                       1.0/362880, 1.0/3628800, 1.0/39916800, 1.0/479001600};
        const long size = (long)n*n*2*NV;
        const vd *g = (const vd*)gd;
        vd *w = (vd*)work, *g2 = w, *g3 = w + size, *g4 = w + 2*size, *u = w + 3*size, *t = w + 4*size;
        vd *x = (vd*)xd;
        matmul(g, g, g2, n, n); matmul(g2, g, g3, n, n); matmul(g2, g2, g4, n, n);
        for (long k = 0; k < size; k++) u[k] = inv[12] * g4[k];
        for (int b = 2; b >= 0; b--) {
            const double *f = inv + 4*b;
            add_scaled(u, g, f[1], (int)size); add_scaled(u, g2, f[2], (int)size); add_scaled(u, g3, f[3], (int)size);
            for (int i = 0; i < n; i++) LOOP u[(long)(i*n+i)*2*NV+v] += f[0];
            if (b) { matmul(u, g4, t, n, n); vd *q = u; u = t; t = q; }
        }
        for (int s = 0; s < squarings; s++) { matmul(u, u, t, n, n); vd *q = u; u = t; t = q; }
        matmul(u, x, g2, n, m);
        for (long k = 0; k < (long)n*m*2*NV; k++) x[k] = g2[k];
    }

    /* x <- prod_k exp(-i h_k) x, h_k = weight diag + sum_j (c_kj A_j + h.c.),
       given as the upper entries of the union of the A's; Taylor. A row's own
       entries come first, then those that are mirrored from the rows above. */
    static void taylor_block(double *xd, const double *diag, const double *amps, int dim, int m, int steps, int tones,
                             int entries, const int *first, const int *column, const int *entry, const double *ev,
                             int order, double *work) {
        const vd zero = {0};
        const int size = dim*m*2*NV;
        vd *x = (vd*)xd, *t = (vd*)work, *y = t + size, *h = y + size;
        const vd *a = (const vd*)amps;
        for (int s = 0; s < steps; s++) {
            for (int e = 0; e < entries; e++) {
                vd r[NV], q[NV];
                LOOP { r[v] = zero; q[v] = zero; }
                for (int j = 0; j < tones; j++) {
                    const double *c = ev + (e*tones+j)*4;
                    LOOP {
                        vd ar = a[(long)((s*tones+j)*2)*NV+v], ai = a[(long)((s*tones+j)*2+1)*NV+v];
                        r[v] += c[0]*ar - c[1]*ai;
                        q[v] += c[2]*ai + c[3]*ar;
                    }
                }
                LOOP { h[(2*e)*NV+v] = r[v]; h[(2*e+1)*NV+v] = q[v]; }
            }
            for (int k = 0; k < size; k++) t[k] = x[k];
            for (int n = 1; n <= order; n++) {
                const double f = 1.0 / n;
                for (int i = 0; i < dim; i++) for (int c = 0; c < m; c++) {
                    const int at = (i*m+c)*2;
                    vd r[NV], q[NV];
                    LOOP { r[v] = diag[i] * t[at*NV+v]; q[v] = diag[i] * t[(at+1)*NV+v]; }
                    for (int k = first[2*i]; k < first[2*i+1]; k++) {
                        const int e = 2*entry[k], p = (column[k]*m+c)*2;
                        LOOP {
                            const vd hr = h[e*NV+v], hi = h[(e+1)*NV+v], br = t[p*NV+v], bi = t[(p+1)*NV+v];
                            r[v] += hr*br - hi*bi;
                            q[v] += hr*bi + hi*br;
                        }
                    }
                    for (int k = first[2*i+1]; k < first[2*i+2]; k++) {
                        const int e = 2*entry[k], p = (column[k]*m+c)*2;
                        LOOP {
                            const vd hr = h[e*NV+v], hi = h[(e+1)*NV+v], ar = t[p*NV+v], ai = t[(p+1)*NV+v];
                            r[v] += hr*ar + hi*ai;
                            q[v] += hr*ai - hi*ar;
                        }
                    }
                    LOOP {                                   /* t <- -i f y */
                        y[at*NV+v] = f * q[v];
                        y[(at+1)*NV+v] = -f * r[v];
                        x[at*NV+v] += y[at*NV+v];
                        x[(at+1)*NV+v] += y[(at+1)*NV+v];
                    }
                }
                vd *other = t;
                t = y;
                y = other;
            }
        }
    }

    /* x <- u x with one u for all lanes. */
    static void apply_block(double *xd, const double *u, int dim, int m, double *yd) {
        const vd zero = {0};
        vd *x = (vd*)xd, *y = (vd*)yd;
        for (int i = 0; i < dim; i++) for (int c = 0; c < m; c++) {
            vd r[NV], q[NV];
            LOOP { r[v] = zero; q[v] = zero; }
            for (int j = 0; j < dim; j++) {
                const double ur = u[(i*dim+j)*2], ui = u[(i*dim+j)*2+1];
                const vd *p = x + (long)((j*m+c)*2)*NV;
                LOOP { r[v] += ur*p[v] - ui*p[NV+v]; q[v] += ur*p[NV+v] + ui*p[v]; }
            }
            LOOP { y[(long)((i*m+c)*2)*NV+v] = r[v]; y[(long)((i*m+c)*2+1)*NV+v] = q[v]; }
        }
        for (long k = 0; k < (long)dim*m*2*NV; k++) x[k] = y[k];
    }

    static void scale_block(double *xd, const double *pd, int dim, int m) {
        vd *x = (vd*)xd;
        const vd *p = (const vd*)pd;
        for (int i = 0; i < dim; i++) for (int c = 0; c < m; c++) LOOP {
            const int at = (i*m+c)*2;
            vd r = x[at*NV+v], q = x[(at+1)*NV+v], pr = p[(2*i)*NV+v], pi = p[(2*i+1)*NV+v];
            x[at*NV+v] = r*pr - q*pi;
            x[(at+1)*NV+v] = r*pi + q*pr;
        }
    }

    /* One lane: x <- U[index[k]] diag(exp(i (number angle[k] - base gap[k]))) x, for every k. */
    static void chain_lane(double *x, const double *u, const int *index, const double *angle, const int *number,
                           const double *base, const double *gap, int plays, int dim, double *y,
                           double (*cosine)(double), double (*sine)(double)) {
        double pr[32], pi[32];
        int top = 0;
        for (int i = 0; i < dim; i++) {
            const int n = number[i] < 0 ? -number[i] : number[i];
            if (n > top) top = n;
        }
        pr[0] = 1; pi[0] = 0;
        for (int k = 0; k < plays; k++) {
            const double c = cosine(angle[k]), s = sine(angle[k]);
            for (int n = 1; n <= top; n++) {
                pr[n] = pr[n-1]*c - pi[n-1]*s;
                pi[n] = pr[n-1]*s + pi[n-1]*c;
            }
            for (int i = 0; i < dim; i++) {
                const int n = number[i] < 0 ? -number[i] : number[i];
                double c1 = pr[n], s1 = number[i] < 0 ? -pi[n] : pi[n];
                if (gap[k] != 0) {
                    const double c2 = cosine(base[i]*gap[k]), s2 = -sine(base[i]*gap[k]), t = c1*c2 - s1*s2;
                    s1 = c1*s2 + s1*c2; c1 = t;
                }
                const double r = x[2*i], q = x[2*i+1];
                x[2*i] = r*c1 - q*s1;
                x[2*i+1] = r*s1 + q*c1;
            }
            const double *w = u + (long)index[k]*dim*dim*2;
            for (int i = 0; i < dim; i++) {
                double r = 0, q = 0;
                for (int j = 0; j < dim; j++) {
                    const double *p = w + (i*dim+j)*2;
                    r += p[0]*x[2*j] - p[1]*x[2*j+1];
                    q += p[0]*x[2*j+1] + p[1]*x[2*j];
                }
                y[2*i] = r; y[2*i+1] = q;
            }
            for (int i = 0; i < 2*dim; i++) x[i] = y[i];
        }
    }

    typedef struct {
        int entries;
        const int *to, *from;
        const double *value;             /* complex */
    } sparse_matrix;

    static void sparse_apply(const sparse_matrix *a, const double *x, double *y, int size) {
        for (int i = 0; i < 2*size; i++) y[i] = 0;
        for (int e = 0; e < a->entries; e++) {
            const double *v = a->value + 2*e, *q = x + 2*a->from[e];
            double *o = y + 2*a->to[e];
            o[0] += v[0]*q[0] - v[1]*q[1];
            o[1] += v[0]*q[1] + v[1]*q[0];
        }
    }

    /* One lane: x <- columns exp(values span) inverse x. */
    static void modes_lane(double *x, const sparse_matrix *inverse, const double *values, const sparse_matrix *columns,
                           double span, int size, double *y,
                           double (*exponential)(double), double (*cosine)(double), double (*sine)(double)) {
        sparse_apply(inverse, x, y, size);
        for (int i = 0; i < size; i++) {
            const double f = exponential(values[2*i]*span), w = values[2*i+1]*span;
            const double c = w != 0 ? f*cosine(w) : f, s = w != 0 ? f*sine(w) : 0.0;
            const double r = y[2*i], q = y[2*i+1];
            y[2*i] = r*c - q*s;
            y[2*i+1] = r*s + q*c;
        }
        sparse_apply(columns, y, x, size);
    }

    """
    ctypedef struct poly_plan:
        int dim, columns, samples, lab, powers, reach, entries
        const int *row
        const int *col
        const int *shift
        const int *first
        const int *count
        const int *more
        const int *group
    void poly_block(const poly_plan *p, double *x, const double *amp, const double *env, const double *turn,
                    const double *coef, int per_lane, double *y) nogil
    ctypedef struct decay_plan:
        const int *row
        const int *from_ "from"
        const double *value
        const double *skew
        int edges
        const int *edge_row
        const int *edge_from
        const double *edge
    void rho_poly_block(const poly_plan *p, double *x, const double *amp, const double *env, const double *turn,
                        const double *coef, int per_lane, const decay_plan *d, double *work) nogil
    void rho_steps_block(double *x, const double *u, long next, int n, int steps, const decay_plan *d,
                         double *work) nogil
    void expm_block(double *x, const double *g, int n, int m, int squarings, double *work) nogil
    void taylor_block(double *x, const double *diag, const double *amps, int dim, int m, int steps, int tones,
                      int entries, const int *first, const int *column, const int *entry, const double *ev, int order,
                      double *work) nogil
    void scale_block(double *x, const double *p, int dim, int m) nogil
    void apply_block(double *x, const double *u, int dim, int m, double *y) nogil
    void chain_lane(double *x, const double *u, const int *index, const double *angle, const int *number,
                    const double *base, const double *gap, int plays, int dim, double *y,
                    double (*cosine)(double) nogil, double (*sine)(double) nogil) nogil
    ctypedef struct sparse_matrix:
        int entries
        const int *to
        const int *from_ "from"
        const double *value
    void modes_lane(double *x, const sparse_matrix *inverse, const double *values, const sparse_matrix *columns,
                    double span, int size, double *y, double (*exponential)(double) nogil,
                    double (*cosine)(double) nogil, double (*sine)(double) nogil) nogil

from libc.math cimport cos, exp, sin


def poly(double[:, :, :, ::1] x, int dim, const double[:, :, ::1] amp, const double[:, :, ::1] env,
         const int[::1] env_of, int start, int stop, const double[:, :, ::1] turn, bint lab,
         int powers, int reach, const int[::1] row, const int[::1] col, const int[::1] shift,
         const int[::1] first, const int[::1] count, const int[:, ::1] more, const int[::1] group,
         const double[::1] coef, long lane_stride, double[::1] work):
    """Apply the sample maps ``start`` to ``stop`` of an envelope to every block.

    ``lane_stride`` 0: coefficients are shared, coef[k, 2]; else they are
    coef[block, k, 2, 8] with that many doubles per block. In the laboratory
    frame ``row`` is each entry's row, ``amp`` times ``env`` is z in the middle
    of the first sample, and ``more`` says how the entries are mirrored.
    """
    cdef poly_plan p
    cdef Py_ssize_t b
    p.dim = dim
    p.columns = x.shape[1] // dim
    p.samples = stop - start
    p.lab = lab
    p.powers = powers
    p.reach = reach
    p.row = &row[0]
    p.col = &col[0]
    p.shift = &shift[0]
    p.first = &first[0]
    p.count = &count[0]
    p.more = &more[0, 0]
    p.entries = more.shape[0]
    p.group = &group[0]
    with nogil:
        for b in range(x.shape[0]):
            poly_block(&p, &x[b, 0, 0, 0], &amp[b, 0, 0], &env[env_of[b], start, 0], &turn[b, 0, 0],
                       &coef[b * lane_stride], lane_stride != 0, &work[0])


def rho_poly(double[:, :, :, ::1] x, int dim, const double[:, :, ::1] amp, const double[:, :, ::1] env,
             const int[::1] env_of, int start, int stop, const double[:, :, ::1] turn, bint lab,
             int powers, int reach, const int[::1] row, const int[::1] col, const int[::1] shift,
             const int[::1] first, const int[::1] count, const int[:, ::1] more, const int[::1] group,
             const double[::1] coef, long lane_stride, double[::1] work, const int[::1] rows,
             const int[::1] sources, const double[:, ::1] values, const double[::1] skew, const int[::1] edge_rows,
             const int[::1] edge_sources, const double[::1] edges):
    """Apply unitary sample maps to density matrices, decay between them.

    Decay is given as sparse rows of the upper half of matrices, row by row:
    entries ``rows[h]`` to ``rows[h + 1]`` of ``sources`` are where half entry
    ``h`` comes from, ``values[3, k]`` how much at both ends, after odd and
    after even steps, and ``skew[k]`` times i more at the start, less at the
    end. Where z changes by dz between samples (from 0 and to 0 at the ends),
    ``edges[k]`` times -i dz is added (two rows of a half entry: for dz and its
    conjugate), unless ``edge_rows`` ends with 0.
    """
    cdef poly_plan p
    cdef decay_plan d
    cdef Py_ssize_t b
    p.dim = dim
    p.columns = dim
    p.samples = stop - start
    p.lab = lab
    p.powers = powers
    p.reach = reach
    p.row = &row[0]
    p.col = &col[0]
    p.shift = &shift[0]
    p.first = &first[0]
    p.count = &count[0]
    p.more = &more[0, 0]
    p.entries = more.shape[0]
    p.group = &group[0]
    d.row = &rows[0]
    d.from_ = &sources[0]
    d.value = &values[0, 0]
    d.skew = &skew[0]
    d.edges = edge_rows[edge_rows.shape[0] - 1] > 0
    d.edge_row = &edge_rows[0]
    d.edge_from = &edge_sources[0]
    d.edge = &edges[0]
    with nogil:
        for b in range(x.shape[0]):
            rho_poly_block(&p, &x[b, 0, 0, 0], &amp[b, 0, 0], &env[env_of[b], start, 0], &turn[b, 0, 0],
                           &coef[b * lane_stride], lane_stride != 0, &d, &work[0])


def rho_steps(double[:, :, :, ::1] x, const double[:, :, :, :, ::1] u, int dim, int steps, double[::1] work,
              const int[::1] rows, const int[::1] sources, const double[:, ::1] values, const double[::1] skew):
    """Apply unitaries u[steps or 1, blocks or 1, entry, 2, 8] with decay; see rho_poly.

    One does for all steps, one for all blocks.
    """
    cdef decay_plan d
    cdef Py_ssize_t b
    cdef Py_ssize_t apart = 0 if u.shape[1] == 1 else 1
    cdef long stride = 0 if u.shape[0] == 1 else u.shape[1] * u.shape[2] * u.shape[3] * u.shape[4]
    d.row = &rows[0]
    d.from_ = &sources[0]
    d.value = &values[0, 0]
    d.skew = &skew[0]
    d.edges = 0
    with nogil:
        for b in range(x.shape[0]):
            rho_steps_block(&x[b, 0, 0, 0], &u[0, b * apart, 0, 0, 0], stride, dim, steps, &d, &work[0])


def expm(double[:, :, :, ::1] x, const double[:, :, :, ::1] g, int dim, int squarings, double[::1] work):
    """Apply exp(2^squarings g) of every lane to its columns."""
    cdef Py_ssize_t b
    cdef int m = x.shape[1] // dim
    with nogil:
        for b in range(x.shape[0]):
            expm_block(&x[b, 0, 0, 0], &g[b, 0, 0, 0], dim, m, squarings, &work[0])


def taylor(double[:, :, :, ::1] x, const double[::1] diag, const double[:, :, :, :, ::1] amps, const int[::1] first,
           const int[::1] column, const int[::1] entry, const double[:, :, ::1] ev, int order, double[::1] work):
    """Apply a product of exponentials; amps[block, step, tone, 2, 8]; see ``simulator.magnus.Entries``."""
    cdef Py_ssize_t b
    cdef int dim = diag.shape[0]
    cdef int m = x.shape[1] // dim
    with nogil:
        for b in range(x.shape[0]):
            taylor_block(&x[b, 0, 0, 0], &diag[0], &amps[b, 0, 0, 0, 0], dim, m, amps.shape[1], amps.shape[2],
                         ev.shape[0], &first[0], &column[0], &entry[0], &ev[0, 0, 0], order, &work[0])


def scale(double[:, :, :, ::1] x, const double[:, :, :, ::1] phase):
    """Multiply row i of every block by phase[block, i, 2, 8]."""
    cdef Py_ssize_t b
    cdef int dim = phase.shape[1]
    cdef int m = x.shape[1] // dim
    with nogil:
        for b in range(x.shape[0]):
            scale_block(&x[b, 0, 0, 0], &phase[b, 0, 0, 0], dim, m)


def apply(double[:, :, :, ::1] x, const double[:, ::1] u, int dim, double[::1] work):
    """Multiply every lane's columns by one matrix, u[dim, 2 dim] interleaved."""
    cdef Py_ssize_t b
    cdef int m = x.shape[1] // dim
    with nogil:
        for b in range(x.shape[0]):
            apply_block(&x[b, 0, 0, 0], &u[0, 0], dim, m, &work[0])


def chain(double[:, ::1] x, const double[:, :, ::1] u, const int[:, ::1] index, const double[:, ::1] angle,
          const int[::1] number, const double[::1] base, const double[:, ::1] gap, double[::1] work):
    """Apply cached propagators in turn, lane by lane.

    x[lane, 2 dim] interleaved; before play k, component i turns by
    number[i] * angle[lane, k] - base[i] * gap[lane, k].
    """
    cdef Py_ssize_t lane
    cdef int dim = number.shape[0]
    with nogil:
        for lane in range(x.shape[0]):
            chain_lane(&x[lane, 0], &u[0, 0, 0], &index[lane, 0], &angle[lane, 0], &number[0], &base[0],
                       &gap[lane, 0], index.shape[1], dim, &work[0], cos, sin)


def modes(double[:, ::1] x, const int[:, ::1] inverse_at, const double[:, ::1] inverse, const double[:, ::1] values,
          const int[:, ::1] columns_at, const double[:, ::1] columns, const double[::1] span, double[::1] work):
    """Let every lane evolve for its span by eigenvectors, x[lane, 2 size] interleaved.

    Matrices are sparse: at[2, k] (to, from) and value[k, 2]. Lanes of span 0
    stay as they are.
    """
    cdef Py_ssize_t lane
    cdef sparse_matrix a, b
    a.entries = inverse.shape[0]
    a.to = &inverse_at[0, 0]
    a.from_ = &inverse_at[1, 0]
    a.value = &inverse[0, 0]
    b.entries = columns.shape[0]
    b.to = &columns_at[0, 0]
    b.from_ = &columns_at[1, 0]
    b.value = &columns[0, 0]
    with nogil:
        for lane in range(x.shape[0]):
            if span[lane] != 0:
                modes_lane(&x[lane, 0], &a, &values[0, 0], &b, span[lane], values.shape[0], &work[0], exp, cos, sin)
