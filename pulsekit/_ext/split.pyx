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
    INL void sector_t(double* pr, double* pi, const long* off, const double* c, const int k) {
        v4 xr[5], xi[5];
        for (int a = 0; a < k; a++) { xr[a] = LD(pr + off[a]); xi[a] = LD(pi + off[a]); }
        for (int a = 0; a < k; a++) {
            v4 yr = {0, 0, 0, 0}, yi = {0, 0, 0, 0};
            for (int b = 0; b < k; b++) {
                double m = c[a * k + b];
                if (((a - b) & 1) == 0) { yr += m * xr[b]; yi += m * xi[b]; }
                else { yr += m * xi[b]; yi -= m * xr[b]; }
            }
            ST(pr + off[a], yr); ST(pi + off[a], yi);
        }
    }
    INL void pair_t(double* re, double* im, long total, long si, int di, long sj, int dj, const double* c,
                    const int three) {
        long off[9][5]; int size[9]; long start[9]; int sectors = 0; long at = 0;
        for (int n = 0; n <= di + dj - 2; n++) {
            int k = 0;
            for (int a = 0; a < dj; a++) { int b = n - a; if (b >= 0 && b < di) { off[sectors][k] = a * sj + b * si; k++; } }
            if (k > 1) { size[sectors] = k; start[sectors] = at; sectors++; }
            at += (long)k * k;
        }
        for (long hi = 0; hi < total; hi += sj * dj)
            for (long mid = hi; mid < hi + sj; mid += si * di)
                for (long k = mid; k < mid + si; k += 4) {
                    double* pr = re + k; double* pi = im + k;
                    if (three) {
                        sector_t(pr, pi, off[0], c + start[0], 2);
                        sector_t(pr, pi, off[1], c + start[1], 3);
                        sector_t(pr, pi, off[2], c + start[2], 2);
                    } else
                        for (int s = 0; s < sectors; s++) {
                            if (size[s] == 2) sector_t(pr, pi, off[s], c + start[s], 2);
                            else if (size[s] == 3) sector_t(pr, pi, off[s], c + start[s], 3);
                            else if (size[s] == 4) sector_t(pr, pi, off[s], c + start[s], 4);
                            else sector_t(pr, pi, off[s], c + start[s], 5);
                        }
                }
    }
    static void ps_pair(double* re, double* im, long total, long si, int di, long sj, int dj, const double* c) {
        if (di == 3 && dj == 3) pair_t(re, im, total, si, di, sj, dj, c, 1);
        else pair_t(re, im, total, si, di, sj, dj, c, 0);
    }

    /* exchange of a transmon of the row group (stride rho) with one outside;
       c[a][b][DP], entries as above */
    INL void pairrow_t(double* re, double* im, long total, long rho, long sj, const int dj, const double* c,
                       const int nv) {
        const int dp = 4 * nv;
        for (long hi = 0; hi < total; hi += sj * dj)
            for (long k = hi; k < hi + sj; k += dp) {
                v4 yr[5][2], yi[5][2];
                for (int a = 0; a < dj; a++)
                    for (int w = 0; w < nv; w++) {
                        v4 sr = {0, 0, 0, 0}, si = {0, 0, 0, 0};
                        for (int b = 0; b < dj; b++) {
                            const long at = k + b * sj + (a - b) * rho + 4 * w;
                            v4 m = LD(c + (a * dj + b) * dp + 4 * w);
                            v4 xr = LD(re + at), xi = LD(im + at);
                            if (((a - b) & 1) == 0) { sr += m * xr; si += m * xi; }
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
    static void ps_pairrow(double* re, double* im, long total, long rho, long sj, int dj, const double* c, int dp) {
        if (dp == 8) {
            if (dj == 2) pairrow_t(re, im, total, rho, sj, 2, c, 2);
            else if (dj == 3) pairrow_t(re, im, total, rho, sj, 3, c, 2);
            else if (dj == 4) pairrow_t(re, im, total, rho, sj, 4, c, 2);
            else pairrow_t(re, im, total, rho, sj, 5, c, 2);
        } else {
            if (dj == 2) pairrow_t(re, im, total, rho, sj, 2, c, 1);
            else if (dj == 3) pairrow_t(re, im, total, rho, sj, 3, c, 1);
            else if (dj == 4) pairrow_t(re, im, total, rho, sj, 4, c, 1);
            else pairrow_t(re, im, total, rho, sj, 5, c, 1);
        }
    }

    static void ps_diagonal(double* re, double* im, long total, const double* dr, const double* di) {
        for (long k = 0; k < total; k += 4) {
            v4 a = LD(dr + k), b = LD(di + k), x = LD(re + k), y = LD(im + k);
            v4 p = a * x, q = a * y;
            p -= b * y; q += b * x;
            ST(re + k, p); ST(im + k, q);
        }
    }

    /* exp of -i tau (diag + f a + conj(f) a^dag), d <= 5, times out */
    static void ps_exp(const double* diag, double fr, double fi, double tau, int d, double* out) {
        double hr[25], norm = 0, centre = 0;
        double ar[25], ai[25], tr[25], ti[25], nr[25], ni[25];
        double e[5];
        (void)hr;
        for (int k = 0; k < d; k++) centre += diag[k];
        centre /= d;
        for (int k = 0; k < d; k++) { e[k] = (diag[k] - centre) * tau; if (fabs(e[k]) > norm) norm = fabs(e[k]); }
        double g = tau * sqrt(fr * fr + fi * fi) * 2 * sqrt((double)(d - 1));
        norm += g;
        int halvings = 0;
        double scale = 1;
        while (norm * scale > 1.0) { scale *= 0.5; halvings++; }
        double sr[5], si[5]; /* superdiagonal -i f sqrt(n) tau; subdiagonal is minus its conjugate */
        for (int k = 0; k < d - 1; k++) {
            double q = sqrt((double)(k + 1)) * tau * scale;
            sr[k] = fi * q; si[k] = -fr * q;
        }
        for (int k = 0; k < d; k++) e[k] *= -scale; /* diagonal is i e */
        for (int k = 0; k < d * d; k++) { ar[k] = 0; ai[k] = 0; tr[k] = 0; ti[k] = 0; }
        for (int k = 0; k < d; k++) { ar[k * d + k] = 1; tr[k * d + k] = 1; }
        double x = norm * scale, size = 1;
        for (int order = 1; order < 24; order++) {
            double inv = 1.0 / order;
            for (int a = 0; a < d; a++)
                for (int b = 0; b < d; b++) {
                    double p = -e[a] * ti[a * d + b], q = e[a] * tr[a * d + b];
                    if (a + 1 < d) {
                        p += sr[a] * tr[(a + 1) * d + b] - si[a] * ti[(a + 1) * d + b];
                        q += sr[a] * ti[(a + 1) * d + b] + si[a] * tr[(a + 1) * d + b];
                    }
                    if (a > 0) {
                        p += -sr[a - 1] * tr[(a - 1) * d + b] - si[a - 1] * ti[(a - 1) * d + b];
                        q += -sr[a - 1] * ti[(a - 1) * d + b] + si[a - 1] * tr[(a - 1) * d + b];
                    }
                    nr[a * d + b] = p * inv; ni[a * d + b] = q * inv;
                }
            for (int k = 0; k < d * d; k++) { tr[k] = nr[k]; ti[k] = ni[k]; ar[k] += nr[k]; ai[k] += ni[k]; }
            size *= x * inv;
            if (size < 1e-17) break;
        }
        for (int s = 0; s < halvings; s++) {
            for (int a = 0; a < d; a++)
                for (int b = 0; b < d; b++) {
                    double p = 0, q = 0;
                    for (int c = 0; c < d; c++) {
                        p += ar[a * d + c] * ar[c * d + b] - ai[a * d + c] * ai[c * d + b];
                        q += ar[a * d + c] * ai[c * d + b] + ai[a * d + c] * ar[c * d + b];
                    }
                    nr[a * d + b] = p; ni[a * d + b] = q;
                }
            for (int k = 0; k < d * d; k++) { ar[k] = nr[k]; ai[k] = ni[k]; }
        }
        double pc = cos(centre * tau), ps = -sin(centre * tau);
        for (int k = 0; k < d * d; k++) {
            double p = ar[k], q = ai[k];
            ar[k] = p * pc - q * ps; ai[k] = p * ps + q * pc;
        }
        for (int a = 0; a < d; a++)
            for (int b = 0; b < d; b++) {
                double p = 0, q = 0;
                for (int c = 0; c < d; c++) {
                    double ur = out[2 * (c * d + b)], ui = out[2 * (c * d + b) + 1];
                    p += ar[a * d + c] * ur - ai[a * d + c] * ui;
                    q += ar[a * d + c] * ui + ai[a * d + c] * ur;
                }
                nr[a * d + b] = p; ni[a * d + b] = q;
            }
        for (int k = 0; k < d * d; k++) { out[2 * k] = nr[k]; out[2 * k + 1] = ni[k]; }
    }
    """
    void ps_local(double*, double*, long, long, const double*, int) nogil
    void ps_row(double*, double*, long, const double*, const double*, int, int) nogil
    void ps_pair(double*, double*, long, long, int, long, int, const double*) nogil
    void ps_pairrow(double*, double*, long, long, long, int, const double*, int) nogil
    void ps_diagonal(double*, double*, long, const double*, const double*) nogil
    void ps_exp(const double*, double, double, double, int, double*) nogil


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
    cdef Py_ssize_t s, p, k
    cdef int d = diagonal.shape[0]
    with nogil:
        for s in range(out.shape[0]):
            for k in range(d * d):
                out[s, k, 0] = 1.0 if k % (d + 1) == 0 else 0.0
                out[s, k, 1] = 0.0
            for p in range(first[s], first[s + 1]):
                if f1[p, 0] == f2[p, 0] and f1[p, 1] == f2[p, 1]:
                    ps_exp(&diagonal[0], f1[p, 0], f1[p, 1], tau[p], d, &out[s, 0, 0])
                else:
                    ps_exp(&diagonal[0], f1[p, 0], f1[p, 1], tau[p] / 2, d, &out[s, 0, 0])
                    ps_exp(&diagonal[0], f2[p, 0], f2[p, 1], tau[p] / 2, d, &out[s, 0, 0])


cdef void _row_matrix(const long* levels, int group, const double* u0, const double* u1, double* cr, double* ci,
                      int dp) noexcept nogil:
    cdef int d0 = levels[0], d1 = levels[1] if group == 2 else 1
    cdef int a, b, c, e
    cdef double pr, pi, qr, qi
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


cdef void _layer(double* re, double* im, long total, const long[:, ::1] gates, const double* pool, bint backward,
                 int dp, int d0) noexcept nogil:
    cdef Py_ssize_t n = gates.shape[0], k, g
    cdef double cr[64]
    cdef double ci[64]
    for k in range(n):
        g = n - 1 - k if backward else k
        if gates[g, 0] == 0:
            ps_pair(re, im, total, gates[g, 1], <int>gates[g, 2], gates[g, 3], <int>gates[g, 4], pool + gates[g, 5])
        elif gates[g, 0] == 1:
            ps_pairrow(re, im, total, gates[g, 1], gates[g, 3], <int>gates[g, 4], pool + gates[g, 5], dp)
        else:
            ps_row(re, im, total // dp, pool + gates[g, 5], pool + gates[g, 5] + d0 * dp, d0, dp)


def steps(double[::1] re, double[::1] im, long margin, long total, const long[::1] levels, const long[::1] strides,
          int group, int dp, const long[::1] busy, list tables, Py_ssize_t start, Py_ssize_t count,
          const long[:, :, ::1] layers, const double[::1] pool, const long[::1] diagonals,
          const double[:, :, ::1] diagonal, long opening, long closing, long parity):
    """Run outer steps K A K A ... on one ket, in place.

    Each step is, for every stage: the stage's diagonal, its local unitaries,
    then the coupling layer after it. ``opening`` is the layer before the
    first step (-1: none), ``closing`` the one after the last stage of the
    last step (-2: the usual one, -1: none); both run forward, then backward,
    and are tabulated for half their length.

    Gates of a layer do not all commute. From step to step layers run forward,
    backward, backward, forward, ..., so that the commutators' partial sums
    average to nothing.

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
        parity: steps done before.

    Returns:
        Steps done after.
    """
    cdef Py_ssize_t stages = diagonals.shape[0] // 2
    cdef Py_ssize_t s, t, b, nb = busy.shape[0], row, q
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
    for b in range(nb):
        view = tables[b]
        ptr[b] = &view[0, 0, 0]
        width[b] = view.shape[1] * 2
    with nogil:
        if opening >= 0:
            _layer(pr, pi, total, layers[opening], &pool[0], False, dp, d0)
            _layer(pr, pi, total, layers[opening], &pool[0], True, dp, d0)
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
                        ps_local(pr, pi, strides[q], total // (strides[q] * levels[q]), ptr[b] + row * width[b],
                                 <int>levels[q])
                if rowbusy:
                    _row_matrix(&levels[0], group, u0, u1, cr, ci, dp)
                    ps_row(pr, pi, total // dp, cr, ci, d0, dp)
                kind = diagonals[stages + s]
                if t == start + count - 1 and s == stages - 1 and closing != -2:
                    if closing >= 0:
                        _layer(pr, pi, total, layers[closing], &pool[0], False, dp, d0)
                        _layer(pr, pi, total, layers[closing], &pool[0], True, dp, d0)
                elif kind >= 0:
                    _layer(pr, pi, total, layers[kind], &pool[0], ((parity + 1) >> 1) & 1, dp, d0)
            parity += 1
    return parity
