"""Split-operator steps on one ket: local unitaries, pair gates, diagonals.

A ket is two float64 arrays (real, imaginary part) of ``rows`` rows. A row
holds the first few transmons (the row group, dimension D0), padded with zeros
to DP = 4 or 8 entries; the others follow, slowest last. MARGIN doubles before
and after the data may be read (they are multiplied by zero).
"""

cdef extern from *:
    """
    #include <math.h>
    typedef double v4 __attribute__((vector_size(32)));
    typedef double v4u __attribute__((vector_size(32), aligned(8)));
    #define LD(p) ((v4)(*(const v4u*)(p)))
    #define ST(p, v) (*(v4u*)(p) = (v4u)(v))
    #define INL static inline __attribute__((always_inline))

    /* one transmon of stride s (a multiple of 4): x <- U x, U[d][d] as (re, im) */
    INL void local_t(double* re, double* im, long s, long blocks, const double* u, const int d) {
        for (long b = 0; b < blocks; b++) {
            double* pr = re + b * s * d;
            double* pi = im + b * s * d;
            for (long k = 0; k < s; k += 4) {
                v4 xr[5], xi[5];
                for (int a = 0; a < d; a++) { xr[a] = LD(pr + a * s + k); xi[a] = LD(pi + a * s + k); }
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
    static void ps_local(double* re, double* im, long s, long blocks, const double* u, int d) {
        if (d == 2) local_t(re, im, s, blocks, u, 2);
        else if (d == 3) local_t(re, im, s, blocks, u, 3);
        else if (d == 4) local_t(re, im, s, blocks, u, 4);
        else local_t(re, im, s, blocks, u, 5);
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
    INL void pairrow_d(double* re, double* im, long total, long rho, long sj, int dj, const double* c, const int nv,
                       const int real) {
        if (dj == 2) pairrow_t(re, im, total, rho, sj, 2, c, nv, real);
        else if (dj == 3) pairrow_t(re, im, total, rho, sj, 3, c, nv, real);
        else if (dj == 4) pairrow_t(re, im, total, rho, sj, 4, c, nv, real);
        else pairrow_t(re, im, total, rho, sj, 5, c, nv, real);
    }
    static void ps_pairrow(double* re, double* im, long total, long rho, long sj, int dj, const double* c, int dp,
                           int real) {
        if (dp == 8) { if (real) pairrow_d(re, im, total, rho, sj, dj, c, 2, 1);
                       else pairrow_d(re, im, total, rho, sj, dj, c, 2, 0); }
        else { if (real) pairrow_d(re, im, total, rho, sj, dj, c, 1, 1);
               else pairrow_d(re, im, total, rho, sj, dj, c, 1, 0); }
    }

    static double ps_norm(const double* re, const double* im, long total) {
        v4 s = {0, 0, 0, 0}, t = {0, 0, 0, 0};
        for (long k = 0; k < total; k += 4) {
            v4 x = LD(re + k), y = LD(im + k);
            s += x * x; t += y * y;
        }
        s += t;
        return (s[0] + s[1]) + (s[2] + s[3]);
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
    /* out <- u out, d x d complex */
    static void ps_times(const double* u, double* out, int d) {
        double n[50];
        for (int a = 0; a < d; a++)
            for (int b = 0; b < d; b++) {
                double p = 0, q = 0;
                for (int c = 0; c < d; c++) {
                    double ur = u[2 * (a * d + c)], ui = u[2 * (a * d + c) + 1];
                    double vr = out[2 * (c * d + b)], vi = out[2 * (c * d + b) + 1];
                    p += ur * vr - ui * vi; q += ur * vi + ui * vr;
                }
                n[2 * (a * d + b)] = p; n[2 * (a * d + b) + 1] = q;
            }
        for (int k = 0; k < 2 * d * d; k++) out[k] = n[k];
    }
    """
    void ps_local(double*, double*, long, long, const double*, int) nogil
    void ps_row(double*, double*, long, const double*, const double*, int, int) nogil
    void ps_pair(double*, double*, long, long, int, long, int, const double*, int) nogil
    void ps_pairrow(double*, double*, long, long, long, int, const double*, int, int) nogil
    double ps_norm(const double*, const double*, long) nogil
    void ps_diagonal(double*, double*, long, const double*, const double*) nogil
    void ps_pieces(const double*, const double*, const double*, const double*, int, int, double*) nogil
    void ps_times(const double*, double*, int) nogil


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


cdef void _layer(double* re, double* im, long total, const long[:, ::1] gates, const double* pool, int dp,
                 int d0) noexcept nogil:
    cdef Py_ssize_t g
    for g in range(gates.shape[0]):
        if gates[g, 0] < 0:
            continue
        if gates[g, 0] == 0 or gates[g, 0] == 3:
            ps_pair(re, im, total, gates[g, 1], <int>gates[g, 2], gates[g, 3], <int>gates[g, 4], pool + gates[g, 5],
                    gates[g, 0] == 3)
        elif gates[g, 0] == 1 or gates[g, 0] == 4:
            ps_pairrow(re, im, total, gates[g, 1], gates[g, 3], <int>gates[g, 4], pool + gates[g, 5], dp,
                       gates[g, 0] == 4)
        else:
            ps_row(re, im, total // dp, pool + gates[g, 5], pool + gates[g, 5] + d0 * dp, d0, dp)


def steps(double[::1] re, double[::1] im, long margin, long total, const long[::1] levels, const long[::1] strides,
          int group, int dp, const long[::1] busy, list tables, Py_ssize_t start, Py_ssize_t count,
          const long[:, :, ::1] layers, const double[::1] pool, const long[::1] diagonals,
          const double[:, :, ::1] diagonal, long opening, long closing, double floor):
    """Run outer steps K A K A ... on one ket, in place.

    Each step is, for every stage: the stage's diagonal, its local unitaries,
    then the coupling layer after it. ``opening`` is the layer before the
    first step (-1: none), ``closing`` the one after the last stage of the
    last step (-2: the usual one, -1: none).

    Args:
        re, im: float64[margin + total + margin].
        levels, strides: int64[n]; of a row-group qubit, its stride in the row.
        group: qubits in the row group (1 or 2). dp: padded row length.
        busy: int64[k], qubits with local unitaries, ascending.
        tables: k arrays float64[steps * stages, d * d, 2].
        start, count: which steps of the tables.
        layers: int64[kinds, gates, 6]: (kind, si, di, sj, dj, offset in pool).
        diagonals: int64[stages]: diagonal of each stage, then int64 layer after.
        diagonal: float64[kinds, 2, total].
        floor: return after the first step at whose end the squared norm is
            not above it (negative: never).

    Returns:
        Steps done in this call.
    """
    cdef Py_ssize_t stages = diagonals.shape[0] // 2
    cdef Py_ssize_t s, t, b, nb = busy.shape[0], row, q, done = 0
    cdef double* pr = &re[margin]
    cdef double* pi = &im[margin]
    cdef const double* ptr[64]
    cdef long width[64]
    cdef double cr[64]
    cdef double ci[64]
    cdef const double* u0
    cdef const double* u1
    cdef const double[:, :, ::1] view
    cdef int d0 = <int>(levels[0] * (levels[1] if group == 2 else 1))
    cdef long kind
    cdef bint rowbusy
    cdef long blocks[64]
    for b in range(nb):
        blocks[b] = total // (strides[busy[b]] * levels[busy[b]])
        view = tables[b]
        ptr[b] = &view[0, 0, 0]
        width[b] = view.shape[1] * 2
    with nogil:
        if opening >= 0:
            _layer(pr, pi, total, layers[opening], &pool[0], dp, d0)
        for t in range(start, start + count):
            for s in range(stages):
                if diagonals[s] >= 0:
                    ps_diagonal(pr, pi, total, &diagonal[diagonals[s], 0, 0], &diagonal[diagonals[s], 1, 0])
                row = t * stages + s
                u0 = NULL
                u1 = NULL
                rowbusy = False
                for b in range(nb):
                    q = busy[b]
                    if q < group:
                        rowbusy = True
                        if q == 0:
                            u0 = ptr[b] + row * width[b]
                        else:
                            u1 = ptr[b] + row * width[b]
                    else:
                        ps_local(pr, pi, strides[q], blocks[b], ptr[b] + row * width[b],
                                 <int>levels[q])
                if rowbusy:
                    _row_matrix(&levels[0], group, u0, u1, cr, ci, dp)
                    ps_row(pr, pi, total // dp, cr, ci, d0, dp)
                kind = diagonals[stages + s]
                if t == start + count - 1 and s == stages - 1 and closing != -2:
                    kind = closing
                if kind >= 0:
                    _layer(pr, pi, total, layers[kind], &pool[0], dp, d0)
            done += 1
            if floor >= 0 and ps_norm(pr, pi, total) <= floor:
                break
    return done


def norm(const double[::1] re, const double[::1] im, long margin, long total):
    """Return the squared norm of a ket."""
    return ps_norm(&re[margin], &im[margin], total)


def compose(const double[:, :, ::1] fine, double[:, :, ::1] out, int d):
    """Write products of neighbours, out[k] = fine[2 k + 1] fine[2 k].

    Args:
        fine: float64[2 * stages, d * d, 2]. out: float64[stages, d * d, 2].
        d: levels.
    """
    cdef Py_ssize_t s, k
    with nogil:
        for s in range(out.shape[0]):
            for k in range(d * d):
                out[s, k, 0] = fine[2 * s, k, 0]
                out[s, k, 1] = fine[2 * s, k, 1]
            ps_times(&fine[2 * s + 1, 0, 0], &out[s, 0, 0], d)


def products(const double[:, :, ::1] fine, const long[::1] first, double[:, :, ::1] out, int d):
    """Write products of runs, out[k] = fine[first[k + 1] - 1] ... fine[first[k]].

    Args:
        fine: float64[pieces, d * d, 2]. out: float64[stages, d * d, 2].
        first: int64[stages + 1], each at least one piece.
        d: levels.
    """
    cdef Py_ssize_t s, p, k
    with nogil:
        for s in range(out.shape[0]):
            for k in range(d * d):
                out[s, k, 0] = fine[first[s], k, 0]
                out[s, k, 1] = fine[first[s], k, 1]
            for p in range(first[s] + 1, first[s + 1]):
                ps_times(&fine[p, 0, 0], &out[s, 0, 0], d)


def turned(const double[:, :, ::1] u, const long[::1] which, const double[:, ::1] turn, int d,
           double[:, :, ::1] out):
    """Write propagators seen from another frame, out[k] = P[k + 1]^dag u[which[k]] P[k].

    Args:
        u: float64[kinds, d * d, 2].
        which: int64[stages].
        turn: float64[stages + 1, 2], P[k] = diag(1, turn[k], turn[k]^2, ...).
        d: levels, at most 5.
        out: float64[stages, d * d, 2].
    """
    cdef Py_ssize_t s, a, b, k
    cdef double[5] pr, pi, qr, qi
    cdef double xr, xi, yr, yi
    cdef const double* m
    with nogil:
        _powers(turn[0, 0], turn[0, 1], d, &qr[0], &qi[0])
        for s in range(out.shape[0]):
            for a in range(d):
                pr[a] = qr[a]
                pi[a] = qi[a]
            _powers(turn[s + 1, 0], turn[s + 1, 1], d, &qr[0], &qi[0])
            m = &u[which[s], 0, 0]
            for a in range(d):
                for b in range(d):
                    k = a * d + b
                    xr = m[2 * k] * pr[b] - m[2 * k + 1] * pi[b]
                    xi = m[2 * k] * pi[b] + m[2 * k + 1] * pr[b]
                    yr = xr * qr[a] + xi * qi[a]
                    yi = xi * qr[a] - xr * qi[a]
                    out[s, k, 0] = yr
                    out[s, k, 1] = yi


cdef void _powers(double re, double im, int d, double* pr, double* pi) noexcept nogil:
    cdef int k
    pr[0] = 1.0
    pi[0] = 0.0
    for k in range(1, d):
        pr[k] = pr[k - 1] * re - pi[k - 1] * im
        pi[k] = pr[k - 1] * im + pi[k - 1] * re


def sparse_times(const int[::1] start, const int[::1] column, const double[::1] value, const double[:, ::1] x,
                 double[:, ::1] out):
    """Write a real sparse matrix times a complex vector.

    Args:
        start, column, value: the matrix by rows (CSR).
        x, out: float64[dim, 2].
    """
    cdef Py_ssize_t r, k
    cdef double re, im
    with nogil:
        for r in range(out.shape[0]):
            re = 0.0
            im = 0.0
            for k in range(start[r], start[r + 1]):
                re = re + value[k] * x[column[k], 0]
                im = im + value[k] * x[column[k], 1]
            out[r, 0] = re
            out[r, 1] = im
