"""Split-operator steps on one ket: local unitaries, pair gates, diagonals.

A ket is two float64 arrays (real, imaginary part) of ``rows`` rows. A row
holds the first few transmons (the row group, dimension D0), padded with zeros
to DP = 4 or 8 entries; the others follow, slowest last. MARGIN doubles before
and after the data may be read (they are multiplied by zero).
"""

from libc.math cimport cos, exp, sin
from libc.string cimport memcpy, memset

cdef enum:
    TURNS = 16  # rows over which a carrier's phase is multiplied up

cdef extern from *:
    """
    #include <math.h>
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

    /* four exponentials at once: x <- exp(-i tau (diag + f a + conj(f) a^dag)) x, d <= 5 */
    INL void exp_t(const double* diag, v4 fr, v4 fi, v4 tau, double longest, double strong, v4* xr, v4* xi, const int d) {
        double centre = 0, norm = 0;
        for (int k = 0; k < d; k++) centre += diag[k] / d;
        for (int k = 0; k < d; k++) { double e = fabs(diag[k] - centre) * longest; if (e > norm) norm = e; }
        norm += 2 * sqrt((double)(d - 1)) * strong * longest;
        int parts = 1 + (int)(norm / 1.5);
        double share = 1.0 / parts, x = norm * share, size = 1;
        int orders = 1;
        for (; orders < 30; orders++) { size *= x / orders; if (size < 3e-16) break; }
        v4 e[5], sr[5], si[5];
        for (int k = 0; k < d; k++) e[k] = (centre - diag[k]) * share * tau;
        for (int k = 0; k < d - 1; k++) {
            double q = sqrt((double)(k + 1)) * share;
            sr[k] = q * tau * fi; si[k] = -q * tau * fr;
        }
        for (int part = 0; part < parts; part++)
            for (int b = 0; b < d; b++) {
                v4 tr[5], ti[5], nr[5], ni[5];
                for (int a = 0; a < d; a++) { tr[a] = xr[a * d + b]; ti[a] = xi[a * d + b]; }
                for (int order = 1; order <= orders; order++) {
                    const double inv = 1.0 / order;
                    for (int a = 0; a < d; a++) {
                        v4 p = -e[a] * ti[a], q = e[a] * tr[a];
                        if (a + 1 < d) {
                            p += sr[a] * tr[a + 1]; p -= si[a] * ti[a + 1];
                            q += sr[a] * ti[a + 1]; q += si[a] * tr[a + 1];
                        }
                        if (a > 0) {
                            p -= sr[a - 1] * tr[a - 1]; p -= si[a - 1] * ti[a - 1];
                            q -= sr[a - 1] * ti[a - 1]; q += si[a - 1] * tr[a - 1];
                        }
                        nr[a] = inv * p; ni[a] = inv * q;
                    }
                    for (int a = 0; a < d; a++) {
                        tr[a] = nr[a]; ti[a] = ni[a];
                        xr[a * d + b] += nr[a]; xi[a * d + b] += ni[a];
                    }
                }
            }
        v4 pc, ps;
        for (int l = 0; l < 4; l++) { pc[l] = cos(centre * tau[l]); ps[l] = -sin(centre * tau[l]); }
        for (int k = 0; k < d * d; k++) {
            v4 p = xr[k], q = xi[k];
            xr[k] = p * pc - q * ps; xi[k] = p * ps + q * pc;
        }
    }
    static void ps_exp(const double* diag, const v4* f, v4 tau, double longest, double strong, v4* xr, v4* xi, int d) {
        if (d == 2) exp_t(diag, f[0], f[1], tau, longest, strong, xr, xi, 2);
        else if (d == 3) exp_t(diag, f[0], f[1], tau, longest, strong, xr, xi, 3);
        else if (d == 4) exp_t(diag, f[0], f[1], tau, longest, strong, xr, xi, 4);
        else exp_t(diag, f[0], f[1], tau, longest, strong, xr, xi, 5);
    }
    /* propagators of up to four pieces, out[piece][d * d][2] */
    static void ps_pieces(const double* diag, const double* tau, const double* f1, const double* f2, int count, int d,
                          double* out) {
        v4 xr[25], xi[25], f[4], t = {0, 0, 0, 0};
        double longest = 0, strong = 0;
        int two = 0;
        for (int k = 0; k < 4; k++) f[k] = (v4){0, 0, 0, 0};
        for (int l = 0; l < count; l++) {
            f[0][l] = f1[2 * l]; f[1][l] = f1[2 * l + 1]; f[2][l] = f2[2 * l]; f[3][l] = f2[2 * l + 1];
            t[l] = tau[l];
            if (tau[l] > longest) longest = tau[l];
            for (int k = 0; k < 2; k++) {
                double s1 = fabs(f[2 * k][l]) + fabs(f[2 * k + 1][l]);
                if (s1 > strong) strong = s1;
            }
            if (f[0][l] != f[2][l] || f[1][l] != f[3][l]) two = 1;
        }
        for (int k = 0; k < d * d; k++) {
            double one = k % (d + 1) == 0 ? 1.0 : 0.0;
            xr[k] = (v4){one, one, one, one}; xi[k] = (v4){0, 0, 0, 0};
        }
        if (two) {
            ps_exp(diag, f, 0.5 * t, longest / 2, strong, xr, xi, d);
            ps_exp(diag, f + 2, 0.5 * t, longest / 2, strong, xr, xi, d);
        } else
            ps_exp(diag, f, t, longest, strong, xr, xi, d);
        for (int l = 0; l < count; l++)
            for (int k = 0; k < d * d; k++) {
                out[2 * (l * d * d + k)] = xr[k][l]; out[2 * (l * d * d + k) + 1] = xi[k][l];
            }
    }
    /* out[a][b] <- z^(b - a) u[a][b], given the powers of z, |z| = 1 */
    static void ps_seen(const double* u, const double* zr, const double* zi, double* out, int d) {
        for (int a = 0; a < d; a++)
            for (int b = 0; b < d; b++) {
                int k = 2 * (a * d + b), n = a < b ? b - a : a - b;
                double p = zr[n], q = a < b ? zi[n] : -zi[n];
                out[k] = u[k] * p - u[k + 1] * q;
                out[k + 1] = u[k] * q + u[k + 1] * p;
            }
    }
    /* out <- u out, d x d complex; u^dag where back */
    INL void times_t(const double* u, double* out, const int back, const int d) {
        double n[50];
        for (int a = 0; a < d; a++)
            for (int b = 0; b < d; b++) {
                double p = 0, q = 0;
                for (int c = 0; c < d; c++) {
                    const int k = back ? c * d + a : a * d + c;
                    double ur = u[2 * k], ui = back ? -u[2 * k + 1] : u[2 * k + 1];
                    double vr = out[2 * (c * d + b)], vi = out[2 * (c * d + b) + 1];
                    p += ur * vr - ui * vi; q += ur * vi + ui * vr;
                }
                n[2 * (a * d + b)] = p; n[2 * (a * d + b) + 1] = q;
            }
        for (int k = 0; k < 2 * d * d; k++) out[k] = n[k];
    }
    static void ps_times(const double* u, double* out, int d) {
        if (d == 2) times_t(u, out, 0, 2);
        else if (d == 3) times_t(u, out, 0, 3);
        else if (d == 4) times_t(u, out, 0, 4);
        else times_t(u, out, 0, 5);
    }
    static void ps_untimes(const double* u, double* out, int d) {
        if (d == 2) times_t(u, out, 1, 2);
        else if (d == 3) times_t(u, out, 1, 3);
        else if (d == 4) times_t(u, out, 1, 4);
        else times_t(u, out, 1, 5);
    }
    """
    void ps_local(double*, double*, long, long, const double*, const double*, const double*, int) nogil
    void ps_row(double*, double*, long, const double*, const double*, int, int) nogil
    void ps_pair(double*, double*, long, long, int, long, int, const double*, int) nogil
    void ps_pairrow(double*, double*, long, long, long, int, const double*, int, int) nogil
    void ps_swap(double*, double*, long, const double*) nogil
    double fours_norm(const double*, const double*, long) nogil
    void ps_diagonal(double*, double*, long, const double*, const double*) nogil
    double fours_mean(const double*, const double*, const double*, long) nogil
    void ps_seen(const double*, const double*, const double*, double*, int) nogil
    void ps_pieces(const double*, const double*, const double*, const double*, int, int, double*) nogil
    void ps_times(const double*, double*, int) nogil
    void ps_untimes(const double*, double*, int) nogil


def local_products(const double[::1] diagonal, const double[::1] tau, const double[:, ::1] f1,
                   const double[:, ::1] f2, const long[::1] first, double[:, :, ::1] out):
    """Write the local propagator of every stage, products of Magnus-4 pieces.

    Args:
        diagonal: float64[d], rad/s.
        tau: float64[pieces], s.
        f1, f2: float64[pieces, 2], the two exponents' drive, rad/s (times a).
        first: int64[stages + 1], each stage's first piece.
        out: float64[stages, d * d, 2].
    """
    cdef Py_ssize_t s, p, k, pieces = tau.shape[0], stages = out.shape[0]
    cdef int d = diagonal.shape[0], count
    cdef double[200] quad
    cdef double* target
    with nogil:
        if pieces == stages:
            for p in range(0, pieces - 3, 4):
                ps_pieces(&diagonal[0], &tau[p], &f1[p, 0], &f2[p, 0], 4, d, &out[p, 0, 0])
            p = pieces - pieces % 4
            if p < pieces:
                ps_pieces(&diagonal[0], &tau[p], &f1[p, 0], &f2[p, 0], <int>(pieces - p), d, &out[p, 0, 0])
        else:
            for s in range(stages):
                target = &out[s, 0, 0]
                for k in range(d * d):
                    target[2 * k] = 1.0 if k % (d + 1) == 0 else 0.0
                    target[2 * k + 1] = 0.0
                p = first[s]
                while p < first[s + 1]:
                    count = <int>(first[s + 1] - p)
                    if count > 4:
                        count = 4
                    ps_pieces(&diagonal[0], &tau[p], &f1[p, 0], &f2[p, 0], count, d, &quad[0])
                    for k in range(count):
                        ps_times(&quad[2 * k * d * d], target, d)
                    p += count


cdef void _row_matrix(const long* levels, int group, const double* u0, const double* u1, double* cr, double* ci,
                      int dp) noexcept nogil:
    cdef int d0 = levels[0], d1 = levels[1] if group == 2 else 1
    cdef int a, b, c, e
    cdef double pr, pi, qr, qi
    if group == 1:
        for b in range(d0):
            for a in range(dp):
                cr[b * dp + a] = u0[2 * (a * d0 + b)] if a < d0 else 0.0
                ci[b * dp + a] = u0[2 * (a * d0 + b) + 1] if a < d0 else 0.0
        return
    for a in range(d0 * d1 * dp):
        cr[a] = 0.0
        ci[a] = 0.0
    for c in range(d1):
        for e in range(d1):
            qr = (1.0 if c == e else 0.0) if u1 == NULL else u1[2 * (c * d1 + e)]
            qi = 0.0 if u1 == NULL else u1[2 * (c * d1 + e) + 1]
            for a in range(d0):
                for b in range(d0):
                    pr = (1.0 if a == b else 0.0) if u0 == NULL else u0[2 * (a * d0 + b)]
                    pi = 0.0 if u0 == NULL else u0[2 * (a * d0 + b) + 1]
                    cr[(e * d0 + b) * dp + c * d0 + a] = pr * qr - pi * qi
                    ci[(e * d0 + b) * dp + c * d0 + a] = pr * qi + pi * qr


cdef void _layer(double* re, double* im, long total, const long[:, ::1] gates, const double* pool,
                 int dp) noexcept nogil:
    cdef Py_ssize_t g
    for g in range(gates.shape[0]):
        if gates[g, 0] == 0 or gates[g, 0] == 3:
            ps_pair(re, im, total, gates[g, 1], <int>gates[g, 2], gates[g, 3], <int>gates[g, 4], pool + gates[g, 5],
                    gates[g, 0] == 3)
        elif gates[g, 0] == 1 or gates[g, 0] == 4:
            ps_pairrow(re, im, total, gates[g, 1], gates[g, 3], <int>gates[g, 4], pool + gates[g, 5], dp,
                       gates[g, 0] == 4)
        else:
            ps_swap(re, im, total, pool + gates[g, 5])


def run(double[:, ::1] re, double[:, ::1] im, long margin, long total, const long[::1] levels,
        const long[::1] strides, int group, int dp, const long[:, ::1] segments, const long[:, ::1] busy,
        const double[::1] tables, const long[:, :, ::1] layers, const double[::1] pool, const long[:, ::1] kinds,
        const double[:, :, ::1] diagonal, long[:, ::1] place, long budget, const double[::1] span,
        const double[::1] rate, const double[::1] threshold, double[::1] lent, double[:, ::1] fallen_re,
        double[:, ::1] fallen_im, long[:, ::1] falls):
    """Run outer steps K A K A ... of a whole program on kets, one after another, in place.

    Each step is its diagonal, its local unitaries (the first takes up the
    diagonal), then the coupling layer after it. A segment's steps are of one
    length.

    The squared norm of a ket is watched where thresholds wait for it. At a
    step at whose end it is, half a step earlier or so, not above the next
    ones, the ket is copied, whole, and goes on for those that still wait;
    nothing is left to do where none does.

    Args:
        re, im: float64[kets, at least margin + total + margin].
        levels, strides: int64[n]; of a row-group qubit, its stride in the row.
        group: qubits in the row group (1 or 2). dp: padded row length.
        segments: int64[m, 7]: steps, row of ``kinds``, layer before the first
            step (-1: none), whether the step before has had it, layer after
            the last step (-2: the usual one, -1: none), first row of ``busy``,
            layer that takes back what a step has of the next (-1: none); one
            more row closes the last.
        busy: int64[k, 2]: site with local unitaries, ascending in a segment,
            and where its first one is in ``tables``.
        tables: float64[all], local unitaries float64[d, d, 2], those of a
            site and a segment one after another, one per step.
        layers: int64[kinds, gates, 6]: (kind, si, di, sj, dj, offset in pool).
        kinds: int64[rows, 2]: diagonal of a step, then the layer after it;
            -1: none.
        diagonal: float64[kinds, 2, total].
        place: int64[kets, 5]: the segment, the steps done of it, whether the
            ket is whole (without a layer of the next step), the first of
            ``threshold`` that waits and behind the last; moved on.
        budget: how many steps to do at most.
        span: float64[m], length of a segment's steps, s.
        rate: float64[total], at which amplitudes' squares decay, 1/s; empty:
            nothing is watched.
        threshold: float64[all], squared norms, not ascending for a ket.
        lent: float64[kets], what half a step takes of the squared norm.
        fallen_re, fallen_im: float64[most, as re], copies.
        falls: int64[most + 1, 5]: ket, first threshold that it fell to and
            behind the last, segment, steps done; the first number of the last
            row counts them, and no step is done where there are ``most``.

    Returns:
        Whether all kets are at the end.
    """
    cdef bint done
    with nogil:
        done = _run(re, im, margin, total, levels, strides, group, dp, segments, busy, tables, layers, pool, kinds,
                    diagonal, place, budget, span, rate, threshold, lent, fallen_re, fallen_im, falls)
    return done


cdef bint _run(double[:, ::1] re, double[:, ::1] im, long margin, long total, const long[::1] levels,
               const long[::1] strides, int group, int dp, const long[:, ::1] segments, const long[:, ::1] busy,
               const double[::1] tables, const long[:, :, ::1] layers, const double[::1] pool,
               const long[:, ::1] kinds, const double[:, :, ::1] diagonal, long[:, ::1] place, long budget,
               const double[::1] span, const double[::1] rate, const double[::1] threshold, double[::1] lent,
               double[:, ::1] fallen_re, double[:, ::1] fallen_im, long[:, ::1] falls) noexcept nogil:
    cdef Py_ssize_t last = segments.shape[0] - 1, most = falls.shape[0] - 1, r, k, t, b, q, first, count, at
    cdef double* pr
    cdef double* pi
    cdef const double* u
    cdef long width[64]
    cdef long blocks[64]
    cdef double cr[64]
    cdef double ci[64]
    cdef const double* u0
    cdef const double* u1
    cdef const double* er
    cdef const double* ei
    cdef double norm
    cdef int d0 = <int>(levels[0] * (levels[1] if group == 2 else 1))
    cdef long kind, z
    cdef bint rowbusy, fresh, watched = rate.shape[0] > 0
    for q in range(levels.shape[0]):
        blocks[q] = total // (strides[q] * levels[q])
        width[q] = 2 * levels[q] * levels[q]
    for r in range(re.shape[0]):
        pr = &re[r, margin]
        pi = &im[r, margin]
        k = place[r, 0]
        t = place[r, 1]
        fresh = place[r, 2]
        while k < last and budget > 0 and falls[most, 0] < most:
            count = segments[k, 0]
            first = segments[k, 5]
            z = segments[k, 1]
            if t == 0 or fresh:
                if watched:
                    lent[r] = exp(0.5 * span[k] * fours_mean(pr, pi, &rate[0], total))
                if segments[k, 2] >= 0 and (fresh or not segments[k, 3]):
                    _layer(pr, pi, total, layers[segments[k, 2]], &pool[0], dp)
                fresh = False
            while t < count and budget > 0 and falls[most, 0] < most:
                er = ei = NULL
                if kinds[z, 0] >= 0:
                    er = &diagonal[kinds[z, 0], 0, 0]
                    ei = &diagonal[kinds[z, 0], 1, 0]
                u0 = NULL
                u1 = NULL
                rowbusy = False
                for b in range(first, segments[k + 1, 5]):
                    q = busy[b, 0]
                    u = &tables[0] + busy[b, 1] + t * width[q]
                    if q < group:
                        rowbusy = True
                        if q == 0:
                            u0 = u
                        else:
                            u1 = u
                    else:
                        ps_local(pr, pi, strides[q], blocks[q], u, er, ei, <int>levels[q])
                        er = ei = NULL
                if er != NULL:
                    ps_diagonal(pr, pi, total, er, ei)
                if rowbusy:
                    _row_matrix(&levels[0], group, u0, u1, cr, ci, dp)
                    ps_row(pr, pi, total // dp, cr, ci, d0, dp)
                kind = kinds[z, 1]
                if t == count - 1 and segments[k, 4] != -2:
                    kind = segments[k, 4]
                if kind >= 0:
                    _layer(pr, pi, total, layers[kind], &pool[0], dp)
                t += 1
                budget -= 1
                if watched:
                    norm = fours_norm(pr, pi, total)
                    at = place[r, 3]
                    while place[r, 3] < place[r, 4] and norm <= threshold[place[r, 3]] * lent[r]:
                        place[r, 3] += 1
                    if place[r, 3] > at:
                        b = falls[most, 0]
                        memcpy(&fallen_re[b, 0], &re[r, 0], re.shape[1] * sizeof(double))
                        memcpy(&fallen_im[b, 0], &im[r, 0], re.shape[1] * sizeof(double))
                        if segments[k, 6] >= 0 and (t < count or segments[k, 4] == -2):
                            _layer(&fallen_re[b, margin], &fallen_im[b, margin], total, layers[segments[k, 6]],
                                   &pool[0], dp)
                        falls[b, 0] = r
                        falls[b, 1] = at
                        falls[b, 2] = place[r, 3]
                        falls[b, 3] = k if t < count else k + 1
                        falls[b, 4] = t if t < count else 0
                        falls[most, 0] += 1
                        if place[r, 3] == place[r, 4]:
                            k = last - 1
                            t = count = segments[k, 0]
            if t == count:
                k += 1
                t = 0
        place[r, 0] = k
        place[r, 1] = t
        place[r, 2] = fresh
        if k < last:
            break
    return k == last


# Tables of all transmons lie in one array, one after another: float64[rows, d, d, 2] each. ``sites``, int64[k, 5], has
# per table: local qubit, its first number in the array that is read, rows written, its first number in the array that
# is written, and its first entry in a list of one per row.


def products(const double[::1] fine, const long[:, ::1] sites, const long[::1] levels, const long[::1] count,
             double[::1] out):
    """Write products of runs, out[k] = the product of the next count[k] of ``fine``.

    Args:
        fine, out: tables. sites: int64[k, 5], see above.
        levels: int64[n].
        count: int64[all rows], each at least one.
    """
    cdef Py_ssize_t n, k, p, size
    cdef int d
    cdef const double* u
    cdef double* target
    with nogil:
        for n in range(sites.shape[0]):
            d = <int>levels[sites[n, 0]]
            size = 2 * d * d
            u = &fine[0] + sites[n, 1]
            target = &out[0] + sites[n, 3]
            for k in range(sites[n, 2]):
                memcpy(target, u, size * sizeof(double))
                for p in range(1, count[sites[n, 4] + k]):
                    ps_times(u + p * size, target, d)
                u += count[sites[n, 4] + k] * size
                target += size


def carried(const double[:, ::1] energies, const long[::1] levels, const long[:, ::1] sites,
            const long[:, ::1] tones, const double[:, ::1] numbers, const double[:, ::1] samples, double tau,
            long per, double[::1] out):
    """Write local propagators where at most one carrier plays at a time.

    A held sample is constant in the carrier's frame: one exponential for every
    run of equal ones, then the frame's phases at the edges. Where nothing
    plays, a propagator is a phase per level.

    Args:
        energies: float64[n, 5], rad/s, common frame. levels: int64[n].
        sites: int64[k, 5], see above; the last column is a table's first tone,
            those of all tables in order; one more row closes the last.
        tones: int64[n, 4]: first row of its table, rows, how many rows after
            its beginning the tone is then, its first row in ``samples``.
        numbers: float64[n, 4]: factor of the samples (re, im), rad/s; the
            carrier in the common frame, rad/s; time of the first row, s.
        samples: float64[all, 2].
        tau: length of a row, s.
        per: rows per sample.
        out: tables.
    """
    with nogil:
        _carried(energies, levels, sites, tones, numbers, samples, tau, per, out)


cdef void _carried(const double[:, ::1] energies, const long[::1] levels, const long[:, ::1] sites,
                   const long[:, ::1] tones, const double[:, ::1] numbers, const double[:, ::1] samples, double tau,
                   long per, double[::1] out) noexcept nogil:
    cdef Py_ssize_t n, i, k, size, where
    cdef int d
    cdef double[50] idle
    cdef double* target
    for n in range(sites.shape[0] - 1):
        d = <int>levels[sites[n, 0]]
        size = 2 * d * d
        target = &out[0] + sites[n, 3]
        for k in range(size):
            idle[k] = 0.0
        for k in range(d):
            idle[2 * k * (d + 1)] = cos(energies[sites[n, 0], k] * tau)
            idle[2 * k * (d + 1) + 1] = -sin(energies[sites[n, 0], k] * tau)
        where = 0
        for i in range(sites[n, 4], sites[n + 1, 4]):
            for k in range(where, tones[i, 0]):
                memcpy(target + k * size, idle, size * sizeof(double))
            _tone(&energies[sites[n, 0], 0], d, tones[i], numbers[i], samples, tau, per,
                  target + tones[i, 0] * size)
            where = tones[i, 0] + tones[i, 1]
        for k in range(where, sites[n, 2]):
            memcpy(target + k * size, idle, size * sizeof(double))


cdef void _tone(const double* energies, int d, const long[::1] tone, const double[::1] number,
                const double[:, ::1] samples, double tau, long per, double* out) noexcept nogil:
    cdef Py_ssize_t i = 0, j, r, a, k, runs, dd = d * d
    cdef double[5] shifted, zr, zi, wr, wi
    cdef double[4] taus
    cdef double[8] f
    cdef double[200] quad
    cdef Py_ssize_t[5] begin
    cdef double sr, si, xr, xi, offset = number[2], x, cx = 1.0, sx = 0.0
    for k in range(4):
        taus[k] = tau
    for a in range(d):
        shifted[a] = energies[a] - offset * a
    _powers(cos(offset * tau), -sin(offset * tau), d, wr, wi)
    while i < tone[1]:
        runs = 0
        begin[0] = i
        while i < tone[1] and runs < 4:
            k = tone[3] + (tone[2] + i) // per
            sr = samples[k, 0]
            si = samples[k, 1]
            f[2 * runs] = number[0] * sr - number[1] * si
            f[2 * runs + 1] = number[0] * si + number[1] * sr
            i += 1
            while i < tone[1]:
                k = tone[3] + (tone[2] + i) // per
                if samples[k, 0] != sr or samples[k, 1] != si:
                    break
                i += 1
            runs += 1
            begin[runs] = i
        ps_pieces(shifted, taus, f, f, <int>runs, d, quad)
        for r in range(runs):
            for a in range(d):
                for k in range(d):
                    j = 2 * (r * dd + a * d + k)
                    xr = quad[j]
                    xi = quad[j + 1]
                    quad[j] = xr * wr[a] - xi * wi[a]
                    quad[j + 1] = xr * wi[a] + xi * wr[a]
            for j in range(begin[r], begin[r + 1]):
                if j % TURNS == 0:
                    x = offset * (number[3] + j * tau)
                    cx = cos(x)
                    sx = sin(x)
                _powers(cx, sx, d, zr, zi)
                x = cx * wr[1] + sx * wi[1]
                sx = sx * wr[1] - cx * wi[1]
                cx = x
                ps_seen(quad + 2 * r * dd, zr, zi, out + 2 * j * dd, d)


cdef void _kinks(const long[:, ::1] tones, const double[:, ::1] numbers, const double[:, ::1] samples, double dt,
                 double weight, double[:, :, ::1] out, double[::1] rough) noexcept nogil:
    cdef Py_ssize_t n, i, p, k, q, count
    cdef double xr, xi, jr, ji, t, part, ar, ai, br, bi
    for n in range(tones.shape[0]):
        part = 0.0
        ar = ai = br = bi = 0.0
        count = tones[n, 1]
        q = tones[n, 4]
        i = 1 - tones[n, 0] % 2
        while i <= count:
            p = tones[n, 0] + i
            k = tones[n, 3] + tones[n, 2] + i
            jr = samples[k, 0] if i < count else 0.0
            ji = samples[k, 1] if i < count else 0.0
            if i + tones[n, 2] > 0:
                jr = jr - samples[k - 1, 0]
                ji = ji - samples[k - 1, 1]
            part += (jr - 2 * br + ar) ** 2 + (ji - 2 * bi + ai) ** 2
            ar, ai, br, bi = br, bi, jr, ji
            if jr != 0 or ji != 0:
                t = numbers[n, 2] * (numbers[n, 3] + i * dt)
                xr = weight * (numbers[n, 0] * jr - numbers[n, 1] * ji)
                xi = weight * (numbers[n, 0] * ji + numbers[n, 1] * jr)
                jr = cos(t)
                ji = sin(t)
                for k in range(p // 2, p // 2 + 2):
                    out[q, k, 0] += xr * jr - xi * ji
                    out[q, k, 1] += xr * ji + xi * jr
            i += 2
        part += (ar - 2 * br) ** 2 + (ai - 2 * bi) ** 2 + br * br + bi * bi
        rough[q] += part * (numbers[n, 0] ** 2 + numbers[n, 1] ** 2)


def straightened(const double[::1] fine, const long[:, ::1] sites, const long[::1] levels, const long[::1] place,
                 const long[:, ::1] tones, const double[:, ::1] numbers, const double[:, ::1] samples, double dt,
                 double weight, double[:, :, ::1] kick, double[::1] rough, double[::1] out):
    """Write products of neighbours between small drives at the edges, which are how drives jump in their middle.

    out[k] = E[p + 1]^dag fine[2 k + 1] fine[2 k] E[p], p = place[k], and two
    rows more, E[0]^dag and E[-1]; E[p] = exp(-i (kick[p] a + h.c.)). A jump at
    an odd sample is in the kicks at the even ones on both sides.

    Args:
        fine, out: tables. sites: int64[k, 5], see above; its rows are without
            the two more.
        levels: int64[n].
        place: int64[all rows], ascending for every table.
        tones: int64[n, 5]: first sample, samples, samples before that of the
            tone, its first row in ``samples``, local qubit.
        numbers: float64[n, 4]: as of :func:`carried`, at the first sample.
        samples: float64[all, 2].
        dt: s.
        weight: of a jump, in each of the two, s; twice that in the first and
            the last.
        kick: float64[n, edges, 2], dimensionless, zeros; gets the kicks.
        rough: float64[n], zeros; gets the sums of squares of the jumps'
            second differences, (rad/s)^2.
    """
    with nogil:
        _straightened(fine, sites, levels, place, tones, numbers, samples, dt, weight, kick, rough, out)


cdef void _straightened(const double[::1] fine, const long[:, ::1] sites, const long[::1] levels,
                        const long[::1] place, const long[:, ::1] tones, const double[:, ::1] numbers,
                        const double[:, ::1] samples, double dt, double weight, double[:, :, ::1] kick,
                        double[::1] rough, double[::1] out) noexcept nogil:
    cdef Py_ssize_t q, j
    _kinks(tones, numbers, samples, dt, weight, kick, rough)
    for q in range(kick.shape[0]):
        for j in range(2):
            kick[q, 0, j] = 2 * kick[q, 0, j]
            kick[q, kick.shape[1] - 1, j] = 2 * kick[q, kick.shape[1] - 1, j]
    _joined(fine, sites, levels, place, kick, out)


cdef void _joined(const double[::1] fine, const long[:, ::1] sites, const long[::1] levels, const long[::1] place,
                  const double[:, :, ::1] kick, double[::1] out) noexcept nogil:
    cdef Py_ssize_t n, k, i, j, p, q, count, rows, size, last = kick.shape[1] - 1
    cdef double[5] zero
    cdef double[4] one
    cdef double[8] ends
    cdef double[200] e
    cdef const double* u
    cdef const long* at
    cdef double* target
    cdef bint some
    cdef int d
    for i in range(5):
        zero[i] = 0.0
    for i in range(4):
        one[i] = 1.0
    for n in range(sites.shape[0]):
        q = sites[n, 0]
        d = <int>levels[q]
        size = 2 * d * d
        u = &fine[0] + sites[n, 1]
        target = &out[0] + sites[n, 3]
        at = &place[0] + sites[n, 4]
        rows = sites[n, 2]
        k = 0
        while k < rows:
            p = at[k]
            count = 1
            while count < 3 and k + count < rows and at[k + count] == p + count:
                count += 1
            some = False
            for i in range(count + 1):
                some = some or kick[q, p + i, 0] != 0 or kick[q, p + i, 1] != 0
            if some:
                ps_pieces(zero, one, &kick[q, p, 0], &kick[q, p, 0], <int>(count + 1), d, e)
            for i in range(count):
                if some:
                    memcpy(target, e + i * size, size * sizeof(double))
                    ps_times(u, target, d)
                else:
                    memcpy(target, u, size * sizeof(double))
                ps_times(u + size, target, d)
                if some:
                    ps_untimes(e + (i + 1) * size, target, d)
                u += 2 * size
                target += size
                k += 1
        for j in range(2):
            ends[j] = -kick[q, 0, j]
            ends[2 + j] = kick[q, last, j]
        ps_pieces(zero, one, ends, ends, 2, d, target)


cdef void _powers(double re, double im, int d, double* pr, double* pi) noexcept nogil:
    cdef int k
    pr[0] = 1.0
    pi[0] = 0.0
    for k in range(1, d):
        pr[k] = pr[k - 1] * re - pi[k - 1] * im
        pi[k] = pr[k - 1] * im + pi[k - 1] * re


def lanes(const double[:, ::1] energies, const long[::1] levels, const long[:, ::1] sites,
          const long[:, ::1] places, const double[:, ::1] samples, const long[:, ::1] pairs, const long[::1] place,
          const long[:, ::1] tones, double dt, double weight, const double[:, :, ::1] numbers, double[:, ::1] rough,
          double[::1] fine, double[::1] coarse, double[:, :, ::1] kick, long margin, long total,
          const long[::1] strides, int group, int dp,
          const long[:, ::1] one_segments, const long[:, ::1] one_busy, const double[::1] one_span,
          const long[:, :, ::1] one_layers, const double[::1] one_pool, const long[:, ::1] one_kinds,
          const double[:, :, ::1] one_diagonal, double[:, ::1] one_re, double[:, ::1] one_im,
          long[:, ::1] one_place,
          const long[:, ::1] two_segments, const long[:, ::1] two_busy, const double[::1] two_span,
          const long[:, :, ::1] two_layers, const double[::1] two_pool, const long[:, ::1] two_kinds,
          const double[:, :, ::1] two_diagonal, double[:, ::1] two_re, double[:, ::1] two_im,
          long[:, ::1] two_place, const double[::1] none, double[::1] lent, double[:, ::1] fallen,
          long[:, ::1] falls):
    """Run one ket of each of some lanes in steps of a sample, and one in steps of two.

    What :func:`carried`, :func:`straightened` and :func:`run` do for a lane,
    lane after lane.

    Args:
        energies, levels, sites, places, samples: as of :func:`carried`.
        pairs, place, tones, dt, weight: as of :func:`straightened`, ``pairs``
            its ``sites``.
        numbers: float64[lanes, n, 4]. rough: float64[lanes, transmons], zeros.
        fine, coarse: tables of one lane at a time, of steps of one and two samples.
        kick: scratch, as of :func:`straightened`.
        margin, total, strides, group, dp: as of :func:`run`; and of either run,
            a ket to a lane: segments, busy, span, layers, pool, kinds,
            diagonal, re, im, place.
        none, lent, fallen, falls: nothing is watched.
    """
    cdef Py_ssize_t n, count = numbers.shape[0]
    cdef long whole = 1 << 60
    with nogil:
        for n in range(count):
            _carried(energies, levels, sites, places, numbers[n], samples, dt, 1, fine)
            memset(&kick[0, 0, 0], 0, kick.shape[0] * kick.shape[1] * 2 * sizeof(double))
            _straightened(fine, pairs, levels, place, tones, numbers[n], samples, dt, weight, kick, rough[n], coarse)
            _run(two_re[n : n + 1], two_im[n : n + 1], margin, total, levels, strides, group, dp, two_segments,
                 two_busy, coarse, two_layers, two_pool, two_kinds, two_diagonal, two_place[n : n + 1], whole,
                 two_span, none, none, lent, fallen, fallen, falls)
            _run(one_re[n : n + 1], one_im[n : n + 1], margin, total, levels, strides, group, dp, one_segments,
                 one_busy, fine, one_layers, one_pool, one_kinds, one_diagonal, one_place[n : n + 1], whole,
                 one_span, none, none, lent, fallen, fallen, falls)
