"""Run kets through programs by splitting (the steps: outer.h), and make the local unitaries."""

from libc.math cimport cos, sin
from libc.string cimport memcpy, memset

cdef enum:
    TURNS = 16  # rows over which a carrier's phase is multiplied up

cdef extern from *:
    """
    #include <math.h>
    #include "outer.h"

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
    ctypedef struct course_t:
        const long *segments
    long SEG_STEPS, SEG_COLUMNS
    course_t outer_course(long, long, long, long, const long*, const long*, const long*, const long*, const double*,
                          const long*, long, const double*, const long*, const double*) nogil
    void outer_begin(const course_t*, long, int, double*, double*) nogil
    void outer_step(const course_t*, long, long, double*, double*) nogil
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


cdef course_t _course(long total, const long[::1] levels, const long[::1] strides, int group, int dp,
                      const long[:, ::1] segments, const long[:, ::1] busy, const double[::1] tables,
                      const long[:, :, ::1] layers, const double[::1] pool, const long[:, ::1] kinds,
                      const double[:, :, ::1] diagonal) noexcept nogil:
    return outer_course(total, dp, levels.shape[0], group, &levels[0], &strides[0], &segments[0, 0], &busy[0, 0],
                        &tables[0], &layers[0, 0, 0], layers.shape[1], &pool[0], &kinds[0, 0], &diagonal[0, 0, 0])


def run(double[:, ::1] re, double[:, ::1] im, long margin, long total, const long[::1] levels,
        const long[::1] strides, int group, int dp, const long[:, ::1] segments, const long[:, ::1] busy,
        const double[::1] tables, const long[:, :, ::1] layers, const double[::1] pool, const long[:, ::1] kinds,
        const double[:, :, ::1] diagonal, long[:, ::1] place, long budget):
    """Run outer steps K A K A ... of a whole program on kets, one after another, in place.

    Each step is its diagonal, its local unitaries (the first takes up the
    diagonal), then the coupling layer after it. A segment's steps are of one
    length.

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
        place: int64[kets, 3]: the segment, the steps done of it, whether the
            ket is whole (without a layer of the next step); moved on.
        budget: how many steps to do at most.

    Returns:
        Whether all kets are at the end.
    """
    cdef course_t course
    cdef bint done
    with nogil:
        course = _course(total, levels, strides, group, dp, segments, busy, tables, layers, pool, kinds, diagonal)
        done = _run(re, im, margin, &course, segments.shape[0] - 1, place, budget)
    return done


cdef bint _run(double[:, ::1] re, double[:, ::1] im, long margin, const course_t* course, long last,
               long[:, ::1] place, long budget) noexcept nogil:
    cdef Py_ssize_t r
    cdef long k = last, t, count
    cdef double* pr
    cdef double* pi
    for r in range(re.shape[0]):
        pr = &re[r, margin]
        pi = &im[r, margin]
        k = place[r, 0]
        t = place[r, 1]
        while k < last and budget > 0:
            count = course.segments[SEG_COLUMNS * k + SEG_STEPS]
            if t == 0 or place[r, 2]:
                outer_begin(course, k, <int>place[r, 2], pr, pi)
                place[r, 2] = False
            while t < count and budget > 0:
                outer_step(course, k, t, pr, pi)
                t += 1
                budget -= 1
            if t == count:
                k += 1
                t = 0
        place[r, 0] = k
        place[r, 1] = t
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
          const long[:, ::1] one_segments, const long[:, ::1] one_busy, const long[:, :, ::1] one_layers,
          const double[::1] one_pool, const long[:, ::1] one_kinds, const double[:, :, ::1] one_diagonal,
          double[:, ::1] one_re, double[:, ::1] one_im, long[:, ::1] one_place,
          const long[:, ::1] two_segments, const long[:, ::1] two_busy, const long[:, :, ::1] two_layers,
          const double[::1] two_pool, const long[:, ::1] two_kinds, const double[:, :, ::1] two_diagonal,
          double[:, ::1] two_re, double[:, ::1] two_im, long[:, ::1] two_place):
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
            a ket to a lane: segments, busy, layers, pool, kinds, diagonal, re,
            im, place.
    """
    cdef Py_ssize_t n, count = numbers.shape[0]
    cdef long whole = 1 << 60
    cdef course_t one, two
    with nogil:
        one = _course(total, levels, strides, group, dp, one_segments, one_busy, fine, one_layers, one_pool, one_kinds,
                      one_diagonal)
        two = _course(total, levels, strides, group, dp, two_segments, two_busy, coarse, two_layers, two_pool,
                      two_kinds, two_diagonal)
        for n in range(count):
            _carried(energies, levels, sites, places, numbers[n], samples, dt, 1, fine)
            memset(&kick[0, 0, 0], 0, kick.shape[0] * kick.shape[1] * 2 * sizeof(double))
            _straightened(fine, pairs, levels, place, tones, numbers[n], samples, dt, weight, kick, rough[n], coarse)
            _run(two_re[n : n + 1], two_im[n : n + 1], margin, &two, two_segments.shape[0] - 1,
                 two_place[n : n + 1], whole)
            _run(one_re[n : n + 1], one_im[n : n + 1], margin, &one, one_segments.shape[0] - 1,
                 one_place[n : n + 1], whole)
