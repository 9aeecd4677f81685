/* Outer steps of splitting on one ket: local unitaries, pair gates, diagonals.

   A ket is two float64 arrays (real, imaginary part) of rows. A row holds the
   first few transmons (the row group, dimension d0), padded with zeros to dp =
   4 or 8 entries; the others follow, slowest last. 16 doubles before and after
   the data may be read (they are multiplied by zero). */

#ifndef PULSEKIT_OUTER_H
#define PULSEKIT_OUTER_H

#include "fours.h"


/* lane l of the result is lane l + n of x, round and round */
INL v4 rotate(v4 x, const int n) {
    if ((n & 3) == 1) return MIX(x, 1, 2, 3, 0);
    if ((n & 3) == 2) return MIX(x, 2, 3, 0, 1);
    if ((n & 3) == 3) return MIX(x, 3, 0, 1, 2);
    return x;
}

/* the phases of four numbers, if there are any: x <- e x */
#define TURN(xr, xi, er, ei, at) if (er) { \
    v4 a_ = LD((er) + (at)), b_ = LD((ei) + (at)), p_ = a_ * xr, q_ = a_ * xi; \
    p_ -= b_ * xi; q_ += b_ * xr; xr = p_; xi = q_; }

/* one transmon of stride s (a multiple of 4): x <- U e x, U[d][d] as (re, im), e phases or NULL */
INL void local_t(double* re, double* im, long s, long blocks, const double* u, const double* er,
                 const double* ei, const int d) {
    for (long b = 0; b < blocks; b++) {
        double* pr = re + b * s * d;
        double* pi = im + b * s * d;
        for (long k = 0; k < s; k += 4) {
            v4 xr[5], xi[5];
            for (int a = 0; a < d; a++) {
                xr[a] = LD(pr + a * s + k); xi[a] = LD(pi + a * s + k);
                TURN(xr[a], xi[a], er, ei, b * s * d + a * s + k)
            }
            for (int a = 0; a < d; a++) {
                v4 yr = {0, 0, 0, 0}, yi = {0, 0, 0, 0};
                for (int c = 0; c < d; c++) {
                    double ur = u[2 * (a * d + c)], ui = u[2 * (a * d + c) + 1];
                    yr += ur * xr[c]; yr -= ui * xi[c];
                    yi += ur * xi[c]; yi += ui * xr[c];
                }
                ST(pr + a * s + k, yr); ST(pi + a * s + k, yi);
            }
        }
    }
}
INL void local_d(double* re, double* im, long s, long blocks, const double* u, const double* er, const double* ei,
                 int d) {
    if (d == 2) local_t(re, im, s, blocks, u, er, ei, 2);
    else if (d == 3) local_t(re, im, s, blocks, u, er, ei, 3);
    else if (d == 4) local_t(re, im, s, blocks, u, er, ei, 4);
    else local_t(re, im, s, blocks, u, er, ei, 5);
}
static void ps_local(double* re, double* im, long s, long blocks, const double* u, const double* er,
                     const double* ei, int d) {
    if (er) local_d(re, im, s, blocks, u, er, ei, d);
    else local_d(re, im, s, blocks, u, NULL, NULL, d);
}

/* the row group: columns of U, padded, as cr[D0][DP], ci[D0][DP] */
INL void row_t(double* re, double* im, long rows, const double* cr, const double* ci, const int d0, const int nv) {
    const int dp = 4 * nv;
    for (long r = 0; r < rows; r++) {
        double* pr = re + r * dp;
        double* pi = im + r * dp;
        v4 yr[2], yi[2];
        for (int w = 0; w < nv; w++) { yr[w] = (v4){0, 0, 0, 0}; yi[w] = (v4){0, 0, 0, 0}; }
        for (int c = 0; c < d0; c++) {
            double xr = pr[c], xi = pi[c];
            for (int w = 0; w < nv; w++) {
                v4 a = LD(cr + c * dp + 4 * w), b = LD(ci + c * dp + 4 * w);
                yr[w] += xr * a; yr[w] -= xi * b;
                yi[w] += xi * a; yi[w] += xr * b;
            }
        }
        for (int w = 0; w < nv; w++) { ST(pr + 4 * w, yr[w]); ST(pi + 4 * w, yi[w]); }
    }
}
static void ps_row(double* re, double* im, long rows, const double* cr, const double* ci, int d0, int dp) {
    if (dp == 8) row_t(re, im, rows, cr, ci, d0, 2);
    else if (d0 == 2) row_t(re, im, rows, cr, ci, 2, 1);
    else if (d0 == 3) row_t(re, im, rows, cr, ci, 3, 1);
    else row_t(re, im, rows, cr, ci, 4, 1);
}

/* exchange of the two transmons of a row of four: x <- c x - i s (x with its middle numbers swapped) */
static void ps_swap(double* re, double* im, long total, const double* number) {
    const v4 c = LD(number), s = LD(number + 4);
    for (long k = 0; k < total; k += 4) {
        v4 x = LD(re + k), y = LD(im + k);
        v4 p = c * x, q = c * y;
        p += s * MIX(y, 0, 2, 1, 3); q -= s * MIX(x, 0, 2, 1, 3);
        ST(re + k, p); ST(im + k, q);
    }
}

/* exchange of two transmons of the row's outside: sectors of constant
   excitation, matrix entries c where a - b is even, -i c where odd */
INL void sector_t(double* pr, double* pi, const long* off, const double* c, const int k, const int real) {
    v4 xr[5], xi[5];
    for (int a = 0; a < k; a++) { xr[a] = LD(pr + off[a]); xi[a] = LD(pi + off[a]); }
    for (int a = 0; a < k; a++) {
        v4 yr = {0, 0, 0, 0}, yi = {0, 0, 0, 0};
        for (int b = 0; b < k; b++) {
            double m = c[a * k + b];
            if (real || ((a - b) & 1) == 0) { yr += m * xr[b]; yi += m * xi[b]; }
            else { yr += m * xi[b]; yi -= m * xr[b]; }
        }
        ST(pr + off[a], yr); ST(pi + off[a], yi);
    }
}
INL void pair_t(double* re, double* im, long total, long si, int di, long sj, int dj, const double* c,
                const int real) {
    long off[9][5]; int size[9]; long start[9]; int sectors = 0; long at = 0;
    for (int n = 0; n <= di + dj - 2; n++) {
        int k = 0;
        for (int a = 0; a < dj; a++) {
            int b = real ? n - (dj - 1) + a : n - a;
            if (b >= 0 && b < di) { off[sectors][k] = a * sj + b * si; k++; }
        }
        if (k > 1 || real) { size[sectors] = k; start[sectors] = at; sectors++; }
        at += (long)k * k;
    }
    for (long hi = 0; hi < total; hi += sj * dj)
        for (long mid = hi; mid < hi + sj; mid += si * di)
            for (long k = mid; k < mid + si; k += 4) {
                double* pr = re + k; double* pi = im + k;
                for (int s = 0; s < sectors; s++) {
                    if (size[s] == 1) sector_t(pr, pi, off[s], c + start[s], 1, real);
                    else if (size[s] == 2) sector_t(pr, pi, off[s], c + start[s], 2, real);
                    else if (size[s] == 3) sector_t(pr, pi, off[s], c + start[s], 3, real);
                    else if (size[s] == 4) sector_t(pr, pi, off[s], c + start[s], 4, real);
                    else sector_t(pr, pi, off[s], c + start[s], 5, real);
                }
            }
}
static void ps_pair(double* re, double* im, long total, long si, int di, long sj, int dj, const double* c,
                    int real) {
    if (!real && di == 3 && dj == 3) {
        const long one[2] = {si, sj}, two[3] = {2 * si, si + sj, 2 * sj}, three[2] = {2 * si + sj, si + 2 * sj};
        for (long hi = 0; hi < total; hi += 3 * sj)
            for (long mid = hi; mid < hi + sj; mid += 3 * si)
                for (long k = mid; k < mid + si; k += 4) {
                    sector_t(re + k, im + k, one, c + 1, 2, 0);
                    sector_t(re + k, im + k, two, c + 5, 3, 0);
                    sector_t(re + k, im + k, three, c + 14, 2, 0);
                }
    } else if (!real && di == 2 && dj == 2) {
        const long one[2] = {si, sj};
        for (long hi = 0; hi < total; hi += 2 * sj)
            for (long mid = hi; mid < hi + sj; mid += 2 * si)
                for (long k = mid; k < mid + si; k += 4) sector_t(re + k, im + k, one, c + 1, 2, 0);
    } else if (real) pair_t(re, im, total, si, di, sj, dj, c, 1);
    else pair_t(re, im, total, si, di, sj, dj, c, 0);
}

/* the same for a transmon of the row group (stride rho) and one outside; c[a][b][DP] */
INL void pairrow_t(double* re, double* im, long total, long rho, long sj, const int dj, const double* c,
                   const int nv, const int real) {
    const int dp = 4 * nv;
    for (long hi = 0; hi < total; hi += sj * dj)
        for (long k = hi; k < hi + sj; k += dp) {
            v4 yr[5][2], yi[5][2];
            for (int a = 0; a < dj; a++)
                for (int w = 0; w < nv; w++) {
                    v4 sr = {0, 0, 0, 0}, si = {0, 0, 0, 0};
                    for (int b = 0; b < dj; b++) {
                        const long at = k + b * sj + (real ? b - a : a - b) * rho + 4 * w;
                        v4 m = LD(c + (a * dj + b) * dp + 4 * w);
                        v4 xr = LD(re + at), xi = LD(im + at);
                        if (real || ((a - b) & 1) == 0) { sr += m * xr; si += m * xi; }
                        else { sr += m * xi; si -= m * xr; }
                    }
                    yr[a][w] = sr; yi[a][w] = si;
                }
            for (int a = 0; a < dj; a++)
                for (int w = 0; w < nv; w++) {
                    ST(re + k + a * sj + 4 * w, yr[a][w]); ST(im + k + a * sj + 4 * w, yi[a][w]);
                }
        }
}
/* rows of four: turned by the outer transmon's level, so that sectors share a lane */
INL void pairfour_t(double* re, double* im, long total, const int rho, long sj, const int dj, const double* c,
                    const int real) {
    const int step = real ? -rho : rho;
    v4 m[5][5];
    for (int a = 0; a < dj; a++)
        for (int b = 0; b < dj; b++) m[a][b] = rotate(LD(c + (a * dj + b) * 4), -a * step);
    for (long hi = 0; hi < total; hi += sj * dj)
        for (long k = hi; k < hi + sj; k += 4) {
            v4 xr[5], xi[5];
            for (int b = 0; b < dj; b++) {
                xr[b] = rotate(LD(re + k + b * sj), -b * step); xi[b] = rotate(LD(im + k + b * sj), -b * step);
            }
            for (int a = 0; a < dj; a++) {
                v4 sr = {0, 0, 0, 0}, si = {0, 0, 0, 0};
                for (int b = 0; b < dj; b++) {
                    if (real || ((a - b) & 1) == 0) { sr += m[a][b] * xr[b]; si += m[a][b] * xi[b]; }
                    else { sr += m[a][b] * xi[b]; si -= m[a][b] * xr[b]; }
                }
                ST(re + k + a * sj, rotate(sr, a * step)); ST(im + k + a * sj, rotate(si, a * step));
            }
        }
}
INL void pairfour_d(double* re, double* im, long total, const int rho, long sj, int dj, const double* c,
                    const int real) {
    if (dj == 2) pairfour_t(re, im, total, rho, sj, 2, c, real);
    else if (dj == 3) pairfour_t(re, im, total, rho, sj, 3, c, real);
    else if (dj == 4) pairfour_t(re, im, total, rho, sj, 4, c, real);
    else pairfour_t(re, im, total, rho, sj, 5, c, real);
}
INL void paireight_d(double* re, double* im, long total, long rho, long sj, int dj, const double* c,
                     const int real) {
    if (dj == 2) pairrow_t(re, im, total, rho, sj, 2, c, 2, real);
    else if (dj == 3) pairrow_t(re, im, total, rho, sj, 3, c, 2, real);
    else if (dj == 4) pairrow_t(re, im, total, rho, sj, 4, c, 2, real);
    else pairrow_t(re, im, total, rho, sj, 5, c, 2, real);
}
static void ps_pairrow(double* re, double* im, long total, long rho, long sj, int dj, const double* c, int dp,
                       int real) {
    if (dp == 8) { if (real) paireight_d(re, im, total, rho, sj, dj, c, 1);
                   else paireight_d(re, im, total, rho, sj, dj, c, 0); }
    else if (rho == 1) { if (real) pairfour_d(re, im, total, 1, sj, dj, c, 1);
                         else pairfour_d(re, im, total, 1, sj, dj, c, 0); }
    else { if (real) pairfour_d(re, im, total, 2, sj, dj, c, 1);
           else pairfour_d(re, im, total, 2, sj, dj, c, 0); }
}

static void ps_diagonal(double* re, double* im, long total, const double* dr, const double* di) {
    for (long k = 0; k < total; k += 4) {
        v4 a = LD(dr + k), b = LD(di + k), x = LD(re + k), y = LD(im + k);
        v4 p = a * x, q = a * y;
        p -= b * y; q += b * x;
        ST(re + k, p); ST(im + k, q);
    }
}

/* a whole program; see split.run */
typedef struct {
    long total, dp, n, group, d0, gates;
    const long *levels, *strides, *segments, *busy, *layers, *kinds;
    const double *tables, *pool, *diagonal;
    long width[64], blocks[64];
} course_t;

enum { SEG_STEPS, SEG_KIND, SEG_FIRST, SEG_HAD, SEG_LAST, SEG_BUSY, SEG_BACK, SEG_COLUMNS };
#define SEGMENT(k) (c->segments + SEG_COLUMNS * (k))

static course_t outer_course(long total, long dp, long n, long group, const long* levels, const long* strides,
                             const long* segments, const long* busy, const double* tables, const long* layers,
                             long gates, const double* pool, const long* kinds, const double* diagonal) {
    course_t c = {total, dp, n, group, levels[0] * (group == 2 ? levels[1] : 1), gates, levels, strides, segments, busy,
                  layers, kinds, tables, pool, diagonal, {0}, {0}};
    for (long q = 0; q < n; q++) {
        c.blocks[q] = total / (strides[q] * levels[q]);
        c.width[q] = 2 * levels[q] * levels[q];
    }
    return c;
}

/* a layer of couplings */
static void outer_layer(const course_t* c, long which, double* re, double* im) {
    const long* g = c->layers + 6 * which * c->gates;
    for (long k = 0; k < c->gates; k++, g += 6) {
        const double* number = c->pool + g[5];
        if (g[0] == 0 || g[0] == 3) ps_pair(re, im, c->total, g[1], (int)g[2], g[3], (int)g[4], number, g[0] == 3);
        else if (g[0] == 1 || g[0] == 4)
            ps_pairrow(re, im, c->total, g[1], g[3], (int)g[4], number, (int)c->dp, g[0] == 4);
        else ps_swap(re, im, c->total, number);
    }
}

/* what a segment's steps need before the first of them */
static void outer_begin(const course_t* c, long k, int whole, double* re, double* im) {
    const long* s = SEGMENT(k);
    if (s[SEG_FIRST] >= 0 && (whole || !s[SEG_HAD])) outer_layer(c, s[SEG_FIRST], re, im);
}

/* columns of the row group's unitary, of the first transmon's and the second's; NULL: none */
static void outer_row(const course_t* c, const double* u0, const double* u1, double* cr, double* ci) {
    const long d0 = c->levels[0], dp = c->dp;
    if (c->group == 1) {
        for (long b = 0; b < d0; b++)
            for (long a = 0; a < dp; a++) {
                cr[b * dp + a] = a < d0 ? u0[2 * (a * d0 + b)] : 0.0;
                ci[b * dp + a] = a < d0 ? u0[2 * (a * d0 + b) + 1] : 0.0;
            }
        return;
    }
    const long d1 = c->levels[1];
    for (long k = 0; k < d0 * d1 * dp; k++) cr[k] = ci[k] = 0.0;
    for (long f = 0; f < d1; f++)
        for (long e = 0; e < d1; e++) {
            double qr = u1 ? u1[2 * (f * d1 + e)] : f == e, qi = u1 ? u1[2 * (f * d1 + e) + 1] : 0.0;
            for (long a = 0; a < d0; a++)
                for (long b = 0; b < d0; b++) {
                    double pr = u0 ? u0[2 * (a * d0 + b)] : a == b, pi = u0 ? u0[2 * (a * d0 + b) + 1] : 0.0;
                    cr[(e * d0 + b) * dp + f * d0 + a] = pr * qr - pi * qi;
                    ci[(e * d0 + b) * dp + f * d0 + a] = pr * qi + pi * qr;
                }
        }
}

/* step t of segment k: its diagonal, its local unitaries (the first takes up the diagonal), the layer after it */
static void outer_step(const course_t* c, long k, long t, double* re, double* im) {
    const long *s = SEGMENT(k), *kinds = c->kinds + 2 * s[SEG_KIND];
    const double *er = 0, *ei = 0, *u0 = 0, *u1 = 0;
    int rowbusy = 0;
    if (kinds[0] >= 0) {
        er = c->diagonal + 2 * kinds[0] * c->total;
        ei = er + c->total;
    }
    for (long b = s[SEG_BUSY]; b < s[SEG_COLUMNS + SEG_BUSY]; b++) {
        const long q = c->busy[2 * b];
        const double* u = c->tables + c->busy[2 * b + 1] + t * c->width[q];
        if (q < c->group) {
            rowbusy = 1;
            if (q == 0) u0 = u;
            else u1 = u;
        } else {
            ps_local(re, im, c->strides[q], c->blocks[q], u, er, ei, (int)c->levels[q]);
            er = ei = 0;
        }
    }
    if (er) ps_diagonal(re, im, c->total, er, ei);
    if (rowbusy) {
        double cr[64], ci[64];
        outer_row(c, u0, u1, cr, ci);
        ps_row(re, im, c->total / c->dp, cr, ci, (int)c->d0, (int)c->dp);
    }
    const long layer = t == s[SEG_STEPS] - 1 && s[SEG_LAST] != -2 ? s[SEG_LAST] : kinds[1];
    if (layer >= 0) outer_layer(c, layer, re, im);
}

#endif
